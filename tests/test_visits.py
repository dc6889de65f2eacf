"""What is remembered of visits: within a budget, under locks, and let go step by step whatever fails."""

import asyncio
import gc
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import made
import pytest

from core.analysis.kept import nbytes
from core.media.reader import MediaError
from demo import wording
from demo.page import build
from demo.server import sessions, stored, uploads
from demo.server.budget import Budget
from demo.server.places import FairQueue, FairSessions
from demo.server.sessions import Session, Stopped, forget_idle, forget_unfetched, leave, remember, unheard
from demo.server.sweeper import sweeper
from demo.tabs import downloads


class Quick:
    """An analyzer that answers at once."""

    heads = made.HEADS
    more_models = ()

    def analyze(self, path, progress=None, first=None):
        return made.analysis(duration=60.0, faces=200)


class Visitor:
    """Something that can be let go."""

    def __init__(self):
        self.gone = 0

    def let_go(self):
        self.gone += 1


def test_the_visit_used_least_lately_is_let_go_first():
    budget = Budget(100)
    first, second, third = Visitor(), Visitor(), Visitor()
    budget.hold(first, 40)
    budget.hold(second, 40)
    assert budget.nbytes == 80
    budget.use(first)
    budget.hold(third, 40)
    assert (first.gone, second.gone, third.gone) == (0, 1, 0) and budget.nbytes == 80
    budget.hold(third, 95)
    assert first.gone == 1 and third.gone == 0 and budget.nbytes == 95
    budget.hold(third, 500)
    assert third.gone == 0, "it is being shown"
    budget.drop(third)
    assert budget.nbytes == 0


def test_who_has_left_needs_no_room():
    budget = Budget(100)
    budget.hold(Visitor(), 90)
    gc.collect()
    stays = Visitor()
    budget.hold(stays, 90)
    assert budget.nbytes == 90 and stays.gone == 0


@pytest.fixture
def budget(monkeypatch) -> Budget:
    """For two analyses and no third."""
    one = nbytes(Quick().analyze("a.mp4"))
    made_here = Budget(round(2.5 * one))
    monkeypatch.setattr(sessions, "budget", made_here)
    return made_here


def analysed() -> Session:
    visitor = Session()
    visitor.take(Quick(), Path("a.mp4"), lambda *_: None)
    return visitor


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> gr.Blocks:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("cache")))
        yield build(Quick())


def function(page: gr.Blocks, name: str):
    return next(fn.fn for fn in page.fns.values() if fn.fn and fn.fn.__name__ == name)


def test_who_is_let_go_is_told_so_at_the_next_switch(budget, page):
    first, second = analysed(), analysed()
    assert first.analysis and second.analysis and not first.dismissed
    third = analysed()
    assert first.analysis is None and first.attributions == {} and second.analysis and third.analysis
    on_switch = function(page, "on_switch")
    (said,) = on_switch(first, True, True, True, "cross", None, -1).values()
    assert wording.LET_GO in said
    (said,) = function(page, "on_look")(first, True, True, True, "cross", None, -1).values()
    assert wording.LET_GO in said
    with pytest.raises(gr.Error, match="was let go"):
        downloads.exported(Quick(), "json", first)
    assert len(on_switch(second, True, True, True, "cross", None, -1)) > 5
    fourth = analysed()
    assert third.analysis is None and second.analysis and fourth.analysis, "a switch counts as use"
    first.take(Quick(), Path("a.mp4"), lambda *_: None)
    assert first.analysis and not first.dismissed
    (said,) = on_switch(Session(), True, True, True, "cross", None, -1).values()
    assert wording.NO_CLIP in said, "nothing was let go here"


def test_what_an_analysis_was_worth_counts_too(budget, monkeypatch):
    visitor = analysed()
    visitor.analysis.sequences["audio"] = None
    before = budget.nbytes
    monkeypatch.setattr(sessions, "measure", lambda *_: b"x" * 1000)
    visitor.attribution(Quick(), (0.0, 10.0))
    assert budget.nbytes == before + 1000
    visitor.show(stored.result_of("glad"))
    assert budget.nbytes == 0, "an example is everybody's"


class Failing(Session):
    def end(self):
        super().end()
        raise OSError("a visitor's secret path")


def served() -> SimpleNamespace:
    """What of a page is asked for here."""
    queue = FairQueue(live_updates=True, concurrency_count=1, update_intervals=1, max_size=None, blocks=None)
    return SimpleNamespace(state_holder=FairSessions(), _queue=queue)


def put(page, name: str, *values) -> None:
    page.state_holder.session_data[name] = SimpleNamespace(state_data=dict(enumerate(values)))
    page.state_holder.time_last_used[name] = sessions.datetime.now()
    page._queue.pending_messages_per_session[name] = asyncio.Queue()
    page._queue.pending_event_ids_session[name] = {"event"}


def test_leaving_takes_every_step_whatever_fails(caplog):
    page = served()
    one, failing, other = Session(made.analysis()), Failing(made.analysis()), Session(made.analysis())
    for each in (one, failing, other):
        remember("name", each)
    put(page, "name", failing, Session())
    page._queue.event_ids_to_events["event"] = SimpleNamespace(session_hash="name", alive=True)
    leave(page, "name")
    assert one.stop and failing.stop and other.stop
    assert one.analysis is failing.analysis is other.analysis is None
    assert not page.state_holder.session_data and not page.state_holder.time_last_used
    assert not page._queue.pending_messages_per_session and not page._queue.pending_event_ids_session
    assert not page._queue.event_ids_to_events["event"].alive
    assert "Leaving failed: OSError" in caplog.text and "secret" not in caplog.text and "name" not in caplog.messages


def test_a_session_that_gradio_alone_knows_is_ended_too():
    page, kept = served(), Session(made.analysis())
    put(page, "name", kept, 5)
    leave(page, "name")
    assert kept.analysis is None and kept.stop


def test_many_threads_may_come_and_go_at_once(caplog):
    """Sessions and what nobody has fetched were changed and walked by several threads without a lock."""
    page, failed, until = served(), [], time.monotonic() + 1.0

    def visit(number: int) -> None:
        try:
            while time.monotonic() < until:
                name = f"{number % 3}"
                put(page, name)
                page._queue.pending_messages_per_session[name].put_nowait("said")
                remember(name, Session())
                unheard(page, name)
                forget_idle(page, 0.0)
                forget_unfetched(page, 0.0)
                leave(page, name)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and "failed" not in caplog.text


def test_what_is_not_fetched_is_forgotten_after_its_time_and_what_is_fetched_is_not(monkeypatch):
    page = served()
    for name in ("mute", "listening"):
        put(page, name, Session(made.analysis()))
    page._queue.pending_messages_per_session["mute"].put_nowait("an answer")
    forget_unfetched(page, 0.05)
    assert set(page.state_holder.session_data) == {"mute", "listening"}
    time.sleep(0.1)
    forget_unfetched(page, 0.05)
    assert set(page.state_holder.session_data) == {"listening"} and "mute" not in sessions._unheard_since


def test_ending_a_session_keeps_nobody_waiting():
    """Gradio calls it in its event loop, in which everybody is served."""
    started, goes_on = threading.Event(), threading.Event()
    slow = SimpleNamespace(end=lambda: started.set() or goes_on.wait(20))
    begun = time.monotonic()
    sessions.end_later(slow)
    assert time.monotonic() - begun < 0.5 and started.wait(10)
    goes_on.set()


def test_the_states_of_the_page_are_ended_so(page):
    states = [block for block in page.blocks.values() if isinstance(block, gr.State) and block.time_to_live]
    ends = [
        block.delete_callback for block in states if isinstance(block.value, Session) or hasattr(block.value, "end")
    ]
    assert len(ends) == 2 and set(ends) == {sessions.end_later}


def test_files_of_a_session_that_was_dropped_without_a_word_go(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "_root", tmp_path)
    sent = tmp_path / "nobody guesses" / "clip.webm"
    sent.parent.mkdir()
    sent.write_bytes(b"x")
    visitor = Session()
    visitor.own(str(sent))
    del visitor
    gc.collect()
    deadline = time.monotonic() + 10
    while sent.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_file_that_leaves_with_its_visitor_is_no_failure(caplog, tmp_path):
    class Leaving:
        def analyze(self, path, progress, first=None):
            visitor.stop = True
            raise FileNotFoundError(path)

    visitor = Session()
    with pytest.raises(Stopped):
        visitor.take(Leaving(), tmp_path / "secret.webm", lambda *_: None)
    assert "failed" not in caplog.text
    with pytest.raises(MediaError):
        visitor.stop = False
        visitor.take(SimpleNamespace(analyze=lambda *_: (_ for _ in ()).throw(MediaError("x", "y"))), Path("a"), print)


def test_a_job_runs_once_and_soon():
    ran = threading.Event()
    sweeper.soon(ran.set)
    assert ran.wait(10)


def test_who_asks_without_a_session_is_not_found_by_the_next_one_who_does():
    """A program may leave out the name of its session; nobody's leaving ends what belongs to others of that kind."""
    nameless = sessions.name_of(SimpleNamespace(session_hash=None))
    session, page = Session(made.analysis()), served()
    sessions.remember(nameless, session)
    sessions.leave(page, nameless)
    assert session.analysis is not None and not session.stop and "" not in sessions._sessions
