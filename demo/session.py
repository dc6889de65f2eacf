"""What the page remembers of one visitor: kept in gradio's session, never shared, gone when the visit ends."""

import logging
import time
import traceback
import weakref
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import gradio as gr

from core.analysis import Analysis
from core.media import MediaError
from core.stopping import stoppable
from core.worth import Worth, measure, spans
from demo import uploads, wording
from demo.limits import LONGEST_ANALYSIS
from demo.memory import give_back

UNHEARD = 60.0  # seconds after which an analysis that nobody listens to is given up
MOST_SESSIONS = 48  # that gradio keeps; the one that was used least lately goes

log = logging.getLogger(__name__)

_unheard_since: dict[str, float] = {}
# Alive only while gradio or a running analysis holds them; a program's session may have several at once.
_sessions: dict[str, "weakref.WeakSet[Session]"] = defaultdict(weakref.WeakSet)


class Stopped(Exception):
    """The visitor pressed Stop or has gone."""


def remember(name: str, session: "Session") -> None:
    """Lets ``leave`` find the session that gradio calls by this name."""
    for forgotten in [other for other, sessions in _sessions.items() if not sessions]:
        del _sessions[forgotten]
    _sessions[name].add(session)


def gone(page: gr.Blocks, name: str) -> bool:
    """Whether whoever waits for the analysis that runs under this name has hung up."""
    running = [event for events in page._queue.active_jobs if events for event in events]
    return not any(event.alive for event in running if event.session_hash == name) or unheard(page, name) > UNHEARD


def unheard(page: gr.Blocks, name: str) -> float:
    """Seconds for which nobody has fetched what was told under this name; a program may ask and never listen."""
    messages = page._queue.pending_messages_per_session.get(name)
    if messages is None or messages.empty():
        _unheard_since.pop(name, None)
        return 0.0
    return time.monotonic() - _unheard_since.setdefault(name, time.monotonic())


def leave(page: gr.Blocks, name: str) -> None:
    """The page was closed: gradio itself would keep the session for another hour, and all that it showed for ever."""
    for session in list(_sessions.pop(name, ())):
        session.stop = True
        session.end()
    _forget(page, name)


def forget_idle(page: gr.Blocks, older_than: float) -> None:
    """Lets go of what gradio keeps of visitors and programs who have asked for nothing for so many seconds."""
    now = datetime.now()
    for name, used in list(page.state_holder.time_last_used.items()):
        if (now - used).total_seconds() > older_than:
            leave(page, name)
    for name in [name for name in list(page._queue.pending_messages_per_session) if unheard(page, name) > older_than]:
        leave(page, name)


def _forget(page: gr.Blocks, name: str) -> None:
    """Gradio keeps the values of all parts, pictures and charts among them, and answers that nobody has fetched."""
    for event in list(page._queue.event_ids_to_events.values()):
        if event.session_hash == name:
            event.alive = False  # nothing more is said to who has gone
    page._queue.pending_messages_per_session.pop(name, None)
    _unheard_since.pop(name, None)
    page.state_holder.session_data.pop(name, None)
    page.state_holder.time_last_used.pop(name, None)
    give_back()


@dataclass(eq=False)
class Session:
    """A visitor's clip and everything said about it.

    Attributes:
        analysis: None before the first clip and while one is read.
        worths: what parts of the clip were worth, by (start, end) in seconds; filled when it is asked for.
        stop: set by the Stop button, read by the analysis that runs, reset by what begins the next one.
    """

    analysis: Analysis | None = None
    worths: dict[tuple[float, float], Worth] = field(default_factory=dict)
    files: set[Path] = field(default_factory=set)
    stop: bool = False

    def take(self, analyzer, path: Path, progress, gone: Callable[[], bool] = lambda: False) -> None:
        """Analyses a clip in place of the one before, whose file goes.

        Args:
            progress: called with the share done and the name of the stage.
            gone: whether the visitor has left without a word.

        Raises:
            MediaError: the clip cannot be analysed, or not within ``LONGEST_ANALYSIS``.
            Stopped: ``stop`` was set meanwhile, or the visitor has left.
        """
        begun = time.monotonic()

        def check() -> None:
            if self.stop or gone():
                raise Stopped
            if time.monotonic() - begun > LONGEST_ANALYSIS:
                raise MediaError("too_slow", wording.TOO_SLOW)

        def advance(share: float, stage: str) -> None:
            check()
            progress(share, stage)

        self.clear()
        for other in self.files - {path}:
            self.disown(other)
        try:
            with stoppable(check):
                analysis = analyzer.analyze(path, advance)
            check()
        except MediaError as error:
            log.info("A clip was not analysed: %s", error.code)
            raise
        except Stopped:
            log.info("An analysis was stopped")
            raise
        except Exception as error:  # neither the name of the file nor what is in it belongs on the console
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("An analysis failed: %s in %s:%d", type(error).__name__, place.filename, place.lineno)
            raise
        finally:
            give_back()
        log.info("%.1f seconds of clip, read in %.1f seconds", analysis.duration, time.monotonic() - begun)
        self.analysis = analysis

    def choose_face(self, analyzer, face: int, gone: Callable[[], bool] = lambda: False) -> Analysis | None:
        """Puts the analysis with another person's face in the place of what there is, None if there is nothing.

        Args:
            face: one of ``Analysis.persons``, from 1.
            gone: whether the visitor has left.

        Raises:
            MediaError: there is no such face.
            Stopped: the visitor has left, or another clip has come meanwhile.
        """
        before = self.analysis
        if before is None:
            return None

        def check() -> None:
            if gone() or self.analysis is not before:
                raise Stopped

        with stoppable(check):
            chosen = analyzer.choose_face(before, face)
        check()
        self.analysis, self.worths = chosen, {}
        return chosen

    def show(self, analysis: Analysis, path: str | None = None) -> None:
        """Takes a stored result, and the file of its clip, in the place of what there was; stops what still runs."""
        self.stop = True
        for other in list(self.files):
            self.disown(other)
        self.own(path)
        self.analysis, self.worths = analysis, {}

    def clear(self) -> None:
        """Forgets the clip, not its file: the player may still show it."""
        self.analysis, self.worths = None, {}

    def worth(self, analyzer, span: tuple[float, float]) -> Worth | None:
        """What everything in the clip or in one window of it was worth, measured once.

        Args:
            span: one of ``core.worth.spans``.

        Returns:
            None where the analysis was stored without what the models read, and without this.
        """
        analysis, worths = self.analysis, self.worths
        if span not in worths and analysis.sequences:
            worths[span] = measure(analyzer, analysis, span)
        return worths.get(span)

    def asked(self, analyzer) -> list[Worth]:
        """What was measured of the clip so far, in order of time, and of its beginning in any case."""
        self.worth(analyzer, spans(self.analysis)[0])
        return [self.worths[span] for span in sorted(self.worths)]

    def own(self, path: str | None) -> None:
        """Notes an upload that is to be deleted with the session; what is no upload is nobody's."""
        if path and Path(path) not in self.files and uploads.hold(Path(path)):
            self.files.add(Path(path))

    def end(self) -> None:
        """Lets go of the session's files and forgets everything; gradio calls it when the visitor leaves."""
        self.clear()
        for path in list(self.files):
            self.disown(path)

    def disown(self, path: Path) -> None:
        """Lets go of one file, which is deleted if nobody else holds it."""
        try:
            self.files.remove(path)
        except KeyError:
            return  # the visitor has left in the same moment
        uploads.release(path)
