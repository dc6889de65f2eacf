"""Uploads: whose they are, how large they may be, and when they go."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.media.reader import MediaError
from demo import wording
from demo.server import receiving, sessions, uploads
from demo.server.gate import Gate
from demo.server.limits import HOUR, MAX_FILE_BYTES, MAX_UPLOADS_AT_ONCE
from demo.server.sessions import Session
from demo.tabs import several

UPLOAD, PROGRESS = "/gradio_api/upload", "/gradio_api/upload_progress"
EXAMPLE = Path(__file__).parents[1] / "demo" / "examples" / "glad.mp4"


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A folder for visitors, in the place of the process's own."""
    for name, value in (("_root", tmp_path), ("_sizes", {}), ("_totals", Counter())):
        monkeypatch.setattr(uploads, name, value)
    return tmp_path


@pytest.fixture
def client(root) -> TestClient:
    app = Starlette(routes=receiving.routes(), middleware=[Middleware(Gate)])
    return TestClient(app, base_url="http://localhost")


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
        def analyze(self, path, progress, first=None):
            raise sessions.MediaError("not_media", "no")

    guest, (first, second) = Session(), (send(client).json()[0] for _ in range(2))
    guest.own(first)
    guest.own(second)
    with pytest.raises(sessions.MediaError):
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
    monkeypatch.setattr(receiving, "MAX_FILE_BYTES", 1000)
    assert send(client, bytes(2_000)).status_code == 413, "within the form, but larger than a file may be"
    announced = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(MAX_FILE_BYTES + 100_000)}
    too_large = client.post(UPLOAD, content=b"x", headers=announced)
    assert too_large.status_code == 413 and too_large.text == wording.TOO_LARGE
    assert client.post(UPLOAD, content=iter([b"x"])).status_code == 411
    assert client.post(UPLOAD, content=b"no form").status_code == 400
    assert list(root.iterdir()) == []
    monkeypatch.setattr(uploads, "MAX_STORED", 1500)
    kept = send(client, bytes(900))
    assert kept.status_code == 200 and send(client, bytes(900)).status_code == 503
    assert [entry.name for entry in root.iterdir()] == [Path(kept.json()[0]).relative_to(root).parts[0]]


def test_a_form_may_hold_files_and_nothing_else(client, root):
    """Gradio keeps what is no file in memory, whatever its size."""
    assert client.post(UPLOAD, data={"files": "x" * 100_000}, files={"files": ("a", b"b")}).status_code == 400
    assert client.post(UPLOAD, files={"others": ("a", b"b")}).status_code == 400
    assert client.post(f"{UPLOAD}?upload_id=some", files={"files": (None, b"no file")}).status_code == 400
    boundless = client.post(UPLOAD, content=b"--x--", headers={"Content-Type": "multipart/form-data"})
    assert boundless.status_code == 400 and list(root.iterdir()) == []


def test_files_of_one_form_are_uploads_of_their_own(client, root):
    names = client.post(UPLOAD, files=[("files", ("same.mp4", data)) for data in (b"x", b"x", b"y")]).json()
    paths = [Path(name) for name in names]
    assert len(set(paths)) == 3 and [path.read_bytes() for path in paths] == [b"x", b"x", b"y"]
    assert {path.name for path in paths} == {"same.mp4"}
    guest = Session()
    for path in paths:
        guest.own(str(path))
    guest.disown(paths[0])
    assert [path.exists() for path in paths] == [False, True, True]
    guest.end()
    assert list(root.iterdir()) == [] and uploads.stored() == 0 and not uploads._sizes


def test_announced_bytes_are_reserved_and_given_back(root, monkeypatch):
    """As many of the largest uploads as there is room for; then one of them arrives smaller than it said, one fails."""
    with pytest.raises(uploads.NoRoom), uploads.room_for(uploads.MAX_STORED + 1):
        pass
    coming = [uploads.room_for(MAX_FILE_BYTES + 1000) for _ in range(21)]
    rooms = [room.__enter__() for room in coming[:20]]
    with pytest.raises(uploads.NoRoom):
        coming[20].__enter__()
    path = uploads.new_folder() / "small.mp4"
    path.write_bytes(b"x" * 10)
    rooms[0].keep([path])
    coming[0].__exit__(None, None, None)
    assert uploads.stored() == 10 and uploads.announced() == 19 * (MAX_FILE_BYTES + 1000)
    with uploads.room_for(MAX_FILE_BYTES):
        pass
    for each in coming[1:20]:
        each.__exit__(OSError, OSError(), None)
    assert uploads.announced() == 0
    uploads.discard(path.parent)
    assert uploads.stored() == 0 and list(root.iterdir()) == []


def test_room_is_reserved_under_a_lock(root, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_STORED", 100)
    barrier, granted = threading.Barrier(20), []

    def announce():
        barrier.wait()
        try:
            with uploads.room_for(30):
                granted.append(None)
                time.sleep(0.2)
        except uploads.NoRoom:
            pass

    threads = [threading.Thread(target=announce) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 3 and uploads.announced() == 0


def test_the_number_of_files_is_bounded_too(client, root, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 3)
    for _ in range(3):
        assert send(client).status_code == 200
    assert send(client).status_code == 503
    with pytest.raises(uploads.NoRoom):
        uploads.copied(EXAMPLE)
    assert len(list(root.iterdir())) == 3


def test_one_address_has_so_many_uploads_on_their_way(client, root):
    receiving._coming["testclient"] = MAX_UPLOADS_AT_ONCE
    assert send(client).status_code == 429
    receiving._coming["testclient"] -= 1
    assert send(client).status_code == 200 and receiving._coming["testclient"] == MAX_UPLOADS_AT_ONCE - 1
    del receiving._coming["testclient"]


def test_progress_of_an_upload_that_is_not_there_is_not_found(client, monkeypatch):
    monkeypatch.setattr(receiving, "APPEARS_WITHIN", 0.2)
    for query in ("", "?upload_id=nobody", "?upload_id="):
        began = time.monotonic()
        answer = client.get(PROGRESS + query)
        assert answer.status_code == 404 and answer.text == wording.NO_UPLOAD and time.monotonic() - began < 2
    assert "nobody" not in receiving._progress


def test_progress_is_told_to_the_end_and_forgotten(client, root, monkeypatch):
    assert client.post(f"{UPLOAD}?upload_id=mine", files={"files": ("a.mp4", b"x" * 5000)}).status_code == 200
    told = client.get(f"{PROGRESS}?upload_id=mine").text.split("\n\n")
    assert '"orig_name": "a.mp4"' in told[0] and '"chunk_size": 5000' in told[0] and told[1] == 'data: {"msg": "done"}'
    assert client.post(f"{UPLOAD}?upload_id=broken", content=b"no form").status_code == 400
    monkeypatch.setattr(receiving, "MAX_PROGRESS", 5)
    for i in range(20):
        client.post(f"{UPLOAD}?upload_id={i}", files={"files": ("a.mp4", b"x")})
    client.post(f"{UPLOAD}?upload_id={'x' * 1000}", files={"files": ("a.mp4", b"x")})
    assert list(receiving._progress) == ["15", "16", "17", "18", "19"]


def test_nothing_blocks_the_loop_while_an_upload_is_cleared_away(root, monkeypatch):
    """A folder may take long to delete; others are answered meanwhile."""
    threads = []
    deleting = uploads.discard
    monkeypatch.setattr(
        uploads, "discard", lambda folder: (threads.append(threading.current_thread()), deleting(folder))
    )
    scope = {
        "type": "http", "method": "POST", "path": UPLOAD, "query_string": b"", "client": ("127.0.0.1", 1),
        "headers": [(b"content-length", b"9"), (b"content-type", b"multipart/form-data; boundary=x")],
    }  # fmt: skip

    async def receive():
        return {"type": "http.disconnect"}

    async def run():
        return await receiving._receive(receiving.Request(scope, receive)), threading.current_thread()

    answer, loop = asyncio.run(run())
    assert answer.status_code == 400 and len(threads) == 1 and threads[0] is not loop
    assert list(root.iterdir()) == [] and uploads.announced() == 0


@pytest.fixture
def strange(root, tmp_path_factory) -> dict[str, Path]:
    """Paths of what is no upload."""
    outside = tmp_path_factory.mktemp("outside") / "mine.mp4"
    outside.write_bytes(b"mine")
    folder = uploads.new_folder()
    upload = folder / "0" / "clip.mp4"
    upload.parent.mkdir()
    upload.write_bytes(b"clip")
    (folder / "link.mp4").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    (root / "loose.mp4").write_bytes(b"loose")
    (root.parent / "beside.mp4").write_bytes(b"beside")
    deep = folder / "0" / "1" / "deep.mp4"
    deep.parent.mkdir()
    deep.write_bytes(b"deep")
    os.mkfifo(folder / "pipe.mp4")
    return {
        "outside": outside, "a link": folder / "link.mp4", "through a link": folder / "linked" / "mine.mp4",
        "loose": root / "loose.mp4", "beside": root / ".." / "beside.mp4", "deep": deep, "pipe": folder / "pipe.mp4",
        "folder": folder, "inner folder": folder / "0", "all": root,
        "dots": folder / ".." / folder.name / "0" / "clip.mp4",
        "zero": folder / "0" / "clip.mp4\0", "long": folder / ("x" * 300), "relative": Path("demo/examples/glad.mp4"),
    }  # fmt: skip


def test_nothing_but_an_upload_is_found_held_or_deleted(strange, root):
    upload = strange["folder"] / "0" / "clip.mp4"
    before = sorted(root.rglob("*"))
    for name, path in strange.items():
        assert uploads.find(path) is None and uploads.find(str(path)) is None, name
        assert not uploads.hold(path), name
        uploads.release(path)
    assert sorted(root.rglob("*")) == before and strange["outside"].read_bytes() == b"mine"
    assert uploads.find(str(upload)) == upload and uploads.hold(upload)
    uploads.release(upload)
    uploads.release(upload)
    assert not upload.exists() and strange["deep"].exists(), "its folder is not empty"
    assert uploads.is_gone(upload) and not any(
        uploads.is_gone(strange[name]) for name in ("outside", "all", "relative")
    )


def test_a_queue_of_clips_never_deletes_what_its_visitor_does_not_own(strange, root):
    """It used to delete whatever path it was given: examples, and the lock that keeps a process's folder."""
    lock = root.parent / ".lock"
    lock.touch()
    named = [str(path) for path in (strange["outside"], lock, strange["loose"], strange["a link"])]
    queue = several.Queue()
    queue.begin(named)
    assert queue.waiting == [] and {row["error"] for row in queue.rows} == {wording.NOT_UPLOADED}
    queue.begin([])
    queue.begin(named)
    queue.end()
    queue.waiting = [strange["outside"]]  # even if it got there in some other way
    queue.end()
    assert all(Path(path).exists() for path in named)


def test_a_clip_that_is_read_in_a_queue_goes_and_its_neighbour_of_the_same_upload_stays(client, root):
    paths = client.post(UPLOAD, files=[("files", (f"{i}.mp4", b"x")) for i in range(3)]).json()

    class Clips:
        def analyze(self, path, progress, first=None):
            raise MediaError("not_media", "no")

    queue = several.Queue()
    queue.begin([*paths, paths[0]])
    assert queue.waiting == list(map(Path, paths)), "each once"
    queue.read_next(Clips(), lambda *_: None, lambda: False)
    assert [Path(path).exists() for path in paths] == [False, True, True]
    queue.end()
    assert list(root.iterdir()) == []


def test_the_lock_of_a_process_lies_outside_of_what_clients_can_name(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    for name in ("_root", "_alive"):
        monkeypatch.setattr(uploads, name, None)
    root = uploads.prepare()
    (lock,) = tmp_path.glob("visit-*/.lock")
    assert root not in lock.parents and os.environ["GRADIO_TEMP_DIR"] == str(root) and list(root.iterdir()) == []
    assert uploads.find(lock) is None and not uploads.hold(lock)
    uploads.clear_left_behind(tmp_path)
    assert root.is_dir(), "this process lives"


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


def test_a_file_that_cannot_be_deleted_keeps_no_other_from_going(client, root, monkeypatch, caplog):
    first, second = sorted(Path(send(client).json()[0]).parents[1] for _ in range(2))
    deleting = uploads.discard

    def discard(entry):
        if entry == first:
            raise PermissionError(str(entry))
        deleting(entry)

    monkeypatch.setattr(uploads, "discard", discard)
    uploads.sweep(older_than=-1)
    assert first.exists() and not second.exists()
    assert "PermissionError" in caplog.text and first.name not in caplog.text
    monkeypatch.setattr(uploads, "_root", root / "cleared away by the system")
    uploads.sweep()
    assert send(client).status_code == 200, "the folder is made anew"


def test_the_folder_is_swept_by_the_thread_of_all_periodic_jobs(tmp_path, monkeypatch):
    jobs = []
    monkeypatch.setattr(uploads, "_root", None)
    monkeypatch.setattr(uploads, "_alive", None)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(uploads.sweeper, "every", lambda period, run: jobs.append((period, run)))
    uploads.prepare()
    uploads.prepare()
    assert jobs == [(uploads.SWEEP, uploads.sweep)]


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
    first, second = uploads.copied(EXAMPLE), uploads.copied(EXAMPLE)
    assert first != second and first.name == "glad.mp4"
    guest = Session()
    guest.own(str(first))
    guest.end()
    assert not first.exists() and second.exists() and EXAMPLE.exists()
