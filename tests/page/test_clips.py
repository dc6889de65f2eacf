"""Clips of a visitor's own: uploaded, recorded, switched, listened to, taken home, stopped and found again."""

import base64
import json
import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core import LABELS, MODALITIES
from core.analysis.attribution import Attribution
from demo import wording
from demo.charts import takes
from page.browsing import (
    EVERYTHING,
    LONG,
    MAP,
    SENTENCE,
    bars,
    check_both_panels,
    heatmap,
    open_sections,
    press_map,
    put,
    switch_all_on,
    toggle,
    upload,
    verdict,
    wait_for_analysis,
    wait_until_on,
    words_of,
)  # fmt: skip

VIDEO = "document.querySelector('#clip video')"


def test_upload_draws_what_the_server_computed(analysed):
    check_both_panels(analysed)
    assert len(words_of(analysed) & {"happy", "you", "came", "see", "me", "today"}) >= 5
    faces = analysed.locator("#faces")
    assert int(faces.get_attribute("data-found")) > 0.8 * int(faces.get_attribute("data-frames"))
    assert faces.locator("img").count() >= 3
    model, pair, head = press_map(analysed, rows_differ=True).split()
    rows = heatmap(analysed)
    np.testing.assert_allclose(rows.sum(1), 1, atol=1e-4)
    if pair.startswith("text"):
        assert len(rows) == analysed.locator("#transcript .word").count()
    expect(analysed.locator("#model input:checked")).to_have_attribute("value", model)
    expect(analysed.locator("#head input:checked")).to_have_attribute("value", head)
    assert analysed.locator("#timeline-chart .js-plotly-plot").is_visible()
    assert not analysed.locator("#course").is_visible(), "a short clip has no course"


ON_THE_WAY = """(saying) => { window.onTheWay = []; new MutationObserver(() => {
    if (!document.querySelector("#agreement")?.textContent.includes(saying)) return;
    window.onTheWay.push([...document.querySelectorAll("#cross-verdict .bar, #self-verdict .bar")].map(
        (bar) => parseFloat(bar.querySelector("i").style.width) / 100));
}).observe(document.querySelector("#said").parentElement.parentElement, { subtree: true, childList: true }) }"""


def test_face_and_voice_answer_while_words_of_another_language_are_being_read(guest, clips):
    guest.evaluate(ON_THE_WAY, wording.WORDS_FOLLOW)
    put(guest, clips / "german.mp4")
    wait_for_analysis(guest, "german.mp4")
    shown = guest.evaluate("window.onTheWay")
    assert shown and len(shown[-1]) == 2 * len(LABELS)
    expect(guest.locator("#agreement")).not_to_contain_text(wording.WORDS_FOLLOW)
    if not guest.locator("#switch-text input").is_checked():  # no word of it was taken for English
        np.testing.assert_allclose(
            shown[-1], [*bars(guest, "cross").values(), *bars(guest, "self").values()], atol=1e-4
        )
    expect(guest.locator("#time")).to_be_visible()


def test_switches_change_the_verdicts_and_show_the_change(analysed):
    before = {model: bars(analysed, model) for model in ("cross", "self")}
    assert bars(analysed, "cross", "everything on") is None
    for modality, left in (("video", "words + voice"), ("text", "face + voice"), ("audio", "words + face")):
        toggle(analysed, modality)
        wait_until_on(analysed, left)
        check_both_panels(analysed)
        subset = {"words + voice": "text+audio", "face + voice": "video+audio", "words + face": "text+video"}[left]
        for model in ("cross", "self"):
            assert bars(analysed, model, "everything on") == pytest.approx(before[model])
            cell = analysed.locator(f'#matrix tr[data-subset="{subset}"] td[data-model="{model}"]')
            assert cell.get_attribute("data-label") == verdict(analysed, model)[0]
            assert float(cell.get_attribute("data-probability")) == verdict(analysed, model)[1]
        toggle(analysed, modality)
        wait_until_on(analysed, EVERYTHING)
        assert bars(analysed, "cross") == pytest.approx(before["cross"])


def test_one_modality_leaves_cross_undefined_and_none_leaves_nothing(analysed):
    toggle(analysed, "audio")
    expect(analysed.locator("#matrix tr[aria-current] th")).to_have_text("words + face")
    toggle(analysed, "text")
    expect(analysed.locator("#cross-verdict")).to_contain_text("Undefined")
    expect(analysed.locator("#cross-verdict .bar")).to_have_count(0)
    assert verdict(analysed, "self")[0] in LABELS
    toggle(analysed, "video")
    expect(analysed.locator("#agreement")).to_contain_text("Everything is switched off")
    expect(analysed.locator("#self-verdict .bar")).to_have_count(0)
    switch_all_on(analysed)
    expect(analysed.locator("#self-verdict .bar")).to_have_count(7)


def test_the_face_is_seen_from_the_neutral_one_and_then_as_it_is_again(analysed):
    before = {model: bars(analysed, model) for model in ("cross", "self")}
    for said in (wording.FROM_NEUTRAL, wording.NOT_FROM_NEUTRAL):
        analysed.locator("#neutral input").click()
        expect(analysed.locator("#status")).to_have_text(said)
        check_both_panels(analysed)
        same = [bars(analysed, model) == pytest.approx(before[model], abs=1e-5) for model in before]
        assert same == [said == wording.NOT_FROM_NEUTRAL] * 2


def test_head_pair_and_model_choose_the_map_that_is_drawn(analysed):
    said = analysed.locator("#sharpness")
    analysed.locator("#model").get_by_role("radio", name="Cross-attention").check()
    expect(analysed.locator("#pair input")).to_have_count(6)
    analysed.get_by_role("radio", name="words → voice").check()
    expect(said).to_contain_text("words → voice")
    analysed.get_by_role("radio", name="3", exact=True).check()
    expect(said).to_contain_text("words → voice, head 3")
    expect(analysed.locator('.map[aria-pressed="true"]')).to_have_attribute("data-map", "cross text-audio 2")
    analysed.get_by_role("radio", name="mean of all").check()
    expect(said).to_contain_text("mean of all heads")
    analysed.locator("#model").get_by_role("radio", name="Self-attention").check()
    expect(analysed.locator("#pair input")).to_have_count(3)
    expect(said).to_contain_text("Self-attention")


@pytest.mark.parametrize("chart", ["timeline", "attention"])
def test_clicking_a_moment_of_a_chart_moves_the_player(analysed, chart):
    if chart == "attention":
        press_map(analysed, rows_differ=True)
    analysed.evaluate(
        f"""async () => {{ const video = {VIDEO}; video.pause();
        const there = new Promise((done) => video.addEventListener("seeked", done, {{ once: true }}));
        video.currentTime = 0; await there; window.sought = null;
        video.addEventListener("seeking", () => {{ window.sought = video.currentTime; }}, {{ once: true }}) }}"""
    )
    plot = analysed.locator(f"#{chart}-chart .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    area = analysed.locator(f"#{chart}-chart .xy .nsewdrag, #{chart}-chart .nsewdrag").first.bounding_box()
    analysed.mouse.click(area["x"] + 0.5 * area["width"], area["y"] + 0.5 * area["height"])
    analysed.wait_for_function("window.sought !== null")
    duration = analysed.evaluate(f"{VIDEO}.duration")
    assert 0.3 * duration < analysed.evaluate("window.sought") < 0.9 * duration
    analysed.evaluate(f"{VIDEO}.pause()")


def test_every_control_has_a_name_and_is_reached_by_the_tab_key(analysed):
    nameless = analysed.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea')].filter((e) => e.offsetParent
        && !(e.innerText.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length || e.alt
        || e.closest('label') || e.querySelector('img[alt]') || e.type === 'file'))
        .map((e) => e.outerHTML.slice(0, 150))"""
    )
    assert nameless == []
    analysed.locator("#analyse").focus()
    reached = set()
    for _ in range(80):
        analysed.keyboard.press("Tab")
        reached.add(analysed.evaluate("document.activeElement.closest('[id]')?.id"))
    assert {"switch-video", "switch-audio", "switch-text", "transcript"} <= reached
    analysed.locator("#switch-text input").focus()
    analysed.keyboard.press("Space")
    wait_until_on(analysed, "face + voice")
    analysed.keyboard.press("Space")
    wait_until_on(analysed, EVERYTHING)


def download(page: Page, kind: str) -> str:
    """The text of a file that is taken home."""
    open_sections(page, "export")
    with page.expect_download() as taken:
        page.locator(f"#download-{kind}").click()
    assert taken.value.suggested_filename == f"happy-cross-or-self.{kind}"
    return taken.value.path().read_text("utf-8")


def test_downloads_are_made_in_the_browser_and_open(analysed, visitors, tmp_path):
    found = json.loads(download(analysed, "json"))
    label, probability = verdict(analysed, "cross")
    assert found["cross"]["label"] == label
    assert found["cross"]["probabilities"][label] == pytest.approx(probability, abs=1e-6)
    assert len(download(analysed, "csv").splitlines()) == 3
    assert found["phrases"] == [] and [(w["start"], w["end"]) for w in found["worth"]] == [(0, found["duration"])]
    (tmp_path / "report.html").write_text(download(analysed, "html"), "utf-8")
    context = visitors.browser.new_context(offline=True)
    report, asked = context.new_page(), []
    report.set_default_timeout(LONG)
    report.on("request", lambda request: asked.append(request.url))
    report.goto((tmp_path / "report.html").as_uri())
    expect(report.locator(".js-plotly-plot")).to_have_count(14)
    expect(report.locator(".pair .bar")).to_have_count(14)
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    context.close()


def worth_of_parts(page: Page, kind: str) -> dict[str, list[float]]:
    """Modality -> the bars of the section as Plotly holds them in the page."""
    return page.evaluate(
        """(kind) => Object.fromEntries(document.querySelector('#worth-chart .js-plotly-plot').calcdata
        .filter((c) => c[0].trace.name.startsWith(kind + " "))
        .map((c) => [c[0].trace.name.split(" ")[1], Array.from(c[0].trace.y)]))""",
        kind,
    )


def test_what_was_it_worth_shows_what_the_models_say_without_each_part(analysed):
    (measured,) = map(Attribution.from_json, json.loads(download(analysed, "json"))["attribution"])
    open_sections(analysed, "worth")
    most = analysed.locator("#worth-most")
    for model, title, label in (("cross", "Cross-attention", "happiness"), ("self", "Self-attention", "sadness")):
        analysed.locator("#worth-model").get_by_role("radio", name=title).check()
        analysed.locator("#worth-class").get_by_role("radio", name=label).check()
        expect(most).to_contain_text(f"{title} gives {label}")
        found, index = measured.of(model, MODALITIES), LABELS.index(label)
        for modality in MODALITIES:
            effect = found.effect(modality)[:, index] * 100
            analysed.wait_for_function(
                """([name, value]) => document.querySelector('#worth-chart .js-plotly-plot')?.calcdata?.some(
                (c) => c[0].trace.name === name && Math.abs(c[0].trace.y[0] - value) < 0.02)""",
                arg=[f"mattered {modality}", float(effect[0])],
            )
            np.testing.assert_allclose(worth_of_parts(analysed, "mattered")[modality], effect, atol=0.02)
            looked = found.attention_received[modality]
            np.testing.assert_allclose(worth_of_parts(analysed, "looked")[modality], looked, atol=0.002)
    toggle(analysed, "video")
    analysed.wait_for_function(
        """() => !document.querySelector('#worth-chart .js-plotly-plot')?.calcdata?.some(
        (c) => c[0].trace.name.endsWith('video'))"""
    )
    toggle(analysed, "video")
    wait_until_on(analysed, EVERYTHING)
    analysed.locator("#section-worth > button").click()


def test_another_visitor_at_the_same_time_sees_another_clip(analysed, guest, clips):
    put(guest, clips / "train.webm")
    wait_for_analysis(guest, "train.webm")
    open_sections(guest, "matrix", "seen")
    assert "train" in words_of(guest) and "happy" not in words_of(guest)
    toggle(guest, "audio")
    expect(guest.locator("#matrix tr[aria-current] th")).to_have_text("words + face")
    assert "happy" in words_of(analysed) and "train" not in words_of(analysed)
    expect(analysed.locator("#matrix tr[aria-current] th")).to_have_text(EVERYTHING)


def test_of_two_faces_the_other_one_can_be_chosen(guest, clips):
    assert not guest.locator("#whose").is_visible(), "one face needs no choice"
    put(guest, clips / "two.mp4")
    wait_for_analysis(guest, "two.mp4")
    left = verdict(guest, "self")
    expect(guest.locator("#notes")).to_contain_text("2 faces were seen")
    expect(guest.locator("#whose-pictures img")).to_have_count(2)
    guest.get_by_role("radio", name=re.compile("2: on the right")).check()
    expect(guest.locator("#notes")).to_contain_text("number 2, on the right of the picture, was chosen")
    assert verdict(guest, "self")[0] != left[0], "one smiles and one frowns"
    guest.get_by_role("radio", name=re.compile("1: on the left")).check()
    expect(guest.locator("#self-verdict .verdict")).to_have_attribute("data-label", left[0])
    guest.locator("#example-glad").click()
    expect(guest.locator("#whose")).to_be_hidden()


RECORDED = "#moments [data-file]:not([data-example])"


def record(page: Page, seconds: float, neutral: bool = False) -> None:
    """Goes on from where the camera opens by itself: counts with the page, and presses Stop after these seconds.

    Args:
        neutral: whether the last second counted is recorded too, as a neutral face.
    """
    recorder = page.locator("#recorder")
    expect(recorder).to_have_attribute("data-phase", "counting")
    expect(recorder.locator(".recorder-stop")).to_be_focused()
    if neutral:
        page.locator("#recorder-neutral").check()
    expect(recorder).to_have_attribute("data-phase", "recording")
    expect(recorder.locator(".recorder-stop")).to_be_focused()
    page.wait_for_timeout(1000 * seconds)
    expect(page.locator(".level").first).to_contain_text("hears you")
    page.keyboard.press("Enter")
    expect(recorder).to_be_hidden()


def test_an_example_that_comes_late_does_not_take_the_camera_away(guest):
    """Its clip took the camera's place, and the page waited for the camera for a minute."""
    recorder = guest.locator("#recorder")
    guest.locator("#example-angry").click()
    guest.get_by_label("Capture from camera").click()
    expect(recorder).to_have_attribute("data-phase", "recording")
    guest.keyboard.press("Enter")
    expect(recorder).to_be_hidden()
    guest.locator("#example-glad").click()
    wait_for_analysis(guest, "glad.mp4")


def test_one_press_records_and_a_second_take_stands_beside_the_first(guest):
    guest.get_by_label("Capture from camera").click()
    expect(guest.locator("#recorder")).to_have_attribute("data-phase", "counting")
    guest.keyboard.press("Escape")
    expect(guest.locator("#recorder")).to_be_hidden()
    guest.get_by_label("Capture from camera").click()
    record(guest, 3.5)
    guest.wait_for_selector(RECORDED, state="attached")
    open_sections(guest)
    guest.wait_for_selector(MAP)
    check_both_panels(guest)
    assert words_of(guest) & set(re.findall(r"[a-z]+", SENTENCE.lower())), "a starved browser records gaps"
    faces = guest.locator("#faces")
    assert int(faces.get_attribute("data-found")) > 0.7 * int(faces.get_attribute("data-frames"))
    guest.wait_for_function("location.hash === ''")  # the address follows what is seen a moment later
    before = {model: verdict(guest, model)[0] for model in ("cross", "self")}
    expect(guest.locator("#compared")).to_have_count(0)
    expect(guest.locator("#neutral input")).not_to_be_checked()
    guest.locator("#again").click()
    record(guest, 3.5, neutral=True)
    guest.wait_for_selector("#compared")
    expect(guest.locator("#neutral input")).to_be_checked()
    expect(guest.locator("#status")).to_have_text(wording.FROM_NEUTRAL)
    for model in ("cross", "self"):
        first, second = guest.locator(f'#takes-table tr[data-name="{model}"] td[data-take]').all()
        assert first.get_attribute("data-label") == before[model]
        assert second.get_attribute("data-label") == verdict(guest, model)[0]
    assert guest.locator("#takes-words .pair-of-words").count() > 0
    card = guest.locator("#card-box")
    guest.evaluate(
        """() => { const from = document.querySelector("#takes [data-card]");
        from.dataset.card += " "; document.querySelector("#make-card").click() }"""
    )
    expect(card).to_be_visible()
    guest.wait_for_timeout(700)
    expect(card).to_be_visible()  # a picture of a take that has only just come stays
    guest.evaluate("""() => { document.querySelector("#takes [data-card]").dataset.card += " " }""")
    expect(card).to_be_hidden()  # and goes when there is another
    guest.locator("#make-card").click()
    expect(card.locator(".card-save")).to_be_focused()
    plain = picture(guest)
    card.locator("#card-face").check()
    guest.wait_for_function("(before) => document.querySelector('#card-box img').src !== before", arg=plain[0])
    faced = picture(guest)
    assert plain[1].shape == faced[1].shape == (1080, 1080, 3)
    changed = np.abs(plain[1].astype(int) - faced[1]).max(2) > 30
    assert changed[64:364, 716:1016].mean() > 0.5 and changed[400:].mean() < 0.01, (
        "the face, and only where it is drawn"
    )
    with guest.expect_download() as taken:
        card.locator(".card-save").click()
    assert taken.value.suggested_filename == takes.CARD_FILE
    guest.keyboard.press("Escape")
    expect(card).to_be_hidden()
    guest.locator("#forget").click()
    expect(guest.locator("#compared")).to_have_count(0)


def picture(page: Page) -> tuple[str, np.ndarray]:
    """Address and pixels of the picture to send on, as the page shows it."""
    page.wait_for_function("document.querySelector('#card-box img').complete")
    address, data = page.evaluate(
        """async () => { const address = document.querySelector("#card-box img").src;
        const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
        let text = ""; for (const byte of bytes) text += String.fromCharCode(byte); return [address, btoa(text)] }"""
    )
    return address, cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)


def test_a_clip_without_a_face_says_so_and_is_found_again_as_it_was(guest, clips):
    upload(guest, clips / "no-face.mp4")
    expect(guest.locator("#notes")).to_contain_text("No face to go by")
    expect(guest.locator("#switch-video input")).to_be_disabled()
    expect(guest.locator("#switch-audio input")).to_be_enabled()
    check_both_panels(guest)
    toggle(guest, "audio")
    expect(guest.locator("#agreement")).to_contain_text("Only self-attention")
    guest.wait_for_timeout(600)
    assert guest.evaluate("location.hash") == "" and guest.locator("[data-example]").count() == 0
    guest.reload()
    guest.wait_for_selector('#moments [data-file="no-face.mp4"]', state="attached")
    expect(guest.locator("#status")).to_have_text(wording.KEPT)
    expect(guest.locator("#switch-audio input")).not_to_be_checked()
    guest.wait_for_function(f"{VIDEO}?.src.includes('no-face.mp4')")
    guest.evaluate("sessionStorage.setItem('ticket', 'A'.repeat(32))")
    guest.reload()
    expect(guest.locator("#status")).to_have_text(wording.NOT_KEPT)
    assert guest.locator('#moments [data-file="no-face.mp4"]').count() == 0


def test_a_sound_file_is_heard_and_has_no_face(guest, clips):
    put(guest, clips / "speech.wav")
    wait_for_analysis(guest, "speech.wav")
    open_sections(guest, "seen")
    expect(guest.locator("#notes")).to_contain_text("the clip has no pictures")
    assert "happy" in words_of(guest)
    check_both_panels(guest)


def test_a_wrong_file_is_answered_in_the_pages_words_and_stays_here(guest, tmp_path):
    sent = []

    def note(request) -> None:
        if "/upload" in request.url:
            sent.append(request.url)

    guest.on("request", note)
    for name, content, said in (("notes.txt", b"hello", "neither a video nor a sound"), ("empty.mp4", b"", "is empty")):
        (tmp_path / name).write_bytes(content)
        put(guest, tmp_path / name)
        expect(guest.locator("#file-note")).to_contain_text(said)
    guest.remove_listener("request", note)
    assert sent == [] and guest.locator(".toast-body").count() == 0


def test_a_corrupt_upload_is_answered_in_one_sentence(guest, clips):
    put(guest, clips / "corrupt.mp4")
    expect(guest.locator("#status")).to_contain_text("not a media file")
    assert "Traceback" not in guest.locator("body").text_content()
    expect(guest.locator("#verdicts")).to_be_hidden()


def test_a_long_clip_can_be_stopped_and_has_a_course_whose_windows_move_the_player(guest, clips):
    put(guest, clips / "long.mp4")
    guest.locator("#stop").click()
    expect(guest.locator("#status")).to_contain_text("Stopped")
    expect(guest.locator("#verdicts")).to_be_hidden()
    expect(guest.locator("#stop")).to_be_hidden()
    guest.locator("#analyse").click()
    wait_for_analysis(guest, "long.mp4")
    open_sections(guest, "course")
    guest.wait_for_selector("#course-chart .scatterlayer .point")
    lines = guest.evaluate(
        """() => document.querySelector('#course-chart .js-plotly-plot').calcdata.map(
        (c) => ({name: c[0].trace.name, x: c.map((p) => p.x), y: c.map((p) => p.y)}))"""
    )
    assert len(lines) == 14
    assert [line["name"] for line in lines[:7]] == list(LABELS)
    assert lines[0]["x"][:2] == [5, 10]
    for panel in (lines[:7], lines[7:]):
        np.testing.assert_allclose(np.sum([line["y"] for line in panel], 0), 1, atol=1e-4)
    point = guest.locator("#course-chart .scatterlayer .trace").nth(0).locator(".point").nth(1)
    point.scroll_into_view_if_needed()
    guest.wait_for_timeout(700)  # sections that open move what is below them
    box = point.bounding_box()
    guest.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    guest.wait_for_selector("#course-chart .hoverlayer .hovertext")
    guest.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    guest.wait_for_function(f"{VIDEO}.currentTime >= 4.9")
