"""What the models say of somebody's neutral seconds, to be taken off what they say later.

A face at rest may look angry to a model, a voice sad, always in the same way. Here such a habit is measured for a few
seconds and subtracted from the logarithms of later probabilities: what remains is what has changed since. A moment
that is like those seconds then has all classes equal, whatever the models make of it.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from core import Subset
from core.analysis.results import Prediction, Predictions, Verdict

MIN_PROBABILITY = 1e-6  # a probability below it counts as this: one moment must not decide a mean of logarithms


@dataclass
class Baseline:
    """Sums of log-probabilities, for each model and each set of modalities that was there."""

    _sums: dict[tuple[str, Subset], np.ndarray] = field(default_factory=dict)
    _moments: dict[tuple[str, Subset], int] = field(default_factory=dict)

    def add(self, predictions: Predictions) -> None:
        """Takes in one more moment."""
        for subset, prediction in predictions.items():
            for name, verdict in prediction.verdicts().items():
                if verdict is not None:
                    key = name, subset
                    self._sums[key] = self._sums.get(key, 0.0) + _log(verdict)
                    self._moments[key] = self._moments.get(key, 0) + 1

    def covers(self, subset: Subset) -> bool:
        """Whether anything was measured from just these modalities."""
        return ("self", subset) in self._sums

    def taken_off(self, prediction: Prediction) -> Prediction:
        """The prediction without the habit; as it was if these modalities were not measured together."""
        return replace(
            prediction,
            cross=self._verdict(prediction, prediction.cross),
            self_=self._verdict(prediction, prediction.self_),
            more={name: self._verdict(prediction, verdict) for name, verdict in prediction.more.items()},
        )

    def _verdict(self, prediction: Prediction, verdict: Verdict | None) -> Verdict | None:
        if verdict is None:
            return None
        key = verdict.model, prediction.used
        if key not in self._sums:
            return verdict
        changed = _log(verdict) - self._sums[key] / self._moments[key]
        weights = np.exp(changed - changed.max())
        return replace(verdict, probabilities=weights / weights.sum())


def _log(verdict: Verdict) -> np.ndarray:
    return np.log(np.maximum(verdict.probabilities, MIN_PROBABILITY))
