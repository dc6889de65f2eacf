"""What a visitor takes home, and what the visit leaves behind: nothing."""

import csv
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from made import analysis, window

from core import CHECKPOINTS, LABELS, SUBSETS
from core.analysis.results import Analysis
from core.media.reader import MediaError
from demo import wording
from demo.charts import report
from demo.charts.html import render
from demo.server.places import FairQueue, FairSessions
from demo.server.sessions import Session, Stopped, leave, remember
from demo.wording.shared import with_neutral_words


@pytest.fixture
def long() -> Analysis:
    """Of a clip with two windows; the second holds nothing but a voice."""
    windows = (window(0.0, 10.0, seed=1), window(5.0, 15.0, ("audio",), seed=2))
    return analysis(duration=15, file="<b>.webm", windows=windows)


def test_json_is_the_contract_with_attention_subsets_and_windows(long):
    found = json.loads(report.as_json(long))
    everything = long.everything
    assert found["labels"] == list(LABELS)
    assert found["cross"]["label"] == everything.cross.label
    assert len(found["attention"]["cross"]) == 6 and len(found["attention"]["self"]) == 3
    assert set(found["subsets"]) == {"+".join(subset) for subset in SUBSETS}
    assert found["subsets"]["video"]["cross"] is None
    assert found["subsets"]["text+video"]["self"]["probabilities"]["anger"] == pytest.approx(
        long.predictions["text", "video"].self_.probabilities[0]
    )
    assert [(w["start"], w["end"]) for w in found["windows"]] == [(0, 10), (5, 15)]
    assert found["windows"][1]["cross"] is None


def test_csv_has_one_line_a_window_and_model(long):
    rows = list(csv.DictReader(io.StringIO(report.as_csv(long))))
    assert [(r["start"], r["model"]) for r in rows] == [
        ("0.000", "cross"), ("0.000", "self"), ("5.000", "cross"), ("5.000", "self"),
    ]  # fmt: skip
    first = long.windows[0].prediction.cross
    assert rows[0]["label"] == first.label
    assert [float(rows[0][label]) for label in LABELS] == pytest.approx(first.probabilities, abs=1e-6)
    assert rows[0]["set"] == "+".join(first.prediction_set) == first.label, "a threshold of 1 rules out all others"
    assert rows[2]["label"] == rows[2]["anger"] == rows[2]["set"] == ""


def test_report_is_one_file_with_all_charts_that_loads_nothing(long):
    page = report.as_html(long)
    body = page.split("</head>")[1]
    assert body.count("Plotly.newPlot(") == 1 + 2 + 9  # course, timelines, maps
    assert body.count('class="bar') - body.count('class="bars') == 2 * 7  # verdicts
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=[\"']?(https?:)?//", page)
    assert "<b>.webm" not in body and "&lt;b&gt;.webm" in body
    assert "not at what anyone feels" in body


def test_page_and_report_lead_with_the_figures_on_strangers(long):
    held_out = json.loads((CHECKPOINTS / "held_out.json").read_text("utf-8"))
    found, _ = with_neutral_words(held_out)
    assert found is not None
    said = re.sub(r"\s+", " ", wording.LIMITS)
    for model, name in (("cross", "cross-attention"), ("self", "self-attention")):
        assert f"{round(100 * found[model]['accuracy'])} % ({name})" in said
    assert f"On {found['self']['n']} utterances" in said and "one of seven emotions" in said
    assert said in re.sub(r"\s+", " ", report.as_html(long)) and wording.LIMITS_BEHIND in render("page", "introduction")
    real = {"people": {"video+audio": held_out["composed"]["video+audio"]}}  # as if these were people on camera
    assert f"On {real['people']['video+audio']['self']['n']} real clips" in wording.how_right(real)
    of_people = wording.how_right({"neutral words": {"text+video+audio": found}})
    of_corpora = wording.how_right({"neutral words, new corpora": {"text+video+audio": found}})
    assert "voices of people who" in of_people and "voices of corpora that" in of_corpora
    assert wording.how_right({}) == wording.how_right({"people": {"audio": {}}}) == ""


def test_a_session_deletes_its_files_when_the_last_visitor_with_them_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr("demo.server.uploads._root", tmp_path)
    clip = tmp_path / "nobody guesses" / "this" / "clip.webm"
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"x")
    first, second = Session(), Session()
    first.own(clip)
    first.own(clip)
    second.own(clip)
    first.end()
    assert clip.exists(), "somebody else still looks at the same file"
    remember("name", second)
    queue = FairQueue(live_updates=True, concurrency_count=1, update_intervals=1, max_size=None, blocks=None)
    page = SimpleNamespace(state_holder=FairSessions(), _queue=queue)
    page.state_holder.session_data["name"] = SimpleNamespace(state_data={})
    page.state_holder.time_last_used["name"] = page._queue.pending_messages_per_session["name"] = 1
    leave(page, "somebody else")
    assert clip.exists() and page.state_holder.session_data
    leave(page, "name")
    assert not page.state_holder.session_data and not page.state_holder.time_last_used
    assert not page._queue.pending_messages_per_session
    assert not clip.exists() and not list(tmp_path.iterdir())
    leave(page, "name")


class Analyzer:
    """Stands in for the real one: an analysis that can fail or be stopped in the middle."""

    def __init__(self, session, error=None):
        self.session, self.error = session, error

    def analyze(self, path, progress, first=None):
        progress(0.1, "reading")
        if self.error:
            raise self.error
        self.session.stop = True
        progress(0.5, "listening")
        raise AssertionError("went on after Stop")


def test_stop_ends_an_analysis_at_the_next_step_and_forgets_the_clip_before(long):
    session = Session(long)
    with pytest.raises(Stopped):
        session.take(Analyzer(session), Path("clip.webm"), lambda share, stage: None)
    assert session.analysis is None


def test_an_analysis_ends_when_it_takes_too_long_or_nobody_waits_for_it(long, monkeypatch):
    session = Session(long)
    with pytest.raises(Stopped):
        session.take(Analyzer(session), Path("clip.webm"), lambda share, stage: None, lambda: True)
    monkeypatch.setattr("demo.server.sessions.MAX_ANALYSIS_SECONDS", -1.0)
    with pytest.raises(MediaError, match="five minutes") as caught:
        session.take(Analyzer(session), Path("clip.webm"), lambda share, stage: None)
    assert caught.value.code == "too_slow" and session.analysis is None


def test_the_console_says_what_failed_and_where_but_not_with_what(long, caplog):
    with pytest.raises(RuntimeError):
        Session().take(Analyzer(Session(), RuntimeError("secret.webm")), Path("secret.webm"), lambda share, stage: None)
    assert "RuntimeError in" in caplog.text and "secret" not in caplog.text


def test_a_clip_that_cannot_be_read_leaves_nothing_of_the_one_before(long):
    session = Session(long)
    with pytest.raises(MediaError):
        session.take(Analyzer(session, MediaError("not_media", "no")), Path("clip.webm"), lambda share, stage: None)
    assert session.analysis is None


def test_a_session_holds_the_analysis_of_a_real_clip(analyzer, clip):
    session, steps = Session(), []
    session.take(analyzer, clip, lambda share, stage: steps.append(share))
    assert set(session.analysis.predictions) == set(SUBSETS)
    assert session.analysis.windows == (), "three seconds are one window"
    assert steps == sorted(steps) and steps[-1] <= 1
    assert session.analysis.prediction(("video",)).cross is None
