"""Speech that was not understood as English: in which language it is, and its words in that language.

Whisper tiny.en knows English alone. Where it has understood nothing, Whisper base, which knows 99 languages, reads
those pieces of a clip once more, one behind the other. The fusion models were trained on English words and do not use
these.
"""

import threading
from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from whisper.audio import FRAMES_PER_SECOND, N_FRAMES
from whisper.model import Whisper
from whisper.tokenizer import LANGUAGES

from core.cancellation import raise_if_cancelled
from core.encoders.mel import whisper_spectrogram
from core.encoders.packaged import WHISPER_BASE, WHISPER_BASE_CONFIG, locate
from core.encoders.speech import windows
from core.encoders.transcript import (
    Intervals,
    OtherLanguage,
    Segment,
    around,
    geometric_mean,
    placed,
    within,
)
from core.encoders.whisper_encoder import prepare
from core.encoders.whisper_reader import Reader, encode, spoken_language
from core.encoders.whisper_weights import load_base
from core.media.reader import SAMPLE_RATE, Waveform

RECOGNISED = 0.5  # probability of the likeliest language; Polish, Italian, Korean 0.7 to 1, Amharic, Javanese below
LIKELY = 0.4  # likelihood of the words, likewise


@dataclass(frozen=True)
class Excerpt:
    """Pieces of a voice, one behind the other.

    Attributes:
        voice: of them alone.
        intervals: of speech in it.
        shifts: (start in the excerpt, seconds to add for the time in the whole voice) of each piece.
    """

    voice: Waveform
    intervals: Intervals
    shifts: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, voice: Waveform, pieces: Intervals, intervals: Intervals) -> "Excerpt":
        """Pieces (start, end) in seconds with a margin, in order of time, one at least.

        Args:
            intervals: of speech in the whole voice.
        """
        cut = [
            (max(round(start * SAMPLE_RATE), 0), min(round(end * SAMPLE_RATE), len(voice.samples)))
            for start, end in around(pieces, (0.0, voice.duration))
        ]
        begins = np.cumsum([0, *(end - start for start, end in cut)]) / SAMPLE_RATE
        shifts = [start / SAMPLE_RATE - float(begin) for (start, _), begin in zip(cut, begins, strict=False)]
        spoken = tuple(
            (start - shift, end - shift)
            for piece, shift in zip(pieces, shifts, strict=True)
            for start, end in within(intervals, *piece)
        )
        samples = np.concatenate([voice.samples[start:end] for start, end in cut])
        return cls(Waveform(samples), spoken, tuple(zip(begins[:-1].tolist(), shifts, strict=True)))

    def shift(self, time: float) -> float:
        """Seconds from a time in the excerpt to the same in the whole voice."""
        return self.shifts[max(bisect_right([begin for begin, _ in self.shifts], time) - 1, 0)][1]


class LanguageReader:
    """Whisper base, loaded when a clip first needs it: that takes a second, and 300 MB of memory stay in use.

    Calls from several threads wait for each other.

    Args:
        device, half: where and how it computes, as of ``Listener``.

    Raises:
        WeightsError: its packages are not installed, or a file in them differs.
    """

    def __init__(self, device: str = "cpu", half: bool = False):
        for part in (*WHISPER_BASE, WHISPER_BASE_CONFIG):
            locate(part)  # what is wrong is said at the start
        self.device, self.half = device, half
        self._model: Whisper | None = None
        self._lock = threading.Lock()

    def read(self, voice: Waveform, pieces: Intervals, intervals: Intervals) -> OtherLanguage:
        """Names the language of pieces of a voice and, if it is recognised, writes its words down.

        Args:
            pieces: (start, end) in seconds of what was not understood, in order of time, one at least.
            intervals: of speech in the whole voice.
        """
        excerpt = Excerpt.of(voice, pieces, intervals)
        with self._lock, torch.inference_mode():
            if self._model is None:
                self._model = prepare(load_base().to(self.device), half=self.half)
                self._model.decoder.register_forward_pre_hook(raise_if_cancelled)
            return _read(self._model, excerpt)


def _read(model: Whisper, excerpt: Excerpt) -> OtherLanguage:
    mel = whisper_spectrogram(excerpt.voice, model.dims.n_mels, model.device)
    spans = windows(mel.shape[1] - N_FRAMES, excerpt.intervals)
    first = encode(model, mel, *spans[0])
    code, probability = spoken_language(model, first)
    if probability < RECOGNISED:
        return OtherLanguage(None, None, probability)
    reader, segments = Reader(model, mel, code), list[Segment]()
    encoded: Tensor | None = first
    for start, end in spans:
        if within(excerpt.intervals, start / FRAMES_PER_SECOND, end / FRAMES_PER_SECOND):
            readings = reader.read(start, end, encoded)
            segments += [segment for reading in readings for segment in reading.segments]
        encoded = None
    words = placed(segments, within(excerpt.intervals, 0.0, excerpt.voice.duration))
    if geometric_mean(words) < LIKELY:
        return OtherLanguage(None, None, probability)
    shifts = [excerpt.shift(word.middle) for word in words]
    moved = (replace(w, start=w.start + by, end=w.end + by) for w, by in zip(words, shifts, strict=True))
    return OtherLanguage(code, LANGUAGES[code].title(), probability, tuple(moved))
