"""What is freed goes back to the system, and what is never used is not loaded."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def give_back() -> None:
    """Returns what is freed and kept by the C library (glibc's; others keep little, and nothing happens).

    What computes with tensors of many sizes leaves holes that others do not fit: 200 MB after five minutes of voice.
    It takes some milliseconds.
    """
    if _trim:
        _trim(0)


@contextmanager
def as_if_not_installed(module: str) -> Iterator[None]:
    """Importing a module that has not been imported fails within it, as if it were not there."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment] # what Python's import system takes for "not there"
    try:
        yield
    finally:
        del sys.modules[module]


_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
