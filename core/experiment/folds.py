"""What the protocol trains on: labelled utterances whose feature sequences are read when a batch asks for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold

from core.corpora.layout import ArraySequence
from core.datasets.labelled import LabelledSequences
from core.fusion.model import Padded
from core.fusion.normalisation import Normalisation


@dataclass(frozen=True)
class Examples(LabelledSequences):
    """Labelled utterances, whose labels are indices into the corpus's classes and whose sequences have T >= 1.

    Attributes:
        ids: n names, unique within the corpus.
    """

    ids: Sequence[str]

    def take(self, indices: np.ndarray) -> "Examples":
        """These examples, in this order; nothing is read."""
        return replace(super().take(indices), ids=[self.ids[i] for i in indices])

    def only(self, modalities: tuple[str, ...]) -> "Examples":
        """The same examples with these of their modalities."""
        return replace(self, sequences={m: self.sequences[m] for m in modalities})


@dataclass(frozen=True)
class Fold:
    """One division of a corpus; no speaker (or session) is in two of its parts."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True)
class Corpus:
    """A corpus as the protocol sees it.

    Attributes:
        classes: names of the classes in the order of the labels.
        widths: modality -> feature width.
        features: what the sequences are and which models made them; results on other features are kept apart.
        split: a sentence for reports: how the folds were cut.
        folds: open one fold each, when called.
    """

    name: str
    classes: tuple[str, ...]
    widths: dict[str, int]
    features: str
    split: str
    folds: tuple[Callable[[], Fold], ...]


def divide(examples: Examples, groups: Sequence[str], folds: int) -> tuple[Callable[[], Fold], ...]:
    """Cross-validation with disjoint groups and similar label frequencies.

    Fold k tests on part k, validates on part k + 1 and trains on the others. With as many groups as folds
    this leaves one group out.

    Raises:
        ValueError: fewer groups than folds, or fewer than three folds.
    """
    if folds < 3 or len(set(groups)) < folds:
        raise ValueError(
            f"{folds} folds need at least 3 folds and as many groups; there are {len(set(groups))} groups."
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    parts = [test for _, test in splitter.split(np.zeros(len(examples)), examples.labels, np.asarray(groups))]

    def fold(k: int) -> Fold:
        others = [parts[i] for i in range(folds) if i not in (k, (k + 1) % folds)]
        return Fold(
            train=examples.take(np.sort(np.concatenate(others))),
            validation=examples.take(parts[(k + 1) % folds]),
            test=examples.take(parts[k]),
        )

    return tuple(lambda k=k: fold(k) for k in range(folds))


def statistics_of(sequences: Mapping[str, ArraySequence]) -> Normalisation:
    """Statistics over all steps of all sequences of each modality, in one pass, in float64."""
    means, deviations = {}, {}
    for modality, found in sequences.items():
        count, total, squares = 0, np.zeros(1), np.zeros(1)
        for index in range(len(found)):
            values = found[index].astype(np.float64)
            count, total, squares = count + len(values), total + values.sum(0), squares + np.square(values).sum(0)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
        means[modality] = mean.astype(np.float32)
        # A feature that never changes stays as it is, minus its mean.
        deviations[modality] = np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)
    return Normalisation(means, deviations)


@dataclass(frozen=True)
class Collator:
    """Makes tensors of sequences.

    Attributes:
        normalisation: None for raw features, which the reference uses.
        steps: modality -> fixed length whose padding counts as data, as in the reference; empty for batches
            padded to their longest sequence, whose padding is masked. Longer sequences are thinned evenly.
        dtype: of the tensors.
    """

    normalisation: Normalisation | None
    steps: Mapping[str, int]
    dtype: torch.dtype

    def batch(self, examples: Examples, indices: Sequence[int], modalities: tuple[str, ...]) -> dict[str, Padded]:
        """The sequences of some examples, [B, T, D] a modality."""
        return {m: self._pad(m, [examples.sequences[m][i] for i in indices]) for m in modalities}

    def _pad(self, modality: str, sequences: list[np.ndarray]) -> Padded:
        steps = self.steps.get(modality)
        if self.normalisation:
            sequences = [self.normalisation.apply(modality, values) for values in sequences]
        if steps:
            sequences = [thin(values, steps) for values in sequences]
        padded = Padded.of(
            [torch.from_numpy(values.astype(np.float32)).to(self.dtype) for values in sequences], steps or 1
        )
        return Padded.full(padded.values) if steps else padded


def thin(values: np.ndarray, steps: int) -> np.ndarray:
    """At most ``steps`` evenly spaced steps of [T, D]."""
    if len(values) <= steps:
        return values
    return values[np.linspace(0, len(values) - 1, steps).round().astype(int)]
