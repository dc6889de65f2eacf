"""Shared graphics cards of Hugging Face's Spaces (ZeroGPU): reading a clip borrows one, nothing else does.

There a decorated function runs in a process that is forked from this one, on models that lay on "cuda" before the page
was served. What goes in and comes out is pickled, so progress and *Stop* are heard only when it is back. Everywhere
else this module is asked whether it is needed, and is not.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.analysis.results import Analysis, First
from core.encoders.utterance import Progress
from core.media.reader import MediaError, open_clip

MIN_SECONDS, A_SECOND = 10.0, 0.2  # seconds on loan: for any clip, and for each second of it
MAX_SECONDS = 60.0  # what a card is lent for at most
BORROWING = "waiting for a graphics card"

if TYPE_CHECKING:
    from core.analysis.analyzer import Analyzer

Lend = Callable[..., Callable[[Callable], Callable]]
"""``spaces.GPU`` or what stands in for it: takes ``duration`` and gives a decorator."""


def here() -> bool:
    """Whether this process runs where cards are lent."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def seconds_needed(path: str) -> float:
    """How long a card is asked for: a visitor has minutes of it a day, and short calls wait less."""
    try:
        return min(MAX_SECONDS, MIN_SECONDS + A_SECOND * open_clip(path).duration)
    except MediaError:
        return MIN_SECONDS  # it will be said by the analysis


class BorrowingAnalyzer:
    """Stands in for an ``Analyzer``: reads clips on a borrowed card, and does all else (live) on the processor.

    Args:
        load: makes an analyzer on a device.
        lend: what decorates the function that borrows; that of the platform if none is given.
    """

    def __init__(self, load: Callable[..., "Analyzer"], lend: Lend | None = None):
        if lend is None:
            import spaces  # only there, and before anything has been put on a card

            lend = spaces.GPU
        borrowed = load(device="cuda")
        self._own = load(device="cpu")
        self._read = lend(duration=seconds_needed)(partial(_read, borrowed))

    def loaded(self) -> "Analyzer":
        """The analyzer that stays here."""
        return self._own

    def analyze(self, path: str | Path, progress: Progress | None = None, first: First | None = None) -> Analysis:
        """As ``Analyzer.analyze``; progress is told once, and ``first`` never."""
        if progress:
            progress(0.0, BORROWING)
        found = self._read(str(path))
        if isinstance(found, Analysis):
            return found
        raise MediaError(*found)

    def __getattr__(self, name: str):
        return getattr(self._own, name)


def _read(analyzer: "Analyzer", path: str) -> Analysis | tuple[str, str]:
    """The analysis, or code and sentence of why there is none: an exception would lose them on its way."""
    try:
        return analyzer.analyze(path)
    except MediaError as error:
        return error.code, str(error)
