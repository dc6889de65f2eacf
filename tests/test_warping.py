"""The path of time warping is the one that Whisper's own code finds, which takes seconds to be compiled."""

import numpy as np
import pytest
import torch
import whisper.timing

from core.encoders.warping import warping_path
from core.encoders.whisper_reader import compiled_path


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
        np.testing.assert_array_equal(warping_path(costs), compiled_path(costs))


def test_a_path_by_hand():
    costs = np.array([[0.0, 9.0, 9.0, 9.0], [9.0, 0.0, 0.0, 9.0], [9.0, 9.0, 9.0, 0.0]])
    assert warping_path(costs).tolist() == [[0, 1, 1, 2], [0, 1, 2, 3]]


def test_whisper_takes_it():
    assert whisper.timing.dtw_cpu is warping_path is not compiled_path
