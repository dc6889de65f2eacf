"""Keeping lines of native libraries off the console, around one call, without losing what others write meanwhile."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

STDERR = 2
_lock = threading.RLock()  # the file behind a descriptor is that of the whole process


def _renew() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew)  # the thread that held it is not in the child


@contextmanager
def without_lines(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    """Inside, standard error is kept back; afterwards all its lines are written but those that begin as ``unwanted``.

    That holds for all threads of the process, for as long as it takes. Where standard error is closed or no temporary
    file can be made, nothing is kept back.
    """
    with _lock:
        try:
            kept = tempfile.TemporaryFile("a+b")  # noqa: SIM115 whatever is written goes to its end
            console = os.dup(STDERR)
        except OSError:
            yield
            return
        with kept:
            _flush()
            os.dup2(kept.fileno(), STDERR)
            try:
                yield
            finally:
                _flush()
                os.dup2(console, STDERR)
                os.close(console)
                kept.seek(0)
                with suppress(OSError):  # nobody reads standard error any more
                    for line in kept:
                        if not unwanted.match(line):
                            os.write(STDERR, line)


def _flush() -> None:
    with suppress(AttributeError, OSError, ValueError):  # Python's own stream may be missing or closed
        sys.stderr.flush()
