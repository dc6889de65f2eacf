"""What the page remembers of one visitor: kept in gradio's session, never shared, gone when the visit ends."""

import threading
import weakref
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from core.analysis import Analysis

HOUR = 3600  # seconds that a session and its files may live

_holders: Counter[Path] = Counter()  # two visitors with the same file share it in gradio's cache
_lock = threading.Lock()
_sessions: weakref.WeakValueDictionary[str, "Session"] = weakref.WeakValueDictionary()  # alive only in gr.State


class Stopped(Exception):
    """The visitor pressed Stop."""


def remember(name: str, session: "Session") -> None:
    """Lets ``leave`` find the session that gradio calls by this name."""
    _sessions[name] = session


def leave(name: str) -> None:
    """The page was closed: gradio itself would keep the session for another hour."""
    session = _sessions.pop(name, None)
    if session:
        session.stop = True
        session.end()


@dataclass(eq=False)
class Session:
    """A visitor's clip and everything said about it.

    Attributes:
        analysis: None before the first clip and while one is read.
        stop: set by the Stop button, read by the analysis that runs, reset by what begins the next one.
    """

    analysis: Analysis | None = None
    files: set[Path] = field(default_factory=set)
    stop: bool = False

    def take(self, analyzer, path: Path, progress) -> None:
        """Analyses a clip in place of the one before.

        Raises:
            MediaError: the clip cannot be analysed.
            Stopped: ``stop`` was set meanwhile.
        """

        def advance(share: float, stage: str) -> None:
            if self.stop:
                raise Stopped
            progress(share, stage)

        self.clear()
        self.analysis = analyzer.analyze(path, advance)

    def clear(self) -> None:
        """Forgets the clip, not its file: the player may still show it."""
        self.analysis = None

    def own(self, path: Path) -> None:
        """Notes a file that is to be deleted with the session."""
        with _lock:
            if path not in self.files:
                self.files.add(path)
                _holders[path] += 1

    def end(self) -> None:
        """Deletes the session's files and forgets everything; gradio calls it when the visitor leaves."""
        self.clear()
        with _lock:
            for path in self.files:
                _holders[path] -= 1
                if not _holders[path]:
                    del _holders[path]
                    path.unlink(missing_ok=True)
            self.files.clear()
