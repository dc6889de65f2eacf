"""Uploads: whose they are, how large they may be, and when they go."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo import session, uploads
from demo.bounds import LARGEST_REQUEST, Bounded
from demo.limits import HOUR
from demo.session import Session

UPLOAD = "/gradio_api/upload"


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A folder for visitors, in the place of the process's own."""
    monkeypatch.setattr(uploads, "_root", tmp_path)
    return tmp_path


@pytest.fixture
def client(root) -> TestClient:
    async def answer(request):
        return PlainTextResponse(str(len(await request.body())))

    routes = [*uploads.routes(), Route("/anything", answer, methods=["POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Bounded)]))


def send(client: TestClient, data: bytes = b"clip", name: str = "clip.webm"):
    return client.post(UPLOAD, files={"files": (name, data)})


def test_equal_uploads_are_two_files_and_one_leaving_takes_only_its_own(client, root):
    first, second = (Path(send(client).json()[0]) for _ in range(2))
    assert first != second and first.read_bytes() == second.read_bytes() == b"clip"
    one, two = Session(), Session()
    one.own(str(first))
    two.own(str(second))
    one.end()
    assert not first.exists() and second.exists()
    two.end()
    assert list(root.iterdir()) == []


def test_a_file_that_two_sessions_hold_goes_with_the_last(client, root):
    path = send(client).json()[0]
    one, two = Session(), Session()
    one.own(path)
    two.own(path)
    one.end()
    assert Path(path).exists()
    two.end()
    two.end()
    assert list(root.iterdir()) == []


def test_a_new_clip_takes_the_one_before_along(client, root):
    class Analyzer:
        def analyze(self, path, progress):
            raise session.MediaError("not_media", "no")

    guest, (first, second) = Session(), (send(client).json()[0] for _ in range(2))
    guest.own(first)
    guest.own(second)
    with pytest.raises(session.MediaError):
        guest.take(Analyzer(), Path(second), lambda *_: None)
    assert not Path(first).exists() and Path(second).exists()
    guest.end()


def test_only_uploads_can_be_owned(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "mine.txt"
    other.write_text("mine")
    guest = Session()
    for path in (str(other), str(root / ".." / other.parent.name / other.name), str(root), "", None, "/etc/passwd"):
        guest.own(path)
    assert guest.files == set()
    guest.end()
    assert other.exists()


@pytest.mark.parametrize(
    "name", ["../../x.mp4", "a\nb.mp4", "/etc/x", "ü 声.mp4", "x" * 300, ".", ".lock", "a'\"b.mp4"]
)
def test_a_name_never_leads_out_of_the_upload(client, root, name):
    answer = send(client, name=name)
    if answer.status_code == 200:
        path = Path(answer.json()[0])
        assert path.is_file() and path.resolve().is_relative_to(root) and len(path.relative_to(root).parts) == 3
    else:
        assert answer.status_code == 400 and list(root.iterdir()) == []


def test_what_is_too_large_or_says_nothing_of_its_size_is_refused_and_leaves_nothing(client, root, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_FILE", 1000)
    assert send(client, bytes(200_000)).status_code == 413
    assert send(client, bytes(2_000)).status_code == 413, "within the form, but larger than a file may be"
    assert client.post(UPLOAD, content=iter([b"x"])).status_code == 411
    assert client.post(UPLOAD, content=b"no form").status_code == 400
    assert list(root.iterdir()) == []
    monkeypatch.setattr(uploads, "MOST_STORED", 1500)
    kept = send(client, bytes(900))
    assert kept.status_code == 200 and send(client, bytes(900)).status_code == 503
    assert [entry.name for entry in root.iterdir()] == [Path(kept.json()[0]).relative_to(root).parts[0]]


def test_other_requests_are_bounded_before_they_are_read(client):
    assert client.post("/anything", content=bytes(1000)).text == "1000"
    assert client.post("/anything", content=bytes(LARGEST_REQUEST + 1)).status_code == 413
    assert client.post("/anything", content=iter([b"x"])).status_code == 411


def test_what_is_older_than_an_hour_is_swept_whoever_holds_it(client, root):
    old, new = (Path(send(client).json()[0]) for _ in range(2))
    guest = Session()
    guest.own(str(old))
    (root / "tmpleft").touch()
    for entry in (root / old.relative_to(root).parts[0], root / "tmpleft"):
        os.utime(entry, (time.time() - HOUR - 1,) * 2)
    uploads.sweep()
    assert not old.exists() and new.exists() and not (root / "tmpleft").exists()
    guest.end()


def test_the_folder_of_a_killed_process_is_cleared_and_that_of_a_living_one_is_not(tmp_path):
    dead, alive = tmp_path / "visit-dead", tmp_path / "visit-alive"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "clip.webm").write_bytes(b"x")
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True)"
    command = [sys.executable, "-c", f"{code}; time.sleep(60)", str(alive / ".lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.read(1)
        uploads.clear_left_behind(tmp_path)
        assert not dead.exists() and (alive / "clip.webm").exists()
        process.kill()
        process.wait()
    uploads.clear_left_behind(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_an_example_is_the_visitors_own(root):
    example = Path(__file__).parents[1] / "demo" / "examples" / "glad.mp4"
    first, second = uploads.copied(example), uploads.copied(example)
    assert first != second and first.name == "glad.mp4"
    guest = Session()
    guest.own(str(first))
    guest.end()
    assert not first.exists() and second.exists() and example.exists()
