"""What a process holds of the machine's memory: what is freed goes back, what is never used is not loaded.

glibc gives threads arenas of their own, up to eight for each core, and keeps what was freed in them. Each analysis
works in threads, and each clip has another length: the holes add up, although nothing is held (see BENCHMARKS.md).
Other systems give back by themselves: there nothing happens.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

MAX_ARENAS = 2
M_ARENA_MAX = -8  # malloc.h


def _c_library() -> ctypes.CDLL | None:
    """The C library of this process, None on Windows, where a program cannot be asked for it."""
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):
        return None


_libc = _c_library()


def keep_together() -> None:
    """Lets all threads share a few arenas. Called before threads work."""
    if _libc is not None and hasattr(_libc, "mallopt"):
        _libc.mallopt(M_ARENA_MAX, MAX_ARENAS)


def give_back() -> None:
    """Returns to the system what is freed and kept by the C library.

    What computes with tensors of many sizes leaves holes that others do not fit: 200 MB after five minutes of voice.
    It takes some milliseconds.
    """
    if _libc is not None and hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


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
