"""One's own neutral face as the origin of what a face shows."""

from dataclasses import replace

import made
import numpy as np
import pytest
import recordings

from core import LABELS
from core.analysis.analyzer import Analyzer
from core.analysis.results import FIRST_SECOND
from core.datasets.multimodal import MultimodalClips
from core.encoders.neutral import SHAPES, SHARE, from_neutral, neutral_face
from core.media.reader import MediaError
from demo.server import sessions

NEUTRAL, ANGER = LABELS.index("neutral"), LABELS.index("anger")


def steps(*values: float, there: bool = True) -> np.ndarray:
    """Steps of two features and the blendshapes, all of which have the same value."""
    found = np.repeat(np.array(values, np.float32)[:, None], 2 + SHAPES, 1)
    found[:, -1] = there
    return found


def test_half_of_what_differs_from_a_typical_face_is_taken_off():
    moved = from_neutral(steps(3.0, 5.0), own=steps(2.0)[0], typical=steps(1.0)[0])
    assert SHARE == 0.5 and moved.dtype == np.float32
    assert np.allclose(moved[:, :-1], [[2.5], [4.5]]) and (moved[:, -1] == 1).all()


def test_what_has_no_blendshapes_keeps_none_and_is_no_neutral_face():
    both = np.concatenate([steps(4.0), steps(9.0, there=False)])
    both[1, 2:] = 0
    assert np.allclose(neutral_face(both)[:-1], 4.0)
    assert neutral_face(both[1:]) is None and neutral_face(both[:0]) is None
    moved = from_neutral(both, own=steps(2.0)[0], typical=steps(0.0)[0])
    assert np.allclose(moved[1, :2], 8.0) and (moved[1, 2:] == 0).all()


def test_clips_are_seen_from_other_clips_of_the_same_person():
    clips = MultimodalClips(
        labels=np.array([NEUTRAL, ANGER, NEUTRAL, NEUTRAL, ANGER]),
        groups=np.array(["a", "a", "a", "b", "c"]),
        sequences={"video": [steps(1.0), steps(7.0), steps(3.0), steps(4.0), steps(5.0)], "audio": list("vwxyz")},
    )
    assert np.allclose(clips.typical_face[:-1], (2.0 + 4.0) / 2), "each person counts once"
    found = clips.seen_from_neutral(steps(0.0)[0])
    assert found.groups.tolist() == ["a", "a", "a"] and found.labels.tolist() == [NEUTRAL, ANGER, NEUTRAL]
    seen = [float(sequence[0, 0]) for sequence in found.sequences["video"]]
    assert np.allclose(seen, [1 - 3 / 2, 7 - 2 / 2, 3 - 1 / 2]), "b has no other neutral clip, c has none"
    assert [found.sequences["audio"][i] for i in range(3)] == ["v", "w", "x"]
    twice = clips.and_also(found)
    assert len(twice) == 8 and twice.groups.tolist()[5:] == ["a", "a", "a"]


@pytest.fixture(scope="module")
def happy(analyzer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return analyzer.analyze(recordings.save_clip(folder / "happy.mp4", recordings.speak("Hello.", folder / "a.wav")))


def test_an_analysis_is_seen_from_its_first_second(analyzer: Analyzer, happy):
    found = analyzer.from_neutral(happy)
    video = happy.sequences["video"]
    own = neutral_face(video.values[video.times < 1.0])
    expected = from_neutral(video.values, own, analyzer.checkpoint.normalisation.neutral["video"])
    assert np.allclose(found.sequences["video"].values, expected, atol=1e-6)
    for used, prediction in found.predictions.items():
        same = np.allclose(prediction.self_.probabilities, happy.predictions[used].self_.probabilities, atol=1e-6)
        assert same == ("video" not in used)
    assert found.neutral == FIRST_SECOND == found.to_json()["neutral_face"] and happy.to_json()["neutral_face"] is None
    assert analyzer.from_neutral(happy, replace(happy, file="rest.mp4")).neutral == "rest.mp4"


def test_who_is_like_the_typical_face_is_seen_as_before(analyzer: Analyzer, happy):
    video = happy.sequences["video"]
    typical = neutral_face(video.values[video.times < 1.0])
    knows = replace(analyzer.checkpoint.normalisation, neutral={"video": typical})
    alike = Analyzer(replace(analyzer.checkpoint, normalisation=knows))
    found = alike.from_neutral(happy)
    for used, prediction in found.predictions.items():
        assert np.allclose(prediction.self_.probabilities, happy.predictions[used].self_.probabilities, atol=1e-5)


def test_without_a_face_there_is_one_sentence_and_nothing_changes(analyzer: Analyzer, happy):
    late = replace(happy.sequences["video"], times=happy.sequences["video"].times + 1.0)
    with pytest.raises(MediaError, match="in its first second") as error:
        analyzer.from_neutral(replace(happy, sequences=happy.sequences | {"video": late}))
    assert error.value.code == "no_neutral_face"
    heard = made.analysis(missing={"video": "no face was found", "text": "no speech was heard"})
    with pytest.raises((MediaError, ValueError)):
        analyzer.from_neutral(heard)


def test_a_visit_counts_both_analyses_and_gets_the_first_one_back(analyzer: Analyzer, happy, monkeypatch):
    held = []
    monkeypatch.setattr(sessions, "loaded", lambda analyzer: analyzer)
    monkeypatch.setattr(sessions.budget, "hold", lambda _session, size: held.append(size))
    visit = sessions.Session(analysis=happy)
    found = visit.from_neutral(analyzer, True)
    assert found is visit.analysis and found.neutral and visit.plain is happy
    assert held == [sessions.nbytes((found, happy, {}, None))] and held[0] > sessions.nbytes(found)
    assert visit.from_neutral(analyzer, False) is happy and visit.plain is None and len(held) == 2
