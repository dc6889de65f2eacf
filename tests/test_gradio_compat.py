"""What rests on how gradio is made inside: in one place, checked against the installed version, and doing its work."""

import ast
import asyncio
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from fastapi import HTTPException
from gradio import mcp, processing_utils, queueing, route_utils, routes, state_holder
from gradio.exceptions import InvalidPathError
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from demo import wording
from demo.server import client_files, gradio_compat, places
from demo.server.gradio_compat import check, requests, sessions

ROOT = Path(__file__).parents[1]
PINNED = next(line for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if line.startswith("gradio"))
OTHERS = [
    path
    for path in [ROOT / "app.py", *(ROOT / "demo").rglob("*.py")]
    if "gradio_compat" not in path.relative_to(ROOT).parts
]
PUBLIC = {"gradio", "gradio.blocks.Block"}  # what others than gradio_compat may import
INNER = {"routes", "queueing", "processing_utils", "route_utils", "state_holder", "mcp", "utils", "data_classes"}


def test_the_installed_gradio_fits_before_and_after_its_parts_are_replaced(monkeypatch):
    for module, name in (
        (queueing, "Queue"), (routes, "StateHolder"), (state_holder, "SessionState"), (mcp, "GradioMCPServer"),
        (mcp, "SessionState"), (route_utils, "SessionState"), (routes, "CustomCORSMiddleware"),
        (processing_utils, "ffmpeg_installed"), (processing_utils, "async_ssrf_protected_download"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, getattr(module, name))  # put back after this test
    check()
    places.install()
    client_files.install()
    requests.share_with_no_site()
    assert queueing.Queue is places.FairQueue and routes.StateHolder is places.FairSessions
    check()
    assert gradio_compat.VERSION in PINNED


def lacking(name: str):
    return lambda patch: patch.delattr(name)


def in_place_of(name: str, value):
    return lambda patch: patch.setattr(name, value)


class Unlike:
    """Sessions of another version."""

    def __init__(self):
        self.session_data = {}
        self.lock = self.capacity = None

    def set_blocks(self, blocks, more):
        self.blocks = blocks


def state_with_more(self, blocks):
    self.blocks_config = self.config_values = self.state_data = self._state_ttl = self.is_closed = None
    self.STATE_TTL_WHEN_CLOSED = self.files = None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (in_place_of("gradio.__version__", "7.0.0"), ["the installed version is 7.0.0"]),
        (lacking("gradio.utils.safe_join"), ["gradio.utils:safe_join is missing"]),
        (lacking("gradio.queueing.traceback"), ["gradio.queueing:traceback.print_exc is missing"]),
        (
            in_place_of("gradio.blocks.Blocks.preprocess_data", lambda self, block_fn, inputs: None),
            ["gradio.blocks:Blocks.preprocess_data has the parameters (self block_fn inputs), not (self block_fn "],
        ),
        (
            in_place_of("gradio.state_holder.StateHolder", Unlike),
            [
                "StateHolder.__getitem__ is missing", "StateHolder.__init__ no longer sets time_last_used",
                "StateHolder.set_blocks has the parameters (self blocks more)", "no longer sets state_holder",
            ],
        ),
        (
            in_place_of("gradio.state_holder.SessionState.__init__", state_with_more),
            ["SessionState.__init__ has changed what it does with files"],
        ),
    ],
)  # fmt: skip
def test_another_gradio_is_refused_with_all_that_no_longer_fits(monkeypatch, change, said):
    for module, name in list(gradio_compat._replaced):  # other tests may have built a page
        monkeypatch.setattr(module, name, gradio_compat._replaced[module, name])
    monkeypatch.setattr(gradio_compat, "_replaced", {})
    change(monkeypatch)
    with pytest.raises(RuntimeError, match=r"written for gradio 6\.31\.0") as refused:
        check()
    assert all(one in str(refused.value) for one in said)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_file_touches_gradios_inner_parts(path):
    """Private names are allowed on ``self`` and ``cls`` and on what a file has defined itself, on nothing else."""
    tree = ast.parse(path.read_text("utf-8"))
    imported, private, inner = set(), set(), set()
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Attribute):
            if node.attr.startswith("_") and not node.attr.startswith("__"):
                holder = node.value.id if isinstance(node.value, ast.Name) else ast.unparse(node.value)
                private |= {f"{holder}.{node.attr}"} if holder not in {"self", "cls", *own} else set()
            if isinstance(node.value, ast.Name) and node.value.id == "gr" and node.attr in INNER:
                inner.add(node.attr)
    assert {name for name in imported if name.split(".")[0] in ("gradio", "gradio_client")} <= PUBLIC
    assert not private and not inner


def test_an_attribute_that_is_not_there_is_not_replaced():
    with pytest.raises(RuntimeError, match=r"gradio\.queueing has no renamed"):
        gradio_compat.replace(queueing, "renamed", None)
    assert not hasattr(queueing, "renamed")


def queue_of(kind: type[sessions.Queue], events=()) -> sessions.Queue:
    functions = {i: SimpleNamespace(fn=print, concurrency_id=name) for i, name in enumerate(events)}
    blocks = SimpleNamespace(fns=functions)
    return kind(live_updates=True, concurrency_count=1, update_intervals=1, max_size=None, blocks=blocks)


def test_who_joins_is_asked_for_and_stands_until_the_answer_is_fetched(monkeypatch):
    asked = []

    class Picky(sessions.Queue):
        def admit(self, session, line):
            asked.append((session, line, self.standing()))
            if session == "refused":
                raise HTTPException(429, "No.")
            return f"note on {session}"

    async def push(self, body, request, username):
        event = f"event of {body.session_hash}"
        self.event_ids_to_events[event] = SimpleNamespace(session_hash=body.session_hash, alive=True)
        self.pending_event_ids_session[body.session_hash] = {event}
        self.pending_messages_per_session[body.session_hash] = asyncio.Queue()
        assert self.standing()[-1] == sessions.Standing(f"note on {body.session_hash}", False)  # on its way
        return True, event, "success"

    monkeypatch.setattr(sessions.Queue.__base__, "push", push)
    queue = queue_of(Picky, ["clips"])

    def join(session):
        asyncio.run(queue.push(SimpleNamespace(fn_index=0, session_hash=session), None, None))

    join("one")
    with pytest.raises(HTTPException):
        join("refused")
    assert asked == [("one", "clips", []), ("refused", "clips", [sessions.Standing("note on one", True)])]
    assert queue.standing() == [sessions.Standing("note on one", True)]
    del queue.event_ids_to_events["event of one"]
    assert queue.standing() == []
    queue.pending_messages_per_session["one"].put_nowait("answer")
    join("two")
    assert [one.noted for one in queue.standing()] == ["note on two"], "what no longer stood is not found again"
    queue.pending_messages_per_session["two"].put_nowait("answer")
    del queue.event_ids_to_events["event of two"]
    assert queue.standing() == [sessions.Standing("note on two", False)]
    queue.forget("two")
    assert queue.standing() == [] and "two" not in queue.pending_messages_per_session


def test_a_page_is_asked_who_waits_and_who_has_not_listened():
    page = SimpleNamespace(_queue=queue_of(sessions.Queue), state_holder=sessions.Sessions())
    page._queue.active_jobs = [None, [SimpleNamespace(session_hash="here", alive=True)]]
    page._queue.active_jobs += [[SimpleNamespace(session_hash="gone", alive=False)]]
    assert sessions.is_awaited(page, "here")
    assert not sessions.is_awaited(page, "gone") and not sessions.is_awaited(page, "nobody")
    for name in ("here", "gone"):
        page._queue.pending_messages_per_session[name] = asyncio.Queue()
    page._queue.pending_messages_per_session["gone"].put_nowait("said")
    assert sessions.has_unfetched(page, "gone") and not sessions.has_unfetched(page, "here")
    assert not sessions.has_unfetched(page, "nobody") and sessions.names_with_messages(page) == ["here", "gone"]
    sessions.forget_messages(page, "gone")
    assert sessions.names_with_messages(page) == ["here"]


def test_a_session_is_made_after_room_for_it_and_gives_back_what_it_held():
    made = []

    class Counted(sessions.Sessions):
        def make_room(self, name):
            made.append((name, self.names()))

    with gr.Blocks(analytics_enabled=False) as page:
        state = gr.State("empty")
    page.state_holder = holder = Counted()
    holder.blocks = page
    assert holder["one"][state._id] == "empty" and holder["two"]
    holder["one"][state._id] = "full"
    assert made == [("one", []), ("two", ["one"])] and holder.names() == ["two", "one"]
    assert set(sessions.last_used(page)) == {"one", "two"} and holder.values("one") == ["full"]
    assert sessions.forget_session(page, "one") == ["full"] and sessions.forget_session(page, "one") == []
    assert holder.names() == ["two"] and set(sessions.last_used(page)) == {"two"}


def test_inputs_are_checked_before_gradio_sees_them():
    seen = []

    def checked(parts, inputs):
        seen.append((parts, inputs))
        raise gr.Error("not yours")

    with gr.Blocks(analytics_enabled=False) as page:
        text = gr.Textbox()
        text.change(print, text)
    requests.check_inputs(page, checked)
    with pytest.raises(gr.Error, match="not yours"):
        asyncio.run(page.preprocess_data(page.fns[0], ["a file"], None))
    assert seen == [([text], ["a file"])]


@pytest.fixture
def tools(monkeypatch):
    """Gradio's server of tools as the page has it, asked by somebody at an address."""
    for module, name in (
        (mcp, "GradioMCPServer"), (processing_utils, "ffmpeg_installed"),
        (processing_utils, "async_ssrf_protected_download"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, getattr(module, name))
    requests.take_only_uploads(lambda named: Path("/own/a b.mp4") if named == "mine" else None, "Do so.", "Not so.")
    made = object.__new__(mcp.GradioMCPServer)
    client = SimpleNamespace(host="203.0.113.7")
    made.mcp_server = SimpleNamespace(request_context=SimpleNamespace(request=SimpleNamespace(client=client)))
    return made


def test_tools_take_uploads_and_nothing_else(tools):
    taken = tools.convert_strings_to_filedata({"clip": "mine", "other": 3}, [["clip"], ["absent"]])
    assert taken["other"] == 3 and taken["clip"]["path"] == "http://localhost/gradio_api/file=/own/a%20b.mp4"
    for foreign in ("/etc/passwd", "http://192.0.2.1/x.mp4", "data:video/mp4;base64,", 5, None):
        with pytest.raises(ValueError, match=r"Not so\."):
            tools.convert_strings_to_filedata({"clip": foreign}, [["clip"]])
    assert tools._file_data_tool_description == " Do so."
    assert not processing_utils.ffmpeg_installed()
    with pytest.raises(gr.Error, match=r"Not so\."):
        asyncio.run(processing_utils.async_ssrf_protected_download("http://192.0.2.1/x", "/tmp"))


def test_the_tools_server_says_for_whom_it_asks(tools, monkeypatch):
    def prepared(self, name, arguments):
        return "endpoint", [], {"x-forwarded-for": "somebody else", "accept": "x"}, None

    monkeypatch.setattr(requests.Tools.__base__, "_prepare_tool_call_args", prepared)
    assert tools._prepare_tool_call_args("analyze", {})[2] == {"x-forwarded-for": "203.0.113.7", "accept": "x"}


def test_the_tools_server_has_one_client_whoever_asks_first(tools, monkeypatch):
    made = []

    def get_or_create(self):
        if not made:
            time.sleep(0.05)
            made.append("a client")
        return made[0]

    monkeypatch.setattr(requests.Tools.__base__, "_get_or_create_client", get_or_create)
    threads = [threading.Thread(target=tools._get_or_create_client) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["a client"]


def form_of(*files: tuple[str, bytes], field: str = "files") -> Request:
    """A request that brings files in a form."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in files
    ]
    body = b"".join(parts) + b"--x--\r\n"

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def test_files_of_a_form_come_into_the_folder_and_are_counted(tmp_path):
    counted: dict[str, int] = {}
    progress = SimpleNamespace(
        append=lambda upload_id, filename, message_bytes: counted.update({filename: len(message_bytes)}),
        set_done=lambda upload_id: None,
    )

    def received(*files, field="files", most=2, largest=10):
        return asyncio.run(requests.receive_files(form_of(*files, field=field), tmp_path, most, largest, progress))

    files = received(("a.mp4", b"four"), ("b.mp4", b"ten bytes."))
    assert [file.filename for file in files] == ["a.mp4", "b.mp4"] and counted == {"a.mp4": 4, "b.mp4": 10}
    assert [Path(file.file.name).read_bytes() for file in files] == [b"four", b"ten bytes."]
    assert {Path(file.file.name).parent for file in files} == {tmp_path}
    assert received(("a.mp4", b"four"), field="others") == []
    for bad in ([("a", b"x")] * 3, [("a", b"eleven byte")]):
        with pytest.raises(MultiPartException):
            received(*bad)


def test_a_file_gets_the_name_that_it_was_sent_with_within_its_folder(tmp_path):
    assert requests.path_for(tmp_path, "my clip.mp4") == tmp_path / "my clip.mp4"
    assert requests.path_for(tmp_path, "../x/y.mp4").parent == tmp_path
    assert requests.path_for(tmp_path, "/") == requests.path_for(tmp_path, "") == tmp_path / "file"
    with pytest.raises(InvalidPathError):
        requests.path_for(tmp_path, "..")


def test_wording_of_the_page_reaches_gradio(tools):
    client_files.install()
    with pytest.raises(gr.Error) as refused:
        asyncio.run(processing_utils.async_ssrf_protected_download("http://192.0.2.1/x", "/tmp"))
    assert refused.value.message == wording.NO_ADDRESS
