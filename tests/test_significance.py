"""Statistics against scipy, numbers worked out by hand and published examples."""

import math

import numpy as np
import pytest
from scipy import stats

from core.experiment.significance import (
    bayesian_t_test,
    corrected_t_test,
    effect_interval,
    equivalence_p,
    holm,
    mcnemar,
    smallest_detectable,
    vote,
    wilcoxon_p,
)

# Student's (1908) sleep data: extra hours of sleep with drug 2 less those with drug 1, ten patients.
SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])


def test_without_correction_it_is_students_t_test():
    test = corrected_t_test(SLEEP[:, None], 0.0)
    published = 4.0621, 0.002833  # R: t.test(extra ~ group, sleep, paired = TRUE)
    assert test.t == pytest.approx(published[0], abs=1e-4) and test.p == pytest.approx(published[1], abs=1e-6)
    assert test.interval == pytest.approx((0.7001142, 2.4598858), abs=1e-6)
    assert test.p == pytest.approx(stats.ttest_1samp(SLEEP, 0).pvalue)
    assert test.effect == pytest.approx(1.58 / SLEEP.std(ddof=1))


def test_the_correction_by_hand():
    # Fold means 1, 2, 3: mean 2, variance 1; n_test / n_train = 1/3 -> error sqrt(1/3 + 1/3), t = 2 / 0.8165.
    test = corrected_t_test(np.array([[0.0, 2.0], [2.0, 2.0], [4.0, 2.0]]), 1 / 3)
    assert test.difference == 2 and test.degrees == 2
    assert test.error == pytest.approx(math.sqrt(2 / 3)) and test.t == pytest.approx(2.449490)
    # Student's t with 2 degrees has the closed form p = 1 - t / sqrt(t^2 + 2).
    assert test.p == pytest.approx(1 - test.t / math.sqrt(test.t**2 + 2))


def test_seeds_that_share_folds_are_no_new_evidence():
    folds = np.array([0.01, 0.03, -0.01, 0.02, 0.005])[:, None]
    one, ten = corrected_t_test(folds, 0.33), corrected_t_test(np.tile(folds, 10), 0.33)
    assert ten.p == pytest.approx(one.p) and ten.degrees == 4
    assert stats.ttest_1samp(np.tile(folds, 10).ravel(), 0).pvalue < 0.001 < one.p


def test_false_alarms_are_as_rare_as_promised():
    """Fold effects of the same size as the noise: the fold is the unit, so 5 % stay 5 %."""
    chance = np.random.default_rng(0)
    alarms, naive = 0, 0
    for _ in range(1000):
        differences = chance.normal(0, 1, (5, 1)) + chance.normal(0, 1, (5, 10))
        alarms += corrected_t_test(differences, 0.0).p < 0.05
        naive += stats.ttest_1samp(differences.ravel(), 0).pvalue < 0.05
    assert 0.03 < alarms / 1000 < 0.07
    assert naive / 1000 > 0.3


def test_the_interval_of_the_effect_covers_as_promised():
    chance, covered = np.random.default_rng(1), 0
    for _ in range(300):
        sample = chance.normal(0.8, 1, 6)
        low, high = effect_interval(sample.mean() / sample.std(ddof=1), 6)
        covered += low <= 0.8 <= high
    assert 0.92 < covered / 300 < 0.98
    # Its bounds are the effects under which the observed t is a 2.5 % surprise.
    low, high = effect_interval(1.0, 9)
    assert stats.nct.sf(3.0, 8, 3 * low) == pytest.approx(0.025) and stats.nct.cdf(3.0, 8, 3 * high) == pytest.approx(
        0.025
    )


def test_equivalence_by_hand():
    differences = np.array([0.002, -0.001, 0.003, 0.000, 0.001])
    test = corrected_t_test(differences[:, None], 0.0)
    above = stats.ttest_1samp(differences, -0.01, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, 0.01, alternative="less").pvalue
    assert equivalence_p(test, 0.01) == pytest.approx(max(above, below))
    assert equivalence_p(test, 0.01) < 0.001 and equivalence_p(test, 0.0005) > 0.5
    # A wide interval is neither different nor equivalent.
    unsure = corrected_t_test(np.array([[0.05], [-0.06], [0.02], [-0.03]]), 0.33)
    assert unsure.p > 0.05 and equivalence_p(unsure, 0.02) > 0.05


def test_mcnemar_by_hand():
    truth = np.zeros(20, int)
    first, second = np.ones(20, int), np.ones(20, int)
    first[:9], second[7:9], second[10:11] = 0, 0, 0
    result = mcnemar(truth, first, second)
    assert (result.only_first, result.only_second) == (7, 1)
    assert result.p == pytest.approx(2 * (1 + 8) / 2**8)  # binomial(8, 1/2): at most one of eight, both sides
    assert mcnemar(truth, first, first).p == 1.0


def test_votes():
    predicted = np.array([[0, 1, 2, 3], [0, 2, 1, 2], [1, 2, 0, 2]])
    assert vote(predicted, 4).tolist() == [0, 2, 2, 2]  # the third utterance is a tie: the first seed names 2


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0] and holm([]) == []


def test_wilcoxon():
    # Wilcoxon (1945) ranks: eight positive differences without ties, p = 2 / 2^8.
    assert wilcoxon_p(np.arange(1.0, 9.0)[None]) == pytest.approx(2 / 256)
    assert wilcoxon_p(np.zeros((5, 2))) == 1.0


def test_degenerate_designs():
    assert corrected_t_test(np.array([[0.1, 0.2, 0.3]]), 0.1) is None  # one fold says nothing of other folds
    same = corrected_t_test(np.zeros((5, 3)), 0.3)
    assert same.p == 1.0 and same.difference == 0.0 and equivalence_p(same, 0.01) == 0.0
    constant = corrected_t_test(np.full((5, 3), 0.5), 0.3)
    assert constant.p == 0.0 and equivalence_p(constant, 0.1) == 1.0
    holes = corrected_t_test(np.array([[0.1, np.nan], [0.3, 0.3], [np.nan, np.nan]]), 0.0)
    assert holes.difference == pytest.approx(0.2) and holes.degrees == 1


def test_the_bayesian_t_test_by_hand():
    # Fold means 1, 2, 3 (mean 2, error sqrt(2/3), 2 degrees): Student's t with 2 degrees has a closed form.
    test = corrected_t_test(np.array([[1.0], [2.0], [3.0]]), 1 / 3)

    def below(x: float) -> float:
        t = (x - 2) / math.sqrt(2 / 3)
        return 0.5 + t / (2 * math.sqrt(2 + t**2))

    found = bayesian_t_test(test, 1.0)
    assert (found.below, found.within, found.above) == pytest.approx((below(-1), below(1) - below(-1), 1 - below(1)))
    # With no region the probability of either side is the one-sided p-value: a flat prior says what the test says.
    assert bayesian_t_test(test, 0.0).below == pytest.approx(test.p / 2)
    same, constant = (corrected_t_test(np.full((5, 1), value), 0.3) for value in (0.0, 0.5))
    assert bayesian_t_test(same, 0.01).within == 1 and bayesian_t_test(constant, 0.1).above == 1
    assert bayesian_t_test(constant, 0.6).within == 1


def test_the_smallest_difference_is_shown_four_times_in_five():
    chance = np.random.default_rng(2)
    test = corrected_t_test(chance.normal(0, 1, (5, 1)), 0.0)
    smallest = smallest_detectable(test)
    spread = test.error * math.sqrt(5)  # of the folds, as it was seen
    shown = sum(
        corrected_t_test(chance.normal(smallest, spread, (5, 1)), 0.0).p < 0.05 for _ in range(1000)
    )  # fmt: skip
    assert 0.76 < shown / 1000 < 0.84
    assert smallest_detectable(test, power=0.9) > smallest > abs(test.interval[1] - test.difference)
    assert smallest_detectable(corrected_t_test(np.zeros((5, 1)), 0.3)) == 0.0
