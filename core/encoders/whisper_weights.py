"""OpenAI Whisper tiny.en and base out of the CTranslate2 containers in which packages on PyPI carry them.

Container, little-endian: uint32 version 6; specification name; uint32 revision; uint32 number of
variables; each a name, uint8 rank, uint32 per dimension, uint8 type, uint32 bytes, data; then
aliases. A string is a uint16 length that counts the closing NUL, and its bytes.
"""

import json
import math
import struct

import numpy as np
import torch
from whisper.model import ModelDimensions, Whisper

from core.encoders.packaged import (
    WHISPER_BASE,
    WHISPER_BASE_CONFIG,
    WHISPER_TINY_EN,
    WHISPER_TINY_EN_CONFIG,
    Weight,
    WeightsError,
    locate,
)

TINY_EN = ModelDimensions(
    n_mels=80, n_audio_ctx=1500, n_audio_state=384, n_audio_head=6, n_audio_layer=4,
    n_vocab=51864, n_text_ctx=448, n_text_state=384, n_text_head=6, n_text_layer=4,
)  # fmt: skip
BASE = ModelDimensions(
    n_mels=80, n_audio_ctx=1500, n_audio_state=512, n_audio_head=8, n_audio_layer=6,
    n_vocab=51865, n_text_ctx=448, n_text_state=512, n_text_head=8, n_text_layer=6,
)  # fmt: skip
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def load_tiny_en() -> Whisper:
    """Whisper tiny.en in float32 on the CPU, in evaluation mode, with its alignment heads set.

    Raises:
        WeightsError: the container does not hold what this model needs.
    """
    return _load("tiny.en", TINY_EN, (WHISPER_TINY_EN,), WHISPER_TINY_EN_CONFIG)


def load_base() -> Whisper:
    """Whisper base, which knows 99 languages, as ``load_tiny_en`` gives the other one.

    Raises:
        WeightsError: the container does not hold what this model needs.
    """
    return _load("base", BASE, WHISPER_BASE, WHISPER_BASE_CONFIG)


def _load(name: str, dimensions: ModelDimensions, parts: tuple[Weight, ...], config: Weight) -> Whisper:
    model = Whisper(dimensions)
    try:
        container = read_container(b"".join(locate(part).read_bytes() for part in parts))
        model.load_state_dict(_state_dict(container, dimensions), strict=True)
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"The container of Whisper {name} does not hold the model: {error}") from error
    heads = torch.zeros(dimensions.n_text_layer, dimensions.n_text_head, dtype=torch.bool)
    for layer, head in json.loads(locate(config).read_text("utf-8"))["alignment_heads"]:
        heads[layer, head] = True
    model.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)
    return model.eval()


def read_container(data: bytes) -> dict[str, np.ndarray]:
    """The variables of a container by name; nothing is taken for longer than the container is.

    Raises:
        WeightsError: it is no such container, or does not hold what it says.
    """
    at = 0

    def take(count: int) -> bytes:
        nonlocal at
        if count > len(data) - at:
            raise WeightsError(f"The container ends before the {count} bytes it promises at byte {at}.")
        at += count
        return data[at - count : at]

    def number(code: str) -> int:
        return struct.unpack("<" + code, take(struct.calcsize("<" + code)))[0]

    def string() -> str:
        try:
            return take(number("H"))[:-1].decode()
        except UnicodeDecodeError as error:
            raise WeightsError(f"The container holds a name that is no text before byte {at}.") from error

    version = number("I")
    specification = string() if version == 6 else "a container"
    if (version, specification) != (6, "WhisperSpec"):
        raise WeightsError(f"Expected a WhisperSpec container of version 6, found {specification} {version}.")
    number("I")  # revision
    variables: dict[str, np.ndarray] = {}
    for _ in range(number("I")):
        name = string()
        shape = [number("I") for _ in range(number("B"))]
        kind = TYPES.get(number("B"))
        values = take(number("I"))
        if kind is None or math.prod(shape) * np.dtype(kind).itemsize != len(values) or 0 in shape or len(shape) > 8:
            raise WeightsError(f"{name} is not of the size or type it says.")
        variables[name] = np.frombuffer(values, kind).reshape(shape)
    return variables


def _state_dict(variables: dict[str, np.ndarray], dimensions: ModelDimensions) -> dict[str, torch.Tensor]:
    """Renames CTranslate2's variables to Whisper's and takes stacked projections apart."""

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(variables[name].astype(np.float32))

    state: dict[str, torch.Tensor] = {}

    def norm(ours: str, theirs: str) -> None:
        state[f"{ours}.weight"], state[f"{ours}.bias"] = tensor(f"{theirs}/gamma"), tensor(f"{theirs}/beta")

    def linear(ours: str, theirs: str) -> None:
        state[f"{ours}.weight"], state[f"{ours}.bias"] = tensor(f"{theirs}/weight"), tensor(f"{theirs}/bias")

    def projections(ours: str, stacks: dict[str, list[str]]) -> None:
        for theirs, parts in stacks.items():
            weights, biases = tensor(f"{theirs}/weight").chunk(len(parts)), tensor(f"{theirs}/bias").chunk(len(parts))
            for part, weight, bias in zip(parts, weights, biases, strict=True):
                state[f"{ours}.{part}.weight"] = weight
                if part != "key":
                    state[f"{ours}.{part}.bias"] = bias
                elif bias.any():
                    raise WeightsError("Whisper's keys have no bias, but this container holds one.")

    for side, layers in (("encoder", dimensions.n_audio_layer), ("decoder", dimensions.n_text_layer)):
        state[f"{side}.positional_embedding"] = tensor(f"{side}/position_encodings/encodings")
        for layer in range(layers):
            ours, theirs = f"{side}.blocks.{layer}", f"{side}/layer_{layer}"
            attention = f"{theirs}/self_attention"
            norm(f"{ours}.attn_ln", f"{attention}/layer_norm")
            projections(
                f"{ours}.attn", {f"{attention}/linear_0": ["query", "key", "value"], f"{attention}/linear_1": ["out"]}
            )
            if side == "decoder":
                attention = f"{theirs}/attention"
                norm(f"{ours}.cross_attn_ln", f"{attention}/layer_norm")
                projections(
                    f"{ours}.cross_attn",
                    {
                        f"{attention}/linear_0": ["query"],
                        f"{attention}/linear_1": ["key", "value"],
                        f"{attention}/linear_2": ["out"],
                    },
                )
            norm(f"{ours}.mlp_ln", f"{theirs}/ffn/layer_norm")
            linear(f"{ours}.mlp.0", f"{theirs}/ffn/linear_0")
            linear(f"{ours}.mlp.2", f"{theirs}/ffn/linear_1")
    norm("encoder.ln_post", "encoder/layer_norm")
    norm("decoder.ln", "decoder/layer_norm")
    linear("encoder.conv1", "encoder/conv1")
    linear("encoder.conv2", "encoder/conv2")
    state["decoder.token_embedding.weight"] = tensor("decoder/embeddings/weight")
    return state
