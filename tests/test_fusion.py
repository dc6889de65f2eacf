"""The two models: hand-computed pooling, masks that truly mask, absence, one idea for both."""

import math

import pytest
import torch

from core.fusion.model import (
    ConcatenationPooling,
    FusionConfig,
    FusionModel,
    LocalEncoder,
    Padded,
    StatisticalPooling,
    step_mask,
)
from core.fusion.pairs import BOTH, CROSS, SELF, pairs_within

INPUTS = {"text": 10, "video": 12, "audio": 14}
LOCAL = {"video": LocalEncoder(3), "audio": LocalEncoder(5, 4)}
MODELS = {"self": SELF, "cross": CROSS, "both": BOTH}


def model_of(name: str, **changes) -> FusionModel:
    torch.manual_seed(1)
    return FusionModel(FusionConfig(MODELS[name], INPUTS, LOCAL, **changes)).double().eval()


def batch(lengths: dict[str, list[int]]) -> dict[str, Padded]:
    chance = torch.Generator().manual_seed(0)
    return {
        m: Padded(torch.randn(len(n), max(n), INPUTS[m], generator=chance, dtype=torch.float64), torch.tensor(n))
        for m, n in lengths.items()
    }


LENGTHS = {"text": [7, 3, 5], "video": [4, 11, 6], "audio": [50, 13, 29]}


def test_the_pairs_are_all_that_differs():
    assert SELF == (("text", "text"), ("video", "video"), ("audio", "audio"))
    assert len(CROSS) == 6 and all(query != key for query, key in CROSS)
    assert set(BOTH) == set(SELF) | set(CROSS)
    assert pairs_within(CROSS, ("text", "audio")) == (("text", "audio"), ("audio", "text"))
    assert pairs_within(CROSS, ("video",)) == ()
    shared = {n: p.shape for n, p in model_of("self").named_parameters() if not n.startswith("attention")}
    assert shared == {n: p.shape for n, p in model_of("cross").named_parameters() if not n.startswith("attention")}


def test_statistical_pooling_by_hand():
    # Two features, three streams; the second utterance lacks its middle stream, the third has one only.
    streams = torch.tensor([[[1.0, 4], [2, 4], [6, 4]], [[1, 0], [9, 9], [3, 4]], [[5, 7], [9, 9], [9, 9]]])
    exists = torch.tensor([[True, True, True], [True, False, True], [True, False, False]])
    expected = torch.tensor([
        [math.sqrt(7), 0, 3, 4],  # unbiased: ((1-3)^2 + (2-3)^2 + (6-3)^2) / 2 = 7
        [math.sqrt(2), math.sqrt(8), 2, 2],
        [0, 0, 5, 7],  # one stream: no deviation
    ])  # fmt: skip
    torch.testing.assert_close(StatisticalPooling()(streams, exists), expected)
    both = torch.stack(torch.std_mean(streams[0], 0)).flatten()  # torch's own, std first
    torch.testing.assert_close(StatisticalPooling()(streams, exists)[0], both)
    assert ConcatenationPooling()(streams, exists)[1].tolist() == [1, 0, 0, 0, 3, 4]


def test_an_utterance_keeps_or_loses_its_whole_deviation_in_training_only():
    streams, exists = torch.randn(200, 3, 4), torch.ones(200, 3, dtype=torch.bool)
    std, mean = StatisticalPooling()(streams, exists).chunk(2, 1)
    pooling = StatisticalPooling(0.5)
    dropped, kept_mean = pooling(streams, exists).chunk(2, 1)
    lost = (dropped == 0).all(1)
    assert 50 < lost.sum() < 150 and torch.equal(kept_mean, mean)
    torch.testing.assert_close(dropped[~lost], 2 * std[~lost])
    assert torch.equal(pooling.eval()(streams, exists), torch.cat([std, mean], 1))


def test_pooling_has_a_gradient_where_streams_are_equal_or_single():
    streams = torch.ones(1, 3, 2, requires_grad=True)
    StatisticalPooling()(streams, torch.tensor([[True, True, False]])).sum().backward()
    assert streams.grad.isfinite().all()


@pytest.mark.parametrize("name", MODELS)
def test_padding_and_garbage_change_nothing(name):
    model, together = model_of(name), batch(LENGTHS)
    output = model(together)
    dirty = {
        m: Padded(
            torch.where(step_mask(s.lengths, s.values.shape[1])[:, :, None], s.values, torch.nan), s.lengths
        ) for m, s in together.items()
    }  # fmt: skip
    longer = {m: Padded(torch.cat([s.values, 99 + 0 * s.values], 1), s.lengths) for m, s in together.items()}
    for other in (dirty, longer):
        torch.testing.assert_close(model(other).logits, output.logits, rtol=0, atol=1e-12)
    for i in range(3):
        alone = {m: Padded(s.values[i : i + 1, : s.lengths[i]], s.lengths[i : i + 1]) for m, s in together.items()}
        single = model(alone)
        torch.testing.assert_close(single.logits[0], output.logits[i], rtol=0, atol=1e-12)
        for pair, weights in single.attention.items():
            q, k = weights.shape[2:]
            torch.testing.assert_close(weights[0], output.attention[pair][i, :, :q, :k], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_attention_rows_sum_to_one_over_existing_keys_and_are_zero_elsewhere(name):
    output = model_of(name)(batch(LENGTHS))
    assert set(output.attention) == set(MODELS[name])
    for (query, key), weights in output.attention.items():
        queries = step_mask(output.encoded[query].lengths, weights.shape[2])
        keys = step_mask(output.encoded[key].lengths, weights.shape[3])
        assert weights.shape[1] == 6
        torch.testing.assert_close(weights.sum(3), queries[:, None].expand(-1, 6, -1).double())
        assert (weights * ~keys[:, None, None]).abs().max() == 0


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dropped", ["text", "video", "audio"])
def test_dropping_a_modality_equals_never_having_had_it(name, dropped):
    model, together = model_of(name), batch(LENGTHS)
    without = model({m: s for m, s in together.items() if m != dropped})
    switched_off = model(together | {dropped: together[dropped].select(torch.zeros(3, dtype=torch.bool))})
    torch.testing.assert_close(switched_off.logits, without.logits, rtol=0, atol=1e-12)
    assert not torch.allclose(without.logits, model(together).logits)
    assert without.defined.all() and all(dropped not in pair for pair in without.attention)


@pytest.mark.parametrize("name", MODELS)
def test_one_run_answers_for_every_set_of_modalities(name):
    model, together = model_of(name), batch(LENGTHS)
    output = model(together)
    for subset in (("text", "audio"), ("video", "audio"), ("audio",)):
        fewer = model({m: together[m] for m in subset}).logits
        classified = model.classify(output.streams, output.exists & model.streams_within(subset))
        torch.testing.assert_close(classified, fewer, rtol=0, atol=1e-12, equal_nan=True)


def test_cross_attention_with_one_modality_is_undefined_self_attention_is_not():
    one = batch({"audio": [20, 9]})
    crossed, alone = model_of("cross")(one), model_of("self")(one)
    assert not crossed.defined.any() and crossed.logits.isnan().all() and not crossed.attention
    assert alone.defined.all() and alone.logits.isfinite().all()
    mixed = batch({"text": [3, 4], "audio": [20, 9]})
    mixed["text"] = mixed["text"].select(torch.tensor([True, False]))
    assert model_of("cross")(mixed).defined.tolist() == [True, False]  # row by row


def test_the_gradient_survives_absent_modalities():
    model = model_of("both").train()
    inputs = batch(LENGTHS)
    inputs["video"] = inputs["video"].select(torch.tensor([True, False, False]))
    inputs["text"] = inputs["text"].select(torch.tensor([True, True, False]))
    model(inputs).logits.sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_a_convolution_runs_over_time_not_over_channels():
    model, one = model_of("self"), batch({"audio": [40]})["audio"]
    convolution = model.local_encoder["audio"]
    y, lengths = convolution(one.values, one.lengths)
    assert lengths.tolist() == [10] and y.shape == (1, 10, 120)
    moved, _ = convolution(torch.roll(one.values, 4, 1), one.lengths)  # one stride later
    torch.testing.assert_close(moved[0, 2:-1], y[0, 1:-2])


def test_the_config_survives_json():
    config = model_of("cross", pooling="concatenation").config
    assert FusionConfig.from_json(config.to_json()) == config
