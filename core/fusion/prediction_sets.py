"""Prediction sets: instead of one class all those that are not ruled out, as many as being right takes.

Split conformal prediction (Vovk et al. 2005; Sadinle et al. 2019): a class stands in the set if its probability reaches
a threshold that the right class has reached in nine of ten clips that were kept aside for that. The guarantee holds for
clips like those; for strangers, who are not, coverage is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COVERAGE = 0.9  # share of the clips whose right class the set should hold


@dataclass(frozen=True)
class Calibration:
    """How sure one model may be with one set of modalities.

    Attributes:
        temperature: divisor of the logits.
        threshold: least probability of a class in the prediction set, in [0, 1].
    """

    temperature: float
    threshold: float


def threshold_of(right: Sequence[np.ndarray], coverage: float = COVERAGE) -> float:
    """What the right class reaches in a share ``coverage`` of the clips; 0 if they are too few to say.

    Args:
        right: probability of the right class in each clip [n] of several groups of clips; each group has the same
            weight, however many clips are in it.
    """
    values = np.concatenate(right)
    weights = np.concatenate([np.full(len(group), 1 / len(group)) for group in right if len(group)])
    order = np.argsort(-values, kind="stable")
    # The next clip is one more of them, of which nothing is known.
    reached = np.cumsum(weights[order]) / weights.sum() * len(values) / (len(values) + 1)
    enough = np.flatnonzero(reached >= coverage - 1e-12)
    return float(values[order][enough[0]]) if len(enough) else 0.0


def in_set(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Which classes [..., C] stand in the prediction set of probabilities [..., C]; the most probable always does."""
    return (probabilities >= threshold) | (probabilities == probabilities.max(-1, keepdims=True))
