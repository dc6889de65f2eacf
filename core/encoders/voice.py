"""Voice features: states of an encoder that hears the voice alone, and the paper's MFCCs.

The encoder is the front of a Whisper (Radford et al. 2023), its convolutions and first blocks: of base, as they went on
learning by ``scripts/train.py voice``, or of tiny.en as published. Whisper always hears 30 seconds, at the level at
which they were recorded; this one hears the voice alone, in equal windows of at most ``MAX_WINDOW_SECONDS``, always
equally loud, and costs a fraction of a transcript.
"""

from dataclasses import dataclass

import librosa
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from whisper.audio import HOP_LENGTH, N_FFT
from whisper.model import Whisper, sinusoids

from core.encoders.mel import log_powers
from core.media.reader import SAMPLE_RATE, Waveform

MELS = 80
FRAME_RATE = SAMPLE_RATE // HOP_LENGTH  # spectra a second
STATE_RATE = FRAME_RATE // 2  # states a second
MAX_WINDOW_SECONDS = 4.0  # seconds of a window
WINDOWS_AT_A_TIME = 2  # more need more memory and hardly less time
RANGE = 8.0  # decades below the loudest that are heard, as in Whisper
PEAK_LEVEL = 1.0  # where the loudest of a window is put: how near the microphone stood says nothing
VOICE_MARGIN = 0.2  # seconds of the recording kept before the first and after the last speech
MAX_PAUSE = 0.8  # seconds; a longer pause is shortened, for it says more of the recording than of the voice
PAUSE_MARGIN = 0.3  # seconds that are kept of a shortened pause on either side
STRETCH_UNIT = 8 * HOP_LENGTH  # samples: stretches before the last are whole steps of audio (see ``FeatureSettings``)
LEVEL_RANGE = 2.0  # decades: a window this far below the loudest of the voice is a pause and stays quiet

COEFFICIENTS = 40
WIDTH = 3 * COEFFICIENTS
WINDOW = 400  # samples: 25 ms
HOP = 160  # samples: 10 ms, the paper's


@dataclass(frozen=True)
class VoiceConfig:
    """Sizes of the voice encoder; stored beside its weights.

    Attributes:
        outputs: blocks whose outputs are the features.
        mixed: whether those are normalised and averaged with weights that are learned, instead of put side by side.
        dropout: in training only.
    """

    blocks: int = 3
    states: int = 384
    heads: int = 6
    outputs: tuple[int, ...] = (1, 2)
    mixed: bool = False
    dropout: float = 0.0

    @property
    def width(self) -> int:
        """Features a state."""
        return self.states * (1 if self.mixed else len(self.outputs))


BASE_FRONT = VoiceConfig(blocks=4, states=512, heads=8, outputs=(0, 1, 2, 3), mixed=True)
"""Of Whisper base, which knows many languages, the four blocks that are worth nearly as much as all six."""


class VoiceEncoder(nn.Module):
    """Spectra of voices become features, 50 a second."""

    positions: Tensor  # [states of a window, D]

    def __init__(self, config: VoiceConfig = VoiceConfig()):
        super().__init__()
        self.config = config
        states = config.states
        self.narrow = nn.Conv1d(MELS, states, 3, padding=1)
        self.halve = nn.Conv1d(states, states, 3, stride=2, padding=1)
        self.register_buffer("positions", sinusoids(round(MAX_WINDOW_SECONDS * STATE_RATE), states), persistent=False)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                states, config.heads, 4 * states, config.dropout, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(config.blocks)
        )
        self.mixture = nn.Parameter(torch.zeros(len(config.outputs))) if config.mixed else None  # before the softmax

    def forward(self, spectra: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Levelled spectra [B, F, 80], lengths [B] in frames -> features [B, ceil(F / 2), D], lengths [B] in states."""
        # Nothing behind a length may be seen by a convolution, as nothing is behind a voice that stands alone.
        exists = (torch.arange(spectra.shape[1], device=spectra.device) < lengths[:, None])[:, None]  # [B, 1, F]
        x = F.gelu(self.narrow(spectra.mT.masked_fill(~exists, 0))).masked_fill(~exists, 0)
        lengths = (lengths + 1) // 2
        x = F.gelu(self.halve(x)).mT  # [B, T, S]
        x = x + self.positions[: x.shape[1]]
        padding = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]  # [B, T]
        outputs = []
        for block in self.blocks:
            x = block(x, src_key_padding_mask=padding)
            outputs.append(x)
        chosen = [outputs[block] for block in self.config.outputs]
        if self.mixture is None:
            return torch.cat(chosen, 2), lengths
        weights = self.mixture.softmax(0)
        mixed = [w * F.layer_norm(states, states.shape[-1:]) for w, states in zip(weights, chosen, strict=True)]
        return torch.stack(mixed).sum(0), lengths

    @torch.inference_mode()
    def encode(self, spectrogram: np.ndarray) -> np.ndarray:
        """Features float32 [ceil(F / 2), D] of a whole voice [F, 80] (see ``spectrogram``), F >= 1."""
        device = self.positions.device
        voice = torch.from_numpy(spectrogram.astype(np.float32)).to(device)
        states = np.empty((-(-len(voice) // 2), self.config.width), np.float32)  # 30 MB for five minutes, held once
        filled, windows = 0, equal_windows(len(voice))
        for first in range(0, len(windows), WINDOWS_AT_A_TIME):
            parts = [voice[start:end] for start, end in windows[first : first + WINDOWS_AT_A_TIME]]
            lengths = torch.tensor([len(part) for part in parts], device=device)
            levels = [levelled(part, voice.max()) for part in parts]
            features, steps = self(nn.utils.rnn.pad_sequence(levels, batch_first=True), lengths)
            for values, count in zip(features.float().cpu().numpy(), steps.tolist(), strict=True):
                states[filled : filled + count] = values[:count]
                filled += count
        return states

    @classmethod
    def published(cls, whisper: Whisper, config: VoiceConfig = VoiceConfig()) -> "VoiceEncoder":
        """With the weights of Whisper's first blocks."""
        model = cls(config).eval().requires_grad_(False)
        model.start_from(whisper)
        return model

    def start_from(self, whisper: Whisper) -> None:
        """Takes over the weights of Whisper's first blocks."""
        theirs = getattr(whisper.encoder, "encoder", whisper.encoder)  # a listener's remembers
        with torch.no_grad():
            for mine, other in ((self.narrow, theirs.conv1), (self.halve, theirs.conv2)):
                mine.load_state_dict(other.state_dict())
            for block, other in zip(self.blocks, theirs.blocks, strict=False):
                assert isinstance(block, nn.TransformerEncoderLayer)
                attention = other.attn
                no_bias = torch.zeros_like(attention.query.bias)  # Whisper's keys have none
                block.self_attn.in_proj_weight.copy_(
                    torch.cat([attention.query.weight, attention.key.weight, attention.value.weight])
                )
                block.self_attn.in_proj_bias.copy_(torch.cat([attention.query.bias, no_bias, attention.value.bias]))
                for layer, source in (
                    (block.self_attn.out_proj, attention.out), (block.norm1, other.attn_ln),
                    (block.norm2, other.mlp_ln), (block.linear1, other.mlp[0]), (block.linear2, other.mlp[2]),
                ):  # fmt: skip
                    layer.load_state_dict(source.state_dict())


def equal_windows(frames: int) -> list[tuple[int, int]]:
    """Spans (start, end) of as few windows as cover ``frames``, about equally long; all starts are even."""
    count = -(-frames // round(MAX_WINDOW_SECONDS * FRAME_RATE))
    edges = [2 * round(i * frames / count / 2) for i in range(count)]
    return list(zip(edges, [*edges[1:], frames], strict=True))


def spectrogram(voice: Waveform) -> np.ndarray:
    """float32 [F, 80], log10 of the power in Whisper's mel bands, 100 spectra a second, at least one."""
    samples = torch.from_numpy(voice.samples)
    if len(samples) <= N_FFT // 2:  # too short to be mirrored at its ends
        samples = F.pad(samples, (0, N_FFT // 2 + 1 - len(samples)))
    return log_powers(samples, MELS).T.numpy()


def spoken_stretches(voice: Waveform, intervals: tuple[tuple[float, float], ...]) -> tuple[tuple[int, int], ...]:
    """(start, end) in samples of the parts of a voice that its features are made of, in order of time.

    They reach from the first to the last speech with a margin, without what is farther than ``PAUSE_MARGIN`` from
    speech in pauses longer than ``MAX_PAUSE``: to an encoder of voices, seconds of silence or music sound like sadness.

    Args:
        intervals: (start, end) in seconds of each stretch of speech, at least one.
    """
    begin, last_end = intervals[0]
    begin, kept = max(0.0, begin - VOICE_MARGIN), []
    for start, end in intervals[1:]:
        if start - last_end > MAX_PAUSE:
            kept.append((begin, last_end + PAUSE_MARGIN))
            begin = start - PAUSE_MARGIN
        last_end = end
    stretches = []
    for start, end in kept:
        first = round(start * SAMPLE_RATE)
        units = -(-(round(end * SAMPLE_RATE) - first) // STRETCH_UNIT)
        stretches.append((first, first + units * STRETCH_UNIT))
    return *stretches, (round(begin * SAMPLE_RATE), round(min(voice.duration, last_end + VOICE_MARGIN) * SAMPLE_RATE))


def spoken_spectrogram(voice: Waveform, intervals: tuple[tuple[float, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Spectra float32 [F, 80] of the parts of a voice in which somebody speaks, one behind the other, and when: [F].

    Times are float64 seconds on the axis of ``voice``; they leap over the pauses that are left out. Training and use
    both take voices from here.

    Args:
        intervals: (start, end) in seconds of each stretch of speech, at least one.
    """
    stretches = spoken_stretches(voice, intervals)
    spectra = [spectrogram(Waveform(voice.samples[start:end])) for start, end in stretches]
    times = [
        start / SAMPLE_RATE + np.arange(len(s)) / FRAME_RATE for (start, _), s in zip(stretches, spectra, strict=True)
    ]
    return np.concatenate(spectra), np.concatenate(times)


def levelled(spectra: Tensor, loudest: Tensor) -> Tensor:
    """Spectra [..., F, 80] as the encoder takes them: scaled as Whisper's are, all voices equally loud.

    Args:
        loudest: of the whole voice, of the shape [...].
    """
    peak = torch.maximum(spectra.amax((-2, -1)), loudest - LEVEL_RANGE)[..., None, None]
    return (torch.maximum(spectra, peak - RANGE) - peak + PEAK_LEVEL + 4) / 4


def mfcc(voice: Waveform, hop: int = HOP) -> np.ndarray:
    """float32 [ceil(N / hop), 120]: MFCCs, deltas, second deltas; step t is centred on sample t * hop.

    The paper (section 4.1) takes 40 MFCCs in windows of 25 ms every 10 ms and their two derivatives.
    """
    static = librosa.feature.mfcc(
        y=voice.samples, sr=SAMPLE_RATE, n_mfcc=COEFFICIENTS, n_fft=512, win_length=WINDOW, hop_length=hop, n_mels=64
    )
    # librosa's derivative needs as many frames as its filter is long.
    width = min(9, static.shape[1] - 1 + static.shape[1] % 2)
    deltas = [librosa.feature.delta(static, width=width, order=o) if width >= 3 else 0 * static for o in (1, 2)]
    steps = -(-len(voice.samples) // hop)
    return np.concatenate([static, *deltas]).T[:steps].astype(np.float32)
