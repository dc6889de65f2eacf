"""Recorded voices as spectrograms, which a voice encoder learns from, and as features: its own, or Whisper's."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from core.corpora.layout import ClipRecord
from core.datasets.augment import VERSION, altered_voices, other_recording
from core.datasets.bank import FeatureBank, build_bank
from core.datasets.cache import cached_item, cached_sequences, digest, weights_digest
from core.datasets.readable import audible, read_each, voice_file
from core.encoders.features import FEATURES_VERSION, FeatureExtractor, pooled
from core.encoders.mel import MIN_LOG_POWER
from core.encoders.packaged import SILERO_VAD, WHISPER_TINY_EN
from core.encoders.speech import Listener, Speech
from core.encoders.transcript import Transcript
from core.encoders.voice import FRAME_RATE, MELS, STATE_RATE, VoiceEncoder, spoken_spectrogram
from core.files import file_digest

SHARD = 32  # voices whose features stand in one file
SPOKEN_VERSION = 2
"""Raised whenever another part of the same recording would count as spoken."""


def spectrogram_bank(records: list[ClipRecord], listener: Listener, cache: Path) -> FeatureBank:
    """Spectrograms of recordings, cut as a visitor's voice is (see ``spoken_stretches``). Those that cannot be read
    or are silent are left out, see ``read_each``."""
    made_by = {"detector": SILERO_VAD.sha256, "spoken": SPOKEN_VERSION}

    def sequences(record: ClipRecord) -> list[np.ndarray]:
        voice = audible(record)
        return [spoken_spectrogram(voice, listener.intervals(voice) or ((0.0, voice.duration),))[0]]

    def read(record: ClipRecord) -> np.ndarray:
        key = {"spectrogram": file_digest(voice_file(record)), **made_by}
        return cached_item(key, partial(sequences, record), cache)[0]

    records, found = read_each(records, read, "voices")
    labels, groups = [record.label for record in records], [record.group for record in records]
    return build_bank(found, labels, groups, np.zeros(len(records)), FRAME_RATE, MELS)


def voice_bank(
    spectrograms: FeatureBank, encoder: VoiceEncoder, pooling: int, copies: int, cache: Path, known: bool = False
) -> FeatureBank:
    """Features of voices, and of ``copies`` altered copies of each.

    Args:
        pooling: states whose mean is one step.
        known: the encoder learned from these voices and would flatter them: the copies alone are taken, and every
            second one is altered twice.
    """
    made_by = {"encoder": weights_digest(encoder), "pooling": pooling, "copies": copies, "known": known}
    starts = range(0, len(spectrograms), SHARD)

    def voices(item: int) -> list[np.ndarray]:
        return [spectrograms.sequence(i) for i in range(len(spectrograms))[starts[item] :][:SHARD]]

    def key(item: int) -> dict:
        altered = {"seed": item, "augmentation": VERSION} if copies else {}
        return {"spectrograms": digest(b"".join(v.tobytes() for v in voices(item))), **altered, **made_by}

    def sequences(item: int) -> list[np.ndarray]:
        generator, clean = torch.Generator().manual_seed(item), voices(item)
        views = [] if known else [clean]
        for copy in range(copies):
            altered, lengths = padded([torch.from_numpy(v).float() for v in clean])
            for _ in range(2 if known and copy % 2 else 1):
                altered, lengths = altered_voices(altered, lengths, generator)
            views.append([a[:length].numpy() for a, length in zip(altered, lengths.tolist(), strict=True)])
        found = []
        for view in zip(*views, strict=True):
            for spectra in view:
                states = encoder.encode(spectra)
                found.append(pooled(states, np.arange(len(states)) / STATE_RATE, pooling)[0])
        return found

    found = cached_sequences([key(item) for item in range(len(starts))], sequences, cache, "voice features")
    each = np.zeros(copies, int) if known else np.arange(copies + 1)
    labels, groups = (np.repeat(of, len(each)) for of in (spectrograms.labels, spectrograms.groups))
    variants = np.tile(each, len(spectrograms))
    return build_bank(found, labels, groups, variants, STATE_RATE / pooling, encoder.config.width)


def whisper_bank(records: list[ClipRecord], extractor: FeatureExtractor, copies: int, cache: Path) -> FeatureBank:
    """States of Whisper's own encoder on recordings, and on ``copies`` other recordings of each (see ``augment``).
    Recordings that cannot be read or are silent are left out, see ``read_each``."""
    settings = {name: value for name, value in asdict(extractor.settings).items() if name != "text_layers"}
    made_by = {"whisper": WHISPER_TINY_EN.sha256, "detector": SILERO_VAD.sha256, "version": FEATURES_VERSION}

    def key(content: str, variant: int) -> dict:
        altered = {"copy": variant, "augmentation": VERSION} if variant else {}
        return {"voice": content, "precision": "float32", **altered, **settings, **made_by}

    def sequences(record: ClipRecord, content: str, variant: int) -> list[np.ndarray]:
        voice = audible(record)
        if variant:
            voice = other_recording(voice, np.random.default_rng([variant, int(content[:8], 16)]))
        intervals = extractor.listener.intervals(voice) or ((0.0, voice.duration),)
        speech = Speech(intervals, Transcript(), extractor.listener.states(voice, intervals))
        return [extractor.voice_features(voice, speech).values]

    def read(record: ClipRecord) -> list[np.ndarray]:
        content, variants = file_digest(voice_file(record)), range(copies + 1)
        return [cached_item(key(content, v), partial(sequences, record, content, v), cache)[0] for v in variants]

    records, found = read_each(records, read, "voices")
    labels, groups = (np.repeat([getattr(r, name) for r in records], copies + 1) for name in ("label", "group"))
    variants = np.tile(np.arange(copies + 1), len(records))
    flat, width = [sequence for of_one in found for sequence in of_one], extractor.settings.audio_width
    return build_bank(flat, labels, groups, variants, extractor.settings.audio_rate, width)


def padded(spectra: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Spectrograms [F, 80] of several lengths as one batch [B, F, 80], silent behind their lengths [B]."""
    lengths = torch.tensor([len(one) for one in spectra])
    return pad_sequence(spectra, batch_first=True, padding_value=MIN_LOG_POWER), lengths
