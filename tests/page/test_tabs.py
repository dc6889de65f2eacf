"""The other tabs, and what is said where a camera is denied: several clips, live, the endpoint for programs."""

import csv
import re
import shutil
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import Page, expect

from core import LABELS
from demo import wording


def test_three_clips_in_a_queue_become_one_table_and_leave_nothing(guest, clips, cache):
    guest.get_by_role("tab", name="Several").click()
    names = ["mute.mp4", "corrupt.mp4", "train.webm"]
    for name in names:
        shutil.copy(clips / name, clips / f"queue-{name}")
    guest.locator("input[type=file][multiple]").set_input_files([clips / f"queue-{name}" for name in names])
    expect(guest.locator("#many-table [data-done]")).to_have_text("3 of 3 clips are read.", timeout=120_000)
    rows = guest.locator("#clips tbody tr")
    expect(rows).to_have_count(3)
    assert "not a media file" in rows.nth(1).text_content()
    assert "train" in rows.nth(2).text_content() and "queue-train.webm" in rows.nth(2).text_content()
    with guest.expect_download() as download:
        guest.locator("#many-csv").click()
    table = list(csv.DictReader(Path(download.value.path()).read_text("utf-8").splitlines()))
    assert [row["file"] for row in table] == [f"queue-{name}" for name in names]
    for row, shown in zip(table, rows.all(), strict=True):
        for model in ("cross", "self") if not row["error"] else ():
            cell = shown.locator(f'td[data-model="{model}"]')
            assert (cell.get_attribute("data-label") or "") == row[model]
            if row[model]:
                assert cell.get_attribute("data-probability") == row[f"{model} {row[model]}"]
    assert table[0]["used"] == "video" and table[2]["used"] == "text+video+audio"
    assert not list(cache.rglob("queue-*")), "each file goes as soon as it is read"


def test_the_endpoint_for_programs_answers_with_the_contract(app, clips):
    client = Client(app, verbose=False)
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert list(named) == ["/analyze"], "helper events are hidden"
    found = client.predict(clip=handle_file(clips / "train.webm"), modalities=["text", "audio"], api_name="/analyze")
    assert found["used"] == ["text", "audio"] and found["missing"] == {"video": "switched off"}
    assert sum(found["cross"]["probabilities"].values()) == pytest.approx(1)
    assert "attention" not in found
    assert found["neutral_face"] is None
    with pytest.raises(AppError, match="not a media file"):
        client.predict(clip=handle_file(clips / "corrupt.mp4"), api_name="/analyze")


def check_course(page: Page) -> None:
    """The last minute is drawn, in colours of the classes that its legend names."""
    for model in ("cross", "self"):
        drawing = page.locator(f"#live-{model}-course")
        said = drawing.get_attribute("aria-label")
        assert sum(map(int, re.findall(r"(\d+) %", said))) == pytest.approx(100, abs=3), said
        drawn = page.evaluate(
            """(id) => { const c = document.getElementById(id);
            const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
            let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n / (c.width * c.height) }""",
            f"live-{model}-course",
        )
        assert 0.005 < drawn < 0.6, "some seconds of sixty, as high as they are probable"
    named = set(page.locator(".live-legend").text_content().split())
    assert named and named <= set(LABELS)


def check_baseline(page: Page) -> None:
    """What a resting face looks like is taken off: with nothing changed, no class stands out."""
    page.locator(".live-neutral").click()
    expect(page.locator(".live-neutral")).to_have_text("Without the baseline")
    page.wait_for_selector('.live[data-neutral="true"]')
    expect(page.locator(".live-neutral-note")).to_contain_text("Compared with your neutral seconds")
    page.wait_for_function(
        """() => Math.max(...[...document.querySelectorAll("#live-self .live-bar b")]
        .map((bar) => parseFloat(bar.textContent))) < 60"""
    )
    page.locator(".live-neutral").click()


def test_live_reads_face_voice_and_words(guest, visitors):
    visitors.rest()
    guest.get_by_role("tab", name="Live").click()
    guest.get_by_role("button", name="Start").click()
    guest.wait_for_selector('.live[data-used*="video"]')
    expect(guest.locator(".live-box")).to_be_visible()
    guest.wait_for_selector('.live[data-used*="audio"]')
    guest.wait_for_function(  # on each picture: on a slow machine words are old when they come, and soon gone
        "() => /happy|came|see|today/i.test(document.querySelector('.live-words').textContent)"
    )
    guest.wait_for_function(
        """() => ["cross", "self"].every((model) => { const d = document.getElementById(`live-${model}-course`).dataset;
        return Number(d.seconds) > 4 && Number(d.moments) > 10 })"""
    )
    for model in ("cross", "self"):
        panel = guest.locator(f"#live-{model}")
        assert panel.get_attribute("data-label") in LABELS
        shown = [float(text.strip(" %")) for text in panel.locator(".live-bar b").all_text_contents()]
        assert sum(shown) == pytest.approx(100, abs=4)
    failing = guest.locator(".live-failing")
    assert not failing.is_visible() or "cannot keep up" in failing.text_content(), "two cores may draw other pages too"
    check_course(guest)
    guest.locator('.live-switches input[value="audio"]').uncheck()
    guest.locator('.live-switches input[value="text"]').uncheck()
    check_baseline(guest)
    expect(guest.locator("#live-cross .label")).to_contain_text("needs two")
    guest.get_by_role("button", name="Stop").click()
    expect(guest.locator(".live-doing")).to_contain_text("Nothing was kept")


def refused_with(answer: dict):
    """What a route of the page answers."""
    return lambda route: route.fulfill(status=200, json=answer)


LIVE_ERRORS = {  # what fails -> what the server's calls come to, and the sentence
    "full": (refused_with({"error": wording.LIVE_FULL}), wording.LIVE_FULL),
    "over": (
        lambda route: route.fulfill(
            json={"ticket": "x"} if "live_begin" in route.request.post_data else {"error": wording.LIVE_OVER}
        ),
        wording.LIVE_OVER,
    ),
    "refused": (lambda route: route.fulfill(status=403), wording.LIVE_REFUSED),
    "lost": (lambda route: route.abort(), wording.LIVE_LOST),
    "lost in the middle": (
        lambda route: route.fulfill(json={"ticket": "x"}) if "live_begin" in route.request.post_data else route.abort(),
        wording.LIVE_LOST,
    ),
}


def test_live_says_of_each_error_what_it_is(guest):
    """Every one of them became "Not running"."""
    guest.get_by_role("tab", name="Live").click()
    start, said = guest.locator(".live-start"), guest.locator(".live-doing")
    for name, (answer, sentence) in LIVE_ERRORS.items():
        guest.route("**/component_server/**", answer)
        if name.startswith("lost"):
            guest.route("**/queue/status", lambda route: route.abort())
        start.click()
        expect(said, name).to_have_text(sentence)
        expect(start).to_have_text("Start")
        guest.unroute_all()
    guest.context.set_offline(True)
    start.click()
    expect(said).to_have_text(wording.LIVE_OFFLINE)
    guest.context.set_offline(False)
    guest.evaluate(
        """() => { const devices = navigator.mediaDevices; devices.kept = devices.getUserMedia;
        devices.getUserMedia = () => Promise.reject(new DOMException()); }"""
    )
    start.click()
    expect(said).to_have_text(wording.LIVE_NO_CAMERA)
    assert guest.locator(".live-box").is_hidden() and guest.locator(".live-neutral").is_hidden()
    guest.evaluate("() => { navigator.mediaDevices.getUserMedia = navigator.mediaDevices.kept; }")


def test_a_denied_camera_is_explained(visitors):
    denied = 'navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotAllowedError"); }'
    with visitors.come(denied) as page:
        page.get_by_label("Capture from camera").click()
        expect(page.locator("#capture-note")).to_contain_text("not allowed to use the camera")
        expect(page.locator("#recorder")).to_be_hidden()
    assert set(visitors.complaints()) <= {"NotAllowedError"}, "gradio's script does not answer it; ours says it"
