"""Work spread over processes of this machine, one thread each; results are yielded as they come."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


class BackendError(RuntimeError):
    """The work cannot be done where it was meant to be done."""


def in_processes(
    make_work: Callable[[], Callable[[Item], Result]], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """Applies ``make_work()`` to each item, in any order.

    Args:
        make_work: called once in each process, for what is slow to load; picklable if there are several.
        workers: 1 works in this process.

    Raises:
        BackendError: a process died.
    """
    if not items:
        return
    if workers == 1:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # so that results do not depend on the number of workers
        try:
            yield from map(make_work(), items)
        finally:
            torch.set_num_threads(threads)
        return
    spawn = multiprocessing.get_context("spawn")  # forked processes inherit torch's locks
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(min(workers, len(items)), spawn, _start, (make_work,)) as pool:
        futures = [pool.submit(_apply, item) for item in items]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException as error:
            # The pool would wait for the items at work, which may take an hour each.
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            if isinstance(error, BrokenProcessPool):
                raise BackendError(
                    "A process ended early, most likely for lack of memory. "
                    "What was finished is kept: start the same command again, with fewer --jobs."
                ) from error
            raise


_work: Callable | None = None  # of a worker process


def _start(make_work: Callable[[], Callable]) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches every process; one message, the parent's, is enough
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _work = make_work()


def _end_with_parent() -> None:
    # Nothing else tells a worker that its parent was killed.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _apply(item):
    if _work is None:
        raise RuntimeError("This process was not started to work for another one.")
    return _work(item)
