"""Where people run it: what a Space, a container, a telephone and another program's model find."""

import ast
import asyncio
import json
import pickle
import re
import socket
import struct
import sys
import time
import urllib.request
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace

import made
import pytest
import serving
from serving import Quick

from core.media.reader import MediaError
from demo import wording
from demo.page import ICON
from demo.server import sessions, uploads, zerogpu
from demo.server.places import FairQueue, FairSessions

ROOT = Path(__file__).parents[1]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
PINNED = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE))


def front_matter() -> dict[str, str]:
    head = re.match(r"---\n(.*?)\n---\n", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)[1]
    return {key: value.strip('"') for key, value in (line.split(": ", 1) for line in head.splitlines())}


def test_the_front_matter_is_a_spaces():
    head = front_matter()
    assert head["sdk"] == "gradio" and head["sdk_version"] == PINNED["gradio"]
    assert (ROOT / head["app_file"]).is_file() and head["license"] == "mit"
    assert tuple(map(int, head["python_version"].split("."))) >= (3, 11)
    assert {head["colorFrom"], head["colorTo"]} <= COLOURS and len(head["emoji"]) <= 2
    assert head["suggested_hardware"] == "zero-a10g" and len(head["short_description"]) <= 60


def test_system_packages_are_names_and_nothing_else():
    lines = (ROOT / "packages.txt").read_text("utf-8").splitlines()
    assert lines and all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", line) for line in lines)


def test_what_the_page_imports_is_required():
    """Of the installed packages; two are asked for only where they are: on a Space and on a cluster."""
    files = [ROOT / "app.py", *(ROOT / "core").rglob("*.py"), *(ROOT / "demo").rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    others = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"core", "demo", "spaces", "ray"}
    gradios = {"anyio", "fastapi", "starlette"}  # the server that gradio is built on: any other version would not do
    required = {name.lower().replace("_", "-") for name in PINNED}
    homes = packages_distributions()
    missing = {o for o in others - gradios if not {h.lower().replace("_", "-") for h in homes[o]} & required}
    assert len(others) > 10 and missing == set()


def test_the_container_is_built_of_what_is_here_and_run_by_nobody_special():
    lines = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    steps = [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]
    said = dict(steps)
    assert said["FROM"].startswith(f"python:{front_matter()['python_version']}-")
    copied = [name for what, names in steps if what == "COPY" for name in names.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    python = [file.relative_to(ROOT).parts[0] for file in (ROOT / "core").rglob("*.py")]
    assert {"app.py", "demo", "checkpoints", "docs/composed", *python} <= set(copied)
    assert "packages.txt" in said["RUN"] or any("packages.txt" in rest for what, rest in steps if what == "RUN")
    order = [what for what, _ in steps]
    assert said["USER"] not in ("root", "0") and order.index("USER") > max(
        i for i, what in enumerate(order) if what in ("RUN", "COPY")
    )
    environment = dict(pair.split("=") for pair in said["ENV"].split())
    assert environment["GRADIO_SERVER_PORT"] == said["EXPOSE"] and environment["GRADIO_SERVER_NAME"] == "0.0.0.0"
    assert json.loads(said["CMD"])[-1] == "app.py"
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert not set(ignored) & set(copied) and ".git" in ignored


def lend(duration):
    """A loan as the platform makes it: what goes in and comes out is pickled, a failure loses what it says."""

    def decorate(task):
        def borrowed(*arguments):
            lent.append(duration(*arguments))
            return pickle.loads(pickle.dumps(task(*pickle.loads(pickle.dumps(arguments)))))

        return borrowed

    lent = decorate.lent = []
    return decorate


def test_a_card_is_borrowed_for_a_clip_and_for_nothing_else(clip):
    lends, said = [], []

    def lending(**options):
        lends.append(lend(**options))
        return lends[-1]

    analyzer = zerogpu.BorrowingAnalyzer(Quick, lending)
    found = analyzer.analyze(clip, lambda share, stage: said.append(stage))
    assert found.file == "on cuda" and found.everything.cross.attention and said == [zerogpu.BORROWING]
    assert analyzer.device == "cpu" == analyzer.loaded().device and analyzer.heads == made.HEADS
    with pytest.raises(MediaError, match="no clip") as refused:
        analyzer.analyze("bad.mp4")
    assert refused.value.code == "not_media"
    (lent,) = (lend.lent for lend in lends)
    assert len(lent) == 2 and zerogpu.MIN_SECONDS < lent[0] < 20 and lent[1] == zerogpu.MIN_SECONDS


@pytest.mark.parametrize(("said", "here"), [(None, False), ("", False), ("0", False), ("true", True), ("1", True)])
def test_only_where_cards_are_lent_is_one_borrowed(monkeypatch, said, here):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    if said is not None:
        monkeypatch.setenv("SPACES_ZERO_GPU", said)
    assert zerogpu.here() is here and "spaces" not in sys.modules


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The page's address, with an analyzer that answers at once."""
    with serving.served(tmp_path_factory.mktemp("cache"), Quick("cpu")) as page:
        yield page.address


def read(address: str) -> tuple[str, bytes]:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.headers.get_content_type(), answer.read()


def test_a_telephone_can_keep_the_page_as_an_app(served):
    kind, body = read(f"{served}manifest.json")
    manifest = json.loads(body)
    assert kind == "application/manifest+json"
    assert manifest["name"] == wording.TITLE and manifest["display"] == "standalone" and manifest["start_url"] == "./"
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
    for icon in manifest["icons"]:
        kind, picture = read(served + icon["src"].lstrip("/"))
        assert kind == "image/png" and "x".join(map(str, struct.unpack(">II", picture[16:24]))) == icon["sizes"]
    # Nothing is asked for at the root of the host, where it is not if a proxy serves the page below a path.
    assert not any(icon["src"].startswith("/") for icon in manifest["icons"])
    page = read(served)[1].decode()
    assert '<link rel="manifest" href="manifest.json"' in page and '"/manifest.json"' not in page
    assert 'rel="apple-touch-icon" href="pwa_icon/192"' in json.loads(read(f"{served}config")[1])["head"]
    assert read(f"{served}favicon.ico")[1] == ICON.read_bytes(), "our own"


def ask_tool(address: str, ask):
    """What ``ask`` makes of a session with the page's tools."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def asked():
        async with streamablehttp_client(f"{address}gradio_api/mcp/") as (reading, writing, _):
            async with ClientSession(reading, writing) as session:
                await session.initialize()
                return await ask(session)

    return asyncio.run(asked())


def test_programs_are_offered_one_tool_with_types(served):
    (tool,) = ask_tool(served, lambda session: session.list_tools()).tools
    assert tool.name == "analyze" and "guesses" in tool.description and "Args" not in tool.description
    parts = tool.inputSchema["properties"]
    assert set(parts) == {"clip", "modalities", "attention"} and tool.inputSchema["required"] == ["clip"]
    assert parts["clip"]["type"] == "string" and parts["attention"]["type"] == "boolean"
    assert parts["modalities"]["type"] == "array" and parts["modalities"]["items"]["enum"] == list(made.MODALITIES)
    assert all(part["description"] for part in parts.values())
    assert ask_tool(served, lambda session: session.list_prompts()).prompts == []
    assert ask_tool(served, lambda session: session.list_resources()).resources == []


def uploaded(address: str, clip: Path) -> str:
    """Where an upload lies, for the one who made it."""
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="clip.mp4"\r\n\r\n%b\r\n--x--\r\n'
    head = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{address}gradio_api/upload", body % clip.read_bytes(), head)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)[0]


def test_a_tool_reads_an_upload_and_deletes_it(served, clip):
    path = uploaded(served, clip)
    arguments = {"clip": f"{served}gradio_api/file={path}", "modalities": ["video", "audio"]}
    found = ask_tool(served, lambda session: session.call_tool("analyze", arguments))
    assert not found.isError
    answer = ast.literal_eval(found.content[0].text)
    assert answer["file"] == "on cpu" and answer["used"] == ["video", "audio"] and set(answer["cross"]) > {"label"}
    assert not Path(path).exists() and uploads.hold(Path(path)) is False


@pytest.mark.parametrize(
    "clip", ["https://192.0.2.1/clip.mp4", "http://127.0.0.1/gradio_api/file=/etc/passwd", "data:video/mp4;base64,AAAA"]
)
def test_a_tool_fetches_nothing_from_elsewhere_and_keeps_nothing(served, clip):
    before = set(uploads.prepare().rglob("*"))
    found = ask_tool(served, lambda session: session.call_tool("analyze", {"clip": clip}))
    assert found.isError and wording.NO_ADDRESS in found.content[0].text
    assert set(uploads.prepare().rglob("*")) == before


def held(server: int, client: int) -> bool:
    """Whether the server's end of a connection between two ports is open."""
    rows = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text("utf-8").splitlines()[1:]]
    ends = f":{server:04X}", f":{client:04X}"
    return any(here.endswith(ends[0]) and there.endswith(ends[1]) and state == "01" for here, there, state in rows)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone closes on silence")
def test_a_client_that_never_reads_is_closed(served):
    """It asks for more than all buffers hold and takes in nothing of it."""
    host, port = served.split("//")[1].rstrip("/").split(":")
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.connect((host, int(port)))
        silent.sendall(200 * b"GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n")
        ends = int(port), silent.getsockname()[1]
        assert held(*ends)
        deadline = time.monotonic() + 20
        while held(*ends):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert read(f"{served}manifest.json")[0], "others are served"


def test_a_request_that_stops_in_the_middle_is_given_up(served, monkeypatch):
    monkeypatch.setattr("demo.server.gate.SILENT", 0.5)
    host, port = served.split("//")[1].rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        )
        begun = time.monotonic()
        assert slow.recv(1000)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 500", b"") and time.monotonic() - begun < 8
    assert [path for path in uploads.prepare().iterdir() if path.is_dir()] == []


def test_an_answer_that_nobody_fetches_is_forgotten_and_its_analysis_given_up(monkeypatch):
    class Page:
        """What of gradio's queue is asked for, with a program that has asked and does not listen."""

        _queue = FairQueue(live_updates=True, concurrency_count=1, update_intervals=1, max_size=None, blocks=None)
        state_holder = FairSessions()

    page = Page()
    page._queue.active_jobs = [[SimpleNamespace(alive=True, session_hash="mute")]]
    page._queue.pending_messages_per_session |= {"mute": asyncio.Queue(), "listening": asyncio.Queue()}
    page._queue.pending_messages_per_session["mute"].put_nowait("half done")
    assert not sessions.gone(page, "mute")
    monkeypatch.setattr(sessions, "UNHEARD", 0.1)
    time.sleep(0.2)
    assert sessions.gone(page, "mute")
    sessions.forget_unfetched(page, older_than=0.1)
    assert list(page._queue.pending_messages_per_session) == ["listening"] and "mute" not in sessions._unheard_since
