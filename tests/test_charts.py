"""Every number that a chart shows is a number of the Analysis it was made from."""

import re

import numpy as np
import pytest
from made import SENTENCE, analysis, window

from core import LABELS, SUBSETS
from core.analysis.analyzer import AttentionMap
from core.fusion.pairs import CROSS, SELF
from demo.charts import figures, heatmap, palette, panels


def trace(figure, name):
    """The one trace of that name."""
    (found,) = [t for t in figure.data if t.name == name]
    return found


def drawn(bars: str, part: str) -> list[float]:
    """Lengths of bars ("i") or of their outlines ("s") as shares of the scale of 0 to 1."""
    return [float(width) / 100 for width in re.findall(rf'<{part} style="width:([\d.]+)%', bars)]


def test_bars_are_the_probabilities_in_the_colours_of_their_emotions():
    verdict = analysis().everything.cross
    bars = panels.bars(verdict)
    assert re.findall(r'data-label="(\w+)"', bars) == list(LABELS)
    assert drawn(bars, "i") == pytest.approx(list(verdict.probabilities), abs=1e-6)
    assert re.findall(r"background:(#\w+)", bars) == [palette.EMOTION[label] for label in LABELS]
    assert re.findall(r'class="bar top" data-label="(\w+)"', bars) == [verdict.label]
    assert drawn(bars, "s") == []


def test_outlines_are_what_everything_on_said_and_hovering_says_the_change():
    made = analysis()
    now, before = made.prediction(("text", "video")).cross, made.everything.cross
    bars = panels.bars(now, before)
    assert drawn(bars, "s") == pytest.approx(list(before.probabilities), abs=1e-6)
    hovers = re.findall(r'title="([^"]+)"', bars)
    for hover, p, q in zip(hovers, now.probabilities, before.probabilities, strict=True):
        assert f"{p:.3f}, {abs(p - q):.3f} {'more' if p >= q else 'less'}" in hover


@pytest.mark.parametrize(("model", "pairs"), [("cross", CROSS), ("self", SELF)])
def test_heatmap_holds_the_weights_of_each_pair_and_head(model, pairs):
    made = analysis()
    verdict = made.everything.verdicts()[model]
    assert set(verdict.attention) == set(pairs)
    for pair in pairs:
        weights = verdict.attention[pair].weights
        for head, expected in [(None, weights.mean(0)), (0, weights[0]), (5, weights[5])]:
            shown = heatmap.attention(made, made.everything, model, pair, head).data[0]
            np.testing.assert_allclose(shown.z, expected, atol=1e-6)
            np.testing.assert_allclose(np.sum(shown.z, 1), 1, atol=1e-5)
            assert (len(shown.y), len(shown.x)) == expected.shape


def test_heatmap_axes_are_words_and_seconds_and_hovering_reads_as_a_sentence():
    made = analysis()
    shown = heatmap.attention(made, made.everything, "cross", ("text", "audio")).data[0]
    assert [name.strip("“”\u200b") for name in shown.y] == SENTENCE
    assert len(set(shown.y)) == len(SENTENCE), "repeated words must stay rows of their own"
    assert list(shown.x[:2]) == ["0.00 s", "0.08 s"]
    row, column = 3, 10
    sentence = (
        shown.hovertemplate.replace("%{y}", shown.y[row])
        .replace("%{x}", shown.x[column])
        .replace("%{z:.3f}", f"{shown.z[row][column]:.3f}")
    )
    assert re.match(r"word “fine” attends to voice at 0\.80 s, weight 0\.\d{3}", sentence)


def test_colour_scale_starts_at_zero_marks_uniform_and_does_not_dramatise_it():
    made = analysis()
    pair = ("text", "video")
    steps = made.everything.cross.attention[pair].weights.shape[2]
    shown = heatmap.attention(made, made.everything, "cross", pair, 1).data[0]
    assert shown.zmin == 0
    assert shown.zmax >= np.max(shown.z)
    assert 1 / steps in shown.colorbar.tickvals
    assert any("uniform" in text for text in shown.colorbar.ticktext)
    made.everything.cross.attention[pair].weights[:] = 1 / steps
    assert heatmap.attention(made, made.everything, "cross", pair).data[0].zmax == pytest.approx(3 / steps)


def test_long_axes_are_binned_into_mean_weights():
    chance = np.random.default_rng(0)
    weights = chance.dirichlet(np.ones(1000), (6, 500)).astype(np.float32)
    long = AttentionMap("audio", "audio", weights, np.arange(500) * 0.08, np.arange(1000) * 0.08)
    shown, query_times, key_times = heatmap.binned(long, None)
    assert shown.shape == (heatmap.MOST_STEPS, heatmap.MOST_STEPS) == (len(query_times), len(key_times))
    assert (np.diff(key_times) > 0).all()
    assert 0 <= key_times[0] < key_times[-1] <= 80
    weights[:] = 1 / 1000  # bins of 6 and of 7 steps: even attention must look even
    np.testing.assert_allclose(heatmap.binned(long, 2)[0], 1 / 1000, rtol=1e-5)


def test_spread_counts_the_columns_attention_is_spread_over():
    assert heatmap.spread_of(np.full((3, 8), 1 / 8)) == pytest.approx(8)
    assert heatmap.spread_of(np.eye(4)) == pytest.approx(1)
    assert heatmap.spread_of(np.array([[0.5, 0.5, 0, 0]])) == pytest.approx(2)


def test_faces_stand_on_the_video_axis_only():
    made = analysis()
    assert not heatmap.attention(made, made.everything, "cross", ("text", "audio")).layout.images
    images = heatmap.attention(made, made.everything, "cross", ("text", "video")).layout.images
    assert 0 < len(images) <= heatmap.MOST_THUMBNAILS
    assert all(image.source.startswith("data:image/webp;base64,") for image in images)


def test_received_attention_averages_to_an_even_share():
    made = analysis()
    for model in ("cross", "self"):
        for modality in ("text", "video", "audio"):
            times, values = figures.received(made.everything.verdicts()[model], modality)
            assert values.mean() == pytest.approx(1, abs=1e-5)
            shown = trace(figures.timeline(made, made.everything, model), f"attention to {palette.MODALITY[modality]}")
            np.testing.assert_allclose(shown.y, values)
            np.testing.assert_allclose(shown.x, times)
    by_hand = np.mean([made.everything.cross.attention[q, "text"].weights.mean((0, 1)) for q in ("video", "audio")], 0)
    np.testing.assert_allclose(figures.received(made.everything.cross, "text")[1], by_hand * len(SENTENCE), rtol=1e-6)


def test_the_line_of_a_voice_breaks_where_a_pause_was_left_out():
    made = analysis(duration=8.0)
    times = made.everything.self_.attention["audio", "audio"].key_times
    name = f"attention to {palette.MODALITY['audio']}"
    whole = trace(figures.timeline(made, made.everything, "self"), name)
    times[50:] += 3.0  # all maps share them
    shown = trace(figures.timeline(made, made.everything, "self"), name)
    breaks = np.isnan(np.array(shown.y, float))
    assert not np.isnan(np.array(whole.y, float)).any() and np.flatnonzero(breaks).tolist() == [50]
    np.testing.assert_allclose(np.array(shown.x)[~breaks], times)


def test_timeline_shows_words_waveform_and_where_the_face_was_found():
    made = analysis()
    figure = figures.timeline(made, made.everything, "cross")
    words = trace(figure, "words")
    assert list(words.text) == SENTENCE
    np.testing.assert_allclose(words.base, [w.start for w in made.transcript.words])
    wave = trace(figure, "waveform")
    assert np.max(np.abs(wave.y)) == pytest.approx(1)
    assert np.max(wave.x) <= made.duration
    found = trace(figure, "face found")
    assert np.isfinite(np.asarray(found.y, float)).sum() == made.faces.found.sum()
    assert tuple(figure.layout.xaxis.range) == (0, made.duration)


def test_timeline_without_a_modality_says_so_and_shows_no_attention_to_it():
    made = analysis(words=[], missing={"text": "no words were understood"})
    figure = figures.timeline(made, made.everything, "cross")
    assert not [t for t in figure.data if t.name == "attention to words"]
    assert any("no words were understood" in note.text for note in figure.layout.annotations)


def test_course_has_one_line_an_emotion_a_model_and_breaks_where_undefined():
    windows = (window(0.0, 10.0, seed=1), window(5.0, 15.0, ("audio",)), window(10.0, 17.0, seed=2))
    figure = figures.course(analysis(duration=17, windows=windows))
    assert len(figure.data) == 14
    for line in figure.data:
        verdicts = [w.prediction.verdicts()[line.meta["model"]] for w in windows]
        expected = [v and v.probabilities[LABELS.index(line.name)] for v in verdicts]
        assert list(line.y) == expected
        assert list(line.x) == [5.0, 10.0, 13.5]
        assert (line.y[1] is None) == (line.meta["model"] == "cross")
        assert line.line.color == palette.EMOTION[line.name]


def test_matrix_names_all_seven_subsets_and_marks_the_one_that_is_on():
    everything = analysis()
    table = panels.matrix(everything, ("text", "video"))
    assert set(everything.predictions) == set(SUBSETS)
    assert table.count("<tr data-subset") == 7
    assert re.findall(r'data-subset="([^"]+)" aria-current', table) == ["text+video"]
    assert table.count("needs two") == 3
    for made in everything.predictions.values():
        for model, verdict in made.verdicts().items():
            if verdict:
                assert (
                    f'data-model="{model}" data-label="{verdict.label}" data-probability="{verdict.probability:.6f}"'
                    in table
                )


def test_matrix_says_what_a_clip_lacks():
    table = panels.matrix(analysis(faces=0, missing={"video": "no face was found"}), ())
    assert table.count("no face in this clip") == 4


def test_words_and_file_names_cannot_smuggle_html():
    made = analysis(words=["<script>alert(1)</script>"], missing={"video": "<b>no</b>"}, faces=0)
    page = panels.transcript(made) + panels.notes(made)
    assert "<script>" not in page
    assert "<b>no</b>" not in page
    assert "&lt;script&gt;" in page


def test_disagreement_stands_out_and_agreement_does_not():
    made = analysis().everything
    assert made.cross.label != made.self_.label
    said = panels.agreement(made)
    assert "They disagree" in said
    assert made.cross.label in said
    assert made.self_.label in said
    made.self_.probabilities[:] = made.cross.probabilities
    assert "Both say" in panels.agreement(made)


@pytest.mark.parametrize(("probability", "said"), [(0.6249, "62"), (0.001, "<1"), (0.0, "0"), (1.0, "100")])
def test_percentages(probability, said):
    assert palette.percent(probability) == f"{said}\u202f%"


def test_colours_of_the_emotions_differ_for_colour_blind_eyes():
    """Pairwise distance of the palette as dichromats see it (Viénot, Brettel and Mollon 1999), in linear RGB."""
    colours = {label: [int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for label, c in palette.EMOTION.items()}
    linear = np.array(list(colours.values())) ** 2.2
    protan = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    deutan = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    for matrix in (np.eye(3), protan, deutan):
        seen = np.clip(linear @ matrix.T, 0, 1) ** (1 / 2.2)
        distances = np.linalg.norm(seen[:, None] - seen[None], axis=2) + 10 * np.eye(7)
        assert distances.min() > 0.15, colours
