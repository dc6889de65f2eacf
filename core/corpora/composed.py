"""Composed utterances: a voice, a face and a line of text of the same class, each from its own corpus.

No corpus at hand holds all three modalities of one moment with these seven classes, so samples are put
together: the voice from RAVDESS, the face from FER2013, the words from MELD. What such utterances can
teach is how much each modality is worth; what they cannot teach is how modalities play together in a
real moment. Every number that comes from them has to say so.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core import LABELS, MODALITIES


@dataclass(frozen=True)
class FeatureBank:
    """Labelled feature sequences of one modality of one corpus, laid end to end.

    Attributes:
        values: float16 [sum of all T, D].
        offsets: int64 [n + 1]; sequence i is ``values[offsets[i]:offsets[i + 1]]``.
        labels: int64 [n].
        groups: str [n], what must not be in two parts of a split: actor, image, dialogue.
        variants: int64 [n], 0 for a recording as it is, 1, 2, ... for altered copies of it.
        rate: steps a second of a sequence, 0 where steps have no common duration (words).
    """

    values: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    variants: np.ndarray
    rate: float

    def __len__(self) -> int:
        return len(self.labels)

    def sequence(self, index: int) -> np.ndarray:
        """float16 [T, D]."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @cached_property
    def by_label(self) -> list[np.ndarray]:
        """The indices of each label's sequences, altered ones included."""
        return [np.flatnonzero(self.labels == label) for label in range(len(LABELS))]

    def select(self, keep: np.ndarray) -> "FeatureBank":
        """The sequences where ``keep`` bool [n] is true."""
        chosen = np.flatnonzero(keep)
        sequences = [self.sequence(index) for index in chosen]
        return build_bank(sequences, self.labels[keep], self.groups[keep], self.variants[keep], self.rate)

    def label_frequencies(self) -> np.ndarray:
        """Share [7] of each label among the unaltered sequences."""
        counts = np.bincount(self.labels[self.variants == 0], minlength=len(LABELS))
        return counts / counts.sum()


def join_banks(banks: list[FeatureBank]) -> FeatureBank:
    """The sequences of several banks of one corpus."""
    starts = np.cumsum([0, *(len(bank.values) for bank in banks[:-1])])
    return FeatureBank(
        values=np.concatenate([bank.values for bank in banks]),
        offsets=np.concatenate([[0], *(bank.offsets[1:] + start for bank, start in zip(banks, starts, strict=True))]),
        labels=np.concatenate([bank.labels for bank in banks]),
        groups=np.concatenate([bank.groups for bank in banks]),
        variants=np.concatenate([bank.variants for bank in banks]),
        rate=banks[0].rate,
    )


def build_bank(sequences: list[np.ndarray], labels, groups, variants, rate: float) -> FeatureBank:
    """A bank from single sequences [T, D]."""
    return FeatureBank(
        values=np.concatenate(sequences).astype(np.float16),
        offsets=np.concatenate([[0], np.cumsum([len(sequence) for sequence in sequences])]),
        labels=np.asarray(labels, np.int64),
        groups=np.asarray(groups, str),
        variants=np.asarray(variants, np.int64),
        rate=rate,
    )


@dataclass(frozen=True)
class ComposedUtterance:
    """One sequence index a modality (into its bank) and the class they share."""

    indices: dict[str, int]
    label: int


def compose(banks: dict[str, FeatureBank], count: int, seed: int) -> list[ComposedUtterance]:
    """``count`` utterances of unaltered sequences, classes as equally frequent as they can be.

    Within a class every sequence is used once before any is used again.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(LABELS)
    indices: dict[str, np.ndarray] = {}
    for modality in MODALITIES:
        bank = banks[modality]
        indices[modality] = np.empty(count, np.int64)
        for label in range(len(LABELS)):
            wanted = np.flatnonzero(labels == label)
            pool = np.flatnonzero((bank.labels == label) & (bank.variants == 0))
            rounds = -(-len(wanted) // len(pool))
            indices[modality][wanted] = np.concatenate([rng.permutation(pool) for _ in range(rounds)])[: len(wanted)]
    return [
        ComposedUtterance({m: int(indices[m][i]) for m in MODALITIES}, int(labels[i])) for i in range(count)
    ]  # fmt: skip
