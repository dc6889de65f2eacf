"""From words with times to phrases, and a verdict for each."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from core.analysis.phrases import LONGEST, MARGIN, phrases_of
from core.encoders.transcript import Transcript, Word


def spoken(text: str, start: float = 0.5, word: float = 0.3, gap: float = 0.1) -> list[Word]:
    """Words of equal length; "/" between them is a second of silence."""
    words = []
    for each in text.split():
        if each == "/":
            start += 1.0
            continue
        words.append(Word(each, start, start + word, 1.0))
        start += word + gap
    return words


def texts(words: list[Word], duration: float = 60.0) -> list[str]:
    return [phrase.text for phrase in phrases_of(words, duration)]


def test_sentences_and_pauses_end_a_phrase():
    said = spoken("Where have you been? I was at home / and nobody came. “All is lost!” Then he left")
    assert texts(said) == [
        "Where have you been?", "I was at home", "and nobody came.", "“All is lost!”", "Then he left",
    ]  # fmt: skip


def test_a_short_sentence_goes_on_unless_a_pause_parts_it_and_a_title_ends_nothing():
    assert texts(spoken("Oh! What is that?")) == ["Oh! What is that?"]
    assert texts(spoken("Oh! / What is that?")) == ["Oh!", "What is that?"]
    assert texts(spoken("I have met Mr. Smith. He is kind.")) == ["I have met Mr. Smith.", "He is kind."]
    assert phrases_of([], 3.0) == () and texts(spoken("hello")) == ["hello"]


def test_ends_lie_in_the_pauses_and_phrases_do_not_overlap():
    first, second = phrases_of(spoken("I am so glad today. / You came at last."), 5.1)
    assert (first.start, first.end) == pytest.approx((0.5 - MARGIN, 2.4 + MARGIN))
    assert second.start == pytest.approx(3.5 - MARGIN) and second.end == pytest.approx(5.1)
    close = phrases_of(spoken("I am so glad today. You came."), 60.0)
    assert close[0].end == close[1].start == pytest.approx(2.45), "half a short pause each"


def test_who_never_pauses_is_cut_in_the_longest_pauses_and_no_word_is_lost():
    words = spoken(" ".join(f"w{i}" for i in range(80)))
    words = words[:30] + [replace(w, start=w.start + 0.3, end=w.end + 0.3) for w in words[30:]]
    found = phrases_of(words, 60.0)
    assert found[0].text.split()[0] == "w0" and "w30" in [p.text.split()[0] for p in found]
    assert " ".join(p.text for p in found).split() == [w.text for w in words]
    assert all(p.end - p.start <= LONGEST + 2 * MARGIN for p in found)
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))


def test_each_phrase_has_the_verdict_of_its_part_alone(analyzer, utterance):
    """The clip's words with a pause put after half of them."""
    words = utterance.transcript.words
    half = len(words) // 2
    cut = (words[half - 1].end + words[half].start) / 2
    moved = tuple(replace(w, start=w.start + 2, end=w.end + 2) if i >= half else w for i, w in enumerate(words))
    later = {
        m: replace(utterance[m], times=np.where(utterance[m].times >= cut, utterance[m].times + 2, utterance[m].times))
        for m in ("text", "video", "audio")
    }
    parted = replace(utterance, duration=utterance.duration + 2, transcript=Transcript(moved), **later)
    first, second = analyzer._phrases(parted)
    assert first.text == " ".join(w.text for w in words[:half]) and second.start > first.end
    for phrase in (first, second):
        alone = analyzer.predict(parted.window(phrase.start, phrase.end))[phrase.prediction.used]
        np.testing.assert_allclose(phrase.prediction.cross.probabilities, alone.cross.probabilities, atol=1e-6)
        np.testing.assert_allclose(phrase.prediction.self_.probabilities, alone.self_.probabilities, atol=1e-6)
    assert analyzer._phrases(utterance) == (), "one sentence is the clip itself"
