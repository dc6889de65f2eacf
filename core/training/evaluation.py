"""Figures of merit of a pair of models on labelled utterances, for every set of modalities."""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from core import LABELS, MODELS, SUBSETS, Subset, subset_name
from core.datasets.bank import FeatureBank
from core.datasets.composed import ComposedUtterance
from core.datasets.labelled import LabelledSequences
from core.fusion.checkpoint import Checkpoint
from core.fusion.model import FusionModel, Padded
from core.fusion.normalisation import Normalisation
from core.fusion.pairs import pairs_within
from core.metrics import classification_metrics, expected_calibration_error


@dataclass(frozen=True)
class LabelledUtterances(LabelledSequences):
    """n utterances, whose sequences are normalised: float32 [T, D].

    Attributes:
        left_out: how many more recordings there are that cannot be used (see ``datasets.readable``).
    """

    left_out: int = 0

    @classmethod
    def normalised(cls, examples: LabelledSequences, normalisation: Normalisation) -> "LabelledUtterances":
        """Examples whose sequences are as they were extracted."""
        sequences = {m: [normalisation.apply(m, one) for one in found] for m, found in examples.sequences.items()}
        return cls(examples.labels, sequences)

    @classmethod
    def composed(
        cls, banks: dict[str, FeatureBank], utterances: list[ComposedUtterance], normalisation: Normalisation
    ) -> "LabelledUtterances":
        """What ``compose`` put together."""
        sequences = {m: [bank.sequence(u.indices[m]) for u in utterances] for m, bank in banks.items()}
        labels = np.array([utterance.label for utterance in utterances])
        return cls.normalised(LabelledSequences(labels, sequences), normalisation)

    @classmethod
    def single(cls, modality: str, bank: FeatureBank, normalisation: Normalisation) -> "LabelledUtterances":
        """The sequences of one modality's bank, each an utterance of its own."""
        sequences = [bank.sequence(i) for i in range(len(bank))]
        return cls.normalised(LabelledSequences(bank.labels, {modality: sequences}), normalisation)

    def some(self, count: int) -> "LabelledUtterances":
        """At most so many of them, the first ones."""
        return self.select(np.arange(len(self.labels)) < count)

    def complete(self, subset: Subset) -> np.ndarray:
        """bool [n], which have all modalities of ``subset``."""
        there = [[len(sequence) > 0 for sequence in self.sequences[m]] for m in subset]
        return np.logical_and.reduce(there)

    def balanced_accuracy(self, model: FusionModel, subset: Subset) -> float:
        """Of a model with only the modalities of ``subset``, its verdict defined for all utterances."""
        return classification_metrics(self.labels, self.logits(model, subset).argmax(1))["balanced_accuracy"]

    @torch.inference_mode()
    def logits(self, model: FusionModel, subset: Subset, batch: int = 128) -> np.ndarray:
        """float64 [n, 7] with only the modalities of ``subset``, wherever the model lies; NaN where undefined."""
        device, parts = next(model.parameters()).device, []
        for start in range(0, len(self), batch):
            rows = range(start, min(start + batch, len(self)))
            some = {m: [torch.from_numpy(self.sequences[m][i]) for i in rows] for m in subset}
            inputs = {m: Padded.of(found).to(device) for m, found in some.items()}
            parts.append(model(inputs).logits.cpu().double().numpy())
        return np.concatenate([np.zeros((0, len(LABELS))), *parts])


def fit_temperatures(
    model: FusionModel, validation: LabelledUtterances, clips: LabelledUtterances | None = None
) -> dict[str, float]:
    """Divisor of the logits for each set of modalities, least cross-entropy on validation (Guo et al. 2017).

    Args:
        clips: real ones, whose verdicts are less sure than composed ones: where a set is defined for any of them, both
            have the same weight, however many there are. There may be none.
    """
    temperatures = {}
    for subset in SUBSETS:
        if not pairs_within(model.config.pairs, subset):
            continue
        judged = []
        for utterances in (validation, clips):
            if utterances is not None:
                logits, truth = utterances.logits(model, subset), utterances.labels
                defined = utterances.complete(subset)
                if defined.any():
                    judged.append((logits[defined], truth[defined]))
        temperatures[subset_name(subset)] = best_temperature(judged)
    return temperatures


def best_temperature(judged: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """The divisor of the logits with the least cross-entropy, of the same weight on each of several (logits [n, 7],
    labels [n])."""
    tensors = [(torch.from_numpy(logits), torch.from_numpy(truth)) for logits, truth in judged]
    found = minimize_scalar(
        lambda log_t: sum(F.cross_entropy(z / np.exp(log_t), t).item() for z, t in tensors),
        bounds=(np.log(0.1), np.log(10.0)), method="bounded",
    )  # fmt: skip
    return float(np.exp(found.x))


def evaluate_subset(
    checkpoint: Checkpoint, utterances: LabelledUtterances, subset: Subset, log_prior: np.ndarray | None = None
) -> dict:
    """Figures of both models with the modalities of ``subset``, and how often the two agree.

    Args:
        log_prior: logarithm [7] of label frequencies that replace the uniform ones the models were trained with.

    Returns:
        ``cross`` (None where it is undefined for every utterance), ``self`` and ``agreement`` (None without
        cross). ``n`` counts the utterances with a verdict, ``undefined`` those without.
    """
    return _figures(utterances.labels, probabilities_of(checkpoint, utterances, subset, log_prior))


def evaluate_people(
    checkpoint: Checkpoint, clips: LabelledUtterances, people: np.ndarray, validation: LabelledUtterances
) -> dict[str, dict]:
    """``evaluate_subset`` for each set of modalities that a clip has, on people whom no model has met.

    How sure the verdicts on one person may be (the temperatures) is what fits the clips of the others, and composed
    utterances; of a single person it is what fits the latter.

    Args:
        people: str [n], who is seen in each clip.
    """
    found: dict[Subset, dict[str, np.ndarray | None]] = {}
    for person in np.unique(people):
        his = people == person
        others = clips.select(~his)
        temperature = {n: fit_temperatures(model, validation, others) for n, model in checkpoint.fusion.items()}
        fitted = replace(checkpoint, temperature=temperature)
        for subset in SUBSETS:
            if not clips.complete(subset).any():
                continue
            for name, some in probabilities_of(fitted, clips.select(his), subset).items():
                of_subset = found.setdefault(subset, {})
                if some is None:
                    of_subset.setdefault(name, None)
                    continue
                everybody = of_subset.get(name)
                if everybody is None:
                    of_subset[name] = everybody = np.full((len(people), len(LABELS)), np.nan)
                everybody[his] = some
    return {subset_name(subset): _figures(clips.labels, of_subset) for subset, of_subset in found.items()}


def probabilities_of(
    checkpoint: Checkpoint, utterances: LabelledUtterances, subset: Subset, log_prior: np.ndarray | None = None
) -> dict[str, np.ndarray | None]:
    """Model -> probabilities float64 [n, 7], NaN where undefined; None where that is everywhere."""
    found: dict[str, np.ndarray | None] = {}
    for name in MODELS:
        model = checkpoint.fusion[name]
        if not pairs_within(model.config.pairs, subset):
            found[name] = None  # cross-attention needs two modalities
            continue
        logits = utterances.logits(model, subset)
        if log_prior is not None:
            logits = logits + log_prior / len(subset)  # where training took them out (see ``fusion.batch_loss``)
        logits = logits / checkpoint.temperature[name][subset_name(subset)]
        found[name] = softmax(logits, axis=1) if np.isfinite(logits).any() else None
    return found


def _figures(truth: np.ndarray, found: dict[str, np.ndarray | None]) -> dict:
    result: dict = {}
    predictions = {}
    for name, probabilities in found.items():
        if probabilities is None:
            result[name] = None
            continue
        defined = np.isfinite(probabilities).all(1)
        predictions[name] = np.where(defined, np.nan_to_num(probabilities).argmax(1), -1)
        result[name] = classification_metrics(truth[defined], predictions[name][defined]) | {
            "undefined": int((~defined).sum()),
            "expected_calibration_error": expected_calibration_error(truth[defined], probabilities[defined]),
        }
    both = [np.ones(len(truth), bool), *(predicted >= 0 for predicted in predictions.values())]
    shared = np.logical_and.reduce(both)
    agree = len(predictions) == 2 and shared.any()
    result["agreement"] = float((predictions["cross"] == predictions["self"])[shared].mean()) if agree else None
    return result


def evaluate_pair(checkpoint: Checkpoint, utterances: LabelledUtterances) -> dict[str, dict]:
    """``evaluate_subset`` for each of the seven sets of modalities."""
    return {subset_name(subset): evaluate_subset(checkpoint, utterances, subset) for subset in SUBSETS}
