#!/usr/bin/env python
"""How long the Live tab takes to notice that a face has changed, in a real browser with a switching camera.

The camera shows two faces in turn, each for some seconds; a black or white corner says which. The browser sees
the corner in its own video and the label in the page, so that both times come from one clock. The app must be running.

  python scripts/live_delay.py http://127.0.0.1:7860/ --seconds 60

Prints each delay, from the first picture of the other face to the label that the face alone gets of it. Needs
requirements-dev.txt and Chromium.
"""

import argparse
import shutil
import statistics
import tempfile
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Page, sync_playwright

EXAMPLES = Path(__file__).parents[1] / "demo" / "examples"
FACES = {"glad": "happiness", "angry": "anger"}  # example -> what its face alone is taken for
HOLD = 5.0  # seconds that each face is shown
RATE = 20  # pictures a second of the camera
SIZE = 640, 480
CORNER = 48  # pixels
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream",
         "--use-fake-ui-for-media-stream"]  # fmt: skip
WATCH = """() => {
    window.turns = []; window.labels = [];
    const video = document.querySelector(".live-view video"), canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    let before = null;
    const look = () => {
        context.drawImage(video, 8, 8, 16, 16, 0, 0, 1, 1);
        const bright = context.getImageData(0, 0, 1, 1).data[0] > 127;
        if (before !== null && bright !== before) turns.push([performance.now(), bright]);
        before = bright;
        video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    const label = document.querySelector("#live-self .label");
    const note = () => labels.push([performance.now(), label.textContent]);
    new MutationObserver(note).observe(label, { childList: true, characterData: true, subtree: true });
    note();
}"""


def save_camera(path: Path) -> None:
    """Writes the two faces in turn as the MJPEG file that the browser takes for a camera."""
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p"
        for bright, example in enumerate(FACES):
            with av.open(str(EXAMPLES / f"{example}.mp4")) as clip:
                frames = [frame.reformat(*SIZE, format="rgb24").to_ndarray() for frame in clip.decode(video=0)]
                pictures = np.asarray(frames, np.uint8)
                shown = float(clip.streams.video[0].average_rate or RATE)
            for k in range(round(HOLD * RATE)):
                picture = pictures[int(k * shown / RATE) % len(pictures)].copy()
                picture[:CORNER, :CORNER] = 255 * bright
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def save_microphone(path: Path, example: str = "glad") -> None:
    """Writes an example's sound as the 48 kHz WAV file that the browser takes for a microphone."""
    with av.open(str(EXAMPLES / f"{example}.mp4")) as clip, av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        resampler = av.AudioResampler("s16", "mono", 48_000)
        for frame in [*clip.decode(audio=0), None]:
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def delays(turns: list[tuple[float, bool]], labels: list[tuple[float, str]]) -> list[tuple[str, float | None]]:
    """For each turn of the camera its label and the seconds until the page says it; None where it never does.

    Args:
        turns: (milliseconds, whether the second face is shown from then on), in order.
        labels: (milliseconds, what the page says from then on), in order.
    """
    wanted = list(FACES.values())
    found: list[tuple[str, float | None]] = []
    for (since, second), (until, _) in pairwise(turns):  # the last face may not have been shown to its end
        said = [text for time, text in labels if time <= since][-1:]
        during = [(time, text) for time, text in labels if since < time < until]
        label = wanted[second]
        if said and label in said[0]:
            found.append((label, 0.0))
            continue
        first = next((time for time, text in during if label in text), None)
        found.append((label, None if first is None else (first - since) / 1000))
    return found


def measure(page: Page, address: str, seconds: float) -> list[tuple[str, float | None]]:
    """Goes live with the face alone for so many seconds."""
    page.goto(address)
    page.get_by_role("tab", name="Live").click()
    for modality in ("audio", "text"):
        page.locator(f'.live-switches input[value="{modality}"]').uncheck()
    page.locator(".live-start").click()
    page.wait_for_selector('.live[data-used*="video"]', timeout=120_000)
    page.evaluate(WATCH)
    page.wait_for_timeout(1000 * seconds)
    turns, labels = page.evaluate("[turns, labels]")
    page.locator(".live-start").click()
    return delays(turns, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:7860/")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        camera = Path(folder) / "camera.mjpeg"
        save_camera(camera)
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        found = measure(browser.new_page(viewport={"width": 1280, "height": 800}), options.address, options.seconds)
        browser.close()
    for label in FACES.values():
        known = [delay for name, delay in found if name == label]
        seen = sorted(delay for delay in known if delay is not None)
        middle = f", median {statistics.median(seen):.2f}" if seen else ""
        print(f"to {label}: {', '.join(f'{s:.2f}' for s in seen)} s{middle}; {len(known) - len(seen)} times never")


if __name__ == "__main__":
    main()
