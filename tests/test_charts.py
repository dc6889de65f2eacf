"""Every number that a chart shows is a number of the Analysis it was made from."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from made import SENTENCE, analysis, window

from core import LABELS, MODALITIES, SUBSETS
from core.analysis.analyzer import AttentionMap
from core.analysis.results import Verdict
from core.fusion.attention import most_attended
from core.fusion.pairs import CROSS, SELF
from demo import wording
from demo.charts import figures, grid, heatmap, moments, palette, panels
from demo.tabs import view


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


def test_where_all_look_at_the_same_moments_one_line_is_drawn():
    made, pair = analysis(), ("text", "audio")
    weights = made.everything.cross.attention[pair].weights
    assert heatmap.chart(made, made.everything, "cross", pair, 2).data[0].type == "heatmap", "rows differ"
    weights[:] = weights[:, :1]  # all rows are the first
    line = heatmap.chart(made, made.everything, "cross", pair, 2, differing=True)
    assert line.data[0].type == "scatter" and "all words look at the same moments" in line.layout.annotations[0].text
    np.testing.assert_allclose(line.data[0].y, weights[2, 0] * weights.shape[2], rtol=1e-5)
    assert list(line.data[0].meta["query_times"]) == []


def test_what_differs_between_rows_is_each_less_the_mean_of_its_column():
    made, pair = analysis(), ("video", "text")
    weights = made.everything.cross.attention[pair].weights[3].astype(float)
    shown = heatmap.chart(made, made.everything, "cross", pair, 3, differing=True).data[0]
    np.testing.assert_allclose(shown.z, (weights - weights.mean(0)) * weights.shape[1], atol=1e-5)
    assert shown.zmin == -shown.zmax and shown.zmax >= np.abs(shown.z).max()


def test_the_second_scale_weighs_attention_by_the_length_of_what_is_passed_on():
    made, pair = analysis(), ("text", "video")
    map_ = made.everything.cross.attention[pair]
    with pytest.raises(ValueError, match="not kept"):
        heatmap.chart(made, made.everything, "cross", pair, 1, by_length=True)
    norms = np.random.default_rng(3).uniform(0, 5, (6, 20)).astype(np.float32)
    known = replace(map_, value_norms=norms)
    made.everything.cross.attention[pair] = known
    shown = heatmap.chart(made, made.everything, "cross", pair, 1, by_length=True).data[0]
    expected = map_.weights[1] * norms[1]
    np.testing.assert_allclose(shown.z, expected / expected.sum(1, keepdims=True), atol=1e-5)


def cells_of(shown: str) -> dict[str, dict[str, str]]:
    """Name of each small map -> its attributes, in the order of the page."""
    about = r'data-map="([^"]+)" data-score="([^"]+)" aria-label="([^"]+)"'
    drawn = r'.*?width="(\d+)" height="(\d+)" data-levels="([^"]+)"'
    names = ("score", "label", "columns", "rows", "levels")
    return {name: dict(zip(names, rest, strict=True)) for name, *rest in re.findall(about + drawn, shown)}


def test_all_heads_of_both_models_stand_in_the_grid_the_most_telling_first():
    made = analysis()
    pair = "audio", "video"
    made.everything.cross.attention[pair].weights[4] = np.eye(20)[np.arange(50) % 20]  # each moment looks at one face
    shown = cells_of(grid.grid(made.everything))
    assert len(shown) == (6 + 3) * (6 + 1) and next(iter(shown)) == "cross audio-video 4"
    assert grid.most_telling(made.everything.cross.attention) == (pair, 4)
    for model in ("cross", "self"):
        names = [name for name in shown if name.startswith(model)]
        rows = [names[i : i + 7] for i in range(0, len(names), 7)]
        assert all(len({name.split()[1] for name in row}) == 1 and row[-1].endswith(" -1") for row in rows)
        scores = [[float(shown[name]["score"]) for name in row[:-1]] for row in rows]
        assert all(row == sorted(row, reverse=True) for row in scores)
        assert [row[0] for row in scores] == sorted([row[0] for row in scores], reverse=True)
    best = shown["cross audio-video 4"]
    levels = np.frombuffer(b64decode(best["levels"]), np.uint8).reshape(int(best["rows"]), int(best["columns"]))
    assert levels.shape == (24, 20) and levels.max() == 255, "twenty even shares are brighter than the scale reaches"
    assert "face, head 5: at most 20.0 × an even share" in best["label"]
    assert set(cells_of(grid.grid(made.prediction(("text", "audio"))))) < set(shown)
    assert cells_of(grid.grid(made.everything, differing=True))["cross audio-video 4"]["levels"] != best["levels"]


def test_scales_are_colours_that_the_script_of_the_maps_reads():
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in (*palette.SCALE, *palette.DIFFERENCES))


def test_a_small_map_whose_rows_are_alike_says_so():
    made = analysis()
    weights = made.everything.self_.attention["text", "text"].weights
    weights[:] = weights[:, :1]
    shown = cells_of(grid.grid(made.everything))
    alike = {name for name, cell in shown.items() if wording.ALIKE in cell["label"]}
    assert alike == {f"self text-text {head}" for head in (-1, *range(6))}


def test_the_section_opens_on_the_most_telling_map():
    made = analysis()
    made.everything.cross.attention["audio", "video"].weights[4] = np.eye(20)[np.arange(50) % 20]
    updates = view.new_clip(made, view.Choice("cross", "text-video", 0))
    assert (updates["pair"]["value"], updates["head"]["value"]) == ("audio-video", 4)
    alone = view.looked(made, ("audio",), view.Choice("cross", "audio-video", 4))
    assert alone["pair"]["value"] == "audio-audio" and wording.INSTEAD in alone["sharpness-note"]
    kept = view.looked(made, MODALITIES, view.Choice("cross", "text-video", 0))
    assert kept["pair"]["value"] == "text-video", "what was chosen stays"
    unknown = view.looked(made, MODALITIES, view.Choice("cross", "text-video", 0, view.LENGTHS))
    assert wording.NO_LENGTHS in unknown["sharpness-note"]


def test_each_word_says_what_it_looks_at_most_in_even_shares():
    made = analysis()
    crossed = made.everything.cross.attention["text", "audio"]
    crossed.weights[:, 3] = 0
    crossed.weights[:, 3, 20], crossed.weights[:, 3, 21], crossed.weights[:, 3, 40] = 0.5, 0.3, 0.2
    own = made.everything.self_.attention["text", "text"].weights
    own[:, 3] = np.eye(10)[3] * 0.6 + np.eye(10)[7] * 0.4
    looks = moments.looks_of(made)
    assert len(looks) == len(SENTENCE) and set(looks[3]) == {"audio", "video", "text"}
    assert looks[3]["audio"][:2] == [[1.6, 25.0], [3.2, 10.0]], "1.68 s says the same as 1.6 s"
    assert looks[3]["text"][0] == [round(made.transcript.words[7].middle, 2), 4.0], "not at itself"
    assert moments.looks_of(analysis(words=[], missing={"text": "no words were understood"})) == []


def test_a_word_of_a_map_in_bins_is_found_in_its_bin():
    chance = np.random.default_rng(0)
    long = AttentionMap("text", "audio", chance.dirichlet(np.ones(200), (2, 180)), np.arange(180.0), np.arange(200.0))
    whole, binned = most_attended(long, 90, 1), most_attended(long.binned(90), 90, 1)
    assert whole[0][1] > binned[0][1] > 1
    assert binned[0][0] in long.binned(90).key_times


def test_marks_follow_phrases_where_there_are_some():
    said = tuple(replace(window(s, s + 1.5, seed=int(s)), text=f"a phrase of many letters {s}") for s in (0.0, 2.0))
    windows = (window(0.0, 10.0), window(5.0, 15.0))
    for made, names in (
        (analysis(windows=windows), ["0–10 s", "5–15 s"]),
        (replace(analysis(windows=windows), phrases=said), ["“a phrase of many letters…”"] * 2),
    ):
        found = json.loads(unescape(re.search(r'data-clip="([^"]+)"', moments.element(made))[1]))["segments"]
        assert [segment["name"] for segment in found] == names
        segments = made.phrases or made.windows
        assert found[1]["self"] == pytest.approx(list(segments[1].prediction.self_.probabilities), abs=1e-4)


def test_long_axes_are_binned_into_mean_weights():
    chance = np.random.default_rng(0)
    weights = chance.dirichlet(np.ones(1000), (6, 500)).astype(np.float32)
    long = AttentionMap("audio", "audio", weights, np.arange(500) * 0.08, np.arange(1000) * 0.08)
    shown, query_times, key_times = heatmap.binned(long, None)
    assert shown.shape == (heatmap.MAX_STEPS, heatmap.MAX_STEPS) == (len(query_times), len(key_times))
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
    assert 0 < len(images) <= heatmap.MAX_THUMBNAILS
    assert all(image.source.startswith("data:image/webp;base64,") for image in images)


def test_received_attention_averages_to_an_even_share():
    made = analysis()
    for model in ("cross", "self"):
        for modality in ("text", "video", "audio"):
            times, values = figures.received(made.everything.verdicts()[model], modality)
            assert values.mean() == pytest.approx(1, abs=1e-5)
            shown = trace(figures.timeline(made, made.everything, model), f"attention to {modality}")
            np.testing.assert_allclose(shown.y, values)
            np.testing.assert_allclose(shown.x, times)
    by_hand = np.mean([made.everything.cross.attention[q, "text"].weights.mean((0, 1)) for q in ("video", "audio")], 0)
    np.testing.assert_allclose(figures.received(made.everything.cross, "text")[1], by_hand * len(SENTENCE), rtol=1e-6)


def test_the_line_of_a_voice_breaks_where_a_pause_was_left_out():
    made = analysis(duration=8.0)
    times = made.everything.self_.attention["audio", "audio"].key_times
    name = "attention to audio"
    whole = trace(figures.timeline(made, made.everything, "self"), name)
    times[50:] += 3.0  # all maps share them
    shown = trace(figures.timeline(made, made.everything, "self"), name)
    breaks = np.isnan(np.array(shown.y, float))
    assert not np.isnan(np.array(whole.y, float)).any() and np.flatnonzero(breaks).tolist() == [50]
    np.testing.assert_allclose(np.array(shown.x)[~breaks], times)


def test_timeline_shows_words_waveform_and_where_the_face_was_found():
    made = analysis()
    figure = figures.timeline(made, made.everything, "cross")
    words, written = trace(figure, "words"), trace(figure, "words written")
    assert list(written.text) == SENTENCE
    boxes, room = (np.array([t.base, t.x], float) for t in (words, written))
    np.testing.assert_allclose(room[0] + room[1] / 2, boxes[0] + boxes[1] / 2)
    for row in set(written.y):  # no word has room that the next one of its row has too
        starts, lengths = room[:, np.array(written.y) == row]
        assert (starts[:-1] + lengths[:-1] <= starts[1:] + 1e-9).all()
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


def test_a_panel_names_the_classes_that_are_not_ruled_out_where_they_are_few():
    shares = np.array([0.4, 0.02, 0.03, 0.05, 0.2, 0.25, 0.05])

    def remark(threshold: float) -> str:
        shown = str(panels.verdict("self", Verdict("self", shares, {}, threshold), None, ""))
        return re.search(r'<p class="remark hint">(.*?)</p>', shown)[1]

    assert remark(0.3) == ""
    assert remark(0.15) == f"or {LABELS[5]} or {LABELS[4]}"
    assert remark(0.01) == wording.HARDLY_RULED_OUT
