"""Live and several clips in a browser on a phone: what is on one screen, whom a tap chooses, what a row opens to."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import recordings
from playwright.sync_api import Page, expect

from core.media.reader import SAMPLE_RATE, read_frames
from demo.charts.takes import CARD_FILE
from page.browsing import LONG, Visitors
from page.conftest import CHROMIUM, FLAGS

PHONE = {"width": 390, "height": 844}
SHARES = """
    window.handed = [];
    navigator.canShare = (what) => what.files.every((file) => file.type === "image/png");
    navigator.share = async (what) => { window.handed.push(navigator.userActivation.isActive, ...what.files); };
"""  # what a phone has and this browser has not: it takes a picture from whoever has just tapped


@pytest.fixture(scope="module")
def phone_clips(tmp_path_factory) -> Path:
    """A camera that shows two persons, a microphone, and clips whose names say what they show."""
    folder = tmp_path_factory.mktemp("clips")
    (picture, *_) = read_frames(recordings.save_two_faces(folder / "two.mp4"), rate=5)
    encoded = cv2.imencode(".jpg", cv2.cvtColor(picture.image, cv2.COLOR_RGB2BGR))[1].tobytes()
    (folder / "two.mjpeg").write_bytes(encoded * 20)
    recordings.save_wav(np.zeros(SAMPLE_RATE, np.float32), folder / "silence.wav")
    for name in ("glad", "angry"):
        shutil.copyfile(recordings.EXAMPLES / f"{name}.mp4", folder / f"{name.replace('glad', 'happy')}_1.mp4")
    (folder / "angry_2.mp4").write_bytes(b"this is no clip" * 300)
    (folder / "labels.csv").write_text("file,label\nhappy_1.mp4,sad\n")
    return folder


@pytest.fixture(scope="module")
def page(visitors, phone_clips):
    """A visitor on a phone whose camera shows two persons: a browser of its own, on the server of all."""
    devices = [
        f"--use-file-for-fake-video-capture={phone_clips / 'two.mjpeg'}",
        f"--use-file-for-fake-audio-capture={phone_clips / 'silence.wav'}",
    ]
    browser = visitors.browser.browser_type.launch(executable_path=CHROMIUM, args=FLAGS + devices)
    phone = Visitors(browser, visitors.app)
    with phone.come(SHARES, viewport=PHONE, has_touch=True) as page:
        yield page
    browser.close()
    assert phone.complaints() == []


def bottom(page: Page, selector: str) -> float:
    """Pixels from the top of the page to the lower end of something that is shown."""
    box = page.locator(selector).bounding_box()
    return box["y"] + box["height"]


def put(page: Page, button: str, files: list[Path]) -> None:
    """Chooses files by a button."""
    with page.expect_file_chooser() as choosing:
        page.locator(button).tap()
    choosing.value.set_files(files)


def test_share_hands_the_picture_to_the_phone_and_one_screen_holds_it(page):
    page.locator("#make-card").tap()
    share = page.locator(".card-share")
    expect(share).to_be_visible()
    box = page.locator("#card-box").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"] and box["height"] <= PHONE["height"]
    share.tap()
    page.wait_for_function("window.handed.length === 2")
    tapped, name, size = page.evaluate("[window.handed[0], window.handed[1].name, window.handed[1].size]")
    assert tapped and name == CARD_FILE and size > 10_000
    page.locator(".card-close").tap()
    expect(page.locator("#card-box")).to_be_hidden()


def test_live_picture_start_and_both_verdicts_are_on_one_phone_screen(page):
    page.get_by_role("tab", name="Live").tap()
    page.locator(".live-start").tap()
    page.wait_for_selector('.live[data-used*="video"]', timeout=LONG)
    shown = (".live-view", ".live-start", "#live-cross .label", "#live-self .live-bar >> nth=6")
    assert page.evaluate("scrollY") == 0
    assert max(bottom(page, selector) for selector in shown) <= PHONE["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_tap_has_another_person_followed(page):
    """The larger face, a smile, lies on the left of the picture, which is shown as a mirror."""
    followed, other = page.locator(".live-box"), page.locator(".live-other >> nth=0")
    expect(other).to_be_visible(timeout=LONG)
    expect(page.locator(".live-several")).to_contain_text("Tap a face")
    expect(page.locator("#live-self")).to_have_attribute("data-label", "happiness", timeout=LONG)
    assert followed.bounding_box()["x"] > other.bounding_box()["x"]
    other.tap()
    page.wait_for_function(
        """() => document.querySelector(".live-box").getBoundingClientRect().x
        < document.querySelector(".live-other").getBoundingClientRect().x""",
        timeout=LONG,
    )
    expect(page.locator("#live-self")).not_to_have_attribute("data-label", "happiness", timeout=LONG)
    page.locator(".live-start").tap()
    expect(page.locator(".live-doing")).to_contain_text("Nothing was kept")
    assert page.locator(".live-box").is_hidden() and other.is_hidden()


def test_several_clips_are_scored_by_their_names_and_rows_open_in_place(page, phone_clips):
    page.get_by_role("tab", name="Several").tap()
    put(page, "#many-files", [phone_clips / "happy_1.mp4", phone_clips / "angry_1.mp4", phone_clips / "angry_2.mp4"])
    page.wait_for_selector('#many-table [data-done="3"]', timeout=3 * LONG)
    row = page.locator(".many-open", has_text="happy_1.mp4")
    row.tap()
    expect(page.locator(".opened .verdict")).to_have_count(2, timeout=LONG)
    expect(page.locator(".opened .worth")).to_have_count(2)
    expect(row).to_be_focused()
    page.locator("#many-truth > button").tap()
    page.locator("#many-pattern :is(input, textarea)").fill("{label}_{anything}")
    expect(page.locator("[data-truth=anger]")).to_have_count(1)
    expect(page.locator("[data-truth=happiness]")).to_have_count(1)
    expect(page.locator(".confusion")).to_have_count(2)
    expect(page.locator(".opened .verdict")).to_have_count(2)
    assert page.locator("#many-figures tbody tr >> nth=0").locator("td").first.text_content() == "2"
    put(page, "#many-labels", [phone_clips / "labels.csv"])
    expect(page.locator("#many-truth-said")).to_contain_text("1 file has a label")
    expect(page.locator("[data-truth=sadness]")).to_have_count(1)
    page.locator("#many-pattern :is(input, textarea)").fill("{nobody}")
    expect(page.locator("#many-truth-said")).to_contain_text("{label} once")
    row.tap()
    expect(page.locator(".opened")).to_have_count(0, timeout=LONG)
    expect(row).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    with page.expect_download() as download:
        page.locator("#many-csv").tap()
    head = Path(download.value.path()).read_text("utf-8").splitlines()[0]
    assert head.endswith(",cross set,self set,content,location,settings,truth")
