"""Analyses made by hand, with the shapes and axes of real ones and numbers a test can predict."""

import cv2
import numpy as np
import skimage.data

from core import MODALITIES, SUBSETS, Subset
from core.analysis.analyzer import AttentionMap
from core.analysis.kept import FaceSummary, Waveform
from core.analysis.results import Analysis, Prediction, Verdict, Window
from core.encoders.face_track import FaceTrack
from core.encoders.transcript import Transcript, Word
from core.encoders.whisper_weights import load_tiny_en
from core.fusion.pairs import CROSS, SELF, pairs_within
from core.media.reader import SAMPLE_RATE, Voice

HEADS = 6
SENTENCE = ["I", "am", "so", "fine", "today", "and", "you", "are", "fine", "too"]


def face_track(times: np.ndarray) -> FaceTrack:
    """The astronaut's face at ``times``; every other frame looked at has none."""
    portrait = cv2.resize(skimage.data.astronaut()[20:220, 130:310], (96, 96), interpolation=cv2.INTER_AREA)
    thumbnails = (
        np.stack([np.roll(portrait, i, 1) for i in range(len(times))]) if len(times) else np.zeros((0, 96, 96, 3))
    )
    crops = np.zeros((len(times), 48, 48), np.uint8)
    frames = np.sort(np.concatenate([times, times + 0.05]))
    return FaceTrack(
        times=times, crops=crops, thumbnails=thumbnails.astype(np.uint8),
        boxes=np.tile([0.4, 0.2, 0.2, 0.3], (len(times), 1)),
        blendshapes=np.zeros((len(times), 52), np.float32), frame_times=frames, found=np.isin(frames, times), note="",
    )  # fmt: skip


def analysis(duration=4.0, words=SENTENCE, faces=20, seed=0, missing=None, file="clip.webm", windows=()) -> Analysis:
    """An analysis of ``duration`` seconds with random, correctly normalised verdicts and maps."""
    chance = np.random.default_rng(seed)
    starts = np.linspace(0.2, duration - 0.4, len(words)) if words else []
    transcript = Transcript(tuple(Word(w, float(s), float(s) + 0.25, 0.9) for w, s in zip(words, starts, strict=True)))
    track = face_track(np.linspace(0.1, duration - 0.1, faces) if faces else np.zeros(0))
    times = {
        "text": np.array([w.middle for w in transcript.words]),
        "video": track.times,
        "audio": np.arange(0, duration, 0.08),
    }
    time = np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE
    voice = Voice((0.3 * np.sin(2 * np.pi * 220 * time) * np.sin(np.pi * time / duration)).astype(np.float32))
    present = tuple(m for m in MODALITIES if m not in (missing or {}))
    maps = {
        name: {pair: _map(pair, times, chance) for pair in pairs_within(pairs, present)}
        for name, pairs in (("cross", CROSS), ("self", SELF))
    }
    return Analysis(
        file=file, duration=duration, transcript=transcript, faces=FaceSummary.of(track, duration),
        waveform=Waveform.of(voice), missing=missing or {},
        predictions={s: prediction(s, maps, chance) for s in SUBSETS if set(s) <= set(present)}, windows=windows,
        timings={"total": 1.0}, warnings=(),
    )  # fmt: skip


def window(start: float, end: float, used: Subset = MODALITIES, seed: int = 0) -> Window:
    """A window with a random prediction from ``used``."""
    return Window(start, end, prediction(used, {"cross": {}, "self": {}}, np.random.default_rng(seed)))


def prediction(used: Subset, maps: dict, chance) -> Prediction:
    """Random verdicts, with those of the maps (model -> pair -> map) that lie within ``used``."""
    verdicts = {}
    for name, pairs in (("cross", CROSS), ("self", SELF)):
        within = pairs_within(pairs, used)
        attention = {pair: map_ for pair, map_ in maps[name].items() if pair in within}
        verdicts[name] = Verdict(name, chance.dirichlet(np.ones(7)), attention) if within else None
    return Prediction(used, verdicts["cross"], verdicts["self"])


def _map(pair, times: dict, chance) -> AttentionMap:
    query, key = pair
    weights = chance.dirichlet(np.full(len(times[key]), 0.5), (HEADS, len(times[query]))).astype(np.float32)
    return AttentionMap(query, key, weights, times[query], times[key])


class QuickListener:
    """Stands in for a listener where a test needs a voice's features but none of their values."""

    model = None

    def __init__(self, *_, **__):
        type(self).model = self.model or load_tiny_en().eval()

    @classmethod
    def hears(cls, monkeypatch) -> None:
        """In the place of every listener of this test."""
        for module in ("core.encoders.features", "core.datasets.composed"):
            monkeypatch.setattr(f"{module}.Listener", cls)

    def intervals(self, voice: Voice):
        """All of it is speech."""
        return ((0.0, voice.duration),)

    def states(self, voice: Voice, intervals=()) -> np.ndarray:
        """[4, T, 384], different for different voices."""
        steps = -(-len(voice.samples) // 320)
        seed = int(np.abs(voice.samples).sum() * 1000)
        return np.random.default_rng(seed).standard_normal((4, steps, 384)).astype(np.float32)
