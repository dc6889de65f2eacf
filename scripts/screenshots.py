"""Takes the README's pictures from the running app: python scripts/screenshots.py [ADDRESS] [FOLDER].

Needs requirements-dev.txt and Chromium. With --stopwatch CAMERA MICROPHONE (an MJPEG and a 48 kHz WAV file) it
records five seconds instead and prints the seconds from pressing stop to seeing both verdicts.
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

EXAMPLE = "contradiction"
SHOTS = {  # name -> width, height, colour scheme
    "desktop-light": (1280, 900, "light"),
    "desktop-dark": (1280, 900, "dark"),
    "phone": (390, 844, "light"),
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream",
         "--use-fake-ui-for-media-stream"]  # fmt: skip


def wait_for_verdicts(page: Page) -> None:
    """Both panels and the heatmap are drawn."""
    for chart in (
        "#cross-chart .barlayer .point",
        "#self-chart .barlayer .point",
        "#attention-chart .heatmaplayer image",
    ):
        page.wait_for_selector(chart, timeout=120_000)


def take_pictures(browser, address: str, folder: Path) -> None:
    """One PNG a shot: the whole page after one example; the attention on its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (width, height, scheme) in SHOTS.items():
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.goto(address)
        page.locator(f"#example-{EXAMPLE}").click()
        wait_for_verdicts(page)
        page.wait_for_timeout(1500)
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        page.wait_for_timeout(700)
        part = {"full_page": True, "clip": {"x": 0, "y": 0, "width": width, "height": 1750}} if name == "phone" else {}
        page.screenshot(path=folder / f"{name}.png", **part)
        if name == "desktop-light":
            page.get_by_text("Where they looked").scroll_into_view_if_needed()
            page.locator("#pair").get_by_label("words → voice").click()
            page.locator("#head").get_by_label("4").click()  # in the shipped pair the most selective of the six
            page.wait_for_timeout(1500)
            page.evaluate("document.querySelector('#model').scrollIntoView({block: 'start'}); scrollBy(0, -110)")
            page.wait_for_timeout(700)
            page.screenshot(path=folder / "attention.png")
        page.close()


def stopwatch(browser, address: str) -> None:
    """Seconds from pressing stop to seeing both verdicts, for a recording of five seconds."""
    page = browser.new_page()
    page.goto(address)
    page.get_by_label("Capture from camera").click()
    page.get_by_title("grant webcam access").click()
    page.get_by_test_id("webcam-video").wait_for(state="visible")
    page.get_by_label("start recording").click()
    page.wait_for_timeout(5000)
    page.evaluate(
        """() => { window.seen = new Promise((done) => { const look = () => {
        const drawn = (id) => document.querySelectorAll(`#${id} .barlayer .point`).length >= 7;
        drawn("cross-chart") && drawn("self-chart") ? done(performance.now()) : requestAnimationFrame(look); };
        look(); }) }"""
    )
    page.get_by_label("start recording").click()
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
        browser.close()


if __name__ == "__main__":
    main()
