"""What a visitor does on the page and sees of it, for all tests of the page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core import LABELS
from demo import wording

SENTENCE = "I am so happy that you came to see me today."
GERMAN = "Gestern Abend sind wir zusammen ins Kino gegangen, um einen neuen Film zu sehen."
LONG = 120_000  # milliseconds; a clip may take that long where many share two cores
NAMES = {"text": "words", "video": "face", "audio": "voice"}
EVERYTHING = " + ".join(NAMES.values())
MAP = "#attention-chart .js-plotly-plot .main-svg"  # a heatmap, or one line where all look at the same moments
FIRST_SCREEN = ("#clip video", "#switches", "#cross-verdict .bars", "#self-verdict .bars", ".tabitem .notice >> nth=0")


class Visitors:
    """Opens pages, each of a visitor with a storage of its own, and notes what goes wrong on them."""

    def __init__(self, browser: Browser, app: str):
        self.browser, self.app = browser, app
        self._complaints: list[str] = []

    @contextmanager
    def come(self, script: str = "", guess: bool = False, watch=lambda page: None, **context) -> Iterator[Page]:
        """The page of a new visitor, who has been here before unless a guess is to be asked for.

        Args:
            script: runs before those of the page.
            watch: gets the page before it is opened.
            context: as of playwright's ``new_context``.
        """
        known = [] if guess else [{"origin": self.app.rstrip("/"), "localStorage": [{"name": "guessed", "value": "1"}]}]
        opened = self.browser.new_context(
            permissions=["camera", "microphone"], storage_state={"cookies": [], "origins": known}, **context
        )
        page = opened.new_page()
        page.set_default_timeout(LONG)
        if script:
            page.add_init_script(script)
        page.on("request", self._look_at)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        watch(page)
        page.goto(self.app)
        page.wait_for_selector("#clip")
        yield page
        opened.close()

    def rest(self) -> None:
        """Nothing plays on any page any more: two cores that draw other pages have little left for what is live."""
        for context in self.browser.contexts:
            for page in context.pages:
                page.evaluate("document.querySelectorAll('video, audio').forEach((player) => player.pause())")

    def _look_at(self, request) -> None:
        if not request.url.startswith((self.app, "data:", "blob:")):
            self._complaints.append(f"{request.url} was asked for")

    def complaints(self) -> list[str]:
        """What went wrong since this was asked last: errors of scripts, and requests to other hosts."""
        found, self._complaints = self._complaints, []
        return found


def put(page: Page, clip: Path) -> None:
    """Chooses a file, in the place of the clip that is there."""
    if not page.locator("#clip input[type=file]").count():
        page.get_by_label("Upload file").click()
    page.locator("#clip input[type=file]").set_input_files(clip)


def upload(page: Page, clip: Path) -> None:
    """Chooses a file and waits until all that is said of it is on the page."""
    put(page, clip)
    wait_for_analysis(page, clip.name)
    open_sections(page)
    page.wait_for_selector(MAP)


def wait_for_analysis(page: Page, file: str) -> None:
    """Until the page shows what was said of the file of that name, and nothing is being read."""
    page.wait_for_selector(f'#moments [data-file="{file}"]', state="attached")
    expect(page.locator("#stop")).to_be_hidden()


def open_sections(page: Page, *names: str) -> None:
    """What is in a section is in the page from when it is opened."""
    for name in names or ("attention", "matrix", "seen"):
        button = page.locator(f"#section-{name} > button")
        if "open" not in button.get_attribute("class").split():
            button.click()


def verdict(page: Page, model: str) -> tuple[str, float]:
    """Label and probability as the heading of a panel says them."""
    head = page.locator(f"#{model}-verdict .verdict")
    return head.get_attribute("data-label"), float(head.get_attribute("data-probability") or "nan")


def bars(page: Page, model: str, name: str = "now") -> dict[str, float]:
    """The lengths of the bars in the page, as shares of their tracks; None without any of that name."""
    values = page.evaluate(
        """([model, part]) => [...document.querySelectorAll(`#${model}-verdict .bar`)].flatMap((bar) => {
        const drawn = bar.querySelector(part);
        return drawn ? [[bar.dataset.label, parseFloat(drawn.style.width) / 100]] : [] })""",
        [model, {"now": "i", "everything on": "s"}[name]],
    )
    assert not values or [label for label, _ in values] == list(LABELS)
    return dict(values) or None


def check_both_panels(page: Page) -> None:
    """Headings, lengths of bars and outlines say the same."""
    for model in ("cross", "self"):
        label, probability = verdict(page, model)
        drawn = bars(page, model)
        assert sum(drawn.values()) == pytest.approx(1, abs=1e-4)
        assert max(drawn, key=drawn.get) == label
        assert drawn[label] == pytest.approx(probability, abs=1e-5)
        bar = page.locator(f"#{model}-verdict .bar.top")
        track, shown = bar.locator("div").first.bounding_box(), bar.locator("i").bounding_box()
        assert shown["width"] == pytest.approx(probability * track["width"], abs=1), "as long as it says"
        assert page.locator(f"#{model}-verdict .bar s").count() in (0, 7), "outlines, if anything is switched off"


def press_map(page: Page, rows_differ: bool) -> str:
    """Enlarges the first small map that is a heatmap or, where ``rows_differ`` is False, one line.

    Returns:
        "MODEL PAIR HEAD".
    """
    name = page.evaluate(
        """([alike, differ]) => [...document.querySelectorAll("#map-grid .map")]
        .find((map) => map.ariaLabel.includes(alike) !== differ)?.dataset.map""",
        [wording.ALIKE, rows_differ],
    )
    assert name, f"no small map whose rows {'differ' if rows_differ else 'are alike'}"
    page.locator(f'.map[data-map="{name}"]').click()
    expect(page.locator("#sharpness")).to_have_attribute("data-map", name)
    kind = "heatmap" if rows_differ else "scatter"
    page.wait_for_function(
        "(kind) => document.querySelector('#attention-chart .js-plotly-plot')?.calcdata?.[0][0].trace.type === kind",
        arg=kind,
    )
    return name


def heatmap(page: Page) -> np.ndarray:
    """The cells of the enlarged map as Plotly holds them in the page."""
    cells = page.evaluate(
        """() => Array.from(document.querySelector('#attention-chart .js-plotly-plot').calcdata[0][0].z,
        (row) => Array.from(row))"""
    )
    return np.array(cells)


def words_of(page: Page) -> set[str]:
    """The words of the transcript."""
    return set(re.findall(r"[a-z]+", page.locator("#transcript").text_content().lower()))


def toggle(page: Page, modality: str) -> None:
    """Presses a switch."""
    page.locator(f"#switch-{modality} input").click()


def wait_until_on(page: Page, modalities: str) -> None:
    """Until the page, panels included, shows the verdicts of these modalities."""
    expect(page.locator("#matrix tr[aria-current] th")).to_have_text(modalities)
    outlines = 0 if modalities == EVERYTHING else 7
    for model in ("cross", "self"):
        expect(page.locator(f"#{model}-verdict .bar s")).to_have_count(outlines)


def switch_all_on(page: Page) -> None:
    """Puts back what is off, one after the other."""
    for modality in NAMES:
        if not page.locator(f"#switch-{modality} input").is_checked():
            toggle(page, modality)
            on = [name for m, name in NAMES.items() if page.locator(f"#switch-{m} input").is_checked()]
            expect(page.locator("#matrix tr[aria-current] th")).to_have_text(" + ".join(on))
    wait_until_on(page, EVERYTHING)


def inside(page: Page, *selectors: str) -> bool:
    """Whether all of these are within the first screen."""
    boxes = [page.locator(selector).bounding_box() for selector in selectors]
    size = page.viewport_size
    return all(
        box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= size["width"]
        and box["y"] + box["height"] <= size["height"] for box in boxes
    )  # fmt: skip


def place(page: Page, selector: str) -> list[float]:
    """Left, top, width and height of something on the screen, in pixels."""
    return page.evaluate(
        """(selector) => { const box = document.querySelector(selector).getBoundingClientRect();
        return [box.left, box.top, box.width, box.height] }""",
        selector,
    )
