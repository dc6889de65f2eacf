"""What makes it quick changes nothing that is said, and memory does not grow with the square of a clip's length."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from whisper.audio import FRAMES_PER_SECOND

from core import MODALITIES
from core.encoders import features
from core.encoders.expression import ExpressionNet, folded
from core.encoders.speech import MAX_WINDOW_FRAMES, Listener, windows
from core.encoders.stages import CROPS_AT_A_TIME
from core.encoders.utterance import FeatureSequence
from core.fusion.attention import MAX_STEPS
from core.media.reader import Contents, Frame, MediaError, look_into, read_frames
from scripts.benchmark_records import compare, record
from scripts.timeline import draw, watch


def test_folded_normalisations_change_nothing():
    torch.manual_seed(0)
    model = ExpressionNet()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    model.eval()
    quick = folded(model)
    crops = torch.randint(0, 255, (8, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(quick.embed(crops), model.embed(crops), rtol=1e-5, atol=1e-5)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules()), "the model itself stays as it is"
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in quick.modules())


def test_half_precision_of_faces_moves_no_verdict_by_a_hundredth(analyzer, utterance, monkeypatch):
    track, steps = utterance.faces, slice(CROPS_AT_A_TIME)  # emulated, more would take long
    found = {}
    for precision in ("float32", "bfloat16"):
        monkeypatch.setattr(analyzer.extractor, "precision", precision)
        faces = analyzer.extractor.face_features(track.crops[steps], track.blendshapes[steps])
        seen = replace(utterance, video=FeatureSequence(faces, track.times[steps]))
        found[precision] = faces, analyzer.predict(seen)
    assert np.abs(found["bfloat16"][0] - found["float32"][0]).max() > 1e-4, "the precision is not asked for"
    for used, exact in found["float32"][1].items():
        for name, verdict in exact.verdicts().items():
            if verdict:
                rounded = found["bfloat16"][1][used].verdicts()[name].probabilities
                np.testing.assert_allclose(rounded, verdict.probabilities, atol=0.01, err_msg=f"{used} {name}")


def test_a_long_voice_is_cut_in_its_longest_pauses():
    second = FRAMES_PER_SECOND
    assert windows(20 * second, ()) == [(0, 20 * second)]
    speech = ((0, 9), (9.2, 18), (20, 24.0), (24.2, 40.0), (40.3, 60.0))
    spans = windows(60 * second, speech)
    assert spans == [(0, 1950), (1950, 4016), (4016, 6000)]
    assert all(start % 2 == 0 and end - start <= MAX_WINDOW_FRAMES for start, end in spans)
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]] and spans[-1][1] == 60 * second
    assert windows(70 * second, ((0, 70),))[0] == (0, MAX_WINDOW_FRAMES), "nobody pauses"


@pytest.fixture(scope="module")
def five_minutes(analyzer, utterance):
    """A synthetic utterance of five minutes: 3,750 steps of voice, 1,500 faces, 700 words."""
    chance = np.random.default_rng(0)
    steps = {"text": 700, "video": 1_500, "audio": 3_750}
    made = {
        m: FeatureSequence(
            chance.standard_normal((count, utterance[m].values.shape[1])).astype(np.float32),
            (np.arange(count) + 0.5) * 300 / count,
        )
        for m, count in steps.items()
    }
    return replace(utterance, duration=300.0, **made)


def test_maps_of_five_minutes_are_bounded_and_written_in_bins(analyzer, five_minutes):
    everything = analyzer.predict(five_minutes)[MODALITIES]
    maps = [m for verdict in everything.verdicts().values() for m in verdict.attention.values()]
    assert len(maps) == 9
    assert sum(m.weights.nbytes for m in maps) < 10e6
    voice = everything.self_.attention["audio", "audio"]
    assert voice.weights.shape == (analyzer.heads, MAX_STEPS, MAX_STEPS) and voice.steps == (3_750, 3_750)
    rows, columns = voice.counts
    assert rows.sum() == columns.sum() == 3_750
    np.testing.assert_allclose((voice.weights * columns).sum(2), 1, atol=5e-4)  # no attention is lost in bins
    assert len(voice.key_times) == MAX_STEPS and 0 < voice.key_times[0] < voice.key_times[-1] < 300
    written = voice.to_json()
    assert written["binned"] is True and (written["query_steps"], written["key_steps"]) == voice.steps
    assert np.shape(written["weights"]) == (analyzer.heads, MAX_STEPS, MAX_STEPS)


def test_computing_maps_in_parts_changes_nothing(analyzer, five_minutes):
    part = five_minutes.window(0.0, 60.0)  # 750 steps of voice: in bins as well
    binned = analyzer.predict(part)[MODALITIES]
    inputs = {m: analyzer.padded(m, [part[m]]) for m in MODALITIES}
    with torch.inference_mode():
        whole = {name: model(inputs) for name, model in analyzer.models.items()}
    for name, verdict in binned.verdicts().items():
        temperature = analyzer.checkpoint.calibration[name]["+".join(MODALITIES)].temperature
        expected = (whole[name].logits[0].double() / temperature).softmax(0)
        np.testing.assert_allclose(verdict.probabilities, expected, atol=1e-6)
    weights = whole["self"].attention["audio", "audio"][0].numpy()
    map_ = binned.self_.attention["audio", "audio"]
    rows, columns = (np.concatenate([[0], np.cumsum(n)]) for n in map_.counts)
    for i, j in ((0, 0), (80, 3), (MAX_STEPS - 1, MAX_STEPS - 1)):
        cell = weights[:, rows[i] : rows[i + 1], columns[j] : columns[j + 1]].mean((1, 2))
        np.testing.assert_allclose(map_.weights[:, i, j], cell, rtol=1e-3, atol=1e-7)


def benchmark(commit: str, **figures) -> dict:
    machine = {"commit": commit, "device": "cpu", "processor": "P", "cores": 2}
    return {"machine": machine | {k: figures.pop(k) for k in list(figures) if k in machine}, **figures}


def test_two_benchmarks_are_compared_and_what_got_worse_is_named(tmp_path):
    row = {"length (s)": 60, "analysis (s)": 10.0, "peak (MB)": 1_000.0, "alone (s)": {"voice": 0.5}}
    old = benchmark("a", length=[row], live=[{"verdicts a second": 25.0}], pairs=[{"ratio": 1.3}])
    new = benchmark("b", length=[row | {"analysis (s)": 12.0, "peak (MB)": 1_050.0, "alone (s)": {"voice": 0.6}}],
                    live=[{"verdicts a second": 20.0}], pairs=[{"ratio": 1.0}])  # fmt: skip
    lines, worse = compare(old, new)
    assert worse == ["length of 60 s: alone (s), voice", "length of 60 s: analysis (s)", "live: verdicts a second"]
    assert "pairs: ratio: 1.3 -> 1 (-23%)" in lines and "length of 60 s: peak (MB): 1e+03 -> 1.05e+03 (+5%)" in lines
    elsewhere = benchmark("b", processor="Q", length=new["length"], pairs=[{"ratio": 1.5}])
    lines, worse = compare(old, elsewhere)
    assert worse == ["pairs: ratio"] and len(lines) == 2, "seconds of another machine are not compared"
    assert record(old, tmp_path).name == "a.json" and record(benchmark("a", device="cuda"), tmp_path) != tmp_path / "a"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-cuda.json", "a.json"]


def test_faces_are_looked_for_while_sound_is_decoded(analyzer, clip, utterance, monkeypatch):
    looked, hear = threading.Event(), Contents.hear

    def frames(*given, **named):
        looked.set()
        yield from read_frames(*given, **named)

    def waiting(contents, voiced=None):
        assert looked.wait(60)
        return hear(contents, voiced)

    monkeypatch.setattr(features, "read_frames", frames)
    monkeypatch.setattr(Contents, "hear", waiting)
    again = analyzer.extract(clip)
    assert [word.text for word in again.transcript.words] == [word.text for word in utterance.transcript.words]
    np.testing.assert_array_equal(again.faces.boxes, utterance.faces.boxes)
    contents = look_into(clip)
    assert contents.has_pictures and contents.has_sound and contents.clock == hear(contents).clock


def test_no_face_is_looked_for_any_further_when_nothing_comes_of_a_clip(analyzer, clip, monkeypatch):
    shown: list[float] = []
    failed = threading.Event()

    def frames(*given, **named):
        for i in range(10_000):
            shown.append(i / 10)
            yield Frame(i / 10, np.full((64, 64, 3), 90, np.uint8))
            assert failed.wait(60)

    def broken(contents, voiced=None):
        failed.set()
        raise MediaError("unsupported", "It has sound that cannot be read.")

    monkeypatch.setattr(features, "read_frames", frames)
    monkeypatch.setattr(Contents, "hear", broken)
    with pytest.raises(MediaError, match="cannot be read"):
        analyzer.extract(clip)
    assert len(shown) < 1_000


def test_face_and_voice_answer_while_words_are_still_being_read(analyzer, clip, monkeypatch):
    told, early, listen = threading.Event(), [], Listener.listen

    def waiting(*given):
        assert told.wait(60)
        return listen(*given)

    def first(prediction):
        early.append(prediction)
        told.set()

    with monkeypatch.context() as patch:
        patch.setattr(Listener, "listen", waiting)
        analysis = analyzer.analyze(clip, first=first)
    (prediction,) = early
    assert prediction.used == ("video", "audio") and analysis.present == MODALITIES
    for model, verdict in analysis.predictions[prediction.used].verdicts().items():
        np.testing.assert_array_equal(prediction.verdicts()[model].probabilities, verdict.probabilities)
    monkeypatch.setattr(features, "SOON", 60.0)
    assert analyzer.analyze(clip, first=early.append).transcript.words and len(early) == 1, "words that come soon"


def test_a_timeline_shows_what_waits_for_what(analyzer, clip, tmp_path):
    bars = watch(lambda: analyzer.analyze(clip))
    began = {name: min(found)[0] for name, found in bars.items()}
    ended = {name: max(start + length for start, length in found) for name, found in bars.items()}
    assert 0 <= began["timestamps"] < ended["timestamps"] <= min(began["sound decoded"], began["pictures decoded"])
    assert ended["sound decoded"] <= began["speech found"] < ended["voice"] <= began["words heard"]
    assert began["words heard"] < ended["words read"] <= began["the models"]
    assert began["faces found"] < ended["faces embedded"] <= began["the models"]
    assert len(bars["faces found"]) > 10 and len(bars["faces embedded"]) > 1
    draw(bars, tmp_path / "timeline.svg")
    assert "<svg" in (tmp_path / "timeline.svg").read_text("utf-8")
