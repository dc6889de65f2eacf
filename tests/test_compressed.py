"""What is text leaves compressed, once for everybody, and says how long a browser may keep it."""

import gzip

import brotli
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.server import compressed
from demo.server.compressed import Compressed, encoding_for, kept_for

SCRIPT = "let answer = 42; " * 500


async def script(request):
    seen = request.headers.get("accept-encoding")
    return Response(SCRIPT + str(seen), media_type="text/javascript")


async def stream(request):
    async def parts():
        yield "data: " + "x" * 5000

    return StreamingResponse(parts(), media_type="text/event-stream")


ANSWERS = [
    Route("/assets/a.js", script),
    Route("/gradio_api/run/predict", lambda request: JSONResponse(["x"] * 2000), methods=["POST"]),
    Route("/gradio_api/queue/data", stream),
    Route("/static/a.png", lambda request: Response(b"x" * 5000, media_type="image/png")),
    Route("/assets/no.js", lambda request: PlainTextResponse("x" * 5000, 404)),
    Route(
        "/assets/{number}.css", lambda request: Response(request.path_params["number"] * 2000, media_type="text/css")
    ),
]


@pytest.fixture
def made(monkeypatch) -> list:
    """Every compression that is made."""
    calls, own = [], compressed.packed
    monkeypatch.setattr(compressed, "packed", lambda *arguments: calls.append(arguments) or own(*arguments))
    return calls


def client_of(**options) -> TestClient:
    return TestClient(Starlette(routes=ANSWERS, middleware=[Middleware(Compressed, **options)]))


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip")]
)
def test_a_script_is_compressed_once_and_kept_by_browsers(made, accepted, encoding):
    client = client_of()
    for _ in range(3):
        with client.stream("GET", "/assets/a.js", headers={"accept-encoding": accepted}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == encoding and int(answer.headers["content-length"]) == len(raw)
        unpacked = {"br": brotli.decompress, "gzip": gzip.decompress}[encoding](raw)
        assert unpacked.decode() == SCRIPT + "None", "what stands behind does not compress as well"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding" and len(raw) < 1000
    assert len(made) == 1


def test_whoever_has_it_is_not_sent_it_again():
    client = client_of()
    tag = client.get("/assets/a.js").headers["etag"]
    answer = client.get("/assets/a.js", headers={"if-none-match": f'"other", {tag}'})
    assert answer.status_code == 304 and answer.content == b"" and answer.headers["etag"] == tag
    assert client.get("/assets/a.js", headers={"if-none-match": '"other"'}).status_code == 200


def test_answers_of_one_visitor_are_compressed_and_kept_nowhere(made):
    client = client_of()
    answer = client.post("/gradio_api/run/predict", headers={"accept-encoding": "br"})
    assert answer.headers["content-encoding"] == "br" and answer.json() == ["x"] * 2000
    assert "cache-control" not in answer.headers and "etag" not in answer.headers
    client.post("/gradio_api/run/predict", headers={"accept-encoding": "br"})
    assert len(made) == 2


def test_streams_pictures_failures_and_plain_clients_are_left_alone(made):
    client = client_of()
    for path in ("/gradio_api/queue/data", "/static/a.png", "/assets/no.js"):
        answer = client.get(path)
        assert "content-encoding" not in answer.headers and len(answer.content) >= 5000
    assert "cache-control" not in client.get("/assets/no.js").headers
    plain = client.get("/assets/a.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text.startswith(SCRIPT)
    assert made == []


def test_what_is_kept_is_bounded(made):
    application = Compressed(Starlette(routes=ANSWERS), most=100)
    client = TestClient(application)
    for number in range(20):
        client.get(f"/assets/{number}.css")
    assert 0 < application.nbytes <= 100 and len(made) == 20


def test_encodings_and_times():
    assert encoding_for("") == "" and encoding_for("gzip;q=0.0") == "" and encoding_for("GZIP, BR;q=1") == "br"
    assert kept_for("/") == "no-cache" and kept_for("/gradio_api/file=a") is None
