"""What is kept of a clip, how large it is, and that it shows what the whole clip would."""

import itertools
from dataclasses import replace

import cv2
import made
import numpy as np
import pytest

from core.analysis.attribution import spans
from core.analysis.attributor import measure
from core.analysis.kept import MAX_PEAKS, MAX_PICTURES, Envelope, FaceSummary, nbytes
from core.analysis.results import WINDOW
from core.encoders.face_track import BLENDSHAPES, FaceTrack
from core.encoders.transcript import Transcript, Word
from core.encoders.utterance import FeatureSequence, Utterance
from core.media.reader import SAMPLE_RATE, Waveform

MEGABYTE = 1e6


@pytest.fixture(scope="module")
def five_minutes(utterance) -> Utterance:
    """As large as a clip of five minutes makes it: 3,000 faces, 3,750 steps of voice, 800 words."""
    chance = np.random.default_rng(0)
    steps = {"text": 800, "video": 3_000, "audio": 3_750}
    sequences = {}
    for modality, count in steps.items():
        rows = utterance[modality].values[chance.integers(0, len(utterance[modality].values), count)]
        sequences[modality] = FeatureSequence(rows, (np.arange(count) + 0.5) * 300 / count)
    times = sequences["video"].times
    track = FaceTrack(
        times=times, crops=np.zeros((3_000, 48, 48), np.uint8), thumbnails=np.zeros((3_000, 96, 96, 3), np.uint8),
        boxes=np.tile([0.4, 0.2, 0.2, 0.3], (3_000, 1)), blendshapes=np.zeros((3_000, BLENDSHAPES), np.float32),
        frame_times=times, found=np.ones(3_000, bool),
    )  # fmt: skip
    words = tuple(Word("word", float(t) - 0.1, float(t) + 0.1, 0.9) for t in sequences["text"].times)
    voice = Waveform(np.zeros(300 * SAMPLE_RATE, np.float32))
    return replace(utterance, duration=300.0, faces=track, waveform=voice, transcript=Transcript(words), **sequences)


@pytest.fixture(scope="module")
def analysis(analyzer, five_minutes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analyzer, "extract", lambda path, progress=None, first=None: five_minutes)
        return analyzer.analyze("five.mp4")


def test_five_minutes_are_kept_in_twelve_megabytes(analysis, five_minutes):
    """They were 133 MB: 83 of pictures, 7 of crops, 19 of sound, 18 of features, 6 of attention."""
    assert nbytes(five_minutes) > 100 * MEGABYTE
    assert nbytes(analysis) < 12.5 * MEGABYTE
    assert nbytes(analysis.faces) + nbytes(analysis.envelope) < 0.6 * MEGABYTE
    assert nbytes(analysis.predictions) < 3 * MEGABYTE, "attention is shown and written out"


def test_nothing_kept_holds_on_to_what_is_not(analysis, five_minutes):
    """A view into a large array would keep all of it alive."""
    large = [five_minutes.waveform.samples, five_minutes.faces.thumbnails, five_minutes.faces.crops]
    kept = [analysis.envelope.peaks, analysis.envelope.times, analysis.faces.picture_times, analysis.faces.boxes]
    kept += [array for s in analysis.sequences.values() for array in (s.values, s.times)]
    assert not any(np.shares_memory(one, other) for one in kept for other in large)
    assert all(array.base is None or array.base.nbytes <= 2 * array.nbytes for array in kept)


def test_what_is_written_out_is_the_same(analysis, five_minutes, analyzer):
    """Boxes and times of all faces, verdicts and attention come from the whole; only pictures are fewer."""
    np.testing.assert_array_equal(analysis.faces.times, five_minutes.faces.times)
    np.testing.assert_array_equal(analysis.faces.boxes, five_minutes.faces.boxes)
    np.testing.assert_array_equal(analysis.faces.found, five_minutes.faces.found)
    assert len(analysis.faces.pictures) == len(analysis.faces.picture_times) == MAX_PICTURES
    assert np.diff(analysis.faces.picture_times).max() < 2 * 300 / MAX_PICTURES, "spread over the clip"
    whole = analyzer.predict(five_minutes)
    for used, prediction in analysis.predictions.items():
        for name, verdict in prediction.verdicts().items():
            expected = whole[used].verdicts()[name]
            assert (verdict is None) == (expected is None)
            if verdict:
                np.testing.assert_array_equal(verdict.probabilities, expected.probabilities)
                for pair, map_ in verdict.attention.items():
                    np.testing.assert_array_equal(map_.weights, expected.attention[pair].weights)


def test_what_was_it_worth_is_measured_as_from_all_digits(analysis, five_minutes, analyzer):
    exact = replace(analysis, sequences={m: five_minutes[m] for m in analysis.sequences})
    span = spans(analysis)[20]
    kept, whole = measure(analyzer, analysis, span), measure(analyzer, exact, span)
    for used, models in whole.measured.items():
        for name, expected in models.items():
            found = kept.of(name, used)
            np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-4)
            for modality in used:
                np.testing.assert_allclose(found.occluded[modality], expected.occluded[modality], atol=1e-4)


def test_a_clip_of_one_window_keeps_all_digits(analyzer, utterance, monkeypatch):
    monkeypatch.setattr(analyzer, "extract", lambda path, progress=None, first=None: utterance)
    analysis = analyzer.analyze("short.mp4")
    assert utterance.duration < WINDOW and {s.values.dtype for s in analysis.sequences.values()} == {np.dtype("f4")}


def test_a_window_copies_no_picture(five_minutes):
    part = five_minutes.window(100.0, 110.0)
    assert np.shares_memory(part.faces.thumbnails, five_minutes.faces.thumbnails)
    assert np.shares_memory(part.faces.crops, five_minutes.faces.crops)
    times = five_minutes.faces.times
    np.testing.assert_array_equal(part.faces.times, times[(times >= 100) & (times < 110)])
    np.testing.assert_array_equal(part.faces.frame_times, part.faces.times)
    assert len(part.faces.boxes) == len(part.faces.found) == len(part.faces) == 100


def test_few_faces_keep_all_their_pictures():
    track = made.face_track(np.linspace(0.1, 3.9, 20))
    kept = FaceSummary.of(track, 4.0)
    np.testing.assert_array_equal(kept.picture_times, track.times)
    for picture, thumbnail in zip(kept.pictures, track.thumbnails, strict=True):
        shown = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert np.abs(shown.astype(int) - thumbnail).mean() < 6
    assert kept.nearest_picture(1.1) == kept.pictures[int(np.abs(track.times - 1.1).argmin())]
    shown = kept.spread_pictures(4, 4.0)
    assert len(shown) == 4 and [time for time, _ in shown] == sorted(time for time, _ in shown)
    nobody = FaceSummary.of(made.face_track(np.zeros(0)), 4.0)
    assert nobody.pictures == () and nobody.spread_pictures(4, 4.0) == [] and len(nobody) == 0


@pytest.mark.parametrize("samples", [1, 7, MAX_PEAKS, MAX_PEAKS + 1, 100_000])
def test_a_waveform_holds_the_loudest_of_each_part(samples):
    voice = Waveform(np.random.default_rng(samples).uniform(-1, 1, samples).astype(np.float32))
    waveform = Envelope.of(voice)
    count = min(samples, MAX_PEAKS)
    edges = np.linspace(0, samples, count + 1).astype(int)
    expected = [np.abs(voice.samples[a:b]).max() for a, b in itertools.pairwise(edges)]
    np.testing.assert_array_equal(waveform.peaks, np.array(expected, np.float32))
    np.testing.assert_allclose(waveform.times, (edges[:-1] + edges[1:]) / 2 / SAMPLE_RATE)


def test_bytes_are_counted_once():
    shared = np.zeros(1000, np.uint8)
    assert nbytes([shared, {"a": shared, "b": (shared, b"four")}]) == 1000 + 4 + 2
    assert nbytes(Waveform(np.zeros(10, np.float32))) == 40
    assert nbytes((None, 1, 2.0)) == 0
