"""The page as strangers reach it: whose files events may name, what is served, what stays when requests are odd."""

import asyncio
import json
import logging
import os
import re
import socket
import time
from pathlib import Path

import gradio as gr
import pytest
import serving
from gradio import processing_utils, queueing, route_utils, routes
from gradio.data_classes import FileData
from serving import API, Quick, file

from core import MODALITIES
from demo import wording
from demo.server import client_files, console, stored, uploads
from demo.server.limits import MAX_FILE_BYTES
from demo.tabs.clip import OPENING

EXAMPLES = stored.EXAMPLES


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with serving.served(tmp_path_factory.mktemp("cache"), Quick("cpu")) as page:
        yield page


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A folder whose files gradio itself shows to everybody, as it does those of the examples."""
    folder = tmp_path_factory.mktemp("static")
    for name in ("shown.mp4", "shown.npz"):
        (folder / name).write_bytes(b"shown")
    return folder


@pytest.fixture
def strange(page, shown, monkeypatch) -> dict:
    """What a client may send in the place of a file that it has uploaded."""
    from gradio.data_classes import _StaticFiles

    monkeypatch.setattr(_StaticFiles, "all_paths", [*_StaticFiles.all_paths, shown.resolve()])
    upload = page.upload()
    root = uploads.prepare()
    lock = root.parent / ".lock"
    return {
        "static": file(shown / "shown.mp4"), "stored": file(shown / "shown.npz"), "lock": file(lock),
        "example": file(stored.clip_of("glad")), "answers": file(EXAMPLES / f"{OPENING}.npz"), "root": file(root),
        "folder": file(Path(upload).parent), "system": file("/etc/passwd"), "relative": file("README.md"),
        "stream": file("/etc/passwd", is_stream=True), "dots": file(f"{upload}/../../../../.lock"),
        "other host": file("http://192.0.2.1/clip.mp4"), "own address": file(f"{page.address}gradio_api/file={lock}"),
        "local address": file("file:///etc/passwd"), "no meta": {"path": "/etc/passwd"}, "no path": {"a": 1},
        "odd meta": {"path": "/etc/passwd", "meta": "x"}, "odd path": file(5) | {"path": 5}, "text": "/etc/passwd",
        "number": 7, "zero": file("/etc/passwd\0"), "nothing": {}, "list": [file("/etc/passwd")],
    }  # fmt: skip


def events(page) -> dict:
    """Name -> event that takes a file, and what is sent to it in the place of ``FILE``."""
    analysing = page.after(page.event("clip", "upload"))
    return {
        "clip": (analysing, lambda sent: [sent, None, None, "cross", None, -1, "weights", False]),
        "sound": (analysing, lambda sent: [None, sent, None, "cross", None, -1, "weights", False]),
        "begin": (page.event("clip", "upload"), lambda sent: [None, sent, None]),
        "sound file": (page.event("sound-file", "upload"), lambda sent: [sent]),
        "several": (page.event("many-files", "upload"), lambda sent: [[sent], None, 0]),
        "labels of several": (page.event("many-labels", "upload"), lambda sent: [None, sent]),
        "a switch": (
            page.event("model", "input"),
            lambda sent: [None, True, True, True, sent, None, -1, "weights", False],
        ),
    }


def test_what_was_not_uploaded_is_refused_in_one_sentence_wherever_it_is_named(page, strange):
    lock = uploads.prepare().parent / ".lock"
    for where, (event, data) in events(page).items():
        for name, sent in strange.items():
            if where == "a switch" and not (isinstance(sent, dict) and "path" in sent):
                continue  # that is no file, only no model
            succeeded, said = page.ask(event, data(sent), session="stranger")
            assert not succeeded and json.loads(said)["error"] == wording.NOT_UPLOADED, (where, name)
    assert lock.exists() and page.analyzer.asked == 0


def test_the_endpoint_refuses_what_was_not_uploaded(page, strange):
    for name, sent in strange.items():
        called = page.http.post(f"{API}/call/analyze", json={"data": [sent, ["video"], False]}).json()["event_id"]
        told = page.http.get(f"{API}/call/analyze/{called}").text
        assert told.startswith("event: error") and wording.NOT_UPLOADED in told, name
    assert page.analyzer.asked == 0


def test_strangers_delete_nothing_by_naming_it_in_several(page, strange, shown):
    """First named, then left by an empty list: this is how examples and the lock used to go."""
    several = page.event("many-files", "upload")
    for name in ("static", "stored", "example", "lock"):
        for files in ([strange[name]], []):
            page.ask(several, [files, None, 0], session="stranger")
        assert Path(strange[name]["path"]).exists(), name


def test_an_upload_is_taken_by_its_path_and_by_its_address_whatever_else_is_said_of_it(page):
    analysing, data = events(page)["clip"]
    for name in ("path", "address"):
        path = page.upload()
        sent = file(path, url="http://192.0.2.1/x", is_stream=True, size=-1, orig_name="../../x", mime_type="text/html")
        if name == "address":
            sent = file(f"https://other.example/sub/gradio_api/file={path}")
        succeeded, said = page.ask(analysing, data(sent), session="guest")
        assert succeeded and "seconds of clip" in said and "192.0.2.1" not in said, name


def test_a_clip_that_is_gone_is_said_to_be_gone(page):
    analysing, data = events(page)["clip"]
    path = Path(page.upload())
    path.unlink()
    succeeded, said = page.ask(analysing, data(file(path)))
    assert succeeded and wording.LOST_CLIP in said


def test_the_example_that_all_find_can_be_analysed_and_is_copied_for_it(page):
    analysing, data = events(page)["clip"]
    before = page.analyzer.asked
    succeeded, said = page.ask(analysing, data(file(stored.clip_of(OPENING))), session="newcomer")
    assert succeeded and "seconds of clip" in said and page.analyzer.asked == before + 1
    copies = list(uploads.prepare().rglob(f"{OPENING}.mp4"))
    assert len(copies) == 1 and uploads._holders[copies[0]] == 1
    page.ask(analysing, data(file(page.upload())), session="newcomer")
    assert not copies[0].exists() and stored.clip_of(OPENING).exists()


def test_too_little_is_answered_in_one_sentence(page):
    for event, _ in events(page).values():
        succeeded, said = page.ask(event, [])
        assert not succeeded and json.loads(said)["error"] == wording.UNFIT


def test_only_uploads_and_the_shown_example_are_served(page, strange):
    path = page.upload(b"0123456789", "a.mp4")
    whole = page.http.get(f"{API}/file={path}")
    assert whole.content == b"0123456789" and whole.headers["content-type"] == "video/mp4"
    part = page.http.get(f"{API}/file={path}", headers={"Range": "bytes=2-4", "X-Mine": "x"})
    assert part.status_code == 206 and part.content == b"234" and "x-mine" not in part.headers
    page_of_html = page.http.get(f"{API}/file={page.upload(b'<script>', 'a.html')}")
    assert "attachment" in page_of_html.headers["content-disposition"]
    assert page_of_html.headers["content-type"] == "application/octet-stream"
    assert page.http.get(f"{API}/file={stored.clip_of(OPENING)}").status_code == 200
    for name, sent in strange.items():
        named = sent.get("path") if isinstance(sent, dict) else None
        if isinstance(named, str):
            assert page.http.get(f"{API}/file={named.replace(chr(0), '%00')}").status_code == 404, name


def test_gradio_lets_no_program_open_what_was_sent(page, tmp_path, monkeypatch):
    """An installed ffmpeg would, and a playlist by the name of a sound file would let it fetch from other hosts."""
    for name in ("ffmpeg", "ffprobe"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    path = page.upload(b"#EXTM3U\nhttp://192.0.2.1/x.ts\n", "a.aiff")
    succeeded, said = page.ask(page.event("sound-file", "upload"), [file(path)])
    assert succeeded and json.loads(said)["data"][1]["value"]["path"] == path
    for part in (gr.Audio(), gr.Video()):
        assert part.postprocess(path).path == path
    sent = page.http.post(f"{API}/process_recording", files={"video": ("a.mp4", b"#EXTM3U\n")})
    assert sent.status_code == 404 and not (tmp_path / "ran").exists()


def test_nothing_is_fetched_even_if_an_address_got_in(page):
    with pytest.raises(gr.Error, match="other hosts"):
        asyncio.run(processing_utils.async_ssrf_protected_download("http://192.0.2.1/x", "/tmp"))
    with pytest.raises(gr.Error, match="other hosts"):
        gr.UploadButton().postprocess("http://192.0.2.1/x.mp4")


def test_a_part_that_takes_no_file_is_left_alone():
    number, video = gr.Number(), gr.Video()
    assert client_files.checked([number, video], [3, None]) == [3, None] and video.data_model is FileData
    deep = {"a": [{"b": [1, "text"]}]}
    assert client_files.checked([number], [deep]) == [deep]


@pytest.mark.parametrize("asked", [[], ["smell"], ["video", "smell"], "video", {"video": 1}, [["video"]], [None], 5])
def test_odd_modalities_are_refused_before_the_analysis(page, asked):
    before, path = page.analyzer.asked, page.upload()
    called = page.http.post(f"{API}/call/analyze", json={"data": [file(path), asked, False]}).json()["event_id"]
    told = page.http.get(f"{API}/call/analyze/{called}").text
    assert told.startswith("event: error") and json.dumps(wording.WHICH_MODALITIES)[1:-1] in told
    assert page.analyzer.asked == before


def test_modalities_that_are_not_said_are_all(page):
    called = page.http.post(f"{API}/call/analyze", json={"data": [file(page.upload()), None, False]}).json()["event_id"]
    told = page.http.get(f"{API}/call/analyze/{called}").text
    (answer,) = json.loads(told.partition("data: ")[2])
    assert answer["used"] == list(MODALITIES)


def test_thirty_uploads_of_the_largest_size_get_what_room_there_is(page):
    head = (
        f"POST {API}/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MAX_FILE_BYTES}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    wires = []
    try:
        for i in range(30):
            wires.append(socket.create_connection(("127.0.0.1", page.port), timeout=10))
            wires[-1].sendall(head.encode())
            until(lambda i=i: uploads.announced() >= min(i + 1, 20) * MAX_FILE_BYTES)
        assert uploads.announced() == 20 * MAX_FILE_BYTES
        for wire in wires[20:]:
            assert wire.recv(100).split()[1] == b"503"
        path = page.http.post(f"{API}/upload", files={"files": ("a.mp4", b"small")})
        assert path.status_code == 200, "there is room for what is small"
    finally:
        for wire in wires:
            wire.close()
    until(lambda: uploads.announced() == 0)


def until(holds, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_connection_over_which_nothing_is_asked_is_closed(page):
    """Before its first request, in the middle of its head, and between two."""
    silent, halting, second = (socket.create_connection(("127.0.0.1", page.port), timeout=10) for _ in range(3))
    halting.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    second.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert second.recv(1000).startswith(b"HTTP/1.1 200")
    second.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    began = time.monotonic()
    for wire in (silent, halting, second):
        while wire.recv(1000):
            pass
        wire.close()
    assert time.monotonic() - began < 8


@pytest.fixture
def shortened(monkeypatch):
    """Failures as on the console of the page."""
    for owner in queueing, route_utils, routes:
        monkeypatch.setattr(owner, "traceback", owner.traceback)
    monkeypatch.setattr(console.threading, "excepthook", console.threading.excepthook)
    before = logging.getLogRecordFactory()
    console.shorten_failures()
    yield
    logging.setLogRecordFactory(before)


def test_odd_requests_leave_a_line_each_and_nothing_of_what_they_said(page, shortened, caplog, capfd):
    clip, data = events(page)["clip"]
    live = page.part("live")
    secret = "secret-of-a-client"
    tool = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": secret, "arguments": {secret: secret}},
    }
    odd = [
        ("queue/join", {"fn_index": 99999, "data": [secret], "session_hash": secret}),
        ("queue/join", {"fn_index": clip["id"], "data": [secret], "session_hash": secret}),
        ("queue/join", {"fn_index": secret, "data": {}, "session_hash": 5}),
        ("queue/join", [secret]),
        ("run/predict", {"fn_index": 99999, "data": [secret]}),
        ("run/predict", {"fn_index": -1, "data": [secret]}),
        ("run/predict", {"fn_index": clip["id"], "data": data(secret)}),
        ("run/predict", {"fn_index": clip["id"], "data": [None, None, None, secret, [secret], secret]}),
        ("run/predict", {"fn_index": clip["id"], "data": data(file(f"/{secret}"))}),
        (f"run/{secret}", {"data": [secret]}),
        (f"call/{secret}", {"data": [secret]}),
        (f"call/v2/{secret}", {secret: secret}),
        ("call/analyze", {"data": [{"path": f"/{secret}"}, [secret], secret]}),
        ("component_server", {"component_id": 99999, "fn_name": secret, "data": secret, "session_hash": secret}),
        ("component_server", {"component_id": live, "fn_name": "__init__", "data": secret, "session_hash": secret}),
        ("component_server", {"component_id": live, "fn_name": "live_step", "data": secret, "session_hash": secret}),
        ("component_server", [secret]),
        ("cancel", {"session_hash": secret, "fn_index": 1, "event_id": secret}),
        ("mcp/", tool),
        ("mcp/", [secret]),
        (f"mcp/messages/?session_id={secret}", {}),
    ]
    with caplog.at_level(logging.WARNING):
        for route, body in odd:
            page.http.post(f"{API}/{route}", json=body, headers={"Accept": "application/json, text/event-stream"})
        for path in (
            f"queue/data?session_hash=no-{secret}",
            f"call/analyze/no-{secret}",
            f"file=/{secret}",
            f"file=//{secret}",
        ):
            page.http.get(f"{API}/{path}")
        for route, kind, body in (
            ("queue/join", "application/json", f'{{"{secret}'),
            ("upload", "multipart/form-data; boundary=x", f"--x\r\n\r\n{secret}\r\n--x--"),
        ):
            page.http.post(f"{API}/{route}", content=body, headers={"Content-Type": kind})
        logging.getLogger("asyncio").error("Lost\nfuture: ValueError('%s')", secret, exc_info=ValueError(secret))
    written = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in written and secret not in written
    lines = [record.getMessage() for record in caplog.records]
    assert 5 < len(lines) <= len(odd) + 8 and not any("\n" in line for line in lines)
    assert any(re.match(r"A request failed: KeyError at gradio/route_utils\.py:\d+", line) for line in lines)


def test_the_address_that_a_program_says_it_used_is_not_told_to_others(page):
    """Gradio keeps what it makes of the first request, and tells it to all that follow."""
    for name in ("X-Forwarded-Host", "X-Gradio-Server"):
        page.http.get(f"{API}/info", headers={name: "evil.example"})
        page.http.get(f"{API}/openapi.json", headers={name: "evil.example"})
    assert "evil.example" not in page.http.get(f"{API}/info").text
    assert (
        page.http.get("/config", headers={"X-Gradio-Server": "http://evil.example"}).json()["root"] == page.address[:-1]
    )


def test_the_page_names_no_other_site_that_may_read_it(page):
    for origin in (page.address[:-1], "http://evil.example"):
        answered = page.http.get("/config", headers={"Origin": origin})
        assert not [name for name in answered.headers if name.startswith("access-control")]


@pytest.mark.parametrize("left", [0, 1, 8, 1000])
def test_a_clip_of_which_little_is_left_is_not_whole(tmp_path, monkeypatch, left):
    (tmp_path / "glad.mp4").write_bytes(stored.clip_of("glad").read_bytes()[:left])
    (tmp_path / "glad.npz").write_bytes((EXAMPLES / "glad.npz").read_bytes()[:left])
    monkeypatch.setattr(stored, "EXAMPLES", tmp_path)
    assert not stored.is_whole("glad") and not stored.answered("glad")
    (tmp_path / "glad.mp4").write_bytes((EXAMPLES / "glad.mp4").read_bytes())
    assert stored.is_whole("glad") and not stored.answered("glad")


def test_a_start_survives_missing_and_damaged_examples(tmp_path, monkeypatch):
    """They have been deleted or half copied: the page opens without them."""
    for path in EXAMPLES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / f"{OPENING}.mp4").unlink()
    (tmp_path / "glad.mp4").write_bytes(b"no clip")
    packed = bytearray((tmp_path / "angry.npz").read_bytes())
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "angry.npz").write_bytes(packed)
    (tmp_path / "moods.npz").unlink()
    monkeypatch.setattr(stored, "EXAMPLES", tmp_path)
    assert [stored.is_whole(name) for name in wording.EXAMPLES] == [False, True, False, True]
    assert not any(map(stored.answered, wording.EXAMPLES))
    with serving.served(tmp_path / "cache", Quick("cpu")) as page:
        assert [page.has_part(f"example-{name}") for name in wording.EXAMPLES] == [False, True, False, True]
        pressed = page.event("example-angry", "click")
        succeeded, said = page.ask(pressed, [None], session="guest")
        (copy,) = uploads.prepare().rglob("angry.mp4")
        assert succeeded and str(copy) in said and uploads._holders[copy] == 1
        (tmp_path / "moods.mp4").unlink()
        succeeded, said = page.ask(page.event("example-moods", "click"), [None])
        assert not succeeded and wording.NO_EXAMPLE in said
        monkeypatch.setattr(uploads, "MAX_STORED", 0)
        succeeded, said = page.ask(pressed, [None])
        assert not succeeded and wording.NO_ROOM in said
