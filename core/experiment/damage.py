"""Utterances that are not as they should be: one modality of another class, noisy, absent, or out of order in time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.corpora.layout import ArraySequence
from core.experiment.folds import Examples, Fold
from core.metrics import classification_metrics

NOISE = (0.5, 1.0, 2.0)
"""Standard deviations of the noise, in those that each feature has over the training part."""


@dataclass(frozen=True)
class Changed(ArraySequence):
    """Sequences each of which is changed when it is read, always in the same way.

    Attributes:
        change: values [T, D] and a generator of chance -> values [T, D].
        seed: of the chance, beside the index.
    """

    source: ArraySequence
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    seed: tuple[int, ...]

    def __getitem__(self, index: int) -> np.ndarray:
        return self.change(self.source[index], np.random.default_rng([*self.seed, int(index)]))

    def __len__(self) -> int:
        return len(self.source)


def shuffled(values: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Time steps in random order."""
    return values[chance.permutation(len(values))]


def rotated(values: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """The end of a sequence, from a random step on, before its beginning."""
    return np.roll(values, int(chance.integers(max(1, len(values)))), 0)


ORDERS = {"shuffled": shuffled, "rotated": rotated}


def reordered(fold: Fold, order: str, seed: int) -> Fold:
    """A fold whose sequences are in the order of ``Configuration.order``, each modality by chance of its own."""
    if not order:
        return fold
    parts = [
        replace(
            examples,
            sequences={
                m: Changed(found, ORDERS[order], (seed, part, number))
                for number, (m, found) in enumerate(examples.sequences.items())
            },
        )
        for part, examples in enumerate((fold.train, fold.validation, fold.test))
    ]
    return Fold(*parts)


def swapped(examples: Examples, modality: str, seed: int) -> tuple[Examples, np.ndarray]:
    """The same utterances, but one modality comes from an utterance of another class; and int64 [n], which class.

    Raises:
        ValueError: there is one class only.
    """
    chance, labels = np.random.default_rng(seed), examples.labels
    if len(np.unique(labels)) < 2:
        raise ValueError("Every utterance is of the same class.")
    donors = np.array([chance.choice(np.flatnonzero(labels != label)) for label in labels])
    sequences = dict(examples.sequences) | {modality: examples.take(donors).sequences[modality]}
    return replace(examples, sequences=sequences), labels[donors]


def noisy(examples: Examples, modalities: tuple[str, ...], std: Mapping[str, np.ndarray], level: float, seed: int):
    """The same utterances with normal noise on these modalities; ``std`` [D] a modality, see ``NOISE``."""
    sequences = dict(examples.sequences)
    for number, modality in enumerate(modalities):
        scale = level * std[modality]

        def change(values: np.ndarray, chance: np.random.Generator, scale: np.ndarray = scale) -> np.ndarray:
            return values + scale * chance.normal(size=values.shape).astype(np.float32)

        sequences[modality] = Changed(examples.sequences[modality], change, (seed, number))
    return replace(examples, sequences=sequences)


def damage_report(
    ask: Callable[[Examples], np.ndarray], examples: Examples, std: Mapping[str, np.ndarray], classes: int, seed: int
) -> dict:
    """What a model makes of damaged test sets; a JSON object. The damage depends on ``seed``, not on the model.

    Args:
        ask: logits [n, classes] of examples, NaN where the model says nothing.

    Returns:
        ``incongruent``: modality -> shares of the verdicts that are the class of that modality ("odd"), of the others
        ("others") or neither ("neither"); empty with a single modality or class. ``missing``: modality -> balanced
        accuracy without it, None where the model says nothing. ``noise``: modality, or "all" -> balanced accuracy at
        each level, the first without noise.
    """
    modalities = tuple(examples.sequences)
    names = tuple(str(c) for c in range(classes))

    def balanced(some: Examples) -> float | None:
        logits = ask(some)
        if not np.isfinite(logits).all():
            return None
        return round(classification_metrics(some.labels, logits.argmax(1), names)["balanced_accuracy"], 6)

    incongruent, missing = {}, {}
    if len(modalities) > 1:
        for modality in modalities:
            if len(np.unique(examples.labels)) > 1:
                mixed, odd = swapped(examples, modality, seed)
                predicted = ask(mixed).argmax(1)
                shares = {"odd": (predicted == odd).mean(), "others": (predicted == examples.labels).mean()}
                shares["neither"] = 1 - sum(shares.values())
                incongruent[modality] = {name: round(float(share), 6) for name, share in shares.items()}
            missing[modality] = balanced(examples.only(tuple(m for m in modalities if m != modality)))
    noise = {}
    clean = balanced(examples)
    for name, damaged in [*((m, (m,)) for m in modalities), ("all", modalities)]:
        noise[name] = [clean, *(balanced(noisy(examples, damaged, std, level, seed)) for level in NOISE)]
    return {"incongruent": incongruent, "missing": missing, "noise": noise, "levels": [0.0, *NOISE]}
