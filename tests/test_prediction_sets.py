"""Prediction sets hold the right class as often as was asked for, and no more classes than that takes."""

import numpy as np
import pytest

from core import LABELS
from core.analysis.results import Verdict
from core.fusion.prediction_sets import in_set, threshold_of


def test_the_threshold_is_what_nine_of_ten_right_classes_reach():
    # 19 clips and the next one make 20: 18 of them must be reached, the 18th largest of 0.05, 0.10, ..., 0.95 is 0.10.
    right = np.arange(1, 20) / 20
    assert threshold_of([right]) == pytest.approx(0.10)
    assert threshold_of([np.random.default_rng(0).permutation(right)]) == pytest.approx(0.10)
    assert threshold_of([right], coverage=0.5) == pytest.approx(0.50)
    assert threshold_of([right[:8]]) == 0.0, "nine cannot say what nine of ten are"


def test_groups_count_alike_however_large():
    sure, unsure = np.full(900, 0.9), np.full(100, 0.2)
    assert threshold_of([np.concatenate([sure, unsure])]) == pytest.approx(0.2)
    assert threshold_of([sure, unsure], coverage=0.45) == pytest.approx(0.9)
    assert threshold_of([sure, unsure], coverage=0.55) == pytest.approx(0.2)


def test_coverage_on_clips_like_those_that_were_kept_aside():
    chance = np.random.default_rng(0)
    truth, probabilities = chance.integers(7, size=4000), chance.dirichlet(np.full(7, 0.6), 4000)
    # As sure as they are right: the truth is drawn from what is said.
    truth = np.array([chance.choice(7, p=row) for row in probabilities])
    right = probabilities[np.arange(4000), truth]
    sets = in_set(probabilities[2000:], threshold_of([right[:2000]]))
    assert sets[np.arange(2000), truth[2000:]].mean() == pytest.approx(0.9, abs=0.02)
    assert 2 < sets.sum(1).mean() < 4


def test_a_verdict_names_its_set_the_most_probable_first():
    probabilities = np.array([0.05, 0.3, 0.4, 0.15, 0.04, 0.03, 0.03])
    assert Verdict("self", probabilities, {}, 0.15).prediction_set == (LABELS[2], LABELS[1], LABELS[3])
    assert Verdict("self", probabilities, {}, 0.9).prediction_set == (LABELS[2],), "never empty"
    assert Verdict("self", probabilities, {}, 0.15).to_json()["set"] == [LABELS[2], LABELS[1], LABELS[3]]
