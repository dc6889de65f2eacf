"""Who loads the page again finds the last analysis, with a ticket that is good once and for a while."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import made
import pytest
import serving

from demo import wording
from demo.server import returning as module
from demo.server import sessions
from demo.server.budget import Budget
from demo.server.returning import TICKET, Returning
from demo.server.sessions import Session, leave


class Kept:
    """A visit; ``ended``: how often it was ended."""

    def __init__(self):
        self.ticket, self.ended = "", 0

    def end(self):
        self.ended += 1


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(time=0.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: now.time)
    return now


def test_a_ticket_is_good_once_and_nobody_elses():
    visits = Returning(60.0, 10)
    one, other = Kept(), Kept()
    ticket = visits.give_ticket(one)
    assert len(ticket) == TICKET and visits.give_ticket(other) != ticket
    assert visits.claim(ticket[:-1]) is None and visits.claim("") is None and visits.claim(["x"] * TICKET) is None
    assert visits.claim(ticket) is one and one.ticket == ""
    assert visits.claim(ticket) is None
    first = visits.give_ticket(one)
    assert visits.give_ticket(one) != first and visits.claim(first) is None, "of two tickets the later one counts"


def test_a_visit_is_kept_for_its_time_and_then_ended(clock):
    visits = Returning(60.0, 10)
    one, other, none = Kept(), Kept(), Kept()
    tickets = [visits.give_ticket(one), visits.give_ticket(other)]
    assert visits.keep(one) and visits.keep(one) and visits.keep(other) and not visits.keep(none)
    clock.time = 59.0
    visits.end_late()
    assert visits.claim(tickets[0]) is one and one.ended == other.ended == 0
    clock.time = 61.0
    visits.end_late()
    assert (one.ended, other.ended) == (0, 1) and visits.claim(tickets[1]) is None


def test_of_too_many_the_first_that_ended_goes():
    visits = Returning(60.0, 2)
    kept = [Kept() for _ in range(3)]
    tickets = [visits.give_ticket(each) for each in kept]
    assert all(visits.keep(each) for each in kept)
    assert [each.ended for each in kept] == [1, 0, 0]
    assert visits.claim(tickets[0]) is None and visits.claim(tickets[1]) is kept[1]


def test_what_is_taken_over_is_counted_once_and_leaves_nothing_behind(monkeypatch):
    budget = Budget(10**9)
    monkeypatch.setattr(sessions, "budget", budget)
    before, now = Session(made.analysis(), files={Path("a.webm")}, player=("clip", "a.webm")), Session()
    budget.hold(before, 1000)
    now.take_over(before)
    assert now.analysis and now.files == {Path("a.webm")} and now.player == ("clip", "a.webm")
    assert before.analysis is None and before.files == set() and budget.nbytes == 1000
    before.end()
    assert now.analysis and budget.nbytes == 1000
    now.files.clear()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    class Named(serving.Quick):
        def analyze(self, path, progress=None, first=None):
            return replace(made.analysis(), file=Path(path).name)

    with serving.served(tmp_path_factory.mktemp("cache"), Named("cpu")) as served:
        yield served


def loaded(page: serving.Served, ticket: str, session: str) -> str:
    """What the page shows of a visit that begins with a ticket."""
    event = next(e for e in page._config["dependencies"] if any(target[1] == "load" for target in e["targets"]))
    succeeds, output = page.ask(event, [ticket, None], session)
    assert succeeds
    return output


@pytest.mark.parametrize("left", [False, True])
def test_who_loads_the_page_again_sees_the_clip_and_somebody_else_does_not(page, left):
    path = page.upload(name="mine.webm")
    begun = page.event("clip", "upload")
    page.ask(begun, [None, serving.file(path), None], "first")
    succeeds, output = page.ask(
        page.after(begun), [serving.file(path), None, None, "cross", None, -1, "weights", False], "first"
    )
    assert succeeds and "mine.webm" in output
    ticket = next(visit.ticket for visit in sessions._sessions["first"])
    assert ticket in output
    if left:
        leave(page.page, "first", may_return=True)
    assert "mine.webm" not in loaded(page, "A" * TICKET, "stranger"), "a guess"
    again = loaded(page, ticket, "second")
    assert "mine.webm" in again and wording.KEPT in again and ticket not in again
    stolen = loaded(page, ticket, "third")
    assert "mine.webm" not in stolen and wording.NOT_KEPT in stolen
    assert Path(path).exists()
    leave(page.page, "first")
    assert Path(path).exists(), "it is the second visit's now"
    leave(page.page, "second")
    assert not Path(path).exists()
