"""Speech that is no English: its language is named and its words are written down, apart from what models use."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import made
import numpy as np
import pytest
import soundfile
from conftest import SENTENCE
from recordings import speak

from core.analysis.table import row_of
from core.encoders import languages
from core.encoders.features import unread
from core.encoders.languages import Excerpt
from core.encoders.transcript import OtherLanguage, Transcript, Word, not_understood
from core.media.reader import SAMPLE_RATE, Waveform
from core.training.transcripts import spread, word_errors
from demo.charts import panels, report
from demo.server import stored

GERMAN = "Gestern Abend sind wir zusammen ins Kino gegangen, um einen neuen Film zu sehen."


def test_pieces_without_a_word_were_not_understood():
    speech = ((0.0, 2.0), (3.0, 5.0), (6.0, 6.4))
    word = Word("glad", 0.5, 1.0, 0.9)
    assert not_understood(speech, [word]) == ((3.0, 5.0), (6.0, 6.4))
    assert not_understood(((0.0, 2.0), (6.0, 6.4)), [word]) == (), "a laugh beside words"
    assert not_understood(((6.0, 6.4),), []) == ()
    assert not_understood((), []) == ()


def test_an_excerpt_knows_where_its_pieces_come_from():
    samples = np.arange(10 * SAMPLE_RATE, dtype=np.float32)
    excerpt = Excerpt.of(Waveform(samples), ((1.0, 2.0), (7.0, 9.9)), ((1.0, 2.0), (4.0, 5.0), (7.0, 8.0), (8.5, 9.9)))
    assert excerpt.voice.duration == pytest.approx(1.4 + 3.2)
    spoken = [round(second, 3) for interval in excerpt.intervals for second in interval]
    assert spoken == [0.2, 1.2, 1.6, 2.6, 3.1, 4.5]
    for time in (0.5, 2.0, 4.0):
        at = excerpt.voice.samples[round(time * SAMPLE_RATE)] / SAMPLE_RATE
        assert time + excerpt.shift(time) == pytest.approx(at, abs=1e-3)


def test_why_the_models_have_no_words():
    assert unread(None) == "the words were not understood"
    assert unread(OtherLanguage("en", "English", 0.9)) == "the words were not understood"
    assert "not recognised" in unread(OtherLanguage(None, None, 0.2))
    assert unread(OtherLanguage("pl", "Polish", 0.9)).startswith("the words are Polish")


def letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c == " ")


@pytest.fixture(scope="module")
def two_languages(tmp_path_factory):
    """A recording: ``SENTENCE``, a pause, ``GERMAN``; and the second in which German begins."""
    folder = tmp_path_factory.mktemp("languages")
    english, german = speak(SENTENCE, folder / "a.wav"), speak(GERMAN, folder / "b.wav", voice="de")
    path = folder / "both.wav"
    soundfile.write(path, np.concatenate([english, np.zeros(SAMPLE_RATE, np.float32), german]), SAMPLE_RATE)
    return path, len(english) / SAMPLE_RATE + 1.0


def test_of_two_languages_models_use_the_english_words(analyzer, utterance, two_languages):
    path, begin = two_languages
    both = analyzer.extract(path)
    other = both.transcript.other
    assert letters(both.transcript.text) == letters(SENTENCE) and len(both.text.times) == len(both.transcript.words)
    assert (other.code, other.name) == ("de", "German") and 0.5 < other.probability <= 1
    assert "kino" in other.text.lower() and begin - 0.3 <= other.words[0].start
    assert all(before.start < before.end <= after.start for before, after in pairwise(other.words))
    assert other.words[-1].end <= both.duration
    assert both.window(0.0, begin - 0.5).transcript.other.words == ()
    assert "language" in both.timings and "language" not in utterance.timings, "English clips do not pay for it"


def test_a_language_that_is_not_recognised_has_no_words(analyzer, monkeypatch):
    monkeypatch.setattr(languages, "spoken_language", lambda *_: ("nn", 0.3))
    voice = Waveform(np.zeros(2 * SAMPLE_RATE, np.float32))
    assert analyzer.extractor.languages.read(voice, ((0.0, 2.0),), ((0.0, 2.0),)) == OtherLanguage(None, None, 0.3)


POLISH = OtherLanguage("pl", "Polish", 0.97, (Word("Dzień", 1.0, 1.5, 0.9), Word("<b>dobry</b>", 1.5, 2.0, 0.3)))
UNKNOWN = OtherLanguage(None, None, 0.2)


def spoken(other: OtherLanguage | None, words=()):
    analysis = made.analysis(words=list(words), missing={"text": unread(other)})
    return replace(analysis, transcript=replace(analysis.transcript, other=other))


def test_json_table_and_page_show_them_apart():
    polish, unknown, none = (spoken(other) for other in (POLISH, UNKNOWN, None))
    said = polish.to_json()["transcript"]
    assert said["text"] == "" and said["words"] == []
    assert said["other_language"] == {
        "code": "pl", "name": "Polish", "probability": 0.97, "text": POLISH.text, "used": False,
        "words": [{"word": w.text, "start": w.start, "end": w.end} for w in POLISH.words],
    }  # fmt: skip
    assert unknown.to_json()["transcript"]["other_language"]["name"] is None
    assert none.to_json()["transcript"]["other_language"] is None
    columns = [(row["language"], row["text in language"]) for row in (row_of("a", a) for a in (polish, unknown, none))]
    assert columns == [("Polish", POLISH.text), ("not recognised", ""), ("", "")]

    page = panels.transcript(polish)
    assert 'lang="pl"' in page and "do not use these words" in page and "97" in page
    assert "&lt;b&gt;dobry" in page and "<b>dobry" not in page
    assert 'id="transcript"' not in page and "No words" not in page
    assert "was not recognised" in panels.transcript(unknown) and "No words were heard" in panels.transcript(none)
    beside = panels.transcript(spoken(POLISH, ["hello"]))
    assert beside.index("hello") < beside.index("Polish")


def test_a_csv_of_phrases_has_a_line_of_no_model():
    last = report.as_csv(spoken(POLISH)).splitlines()[-1]
    assert last.startswith("1.000,2.000,,,") and last.endswith(f',"Polish, not used",{POLISH.text},')
    assert report.as_csv(spoken(UNKNOWN)).splitlines()[-1].endswith(",language not recognised,,")


def test_a_stored_analysis_keeps_them(tmp_path):
    path = tmp_path / "kept.npz"
    stored.save(spoken(POLISH), path)
    assert stored.load(path).transcript == Transcript((), POLISH)


def test_how_words_are_counted_and_voices_drawn():
    assert word_errors(["a", "b", "c"], ["a", "x", "c", "d"]) == 2 and word_errors([], ["a"]) == 1
    records = [SimpleNamespace(group=group) for group in "aaaabbc"]
    assert sorted(record.group for record in spread(records, 3, seed=0)) == ["a", "b", "c"]
    assert len(spread(records, 99, seed=0)) == 7
