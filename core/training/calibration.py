"""How sure verdicts may be, told by people and corpora that no model has met: temperatures and prediction sets.

Groups of strangers count alike, however many utterances are in each. What is said of one group is measured with the
calibration that fits the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from core import SUBSETS, subset_name
from core.fusion.checkpoint import Checkpoint
from core.fusion.model import FusionModel
from core.fusion.pairs import pairs_within
from core.fusion.prediction_sets import Calibration, threshold_of
from core.training.evaluation import Answers, LabelledUtterances, answers_of, figures_of

Strangers = Mapping[str, LabelledUtterances]
"""Name of each group: a person on camera, a corpus of voices."""


def fit_calibration(model: FusionModel, groups: Sequence[LabelledUtterances]) -> dict[str, Calibration]:
    """For each set of modalities that the model is defined for: the temperature with the least cross-entropy (Guo et
    al. 2017), and the threshold of prediction sets at that temperature.

    Where no group has a set of modalities its verdicts stay as they are, and nothing is ruled out.
    """
    calibration = {}
    for subset in SUBSETS:
        if not pairs_within(model.config.pairs, subset):
            continue
        judged = []
        for utterances in groups:
            complete = utterances.complete(subset)
            if complete.any():
                judged.append((utterances.logits(model, subset)[complete], utterances.labels[complete]))
        if not judged:
            calibration[subset_name(subset)] = Calibration(1.0, 0.0)
            continue
        temperature = best_temperature(judged)
        right = [softmax(logits / temperature, axis=1)[np.arange(len(truth)), truth] for logits, truth in judged]
        calibration[subset_name(subset)] = Calibration(temperature, threshold_of(right))
    return calibration


def best_temperature(judged: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """The divisor of the logits with the least cross-entropy, of the same weight on each of several (logits [n, 7],
    labels [n])."""
    tensors = [(torch.from_numpy(logits), torch.from_numpy(truth)) for logits, truth in judged]
    found = minimize_scalar(
        lambda log_t: sum(F.cross_entropy(z / np.exp(log_t), t).item() for z, t in tensors),
        bounds=(np.log(0.1), np.log(10.0)), method="bounded",
    )  # fmt: skip
    return float(np.exp(found.x))


def evaluate_strangers(
    checkpoint: Checkpoint, strangers: Strangers, together: Mapping[str, Sequence[str]]
) -> dict[str, dict]:
    """Figures of each group, for each set of modalities that it has; and of several groups together.

    Each group is judged with the calibration that fits all the others.

    Args:
        together: name -> groups that are put together under it; nothing is said of a name without any.

    Returns:
        Name of a group or of several -> set of modalities -> figures (see ``evaluation.evaluate_subset``).
    """
    answers = {name: _judged_by_others(checkpoint, strangers, name) for name in strangers}
    figures = {
        name: {subset: figures_of(strangers[name].labels, of_models) for subset, of_models in by_subset.items()}
        for name, by_subset in answers.items()
    }
    for name, groups in together.items():
        if not groups:
            continue
        truth = np.concatenate([strangers[group].labels for group in groups])
        figures[name] = {
            subset: figures_of(
                truth,
                {model: _joined([answers[group][subset][model] for group in groups]) for model in checkpoint.fusion},
            )
            for subset in answers[groups[0]]
            if all(subset in answers[group] for group in groups)
        }
    return figures


def _judged_by_others(checkpoint: Checkpoint, strangers: Strangers, name: str) -> dict[str, dict[str, Answers | None]]:
    """Set of modalities that any utterance of a group has -> model -> answers."""
    others = [utterances for other, utterances in strangers.items() if other != name]
    fitted = {model: fit_calibration(fusion, others) for model, fusion in checkpoint.fusion.items()}
    own = strangers[name]
    return {
        subset_name(subset): answers_of(replace(checkpoint, calibration=fitted), own, subset)
        for subset in SUBSETS
        if set(subset) <= set(own.sequences) and own.complete(subset).any()
    }


def _joined(answers: Sequence[Answers | None]) -> Answers | None:
    found = [each for each in answers if each is not None]
    if len(found) < len(answers):
        return None
    return Answers(np.concatenate([a.probabilities for a in found]), np.concatenate([a.sets for a in found]))
