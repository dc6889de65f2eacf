"""Two takes of one sentence: what is kept of the first, how the second is set beside it, and whose it is."""

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import made
import numpy as np
import pytest
import serving

from core import LABELS
from core.analysis.kept import nbytes
from core.analysis.takes import MAX_WORDS, Take, aligned, changes, same
from demo import wording
from demo.charts import takes
from demo.server import sessions, stored
from demo.server.budget import Budget
from demo.server.sessions import Session


def take(words: str, seed: int = 0, **options) -> Take:
    return Take.of(made.analysis(words=words.split(), seed=seed, **options))


def test_of_the_first_take_words_and_verdicts_are_kept_and_nothing_else():
    analysis = made.analysis(words=["<b>"] * 100)
    kept = Take.of(analysis)
    assert len(kept.words) == MAX_WORDS and kept.everything.cross.label == analysis.everything.cross.label
    assert not any(v.attention for p in kept.predictions.values() for v in p.verdicts().values() if v)
    assert nbytes(kept) < 10_000 < nbytes(analysis)


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        ("The dogs sit", "the dogs, sit.", ["The/the", "dogs/dogs,", "sit/sit."]),
        ("the dogs sit here", "the cats sit", ["the/the", "dogs/cats", "sit/sit", "here/-"]),
        ("sit here", "please sit right here", ["-/please", "sit/sit", "-/right", "here/here"]),
        ("", "so", ["-/so"]),
    ],
)
def test_the_same_words_stand_below_each_other(first, second, pairs):
    found = aligned(take(first), take(second))
    assert [f"{one.text if one else '-'}/{other.text if other else '-'}" for one, other in found] == pairs
    assert [same(one, other) for one, other in found] == [
        len({w.strip(",.").lower() for w in p.split("/")}) == 1 for p in pairs
    ]


def test_what_changed_is_what_was_said_then_less_what_was_said_before():
    first, second = take("so", seed=1), take("so", seed=2, missing={"video": "no face was found"}, faces=0)
    found = {change.name: change for change in changes(first, second)}
    assert list(found) == ["cross", "self", "text", "video", "audio"]
    np.testing.assert_allclose(
        found["self"].differences, second.everything.self_.probabilities - first.everything.self_.probabilities
    )
    assert found["video"].second is None and found["video"].differences is None and found["video"].size == 0
    html = str(takes.compared(first, second))
    rows = dict(re.findall(r'<tr data-name="(\w+)">(.*?)</tr>', html, re.DOTALL))
    for name, change in found.items():
        labels = re.findall(r'data-label="(\w*)"', rows[name])
        assert labels == [change.first.label, change.second.label if change.second else ""]
    most = int(np.abs(found["cross"].differences).argmax())
    assert f"{LABELS[most]} {found['cross'].differences[most] * 100:+.1f}".replace("-", "−") in rows["cross"]
    assert wording.TAKE_NONE in rows["video"]
    assert wording.NOTHING_CHANGED in takes.compared(first, first)


def test_words_of_a_clip_stay_text():
    html = str(takes.compared(take("<b>x</b>"), take("<i>")))
    assert "<b>x" not in html and "<i>" not in html and "&lt;i&gt;" in html
    assert "<u>" not in takes.waiting(take("<u>"))


def test_a_challenge_is_won_where_face_and_voice_disagree():
    for seed in range(6):
        analysis = made.analysis(seed=seed)
        face, voice = (analysis.predictions[m,].self_.label for m in ("video", "audio"))
        said = unescape(takes.element(analysis, challenged=True))
        assert ("You did it" in said) == (face != voice) and face in said and voice in said
    mute = made.analysis(missing={"audio": "no voice was heard"})
    assert wording.CHALLENGE_NEEDS_BOTH in takes.element(mute, challenged=True)


def test_the_picture_says_what_the_page_says():
    analysis, first = made.analysis(seed=1), take("so", seed=2)
    one, two = takes.card(Take.of(analysis), None), takes.card(Take.of(analysis), first)
    assert [len(line["takes"]) for line in one["lines"]] == [1] * 5 and [
        len(line["takes"]) for line in two["lines"]
    ] == [2] * 5
    cross = two["lines"][0]["takes"]
    assert [each["label"] for each in cross] == [first.everything.cross.label, analysis.everything.cross.label]
    assert cross[1]["share"] == pytest.approx(analysis.everything.cross.probability, abs=1e-4)
    held = re.search(r'data-card="([^"]*)"', str(takes.element(analysis, first)))[1]
    assert json.loads(unescape(held)) == two


@pytest.fixture
def budget(monkeypatch) -> Budget:
    made_for_it = Budget(10**9)
    monkeypatch.setattr(sessions, "budget", made_for_it)
    return made_for_it


def test_the_first_take_stays_until_another_example_or_the_end_of_the_visit(budget):
    visit, quick = Session(), serving.Quick("cpu")
    assert visit.keep_first() is None and visit.first is None and budget.nbytes == 0
    visit.take(quick, Path("a.mp4"), lambda *_: None)
    kept = visit.keep_first() and visit.first
    visit.clear()
    assert visit.first is kept and budget.nbytes == nbytes((None, {}, kept))
    visit.take(quick, Path("b.mp4"), lambda *_: None)
    visit.keep_first()
    assert visit.first is kept, "A stays A"
    assert budget.nbytes == nbytes((visit.analysis, {}, kept))
    after = Session()
    after.take_over(visit)
    assert after.first is kept and visit.first is None
    after.let_go()
    assert after.first is None
    for forget in (lambda s: s.show(stored.result_of("glad")), Session.forget_takes, Session.end):
        visit = Session()
        visit.take(quick, Path("a.mp4"), lambda *_: None)
        visit.keep_first()
        forget(visit)
        assert visit.first is None


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    class Named(serving.Quick):
        def analyze(self, path, progress=None, first=None):
            self.asked += 1
            return replace(made.analysis(seed=self.asked), file=Path(path).name)

    with serving.served(tmp_path_factory.mktemp("cache"), Named("cpu")) as served:
        yield served


def analysed(page: serving.Served, session: str) -> str:
    """What the page answers to a new clip of a visit."""
    begun = page.event("clip", "upload")
    path = page.upload(name="mine.webm")
    page.ask(begun, [None, serving.file(path), None], session)
    succeeds, output = page.ask(
        page.after(begun), [serving.file(path), None, None, "cross", None, -1, "weights", False], session
    )
    assert succeeds
    return output


def test_two_takes_are_compared_within_a_visit_and_nowhere_else(page):
    assert 'id=\\"compared\\"' not in analysed(page, "one")
    succeeds, output = page.ask(page.event("again", "click"), [None], "one")
    assert succeeds and wording.TAKES_WAITING in output
    assert 'id=\\"compared\\"' in analysed(page, "one")
    assert 'id=\\"compared\\"' not in analysed(page, "other")
    succeeds, output = page.ask(page.event("forget", "click"), [None], "one")
    assert succeeds and "compared" not in output and "data-card" in output
    assert 'id=\\"compared\\"' not in analysed(page, "one")


def test_a_challenge_is_answered_with_the_next_clip(page):
    succeeds, output = page.ask(page.event("challenge-me", "click"), [None], "third")
    assert succeeds and wording.CHALLENGE_SAYS in output
    assert "challenge-answer" in analysed(page, "third")


def test_without_an_analysis_nothing_is_kept_and_it_is_said_why(page):
    succeeds, output = page.ask(page.event("again", "click"), [None], "fourth")
    assert succeeds and wording.NO_CLIP in output and "data-say" not in output
