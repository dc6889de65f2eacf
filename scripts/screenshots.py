"""Takes the README's pictures from the running app: python scripts/screenshots.py [ADDRESS] [FOLDER].

Also a short animation of a playing clip. Needs requirements-dev.txt and Chromium. With --stopwatch CAMERA MICROPHONE
(an MJPEG and a 48 kHz WAV file) it records five seconds instead and prints the seconds from pressing stop to seeing
both verdicts.
"""

import argparse
import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

SHOTS = {  # name -> width, height, colour scheme
    "desktop-light": (1280, 800, "light"),
    "desktop-dark": (1280, 800, "dark"),
    "phone": (390, 844, "light"),
}
PREVIEW = Path(__file__).parents[1] / "demo" / "static" / "preview.jpg"  # what is shown of a link to the page
OLD_HAND = "localStorage.setItem('guessed', '1')"  # who has been here is not asked for a guess first
PLAYED = (4.6, 9.0)  # seconds of the longest example that the animation shows
RATE, WIDTH = 5, 640  # its pictures a second, and their width in pixels
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream",
         "--use-fake-ui-for-media-stream"]  # fmt: skip


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


def take_pictures(browser, address: str, folder: Path) -> None:
    """One PNG a shot, each a first screen in the middle of the clip; the attention on its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (width, height, scheme) in SHOTS.items():
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.add_init_script(OLD_HAND)
        page.goto(address)
        wait_for_opening(page)
        at(page, 3.1)
        page.screenshot(path=folder / f"{name}.png")
        if name == "desktop-light":
            page.locator("#section-attention > button").click()
            page.locator("#pair").get_by_label("words → voice").click()
            page.locator("#head").get_by_label("4").click()  # one of the six
            page.wait_for_selector("#attention-chart .heatmaplayer image", timeout=120_000)
            page.wait_for_timeout(1500)
            page.evaluate("document.querySelector('#looking').scrollIntoView({block: 'start'}); scrollBy(0, -16)")
            page.wait_for_timeout(700)
            page.screenshot(path=folder / "attention.png")
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
    """Seconds from pressing stop to seeing both verdicts, for a recording of five seconds."""
    page = browser.new_page()
    page.goto(address)
    page.get_by_label("Capture from camera").click()
    page.wait_for_selector('#recorder[data-phase="recording"]')
    page.wait_for_timeout(5000)
    page.evaluate(
        """() => { window.seen = new Promise((done) => { const look = () => {
        document.querySelector(`#moments [data-file]:not([data-file="contradiction.mp4"])`)
        && document.querySelectorAll("#cross-verdict .bar, #self-verdict .bar").length >= 14
        ? done(performance.now()) : requestAnimationFrame(look); };
        look(); }) }"""
    )
    page.locator(".recorder-stop").click()
    seconds = page.evaluate("async () => (await window.seen - window.stoppedAt) / 1000")
    print(f"{seconds:.2f} s from stop to both verdicts; {page.locator('#status').inner_text().strip()}")
    page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:7860/")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument("--stopwatch", nargs=2, type=Path, metavar=("CAMERA", "MICROPHONE"))
    options = parser.parse_args()
    flags = list(FLAGS)
    if options.stopwatch:
        camera, microphone = (path.resolve() for path in options.stopwatch)
        flags += [f"--use-file-for-fake-video-capture={camera}", f"--use-file-for-fake-audio-capture={microphone}"]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        if options.stopwatch:
            for _ in range(3):
                stopwatch(browser, options.address)
        else:
            take_pictures(browser, options.address, options.folder)
            take_preview(browser, options.address, PREVIEW)
            animate(browser, options.address, options.folder / "playing.webp")
        browser.close()


if __name__ == "__main__":
    main()
