"""What attention passes on: a weight alone does not say how much, because values differ in length.

After Kobayashi et al., *Attention is not only a weight: analyzing transformers with vector norms* (EMNLP 2020): a head
adds ``weight x W_O W_V key`` to what a query receives, and the length of that vector is what was passed on.
"""

import torch
from torch import Tensor, nn

from core.fusion.model import Padded, step_mask


@torch.inference_mode()
def value_norms(attention: nn.MultiheadAttention, key: Padded) -> Tensor:
    """Length of each head's value of each key step, after that head's part of the output projection: [B, H, Tk].

    The bias of the output projection belongs to no key and is left out. 0 where the key does not exist.

    Args:
        key: [B, Tk, W], encoded.
    """
    width, heads = attention.embed_dim, attention.num_heads
    value = nn.functional.linear(key.values, attention.in_proj_weight[2 * width :], attention.in_proj_bias[2 * width :])
    by_head = value.split(width // heads, 2)  # H times [B, Tk, W / H]
    projections = attention.out_proj.weight.split(width // heads, 1)  # H times [W, W / H]
    norms = [(one @ to_stream.T).norm(dim=2) for one, to_stream in zip(by_head, projections, strict=True)]
    return torch.stack(norms, 1) * step_mask(key.lengths, key.values.shape[1])[:, None]
