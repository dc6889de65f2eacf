"""What Whisper's encoder makes of the silence behind a voice: the mean over voices, and what it changes in their words.

See ``core.encoders.whisper_encoder``.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from whisper.audio import N_FRAMES

from core.encoders.speech import Listener
from core.encoders.transcript import Word, plain
from core.encoders.whisper_encoder import FRAMES_A_STATE, NEAR, STATES, Silence
from core.encoders.whisper_reader import window
from core.media.reader import Waveform
from core.training.transcripts import normalised, word_errors

ENOUGH = 20  # voices whose silence begins before a state, for its mean to be known


def mean_silence(listener: Listener, voices: Iterable[Waveform]) -> Silence:
    """The mean over voices, of each state behind those that are over by then.

    Args:
        voices: of different lengths, ``ENOUGH`` of them at least.
    """
    encoder = listener.encoder.encoder
    layers, width = len(encoder.blocks) + 1, encoder.positional_embedding.shape[1]
    total, counts = torch.zeros(layers, STATES, width, dtype=torch.float64), torch.zeros(STATES)
    for voice in voices:
        mel = listener.spectrogram(voice)
        frames = mel.shape[1] - N_FRAMES
        behind = -(-frames // FRAMES_A_STATE) + NEAR
        with torch.inference_mode():
            output, states = listener.encoder.hear(window(mel, 0, frames))
        states = torch.cat([states[:-1], output])  # [L + 1, 1500, D]
        total[:, behind:] += states[:, behind:].cpu()
        counts[behind:] += 1
    since = int(torch.searchsorted(counts, ENOUGH))
    mean: Tensor = (total / counts.clamp_min(1)[:, None]).float()
    mean[:, :since] = 0
    return Silence(mean.half().float(), since)


@dataclass(frozen=True)
class Comparison:
    """Words of the same voices, read by two listeners: with all of their silence and with the mean of others', say.

    Attributes:
        voices: how many were read.
        same: of how many all words are the same.
        errors: words that are wrong, missing or too many where it is known what was said, by each listener, and
            ``said``: of how many.
        seconds: what each took, for all voices.
        moved: seconds by which the beginnings of words of the same text differ: median and 99th percentile.
        differing: both texts, where they differ.
    """

    voices: int
    same: int
    errors: tuple[int, int]
    said: int
    seconds: tuple[float, float]
    moved: tuple[float, float]
    differing: tuple[tuple[str, str], ...]


def compare(one: Listener, other: Listener, voices: Sequence[tuple[Waveform, str]]) -> Comparison:
    """Reads voices with two listeners, in turns.

    Args:
        voices: and what each says in English, "" where that is not known.
    """
    seconds, errors, words = [0.0, 0.0], [0, 0], 0
    moved, differing = [0.0], []
    for voice, text in voices:
        said = normalised(text)
        words += len(said)
        intervals, read = other.intervals(voice), []
        for i, listener in enumerate((one, other)):
            started = time.perf_counter()
            read.append(listener.words(voice, intervals) if intervals else ())
            seconds[i] += time.perf_counter() - started
        if said:
            errors = [count + word_errors(said, normalised(_text(r))) for count, r in zip(errors, read, strict=True)]
        before, now = read
        if _text(before) != _text(now):
            differing.append((_text(before), _text(now)))
        else:
            moved += [abs(a.start - b.start) for a, b in zip(before, now, strict=True)]
    median, most = np.percentile(moved, [50, 99])
    return Comparison(
        len(voices), len(voices) - len(differing), (errors[0], errors[1]), words,
        (seconds[0], seconds[1]), (float(median), float(most)),
        tuple(differing),
    )  # fmt: skip


def _text(words: Sequence[Word]) -> str:
    return " ".join(plain(word.text) for word in words)
