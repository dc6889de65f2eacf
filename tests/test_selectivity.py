"""What a map of attention says: lengths of what is passed on, and what depends on who asks, by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from core.fusion.attention import AttentionMap
from core.fusion.model import FusionConfig, FusionModel, LocalEncoder, Padded
from core.fusion.pairs import BOTH
from core.fusion.selectivity import ranked, selectivity
from core.fusion.values import value_norms

ONES = np.ones(2), np.ones(2)


def made(weights, norms=None, pair=("audio", "text")) -> AttentionMap:
    """A map of one step each tenth of a second."""
    weights = np.asarray(weights, np.float32)
    times = [np.arange(n) / 10 for n in weights.shape[1:]]
    return AttentionMap(*pair, weights, *times, value_norms=None if norms is None else np.asarray(norms, np.float32))


def test_lengths_of_values_by_hand():
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    with torch.no_grad():
        attention.in_proj_weight[8:] = torch.eye(4)  # a value is its key, and 1 more in the last feature
        attention.in_proj_bias[8:] = torch.tensor([0.0, 0, 0, 1])
        # The first head writes twice its first feature into one place, the second both of its own into two.
        attention.out_proj.weight.copy_(torch.tensor([[2.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 4]]))
        attention.out_proj.bias.fill_(7)
    keys = Padded(torch.tensor([[[5.0, 9, 1, 0], [0, 9, 0, -1], [8, 8, 8, 8]]]), torch.tensor([2]))
    expected = [[[10, 0, 0], [5, 0, 0]]]  # |2 x 5|, 0; |(3 x 1, 4 x 1)| = 5, 0; the third key does not exist
    torch.testing.assert_close(value_norms(attention, keys), torch.tensor(expected, dtype=torch.float32))


def test_what_heads_pass_on_adds_up_to_the_stream():
    """With a single key the weight is 1: a stream is the sum over heads of what was passed on, and the bias."""
    torch.manual_seed(2)
    config = FusionConfig(BOTH, {"text": 5, "video": 6, "audio": 7}, {"audio": LocalEncoder(3)}, width=12, heads=3)
    model = FusionModel(config).eval()
    for attention in model.attention.values():
        attention.out_proj.weight.data[:, 4:] = 0  # the first head alone passes anything on
        nn.init.normal_(attention.in_proj_bias)
        nn.init.normal_(attention.out_proj.bias)
    one = {m: Padded.full(torch.randn(1, 1, config.inputs[m])) for m in ("text", "video", "audio")}
    with torch.inference_mode():
        output = model(one)
    for index, (query, key) in enumerate(config.pairs):
        attention = model.attention[f"{query}_{key}"]
        norms = value_norms(attention, output.encoded[key])[0, :, 0]
        passed = (output.streams[0, index] - attention.out_proj.bias).norm()
        torch.testing.assert_close(norms, torch.stack([passed, passed * 0, passed * 0]))


def test_shares_by_length_by_hand():
    map_ = made([[[0.5, 0.5], [0.8, 0.2]], [[0.5, 0.5], [0.5, 0.5]]], [[1, 3], [0, 2]])
    np.testing.assert_allclose(map_.shares(0), [[0.5, 0.5], [0.8, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(map_.shares(0, by_length=True), [[0.25, 0.75], [0.8 / 1.4, 0.6 / 1.4]], rtol=1e-6)
    np.testing.assert_allclose(map_.shares(), [[0.5, 0.5], [0.65, 0.35]], rtol=1e-6)
    both = [[0.5 + 0, 1.5 + 1], [0.8 + 0, 0.6 + 1]]  # summed over the heads, then shared out
    np.testing.assert_allclose(map_.shares(by_length=True), [np.divide(row, sum(row)) for row in both], rtol=1e-6)
    with pytest.raises(ValueError, match="not kept"):
        made([[[1.0]]]).shares(0, by_length=True)


def test_bins_keep_lengths_and_rows_that_sum_to_one():
    chance = np.random.default_rng(1)
    long = made(chance.dirichlet(np.ones(300), (2, 250)), chance.uniform(1, 2, (2, 300)))
    shown = long.binned(50)
    np.testing.assert_allclose(shown.value_norms, long.value_norms.reshape(2, 50, 6).mean(2), rtol=1e-6)
    written = shown.to_json()["value_norms"]
    assert shown.binned(50) is shown and written[1][49] == pytest.approx(shown.value_norms[1, 49], abs=1e-5)
    for by_length in (False, True):
        for head in (None, 0):
            np.testing.assert_allclose((shown.shares(head, by_length) * shown.counts[1]).sum(1), 1, rtol=1e-6)


def test_selectivity_by_hand():
    even = selectivity(np.full((2, 2), 0.5), ONES)
    assert (even.bits, even.query_bits, even.contrast, even.query_share, even.highest) == (0, 0, 0, 0, 1)
    alike = selectivity(np.array([[1.0, 0], [1, 0]]), ONES)
    assert (alike.bits, alike.query_bits, alike.highest) == (1, 0, 2) and not alike.rows_differ
    asking = selectivity(np.eye(2), ONES)  # each row another key: all of its one bit depends on who asks
    assert (asking.bits, asking.query_bits, asking.contrast, asking.query_share) == (1, 1, 1, 1) and asking.rows_differ
    assert asking.score == 2 > alike.score == 1 > even.score


def test_selectivity_is_what_rows_share_and_what_depends_on_who_asks():
    shares = np.random.default_rng(0).dirichlet(np.ones(5), 4)
    found, mean = selectivity(shares, (np.ones(4), np.ones(5))), shares.mean(0)
    shared = (mean * np.log2(mean * 5)).sum()
    assert found.bits == pytest.approx(shared + found.query_bits)
    assert found.bits == pytest.approx(np.mean([np.log2(5) + (row * np.log2(row)).sum() for row in shares]))


def test_a_bin_counts_as_often_as_it_has_steps():
    whole = np.array([[0.1, 0.1, 0.4, 0.4], [0.2, 0.2, 0.3, 0.3], [0.2, 0.2, 0.3, 0.3]])
    binned = whole[:2, ::2]
    one = selectivity(whole, (np.ones(3), np.ones(4)))
    two = selectivity(binned, (np.array([1, 2]), np.array([2, 2])))
    for name in ("bits", "query_bits", "contrast", "query_share", "highest"):
        assert getattr(one, name) == pytest.approx(getattr(two, name)), name


def test_the_most_telling_head_comes_first():
    even, alike, asking = np.full((2, 2), 0.5), np.array([[1.0, 0], [1, 0]]), np.eye(2)
    maps = {
        ("text", "video"): made([even, even], pair=("text", "video")),
        ("audio", "text"): made([alike, asking]),
        ("video", "text"): made([even, alike], pair=("video", "text")),
    }
    order = [(pair, head) for pair, heads in ranked(maps).items() for head in heads]
    assert order[:3] == [(("audio", "text"), 1), (("audio", "text"), 0), (("video", "text"), 1)]
    assert len(order) == 6 and order[-2][0] == ("text", "video")
