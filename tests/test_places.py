"""Places in line and places for sessions: what one client may have of them, and what it may not."""

import json
import threading
import time
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo import wording
from demo.server import clients, places
from demo.server.clients import Addressed, address_of
from demo.server.gradio_compat.sessions import SessionState
from demo.server.limits import CLIPS, EXPORTS, MAX_WAITING, QUARTER, SHARES, TURNS
from demo.server.places import FairQueue, FairSessions, stands_in
from demo.server.sessions import Session

HERE, THERE = "203.0.113.7", "198.51.100.9"
LARGE = "x" * 100_000


class Served:
    """A page with a line of clips that stands still as long as ``held``, and what programs may ask of it."""

    def __init__(self):
        self.goes_on = threading.Event()
        places.install()
        with gr.Blocks(analytics_enabled=False) as self.page:
            state, said = gr.State(Session()), gr.HTML()

            def clip():
                self.goes_on.wait(30)
                return "read"

            @stands_in(TURNS)
            def turn():
                return "next"

            one = {"concurrency_limit": 1, "concurrency_id": CLIPS}
            self.clip = gr.Button().click(clip, None, said, **one)
            self.turn = gr.Button().click(turn, None, said, **one)
            self.export = gr.Button().click(lambda: "file", None, said, concurrency_limit=1, concurrency_id=EXPORTS)
            self.big = gr.Button().click(lambda: LARGE, None, said, concurrency_id="big")
            self.large = gr.Button().click(lambda: LARGE, None, said, queue=False)
            self.own = gr.Button().click(self._own, state, [state, said], queue=False)
        self.page.queue(api_open=False).launch(
            prevent_thread_lock=True, quiet=True, state_session_capacity=12, show_error=True,
            app_kwargs={"middleware": [Middleware(Addressed)]},
        )  # fmt: skip
        self.http = httpx.Client(base_url=self.page.local_url, timeout=30)
        self.ended: list = []

    def _own(self, session):
        session.files.add("a clip")
        session.end = lambda: self.ended.append(session)
        return session, "yours"

    def join(self, visit: str, event=None, address: str | None = None) -> httpx.Response:
        body = {"fn_index": (event or self.clip)["id"], "data": [], "session_hash": visit}
        headers = {"X-Forwarded-For": address} if address else {}
        return self.http.post("gradio_api/queue/join", json=body, headers=headers)

    def predict(self, visit: str, event, data=(), address: str | None = None) -> httpx.Response:
        body = {"fn_index": event["id"], "data": list(data), "session_hash": visit}
        headers = {"X-Forwarded-For": address} if address else {}
        return self.http.post("gradio_api/run/predict", json=body, headers=headers)

    def fetch(self, visit: str) -> int:
        """Events that are completed until the server says that there are no more."""
        done = 0
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": visit}) as lines:
            for line in lines.iter_lines():
                said = json.loads(line[5:]) if line.startswith("data:") else {}
                done += said.get("msg") == "process_completed"
                if said.get("msg") == "close_stream":
                    break
        return done


@pytest.fixture(scope="module")
def served():
    made = Served()
    made.clip, made.turn, made.export, made.big, made.large, made.own = (
        {"id": dependency._id if hasattr(dependency, "_id") else dependency["id"]}
        for dependency in (made.clip, made.turn, made.export, made.big, made.large, made.own)
    )
    yield made
    made.goes_on.set()
    made.page.close()


@pytest.fixture
def line(served):
    """The line stands still, and is empty afterwards."""
    served.goes_on.clear()
    queue = served.page._queue
    yield served
    served.goes_on.set()
    deadline = time.monotonic() + 20
    while queue.event_ids_to_events:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for name in list(queue.pending_messages_per_session):
        queue.forget(name)
    time.sleep(0.05)


def counted(answers: list[httpx.Response]) -> dict[int, int]:
    found = [answer.status_code for answer in answers]
    return {status: found.count(status) for status in set(found)}


def test_a_visit_has_a_share_of_the_line_and_no_more(line):
    answers = [line.join("greedy") for _ in range(40)]
    assert counted(answers) == {200: QUARTER, 429: 40 - QUARTER}
    assert answers[-1].json() == {"detail": wording.visit_has_its_share(QUARTER, True)}
    assert line.join("modest").status_code == 200
    line.goes_on.set()
    assert line.fetch("greedy") == QUARTER
    assert line.join("greedy").status_code == 200, "what was read and fetched counts no more"


def test_an_address_has_a_share_however_many_visits_it_makes(line):
    answers = [line.join(f"visit {i}", address=HERE) for i in range(40)]
    assert counted(answers) == {200: QUARTER, 429: 40 - QUARTER}
    assert answers[-1].json() == {"detail": wording.address_has_its_share(QUARTER, True)}
    assert line.join("elsewhere", address=THERE).status_code == 200
    body = {"fn_index": line.clip["id"], "data": []}
    program = line.http.post("gradio_api/call/clip", json=body, headers={"X-Forwarded-For": HERE})
    assert program.status_code == 429, "programs come from the same address"


def test_a_full_line_of_clips_holds_up_neither_exports_nor_who_was_let_in(line):
    answers = [line.join(f"anybody {i}") for i in range(MAX_WAITING + 5)]
    assert counted(answers) == {200: MAX_WAITING, 503: 5}
    assert answers[-1].json() == {"detail": wording.line_is_full(MAX_WAITING, True)}
    assert line.join("somebody", line.turn).status_code == 200
    assert line.join("taker", line.export).status_code == 200
    begun = time.monotonic()
    assert line.fetch("taker") == 1 and time.monotonic() - begun < 5


def test_answers_that_nobody_fetches_count(line):
    share = SHARES[EXPORTS].visit
    answers = []
    for _ in range(share + 3):
        answers.append(line.join("deaf", line.export).status_code)
        time.sleep(0.1)  # each is made long before the next one is asked for
    assert answers == [200] * share + [429] * 3
    assert line.fetch("deaf") == share and line.join("deaf", line.export).status_code == 200


def test_answers_that_nobody_fetches_have_a_budget(line, monkeypatch):
    """An export may have five megabytes, and each would be kept for two minutes."""
    monkeypatch.setattr(places, "MAX_UNFETCHED", 350_000)
    for i in range(6):
        assert line.join(f"deaf {i}", line.big).status_code == 200
        time.sleep(0.1)
    queue = line.page._queue
    held = [name for name in queue.pending_messages_per_session if name.startswith("deaf")]
    assert held == ["deaf 3", "deaf 4", "deaf 5"], "the oldest are gone"
    assert line.fetch("deaf 5") == 1, "and who listens gets what was asked for"


def test_many_at_the_same_moment_are_counted_too(line):
    answers, start = [], threading.Barrier(12)

    def ask():
        start.wait()
        answers.append(line.join("crowd").status_code)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) == QUARTER and answers.count(429) == 12 - QUARTER


def test_nobody_gets_past_the_line(served):
    assert served.predict("bold", served.clip).status_code == 404


def test_nothing_that_was_shown_is_kept_a_second_time_nor_written_to_a_file(served):
    assert served.predict("seen", served.large).json()["data"] == [LARGE]
    state = served.page.state_holder.session_data["seen"]
    assert isinstance(state, SessionState) and state.config_values == {}
    answer = served.http.get("gradio_api/deep_link", params={"session_hash": "seen"})
    assert answer.status_code == 404


def test_an_address_that_opens_many_sessions_loses_its_own(served):
    capacity = served.page.state_holder.capacity
    assert served.predict("somebody else's", served.own, [None], THERE).status_code == 200
    for i in range(3 * capacity):
        served.predict(f"flood {i}", served.own, [None], HERE)
    names = served.page.state_holder.session_data
    assert "somebody else's" in names
    flood = [name for name in names if name.startswith("flood")]
    assert flood == [f"flood {3 * capacity - i}" for i in range(capacity // 4, 0, -1)]
    deadline = time.monotonic() + 10
    while len(served.ended) < 3 * capacity - capacity // 4:
        assert time.monotonic() < deadline, "what they held is ended"
        time.sleep(0.02)


def test_where_addresses_do_not_tell_who_keeps_nothing_goes_first(served):
    holder = served.page.state_holder
    served.predict("kept", served.own, [None])
    for i in range(3 * holder.capacity):
        served.predict(f"empty {i}", served.large)
    assert "kept" in holder.session_data and len(holder.session_data) == holder.capacity
    assert holder._addresses.keys() == holder.session_data.keys() == holder.time_last_used.keys()


def test_a_session_that_waits_for_its_analysis_is_not_the_one_to_go():
    holder = FairSessions()
    events = {"1": SimpleNamespace(session_hash="waiting")}
    queue = SimpleNamespace(event_ids_to_events=events, forget=lambda name: None)
    holder.blocks = SimpleNamespace(default_config={}, _queue=queue)
    holder.capacity = 3
    for name in ("waiting", "idle", "new", "newer", "newest"):
        holder[name]
    assert list(holder.session_data) == ["waiting", "newer", "newest"]


def test_statistics_of_finished_events_are_few():
    queue = FairQueue(live_updates=True, concurrency_count=1, update_intervals=1, max_size=None, blocks=None)
    assert queue.ANALYTICS_MAX_EVENTS <= 100, "gradio goes through all of them after each event"


def scope(host: str | None, forwarded: str | None = None) -> dict:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"type": "http", "client": (host, 1) if host else None, "headers": headers}


@pytest.mark.parametrize("name", ["x" * 101, "x" * 1_000_000, ""])
def test_a_sessions_name_is_short(served, name):
    """Names are kept for as long as the session, of which there are hundreds."""
    holder = served.page.state_holder
    before = set(holder.session_data)
    body = {"component_id": 0, "fn_name": "x", "data": None, "session_hash": name}
    assert served.http.post("gradio_api/component_server", json=body).status_code == 400
    if name:  # gradio gives a name to who has none
        assert served.join(name).status_code == served.predict(name, served.large).status_code == 400
    assert set(holder.session_data) == before and name not in served.page._queue.pending_messages_per_session


@pytest.mark.parametrize("name", [None, 5, {"a": 1}, ["x"]])
def test_what_is_no_name_is_refused(served, name):
    body = {"component_id": 0, "fn_name": "x", "data": None, "session_hash": name}
    assert served.http.post("gradio_api/component_server", json=body).status_code == 400


def test_an_event_that_does_not_exist_is_not_found(served):
    assert served.join("lost", {"id": 9999}).status_code == served.join("lost", {"id": -1}).status_code == 404


@pytest.mark.parametrize(
    ("host", "forwarded", "address"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.9", "203.0.113.7"),  # it says so itself and is no proxy that is known
        ("127.0.0.1", None, None),
        ("::1", None, None),
        ("::ffff:127.0.0.1", None, None),
        ("::ffff:203.0.113.7", None, "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", None, "2001:db8:1:2::/64"),
        ("192.168.1.20", None, "192.168.1.20"),  # a lecture hall
        ("192.168.1.20", "192.168.1.20", "192.168.1.20"),  # through a proxy that is known
        ("172.17.0.1", "203.0.113.7", None),  # a proxy that is not known: all visitors would be one
        ("fe80::1%eth0", None, "fe80::1"),  # neighbours, not one household
        ("fd00::5", None, "fd00::5"),
        ("testclient", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_whose_address_it_is(host, forwarded, address):
    assert address_of(scope(host, forwarded)) == address


def test_a_spaces_proxies_are_believed_and_nobody_elses(monkeypatch):
    monkeypatch.delenv(clients.TRUSTED, raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    clients.trust_proxies()
    assert clients.TRUSTED not in clients.os.environ
    monkeypatch.setenv("SPACE_ID", "somebody/page")
    clients.trust_proxies()
    assert "10.0.0.0/8" in clients.os.environ[clients.TRUSTED].split(",")
    monkeypatch.delenv(clients.TRUSTED)


def test_calls_of_tools_are_few_at_a_time(monkeypatch):
    monkeypatch.setattr(places, "MAX_TOOL_CALLS", 3)
    monkeypatch.setattr(places, "QUARTER", 2)
    inside, goes_on = [], threading.Event()

    def slow(request):
        inside.append(None)
        goes_on.wait(10)
        return PlainTextResponse("called")

    routes = [Route("/gradio_api/mcp/", slow, methods=["POST"]), Route("/", lambda request: PlainTextResponse("page"))]
    app = Starlette(routes=routes, middleware=[Middleware(Addressed), Middleware(places.ToolPlaces)])
    here, there = (TestClient(app, client=(host, 1)) for host in (HERE, THERE))
    calls = [threading.Thread(target=here.post, args=("/gradio_api/mcp/",)) for _ in range(2)]
    calls.append(threading.Thread(target=there.post, args=("/gradio_api/mcp/",)))
    for number, call in enumerate(calls):
        call.start()
        while len(inside) <= number:
            time.sleep(0.01)
        if number == 1:
            assert here.post("/gradio_api/mcp/").status_code == 429, "this address has its share"
    assert there.post("/gradio_api/mcp/").status_code == 429 and there.get("/").status_code == 200
    goes_on.set()
    for call in calls:
        call.join()
    assert there.post("/gradio_api/mcp/").text == "called"
