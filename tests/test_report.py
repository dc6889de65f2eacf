"""What a visitor takes home, and what the visit leaves behind: nothing."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from made import analysis

from core import LABELS
from core.media import MediaError
from demo import report
from demo.visit import SUBSETS, Stopped, Visit, leave, remember


@pytest.fixture
def visit() -> Visit:
    """A long clip, as if it had been analysed."""
    made = Visit()
    made.analyses = {subset: analysis(used=subset, duration=15, file="<b>.webm") for subset in SUBSETS}
    made.windows = [(0.0, 10.0, analysis(seed=1)), (5.0, 15.0, analysis(used=("audio",), seed=2))]
    made.utterance = {"text": 1, "video": 1, "audio": 1}  # all three are present
    return made


def test_json_is_the_contract_with_attention_subsets_and_windows(visit):
    found = json.loads(report.as_json(visit))
    everything = visit.everything
    assert found["labels"] == list(LABELS)
    assert found["cross"]["label"] == everything.cross.label
    assert len(found["attention"]["cross"]) == 6 and len(found["attention"]["self"]) == 3
    assert set(found["subsets"]) == {"+".join(subset) for subset in SUBSETS}
    assert found["subsets"]["video"]["cross"] is None
    assert found["subsets"]["text+video"]["self"]["probabilities"]["anger"] == pytest.approx(
        visit.analyses["text", "video"].self_.probabilities[0]
    )
    assert [(w["start"], w["end"]) for w in found["windows"]] == [(0, 10), (5, 15)]
    assert found["windows"][1]["cross"] is None


def test_csv_has_one_line_a_window_and_model(visit):
    rows = list(csv.DictReader(io.StringIO(report.as_csv(visit))))
    assert [(r["start"], r["model"]) for r in rows] == [
        ("0.000", "cross"), ("0.000", "self"), ("5.000", "cross"), ("5.000", "self"),
    ]  # fmt: skip
    first = visit.windows[0][2].cross
    assert rows[0]["label"] == first.label
    assert [float(rows[0][label]) for label in LABELS] == pytest.approx(first.probabilities, abs=1e-6)
    assert rows[2]["label"] == rows[2]["anger"] == ""


def test_report_is_one_file_with_all_charts_that_loads_nothing(visit):
    page = report.as_html(visit)
    body = page.split("</head>")[1]
    assert body.count("Plotly.newPlot(") == 2 + 1 + 2 + 9  # verdicts, course, timelines, maps
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=[\"']?(https?:)?//", page)
    assert "<b>.webm" not in body and "&lt;b&gt;.webm" in body
    assert "not at what anyone feels" in body


def test_a_visit_deletes_its_files_when_the_last_visitor_with_them_leaves(tmp_path):
    clip = tmp_path / "clip.webm"
    clip.write_bytes(b"x")
    first, second = Visit(), Visit()
    first.own(clip)
    first.own(clip)
    second.own(clip)
    first.end()
    assert clip.exists(), "somebody else still looks at the same file"
    remember("session", second)
    leave("somebody else")
    assert clip.exists()
    leave("session")
    assert not clip.exists()
    leave("session")


class Analyzer:
    """Stands in for the real one: extraction that can fail or be stopped in the middle."""

    def __init__(self, visit, error=None):
        self.visit, self.error = visit, error

    def extract(self, path, progress):
        progress(0.1, "reading")
        if self.error:
            raise self.error
        self.visit.stop = True
        progress(0.5, "listening")
        raise AssertionError("went on after Stop")


def test_stop_ends_an_analysis_at_the_next_step_and_forgets_the_clip_before(visit):
    with pytest.raises(Stopped):
        visit.take(Analyzer(visit), Path("clip.webm"), lambda share, stage: None)
    assert visit.utterance is None and not visit.analyses and not visit.windows


def test_a_clip_that_cannot_be_read_leaves_nothing_of_the_one_before(visit):
    with pytest.raises(MediaError):
        visit.take(Analyzer(visit, MediaError("not_media", "no")), Path("clip.webm"), lambda share, stage: None)
    assert visit.analysis(("text", "video", "audio")) is None


def test_windows_cover_a_real_clip_and_subsets_are_judged(analyzer, clip):
    visit = Visit()
    steps = []
    visit.take(analyzer, clip, lambda share, stage: steps.append(share))
    assert set(visit.analyses) == set(SUBSETS)
    assert visit.windows == [], "three seconds are one window"
    assert steps == sorted(steps) or max(steps) <= 1
    assert visit.analysis(("video",)).cross is None
    assert visit.analysis(()) is None
