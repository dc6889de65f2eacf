"""What the page remembers of one visitor: kept in gradio's session, never shared, gone when the visit ends."""

import logging
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import gradio as gr

from core import MODELS
from core.analysis.attribution import Attribution, spans
from core.analysis.kept import nbytes
from core.analysis.results import Analysis, First
from core.analysis.takes import Take
from core.cancellation import cancellation_scope
from core.encoders.utterance import Progress
from core.media.reader import MediaError
from core.memory import give_back
from demo import wording
from demo.server import uploads
from demo.server.analyzers import AnyAnalyzer, loaded, measure
from demo.server.budget import budget
from demo.server.gradio_compat import sessions as gradio_sessions
from demo.server.limits import MAX_ANALYSIS_SECONDS
from demo.server.returning import returning
from demo.server.sweeper import sweeper

UNHEARD = 60.0  # seconds after which an analysis that nobody listens to is given up

log = logging.getLogger(__name__)

_lock = threading.Lock()  # guards the two below: requests, analyses and the sweeper come from threads of their own
_unheard_since: dict[str, float] = {}
# Alive only while gradio or a running analysis holds them; a program's session may have several at once.
_sessions: dict[str, "weakref.WeakSet[Visit]"] = {}


class Visit(Protocol):
    """What is kept of a visitor and ends with the visit: a clip's ``Session``, or a queue of clips.

    Attributes:
        stop: set when the visitor leaves; what runs for the visitor reads it.
    """

    stop: bool

    def end(self) -> None:
        """Lets go of the visitor's files and forgets everything."""


class Stopped(Exception):
    """The visitor pressed Stop or has gone."""


def name_of(request: gr.Request) -> str:
    """Of the session that a request belongs to; "" for a program that asks for something without a session."""
    return request.session_hash or ""


def remember(name: str, session: Visit) -> None:
    """Lets ``leave`` find the session that gradio calls by this name; one without a name cannot be left."""
    if not name:
        return
    with _lock:
        for forgotten in [other for other, sessions in _sessions.items() if not sessions]:
            del _sessions[forgotten]
        _sessions.setdefault(name, weakref.WeakSet()).add(session)


def gone(page: gr.Blocks, name: str) -> bool:
    """Whether whoever waits for the analysis that runs under this name has hung up."""
    return not gradio_sessions.is_awaited(page, name) or unheard(page, name) > UNHEARD


def unheard(page: gr.Blocks, name: str) -> float:
    """Seconds for which nobody has fetched what was told under this name; a program may ask and never listen."""
    unfetched = gradio_sessions.has_unfetched(page, name)
    with _lock:
        if not unfetched:
            _unheard_since.pop(name, None)
            return 0.0
        return time.monotonic() - _unheard_since.setdefault(name, time.monotonic())


def leave(page: gr.Blocks, name: str, may_return: bool = False) -> None:
    """The page was closed: gradio itself would keep the session for another hour, and all that it showed for ever.

    Each step is taken whatever becomes of the others: an error is logged, without names.

    Args:
        may_return: whether the visitor may have loaded the page again, and finds the analysis if so.
    """
    with _lock:
        _unheard_since.pop(name, None)
        held = [*_sessions.pop(name, ())]
    held += [value for value in _tried(gradio_sessions.forget_session, page, name) or () if hasattr(value, "end")]
    for session in held:
        session.stop = True
        if not (may_return and isinstance(session, Session) and returning.keep(session)):
            _tried(session.end)
    _tried(gradio_sessions.forget_messages, page, name)
    _tried(give_back)


def forget_idle(page: gr.Blocks, older_than: float) -> None:
    """Lets go of visitors and programs who have asked for nothing for so many seconds."""
    now = datetime.now()
    for name, used in gradio_sessions.last_used(page).items():
        if (now - used).total_seconds() > older_than:
            leave(page, name)


def forget_unfetched(page: gr.Blocks, older_than: float) -> None:
    """Lets go of who has not fetched an answer for so many seconds."""
    names = gradio_sessions.names_with_messages(page)
    for name in [name for name in names if unheard(page, name) > older_than]:
        leave(page, name)
    with _lock:
        for name in _unheard_since.keys() - set(names):
            del _unheard_since[name]


def end_later(session: Visit) -> None:
    """Ends a session in a thread that may take its time: gradio calls this in its event loop."""
    sweeper.soon(session.end)


def _tried(step: Callable, *arguments):
    """What a step of leaving gives; an error is logged by its kind, and the next step is taken."""
    try:
        return step(*arguments)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error("Leaving failed: %s in %s:%d", type(error).__name__, place.filename, place.lineno)
        return None


@dataclass(eq=False)
class Session:
    """A visitor's clip and everything said about it.

    Attributes:
        analysis: None before the first clip and while one is read.
        attributions: what parts of the clip were worth, by (start, end) in seconds; filled when it is asked for.
        stop: set by the Stop button, read by the analysis that runs, reset by what begins the next one.
        dismissed: whether the analysis was let go to make room for those of others.
        ticket: with which the visitor may come back to the analysis, "" for none.
        player: the part of the page that plays the clip, and its file.
        stored: whether the analysis is an example's, which is everybody's.
        first: what is kept of an earlier clip, to set the next ones beside it.
        challenged: whether face and voice are to disagree in the next clips.
        more: whether more models than cross and self are wanted.
        plain: the analysis with the face as it is, while ``analysis`` has it seen from the neutral one.
    """

    analysis: Analysis | None = None
    attributions: dict[tuple[float, float], Attribution] = field(default_factory=dict)
    files: set[Path] = field(default_factory=set)
    stop: bool = False
    dismissed: bool = False
    ticket: str = ""
    player: tuple[str, str] | None = None
    stored: bool = False
    first: Take | None = None
    challenged: bool = False
    more: bool = False
    plain: Analysis | None = None

    @property
    def in_use(self) -> bool:
        """Whether anything of the visitor's own is kept."""
        return bool(self.files)

    def current(self) -> Analysis | None:
        """The analysis that the visitor asks for at this moment; the session counts as used."""
        budget.use(self)
        return self.analysis

    def why_none(self) -> str:
        """The sentence for who asks although there is no analysis."""
        return wording.LET_GO if self.dismissed else wording.NO_CLIP

    def take(
        self,
        analyzer: AnyAnalyzer,
        path: Path,
        progress: Progress,
        gone: Callable[[], bool] = lambda: False,
        first: First | None = None,
    ) -> Analysis:
        """Analyses a clip in place of the one before, whose file goes.

        Args:
            progress: called with the share done and the name of the stage.
            gone: whether the visitor has left without a word.
            first: see ``Analyzer.analyze``.

        Raises:
            MediaError: the clip cannot be analysed, or not within ``MAX_ANALYSIS_SECONDS``.
            Stopped: ``stop`` was set meanwhile, or the visitor has left.
        """
        begun = time.monotonic()
        too_slow = wording.TOO_SLOW  # it may be said in a thread that knows no visitor

        def check() -> None:
            if self.stop or gone():
                raise Stopped
            if time.monotonic() - begun > MAX_ANALYSIS_SECONDS:
                raise MediaError("too_slow", too_slow)

        def advance(share: float, stage: str) -> None:
            check()
            progress(share, stage)

        self.clear()
        for other in self.files - {path}:
            self.disown(other)
        try:
            with cancellation_scope(check):
                analysis = analyzer.analyze(path, advance, first)
                if self.more:
                    analysis = loaded(analyzer).with_more(analysis)
            check()
        except MediaError as error:
            log.info("A clip was not analysed: %s", error.code)
            raise
        except Stopped:
            log.info("An analysis was stopped")
            raise
        except Exception as error:  # neither the name of the file nor what is in it belongs on the console
            if self.stop or gone():  # and has taken the file along
                log.info("An analysis was stopped")
                raise Stopped from None
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("An analysis failed: %s in %s:%d", type(error).__name__, place.filename, place.lineno)
            raise
        finally:
            give_back()
        log.info("%.1f seconds of clip, read in %.1f seconds", analysis.duration, time.monotonic() - begun)
        self.analysis, self.dismissed = analysis, False
        self._count()
        return analysis

    def answered(self, analyzer: AnyAnalyzer) -> Analysis | None:
        """The analysis by as many models as are wanted, in the place of what there is; None if there is nothing.

        Raises:
            ValueError: more are wanted, and the analysis was stored without what they would read.
        """
        before = self.current()
        if before is None or (len(before.models) > len(MODELS)) == self.more:
            return before
        found = loaded(analyzer).with_more(before) if self.more else before.without_more()
        if self.analysis is before:
            self.put(found, self.plain)
            self._count()
        return found

    def from_neutral(self, analyzer: AnyAnalyzer, wanted: bool) -> Analysis | None:
        """Puts the analysis with the face seen from the neutral one in the clip's first second, or as it is, in the
        place of what there is, None if there is nothing.

        Raises:
            MediaError: no face is seen in the first second.
            ValueError: the analysis was stored without what the models read.
        """
        before = self.current()
        if before is None or wanted == bool(before.neutral):
            return before
        found = loaded(analyzer).from_neutral(before) if wanted else self.plain
        if found is None or self.analysis is not before:
            return self.analysis
        self.put(found, before if wanted else None)
        self._count()
        return self.answered(analyzer)

    def choose_face(
        self, analyzer: AnyAnalyzer, face: int, gone: Callable[[], bool] = lambda: False
    ) -> Analysis | None:
        """Puts the analysis with another person's face in the place of what there is, None if there is nothing.

        Args:
            face: one of ``Analysis.persons``, from 1.
            gone: whether the visitor has left.

        Raises:
            MediaError: there is no such face.
            Stopped: the visitor has left, or another clip has come meanwhile.
        """
        before = self.current()
        if before is None:
            return None

        def check() -> None:
            if gone() or self.analysis is not before:
                raise Stopped

        with cancellation_scope(check):
            chosen = loaded(analyzer).choose_face(before, face)
        check()
        self.put(chosen)
        self._count()
        return chosen

    def keep_first(self) -> Analysis | None:
        """Keeps what there is as the first of two takes, unless one is kept already.

        Returns:
            The analysis that is there, None if there is none and nothing was kept.
        """
        analysis = self.current()
        if analysis is not None and self.first is None:
            self.first = Take.of(analysis)
            self._count()
        return analysis

    def forget_takes(self) -> None:
        """The next clip stands alone again."""
        self.first, self.challenged = None, False
        self._count()

    def put(self, analysis: Analysis | None, plain: Analysis | None = None) -> None:
        """An analysis in the place of another, of which nothing is known any more."""
        self.analysis, self.attributions, self.plain = analysis, {}, plain

    def _count(self) -> None:
        """Counts what is the visitor's own; whoever keeps nothing is not counted."""
        own = None if self.stored else self.analysis
        if own is None and self.first is None and not self.attributions:
            budget.drop(self)
        else:
            budget.hold(self, nbytes((own, self.plain, self.attributions, self.first)))

    def show(self, analysis: Analysis | None, path: str | None = None) -> None:
        """Takes a stored result, and the file of its clip, in the place of what there was; stops what still runs."""
        self.stop = True
        returning.take_ticket(self)
        for other in list(self.files):
            self.disown(other)
        self.own(path)
        self.put(analysis)
        self.dismissed, self.stored = False, True
        self.forget_takes()

    def clear(self) -> None:
        """Forgets the clip, not its file, which the player may still show, and not what is kept of an earlier one."""
        self.put(None)
        self.dismissed, self.stored = False, False
        self._count()

    def take_over(self, other: "Session") -> None:
        """Moves everything of another session of the same visitor here, which leaves that one empty."""
        analysis, attributions, self.player = other.analysis, other.attributions, other.player
        self.first, self.challenged, self.stored = other.first, other.challenged, other.stored
        self.more, self.plain, other.first = other.more, other.plain, None
        other.put(None)
        while other.files:
            try:
                self.files.add(other.files.pop())
            except KeyError:  # the other one ends in the same moment
                break
        budget.move(other, self)
        self.analysis, self.attributions, self.dismissed = analysis, attributions, other.dismissed

    def let_go(self) -> None:
        """Forgets the clip because others need the room."""
        self.put(None)
        self.first, self.dismissed = None, True

    def attribution(self, analyzer: AnyAnalyzer, span: tuple[float, float]) -> Attribution | None:
        """What everything in the clip or in one window of it was worth, measured once.

        Args:
            span: one of ``core.analysis.attribution.spans``.

        Returns:
            None where the analysis was stored without what the models read, and without this.
        """
        analysis, attributions = self.current(), self.attributions
        if analysis and span not in attributions and analysis.sequences:
            attributions[span] = measure(analyzer, analysis, span)
            if self.attributions is attributions:  # still this clip's
                self._count()
        return attributions.get(span)

    def asked(self, analyzer: AnyAnalyzer) -> list[Attribution]:
        """What was measured of the clip so far, in order of time, and of its beginning in any case."""
        analysis, attributions = self.analysis, self.attributions
        if analysis:
            self.attribution(analyzer, spans(analysis)[0])
        return [attributions[span] for span in sorted(attributions)]

    def own(self, path: str | Path | None) -> None:
        """Notes an upload that is to be deleted with the session; what is no upload is nobody's."""
        if path and Path(path) not in self.files and uploads.hold(Path(path)):
            self.files.add(Path(path))

    def end(self) -> None:
        """Lets go of the session's files and forgets everything, when the visitor leaves."""
        returning.take_ticket(self)
        self.first, self.challenged = None, False
        self.clear()
        for path in list(self.files):
            _tried(self.disown, path)

    def __del__(self):
        """One that gradio has dropped without a word must not leave its files: so many clients could fill the disk."""
        for path in self.files:
            sweeper.soon(partial(uploads.release, path))

    def disown(self, path: Path) -> None:
        """Lets go of one file, which is deleted if nobody else holds it."""
        try:
            self.files.remove(path)
        except KeyError:
            return  # the visitor has left in the same moment
        uploads.release(path)
