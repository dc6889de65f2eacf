"""Labelled feature sequences of one modality, laid end to end: what utterances are composed of."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core import LABELS


@dataclass(frozen=True)
class FeatureBank:
    """Labelled feature sequences of one modality, of one corpus or several.

    Attributes:
        values: float16 [sum of all T, D].
        offsets: int64 [n + 1]; sequence i is ``values[offsets[i]:offsets[i + 1]]``.
        labels: int64 [n].
        groups: str [n], what must not be in two parts of a split: actor, image, dialogue. A group begins with its
            corpus: "ravdess/10".
        variants: int64 [n], 0 for a recording as it is, 1, 2, ... for altered copies of it.
        said: float32 [n, 7], how far each sequence shows each class, rows summing to 1; where people disagree about
            one, it says less than its label does.
        rate: steps a second of a sequence, 0 where steps have no common duration (words).
    """

    values: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    variants: np.ndarray
    said: np.ndarray
    rate: float

    def __len__(self) -> int:
        return len(self.labels)

    def sequence(self, index: int) -> np.ndarray:
        """float16 [T, D]."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @cached_property
    def corpora(self) -> np.ndarray:
        """str [n], the corpus of each sequence."""
        return np.array([group.partition("/")[0] for group in self.groups], str)

    @cached_property
    def pools(self) -> list[list[np.ndarray]]:
        """For each label the indices of its sequences, altered ones included, by corpus; none for a corpus without."""
        names = np.unique(self.corpora)
        found = [[np.flatnonzero((self.labels == c) & (self.corpora == n)) for n in names] for c in range(len(LABELS))]
        return [[pool for pool in of_label if len(pool)] for of_label in found]

    @property
    def has(self) -> np.ndarray:
        """bool [7], whether there is any sequence of each label."""
        return np.array([bool(pools) for pools in self.pools])

    def select(self, keep: np.ndarray) -> "FeatureBank":
        """The sequences where ``keep`` bool [n] is true."""
        sequences = [self.sequence(index) for index in np.flatnonzero(keep).tolist()]
        labels, groups, variants = self.labels[keep], self.groups[keep], self.variants[keep]
        return build_bank(sequences, labels, groups, variants, self.rate, self.values.shape[1], self.said[keep])

    def columns(self, chosen: np.ndarray) -> "FeatureBank":
        """The same sequences with these features only."""
        return replace(self, values=self.values[:, chosen])

    def label_frequencies(self) -> np.ndarray:
        """Share [7] of each label among the unaltered sequences."""
        counts = np.bincount(self.labels[self.variants == 0], minlength=len(LABELS))
        return counts / max(counts.sum(), 1)

    @cached_property
    def fingerprint(self) -> str:
        """Of everything in it: other recordings, labels, encoders or alterations give another one."""
        digest = hashlib.sha256()
        for array in (self.values, self.offsets, self.labels, self.variants, self.said):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update("\n".join(self.groups).encode())
        return digest.hexdigest()[:16]


def join_banks(banks: Sequence[FeatureBank]) -> FeatureBank:
    """The sequences of several banks of one modality, in their order."""
    starts = np.cumsum([0, *(len(bank.values) for bank in banks[:-1])])
    return FeatureBank(
        values=np.concatenate([bank.values for bank in banks]),
        offsets=np.concatenate([[0], *(bank.offsets[1:] + start for bank, start in zip(banks, starts, strict=True))]),
        labels=np.concatenate([bank.labels for bank in banks]),
        groups=np.concatenate([bank.groups for bank in banks]),
        variants=np.concatenate([bank.variants for bank in banks]),
        said=np.concatenate([bank.said for bank in banks]),
        rate=banks[0].rate,
    )


def build_bank(
    sequences: Sequence[np.ndarray], labels, groups, variants, rate: float, width: int = 0, said=None
) -> FeatureBank:
    """A bank from single sequences [T, D].

    Args:
        width: D where there may be none.
        said: see ``FeatureBank``; what is not given says what its label says.
    """
    labels = np.asarray(labels, np.int64)
    nothing = np.zeros((0, width or sequences[0].shape[1]), np.float16)
    return FeatureBank(
        values=np.concatenate([nothing, *sequences]).astype(np.float16),
        offsets=np.concatenate([[0], np.cumsum([len(sequence) for sequence in sequences])]).astype(np.int64),
        labels=labels,
        groups=np.asarray(groups, str),
        variants=np.asarray(variants, np.int64),
        said=(np.eye(len(LABELS))[labels] if said is None else np.asarray(said)).astype(np.float32),
        rate=rate,
    )
