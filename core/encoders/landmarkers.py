"""The faces of successive pictures, found by several of MediaPipe's landmarkers at once where there are cores for them.

MediaPipe computes on one core, and each picture builds on the one before it: the clip is divided into stretches.
"""

import os
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from contextvars import copy_context

from core.cancellation import raise_if_cancelled
from core.encoders.faces import Face, FaceFinder
from core.encoders.stages import ahead
from core.media.reader import Frame

STRETCH = 16  # pictures that one landmarker looks at before the next one does
LEAD = 4  # pictures before a stretch that its landmarker looks at first, so that it follows the faces that are there
MAX_LANDMARKERS = 4
CORES_EACH = 2  # the rest reads, listens and embeds


def landmarkers() -> int:
    """How many work at once on this machine."""
    return max(1, min(MAX_LANDMARKERS, (os.cpu_count() or 1) // CORES_EACH))


def faces_in_order(frames: Iterable[Frame], count: int | None = None) -> Generator[tuple[Frame, list[Face]]]:
    """Each picture with its faces, in the order of the pictures, of which the next ones are made meanwhile.

    Close it, or read it to its end: until then there are threads.

    Args:
        frames: in order of time; made in a thread of their own.
        count: of landmarkers; as many as ``landmarkers`` says unless it is given.
    """
    count = landmarkers() if count is None else count
    if count == 1:
        with FaceFinder() as finder, closing(ahead(frames)) as coming:
            for frame in coming:
                yield frame, finder.find(frame)
        return
    with ExitStack() as opened:
        coming = opened.enter_context(closing(ahead(frames, STRETCH)))
        beside = [opened.enter_context(_Beside()) for _ in range(count)]
        pending: deque[tuple[list[Frame], Future[list[list[Face]]]]] = deque()
        for number, (lead, stretch) in enumerate(_stretches(coming)):
            pending.append((stretch, beside[number % count].submit(lead, stretch)))
            while pending and (len(pending) > count or pending[0][1].done()):
                yield from _first_of(pending)
        while pending:
            yield from _first_of(pending)


def _first_of(pending: deque[tuple[list[Frame], Future[list[list[Face]]]]]) -> Iterable[tuple[Frame, list[Face]]]:
    """Takes the first stretch away, once its faces are found."""
    stretch, found = pending.popleft()
    return zip(stretch, found.result(), strict=True)


class _Beside:
    """A landmarker in a thread of its own, made when it is first needed. Use it as a context manager."""

    def __init__(self):
        self._thread = ThreadPoolExecutor(1)
        self._finder: FaceFinder | None = None

    def __enter__(self) -> "_Beside":
        return self

    def __exit__(self, *error) -> None:
        self._thread.shutdown(cancel_futures=True)
        if self._finder:
            self._finder.__exit__(*error)

    def submit(self, lead: list[Frame], stretch: list[Frame]) -> Future[list[list[Face]]]:
        """The faces of each picture of a stretch that comes behind the pictures of ``lead``."""
        return self._thread.submit(copy_context().run, self._find, lead, stretch)

    def _find(self, lead: list[Frame], stretch: list[Frame]) -> list[list[Face]]:
        if self._finder is None:
            self._finder = FaceFinder()
        found = []
        for frame in (*lead, *stretch):
            raise_if_cancelled()
            found.append(self._finder.find(frame))
        return found[len(lead) :]


def _stretches(frames: Iterable[Frame]) -> Generator[tuple[list[Frame], list[Frame]]]:
    """At most ``STRETCH`` pictures at a time, with the last ``LEAD`` before them."""
    lead: list[Frame] = []
    stretch: list[Frame] = []
    for frame in frames:
        stretch.append(frame)
        if len(stretch) == STRETCH:
            yield lead, stretch
            lead, stretch = stretch[-LEAD:], []
    if stretch:
        yield lead, stretch
