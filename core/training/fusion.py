"""Training of the pair of fusion models on composed utterances, with every set of modalities."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core import LABELS, MODALITIES
from core.checkpoint import Normalisation, subset_name
from core.corpora.composed import FeatureBank
from core.fusion import CROSS, SELF, FusionConfig, FusionModel, LocalEncoder, Padded, pairs_within
from core.training.evaluation import SUBSETS, LabelledUtterances
from core.training.loop import Recipe, fit
from core.training.metrics import classification_metrics

PAIRS = {"cross": CROSS, "self": SELF}


@dataclass(frozen=True)
class PairRecipe:
    """Everything that decides what a fusion model becomes.

    Attributes:
        steps: batches an epoch; composition has no natural epoch.
        drop: probability that an utterance keeps only a random subset of its modalities.
        incongruent: probability that one modality is of another class; its share of the label is 1/3.
        neutral_words: probability that the words are neutral while the label stays: most sentences are.
        longest_track: at most so many faces a track.
        noise: standard deviation added to normalised features.
    """

    optimisation: Recipe = field(
        default_factory=lambda: Recipe(epochs=12, learning_rate=2e-3, weight_decay=0.02, average=0.995)
    )
    batch: int = 64
    steps: int = 200
    drop: float = 0.6
    incongruent: float = 0.1
    neutral_words: float = 0.15
    longest_track: int = 16
    noise: float = 0.2
    smoothing: float = 0.05
    local: dict[str, LocalEncoder] = field(
        default_factory=lambda: {"video": LocalEncoder(kernel=3), "audio": LocalEncoder(kernel=5, stride=4)}
    )


@dataclass(frozen=True)
class Batch:
    """Padded modalities and a distribution over labels [B, 7]."""

    inputs: dict[str, Padded]
    target: Tensor


def normalisation_of(banks: dict[str, FeatureBank]) -> Normalisation:
    """Statistics of all steps of the training banks; a feature that never varies keeps its scale."""
    mean, std = {}, {}
    for modality, bank in banks.items():
        steps = bank.values[:: max(1, len(bank.values) // 200_000)].astype(np.float64)
        mean[modality] = steps.mean(0).astype(np.float32)
        std[modality] = np.maximum(steps.std(0), 1e-3).astype(np.float32)
    return Normalisation(mean, std)


def train_fusion(
    name: str, train: dict[str, FeatureBank], validation: LabelledUtterances, normalisation: Normalisation,
    recipe: PairRecipe, folder: Path,
) -> tuple[FusionModel, list[dict]]:  # fmt: skip
    """Trains the "cross" or "self" model and keeps its best epoch on the validation utterances.

    The choice is made on the balanced accuracy averaged over all sets of modalities the model is defined for.
    """
    torch.manual_seed(recipe.optimisation.seed)
    inputs = {m: train[m].values.shape[1] for m in MODALITIES}
    model = FusionModel(FusionConfig(pairs=PAIRS[name], inputs=inputs, local=recipe.local))
    subsets = [subset for subset in SUBSETS if pairs_within(PAIRS[name], subset)]

    def batches(generator: torch.Generator) -> Iterator[Batch]:
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        for _ in range(recipe.steps):
            yield compose_batch(train, normalisation, subsets, recipe, rng)

    def loss(model: FusionModel, batch: Batch) -> Tensor:
        return F.cross_entropy(model(batch.inputs).logits, batch.target, label_smoothing=recipe.smoothing)

    def evaluate(model: FusionModel) -> dict[str, float]:
        scores = {}
        for subset in subsets:
            predicted = validation.logits(model, subset).argmax(1)
            scores[subset_name(subset)] = classification_metrics(validation.labels, predicted)["balanced_accuracy"]
        return {"balanced_accuracy": float(np.mean(list(scores.values()))), **scores}

    history = fit(model, recipe.optimisation, batches, recipe.steps, loss, evaluate, folder)
    return model, history


def compose_batch(
    banks: dict[str, FeatureBank], normalisation: Normalisation, subsets: list[tuple[str, ...]], recipe: PairRecipe,
    rng: np.random.Generator,
) -> Batch:  # fmt: skip
    """A batch of new utterances, all classes equally likely, with everything the recipe lets happen to them."""
    classes = len(LABELS)
    labels = rng.integers(classes, size=recipe.batch)
    target = np.eye(classes, dtype=np.float32)[labels]
    subset_of = [
        subsets[rng.integers(len(subsets))] if rng.random() < recipe.drop else MODALITIES for _ in range(recipe.batch)
    ]
    sequences: dict[str, list[np.ndarray]] = {m: [] for m in MODALITIES}
    for i, (label, subset) in enumerate(zip(labels, subset_of, strict=True)):
        class_of = dict.fromkeys(subset, label)
        if len(subset) > 1 and rng.random() < recipe.incongruent:
            stranger = subset[rng.integers(len(subset))]
            class_of[stranger] = rng.integers(classes)
            # The label says what the modalities say: each has its share.
            target[i] = np.mean([np.eye(classes)[c] for c in class_of.values()], 0)
        elif "text" in subset and len(subset) > 1 and rng.random() < recipe.neutral_words:
            class_of["text"] = LABELS.index("neutral")
        for modality in MODALITIES:
            if modality in subset:
                sequence = _draw(banks[modality], class_of[modality], modality, recipe, rng)
                sequence = normalisation.apply(modality, sequence.astype(np.float32))
                sequence += recipe.noise * rng.standard_normal(sequence.shape, np.float32)
            else:
                sequence = np.zeros((0, banks[modality].values.shape[1]), np.float32)
            sequences[modality].append(sequence)
    inputs = {m: Padded.of([torch.from_numpy(sequence) for sequence in sequences[m]]) for m in MODALITIES}
    return Batch(inputs, torch.from_numpy(target))


def _draw(bank: FeatureBank, label: int, modality: str, recipe: PairRecipe, rng: np.random.Generator) -> np.ndarray:
    """A random sequence of a class, as a clip would show it."""
    pool = bank.by_label[label]
    sequence = bank.sequence(pool[rng.integers(len(pool))])
    if modality == "video":  # a track of one person: some of the copies of one image
        return sequence[rng.integers(len(sequence), size=rng.integers(1, recipe.longest_track + 1))]
    if modality == "audio" and rng.random() < 0.5:  # recordings begin late and end early
        length = max(10, int(len(sequence) * rng.uniform(0.6, 1.0)))
        start = rng.integers(max(1, len(sequence) - length + 1))
        return sequence[start : start + length]
    return sequence
