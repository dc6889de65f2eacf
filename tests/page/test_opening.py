"""What who opens the page sees and does with an example: verdicts, maps, words, the tour, links, a phone."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from core import LABELS
from page.browsing import (
    EVERYTHING,
    FIRST_SCREEN,
    MAP,
    check_both_panels,
    heatmap,
    inside,
    open_sections,
    place,
    press_map,
    verdict,
    wait_for_analysis,
    wait_until_on,
    words_of,
)  # fmt: skip

CLIP = "JSON.parse(document.querySelector('#moments [data-clip]').dataset.clip)"
VIDEO = "document.querySelector('#clip video')"
TRACE = "document.querySelector('#attention-chart .js-plotly-plot').calcdata[0][0].trace"


def test_opening_shows_an_analysed_example_on_one_screen(newcomer):
    newcomer.wait_for_selector("#self-verdict .bar")
    check_both_panels(newcomer)
    newcomer.wait_for_selector("#timeline-chart .barlayer")
    assert inside(newcomer, *FIRST_SCREEN)
    assert newcomer.locator(".limits").first.bounding_box()["height"] < 30, "one line"
    expect(newcomer.locator(".notice").first).to_contain_text("infers emotion")
    expect(newcomer.locator("#timeline-chart .playhead:visible")).to_have_count(0)
    open_sections(newcomer)
    assert words_of(newcomer) & {"dog", "died"}
    assert newcomer.locator("#matrix tr[data-subset]").count() == 7


def test_the_most_telling_map_is_large_and_each_says_what_it_shows(newcomer):
    open_sections(newcomer)
    newcomer.wait_for_selector(MAP)
    scores = newcomer.locator("#map-grid .map").evaluate_all("(maps) => maps.map((m) => Number(m.dataset.score))")
    assert len(scores) == 9 * 7 and scores[0] == max(scores[:42])
    first = newcomer.locator("#map-grid .map").first
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(newcomer.locator("#sharpness")).to_have_attribute("data-map", first.get_attribute("data-map"))
    press_map(newcomer, rows_differ=False)
    assert newcomer.evaluate(f"Math.max(...{TRACE}.y)") > 0
    press_map(newcomer, rows_differ=True)
    head = heatmap(newcomer)
    np.testing.assert_allclose(head.sum(1), 1, atol=1e-4)
    highest = newcomer.locator("#attention-chart .colorbar text").last
    assert highest.is_visible() and float(highest.text_content()) == pytest.approx(
        max(3 / head.shape[1], head.max()), abs=0.006
    ), "the scale says where it ends"
    newcomer.locator("#differing input").check()
    newcomer.wait_for_function(f"{TRACE}.zmin < 0")
    np.testing.assert_allclose(heatmap(newcomer), (head - head.mean(0)) * head.shape[1], atol=2e-3)
    newcomer.locator("#differing input").uncheck()
    newcomer.wait_for_function(f"{TRACE}.zmin === 0")


def test_small_maps_from_the_keyboard(newcomer):
    open_sections(newcomer)
    pressed = newcomer.locator('.map[aria-pressed="true"]')
    before = pressed.get_attribute("data-map")
    pressed.focus()
    for key in ("ArrowRight", "ArrowLeft"):  # the last of a row has nothing on its right
        if newcomer.evaluate("document.activeElement.dataset.map") == before:
            newcomer.keyboard.press(key)
    name = newcomer.evaluate("document.activeElement.dataset.map")
    assert name != before and name.split()[:2] == before.split()[:2], "another head of the same pair"
    expect(newcomer.locator('.map[tabindex="0"]')).to_have_count(1)
    newcomer.keyboard.press("Enter")
    expect(newcomer.locator("#sharpness")).to_have_attribute("data-map", name)
    expect(newcomer.locator("#head input:checked")).to_have_count(1)
    expect(newcomer.locator("#clip")).to_have_class(re.compile("docked"))
    assert inside(newcomer, "#clip video"), "small, in a corner"
    newcomer.evaluate("scrollTo(0, 0)")
    expect(newcomer.locator("#clip")).not_to_have_class(re.compile("docked"))


def test_a_word_shows_where_it_looks(newcomer):
    newcomer.locator(".lane-word").nth(2).focus()
    newcomer.keyboard.press("ArrowLeft")
    looks = newcomer.evaluate(f"{CLIP}.looks")[1]
    arcs = newcomer.locator(".arc")
    expect(arcs).to_have_count(sum(map(len, looks.values())))
    for kind, each in looks.items():
        drawn = newcomer.locator(f".arc.{kind}").evaluate_all(
            "(arcs) => arcs.map((a) => [Number(a.dataset.secondsAt), Number(a.dataset.share)])"
        )
        assert drawn == each
    widths = arcs.evaluate_all(
        "(arcs) => arcs.map((a) => [Number(a.dataset.share), Number(a.getAttribute('stroke-width'))])"
    )
    assert all(width == pytest.approx(min(12, max(0.75, 1.5 * share))) for share, width in widths), "as thick as shares"
    newcomer.evaluate(
        f"""() => {{ const video = {VIDEO}; window.rates = []; video.muted = true;
        video.addEventListener("ratechange", () => window.rates.push([video.playbackRate, video.currentTime])); }}"""
    )
    newcomer.locator("#looks .look").first.focus()
    newcomer.keyboard.press("Enter")
    newcomer.wait_for_function("window.rates.length >= 2")
    (slow, _), *_, (usual, at) = newcomer.evaluate("window.rates")
    assert (slow, usual) == (0.5, 1) and at == pytest.approx(looks["audio"][0][0] + 0.4, abs=0.6)
    newcomer.keyboard.press("Escape")
    expect(arcs).to_have_count(0)


def test_what_plays_moves_box_word_and_playheads_and_a_face_seeks(newcomer):
    open_sections(newcomer)
    press_map(newcomer, rows_differ=True)
    newcomer.evaluate(f"() => {{ scrollTo(0, 0); {VIDEO}.muted = true; {VIDEO}.currentTime = 0; }}")
    newcomer.locator(".play").click()
    found = []
    for seconds in (0.6, 3.2):
        newcomer.evaluate(
            f"""async (seconds) => {{ const video = {VIDEO}; video.play();
            while (video.currentTime < seconds) await new Promise(requestAnimationFrame);
            video.pause(); await new Promise((done) => setTimeout(done, 200)) }}""",
            seconds,
        )
        found.append(
            [place(newcomer, s) for s in (".face-box", "#timeline-chart .playhead", "#attention-chart .asking")]
        )
    video = place(newcomer, "#clip video")
    for box, *_ in found:
        assert video[0] < box[0] < box[0] + box[2] < video[0] + video[2] and box[2] > 20
    assert found[0][0] != found[1][0], "the face sways"
    assert found[1][1][0] > found[0][1][0] + 50 and found[1][2][1] > found[0][2][1] + 20
    at, left, word = newcomer.evaluate(
        f"""() => {{ const at = {VIDEO}.currentTime;
        const plot = document.querySelector('#timeline-chart .js-plotly-plot'), axis = plot._fullLayout.xaxis;
        return [at, plot.getBoundingClientRect().left + axis._offset + axis.l2p(at),
            {CLIP}.words.find(([start, end]) => start <= at && at < end + 0.15)?.[2] ?? ""] }}"""
    )
    assert found[1][1][0] == pytest.approx(left, abs=2), f"at {at} s"
    assert newcomer.locator("#caption b").all_text_contents() == ([word] if word else [])
    face = newcomer.locator("#faces .face").nth(2)
    face.click()
    seconds = float(face.get_attribute("data-seconds"))
    newcomer.wait_for_function(f"Math.abs({VIDEO}.currentTime - {seconds}) < 1")
    expect(face).to_have_class(re.compile("now"))
    newcomer.evaluate(f"{VIDEO}.pause()")


def test_the_tour_from_the_keyboard(newcomer):
    newcomer.locator(".tour-start").first.focus()
    newcomer.keyboard.press("Enter")
    here, steps = newcomer.locator(".tour-step:not([hidden])"), []
    for step in range(5):
        steps.append(here.locator("h3").inner_text())
        assert newcomer.evaluate("document.activeElement.closest('.tour-step') !== null"), "it is read out"
        expect(newcomer.locator(".tour-target")).to_have_count(1)
        if step == 0:
            for model in ("cross", "self"):
                expect(here.locator(f'[data-say="{model}"]')).to_contain_text(verdict(newcomer, model)[0])
        if step == 1:
            for left in ("words + voice", EVERYTHING):
                newcomer.keyboard.press("Tab")
                assert newcomer.evaluate("document.activeElement.className") == "tour-act"
                newcomer.keyboard.press("Enter")
                wait_until_on(newcomer, left)
                here.locator("h3").focus()
        if step < 4:
            newcomer.locator(".tour-next").focus()
            newcomer.keyboard.press("Enter")
    assert len(set(steps)) == 5
    for again in (True, False):  # it can begin again
        newcomer.keyboard.press("Escape")
        expect(newcomer.locator("#tour")).to_be_hidden()
        assert newcomer.evaluate("document.activeElement.className") == "tour-start"
        expect(newcomer.locator(".tour-target")).to_have_count(0)
        if again:
            newcomer.keyboard.press("Enter")
            expect(here.locator("h3")).to_have_text(steps[0])


def test_the_verdict_of_the_moment_moves_with_a_longer_clip(newcomer):
    newcomer.locator("#example-moods").click()
    wait_for_analysis(newcomer, "moods.mp4")
    newcomer.wait_for_function(f"{VIDEO}?.duration > 20")
    phrases = newcomer.evaluate(f"{CLIP}.segments")
    for phrase in (phrases[0], phrases[len(phrases) // 2], phrases[-1]):
        newcomer.evaluate(f"{VIDEO}.currentTime = {(phrase['start'] + phrase['end']) / 2}")
        for model in ("cross", "self"):
            shares = phrase[model]
            remark = newcomer.locator(f"#{model}-verdict .remark")
            expected = re.escape(f"{phrase['name']}: {LABELS[int(np.argmax(shares))]}")
            expect(remark).to_have_attribute("data-now", re.compile(f"^{expected}"))
            ticks = newcomer.locator(f"#{model}-verdict .moment").evaluate_all("(a) => a.map((t) => t.style.left)")
            assert [float(tick.strip("%")) for tick in ticks] == pytest.approx([100 * p for p in shares], abs=0.01)
            track = place(newcomer, f"#{model}-verdict .bar.top > div")
            tick = place(newcomer, f"#{model}-verdict .bar.top .moment")
            top = LABELS.index(verdict(newcomer, model)[0])
            assert tick[0] - track[0] == pytest.approx(shares[top] * track[2], abs=3) and tick[2] < 6
    said = {LABELS[int(np.argmax(phrase[model]))] for phrase in phrases for model in ("cross", "self")}
    assert len(said) >= 3, "it turns"


def test_a_link_shows_an_example_as_it_was_and_what_does_not_exist_is_left(newcomer, visitors):
    newcomer.goto("about:blank")
    newcomer.goto(f"{visitors.app}#clip=glad&on=video,text&pair=text-video&head=2&t=1.5&open=attention")
    newcomer.wait_for_selector('#moments [data-example="glad"]', state="attached")
    expect(newcomer.locator("#sharpness")).to_contain_text("words → face, head 3")
    expect(newcomer.locator("#switch-audio input")).not_to_be_checked()
    newcomer.wait_for_function(f"Math.abs({VIDEO}.currentTime - 1.5) < 0.1")
    assert newcomer.locator("#section-time > button.open").count() == 0
    newcomer.goto("about:blank")
    newcomer.goto(f"{visitors.app}#clip=../../etc&on=<b>&model=evil&pair=x-y&head=99&t=1e9&open=nothing")
    newcomer.wait_for_selector("#self-verdict .bar")
    newcomer.wait_for_timeout(1500)
    assert newcomer.evaluate("window.pageView.read()") == {"clip": "contradiction"}


@pytest.fixture(scope="module")
def stranger(visitors):
    """A visitor who was never here, with a generator that counts, and the names of the visitor's sessions."""
    counting = "let n = 0; crypto.getRandomValues = (a) => a.map((_, i) => a[i] = (n += 1) * 40503 * 9973)"
    names = []

    def note(request) -> None:
        if "/heartbeat/" in request.url:
            names.append(request.url.rsplit("/", 1)[1])

    with visitors.come(counting, guess=True, watch=lambda page: page.on("request", note)) as page:
        yield page, names


def test_a_guess_is_asked_for_once_before_the_verdicts_are_told(stranger):
    page, _ = stranger
    page.wait_for_selector("#first-guess.asking")
    assert not page.locator("#panels").is_visible() and not page.locator("#agreement").is_visible()
    page.locator('#first-guess [data-answer="sadness"]').click()
    revealed = page.locator("#first-guess .revealed")
    expect(revealed).to_contain_text(re.compile("Right|Not this time"))
    expect(revealed).to_contain_text(re.compile("won|none of the three"))
    check_both_panels(page)
    page.reload()
    page.wait_for_selector("#self-verdict .bar")
    assert not page.locator("#first-guess").is_visible()


def test_a_sessions_name_is_made_of_the_browsers_secrets(stranger):
    """The name is what follows from what the generator says: nothing else goes into it."""
    page, names = stranger
    step = 40503 * 9973
    made = [((i * step >> 5) % 2**27 * 2**26 + ((i + 1) * step % 2**32 >> 6)) / 2**53 for i in range(1, 200)]
    possible = page.evaluate("(made) => made.map((x) => x.toString(36).substring(2))", made)
    assert names and set(names) <= set(possible)


@pytest.fixture(scope="module")
def phone(visitors):
    """A visitor with a dark phone who wants less motion, and what the network brought until the page was there."""
    sizes, plain, asked = {}, [], []

    def watch(page) -> None:
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
        page.on("request", lambda r: asked.append(r.url))
        page.on(
            "response",
            lambda r: plain.append(r.url)
            if r.url.endswith((".js", ".css")) and r.status == 200 and not r.headers.get("content-encoding")
            and int(r.headers.get("content-length", 0)) > 1000
            else None,
        )  # fmt: skip

    how = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "reduced_motion": "reduce"}
    with visitors.come(watch=watch, **how) as page:
        page.wait_for_selector("#timeline-chart .barlayer")
        page.wait_for_timeout(1000)
        yield page, sum(sizes.values()), plain, asked


def test_a_first_visit_is_small_and_everything_of_it_is_compressed(phone):
    _, size, plain, asked = phone
    assert sum("PlotlyPlot" in url for url in asked) == 1 and not [url for url in asked if "ffmpeg" in url]
    assert 500_000 < size < 4_000_000 and plain == []


def test_a_dark_phone_at_rest_has_all_on_its_first_screen_and_a_short_page(phone):
    page, *_ = phone
    assert inside(page, *FIRST_SCREEN)
    assert page.evaluate("document.documentElement.scrollHeight") < 2500
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", background)[:3])) < 60
    letters = page.evaluate("getComputedStyle(document.querySelector('#cross-verdict .bar.top span')).color")
    assert min(map(int, re.findall(r"\d+", letters)[:3])) > 150
    page.locator(".tour-start").first.click()
    for _ in range(3):  # opens the sections with the heatmap and the table
        page.locator(".tour-next").click()
    page.wait_for_selector(MAP)
    page.wait_for_function(
        """() => { const top = document.querySelector("#matrix-table").getBoundingClientRect().top;
        return -5 < top && top < 60 }"""
    )
    page.locator(".tour-end").click()
    for name in ("attention", "matrix"):
        expect(page.locator(f"#section-{name} > button.open")).to_have_count(0)
    open_sections(page, "attention")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for chart in ("timeline", "attention"):
        assert page.locator(f"#{chart}-chart .legend").count() == 0
        left, _, width, _ = place(page, f"#{chart}-chart .main-svg")
        assert left >= 0 and left + width <= 390
    page.evaluate(f"() => {{ {VIDEO}.muted = true; {VIDEO}.play(); }}")
    page.wait_for_function(f"{VIDEO}.currentTime > 0.7")
    moved = page.evaluate(
        """async () => { const seen = new Set(), until = performance.now() + 1100;
        while (performance.now() < until) {
            seen.add(document.querySelector('#timeline-chart .playhead').style.left);
            await new Promise(requestAnimationFrame);
        } return seen.size }"""
    )
    assert 1 <= moved <= 4, "whoever wants less motion gets steps, twice a second"
