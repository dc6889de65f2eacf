"""Figures of merit of the models of a checkpoint on labelled utterances, for every set of modalities."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import softmax

from core import LABELS, MODELS, Subset, subset_name, subset_of
from core.datasets.bank import FeatureBank
from core.datasets.composed import ComposedUtterance
from core.datasets.labelled import LabelledSequences
from core.fusion.checkpoint import Checkpoint
from core.fusion.model import FusionModel, Padded
from core.fusion.normalisation import Normalisation
from core.fusion.pairs import pairs_within
from core.fusion.prediction_sets import in_set
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

    @property
    def modalities(self) -> Subset:
        """Those that any utterance has; all of them where there are no utterances."""
        found = subset_of(m for m in self.sequences if self.complete((m,)).any())
        return found or subset_of(self.sequences)

    def some(self, count: int) -> "LabelledUtterances":
        """At most so many of them, the first ones."""
        return self.select(np.arange(len(self.labels)) < count)

    def complete(self, subset: Subset) -> np.ndarray:
        """bool [n], which have all modalities of ``subset``."""
        if not set(subset) <= set(self.sequences):
            return np.zeros(len(self), bool)
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


@dataclass(frozen=True)
class Answers:
    """What one model says of n utterances.

    Attributes:
        probabilities: float64 [n, 7], NaN where undefined.
        sets: bool [n, 7], which labels stand in the prediction set; none where undefined.
    """

    probabilities: np.ndarray
    sets: np.ndarray

    @property
    def defined(self) -> np.ndarray:
        """bool [n]."""
        return np.isfinite(self.probabilities).all(1)


def answers_of(
    checkpoint: Checkpoint, utterances: LabelledUtterances, subset: Subset, log_prior: np.ndarray | None = None
) -> dict[str, Answers | None]:
    """Model -> what it says with the modalities of ``subset``; None where that is undefined for every utterance."""
    found: dict[str, Answers | None] = {}
    for name, model in checkpoint.fusion.items():
        if not pairs_within(model.config.pairs, subset):
            found[name] = None  # cross-attention needs two modalities
            continue
        logits = utterances.logits(model, subset)
        if log_prior is not None:
            logits = logits + log_prior / len(subset)  # where training took them out (see ``fusion.batch_loss``)
        calibration = checkpoint.calibration[name][subset_name(subset)]
        probabilities = softmax(logits / calibration.temperature, axis=1)
        found[name] = Answers(probabilities, in_set(probabilities, calibration.threshold))
        if not np.isfinite(probabilities).any():
            found[name] = None
    return found


def evaluate_subset(
    checkpoint: Checkpoint, utterances: LabelledUtterances, subset: Subset, log_prior: np.ndarray | None = None
) -> dict:
    """Figures of each model with the modalities of ``subset``, and how often cross and self agree.

    Args:
        log_prior: logarithm [7] of label frequencies that replace the uniform ones the models were trained with.

    Returns:
        ``cross`` (None where it is undefined for every utterance), ``self``, more models by their names, and
        ``agreement`` (None without cross). ``n`` counts the utterances with a verdict, ``undefined`` those without;
        ``coverage`` is the share of prediction sets that hold the right label, ``set_size`` how many labels they hold
        on average.
    """
    return figures_of(utterances.labels, answers_of(checkpoint, utterances, subset, log_prior))


def figures_of(truth: np.ndarray, found: dict[str, Answers | None]) -> dict:
    """See ``evaluate_subset``; ``truth`` int64 [n]."""
    result: dict = {}
    predictions = {}
    for name, answers in found.items():
        if answers is None:
            result[name] = None
            continue
        defined = answers.defined
        predictions[name] = np.where(defined, np.nan_to_num(answers.probabilities).argmax(1), -1)
        right, sets = truth[defined], answers.sets[defined]
        result[name] = classification_metrics(right, predictions[name][defined]) | {
            "undefined": int((~defined).sum()),
            "expected_calibration_error": expected_calibration_error(right, answers.probabilities[defined]),
            "coverage": float(sets[np.arange(len(right)), right].mean()),
            "set_size": float(sets.sum(1).mean()),
        }
    cross, self_ = (predictions.get(name, np.full(len(truth), -1)) for name in MODELS)
    shared = (cross >= 0) & (self_ >= 0)
    result["agreement"] = float((cross == self_)[shared].mean()) if shared.any() else None
    return result
