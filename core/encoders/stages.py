"""Work on a clip that goes on while other work on it does, with a bounded amount of it waiting in between.

What is called off or fails in one stage ends the others: its error is raised where its results are asked for.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from hashlib import blake2b
from typing import TypeVar

import numpy as np

from core.cancellation import raise_if_cancelled

PICTURES_AHEAD = 4  # that are decoded while a face is looked for in one: of 640 pixels a side, a megabyte each
CROPS_AT_A_TIME = 16  # whose activations a processor's cache holds
BATCHES_AHEAD = 4  # of crops that wait to be embedded

T = TypeVar("T")


def ahead(items: Iterable[T], most: int = PICTURES_AHEAD) -> Generator[T]:
    """The same items, made in a thread of their own, at most so many before they are asked for.

    Close it, or read it to its end: until then the thread is there. What ``items`` raise is raised here.
    """
    changed = threading.Condition()
    waiting: deque[T] = deque()
    raised: list[BaseException] = []
    over = left = False

    def make() -> None:
        nonlocal over
        try:
            for item in items:
                with changed:
                    changed.wait_for(lambda: left or len(waiting) < most)
                    if left:
                        return
                    waiting.append(item)
                    changed.notify_all()
        except BaseException as error:  # whatever it is, it belongs to who reads
            raised.append(error)
        finally:
            if close := getattr(items, "close", None):
                close()  # what it has opened is closed in the thread that has opened it
            with changed:
                over = True
                changed.notify_all()

    maker = threading.Thread(target=copy_context().run, args=(make,), daemon=True)
    maker.start()
    try:
        while True:
            with changed:
                changed.wait_for(lambda: over or waiting)
                if not waiting:
                    break
                item = waiting.popleft()
                changed.notify_all()
            yield item
        if raised:
            raise raised[0]
    finally:
        with changed:
            left = True
            changed.notify_all()
        maker.join()


class Embedding:
    """Embeds crops in batches, in a thread of its own, while more of them are being found.

    Crops are known by what they show: one that is added twice is embedded once. Use it as a context manager.

    Args:
        embed: crops uint8 [N, 48, 48] -> float32 [N, D], N <= ``CROPS_AT_A_TIME``.
    """

    def __init__(self, embed: Callable[[np.ndarray], np.ndarray]):
        self._embed = embed
        self._beside = ThreadPoolExecutor(1)
        self._batch: dict[bytes, np.ndarray] = {}
        self._places: dict[bytes, int] = {}
        self._pending: deque[Future[np.ndarray]] = deque()
        self._found: list[np.ndarray] = []

    def __enter__(self) -> "Embedding":
        return self

    def __exit__(self, *_) -> None:
        self._beside.shutdown(cancel_futures=True)

    def add(self, crop: np.ndarray) -> None:
        """A crop [48, 48] that will probably be asked for. Waits while too many are waiting."""
        key = _key(crop)
        if key in self._places:
            return
        self._places[key] = len(self._places)
        self._batch[key] = crop
        if len(self._batch) == CROPS_AT_A_TIME:
            self._submit()

    def of(self, crops: np.ndarray) -> np.ndarray:
        """float32 [N, D] of crops [N, 48, 48], N >= 1; those that were not added are embedded now."""
        for crop in crops:
            self.add(crop)
        if self._batch:
            self._submit()
        while self._pending:
            self._found.append(self._pending.popleft().result())
        embedded = np.concatenate(self._found)
        self._found = [embedded]
        return embedded[[self._places[_key(crop)] for crop in crops]]

    def _submit(self) -> None:
        raise_if_cancelled()
        while len(self._pending) >= BATCHES_AHEAD:
            self._found.append(self._pending.popleft().result())
        batch = np.stack(list(self._batch.values()))
        self._batch = {}
        self._pending.append(self._beside.submit(copy_context().run, self._embed, batch))


def _key(crop: np.ndarray) -> bytes:
    return blake2b(crop.tobytes(), digest_size=16).digest()
