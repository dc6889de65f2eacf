"""Calling off slow work from outside: whoever starts it gives a check, the work asks it on its way.

The check raises what shall end the work. It holds for the thread, or copied context, in which it was set, so that one
visitor's Stop never ends another's analysis although both use the same models.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_check: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)


@contextmanager
def stoppable(check: Callable[[], None]) -> Iterator[None]:
    """Inside, ``checkpoint`` calls ``check``."""
    before = _check.set(check)
    try:
        yield
    finally:
        _check.reset(before)


def checkpoint(*_) -> None:
    """Ends the work if it was called off; can stand as a hook of a module, before each of its runs."""
    check = _check.get()
    if check:
        check()
