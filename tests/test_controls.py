"""Controls and later models: each does what its field says, hides padding, bears absence, hands out what it mixed."""

import pytest
import torch
from test_fusion import INPUTS, LENGTHS, LOCAL, batch

from core.fusion.controls import GatedPooling, LateFusion, stretched
from core.fusion.model import FusionConfig, FusionModel, Padded, step_mask
from core.fusion.pairs import ALL, BOTH, CROSS, SELF, TOGETHER, pairs_within
from core.fusion.reference import reference_config

CONTROLS = {
    "even": (CROSS, {"weights": "even"}),
    "tokens": (CROSS, {"tokens": 4}),
    "gated": (BOTH, {"gated": True}),
    "late": (SELF, {"pooling": "late"}),
    "concatenated": (SELF, {"pooling": "concatenation", "weights": "even"}),
    "together": (TOGETHER, {}),
}


def model_of(name: str) -> FusionModel:
    torch.manual_seed(1)
    pairs, changes = CONTROLS[name]
    return FusionModel(FusionConfig(pairs, INPUTS, LOCAL, **changes)).double().eval()


@pytest.mark.parametrize("name", CONTROLS)
def test_padding_and_garbage_change_nothing_and_rows_sum_to_one(name):
    model, together = model_of(name), batch(LENGTHS)
    output = model(together)
    for i in range(3):
        alone = {m: Padded(s.values[i : i + 1, : s.lengths[i]], s.lengths[i : i + 1]) for m, s in together.items()}
        torch.testing.assert_close(model(alone).logits[0], output.logits[i], rtol=0, atol=1e-12)
    dirty = {m: Padded(torch.cat([s.values, torch.nan * s.values], 1), s.lengths) for m, s in together.items()}
    torch.testing.assert_close(model(dirty).logits, output.logits, rtol=0, atol=1e-12)
    for (query, _), weights in output.attention.items():
        queries = step_mask(output.lengths[query], weights.shape[2])
        torch.testing.assert_close(weights.sum(3), queries[:, None].expand(-1, 6, -1).double())


@pytest.mark.parametrize("name", CONTROLS)
def test_an_absent_modality_is_one_that_never_was(name):
    model, together = model_of(name), batch(LENGTHS)
    without = model({m: s for m, s in together.items() if m != "video"})
    off = model(together | {"video": together["video"].select(torch.zeros(3, dtype=torch.bool))})
    torch.testing.assert_close(off.logits, without.logits, rtol=0, atol=1e-12)
    assert without.defined.all() and not torch.allclose(without.logits, model(together).logits)


@pytest.mark.parametrize("name", CONTROLS)
def test_every_parameter_learns_and_the_config_survives_json(name):
    model, inputs = model_of(name).train(), batch(LENGTHS)
    inputs["video"] = inputs["video"].select(torch.tensor([True, False, True]))
    model(inputs).logits.square().sum().backward()
    learned = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.isfinite().all()}
    assert learned == {n for n, _ in model.named_parameters()}, "a parameter that does nothing would be counted"
    assert FusionConfig.from_json(model.config.to_json()) == model.config


def test_a_config_from_before_the_controls_is_that_of_the_papers_models():
    before = FusionConfig(CROSS, INPUTS, LOCAL).to_json()
    for field in ("weights", "tokens", "gated"):
        del before[field]
    assert FusionConfig.from_json(before) == FusionConfig(CROSS, INPUTS, LOCAL)


def test_without_attention_every_query_gets_the_mean():
    model, inputs = model_of("even"), batch(LENGTHS)
    output = model(inputs)
    text, audio = model.encode("text", inputs["text"]), model.encode("audio", inputs["audio"])
    block = model.attention["text_audio"]
    for i in range(3):
        mean = audio.values[i, : audio.lengths[i]].mean(0)
        torch.testing.assert_close(output.streams[i, CROSS.index(("text", "audio"))], block.out(block.value(mean)))
        share = output.attention["text", "audio"][i, 0, 0, : audio.lengths[i]]
        torch.testing.assert_close(share, torch.full_like(share, 1 / len(share)))
    assert text.lengths.tolist() == LENGTHS["text"]


def test_keys_have_no_order_but_what_the_encoders_gave_them():
    """What a time shuffle can show at all: attention itself is blind to the order of its keys."""
    torch.manual_seed(0)
    model = FusionModel(FusionConfig(CROSS, INPUTS, LOCAL)).double().eval()
    inputs = batch({"text": [7, 7], "audio": [40, 40]})
    text, audio = (model.encode(m, inputs[m]) for m in ("text", "audio"))
    shuffled = Padded(audio.values[:, torch.randperm(audio.values.shape[1])], audio.lengths)
    one, other = (model.attend(text, key, "text_audio")[0] for key in (audio, shuffled))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    before = model(inputs | {"audio": Padded(inputs["audio"].values[:, torch.randperm(40)], audio.lengths * 4)})
    assert not torch.allclose(before.logits, model(inputs).logits)


def test_a_gate_mixes_two_streams_and_says_how():
    model, inputs = model_of("gated"), batch(LENGTHS)
    output = model(inputs)
    assert tuple(output.gates) == CROSS and all(((g > 0) & (g < 1)).all() for g in output.gates.values())
    pooling = model.pooling
    index = BOTH.index(("text", "audio"))
    with torch.no_grad():
        for gate in pooling.gate.values():
            gate.weight.zero_()
            gate.bias.fill_(-50.0)  # shut: what is left is self-attention
        shut = model(inputs)
        moved = shut.streams.clone()
        moved[:, index] += 1
        torch.testing.assert_close(model.classify(moved, shut.exists), shut.logits)
        pooling.gate["text_audio"].bias.fill_(50.0)
        assert not torch.allclose(model.classify(moved, shut.exists), model(inputs).logits)
    gates = model({"text": inputs["text"], "audio": inputs["audio"]}).gates
    assert gates["text", "video"].isnan().all() and not gates["text", "audio"].isnan().any()
    assert model({"text": inputs["text"]}).defined.all(), "one modality is left to itself"
    with pytest.raises(ValueError, match="needs both"):
        GatedPooling(CROSS, 6, torch.nn.Identity())


@pytest.mark.parametrize("name", ["even", "tokens", "gated", "late", "concatenated"])
def test_one_run_answers_for_every_set_of_modalities(name):
    model, together = model_of(name), batch(LENGTHS)
    output = model(together)
    for subset in (("text", "audio"), ("video",)):
        fewer = model({m: together[m] for m in subset}).logits
        classified = model.classify(output.streams, output.exists & model.streams_within(subset))
        torch.testing.assert_close(classified, fewer, rtol=0, atol=1e-12, equal_nan=True)


def test_tokens_hold_back():
    """The map through n tokens has a rank of at most n."""
    weights = model_of("tokens")(batch({"text": [9], "video": [9], "audio": [80]})).attention["text", "audio"]
    assert weights.shape == (1, 6, 9, 20) and torch.linalg.matrix_rank(weights[0], atol=1e-10).max() <= 4


def test_late_fusion_averages_probabilities():
    late, streams = LateFusion(3, 6, 4, 7), torch.randn(2, 3, 6)
    exists = torch.tensor([[True, True, False], [False, True, False]])
    each = torch.stack([one(streams[:, i]).softmax(1) for i, one in enumerate(late.classifiers)], 1)
    probabilities = late(streams, exists).softmax(1)
    torch.testing.assert_close(probabilities[0], each[0, :2].mean(0))
    torch.testing.assert_close(probabilities[1], each[1, 1])
    torch.testing.assert_close(late(streams, exists).exp(), probabilities)


def test_modalities_side_by_side_keep_their_place_in_time():
    x, lengths = torch.tensor([[[1.0], [2], [9]], [[3], [4], [5]]]), torch.tensor([2, 3])
    assert stretched(x, lengths, torch.tensor([4, 3]))[:, :, 0].tolist() == [[1, 1, 2, 2], [3, 4, 5, 0]]
    assert not stretched(x, torch.tensor([0, 0]), torch.tensor([2, 1])).any()
    model = model_of("together")
    output = model(batch(LENGTHS))
    assert output.lengths[ALL].tolist() == [13, 11, 8] and output.attention[ALL, ALL].shape[2:] == (13, 13)
    assert pairs_within(TOGETHER, ("text", "audio")) == TOGETHER
    assert model.streams_within(("text", "audio")).tolist() == [False]
    assert model.streams_within(("text", "video", "audio")).tolist() == [True]


@pytest.mark.parametrize("name", CONTROLS)
def test_the_reference_variant_has_them_too(name):
    pairs, changes = CONTROLS[name]
    config = reference_config(pairs, {"text": 5, "video": 6, "audio": 7}, width=12, heads=2, **changes)
    shapes = {"text": (2, 128, 5), "video": (2, 32, 6), "audio": (2, 1000, 7)}
    inputs = {m: Padded.full(torch.randn(*shape)) for m, shape in shapes.items()}
    assert FusionModel(config).eval()(inputs).logits.isfinite().all()


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="no pooling"):
        FusionModel(FusionConfig(SELF, INPUTS, LOCAL, pooling="sum"))
