"""Whisper's encoder at the cost of what is said, not of thirty seconds.

Whisper reads windows of 30 s. Behind a shorter voice lies silence, which it learned with: without it words get lost.
But what the encoder makes of that silence hardly depends on the voice before it (one part in twenty at most). So its
states are taken from the mean over many voices, ``Silence``, and only those of the voice are computed.
``scripts/silence.py`` measures the mean, and that the words stay the same.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention
from whisper.audio import N_FRAMES
from whisper.model import AudioEncoder, MultiHeadAttention, Whisper

from core.cancellation import raise_if_cancelled
from core.encoders.packaged import WHISPER_SILENCE, locate

FRAMES_A_STATE = 2  # mel frames
STATES = N_FRAMES // FRAMES_A_STATE  # of a window
NEAR = 25  # states of silence right behind the voice that are computed as well: half a second
WORTH = STATES - 100  # states; a window with more of them is computed as a whole


@dataclass(frozen=True)
class Silence:
    """What Whisper's encoder makes of the silence behind a voice, on the average.

    Attributes:
        states: float32 [L + 1, 1500, D], what goes into each of L blocks, and behind the last one the encoder's output.
        since: the first state from which they are known.
    """

    states: Tensor
    since: int

    @classmethod
    def load(cls) -> "Silence":
        """That of Whisper tiny.en.

        Raises:
            WeightsError: the file is missing or was changed.
        """
        content = load_file(locate(WHISPER_SILENCE))
        states, since = content["states"].float(), int(content["since"])
        return cls(pad(states, (0, 0, since, 0)), since)


class WindowEncoder(nn.Module):
    """Whisper's encoder, for whole windows and the beginnings of windows; what it has encoded already it lets through.

    ``whisper.decode`` does so as well. The alignment of words asks for the encoder's output once more.
    """

    keys: Tensor
    values: Tensor
    silence: Tensor

    def __init__(self, encoder: AudioEncoder, silence: Silence | None = None):
        super().__init__()
        self.encoder = encoder
        self.since = silence.since if silence else STATES
        if silence is not None:
            attentions = [block.attn for block in encoder.blocks]
            states = [block.attn_ln(x) for block, x in zip(encoder.blocks, silence.states[:-1], strict=True)]
            # Of each block, and of what attends to the encoder's output: [L, 1500, D] and [1500, D].
            keys, values = (
                torch.stack([getattr(attention, name)(x) for attention, x in zip(attentions, states, strict=True)])
                for name in ("key", "value")
            )
            for name, tensor in (("keys", keys), ("values", values), ("silence", silence.states[-1])):
                self.register_buffer(name, tensor, persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        """Outputs [B, 1500, D] of mel windows [B, bands, F], or of themselves.

        Args:
            windows: F is 3000, or as many as ``frames_for`` says, behind which lies silence.
        """
        if windows.shape[2] == self.encoder.positional_embedding.shape[1]:
            return windows
        if windows.shape[2] < N_FRAMES:
            return self._beginning(windows)
        return self.encoder.ln_post(self._states(windows)[-1])

    def hear(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Output [1, 1500, D] and states [L + 1, 1500, D] of a mel window [1, bands, 3000]: what goes into the first of
        L blocks, and what comes out of each."""
        states = self._states(mel)
        return self.encoder.ln_post(states[-1]), torch.cat(states)

    def frames_for(self, voice: int) -> int:
        """How many of the mel frames of a window have to be encoded for a voice of so many."""
        needed = max(math.ceil(voice / FRAMES_A_STATE) + NEAR, self.since)
        return FRAMES_A_STATE * (needed if needed <= WORTH else STATES)

    def _states(self, windows: Tensor) -> list[Tensor]:
        """What goes into the first block and what comes out of each, [B, 1500, D]."""
        raise_if_cancelled()
        states = [self._positioned(windows)]
        for block in self.encoder.blocks:
            states.append(block(states[-1]))
        return states

    def _beginning(self, windows: Tensor) -> Tensor:
        raise_if_cancelled()
        count = windows.shape[2] // FRAMES_A_STATE
        x = self._positioned(pad(windows, (0, 2 * FRAMES_A_STATE)))[:, :count]  # convolutions see silence, no end
        for block, keys, values in zip(self.encoder.blocks, self.keys, self.values, strict=True):
            x = x + attended(block.attn, block.attn_ln(x), keys[count:], values[count:])
            x = x + block.mlp(block.mlp_ln(x))
        return torch.cat([self.encoder.ln_post(x), self.silence[count:].expand(len(x), -1, -1)], 1)

    def _positioned(self, windows: Tensor) -> Tensor:
        """What goes into the first block, [B, F / 2, D]."""
        windows = windows.to(self.encoder.conv1.weight.dtype)
        x = F.gelu(self.encoder.conv2(F.gelu(self.encoder.conv1(windows)))).mT
        return (x + self.encoder.positional_embedding[: x.shape[1]]).to(x.dtype)


def attended(attention: MultiHeadAttention, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """What states [B, T, D] get when they attend to themselves and to others, whose keys and values [S, D] are
    known: [B, T, D]."""
    keys, values = (
        torch.cat([own(x), others.expand(len(x), -1, -1)], 1)
        for own, others in ((attention.key, keys), (attention.value, values))
    )
    q, k, v = (y.unflatten(2, (attention.n_head, -1)).transpose(1, 2) for y in (attention.query(x), keys, values))
    return attention.out(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class ShownAttention(MultiHeadAttention):
    """Attention that always returns its scores, from which words get their times.

    Whisper's own does only while a switch of the whole process is set, which another thread may set back.
    """

    def qkv_attention(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        q, k, v = (x.unflatten(2, (self.n_head, -1)).transpose(1, 2) for x in (q, k, v))  # [B, H, T, D]
        scores = (q @ k.mT).float() / q.shape[3] ** 0.5  # words are timed in float32
        if mask is not None:
            scores = scores + mask[: q.shape[2], : q.shape[2]]
        return (scores.softmax(3).to(v.dtype) @ v).transpose(1, 2).flatten(2), scores


def prepare(model: Whisper, silence: Silence | None = None, half: bool = False) -> Whisper:
    """Makes a model safe beside others of its kind, and quicker.

    Args:
        silence: of this model.
        half: whether products are computed in float16; normalisations never are.
    """
    for block in model.decoder.blocks:
        shown = ShownAttention(model.dims.n_text_state, model.dims.n_text_head).to(model.device).eval()
        shown.load_state_dict(block.cross_attn.state_dict())
        block.cross_attn = shown
    # The whole vocabulary is multiplied for every token: read in the order in which it lies, in half the time.
    vocabulary = model.decoder.token_embedding.weight
    vocabulary.data = vocabulary.data.T.contiguous().T
    with torch.no_grad():
        model.encoder = WindowEncoder(model.encoder.cpu(), silence).to(model.device)
    if half:
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv1d | nn.Embedding):
                module.half()
        for name in ("keys", "values", "silence") if silence else ():
            setattr(model.encoder, name, getattr(model.encoder, name).half())
    return model
