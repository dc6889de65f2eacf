"""What clips show by their names or by a table, and how both models are scored by it."""

import numpy as np
import pytest
from made import analysis

from core import LABELS
from core.analysis.table import failed, row_of
from core.analysis.truth import (
    ANYTHING,
    MAX_ANYTHING,
    MAX_PATTERN,
    MAX_TABLE_BYTES,
    MAX_TABLE_LINES,
    SPELLINGS,
    NamePattern,
    TruthError,
    TruthTable,
    score,
)  # fmt: skip
from demo.charts import clips
from demo.tabs import several

NAMES = [
    ("{label}_{anything}", "angry_07.mp4", "anger"),
    ("{label}_{anything}", "Happiness_.wav", "happiness"),
    ("{label}_{anything}", "07_angry.mp4", None),
    ("{anything}_{label}_{anything}", "1001_DFA_ANG_XX.wav", "anger"),
    ("{anything}_{label}", "OAF_back_ps.wav", "surprise"),
    ("{anything}_{label}.wav", "OAF_back_sad.wav", "sadness"),
    ("{anything}{label}{anything}", "the fearful one.mp4", "fear"),
    ("{anything}{label}{anything}", "happy and angry.mp4", None),  # five letters each
    ("{anything}{label}{anything}", "a surprised sadness.mp4", "surprise"),  # the longest that fits
    ("{label}", "neutral.mp4", "neutral"),
    ("x.*{label}", "xyzangry.mp4", None),
    ("x.*{label}", "x.*angry.mp4", "anger"),
    ("ab{label}ba", "abangba", "anger"),
    ("a{label}{anything}g", "aang", None),  # the end is not the label's
]


@pytest.mark.parametrize(("pattern", "name", "label"), NAMES)
def test_a_name_says_its_label_by_a_pattern_without_regular_expressions(pattern, name, label):
    assert NamePattern.of(pattern).label_of(name) == label


def test_every_spelling_is_of_one_label():
    assert tuple(SPELLINGS) == LABELS and all(label in spellings for label, spellings in SPELLINGS.items())
    spellings = [one for each in SPELLINGS.values() for one in each]
    assert len(set(spellings)) == len(spellings)


@pytest.mark.parametrize("pattern", [
    "", "{anything}", "{label}{label}", "{label}" + ANYTHING * (MAX_ANYTHING + 1), "{label}" + "x" * MAX_PATTERN,
    "{label}_{speaker}", "{{label}}",
])  # fmt: skip
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(TruthError, match="A pattern"):
        NamePattern.of(pattern)


def test_no_pattern_asks_for_more_than_a_few_searches():
    """Where each place may be anything, a regular expression would try all ways to divide the name."""
    hard = NamePattern.of(ANYTHING.join(["a" * 5] * MAX_ANYTHING) + "{label}!")
    looked_for = 0

    class Counted(str):
        def casefold(self):
            return self

        def find(self, *of):
            nonlocal looked_for
            looked_for += 1
            return str.find(self, *of)

        def rpartition(self, _):
            return "", "", self

    assert hard.label_of(Counted("a" * 255)) is None
    assert looked_for <= sum(map(len, SPELLINGS.values())) * MAX_ANYTHING * 2


def test_a_table_says_labels_by_its_head_or_its_first_two_columns():
    named = TruthTable.of("speaker;Emotion;File\nA;ANG;in/a folder/one (1).mp4\nB;calm;two.mp4\n".encode("utf-8-sig"))
    assert named.label_of("one 1.mp4") == "anger", "uploads lose brackets"
    assert named.label_of("two.mp4") is None and named.unknown == 1
    plain = TruthTable.of(b"one,happy\ntwo.mp4,sad\ntwo.mp4,fear\nlonely\n")
    assert plain.label_of("one.mp4") == "happiness", "a name without its suffix"
    assert plain.label_of("two.mp4") is None, "lines that contradict each other"
    assert plain.unknown == 1


@pytest.mark.parametrize(("data", "said"), [
    (b"a,angry\n" + b"x" * MAX_TABLE_BYTES, "1 MB"),
    (b"a,angry\n" * (MAX_TABLE_LINES + 1), "lines"),
    (b"\x89PNG\r\n\x1a\n\xff", "no table"),
    (b"", "No line"),
    (b"file,label\na.mp4,calm\n", "No line"),
    (b'"' + b"a" * 200_000, "no table"),
])  # fmt: skip
def test_what_is_no_table_of_labels_is_said(data, said):
    with pytest.raises(TruthError, match=said):
        TruthTable.of(data)


def row(cross: str, own: str, sets: str = "") -> dict:
    """A line of a clip with two verdicts."""
    made = row_of("a.mp4", analysis())
    said = {"cross": cross, "self": own, "cross set": sets, "self set": sets}
    return made | said | {f"{model} {label}": "0.5" for model in ("cross", "self") for label in LABELS}


def test_scores_are_what_they_are_by_hand():
    rows = [
        row("anger", "anger", "anger"), row("anger", "fear", "anger+fear"), row("sadness", "sadness", "sadness"),
        row("", "neutral", ""), failed("bad.mp4", "No."), row("fear", "fear"),
    ]  # fmt: skip
    found = score(rows, ["anger", "fear", "fear", "neutral", "anger", None])
    assert (found.both, found.agree, found.known, found.read) == (4, 3, 4, 5)
    cross, own = found.models["cross"], found.models["self"]
    assert (cross.n, own.n) == (3, 4)
    assert cross.accuracy == pytest.approx(1 / 3) and cross.balanced_accuracy == pytest.approx((1 + 0) / 2)
    assert own.accuracy == pytest.approx(3 / 4) and own.balanced_accuracy == pytest.approx((1 + 0.5 + 1) / 3)
    assert cross.covered == pytest.approx(2 / 3) and cross.set_size == pytest.approx(4 / 3)
    confusion = np.zeros((7, 7), int)
    for true, said in (("anger", "anger"), ("fear", "anger"), ("fear", "sadness")):
        confusion[LABELS.index(true), LABELS.index(said)] += 1
    np.testing.assert_array_equal(cross.confusion, confusion)
    assert score(rows, [None] * 6).models == {"cross": None, "self": None}
    assert score([], []).read == 0


def test_the_table_shows_truth_what_is_missing_and_scores():
    made = row_of("angry_<1>.mp4", analysis(missing={"video": "no face was found"}))
    shown = clips.table([made, failed("bad.mp4", "It is no clip.")], ["anger", None], {}, ["later.mp4"])
    assert 'data-truth="anger"' in shown and "No face to go by: no face was found." in shown
    assert "angry_&lt;1&gt;.mp4" in shown and "2 of 3 clips are read" in shown and "later.mp4" in shown
    assert f'data-right="{str(made["self"] == "anger").lower()}"' in shown
    assert shown.count('class="confusion"') == 2 and 'data-both="1"' in shown
    unknown = clips.table([made], [None], {}, [])
    assert "data-truth" not in unknown and "confusion" not in unknown and "many-scores" in unknown
    assert clips.table([], [], {}, []) == ""


def test_a_row_opens_to_all_that_is_said_and_closes_again():
    queue = several.Queue()
    queue.rows = [
        row_of("one.mp4", analysis(missing={"text": "nothing was said"})),
        failed("bad.mp4", "It is no clip."),
    ]
    queue.analyses = {0: several._without_attention(analysis(missing={"text": "nothing was said"}))}
    assert not queue.analyses[0].everything.cross.attention
    for number in (0, 1, 2, -1):
        queue.toggle(number, None)
    assert set(queue.opened) == {0, 1} and "It is no clip." in queue.opened[1]
    assert queue.opened[0].count('class="verdict"') == 2 and "No words to go by: nothing was said." in queue.opened[0]
    assert 'aria-expanded="true"' in several.as_html(queue)
    queue.toggle(0, None)
    assert set(queue.opened) == {1}
    queue.let_go()
    queue.toggle(0, None)
    assert "let go" in queue.opened[0] and len(queue.rows) == 2


def test_a_table_of_labels_is_an_upload_that_goes_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("demo.server.uploads._root", tmp_path)
    (tmp_path / "nobody guesses").mkdir()
    own, strange = tmp_path / "nobody guesses" / "labels.csv", tmp_path / "labels.csv"
    for path in (own, strange):
        path.write_text("one.mp4,angry\n")
    queue = several.Queue()
    queue.rows = [row_of("one.mp4", analysis()), row_of("sad_two.mp4", analysis())]
    assert "not uploaded" in several.read_labels(queue, str(strange)) and strange.exists() and queue.table is None
    assert "1 file has a label" in several.read_labels(queue, str(own)) and not own.exists()
    queue.pattern = NamePattern.of("{label}_{anything}")
    assert queue.truth() == ["anger", "sadness"]
    assert several.as_file(queue)["text"].splitlines()[0].endswith(",settings,truth")
    queue.begin([])
    assert queue.table is not None, "it holds for the next clips too"
