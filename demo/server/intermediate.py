"""Results on the way: what long work can say before it is done."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


def intermediate_results(work: Callable[[Callable[[Any], None]], T]) -> Generator[Any, None, T]:
    """Yields what ``work`` hands on, as it comes, and returns what it returns.

    The work is done in a thread of its own, in a copy of this context. It is not waited for when the generator is
    closed, which gradio does in its event loop: it has to notice that nobody waits any more.

    Args:
        work: gets a function to hand results on with; what it raises is raised here.
    """
    handed: SimpleQueue[tuple[bool, Any]] = SimpleQueue()
    beside = ThreadPoolExecutor(1)
    working = beside.submit(copy_context().run, work, lambda result: handed.put((True, result)))
    try:
        working.add_done_callback(lambda _: handed.put((False, None)))
        while (there := handed.get())[0]:
            yield there[1]
        return working.result()
    finally:
        beside.shutdown(wait=working.done())
