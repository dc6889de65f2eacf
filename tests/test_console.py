"""What libraries and failures write: MediaPipe's lines not at all, failures in one line, everything else as it was."""

import base64
import io
import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from mediapipe.tasks.python import vision

from core.encoders import faces, native_output
from core.encoders.native_output import without_lines
from core.media.reader import Frame
from demo.server import live_visits
from demo.server.console import described

NOTE = b"W0000 00:00:1795877949.017135   15860 face_landmarker_graph.cc:174] Sets FaceBlendshapesGraph.\n"
ERROR = b"E0000 00:00:1795877949.017135   15860 calculator_graph.cc:1] it failed\n"


def test_unwanted_lines_go_and_all_others_come_in_order(capfd):
    with without_lines(faces.CHATTER):
        os.write(
            2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n" + NOTE + b"CUDA: out of memory\n" + ERROR
        )
        os.write(2, NOTE + b"without an end")
    os.write(2, b"\nafter\n")
    assert capfd.readouterr().err.encode() == b"CUDA: out of memory\n" + ERROR + b"without an end\nafter\n"


def test_what_is_kept_back_takes_a_bounded_place(capfd, monkeypatch):
    monkeypatch.setattr(native_output, "MOST_KEPT", 100)
    for i in range(9):
        with without_lines(faces.CHATTER):
            os.write(2, NOTE + f"{i}\n".encode())
            with without_lines(faces.CHATTER):
                os.write(2, NOTE + f"{i} nested\n".encode())
    assert capfd.readouterr().err.splitlines() == [line for i in range(9) for line in (f"{i}", f"{i} nested")]
    assert os.fstat(native_output._kept.fileno()).st_size < 100 + 2 * len(NOTE) + 60


def test_the_console_comes_back_whatever_happens(capfd):
    with pytest.raises(RuntimeError, match="inside"):
        with without_lines(faces.CHATTER):
            os.write(2, NOTE + b"before\n")
            raise RuntimeError("inside")
    with without_lines(faces.CHATTER), without_lines(faces.CHATTER):
        os.write(2, NOTE + b"nested\n")
    os.write(2, NOTE)
    assert capfd.readouterr().err.encode() == b"before\nnested\n" + NOTE


def test_threads_lose_nothing_to_each_other(capfd):
    def work(number):
        for i in range(20):
            with without_lines(faces.CHATTER):
                os.write(2, NOTE + f"{number}-{i}\n".encode())

    def speak():
        for i in range(200):
            os.write(2, f"other-{i}\n".encode())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)] + [threading.Thread(target=speak)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with without_lines(faces.CHATTER):  # a write that outlasted the call it began in
        pass
    lines = capfd.readouterr().err.split()
    assert sorted(lines) == sorted(
        [f"{n}-{i}" for n in range(4) for i in range(20)] + [f"other-{i}" for i in range(200)]
    )


def test_without_a_console_the_work_is_done(monkeypatch):
    def closed(number):
        raise OSError("closed")

    monkeypatch.setattr(os, "dup", closed)
    monkeypatch.setattr(sys, "stderr", None)
    done = []
    with without_lines(faces.CHATTER):
        done.append(True)
    assert done


def test_a_child_of_a_fork_can_go_on(capfd):
    """Cards are lent to forks of this process, whose other threads may be keeping the console at that moment."""
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with without_lines(faces.CHATTER):
            held.set()
            go_on.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    child = os.fork()
    if not child:
        with without_lines(faces.CHATTER):
            os._exit(0)
    for _ in range(100):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        threading.Event().wait(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
    go_on.set()
    thread.join()
    assert done and status == 0


def test_making_and_using_a_landmarker_writes_nothing(capfd):
    black = Frame(0.0, np.zeros((120, 160, 3), np.uint8))
    with faces.FaceFinder() as finder:
        finder.find(black)
    with faces.landmarker(vision.RunningMode.IMAGE):
        pass
    os.write(2, b"still heard\n")
    assert capfd.readouterr().err == "still heard\n"


def test_a_damaged_picture_of_the_live_tab_writes_nothing(capfd):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    picture = bytearray(cv2.imencode(".jpg", noise)[1].tobytes())
    picture[3000:3002] = b"\xff\x01"
    cv2.imdecode(np.frombuffer(bytes(picture), np.uint8), cv2.IMREAD_COLOR)
    assert "Corrupt JPEG data" in capfd.readouterr().err, "by itself it does"
    assert live_visits._picture(base64.b64encode(bytes(picture)).decode()).shape == (200, 200, 3)
    assert capfd.readouterr().err == ""


def test_a_failure_is_described_by_kind_and_place_only():
    def raised(error: Exception) -> Exception:
        try:
            raise error
        except Exception as caught:
            return caught

    said = described(raised(KeyError("/secret/path")))
    assert re.fullmatch(r"KeyError at tests/test_console\.py:\d+", said)
    grouped = ExceptionGroup("many", [ExceptionGroup("few", [raised(OSError("secret"))]), ValueError("other")])
    assert described(raised(grouped)).startswith("OSError at tests/test_console.py:")
    assert described(ValueError("x")) == "ValueError at an unknown place" and described(None) == "no exception"


def test_the_console_of_the_page_hides_no_native_line_and_shortens_failures():
    """In a process of its own: the console is that of all of it."""
    code = """
import logging, os, threading
from demo.server import console
console.tidy()
os.write(2, b"CUDA speaks\\n")
import gradio.queueing, gradio.routes
try:
    raise ValueError("secret")
except ValueError:
    gradio.queueing.traceback.print_exc()
    gradio.routes.traceback.print_exc()
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\\n", exc_info=True)
    logging.getLogger("demo").info("kept")
    logging.getLogger("mcp.server").warning("Tool '%s' not listed", "secret")
thread = threading.Thread(target=lambda: {}["secret"])
thread.start()
thread.join()
raise SystemExit("at the end")
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        timeout=120,
    )  # fmt: skip
    lines = [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", "", line) for line in ran.stderr.splitlines()]
    place = r"ValueError at \S+:\d+"
    expected = [
        "CUDA speaks", f"A request failed: {place}", f"A request failed: {place}",
        f"Exception in ASGI application: {place}", "kept", r"mcp\.server:\d+",
        r"A thread failed: KeyError at \S+:\d+, .*", "at the end",
    ]  # fmt: skip
    assert len(lines) == len(expected) and all(map(re.fullmatch, expected, lines)), ran.stderr
    assert "secret" not in ran.stderr + ran.stdout


def test_records_of_the_pages_own_keep_their_words():
    stream = io.StringIO()
    log = logging.getLogger("demo.example")
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    try:
        log.warning("%d clips", 3)
    finally:
        log.removeHandler(handler)
    assert stream.getvalue() == "3 clips\n"
