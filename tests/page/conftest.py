"""The server, the browser and the visitors that the tests of the page share.

A page costs seconds, so there are few: a newcomer who only looks, one who has uploaded a clip, and a guest whose clips
come and go. A test that changes what it sees puts it back, or begins by saying what it needs.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import recordings
from playwright.sync_api import expect, sync_playwright

from core.media.reader import SAMPLE_RATE
from page.browsing import GERMAN, LONG, SENTENCE, Visitors, switch_all_on, upload, wait_for_analysis

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--no-sandbox", "--disable-gpu",
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
START = 240.0  # seconds in which the server must answer
expect.set_options(timeout=LONG / 2)


@pytest.fixture(scope="package")
def clips(tmp_path_factory) -> Path:
    """A folder with camera, microphone and clips of all kinds."""
    folder = tmp_path_factory.mktemp("clips")
    spoken = recordings.speak(SENTENCE, folder / "spoken.wav")
    pause = np.zeros(SAMPLE_RATE // 2, np.float32)
    recordings.save_mjpeg(folder / "face.mjpeg")
    recordings.save_wav(np.concatenate([spoken, pause, pause]), folder / "speech.wav")
    recordings.save_clip(folder / "happy.mp4", spoken)
    other = recordings.speak("I was waiting for the train all day long.", folder / "other.wav")
    recordings.save_clip(folder / "train.webm", other)
    recordings.save_clip(folder / "german.mp4", recordings.speak(GERMAN, folder / "german.wav", voice="de"))
    recordings.save_clip(folder / "no-face.mp4", spoken, face=False)
    recordings.save_clip(folder / "mute.mp4", None, seconds=1)
    recordings.save_clip(folder / "long.mp4", np.tile(np.concatenate([spoken, pause]), 5))
    recordings.save_two_faces(folder / "two.mp4")
    (folder / "corrupt.mp4").write_bytes(b"this is not a video" * 300)
    return folder


@pytest.fixture(scope="package")
def cache(tmp_path_factory) -> Path:
    """Where the app keeps uploads."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="package")
def app(cache) -> str:
    """The running app's address."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (packages-dev.txt)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(cache)}
    log = (cache.parent / "app.log").open("w")
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + START
        while True:
            try:
                urllib.request.urlopen(address, timeout=2).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, Path(log.name).read_text("utf-8")
                time.sleep(0.3)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="package")
def visitors(app, clips):
    """Who opens pages: a browser that may use its camera and microphone, which are files."""
    devices = [
        f"--use-file-for-fake-video-capture={clips / 'face.mjpeg'}",
        f"--use-file-for-fake-audio-capture={clips / 'speech.wav'}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS + devices)
        yield Visitors(browser, app)
        browser.close()


@pytest.fixture(autouse=True)
def nothing_goes_wrong(request):
    """Whatever is done to a page, no script of it fails, and nothing is asked of other hosts."""
    yield
    if "visitors" in request.fixturenames:
        assert request.getfixturevalue("visitors").complaints() == []


@pytest.fixture(scope="package")
def newcomer(visitors):
    """A visitor who has only opened the page."""
    with visitors.come(viewport={"width": 1280, "height": 800}) as page:
        yield page


@pytest.fixture(scope="package")
def uploaded(visitors, clips):
    """A visitor who has uploaded the happy clip."""
    with visitors.come() as page:
        upload(page, clips / "happy.mp4")
        yield page


@pytest.fixture
def analysed(uploaded):
    """The same visitor for all tests that only look and switch, each beginning with everything on."""
    switch_all_on(uploaded)
    return uploaded


@pytest.fixture(scope="package")
def passing(visitors):
    """A visitor whose clips come and go."""
    with visitors.come() as page:
        yield page


@pytest.fixture
def guest(passing):
    """The same visitor for all tests that bring a clip of their own, each beginning with an example."""
    passing.get_by_role("tab", name="A clip").click()
    expect(passing.locator("#stop")).to_be_hidden()
    passing.locator("#example-glad").click()
    wait_for_analysis(passing, "glad.mp4")
    return passing
