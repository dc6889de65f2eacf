"""A browser that asks for German: the page, what it answers and what its scripts say are German, and all works."""

import re

import pytest
from playwright.sync_api import expect

from demo import language, wording


@pytest.fixture
def german():
    """What is expected is German too."""
    with language.speaking("de"):
        yield


def test_a_german_browser_gets_a_german_page_and_records_with_one_press(german, visitors):
    with visitors.come(locale="de-DE") as page:
        expect(page).to_have_title(wording.TITLE)
        assert page.evaluate("document.documentElement.lang") == "de"
        for name, title in wording.TABS.items():
            assert page.get_by_role("tab", name=title, exact=True).count() == 1, name
        page.locator("#example-glad").click()
        page.wait_for_selector('#moments [data-file="glad.mp4"]', state="attached")
        said = page.locator("#agreement .agreement")
        said.wait_for()
        label = page.locator("#cross-verdict .verdict").get_attribute("data-label")
        expect(said).to_contain_text(wording.LABEL[label])
        same = re.escape(re.sub(r"<[^>]*>", "", wording.BOTH_SAY)).replace(r"\{label\}", ".*")
        differ = re.escape(re.sub(r"<[^>]*>", "", wording.THEY_DISAGREE)).replace(r"\{cross\}", ".*")
        assert re.fullmatch(f"{same}|{differ.replace(re.escape('{own}'), '.*')}", said.text_content())
        assert page.locator("#cross-verdict .bar span").all_text_contents() == list(wording.LABEL.values())
        expect(page.locator("#clip .play")).to_have_attribute("aria-label", wording.IN_BROWSER["play"])

        page.locator('#clip [aria-label="Capture from camera"]').click()
        recorder = page.locator("#recorder")
        expect(recorder).to_have_attribute("data-phase", "recording")
        expect(page.locator(".recorder-doing")).to_have_text(wording.RECORDER["recording"])
        expect(page.locator("#clock")).to_contain_text(re.compile("[2-9] s"))  # less is no file
        recorder.get_by_role("button", name=wording.RECORDER["stop"]).click()
        page.locator("#stop").click()
        expect(page.locator("#status")).to_have_text(wording.STOPPED)

        page.get_by_role("tab", name=wording.TABS["live"], exact=True).click()
        expect(page.locator(".live-start")).to_have_text(wording.LIVE_START)
        expect(page.locator(".live-doing")).to_have_text(wording.LIVE_IDLE)
