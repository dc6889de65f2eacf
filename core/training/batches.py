"""What a fusion model sees in training: composed utterances, drawn anew for every batch, and what to say of each."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from core import LABELS, MODALITIES, Subset
from core.datasets.bank import FeatureBank
from core.datasets.multimodal import MultimodalClips
from core.device import to_device
from core.fusion.model import LocalEncoder, Padded
from core.fusion.normalisation import Normalisation
from core.training.loop import Recipe

NEUTRAL = LABELS.index("neutral")


@dataclass(frozen=True)
class PairRecipe:
    """Everything that decides what a fusion model becomes.

    Attributes:
        steps: batches an epoch; composition has no natural epoch.
        skew: a label is drawn as often as the corpora of the words have it, to this power; 0 draws all equally often.
            Rare lines would otherwise be learned by heart. The loss takes the frequencies out again.
        incongruent: probability that one modality is of another class.
        neutral: modality -> probability that it is neutral while the label stays, as most sentences are and many faces:
            at least one of the others shows it.
        calm: of the pictures of a face at most so many are of a neutral one: people who talk show what they feel now
            and then.
        longest_track: at most so many faces a composed track.
        moments: real clips that join each batch, where there are any.
        noise: standard deviation added to normalised features.
        smoothing: share of each label that is spread over all classes.
        input_dropout: of each modality's normalised features.
        deviation_dropout: probability that an utterance is predicted from the mean of its streams alone. The deviation
            learns by heart which voice goes with which face; the mean adds up what each says.
        alone: weight of the verdicts from one modality alone, each other set having weight 1: beside the others the
            weaker ones would hardly be heard.
        voiceless: utterances without a voice that join each batch. Voices are few and soon known by heart, while lines
            and faces still have something to teach.
        every_set: whether each utterance is predicted from every set of its modalities, or from all of them only.
    """

    optimisation: Recipe = field(
        default_factory=lambda: Recipe(epochs=3, learning_rate=2e-3, weight_decay=0.02, ema_decay=0.995, monitor="")
    )
    batch: int = 64
    steps: int = 200
    skew: float = 0.5
    incongruent: float = 0.3
    neutral: dict[str, float] = field(default_factory=lambda: {"text": 0.4, "video": 0.2})
    calm: float = 0.6
    longest_track: int = 8
    moments: int = 12
    noise: float = 0.2
    smoothing: float = 0.05
    input_dropout: dict[str, float] = field(default_factory=lambda: {"text": 0.8, "audio": 0.5, "video": 0.2})
    deviation_dropout: float = 0.8
    alone: float = 3.0
    every_set: bool = True
    voiceless: int = 64
    local: dict[str, LocalEncoder] = field(
        default_factory=lambda: {"video": LocalEncoder(kernel=3), "audio": LocalEncoder(kernel=3)}
    )


@dataclass(frozen=True)
class Batch:
    """Utterances, and what to say of each from each set of modalities.

    Attributes:
        inputs: a modality whose corpora lack the class that an utterance should show is absent from it.
        targets: set of modalities -> distribution over labels [B, 7]; a row of zeros is not taught.
        log_share: logarithm [7] of how often each label is drawn.
    """

    inputs: dict[str, Padded]
    targets: dict[Subset, Tensor]
    log_share: Tensor

    def to(self, device: str) -> "Batch":
        """The same batch on a device."""
        return Batch(
            {m: padded.to(device) for m, padded in self.inputs.items()},
            {subset: to_device(target, device) for subset, target in self.targets.items()},
            self.log_share.to(device),
        )


def compose_batch(
    banks: dict[str, FeatureBank], normalisation: Normalisation, subsets: list[Subset], recipe: PairRecipe,
    rng: np.random.Generator,
) -> Batch:  # fmt: skip
    """A batch of new utterances, with everything the recipe lets happen to them."""
    n, classes = recipe.batch, len(LABELS)
    frequency = banks["text"].label_frequencies() if "text" in banks else np.full(classes, 1 / classes)
    share = drawn_share(frequency, recipe.skew)
    label = rng.choice(classes, n, p=share)
    drawn = {m: label.copy() for m in banks}  # modality -> the class [n] that it shows
    incongruent = rng.random(n) < recipe.incongruent
    which = rng.integers(len(MODALITIES), size=n)
    for column, modality in enumerate(MODALITIES):
        if modality in banks:
            rows = incongruent & (which == column)
            drawn[modality][rows] = rng.choice(classes, rows.sum(), p=share)
    # What is neutral is no evidence against the others: it carries their label, alone as well. Pooling adds up what
    # each modality says, so that words which alone were surely neutral would be so beside an angry voice, too.
    may_be = ~incongruent & (label != NEUTRAL)
    neutral = {m: may_be & (rng.random(n) < recipe.neutral.get(m, 0)) & banks[m].has[NEUTRAL] for m in banks}
    for modality in banks:
        others = [neutral[m] for m in banks if m != modality]
        neutral[modality] &= ~np.logical_and.reduce(others, initial=True)  # none is neutral alone
        drawn[modality][neutral[modality]] = NEUTRAL
    chosen = {m: np.array([_draw(banks[m], one, rng) for one in shown]) for m, shown in drawn.items()}  # -1 for none
    # The label says what the modalities say: each has its share.
    said = {m: banks[m].soft_labels[rows] for m, rows in chosen.items()}
    for modality, rows in neutral.items():
        said[modality][rows] = np.eye(classes)[label[rows]]
    there = {m: rows >= 0 for m, rows in chosen.items()}  # bool [n]
    targets = {}
    for subset in subsets:
        target = np.mean([said[m] for m in subset], 0)  # [n, 7]
        target = (1 - recipe.smoothing) * target + recipe.smoothing / classes
        taught = np.logical_and.reduce([there[m] for m in subset])
        targets[subset] = torch.from_numpy(np.where(taught[:, None], target, 0))
    inputs = {}
    for modality, rows in chosen.items():
        bank, sequences = banks[modality], []
        for row in rows:
            sequence = bank.sequence(row) if row >= 0 else bank.values[:0]
            recorded = _as_recorded(sequence, modality, bank, recipe, rng)
            sequences.append(_noisy(normalisation.apply(modality, recorded), recipe, rng))
        inputs[modality] = Padded.of(sequences)
    return Batch(inputs, targets, torch.from_numpy(np.log(share)).float())


def moment_batch(
    moments: MultimodalClips, normalisation: Normalisation, subsets: list[Subset], recipe: PairRecipe,
    rng: np.random.Generator,
) -> Batch:  # fmt: skip
    """Real clips, each label equally often; half of them begin late and end early, with fewer pictures a second.

    A label that no clip has is not possible: recording conditions and language are no evidence against it.
    """
    n, classes = recipe.moments, len(LABELS)
    labels = rng.choice(list(moments.pools), n)
    chosen = [rng.choice(moments.pools[label]) for label in labels]
    possible = moments.possible / moments.possible.sum()
    inputs: dict[str, list[Tensor]] = {m: [] for m in moments.sequences}
    for i in chosen:
        share = rng.uniform(0.6, 1.0) if rng.random() < 0.5 else 1.0
        begin = rng.uniform(0, 1 - share)
        for modality, found in moments.sequences.items():
            sequence = found[i]
            if modality == "video":
                every = rng.integers(1, 7)
                sequence = sequence[rng.integers(every) :: every] if len(sequence) > every else sequence
            if modality != "text":
                start = int(begin * len(sequence))
                sequence = sequence[start : max(start + 1, round((begin + share) * len(sequence)))]
            inputs[modality].append(_noisy(normalisation.apply(modality, sequence), recipe, rng))
    there = {m: np.array([len(sequence) > 0 for sequence in found]) for m, found in inputs.items()}
    target = (1 - recipe.smoothing) * np.eye(classes)[labels] + recipe.smoothing * possible
    targets = {}
    for subset in subsets:
        taught = np.logical_and.reduce([there[m] for m in subset])
        targets[subset] = torch.from_numpy(np.where(taught[:, None], target, 0)).float()
    # Not minus infinity: no share of a target times it is a number.
    log_share = np.where(possible > 0, np.log(np.maximum(possible, 1e-9)), -1e4)
    padded = {m: Padded.of(found) for m, found in inputs.items()}
    return Batch(padded, targets, torch.from_numpy(log_share).float())


def drawn_share(frequency: np.ndarray, skew: float) -> np.ndarray:
    """How often each label is drawn [n], summing to 1: as often as it occurs, to the power ``skew``."""
    return floored(frequency) ** skew / (floored(frequency) ** skew).sum()


def floored(frequency: np.ndarray) -> np.ndarray:
    """Frequencies [n] in which a label that does not occur counts as the rarest that does: other modalities show it."""
    occurring = frequency[frequency > 0]
    return np.where(frequency > 0, frequency, occurring.min()) if len(occurring) else np.ones_like(frequency)


def _draw(bank: FeatureBank, label: int, rng: np.random.Generator) -> int:
    """Index of a random sequence of a class, from each corpus equally often; -1 if none has it."""
    pools = bank.pools[label]
    if not pools:
        return -1
    pool = pools[rng.integers(len(pools))]
    return int(pool[rng.integers(len(pool))])


def _noisy(normalised: np.ndarray, recipe: PairRecipe, rng: np.random.Generator) -> Tensor:
    """Features float32 [T, D] with the recipe's noise."""
    return torch.from_numpy(normalised + recipe.noise * rng.standard_normal(normalised.shape, np.float32))


def _as_recorded(
    sequence: np.ndarray, modality: str, bank: FeatureBank, recipe: PairRecipe, rng: np.random.Generator
) -> np.ndarray:
    """A sequence [T, D] of a bank as a clip would show it."""
    if not len(sequence):
        return sequence
    if modality == "video":  # a track: some of the copies of one image, and some of a neutral one
        track = sequence[rng.integers(len(sequence), size=rng.integers(1, recipe.longest_track + 1))]
        calm = int(rng.uniform(0, recipe.calm) * len(track))
        if calm and (other := _draw(bank, NEUTRAL, rng)) >= 0:
            face = bank.sequence(other)
            track[rng.permutation(len(track))[:calm]] = face[rng.integers(len(face), size=calm)]
        return track
    if modality == "audio" and rng.random() < 0.5:  # recordings begin late and end early
        length = max(3, int(len(sequence) * rng.uniform(0.6, 1.0)))
        start = rng.integers(max(1, len(sequence) - length + 1))
        return sequence[start : start + length]
    return sequence
