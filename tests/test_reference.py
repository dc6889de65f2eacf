"""The reference-exact variant against the reference's computation, written out plainly a second time."""

import math

import pytest
import torch

from core.fusion.model import FusionConfig, FusionModel, Padded
from core.fusion.pairs import BOTH, CROSS, SELF
from core.fusion.reference import MIXING, STEPS, WIDTHS, ReferenceModel, StateDictError, load, reference_config

CROSS_NAMES = ("mha_v_t", "mha_a_t", "mha_t_v", "mha_a_v", "mha_t_a", "mha_v_a")  # source, then query


def random_weights(model: str) -> dict[str, torch.Tensor]:
    """A state dict with the names and shapes of PAPER's reference models, hidden size 60."""
    generator = torch.Generator().manual_seed(len(model))
    shapes = {}
    for name, width in (("text", 300), ("video", 2048), ("audio", 120)):
        for way in ("", "_reverse"):
            shapes[f"{name}_encoder.weight_ih_l0{way}"] = (180, width)
            shapes[f"{name}_encoder.weight_hh_l0{way}"] = (180, 60)
            shapes[f"{name}_encoder.bias_ih_l0{way}"] = shapes[f"{name}_encoder.bias_hh_l0{way}"] = (180,)
    shapes |= {"video_conv.weight": (25, 32, 1), "video_conv.bias": (25,)}
    shapes |= {"audio_conv.weight": (500, 1000, 1), "audio_conv.bias": (500,)}
    for name in CROSS_NAMES if model == "cross" else ("mha_t", "mha_v", "mha_a"):
        shapes |= {f"{name}.in_proj_weight": (360, 120), f"{name}.in_proj_bias": (360,)}
        shapes |= {f"{name}.out_proj.weight": (120, 120), f"{name}.out_proj.bias": (120,)}
    shapes |= {"concat_linear.weight": (60, 240), "concat_linear.bias": (60,)}
    shapes |= {"classifier.weight": (7, 60), "classifier.bias": (7,)}
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64)
        / math.sqrt(shape[1] if len(shape) > 1 else 60)
        for name, shape in shapes.items()
    }


def random_inputs(batch: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(7)
    return tuple(
        torch.randn(batch, STEPS[m], WIDTHS[m], generator=generator, dtype=torch.float64) * (20 if m == "audio" else 1)
        for m in ("text", "video", "audio")
    )


def plain_gru(x: torch.Tensor, w: dict, name: str) -> torch.Tensor:
    """Both directions of a GRU from its equations: [B, T, D] -> [B, T, 120]."""
    ways = []
    for way in ("", "_reverse"):
        into, back = w[f"{name}.weight_ih_l0{way}"], w[f"{name}.weight_hh_l0{way}"]
        given = x @ into.T + w[f"{name}.bias_ih_l0{way}"]
        state, states = x.new_zeros(len(x), 60), []
        order = range(x.shape[1]) if not way else reversed(range(x.shape[1]))
        for t in order:
            reset, update, new = given[:, t].split(60, 1)
            back_reset, back_update, back_new = (state @ back.T + w[f"{name}.bias_hh_l0{way}"]).split(60, 1)
            update = torch.sigmoid(update + back_update)
            new = torch.tanh(new + torch.sigmoid(reset + back_reset) * back_new)
            state = (1 - update) * new + update * state
            states.append(state)
        ways.append(torch.stack(states if not way else states[::-1], 1))
    return torch.cat(ways, 2)


def plain_attention(query: torch.Tensor, source: torch.Tensor, w: dict, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Six heads of width 20: mean over the query's time [B, 120] and the weights [B, 6, Tq, Tk]."""
    wq, wk, wv = w[f"{name}.in_proj_weight"].split(120)
    bq, bk, bv = w[f"{name}.in_proj_bias"].split(120)
    q, k, v = query @ wq.T + bq, source @ wk.T + bk, source @ wv.T + bv
    heads, maps = [], []
    for head in range(6):
        part = slice(20 * head, 20 * head + 20)
        weights = torch.softmax(q[..., part] @ k[..., part].mT / math.sqrt(20), -1)
        heads.append(weights @ v[..., part])
        maps.append(weights)
    attended = torch.cat(heads, -1) @ w[f"{name}.out_proj.weight"].T + w[f"{name}.out_proj.bias"]
    return attended.mean(1), torch.stack(maps, 1)


def plain_reference(w: dict, text: torch.Tensor, video: torch.Tensor, audio: torch.Tensor):
    """The reference in evaluation mode: logits and the maps by name."""
    video = torch.einsum("os,bsd->bod", w["video_conv.weight"][:, :, 0], video) + w["video_conv.bias"][None, :, None]
    audio = torch.einsum("os,bsd->bod", w["audio_conv.weight"][:, :, 0], audio) + w["audio_conv.bias"][None, :, None]
    encoded = {
        "t": plain_gru(text, w, "text_encoder"),
        "v": plain_gru(video, w, "video_encoder"),
        "a": plain_gru(audio, w, "audio_encoder"),
    }
    streams, maps = [], {}
    if "mha_t.in_proj_weight" in w:
        wanted = [(f"mha_{m}", m, m) for m in "tva"]
    else:
        wanted = [(name, name[-1], name[4]) for name in CROSS_NAMES]
    for name, query, source in wanted:
        stream, maps[name] = plain_attention(encoded[query], encoded[source], w, name)
        streams.append(stream)
    stack = torch.stack(streams, 1)
    mean = stack.mean(1)
    std = ((stack - mean[:, None]) ** 2).sum(1).div(len(streams) - 1).sqrt()
    hidden = torch.cat([std, mean], 1) @ w["concat_linear.weight"].T + w["concat_linear.bias"]
    return hidden @ w["classifier.weight"].T + w["classifier.bias"], maps


@pytest.mark.parametrize("model", ["self", "cross"])
def test_imported_weights_give_the_logits_and_maps_of_the_reference(model):
    weights, inputs = random_weights(model), random_inputs(3)
    with torch.inference_mode():
        expected, expected_maps = plain_reference(weights, *inputs)
        module = load(weights)
        logits, maps = module(*inputs, attention=True)
        assert torch.equal(module(*inputs), logits)
    difference = (logits - expected).abs().max().item()
    print(f"{model}: largest difference of logits {difference:.2e}")
    assert difference < 1e-9 and logits.abs().max() > 0.1
    assert len(maps) == len(expected_maps) == (3 if model == "self" else 6)
    full = {"t": "text", "v": "video", "a": "audio"}
    for name, expected_map in expected_maps.items():
        ours = maps[full[name[-1]], full[name[4]]]
        assert ours.shape == expected_map.shape
        assert (ours - expected_map).abs().max() < 1e-12


def test_one_padded_frame_changes_the_reference_and_never_the_masked_model():
    """Quirk 2: what lies in the padding is data to the reference."""
    text, video, audio = random_inputs(1)
    louder = audio.clone()
    louder[:, 990:] += 1.0
    model = load(random_weights("self"))
    assert (model(text, video, audio) - model(text, video, louder)).abs().max() > 1e-6
    masked = FusionModel(FusionConfig(SELF, WIDTHS)).double().eval()
    lengths = torch.tensor([450])
    outputs = [masked({"audio": Padded(values, lengths)}).logits for values in (audio, louder)]
    assert torch.equal(*outputs)


def test_the_reference_trains_with_dropout_on_words_only_in_training():
    model = ReferenceModel(reference_config(SELF))
    inputs = random_inputs(2)
    model.train()
    assert not torch.equal(model(*inputs), model(*inputs))
    model.eval()
    assert torch.equal(model(*inputs), model(*inputs))
    assert model.fusion.input_dropout["text"].p == 0.25 and model.fusion.input_dropout["audio"].p == 0.0
    assert next(model.parameters()).dtype == torch.float64


def test_sizes_are_read_from_the_weights():
    config = FusionConfig(
        CROSS, {"text": 30, "video": 20, "audio": 12}, dict(MIXING), width=24, bottleneck=12, classes=4
    )
    torch.manual_seed(0)
    source = ReferenceModel(config).fusion.state_dict()
    letters = {"text": "t", "video": "v", "audio": "a"}

    def their_name(name: str) -> str:
        stage, rest = name.split(".", 1)
        if stage == "attention":
            pair, parameter = rest.split(".", 1)
            query, key = pair.split("_")
            return f"mha_{letters[key]}_{letters[query]}.{parameter}"
        if stage == "bottleneck":
            return f"concat_linear.{rest}"
        modality, _, parameter = rest.partition(".")
        return {
            "local_encoder": f"{modality}_conv.{parameter.removeprefix('convolution.')}",
            "global_encoder": f"{modality}_encoder.{parameter.removeprefix('gru.')}",
        }.get(stage, name)

    theirs = {their_name(name): tensor for name, tensor in source.items()}
    module = load(theirs)
    assert module.fusion.config.width == 24 and module.fusion.config.inputs == config.inputs
    assert all(torch.equal(value, source[name]) for name, value in module.fusion.state_dict().items())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("mha_a.in_proj_weight"), "missing mha_a.in_proj_weight"),
        (lambda w: w.update({"text_encoder.weight_ih_l1": torch.zeros(1)}), "text_encoder.weight_ih_l1"),
        (lambda w: w.update({"classifier.weight": torch.zeros(7, 61)}), "shapes"),
        (lambda w: w.update({"classifier.weight": torch.zeros(7)}), "shapes"),
        (lambda w: w.update({"mha_a.in_proj_weight": torch.zeros(300, 100)}), "shapes"),
        (lambda w: w.update({"classifier.bias": [0.0] * 7}), "tensors"),
    ],
)
def test_anything_else_is_refused(change, words):
    weights = random_weights("self")
    change(weights)
    with pytest.raises(StateDictError, match=words):
        load(weights)


def test_a_whole_pickled_model_is_refused():
    with pytest.raises(StateDictError, match="state dict"):
        load(torch.nn.Linear(1, 1))


def test_config_of_the_reference_survives_json():
    config = reference_config(BOTH)
    assert FusionConfig.from_json(config.to_json()) == config
