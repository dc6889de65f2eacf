"""Memory that is freed goes back to the system."""

import ctypes
import sys


def give_back() -> None:
    """Returns what is freed and kept by the C library (glibc's; others keep little, and nothing happens).

    What computes with tensors of many sizes leaves holes that others do not fit: 200 MB after five minutes of voice.
    It takes some milliseconds.
    """
    if _trim:
        _trim(0)


_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
