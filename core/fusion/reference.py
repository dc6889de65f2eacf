"""The paper's models exactly as the authors' code computes them, and an importer of its weights.

The authors' code (``smartcameras/SelfCrossAttn``) differs from the paper in ways that change numbers: its
convolutions mix time steps of fixed-length sequences, padding is never masked and everything runs in
float64. ``ReferenceModel`` reproduces that with the one ``FusionModel``: a ``TimeMixing`` local encoder
for video and audio, and no masks.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from core import MODALITIES
from core.fusion.model import FusionConfig, FusionModel, Padded, TimeMixing
from core.fusion.pairs import CROSS, SELF, Pair

STEPS = {"text": 128, "video": 32, "audio": 1000}
"""Fixed lengths of the reference: words, pictures (3 a second), MFCC frames (100 a second)."""

WIDTHS = {"text": 300, "video": 2048, "audio": 120}
"""Feature widths of the reference: GloVe, ResNet-101, MFCC with differences."""

MIXING = {"video": TimeMixing(STEPS["video"], 25), "audio": TimeMixing(STEPS["audio"], 500)}


class StateDictError(ValueError):
    """The state dict is not of one of the two reference models; the message says what differs."""


def reference_config(pairs: tuple[Pair, ...], inputs: dict[str, int] = WIDTHS, **changes) -> FusionConfig:
    """The reference-exact configuration of any set of pairs; ``changes`` go to ``FusionConfig``."""
    return FusionConfig(pairs=pairs, inputs=dict(inputs), local=dict(MIXING), masked=False, **changes)


class ReferenceModel(nn.Module):
    """A reference model: tensors of fixed length in, logits out; float64 like the authors' training."""

    def __init__(self, config: FusionConfig):
        super().__init__()
        self.fusion = FusionModel(config).double()

    def forward(
        self, text: Tensor, video: Tensor, audio: Tensor, attention: bool = False
    ) -> Tensor | tuple[Tensor, dict[Pair, Tensor]]:
        """Logits of a batch, and on request the attention maps that the authors' code throws away.

        Args:
            text: float64 [B, 128, 300].
            video: float64 [B, 32, 2048].
            audio: float64 [B, 1000, 120].
            attention: whether the maps are returned too.

        Returns:
            Logits [B, 7]; with ``attention`` a pair of the logits and
            (query, key) -> [B, 6, Tq, Tk] with Tq, Tk of 128, 25 and 500 for text, video and audio.
        """
        inputs = {m: Padded.full(values) for m, values in zip(MODALITIES, (text, video, audio), strict=True)}
        output = self.fusion(inputs)
        return (output.logits, output.attention) if attention else output.logits


def load(state_dict: Mapping[str, Tensor], heads: int = 6) -> ReferenceModel:
    """Builds the reference model, self or cross, whose state dict this is; in evaluation mode.

    Sizes are read from the weights. The number of heads is not stored in them: 6 unless the authors'
    options were changed.

    Raises:
        StateDictError: names or shapes are not those of either model.
    """
    pairs = _recognise(state_dict)
    ours = {_our_name(name): tensor for name, tensor in state_dict.items()}
    try:
        config = _read_config(pairs, ours, heads)
        model = ReferenceModel(config)
        model.fusion.load_state_dict(ours)
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        raise StateDictError(f"The state dict has the reference's names, but not its shapes: {error}") from error
    return model.eval()


RECURRENT = tuple(
    f"{kind}_{side}_l0{way}" for way in ("", "_reverse") for side in ("ih", "hh") for kind in ("weight", "bias")
)
ATTENTION = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
LINEAR = ("weight", "bias")


def _attention_names(pairs: tuple[Pair, ...]) -> dict[str, Pair]:
    """``mha_t`` for self, ``mha_S_Q`` (source, query) for cross -> pair."""
    return {f"mha_{q[0]}" if q == k else f"mha_{k[0]}_{q[0]}": (q, k) for q, k in pairs}


def _names(pairs: tuple[Pair, ...]) -> set[str]:
    """Every name in the state dict of the reference model with these pairs."""
    members = {f"{m}_encoder": RECURRENT for m in MODALITIES} | {f"{m}_conv": LINEAR for m in MIXING}
    members |= {"concat_linear": LINEAR, "classifier": LINEAR} | dict.fromkeys(_attention_names(pairs), ATTENTION)
    return {f"{module}.{parameter}" for module, parameters in members.items() for parameter in parameters}


def _recognise(state_dict: Mapping[str, Tensor]) -> tuple[Pair, ...]:
    if not isinstance(state_dict, Mapping) or not all(isinstance(value, Tensor) for value in state_dict.values()):
        raise StateDictError("Expected a state dict: a mapping from names to tensors.")
    given = set(state_dict)
    for pairs in (SELF, CROSS):
        if given == _names(pairs):
            return pairs
    closest = min((SELF, CROSS), key=lambda pairs: len(given ^ _names(pairs)))
    missing, unknown = sorted(_names(closest) - given), sorted(given - _names(closest))
    raise StateDictError(
        f"The state dict is of neither reference model. Closest is the {'self' if closest == SELF else 'cross'} model: "
        f"missing {_some(missing)}; not part of it {_some(unknown)}."
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "") if names else "nothing"


def _our_name(name: str) -> str:
    """A parameter of the reference -> the same parameter of ``FusionModel``."""
    module, parameter = name.split(".", 1)
    if module in (pairs := _attention_names(SELF + CROSS)):
        return f"attention.{'_'.join(pairs[module])}.{parameter}"
    stage = {"encoder": "global_encoder.{}.gru", "conv": "local_encoder.{}.convolution"}
    if module in ("concat_linear", "classifier"):
        return {"concat_linear": "bottleneck"}.get(module, module) + f".{parameter}"
    modality, kind = module.split("_")
    return f"{stage[kind].format(modality)}.{parameter}"


def _read_config(pairs: tuple[Pair, ...], ours: dict[str, Tensor], heads: int) -> FusionConfig:
    """Sizes from the shapes of the weights."""
    classes, bottleneck = ours["classifier.weight"].shape
    mixing = {m: ours[f"local_encoder.{m}.convolution.weight"].shape for m in MIXING}  # [steps out, steps, 1]
    return FusionConfig(
        pairs=pairs,
        inputs={m: ours[f"global_encoder.{m}.gru.weight_ih_l0"].shape[1] for m in MODALITIES},
        local={m: TimeMixing(steps, steps_out) for m, (steps_out, steps, _) in mixing.items()},
        width=2 * ours["global_encoder.text.gru.weight_hh_l0"].shape[1],
        heads=heads,
        bottleneck=bottleneck,
        classes=classes,
        masked=False,
    )
