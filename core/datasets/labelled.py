"""Labelled examples that have a sequence of features of each modality: what fusion models learn from and answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from core.corpora.layout import ArraySequence


@dataclass(frozen=True)
class LabelledSequences:
    """n examples.

    Attributes:
        labels: int64 [n].
        sequences: modality -> n sequences [T, D]: a list of arrays, or an object that reads a file when it is asked
            for one. T is 0 where an example lacks the modality.
    """

    labels: np.ndarray
    sequences: Mapping[str, ArraySequence]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Self:
        """These examples, in this order; nothing is read."""
        picked = {m: Picked(found, indices) for m, found in self.sequences.items()}
        return replace(self, labels=self.labels[indices], sequences=picked)

    def select(self, keep: np.ndarray) -> Self:
        """The examples where ``keep`` bool [n] is true."""
        return self.take(np.flatnonzero(keep))


@dataclass(frozen=True)
class Picked(ArraySequence):
    """Some items of another sequence, read when asked for."""

    source: ArraySequence
    indices: np.ndarray

    def __getitem__(self, index: int) -> np.ndarray:
        return self.source[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)
