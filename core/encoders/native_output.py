"""Keeping lines of native libraries off the console, around one call, without losing what others write meanwhile."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

STDERR = 2
MOST_KEPT = 1 << 20  # bytes, after which another file is begun
_lock = threading.RLock()  # the file behind a descriptor is that of the whole process
_kept: BinaryIO | None = None  # stays open: a write that began before standard error came back may end afterwards
_read = 0  # bytes of it that were dealt with


def _renew() -> None:
    global _lock, _kept
    _lock, _kept = threading.RLock(), None


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew)  # the thread that held it is not in the child


@contextmanager
def without_lines(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    """Inside, standard error is kept back; afterwards all its lines are written but those that begin as ``unwanted``.

    That holds for all threads of the process, for as long as it takes. Where standard error is closed or no temporary
    file can be made, nothing is kept back. A line that another thread is still writing when this ends appears at the
    end of the next call.
    """
    with _lock:
        try:
            kept = _file()
            console = os.dup(STDERR)
        except OSError:
            yield
            return
        _flush()
        os.dup2(kept.fileno(), STDERR)
        try:
            yield
        finally:
            _flush()
            os.dup2(console, STDERR)
            os.close(console)
            _write_rest(kept, unwanted)


def _file() -> BinaryIO:
    """The file that is written to meanwhile.

    Raises:
        OSError: none can be made.
    """
    global _kept, _read
    if _kept is None or (_read > MOST_KEPT and not os.path.sameopenfile(_kept.fileno(), STDERR)):  # nested: shared
        before, _kept, _read = _kept, tempfile.TemporaryFile("a+b"), 0  # noqa: SIM115 all is written to its end
        if before:
            before.close()
    return _kept


def _write_rest(kept: BinaryIO, unwanted: re.Pattern[bytes]) -> None:
    """Writes to standard error what the file holds and has not been dealt with."""
    global _read
    kept.seek(_read)
    lines = kept.readlines()
    _read = kept.tell()
    with suppress(OSError):  # nobody reads standard error any more
        for line in lines:
            if not unwanted.match(line):
                os.write(STDERR, line)


def _flush() -> None:
    with suppress(AttributeError, OSError, ValueError):  # Python's own stream may be missing or closed
        sys.stderr.flush()
