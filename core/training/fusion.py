"""Training of the pair of fusion models on composed utterances, with every set of modalities."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
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

PAIRS = {"cross": CROSS, "self": SELF}


@dataclass(frozen=True)
class PairRecipe:
    """Everything that decides what a fusion model becomes.

    Attributes:
        steps: batches an epoch; composition has no natural epoch.
        skew: a label is drawn as often as the corpus of the words has it, to this power; 0 draws all equally often.
            Rare lines would otherwise be learned by heart. The loss takes the frequencies out again.
        incongruent: probability that one modality is of another class.
        neutral_words: probability that the words are neutral while the label stays: most sentences are.
        longest_track: at most so many faces a track.
        noise: standard deviation added to normalised features.
        smoothing: share of each label that is spread over all classes.
        input_dropout: of each modality's normalised features.
        deviation_dropout: probability that an utterance is judged from the mean of its streams alone. The deviation
            learns by heart which voice goes with which face; the mean adds up what each says.
        alone: weight of the verdicts from one modality alone, each other set having weight 1: beside the others the
            weaker ones would hardly be heard.
        voiceless: utterances without a voice that join each batch. Voices are few and soon known by heart, while lines
            and faces still have something to teach.
        every_set: whether each utterance is judged from every set of its modalities, or from all of them only.
    """

    optimisation: Recipe = field(
        default_factory=lambda: Recipe(epochs=3, learning_rate=2e-3, weight_decay=0.02, average=0.995, select="")
    )
    batch: int = 64
    steps: int = 200
    skew: float = 0.5
    incongruent: float = 0.3
    neutral_words: float = 0.15
    longest_track: int = 8
    noise: float = 0.2
    smoothing: float = 0.05
    input_dropout: dict[str, float] = field(default_factory=lambda: {"text": 0.8, "audio": 0.65})
    deviation_dropout: float = 0.8
    alone: float = 3.0
    every_set: bool = True
    voiceless: int = 64
    local: dict[str, LocalEncoder] = field(
        default_factory=lambda: {"video": LocalEncoder(kernel=3), "audio": LocalEncoder(kernel=3)}
    )


@dataclass(frozen=True)
class Batch:
    """Utterances with all modalities, and what to say of each from each set of modalities.

    Attributes:
        targets: set of modalities -> distribution over labels [B, 7]; a row of zeros is not to be judged.
        log_share: logarithm [7] of how often each label is drawn.
    """

    inputs: dict[str, Padded]
    targets: dict[tuple[str, ...], Tensor]
    log_share: Tensor


def normalisation_of(banks: dict[str, FeatureBank]) -> Normalisation:
    """Statistics of all steps of the training banks; a feature that never varies keeps its scale."""
    mean, std = {}, {}
    for modality, bank in banks.items():
        steps = bank.values[:: max(1, len(bank.values) // 200_000)].astype(np.float64)
        mean[modality] = steps.mean(0).astype(np.float32)
        std[modality] = np.maximum(steps.std(0), 1e-3).astype(np.float32)
    return Normalisation(mean, std)


def train_fusion(
    name: str, train: dict[str, FeatureBank], validation: LabelledUtterances | None, normalisation: Normalisation,
    recipe: PairRecipe, folder: Path,
) -> tuple[FusionModel, list[dict]]:  # fmt: skip
    """Trains the "cross" or "self" model on the modalities of ``train``.

    ``validation`` chooses nothing, it is logged: the balanced accuracy from each set of modalities that the model is
    defined for, and their mean. The last epoch is kept, so that a training without it ends at the same place.
    """
    torch.manual_seed(recipe.optimisation.seed)
    pairs = pairs_within(PAIRS[name], tuple(train))
    inputs = {m: bank.values.shape[1] for m, bank in train.items()}
    model = FusionModel(
        FusionConfig(
            pairs, inputs, recipe.local, input_dropout=recipe.input_dropout, deviation_dropout=recipe.deviation_dropout
        )
    )
    subsets = [subset for subset in SUBSETS if set(subset) <= set(train) and pairs_within(pairs, subset)]
    # What is beside the voice, for batches without it.
    beside = {m: bank for m, bank in train.items() if m != "audio"}
    beside_subsets = [subset for subset in subsets if "audio" not in subset]
    beside_recipe = replace(recipe, batch=recipe.voiceless)

    def batches(generator: torch.Generator) -> Iterator[list[Batch]]:
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        for _ in range(recipe.steps):
            step = [compose_batch(train, normalisation, subsets, recipe, rng)]
            if recipe.voiceless and "audio" in train and beside_subsets:
                step.append(compose_batch(beside, normalisation, beside_subsets, beside_recipe, rng))
            yield step

    def loss(model: FusionModel, step: list[Batch]) -> Tensor:
        return torch.stack([batch_loss(model, batch, recipe) for batch in step]).sum()

    def evaluate(model: FusionModel) -> dict[str, float]:
        if validation is None:
            return {}
        scores = {subset_name(subset): validation.balanced_accuracy(model, subset) for subset in subsets}
        return {"balanced_accuracy": float(np.mean(list(scores.values()))), **scores}

    identity = {"pair": asdict(recipe), "data": _fingerprint(normalisation)}
    history = fit(model, recipe.optimisation, batches, recipe.steps, loss, evaluate, folder, identity)
    return model, history


def _fingerprint(normalisation: Normalisation) -> str:
    """Of the training data: other corpora, another split or another face encoder have other statistics."""
    statistics = [kind[m] for kind in (normalisation.mean, normalisation.std) for m in sorted(kind)]
    return hashlib.sha256(np.concatenate(statistics).tobytes()).hexdigest()[:16]


def batch_loss(model: FusionModel, batch: Batch, recipe: PairRecipe) -> Tensor:
    """Cross-entropy of the verdicts from every set of modalities, all in one run of the model.

    Pooling takes the mean of the streams, but what independent witnesses say adds up: the verdict of n modalities
    is taught n times its logits, and its temperature divides accordingly. The logits are taught to leave out how
    often a label is drawn (logit adjustment, Menon et al. 2021).
    """
    output = model(batch.inputs)
    everything = tuple(batch.inputs)
    judged = batch.targets if recipe.every_set else {everything: batch.targets[everything]}
    total, weights = torch.zeros(()), 0.0
    for subset, target in judged.items():
        logits = model.classify(output.streams, output.exists & model.streams_within(subset))
        weight = recipe.alone if len(subset) == 1 else 1.0
        total = total + weight * F.cross_entropy(len(subset) * logits + batch.log_share, target)
        weights += weight
    return total / weights


def compose_batch(
    banks: dict[str, FeatureBank], normalisation: Normalisation, subsets: list[tuple[str, ...]], recipe: PairRecipe,
    rng: np.random.Generator,
) -> Batch:  # fmt: skip
    """A batch of new utterances, with everything the recipe lets happen to them."""
    n, classes = recipe.batch, len(LABELS)
    frequency = banks["text"].label_frequencies() if "text" in banks else np.ones(classes)
    share = drawn_share(frequency, recipe.skew)
    label = rng.choice(classes, n, p=share)
    drawn = {m: label.copy() for m in banks}  # modality -> the class [n] that it shows
    strange = rng.random(n) < recipe.incongruent
    stranger = rng.integers(len(MODALITIES), size=n)
    for column, modality in enumerate(MODALITIES):
        if modality in banks:
            rows = strange & (stranger == column)
            drawn[modality][rows] = rng.choice(classes, rows.sum(), p=share)
    # The label says what the modalities say: each has its share.
    said = {m: np.eye(classes, dtype=np.float32)[shown] for m, shown in drawn.items()}
    # Neutral words are no evidence against the others: they carry their label, and are not judged alone.
    bland = rng.random(n) < recipe.neutral_words
    if "text" in banks:
        drawn["text"][bland], said["text"][bland] = LABELS.index("neutral"), np.eye(classes)[label[bland]]
    targets = {}
    for subset in subsets:
        target = np.mean([said[m] for m in subset], 0)  # [n, 7]
        target = (1 - recipe.smoothing) * target + recipe.smoothing / classes
        targets[subset] = torch.from_numpy(np.where(bland[:, None] & (subset == ("text",)), 0, target))
    inputs = {}
    for modality, shown in drawn.items():
        sequences = []
        for one in shown:
            sequence = _draw(banks[modality], one, modality, recipe, rng).astype(np.float32)
            sequence = normalisation.apply(modality, sequence)
            sequence += recipe.noise * rng.standard_normal(sequence.shape, np.float32)
            sequences.append(torch.from_numpy(sequence))
        inputs[modality] = Padded.of(sequences)
    return Batch(inputs, targets, torch.from_numpy(np.log(share)).float())


def drawn_share(frequency: np.ndarray, skew: float) -> np.ndarray:
    """How often each label is drawn [n], summing to 1: as often as it occurs, to the power ``skew``."""
    return frequency**skew / (frequency**skew).sum()


def _draw(bank: FeatureBank, label: int, modality: str, recipe: PairRecipe, rng: np.random.Generator) -> np.ndarray:
    """A random sequence of a class, as a clip would show it."""
    pool = bank.by_label[label]
    sequence = bank.sequence(pool[rng.integers(len(pool))])
    if modality == "video":  # a track of one person: some of the copies of one image
        return sequence[rng.integers(len(sequence), size=rng.integers(1, recipe.longest_track + 1))]
    if modality == "audio" and rng.random() < 0.5:  # recordings begin late and end early
        length = max(3, int(len(sequence) * rng.uniform(0.6, 1.0)))
        start = rng.integers(max(1, len(sequence) - length + 1))
        return sequence[start : start + length]
    return sequence
