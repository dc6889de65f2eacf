"""What every request passes: names of the server, other sites, routes, sizes and kinds of bodies, failures."""

import asyncio
import logging
import re
import socket
from collections.abc import Sequence

import gradio as gr
import pytest
from gradio.routes import App
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from demo import wording
from demo.server import gate
from demo.server.gate import KINDS, Gate, route_path
from demo.server.hosts import Hosts, is_loopback, origin_of, place_of
from demo.server.limits import MAX_CALL, MAX_FILE_BYTES, MAX_REQUEST_BYTES

JOIN, STEP, UPLOAD = "/gradio_api/queue/join", "/gradio_api/component_server", "/gradio_api/upload"
MCP = "/gradio_api/mcp/"
SHOWN = ("/", "/config", "/theme.css", "/assets/a.js", "/static/a.png", "/manifest.json", "/pwa_icon/192")
ASKED = ("/gradio_api/heartbeat/a", "/gradio_api/queue/data", "/gradio_api/mcp/sse", "/gradio_api/call/a/b", MCP)
EVIL = "http://evil.example"


async def answer(request: Request):
    body = await request.body()
    said = {name: request.headers.get(name) for name in ("x-gradio-server", "x-forwarded-host")}
    return JSONResponse({"path": request.url.path, "length": len(body)} | said)


async def fail(request: Request):
    raise ValueError("/secret/of/a/client")


async def fail_late(request: Request):
    async def parts():
        yield "one"
        raise ValueError("/secret/of/a/client")

    return StreamingResponse(parts())


EVERYTHING = [
    Route("/gradio_api/run/fails", fail, methods=["POST"]),
    Route("/gradio_api/call/fails/late", fail_late),
    Route("/{path:path}", answer, methods=["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"]),
]


def client_of(
    hosts: Hosts | None = None, routes=EVERYTHING, base: str = "http://localhost:7860", **options
) -> TestClient:
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Gate, hosts=hosts)]), base_url=base, **options)


@pytest.fixture
def client(monkeypatch) -> TestClient:
    """Of a server that listens to its own machine."""
    for name in ("GRADIO_SERVER_NAME", "ALLOWED_HOSTS", "SPACE_HOST"):
        monkeypatch.delenv(name, raising=False)
    return client_of()


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:7860", "127.0.0.1:1", "127.1.2.3", "[::1]:7860", "app.localhost"]
)
def test_the_machine_itself_is_answered(client, host):
    assert client.get("/config", headers={"Host": host}).status_code == 200
    assert client.post(JOIN, json={}, headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost",
        "",
        "a b",
        "192.168.1.5:7860",
        "[2001:db8::1]",
        "8.8.8.8",
        "testserver",
        "localhost,evil.example",
        "x@localhost",
        "[::1",
        "/",
    ],
)
@pytest.mark.parametrize("path", ["/", "/config", JOIN, UPLOAD, MCP])
def test_a_name_that_leads_here_by_rebinding_is_not(client, host, path):
    for method in ("GET", "POST"):
        refused = client.request(method, path, headers={"Host": host, "Origin": f"http://{host}"})
        assert refused.status_code == 403 and refused.text == wording.OTHER_HOST and host not in refused.text.split()
    if "," not in host:  # proxies put their own names behind the first one
        assert client.get(path, headers={"X-Forwarded-Host": host or "-"}).status_code == 403, "no way around"


def test_one_name_must_be_asked_for(client):
    for headers in ([], [("Host", "localhost"), ("Host", "evil.example")]):
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(n.lower().encode(), v.encode()) for n, v in headers],
        }
        assert sent_by(Gate(None), scope)[0]["status"] == 403


def sent_by(app, scope: dict, received: Sequence[dict] = ({"type": "http.request"},)) -> list[dict]:
    """What an app sends for a request."""
    messages, coming = [], iter(received)

    async def receive():
        return next(coming)

    async def send(message):
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    return messages


@pytest.mark.parametrize(
    ("environment", "more", "answered", "not_answered"),
    [
        ({}, [], ["localhost"], ["example.org", "10.0.0.7"]),
        ({"ALLOWED_HOSTS": "example.org, other.example"}, [], ["example.org", "other.example"], ["www.example.org"]),
        ({}, ["Example.ORG.", "*.example.com"], ["example.org", "a.example.com"], ["example.com", "badexample.com"]),
        ({"SPACE_HOST": "me-space.hf.space,custom.example"}, [], ["me-space.hf.space", "custom.example"], ["hf.space"]),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, [], ["10.0.0.7", "2001:db8::1", "localhost"], ["example.org"]),
        ({"GRADIO_SERVER_NAME": "192.168.1.5"}, [], ["192.168.1.5", "127.0.0.1"], ["example.org"]),
        ({"GRADIO_SERVER_NAME": "box.lan"}, [], ["box.lan"], ["example.org", "10.0.0.7"]),
        ({"GRADIO_SERVER_NAME": "[::1]"}, [], ["::1"], ["10.0.0.7"]),
        ({}, ["*"], ["example.org", "10.0.0.7"], []),
    ],
)
def test_names_are_known_from_the_command_line_and_the_environment(environment, more, answered, not_answered):
    hosts = Hosts.known(more, environment)
    assert all(map(hosts.answer_to, answered)) and not any(map(hosts.answer_to, not_answered))


def test_a_server_that_listens_to_its_network_goes_by_the_name_of_its_machine(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Laptop")
    hosts = Hosts.known(environment={"GRADIO_SERVER_NAME": "0.0.0.0"})
    assert hosts.answer_to("laptop") and hosts.answer_to("laptop.local")
    assert not Hosts.known(environment={}).answer_to("laptop")


@pytest.mark.parametrize(
    "name", ["http://example.org", "exa mple", "a,b", "ex*mple.org", "*.*", "example.org/path", "x@y"]
)
def test_what_is_no_name_is_refused_at_the_start(name):
    with pytest.raises(ValueError, match="no name of a host"):
        Hosts.known([name], {})


def test_headers_are_read_as_browsers_write_them():
    assert place_of("Localhost.:7860") == origin_of("HTTP://localhost:7860") and place_of("[::1]:80").name == "::1"
    assert place_of("a.example") == origin_of("https://a.example") == origin_of("https://a.example:443")
    assert origin_of("https://a.example:80") != place_of("a.example:80")
    for odd in ("null", "", "evil.example", "file://", "chrome-extension://abc", "http://", "http://a.example/path"):
        assert origin_of(odd) is None
    assert is_loopback("127.9.9.9") and not is_loopback("128.0.0.1") and not is_loopback("localhost.evil")


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "http://localhost:8888", "https://localhost:7861", "http://127.0.0.1:7860", ""]
)
def test_a_page_of_another_site_gets_no_answer(client, origin):
    """Of another port of this machine too: other programs have pages as well."""
    for path in (JOIN, STEP, UPLOAD, MCP, "/gradio_api/run/predict", "/gradio_api/call/analyze", "/gradio_api/cancel"):
        assert client.post(path, json={}, headers={"Origin": origin}).text == wording.OTHER_SITE
        assert (
            client.post(path, content=b"{}", headers={"Origin": origin, "Content-Type": "text/plain"}).status_code
            == 403
        )
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert client.options(path, headers=asked).status_code == 403
    for path in (*SHOWN, *ASKED):
        assert client.get(path, headers={"Origin": origin}).status_code == 403
        assert "access-control-allow-origin" not in client.get(path, headers={"Origin": origin}).headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_link_to_the_page_and_do_nothing_else(client, site):
    said = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert [client.get(path, headers=said).status_code for path in SHOWN] == [200] * len(SHOWN)
    assert [client.get(path, headers=said).status_code for path in ASKED] == [403] * len(ASKED)
    for path in (JOIN, STEP, UPLOAD, MCP, "/", "/config"):
        assert client.post(path, json={}, headers=said).status_code == 403


def test_the_page_itself_and_programs_are_answered(client):
    own = {"Origin": "http://localhost:7860", "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, own, {"Sec-Fetch-Site": "none"}):
        for path in (*SHOWN, *ASKED):
            assert client.get(path, headers=headers).status_code == 200
        for path in (JOIN, STEP, MCP, "/gradio_api/run/predict", "/gradio_api/call/v2/analyze"):
            assert client.post(path, json={"a": 1}, headers=headers).json()["length"] == 7
        assert client.post(UPLOAD, files={"files": ("a", b"b")}, headers=headers).status_code == 200


def test_behind_a_proxy_with_a_name_of_its_own():
    """Whether it hands the name on, says it in a header of its own, or neither."""
    client = client_of(Hosts.known(["example.org"], {}))
    own = {"Origin": "https://example.org", "Sec-Fetch-Site": "same-origin"}
    for host in ({"Host": "example.org"}, {"X-Forwarded-Host": "example.org"}, {}):
        assert client.post(JOIN, json={}, headers=own | host).status_code == 200
    other = {"Host": "example.org", "Origin": "https://example.org:8443"}
    assert client.post(JOIN, json={}, headers=other).status_code == 403
    assert client.post(JOIN, json={}, headers={"Host": "example.org", "Origin": EVIL}).status_code == 403
    everything = client_of(Hosts.known(["*"], {}))
    assert everything.get("/", headers={"Host": "any.example"}).status_code == 200
    assert everything.post(JOIN, json={}, headers={"Host": "any.example", "Origin": EVIL}).status_code == 403


def test_a_websocket_is_refused():
    for host in (b"localhost", b"evil.example"):
        scope = {"type": "websocket", "path": "/", "headers": [(b"host", host), (b"origin", EVIL.encode())]}
        assert sent_by(Gate(None), scope) == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    "path", ["/gradio_api/call/upload", "/gradio_api/run/upload", "/upload", "/x/upload", UPLOAD + "/", STEP]
)
def test_only_the_route_of_uploads_may_bring_as_much_as_an_upload(client, path):
    """The length alone decides, before a byte is read."""
    headers = {"Content-Type": "application/json", "Content-Length": str(400 * 1024**2)}
    refused = client.post(path, content=b"{}", headers=headers)
    assert refused.status_code in (413, 404) and refused.headers["connection"] == "close"
    if path.startswith("/gradio_api/") and not path.endswith("/upload/"):
        assert refused.status_code == 413 and ("4 MB" if path == STEP else "256 KB") in refused.text
        assert "clip" not in refused.text and "200" not in refused.text
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(MAX_FILE_BYTES)}
    assert client.post(path, content=b"x", headers=headers).status_code in (413, 404)


@pytest.mark.parametrize(("path", "largest"), [(STEP, MAX_REQUEST_BYTES), (JOIN, MAX_CALL), (MCP, MAX_CALL)])
def test_bodies_are_bounded_and_say_their_own_limit(client, path, largest):
    json = {"Content-Type": "application/json"}
    assert client.post(path, content=b" " * largest, headers=json).json()["length"] == largest
    too_long = client.post(path, content=b" " * (largest + 1), headers=json)
    assert too_long.status_code == 413 and too_long.text == wording.too_long(largest)
    assert wording.too_long(MAX_REQUEST_BYTES) == "This request may have 4 MB; only an upload may be larger."


@pytest.mark.parametrize("values", [b"[" * 10_001, b"[" + b"{}," * 5_001, b"," * 10_001, b'{"a":[' * 5_001])
def test_json_of_very_many_values_is_not_read(client, values):
    """Four megabytes of empty lists would stop everybody for seconds."""
    refused = client.post(STEP, content=values, headers={"Content-Type": "application/json"})
    assert refused.status_code == 413 and refused.text == wording.TOO_COMPLEX
    sent = client.post(STEP, json={"picture": "x" * 2_000_000, "values": [1] * 1000})
    assert sent.status_code == 200 and sent.json()["length"] > 2_000_000


def test_a_client_that_leaves_in_the_middle_of_json_is_let_go():
    scope = {
        "type": "http", "method": "POST", "path": JOIN,
        "headers": [(b"host", b"localhost"), (b"content-length", b"9"), (b"content-type", b"application/json")],
    }  # fmt: skip
    assert sent_by(Gate(None), scope, [{"type": "http.disconnect"}])[0]["status"] == 400


def test_bodies_are_of_the_kind_that_is_expected(client):
    assert client.post(JOIN, content=iter([b"x"])).status_code == 411
    assert client.post(JOIN, headers={"Content-Length": "-1"}).status_code == 411
    for kind in ("text/plain", "text/plain; charset=application/json", "application/x-www-form-urlencoded", ""):
        assert client.post(STEP, content=b"{}", headers={"Content-Type": kind}).status_code == 415
    form = client.post(STEP, files={"data": ("a", b"b")})
    assert form.status_code == 415 and form.text == wording.NO_JSON
    assert client.post(UPLOAD, json={}).status_code == 400
    assert client.request("GET", "/config", content=b"x" * 10).status_code == 413


def test_addresses_are_not_made_of_what_a_client_says_of_a_proxy(client):
    said = client.get("/config", headers={"X-Gradio-Server": EVIL, "X-Forwarded-Host": "localhost"}).json()
    assert said["x-gradio-server"] is None and said["x-forwarded-host"] == "localhost"


def test_a_failure_is_one_line_without_what_a_client_sent(client, caplog):
    with caplog.at_level(logging.ERROR):
        failed = client.post("/gradio_api/run/fails", json={})
        cut = client.get("/gradio_api/call/fails/late")
    assert failed.status_code == 500 and failed.text == wording.FAILED and cut.text == "one"
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2 and "secret" not in caplog.text and "Traceback" not in caplog.text
    assert all(re.fullmatch(r"A request failed: ValueError at tests/test_gate\.py:\d+, .*", line) for line in lines)


@pytest.mark.parametrize("root", ["", "/sub", "/sub/two"])
@pytest.mark.parametrize("strips", [False, True])
def test_routes_are_found_below_a_root_path(root, strips):
    """Whether a proxy takes the root path off or leaves it."""
    before = "" if strips else root
    client = client_of(root_path=root)
    assert client.get(f"{before}/config").status_code == 200
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(MAX_REQUEST_BYTES + 1)}
    assert client.post(f"{before}{UPLOAD}", content=b"x", headers=headers).status_code == 200
    assert client.post(f"{before}/gradio_api/call/upload", content=b"x", headers=headers).status_code == 413
    assert client.get(f"{before}/sub/config").status_code == (404 if root != "/sub" or not strips else 200)


def test_a_mounted_page_has_its_gate():
    inner = Starlette(routes=EVERYTHING, middleware=[Middleware(Gate, hosts=Hosts())])
    client = TestClient(Starlette(routes=[Mount("/sub", inner)]), base_url="http://localhost")
    assert client.get("/sub/config").status_code == 200 and client.get("/sub/monitoring").status_code == 404
    assert client.get("/sub/config", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("root", ["", "/sub", "/sub/", "https://example.org/sub"])
@pytest.mark.parametrize("path", ["", "/", "/sub", "/sub/", "/sub/x", "/subx", "/x/sub/y", "//sub/x"])
def test_paths_are_read_as_the_router_reads_them(root, path):
    from starlette._utils import get_route_path

    scope = {"path": path, "root_path": root}
    assert route_path(scope) == get_route_path(scope)


# Routes of gradio that this page has no use for. One that is new in another version belongs here or among the KINDS.
UNUSED = """
    /openapi.json /login /login/ /logout /svelte/x /monitoring /monitoring/summary /monitoring/x
    deep_link token token/ dev/reload runs runs/ run-history/connect run-history/buckets run-history/records
    run-history/records/x/x/assets/x custom_component/x/x/x/x proxy=x stream/x stream/x/close
    stream/x/x/x/playlist.m3u8 stream/x/x/x/x.x stream/x/x/x/playlist-file file/x process_recording
    vibe-edit vibe-edit/ undo-vibe-edit undo-vibe-edit/ vibe-code vibe-code/ vibe-starter-queries vibe-starter-queries/
""".split()  # noqa: SIM905 paths a word each are read more easily


def test_each_route_of_gradio_is_served_or_known_to_be_unused():
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Textbox()
    routes = App.create_app(page, mcp_server=True).routes
    routes += [inner for route in routes if hasattr(route, "original_router") for inner in route.original_router.routes]
    paths = {re.sub(r"\{.*?\}", "x", route.path.replace("{size}", "192")) for route in routes if hasattr(route, "path")}
    unused = {path if path.startswith("/") else f"/gradio_api/{path}" for path in UNUSED}
    served = {path for path in paths if any(kind.path.fullmatch(path) for kind in KINDS)}
    assert paths - served == unused


@pytest.mark.parametrize("size", ["0", "-1", "30000", "193", "1920"])
def test_icons_are_drawn_in_two_sizes(client, size):
    """Gradio draws any, in memory: 30,000 pixels are three and a half gigabytes."""
    assert client.get(f"/pwa_icon/{size}").status_code == 404
    assert client.get("/pwa_icon/512").status_code == 200


def test_a_request_as_a_whole_has_its_time(monkeypatch):
    """One byte a little before each silence ends would hold a place for years."""
    monkeypatch.setattr(gate, "SILENT", 0.05)

    async def run():
        async def receive():
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b"x", "more_body": True}

        received = gate._impatient(receive, longest=0.3)
        count = 0
        while (await received())["type"] == "http.request":
            count += 1
        return count

    assert 3 < asyncio.run(run()) < 20
    largest = max(kind.largest for kind in KINDS)
    assert gate.SILENT + largest / gate.MIN_RATE < 3600, "or an upload could outlive the hour that it may be kept"


def test_the_start_says_what_is_wrong_with_a_name(capsys):
    assert Hosts.told("", ["--allow-host", "a.example", "--allow-host", "b.example"]).names >= {
        "a.example",
        "b.example",
    }
    with pytest.raises(SystemExit) as ended:
        Hosts.told("", ["--allow-host", "http://x"])
    assert ended.value.code == 2 and "no name of a host" in capsys.readouterr().err
