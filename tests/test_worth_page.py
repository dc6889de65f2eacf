"""The section of what was it worth, phrases and the queue of clips: every number shown is a number measured."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from made import analysis, window

from core import LABELS, MODALITIES, SUBSETS
from core.analysis.attribution import Attribution, ModelAttribution, Parts
from core.media.reader import MediaError
from demo import wording
from demo.charts import attribution, attribution_figures, phrases, report
from demo.server import uploads
from demo.server.limits import MAX_AT_ONCE
from demo.server.sessions import Session
from demo.tabs import attribution as attribution_section
from demo.tabs import downloads, several

PARTS = {"text": 4, "video": 6, "audio": 5}
GLAD = LABELS.index("happiness")


def made_worth(start: float = 0.0, end: float = 4.0, seed: int = 0) -> Attribution:
    """Random, of a few parts; the first word is a piece of HTML and left nothing when it was left out."""
    chance = np.random.default_rng(seed)
    parts, measured = {}, {}
    for m, count in PARTS.items():
        edges = np.linspace(start, end, count + 1)
        names = ("<i>I", "am", "so", "glad") if m == "text" else tuple(f"{e:.1f} s" for e in edges[:-1])
        parts[m] = Parts(edges[:-1], edges[1:], np.ones(count, int), names)
    for used in SUBSETS:
        found = {}
        for model in ("cross", "self"):
            if model == "cross" and len(used) == 1:
                continue
            without = {m: chance.dirichlet(np.ones(7), PARTS[m]) for m in used}
            if "text" in without:
                without["text"][0] = np.nan
            by_modality = {m: chance.normal(0, 0.1, 7) for m in used}
            pairs = {pair: chance.normal(0, 0.1, 7) for pair in SUBSETS if len(pair) == 2 and set(pair) <= set(used)}
            found[model] = ModelAttribution(
                chance.dirichlet(np.ones(7)), without, {m: chance.uniform(0, 2, PARTS[m]) for m in used},
                chance.dirichlet(np.ones(7)), by_modality if model == "self" or len(used) == 3 else {},
                by_modality if model == "self" else None, pairs if model == "self" else None,
            )  # fmt: skip
        measured[used] = found
    return Attribution(start, end, parts, measured)


@pytest.fixture
def session() -> Session:
    """Of a visitor whose clip was measured."""
    return Session(analysis(), {(0.0, 4.0): made_worth()})


def draw(session, wanted=MODALITIES, model="cross", label="happiness", span=None) -> dict:
    return attribution_section.drawn(session, None, wanted, model, label, span)


def trace(figure, name):
    (found,) = [t for t in figure.data if t.name == name]
    return found


def test_bars_are_what_was_measured_side_by_side_on_the_seconds_of_the_parts(session):
    measured = session.attributions[0.0, 4.0]
    for model, used in (("cross", MODALITIES), ("self", ("text",)), ("cross", ("video", "audio"))):
        figure = draw(session, used, model)["worth-chart"]["value"]
        found = measured.of(model, used)
        assert {t.name for t in figure.data} - {"words"} == {f"{w} {m}" for w in ("looked", "mattered") for m in used}
        for m in used:
            looked, mattered = trace(figure, f"looked {m}"), trace(figure, f"mattered {m}")
            np.testing.assert_allclose(looked.y, found.attention_received[m])
            np.testing.assert_allclose(mattered.y, found.effect(m)[:, GLAD] * 100)
            np.testing.assert_allclose(looked.x, mattered.x)
            parts = measured.parts[m]
            np.testing.assert_allclose(looked.x, (parts.starts + parts.ends) / 2)
        assert tuple(figure.layout.xaxis.range) == (0, 4)
        scales = {
            tuple(figure.layout[t.yaxis.replace("y", "yaxis")].range) for t in figure.data if "mattered" in t.name
        }
        assert len(scales) == 1, "what mattered is on one scale for all modalities"
        assert scales.pop()[1] >= attribution_figures.MIN_SCALE * 100


def test_what_hardly_matters_does_not_look_eventful(session):
    measured = session.attributions[0.0, 4.0]
    found = measured.of("self", ("audio",))
    still = replace(found, occluded={"audio": np.tile(found.probabilities, (5, 1)) - 1e-4})
    figure = attribution_figures.chart(measured, still, "happiness")
    assert max(figure.layout.yaxis2.range) > 2 and "No single part speaks against" in attribution.said(
        measured, still, "self", "happiness"
    )


def test_the_class_is_the_verdict_of_the_model_until_one_is_chosen(session):
    found = session.attributions[0.0, 4.0].of("self", MODALITIES)
    own = LABELS[int(found.probabilities.argmax())]
    assert f"<b>{own}</b>" in draw(session, model="self", label=attribution.VERDICT)["worth-said"]
    assert "<b>fear</b>" in draw(session, model="self", label="fear")["worth-said"]


def test_sentences_and_table_name_what_mattered_and_escape_it(session):
    shown = draw(session)
    found = session.attributions[0.0, 4.0].of("cross", MODALITIES)
    values = {m: found.effect(m)[:, GLAD] for m in MODALITIES}
    written = re.findall(r'data-worth="([^"]+)"', shown["worth-table"])
    wholes = {m: float(found.effect_of_all(m)[GLAD]) for m in MODALITIES}
    expected = np.concatenate([[wholes[m], *values[m]] for m in ("audio", "text", "video")])
    np.testing.assert_allclose([float(v) for v in written], expected, atol=1e-6)
    most = max(float(np.nanmax(v)) for v in values.values())
    assert wording.points(most) in shown["worth-said"]
    titles = [note.text for note in shown["worth-chart"]["value"].layout.annotations]
    for m, whole in wholes.items():
        assert f"{wording.ALL_OF[m]} ({wording.points(whole)})" in shown["worth-said"]
        assert f"{wording.MODALITY[m]}: mattered; all of it {wording.points(whole)}" in titles
        assert wording.points(whole) in shown["worth-modalities"], "one number in all three places"
    assert (
        "<i>I" not in "".join(shown[name] for name in ("worth-said", "worth-table"))
        and "&lt;i&gt;I" in shown["worth-table"]
    )
    assert all("<i>" not in hover for hover in trace(shown["worth-chart"]["value"], "mattered text").customdata)


def test_modalities_of_self_have_shares_and_of_cross_only_differences(session):
    own = draw(session, model="self")["worth-modalities"]
    found = session.attributions[0.0, 4.0].of("self", MODALITIES)
    for values in (found.shapley, found.marginal, found.synergy):
        assert all(wording.points(float(v[GLAD])) in own for v in values.values())
    crossed = draw(session)["worth-modalities"]
    assert "worth-shapley" not in crossed and "worth-synergy" not in crossed and "worth-added" in crossed
    assert "worth-added" not in draw(session, ("text", "audio"))["worth-modalities"]


def test_even_attention_and_the_difference_of_the_models(session):
    measured, shown = session.attributions[0.0, 4.0], draw(session)
    for model in ("cross", "self"):
        found = measured.of(model, MODALITIES)
        assert wording.points(float((found.probabilities - found.uniform_attention)[GLAD])) in shown["worth-even"]
    figure = shown["difference-chart"]["value"]
    for m in MODALITIES:
        np.testing.assert_allclose(trace(figure, f"difference {m}").y, measured.cross_minus_self(m, MODALITIES))
    assert not draw(session, ("text",), "self")["difference-chart"]["visible"]


def test_where_nothing_can_be_said_one_sentence_is(session):
    assert "Undefined" in draw(session, ("text",))["worth-said"]
    assert "switched off" in draw(session, ())["worth-said"]
    assert "no clip" in draw(Session())["worth-said"]
    stored = draw(Session(analysis()))
    assert "does not hold the features" in stored["worth-said"] and not stored["worth-chart"]["visible"]


def test_parts_that_repeat_each_other_are_said_to(session):
    """A flat line of parts above a large value of the whole was read as a contradiction."""
    measured = session.attributions[0.0, 4.0]
    found = measured.of("self", ("video", "audio"))
    still = {"video": np.tile(found.probabilities, (6, 1)), "audio": found.occluded["audio"]}
    much = {"video": np.full(7, 0.5), "audio": np.full(7, 0.001)}
    shown = attribution.said(measured, replace(found, occluded=still, marginal=much), "self", "happiness")
    assert "the parts of face change little" in shown and "all of the face (+50.0 points)" in shown
    apart = replace(found, marginal=dict.fromkeys(much, np.zeros(7)))
    assert "change little" not in attribution.said(measured, apart, "self", "happiness")
    alone = attribution.said(measured, measured.of("cross", ("video", "audio")), "cross", "happiness")
    assert wording.NO_WHOLE in alone and "as a whole:" not in alone


def test_what_was_not_measured_is_said_and_no_empty_file():
    with pytest.raises(gr.Error, match="was not measured"):
        downloads.exported(None, "worth", Session(analysis()))
    assert wording.NOT_MEASURED in downloads.exported(None, "html", Session(analysis()))["text"]


def test_a_long_clip_offers_its_windows():
    long = analysis(duration=15.0, windows=(window(0.0, 10.0), window(5.0, 15.0)))
    session = Session(long, {(0.0, 10.0): made_worth(0, 10), (5.0, 15.0): made_worth(5, 15, seed=1)})
    shown = draw(session)
    assert shown["worth-span"]["choices"] == ["0–10 s", "5–15 s"] and shown["worth-span"]["visible"]
    later = draw(session, span="5–15 s")["worth-chart"]["value"]
    assert tuple(later.layout.xaxis.range) == (5, 15)


def test_it_is_measured_once_and_forgotten_with_the_clip(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "demo.server.sessions.measure", lambda analyzer, of, span: asked.append(span) or made_worth(*span)
    )
    session = Session(replace(analysis(), sequences={"audio": None}))
    first = session.attribution(None, (0.0, 4.0))
    assert session.attribution(None, (0.0, 4.0)) is first and asked == [(0.0, 4.0)]
    assert session.asked(None) == [first]
    session.clear()
    assert session.attributions == {}


def test_exports_hold_what_was_measured_and_each_phrase():
    said = tuple(replace(window(start, start + 1.5, seed=int(start)), text=f"phrase {start}") for start in (0.0, 2.0))
    made, measured = replace(analysis(), phrases=said), made_worth()
    found = json.loads(report.as_json(made, [measured]))
    assert [p["text"] for p in found["phrases"]] == ["phrase 0.0", "phrase 2.0"]
    assert found["phrases"][1]["self"]["label"] == said[1].prediction.self_.label
    restored = Attribution.from_json(found["worth"][0])
    np.testing.assert_allclose(
        restored.of("self", ("text",)).uniform_attention, measured.of("self", ("text",)).uniform_attention, atol=1e-6
    )
    rows = list(csv.DictReader(io.StringIO(report.as_csv(made))))
    assert [(r["part"], r["text"]) for r in rows[::2]] == [
        ("window", ""),
        ("phrase", "phrase 0.0"),
        ("phrase", "phrase 2.0"),
    ]
    rows = list(csv.DictReader(io.StringIO(report.attribution_as_csv([measured]))))
    assert len(rows) == 2 * sum(1 + count for count in PARTS.values())
    row = next(r for r in rows if (r["model"], r["modality"], r["name"]) == ("self", "text", "glad"))
    own = measured.of("self", MODALITIES)
    assert [float(row[label]) for label in LABELS] == pytest.approx(own.effect("text")[3], abs=1e-6)
    row = next(r for r in rows if (r["model"], r["name"]) == ("self", "all of the face"))
    assert [float(row[label]) for label in LABELS] == pytest.approx(own.marginal["video"], abs=1e-6)
    assert (row["start"], row["end"], row["looked"]) == ("0.000", "4.000", "")
    page = report.as_html(made, [measured]).split("</head>")[1]
    assert page.count("Plotly.newPlot(") == 2 + 9 + 3 and "phrase 2.0" in page


def test_phrases_are_a_table_of_buttons_and_a_short_clip_has_none():
    assert phrases.table(analysis()) == ""
    said = tuple(replace(window(start, start + 1.5, ("audio",)), text=f"<u>{start}") for start in (0.0, 2.0))
    shown = phrases.table(replace(analysis(), phrases=said))
    assert 'data-seconds="2.00"' in shown and "<u>" not in shown and shown.count("undefined") == 2
    label = said[0].prediction.self_.label
    assert f'data-model="self" data-label="{label}"' in shown


class Clips:
    """Stands in for the analyzer."""

    def analyze(self, path, progress, first=None):
        assert path.exists()
        if path.name.startswith("bad"):
            raise MediaError("not_media", "It is not a media file.")
        return analysis(file=path.name, seed=len(path.name))


@pytest.fixture
def files(tmp_path, monkeypatch) -> list[Path]:
    """Uploads that were sent together."""
    monkeypatch.setattr(uploads, "_root", tmp_path)
    folder = tmp_path / "nobody guesses"
    folder.mkdir()
    found = [folder / name for name in ("one.mp4", "bad.mp4", "<b>.webm")]
    for path in found:
        path.write_bytes(b"x")
    return found


def test_a_queue_reads_its_clips_in_turn_and_deletes_each(files, tmp_path):
    queue = several.Queue()
    queue.begin([str(path) for path in files])
    while queue.waiting:
        before = list(queue.waiting)
        queue.read_next(Clips(), lambda share, stage: None, lambda: False)
        assert not before[0].exists() and all(path.exists() for path in before[1:])
    assert not list(tmp_path.iterdir()), "the folder goes with the last"
    assert [row["file"] for row in queue.rows] == ["one.mp4", "bad.mp4", "<b>.webm"]
    assert queue.rows[1]["error"] == "It is not a media file."
    shown = several.as_html(queue)
    assert "3 of 3" in shown and "<b>.webm" not in shown and "It is not a media file." in shown
    said = list(csv.DictReader(io.StringIO(several.as_file(queue)["text"])))
    assert said == queue.rows


def test_a_queue_goes_with_its_visitor_and_has_a_limit(files, tmp_path, monkeypatch):
    queue = several.Queue()
    queue.begin([str(path) for path in files])
    queue.end()
    assert queue.stop and queue.waiting == [] and not list(tmp_path.iterdir())
    more = tmp_path / "more"
    more.mkdir()
    paths = [more / f"{i}.mp4" for i in range(MAX_AT_ONCE + 1)]
    for path in paths:
        path.write_bytes(b"x")
    queue.begin([str(path) for path in paths])
    assert len(queue.waiting) == MAX_AT_ONCE and not paths[-1].exists() and paths[0].exists()
    assert f"at most {MAX_AT_ONCE}" in queue.rows[0]["error"]
