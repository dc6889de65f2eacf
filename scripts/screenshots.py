#!/usr/bin/env python
"""Takes the pictures of README and docs/page.md from the running app, and a short animation of a playing clip.

  python scripts/screenshots.py [ADDRESS] [FOLDER] [--only NAME...]
  python scripts/screenshots.py --stopwatch CAMERA MICROPHONE
  python scripts/screenshots.py --first-visit MEGABITS

The second records five seconds instead (an MJPEG and a 48 kHz WAV file stand for the devices) and prints the seconds
from pressing stop to seeing both verdicts, and to those from face and voice where words come later; the third times a
first visit on a slow line. Needs requirements-dev.txt and Chromium.
"""

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo.wording import english
from scripts.live_delay import CHROMIUM, EXAMPLES, FLAGS, save_camera, save_microphone

PLAYING = "playing"
PREVIEW = Path(__file__).parents[1] / "demo" / "static" / "preview.jpg"  # what is shown of a link to the page
OLD_HAND = "localStorage.setItem('guessed', '1')"  # who has been here is not asked for a guess first
PLAYED = (4.6, 9.0)  # seconds of the longest example that the animation shows
RATE, WIDTH = 5, 640  # its pictures a second, and their width in pixels
WIDEST = 1280  # pixels of any other picture
SHOWN = """addEventListener("DOMContentLoaded", () => {
    const seen = () => document.querySelector("SELECTOR")?.offsetParent;
    const look = () => { if (seen()) window.shown = performance.now(); else requestAnimationFrame(look); };
    look();
})"""
LATENCY = 40  # milliseconds to the server and back, of a first visit on a slow line


def wait_for_opening(page: Page) -> None:
    """The example that the page opens with is drawn."""
    page.wait_for_selector("#self-verdict .bar", timeout=120_000)
    page.wait_for_selector("#timeline-chart .barlayer", timeout=120_000)
    page.wait_for_timeout(1500)


def at(page: Page, seconds: float) -> None:
    """Shows the clip at a time, without the player's own controls."""
    page.evaluate("(at) => { document.querySelector('#clip video').currentTime = at }", seconds)
    page.wait_for_function(
        "(at) => Math.abs(document.querySelector('#clip video').currentTime - at) < 0.05", arg=seconds
    )
    page.wait_for_timeout(250)


def opening(page: Page) -> None:
    """The first screen, in the middle of the clip."""
    wait_for_opening(page)
    at(page, 3.1)


def guess(page: Page) -> None:
    """The question before the first verdicts."""
    page.wait_for_selector("#first-guess.asking", timeout=120_000)
    page.wait_for_timeout(1500)


def word(page: Page) -> None:
    """Where a word looks: arcs to moments of voice, face and other words."""
    opening(page)
    page.locator("#timeline-chart .lane-word").nth(2).hover()
    page.wait_for_timeout(700)
    page.evaluate("document.querySelector('#timeline-chart').scrollIntoView({block: 'center'})")
    page.wait_for_timeout(700)


def _open_attention(page: Page) -> None:
    wait_for_opening(page)
    page.locator("#section-attention > button").click()
    page.wait_for_selector("#attention-chart .plotly", timeout=120_000)
    page.wait_for_timeout(1500)


def _show(page: Page, selector: str) -> None:
    page.evaluate("(selector) => document.querySelector(selector).scrollIntoView({block: 'start'})", selector)
    page.evaluate("scrollBy(0, -16)")
    page.wait_for_timeout(700)


def attention(page: Page) -> None:
    """One head of one pair, below the grid of all."""
    _open_attention(page)
    page.locator("#pair").get_by_label("words → voice").click()
    page.locator("#head").get_by_label("4").click()  # one of the six
    page.wait_for_timeout(1500)
    _show(page, "#looking")


def grid(page: Page) -> None:
    """All heads at a glance, with the most telling one enlarged below."""
    _open_attention(page)
    _show(page, "#section-attention")


def several(page: Page) -> None:
    """Three clips whose names say what they show: their table, a row opened, and how often both models are right."""
    page.get_by_role("tab").nth(1).click()
    with tempfile.TemporaryDirectory() as folder:
        named = {"glad": "happy_1.mp4", "angry": "angry_2.mp4", "contradiction": "sad_3.mp4"}
        files = [shutil.copy(EXAMPLES / f"{example}.mp4", Path(folder) / name) for example, name in named.items()]
        page.locator("input[type=file][multiple]").set_input_files(files)
        page.wait_for_selector('#many-table [data-done="3"]', timeout=240_000)
    page.locator("#many-truth > button").click()
    page.locator("#many-pattern :is(input, textarea)").fill("{label}_{anything}")
    page.keyboard.press("Enter")
    page.wait_for_selector("#many-figures", timeout=60_000)
    page.evaluate("document.querySelector('#clips').scrollIntoView({block: 'start'}); scrollBy(0, -16)")
    page.wait_for_timeout(1000)


def takes(page: Page) -> None:
    """A sentence recorded twice, while the camera shows two faces in turn."""
    wait_for_opening(page)
    page.get_by_label("Capture from camera").click()
    _record(page)
    page.wait_for_selector("#moments [data-file]:not([data-example])", state="attached", timeout=120_000)
    page.locator("#again").click()
    _record(page)
    page.wait_for_selector("#compared", timeout=120_000)
    page.wait_for_timeout(1500)
    page.evaluate("document.querySelector('#compared').scrollIntoView({block: 'center'})")
    page.wait_for_timeout(700)


def _record(page: Page) -> None:
    page.wait_for_selector('#recorder[data-phase="recording"]', timeout=60_000)
    page.wait_for_timeout(4000)
    page.locator(".recorder-stop").click()


def live(page: Page) -> None:
    """Some seconds live, with a course behind it."""
    page.get_by_role("tab").nth(2).click()
    page.locator(".live-start").click()
    page.wait_for_selector('.live[data-used*="audio"]', timeout=120_000)
    page.wait_for_timeout(12_000)


@dataclass(frozen=True)
class Shot:
    """A picture of the page: how large, in which colours and language, and what is done before it is taken."""

    name: str
    prepare: Callable[[Page], None]
    width: int = 1280
    height: int = 800
    scheme: Literal["light", "dark"] = "light"
    locale: str = "en-GB"
    address: str = ""  # behind the page's


SHOTS = (
    Shot("desktop-light", opening),
    Shot("desktop-dark", opening, scheme="dark"),
    Shot("phone", opening, 390, 844),
    Shot("tablet", opening, 768, 1024, "dark"),
    Shot("guess", guess, 390, 844),
    Shot("word", word),
    Shot("grid", grid),
    Shot("attention", attention),
    Shot("takes", takes),
    Shot("several", several, height=1000),
    Shot("live", live, 390, 844, "dark"),
    Shot("german", opening, locale="de-DE"),
    Shot("class", opening, 1920, 1080, address="#view=class"),
)


def take_pictures(browser: Browser, address: str, folder: Path, names: Sequence[str]) -> None:
    """One WebP a shot, all of them or those named."""
    folder.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        if names and shot.name not in names:
            continue
        page = browser.new_page(
            viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.scheme, locale=shot.locale
        )
        if shot.prepare is not guess:
            page.add_init_script(OLD_HAND)
        page.goto(address + shot.address)
        shot.prepare(page)
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture.thumbnail((WIDEST, WIDEST))
        picture.save(folder / f"{shot.name}.webp", quality=82, method=6)
        page.close()


def take_preview(browser, address: str, path: Path) -> None:
    """The picture of a link: clip and both verdicts, without what is to be pressed."""
    page = browser.new_page(viewport={"width": 1200, "height": 630})
    page.add_init_script(OLD_HAND)
    page.goto(address)
    wait_for_opening(page)
    at(page, 3.1)
    page.add_style_tag(
        content="#intro .tour-start, #intro .limits, .tab-container, #controls, #time, #details, .notice, "
        "#clip .source-selection, #status, #switches, .controls, .icon-button-wrapper { display: none !important; } "
        ".gradio-container { zoom: 1.35 } #clip { height: 300px !important }"
    )
    page.wait_for_timeout(500)
    page.screenshot(path=path, type="jpeg", quality=80)
    page.close()


def animate(browser, address: str, path: Path) -> None:
    """A few seconds of a playing clip as animated WebP: the first screen, a picture at a time."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(OLD_HAND)
    page.goto(address)
    page.locator("#example-moods").click()
    page.wait_for_selector('#moments [data-file="moods.mp4"]', state="attached", timeout=120_000)
    wait_for_opening(page)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    pictures = []
    for seconds in np.arange(*PLAYED, 1 / RATE):
        at(page, float(seconds))
        picture = Image.open(io.BytesIO(page.screenshot()))
        pictures.append(picture.convert("RGB").resize((WIDTH, WIDTH * picture.height // picture.width)))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=1000 // RATE, loop=0, quality=60)
    page.close()


def stopwatch(browser, address: str) -> None:
    """Seconds from pressing stop to seeing both verdicts, the first ones and those with words, for a recording of five
    seconds."""
    page = browser.new_page()
    page.goto(address)
    page.get_by_label("Capture from camera").click()
    page.wait_for_selector('#recorder[data-phase="recording"]')
    page.wait_for_timeout(5000)
    page.evaluate(
        """(wordsFollow) => { window.seen = new Promise((done) => { const look = () => {
        const there = document.querySelectorAll("#cross-verdict .bar, #self-verdict .bar").length >= 14;
        if (there && document.querySelector("#agreement")?.textContent.includes(wordsFollow))
            window.firstAt ??= performance.now();
        there && document.querySelector(`#moments [data-file]:not([data-file="contradiction.mp4"])`)
        ? done(performance.now()) : requestAnimationFrame(look); };
        look(); }) }""",
        english.WORDS_FOLLOW,
    )
    page.locator(".recorder-stop").click()
    both = page.evaluate("async () => (await window.seen - window.stoppedAt) / 1000")
    first = page.evaluate("window.firstAt === undefined ? null : (window.firstAt - window.stoppedAt) / 1000")
    before = "" if first is None else f"{first:.2f} s from stop to both verdicts from face and voice, "
    print(f"{before}{both:.2f} s from stop to both verdicts; {page.locator('#status').inner_text().strip()}")
    page.close()


def _note_size(sizes: dict[str, int], event: dict) -> None:
    sizes[event["requestId"]] = event["encodedDataLength"]


def first_visit(browser: Browser, address: str, megabits: float) -> None:
    """Seconds from opening the address to both verdicts, on a phone that has never been here, on a line that slow."""
    for known in (False, True):
        context = browser.new_context(viewport={"width": 390, "height": 844})
        page, sizes = context.new_page(), dict[str, int]()
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.loadingFinished", partial(_note_size, sizes))
        speed = megabits * 1e6 / 8  # bytes a second
        network.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": LATENCY, "downloadThroughput": speed, "uploadThroughput": speed},
        )
        if known:
            page.add_init_script(OLD_HAND)
        shown = "#self-verdict .bar" if known else "#first-guess.asking"
        page.add_init_script(SHOWN.replace("SELECTOR", shown))
        page.goto(address, wait_until="commit")
        page.wait_for_function("window.shown", timeout=120_000)
        before = sum(sizes.values())
        seconds = page.evaluate("window.shown") / 1000
        page.wait_for_selector("#timeline-chart .barlayer", state="attached", timeout=120_000)
        page.wait_for_timeout(3000)
        what = "both verdicts" if known else "the first question"
        print(
            f"{megabits:g} Mbit/s, {LATENCY} ms: {seconds:.2f} s to {what}, {before / 1e6:.2f} MB by then, "
            f"{sum(sizes.values()) / 1e6:.2f} MB in all",
            flush=True,
        )
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:7860/")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=[*(shot.name for shot in SHOTS), PREVIEW.stem, PLAYING]
    )
    parser.add_argument("--first-visit", type=float, metavar="MEGABITS", help="times a first visit on a line that slow")
    parser.add_argument("--stopwatch", nargs=2, type=Path, metavar=("CAMERA", "MICROPHONE"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        camera, microphone = options.stopwatch or (Path(folder) / "camera.mjpeg", Path(folder) / "speech.wav")
        if not options.stopwatch:
            save_camera(camera)
            save_microphone(microphone)
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera.resolve()}",
                 f"--use-file-for-fake-audio-capture={microphone.resolve()}"]  # fmt: skip
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        if options.first_visit:
            first_visit(browser, options.address, options.first_visit)
        elif options.stopwatch:
            for _ in range(3):
                stopwatch(browser, options.address)
        else:
            take_pictures(browser, options.address, options.folder, options.only)
            if not options.only or PREVIEW.stem in options.only:
                take_preview(browser, options.address, PREVIEW)
            if not options.only or PLAYING in options.only:
                animate(browser, options.address, options.folder / f"{PLAYING}.webp")
        browser.close()


if __name__ == "__main__":
    main()
