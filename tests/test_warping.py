"""The path of time warping, and the medians it is laid through, are those that Whisper's own code finds."""

import numpy as np
import pytest
import torch
import whisper.timing

from core.encoders import whisper_reader
from core.encoders.warping import MEDIANS_AT_A_TIME, medians, warping_path, whispers_medians, whispers_path


@pytest.fixture
def same_threads():
    """What Whisper's own sets, as many as there are cores, is taken back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (7, 40), (40, 7), (25, 250)])
def test_the_path_is_whispers(size, same_threads):
    chance = np.random.default_rng(sum(size))
    for costs in (chance.standard_normal(size), chance.integers(0, 2, size).astype(float), np.zeros(size)):
        np.testing.assert_array_equal(warping_path(costs), whispers_path(costs))


def test_a_path_by_hand():
    costs = np.array([[0.0, 9.0, 9.0, 9.0], [9.0, 0.0, 0.0, 9.0], [9.0, 9.0, 9.0, 0.0]])
    assert warping_path(costs).tolist() == [[0, 1, 1, 2], [0, 1, 2, 3]]


@pytest.mark.parametrize("size", [(8, 1, 2), (8, 1, 3), (6, 25, 220), (2, 400, 200), (3, 5, 4)])
def test_the_medians_are_whispers(size):
    weights = torch.from_numpy(np.random.default_rng(sum(size)).standard_normal(size))
    assert torch.equal(medians(weights, 7), whispers_medians(weights, 7))
    assert size[1] * size[2] < MEDIANS_AT_A_TIME or size[0] == 2, "of one size each head is sorted alone"


def test_medians_by_hand():
    spikes = torch.tensor([[[0.0, 5.0, 0.0, 0.0, 9.0, 9.0, 0.0]]])
    assert medians(spikes, 3).tolist() == [[[5.0, 0.0, 0.0, 0.0, 9.0, 9.0, 9.0]]]


def test_whisper_takes_them():
    assert whisper_reader.add_word_timestamps.__module__ == "whisper.timing"
    assert whisper.timing.dtw_cpu is warping_path is not whispers_path
    assert whisper.timing.median_filter is medians is not whispers_medians
