"""Recorded voices as spectrograms, which a voice encoder learns from, and as features: its own, or Whisper's."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from core.corpora.layout import ClipRecord
from core.datasets.augment import VERSION, altered_voices, other_recording
from core.datasets.bank import FeatureBank, build_bank
from core.datasets.cache import cached_sequences, digest, file_digest, weights_digest
from core.features import FEATURES_VERSION, FeatureExtractor, pooled
from core.media import open_clip
from core.speech import Listener, Speech, Transcript
from core.voice import FRAME_RATE, QUIETEST, STATE_RATE, VoiceEncoder, spoken_spectrogram
from core.weights import SILERO_VAD, WHISPER_TINY_EN

SHARD = 32  # voices whose features stand in one file
SPOKEN_VERSION = 2
"""Raised whenever another part of the same recording would count as spoken."""


def spectrogram_bank(records: list[ClipRecord], listener: Listener, cache: Path) -> FeatureBank:
    """Spectrograms of recordings, cut as a visitor's voice is (see ``spoken_stretches``)."""
    made_by = {"detector": SILERO_VAD.sha256, "spoken": SPOKEN_VERSION}

    def sequences(item: int) -> list[np.ndarray]:
        voice = open_clip(records[item].voice).voice
        return [spoken_spectrogram(voice, listener.intervals(voice) or ((0.0, voice.duration),))[0]]

    keys = [{"spectrogram": file_digest(record.voice), **made_by} for record in records]
    found = cached_sequences(keys, sequences, cache, "voices")
    labels, groups = [record.label for record in records], [record.group for record in records]
    return build_bank(found, labels, groups, np.zeros(len(records)), FRAME_RATE)


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
    """States of Whisper's own encoder on recordings, and on ``copies`` other recordings of each (see ``augment``)."""
    wanted = [(record, variant) for record in records for variant in range(copies + 1)]
    content = {record.id: file_digest(record.voice) for record in records}
    settings = {name: value for name, value in asdict(extractor.settings).items() if name != "text_layers"}
    made_by = {"whisper": WHISPER_TINY_EN.sha256, "detector": SILERO_VAD.sha256, "version": FEATURES_VERSION}

    def key(record: ClipRecord, variant: int) -> dict:
        altered = {"copy": variant, "augmentation": VERSION} if variant else {}
        return {"voice": content[record.id], "precision": "float32", **altered, **settings, **made_by}

    def sequences(item: int) -> list[np.ndarray]:
        record, variant = wanted[item]
        voice = open_clip(record.voice).voice
        if variant:
            voice = other_recording(voice, np.random.default_rng([variant, int(content[record.id][:8], 16)]))
        intervals = extractor.listener.intervals(voice) or ((0.0, voice.duration),)
        speech = Speech(intervals, Transcript(), extractor.listener.states(voice, intervals))
        return [extractor.voice_features(voice, speech).values]

    found = cached_sequences([key(*one) for one in wanted], sequences, cache, "voices")
    labels, groups = [r.label for r, _ in wanted], [r.group for r, _ in wanted]
    return build_bank(found, labels, groups, [variant for _, variant in wanted], extractor.settings.audio_rate)


def padded(spectra: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Spectrograms [F, 80] of several lengths as one batch [B, F, 80], silent behind their lengths [B]."""
    lengths = torch.tensor([len(one) for one in spectra])
    return pad_sequence(spectra, batch_first=True, padding_value=QUIETEST), lengths
