"""What the page remembers of one visitor: kept in the session, never shared, gone when the visit ends."""

import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from core import MODALITIES
from core.analysis import Analysis
from core.features import Missing, Utterance

SUBSETS = tuple(subset for size in (1, 2, 3) for subset in combinations(MODALITIES, size))
WINDOW, HOP = 10.0, 5.0  # seconds
HOUR = 3600  # seconds that a visit and its files may live

_holders: Counter[Path] = Counter()  # two visitors with the same file share it in gradio's cache
_lock = threading.Lock()
_sessions: weakref.WeakValueDictionary[str, "Visit"] = weakref.WeakValueDictionary()  # alive only in gr.State


class Stopped(Exception):
    """The visitor pressed Stop."""


def remember(session: str, visit: "Visit") -> None:
    """Lets ``leave`` find the visit of a session."""
    _sessions[session] = visit


def leave(session: str) -> None:
    """The page was closed: gradio itself would keep the session for another hour."""
    visit = _sessions.pop(session, None)
    if visit:
        visit.stop = True
        visit.end()


@dataclass(eq=False)
class Visit:
    """A visitor's clip and everything said about it.

    Attributes:
        analyses: of each subset of the modalities that the clip has.
        windows: (start, end, analysis) in seconds, empty for clips no longer than a window.
        stop: set by the Stop button, read by the analysis that runs, reset by what begins the next one.
    """

    utterance: Utterance | None = None
    analyses: dict[tuple[str, ...], Analysis] = field(default_factory=dict)
    windows: list[tuple[float, float, Analysis]] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)
    stop: bool = False

    @property
    def present(self) -> tuple[str, ...]:
        """The modalities that the clip has."""
        return _present(self.utterance) if self.utterance else ()

    def take(self, analyzer, path: Path, progress) -> None:
        """Analyses a clip in place of the one before: features once, all subsets, all windows.

        Raises:
            MediaError: the clip cannot be analysed.
            Stopped: ``stop`` was set meanwhile.
        """

        def advance(share: float, stage: str) -> None:
            if self.stop:
                raise Stopped
            progress(share, stage)

        self.clear()
        utterance = analyzer.extract(path, advance)
        present = _present(utterance)
        analyses = {subset: analyzer.judge(utterance, subset) for subset in SUBSETS if set(subset) <= set(present)}
        windows = list(_windows(analyzer, utterance, advance))
        # All at once and the utterance last: a switch may be flipped meanwhile.
        self.analyses, self.windows, self.utterance = analyses, windows, utterance

    def analysis(self, switched_on: tuple[str, ...]) -> Analysis | None:
        """Of the modalities that are switched on and present; None if that leaves nothing."""
        return self.analyses.get(tuple(m for m in self.present if m in switched_on))

    @property
    def everything(self) -> Analysis:
        """With every modality that the clip has."""
        return self.analyses[self.present]

    def clear(self) -> None:
        """Forgets the clip, not its file: the player may still show it."""
        self.utterance, self.analyses, self.windows = None, {}, []

    def own(self, path: Path) -> None:
        """Notes a file that is to be deleted with the visit."""
        with _lock:
            if path not in self.files:
                self.files.add(path)
                _holders[path] += 1

    def end(self) -> None:
        """Deletes the visit's files and forgets everything; the session calls it when the visitor leaves."""
        self.clear()
        with _lock:
            for path in self.files:
                _holders[path] -= 1
                if not _holders[path]:
                    del _holders[path]
                    path.unlink(missing_ok=True)
            self.files.clear()


def _present(utterance: Utterance) -> tuple[str, ...]:
    return tuple(m for m in MODALITIES if not isinstance(utterance[m], Missing))


def _windows(analyzer, utterance: Utterance, advance) -> Iterator[tuple[float, float, Analysis]]:
    """(start, end, analysis) of each window of a clip longer than one; windows that hold nothing are left out."""
    start = 0.0
    while utterance.duration > WINDOW and (start == 0 or start + HOP < utterance.duration):
        advance(0.99, "windows")
        end = min(start + WINDOW, utterance.duration)
        part = utterance.window(start, end)
        if _present(part):
            yield start, end, analyzer.judge(part, MODALITIES)
        start += HOP
