"""The whole way of a clip, with the checkpoints that the app loads, and the command that prints it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import SENTENCE
from recordings import save_clip, save_wav, speak

from core import LABELS, MODALITIES, SUBSETS
from core.analysis.results import choose
from core.encoders.utterance import Missing
from core.fusion.pairs import CROSS, SELF
from core.media.reader import SAMPLE_RATE, MediaError


def letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c == " ")


def test_a_spoken_portrait_goes_the_whole_way(analyzer, clip):
    analysis = analyzer.analyze(clip)
    assert analysis.present == analysis.everything.used == MODALITIES and analysis.missing == {}
    assert analysis.warnings == () and analysis.windows == ()
    assert letters(analysis.transcript.text) == letters(SENTENCE)
    assert analysis.faces.found.mean() > 0.9
    cross, self_ = analysis.everything.cross, analysis.everything.self_
    assert set(cross.attention) == set(CROSS) and set(self_.attention) == set(SELF)
    for verdict in (cross, self_):
        assert verdict.probabilities.shape == (7,) and verdict.probabilities.sum() == pytest.approx(1)
        assert verdict.label == LABELS[verdict.probabilities.argmax()]
        for map_ in verdict.attention.values():
            assert map_.weights.shape == (analyzer.heads, len(map_.query_times), len(map_.key_times))
            np.testing.assert_allclose(map_.weights.sum(2), 1, atol=1e-4)
            assert (np.diff(map_.query_times) > 0).all() and map_.key_times[-1] <= analysis.duration
    assert len(cross.attention["text", "video"].query_times) == len(analysis.transcript.words)
    assert len(cross.attention["text", "video"].key_times) == len(analysis.faces)
    assert np.diff(cross.attention["text", "audio"].key_times) == pytest.approx(0.08)


def test_one_run_of_each_model_answers_for_every_set_and_its_maps_are_shared(analyzer, utterance):
    runs = []
    hooks = [
        model.register_forward_hook(lambda *_, name=name: runs.append(name)) for name, model in analyzer.models.items()
    ]
    try:
        predictions = analyzer.predict(utterance)
    finally:
        for hook in hooks:
            hook.remove()
    assert runs == ["cross", "self"] and tuple(predictions) == SUBSETS
    everything = predictions[MODALITIES]
    for subset, prediction in predictions.items():
        for name, verdict in prediction.verdicts().items():
            for pair, map_ in verdict.attention.items() if verdict else ():
                assert set(pair) <= set(subset) and map_ is everything.verdicts()[name].attention[pair]


@pytest.mark.parametrize("subset", SUBSETS, ids="+".join)
def test_switching_off_equals_never_having_had_it(analyzer, utterance, subset):
    switched = choose(analyzer.predict(utterance), subset)
    gone = replace(utterance, **{m: Missing("gone") for m in MODALITIES if m not in subset})
    never = analyzer.predict(gone)
    assert switched.used == subset and tuple(never) == tuple(s for s in SUBSETS if set(s) <= set(subset))
    np.testing.assert_allclose(switched.self_.probabilities, never[subset].self_.probabilities, atol=1e-7)
    if len(subset) == 1:
        assert switched.cross is None and never[subset].cross is None
    else:
        np.testing.assert_allclose(switched.cross.probabilities, never[subset].cross.probabilities, atol=1e-7)
        for pair, map_ in never[subset].cross.attention.items():
            np.testing.assert_allclose(switched.cross.attention[pair].weights, map_.weights, atol=1e-6)


def test_every_switch_off_is_no_verdict(analyzer, utterance):
    nothing = choose(analyzer.predict(utterance), ())
    assert nothing.used == () and nothing.cross is None and nothing.self_ is None
    assert analyzer.predict(utterance.window(100, 110)) == {}


def test_a_window_of_an_utterance(analyzer, utterance):
    part = utterance.window(0.5, 1.5)
    for modality in MODALITIES:
        assert (part[modality].times >= 0.5).all() and (part[modality].times < 1.5).all()
    assert len(part.text.values) == len(part.transcript.words) < len(utterance.transcript.words)
    assert analyzer.predict(part)[MODALITIES].self_ is not None
    assert utterance.window(100, 110).video.reason == "no face in this window"


def test_windows_of_a_longer_clip_are_what_their_parts_alone_would_be(analyzer, utterance):
    """One batch for all windows, padded and partly empty, against a run for each."""
    later = {"text": 11.5, "video": 11.5, "audio": 4.0}  # seconds
    moved = {m: replace(utterance[m], times=utterance[m].times + seconds) for m, seconds in later.items()}
    long = replace(utterance, duration=24.0, **moved)
    windows = analyzer._windows(long)
    assert [(w.start, w.end) for w in windows] == [(0, 10), (5, 15), (10, 20)]  # the last holds nothing
    assert [w.prediction.used for w in windows] == [("audio",), MODALITIES, ("text", "video")]
    for window in windows:
        alone = analyzer.predict(long.window(window.start, window.end))[window.prediction.used]
        np.testing.assert_allclose(window.prediction.self_.probabilities, alone.self_.probabilities, atol=1e-6)
        if alone.cross:
            np.testing.assert_allclose(window.prediction.cross.probabilities, alone.cross.probabilities, atol=1e-6)
        assert window.prediction.self_.attention == {}


def test_absence_is_a_state_with_a_reason(analyzer, tmp_path):
    spoken = speak("Leave me alone.", tmp_path / "voice.wav")
    cases = {
        "faceless.mp4": (save_clip(tmp_path / "faceless.mp4", spoken, face=False), {"video": "no face was found"}),
        "sound.wav": (save_wav(spoken, tmp_path / "sound.wav"), {"video": "the clip has no pictures"}),
        "mute.mp4": (
            save_clip(tmp_path / "mute.mp4", None, seconds=1.0),
            {"audio": "the clip has no sound track", "text": "the clip has no sound track"},
        ),
        "silent.mp4": (
            save_clip(tmp_path / "silent.mp4", np.zeros(SAMPLE_RATE, np.float32)),
            {"audio": "the sound track is silent", "text": "the sound track is silent"},
        ),
    }
    for path, missing in cases.values():
        analysis = analyzer.analyze(path)
        assert analysis.missing == missing, path.name
        assert set(analysis.present) == set(MODALITIES) - set(missing)
        assert (analysis.everything.cross is None) == (len(analysis.present) < 2)
    with pytest.raises(MediaError, match="face.*voice.*words") as caught:
        analyzer.analyze(save_clip(tmp_path / "nothing.mp4", None, face=False, seconds=1.0))
    assert caught.value.code == "nothing_found"


def test_the_command_keeps_its_json_contract(clip, tmp_path, command):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    asked = ("--json", "--attention", "--device", "cpu", "--modalities", "video,audio")
    run = command("analyze.py", bad, clip, *asked)
    assert run.returncode == 1, run.stderr
    failed, good = map(json.loads, run.stdout.splitlines())
    message = "bad.mp4 is not a media file that can be read."
    assert failed == {"file": "bad.mp4", "error": {"code": "not_media", "message": message}}
    assert good["labels"] == list(LABELS) and good["file"] == "hello.mp4"
    assert set(good["used"]) == {"video", "audio"} and good["missing"] == {"text": "switched off"}
    assert good["duration"] == pytest.approx(3, abs=1.5)
    assert set(good["transcript"]["words"][0]) == {"word", "start", "end"}
    for model in ("cross", "self"):
        probabilities = good[model]["probabilities"]
        assert list(probabilities) == list(LABELS) and sum(probabilities.values()) == pytest.approx(1)
        assert good[model]["label"] == max(probabilities, key=probabilities.get)
    assert set(good["subsets"]) == {"+".join(subset) for subset in SUBSETS} and good["windows"] == []
    assert good["subsets"]["video+audio"]["self"] == good["self"] and good["subsets"]["text"]["cross"] is None
    assert set(good["attention"]) == {"cross", "self"}
    map_ = good["attention"]["cross"]["video->audio"]
    weights = np.array(map_["weights"])
    assert weights.shape == (map_["heads"], len(map_["query_times"]), len(map_["key_times"]))
    np.testing.assert_allclose(weights.sum(2), 1, atol=1e-3)
    assert {"media", "faces", "speech", "fusion", "total"} <= set(good["timings"])


def test_the_command_refuses_an_unknown_modality(clip, command):
    run = command("analyze.py", str(clip), "--modalities", "smell")
    assert run.returncode == 2 and "smell is none of" in run.stderr and run.stdout == ""
