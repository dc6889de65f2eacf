"""Memory that was freed goes back to the system, so that a server holds as much after a year as after a day.

glibc gives threads arenas of their own, up to eight for each core, and keeps what was freed in them. Each analysis
works in threads, and each clip has another length: the holes add up, although nothing is held (see BENCHMARKS.md).
"""

import ctypes

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
    """Lets all threads share a few arenas. Called before threads work; other systems than glibc's need nothing."""
    if _libc is not None and hasattr(_libc, "mallopt"):
        _libc.mallopt(M_ARENA_MAX, MAX_ARENAS)


def give_back() -> None:
    """Returns what is free to the system; other systems than glibc's do so by themselves."""
    if _libc is not None and hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
