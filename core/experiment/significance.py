"""Is the difference between two models real? Pure functions on arrays; scipy does the distributions.

The unit of inference is the fold. Seeds that share a fold share its test utterances, so they are averaged
first: for this balanced design that is the test of the mean in a mixed model with a random effect of the
fold, and ten seeds cannot pass for fifty independent experiments. Folds share training utterances too, for
which Nadeau and Bengio's correction widens the standard error.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats


@dataclass(frozen=True)
class PairedTest:
    """Corrected resampled t-test of paired differences (Nadeau and Bengio 2003, "Inference for the
    generalization error").

    Attributes:
        difference: mean of the fold means.
        error: corrected standard error of it.
        degrees: of freedom.
        t, p: statistic and two-sided p-value.
        interval: confidence interval of the difference.
        effect: Cohen's d_z of the fold means: mean over standard deviation.
        effect_interval: its confidence interval, from the noncentral t distribution, uncorrected.
    """

    difference: float
    error: float
    degrees: int
    t: float
    p: float
    interval: tuple[float, float]
    effect: float
    effect_interval: tuple[float, float]


def corrected_t_test(differences: np.ndarray, test_share: float, confidence: float = 0.95) -> PairedTest | None:
    """Tests whether the mean of paired differences is zero; None with fewer than two folds.

    Args:
        differences: [folds, seeds]; NaN where a job is missing.
        test_share: test utterances / training utterances. 0 gives the ordinary t-test of the fold means.
    """
    folds = _fold_means(differences)
    n = len(folds)
    if n < 2:
        return None
    mean, variance = folds.mean(), folds.var(ddof=1)
    error = np.sqrt((1 / n + test_share) * variance)
    if variance == 0:  # equal in every fold: no doubt about the difference, whatever it is
        t, p = (0.0, 1.0) if mean == 0 else (np.sign(mean) * np.inf, 0.0)
    else:
        t = mean / error
        p = 2 * stats.t.sf(abs(t), n - 1)
    reach = stats.t.ppf(0.5 + confidence / 2, n - 1) * error
    effect = mean / np.sqrt(variance) if variance > 0 else float(t)
    return PairedTest(
        difference=float(mean), error=float(error), degrees=n - 1, t=float(t), p=float(p),
        interval=(float(mean - reach), float(mean + reach)),
        effect=float(effect), effect_interval=effect_interval(float(effect), n, confidence),
    )  # fmt: skip


def effect_interval(effect: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a one-sample standardised mean, by inverting the noncentral t distribution."""
    if not np.isfinite(effect):
        return effect, effect
    t = effect * np.sqrt(n)

    def above(noncentrality: float, probability: float) -> float:
        share = stats.nct.cdf(t, n - 1, noncentrality)
        if np.isnan(share):  # scipy gives up far out in the tails, where the share is 0 or 1
            share = float(noncentrality < t)
        return share - probability

    def bound(probability: float) -> float:
        reach = 10 + 10 * abs(t)
        return float(optimize.brentq(above, t - reach, t + reach, args=(probability,)) / np.sqrt(n))

    return bound(0.5 + confidence / 2), bound(0.5 - confidence / 2)


def equivalence_p(test: PairedTest, margin: float) -> float:
    """Two one-sided tests (Schuirmann 1987): p-value of "the difference is not within +-margin".

    "Not significantly different" is no evidence of equality; a small value of this is.
    """
    if test.error == 0:
        return 0.0 if abs(test.difference) < margin else 1.0
    above = stats.t.sf((test.difference + margin) / test.error, test.degrees)
    below = stats.t.cdf((test.difference - margin) / test.error, test.degrees)
    return float(max(above, below))


def smallest_detectable(test: PairedTest, power: float = 0.8, level: float = 0.05) -> float:
    """The smallest true difference that the corrected t-test would have shown with this probability, in [0, inf).

    It supposes that folds differ as much as they were seen to: a smaller difference may be there all the same.
    """
    if test.error == 0:
        return 0.0
    critical = stats.t.ppf(1 - level / 2, test.degrees)

    def lacks(noncentrality: float) -> float:
        shown = stats.nct.sf(critical, test.degrees, noncentrality)
        wrong_side = stats.nct.cdf(-critical, test.degrees, noncentrality)
        return float(np.nan_to_num(shown, nan=1.0) + np.nan_to_num(wrong_side)) - power

    return float(optimize.brentq(lacks, 0.0, 10 * critical + 10) * test.error)


@dataclass(frozen=True)
class Posterior:
    """Probabilities that the true difference lies below, within or above the region of practical equivalence."""

    below: float
    within: float
    above: float


def bayesian_t_test(test: PairedTest, margin: float) -> Posterior:
    """Bayesian correlated t-test (Corani and Benavoli 2015) with the region of practical equivalence ±``margin``.

    The posterior of the difference is Student's t around the observed one; with the correlation that Nadeau and Bengio
    assume, test utterances over all, its scale is the corrected standard error.
    """
    if test.error == 0:
        where = np.sign(test.difference) * (abs(test.difference) >= margin)
        return Posterior(float(where < 0), float(where == 0), float(where > 0))
    posterior = stats.t(test.degrees, test.difference, test.error)
    below, above = float(posterior.cdf(-margin)), float(posterior.sf(margin))
    return Posterior(below, 1 - below - above, above)


def wilcoxon_p(differences: np.ndarray) -> float:
    """Signed-rank test over fold x seed pairs, two-sided; it takes them for independent, which flatters it."""
    values = differences[~np.isnan(differences)]
    if not np.any(values):
        return 1.0
    return float(stats.wilcoxon(values).pvalue)


@dataclass(frozen=True)
class McNemar:
    """Exact McNemar test: ``only_first`` and ``only_second`` utterances that one model alone gets right."""

    only_first: int
    only_second: int
    p: float


def mcnemar(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> McNemar:
    """Compares two models' predictions of the same utterances, class indices [n] each."""
    right, also_right = first == truth, second == truth
    only_first, only_second = int((right & ~also_right).sum()), int((~right & also_right).sum())
    if only_first + only_second == 0:
        return McNemar(0, 0, 1.0)
    return McNemar(only_first, only_second, float(stats.binomtest(only_first, only_first + only_second).pvalue))


def vote(predicted: np.ndarray, classes: int) -> np.ndarray:
    """Plurality of several seeds' predictions [seeds, n] -> [n]; a tie goes to the tied class named first."""
    counts = (predicted[:, :, None] == np.arange(classes)).sum(0)  # [n, classes]
    tied = counts == counts.max(1, keepdims=True)
    among = np.take_along_axis(tied, predicted.T, 1)  # [n, seeds]: whether this seed names a tied class
    return predicted.T[np.arange(predicted.shape[1]), among.argmax(1)]


def holm(p_values: list[float]) -> list[float]:
    """Holm's (1979) step-down adjustment for several tests, in the order given."""
    n, adjusted, largest = len(p_values), [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (n - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _fold_means(differences: np.ndarray) -> np.ndarray:
    """[folds, seeds] -> the mean over seeds of each fold that has any."""
    differences = np.asarray(differences, float)
    return np.nanmean(differences[~np.isnan(differences).all(1)], 1)
