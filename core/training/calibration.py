"""How sure verdicts may be, told by people and corpora that no model has met: temperatures and prediction sets.

Groups of strangers count alike, however many utterances are in each. What is said of one group is measured with the
calibration that fits the others.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from core import SUBSETS, subset_name
from core.fusion.model import FusionModel
from core.fusion.pairs import pairs_within
from core.fusion.prediction_sets import Calibration, in_set, threshold_of
from core.training.evaluation import Answers, LabelledUtterances, figures_of

Strangers = Mapping[str, LabelledUtterances]
"""Name of each group: a person on camera ("javased/03"), a corpus of voices ("composed/nemo") or one of its speakers
("composed/emovo/f1")."""


Judged = dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]
"""Set of modalities -> group that has it -> logits float64 [n, 7] and labels [n] of its complete utterances."""

Telling = Mapping[str, Collection[str]]
"""Set of modalities -> the groups that tell how sure verdicts from it may be."""


def judge(model: FusionModel, groups: Strangers) -> Judged:
    """What a model says of each group with each set of modalities that it is defined for."""
    found: Judged = {}
    for subset in SUBSETS:
        if not pairs_within(model.config.pairs, subset):
            continue
        of_groups = found.setdefault(subset_name(subset), {})
        for name, utterances in groups.items():
            complete = utterances.complete(subset)
            if complete.any():
                of_groups[name] = utterances.logits(model, subset)[complete], utterances.labels[complete]
    return found


def fit_calibration(judged: Judged, by: Telling | None = None) -> dict[str, Calibration]:
    """For each set of modalities the temperature with the least cross-entropy (Guo et al. 2017), and the threshold of
    prediction sets at that temperature.

    Where no group has a set of modalities its verdicts stay as they are, and nothing is ruled out.

    Args:
        by: all groups tell if it is None.
    """
    calibration = {}
    for subset, by_group in judged.items():
        groups = [of_group for name, of_group in by_group.items() if by is None or name in by[subset]]
        if not groups:
            calibration[subset] = Calibration(1.0, 0.0)
            continue
        temperature = best_temperature(groups)
        right = [softmax(logits / temperature, axis=1)[np.arange(len(truth)), truth] for logits, truth in groups]
        calibration[subset] = Calibration(temperature, threshold_of(right))
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
    judged: dict[str, Judged], together: Mapping[str, Sequence[str]], by: Telling | None = None
) -> dict[str, dict]:
    """Figures of each group, for each set of modalities that it has; and of several groups together.

    Each group is judged with the calibration that fits all the others, but for those of the same person. Utterances
    that lack one of the modalities are left out.

    Args:
        judged: model -> see ``judge``.
        together: name -> groups that are put together under it; nothing is said of a name without any.
        by: all groups tell if it is None, and where nobody else is left to tell.

    Returns:
        Name of a group or of several -> set of modalities -> figures (see ``evaluation.evaluate_subset``).
    """
    names = list(dict.fromkeys(name for of_model in judged.values() for of_set in of_model.values() for name in of_set))
    answers = {}
    for name in names:
        others = [other for other in names if _whose(other) != _whose(name)]
        telling = {s: [o for o in others if by is None or o in by[s]] or others for s in map(subset_name, SUBSETS)}
        answers[name] = _judged_by_others(judged, name, telling)
    figures: dict[str, dict] = {
        name: {subset: figures_of(truth, models) for subset, (truth, models) in by_subset.items()}
        for name, by_subset in answers.items()
    }
    for name, groups in together.items():
        shared = set.intersection(*(set(answers[group]) for group in groups)) if groups else set()
        for subset in (subset_name(s) for s in SUBSETS if subset_name(s) in shared):
            truth = np.concatenate([answers[group][subset][0] for group in groups])
            models = {model: _joined([answers[group][subset][1][model] for group in groups]) for model in judged}
            figures.setdefault(name, {})[subset] = figures_of(truth, models)
    return figures


def _whose(name: str) -> str:
    """Corpus and person of a group that is one person's, whatever was composed with the voice."""
    return "/".join(name.split("/")[-2:])


def _judged_by_others(
    judged: dict[str, Judged], name: str, others: Telling
) -> dict[str, tuple[np.ndarray, dict[str, Answers | None]]]:
    """Set of modalities that a group has -> its labels, and model -> answers as sure as fits the others."""
    fitted = {model: fit_calibration(of_model, others) for model, of_model in judged.items()}
    found: dict[str, tuple[np.ndarray, dict[str, Answers | None]]] = {}
    for subset in map(subset_name, SUBSETS):
        own = {model: of_model[subset][name] for model, of_model in judged.items() if name in of_model.get(subset, {})}
        if not own:
            continue
        answers: dict[str, Answers | None] = dict.fromkeys(judged)
        for model, (logits, _) in own.items():
            calibration = fitted[model][subset]
            probabilities = softmax(logits / calibration.temperature, axis=1)
            answers[model] = Answers(probabilities, in_set(probabilities, calibration.threshold))
        found[subset] = next(iter(own.values()))[1], answers
    return found


def _joined(answers: Sequence[Answers | None]) -> Answers | None:
    found = [each for each in answers if each is not None]
    if len(found) < len(answers):
        return None
    return Answers(np.concatenate([a.probabilities for a in found]), np.concatenate([a.sets for a in found]))
