"""What controls and later models have in the place of a part of ``FusionModel``; none of it is in the paper's models.

Each is chosen by one field of ``FusionConfig``. Letters in shape comments are those of ``core.fusion.model``; N tokens.
"""

import torch
from torch import Tensor, nn

from core.fusion.pairs import Pair


class EvenAttention(nn.Module):
    """No attention: every query gets the plain mean of the values, so that there are no queries and keys to learn.

    Called like ``nn.MultiheadAttention``, whose projections of value and output it has.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None, **_
    ) -> tuple[Tensor, Tensor]:
        """[B, Tq, W], [B, Tk, W] twice, bool [B, Tk] true for what is left out -> [B, Tq, W], [B, H, Tq, Tk]."""
        exists = torch.ones_like(key[:, :, 0]) if key_padding_mask is None else (~key_padding_mask).to(key.dtype)
        share = exists / exists.sum(1, keepdim=True).clamp_min(1)  # [B, Tk]
        mean = (self.value(value) * share[:, :, None]).sum(1, keepdim=True)  # [B, 1, W]
        weights = share[:, None, None].expand(-1, self.heads, query.shape[1], -1)
        return self.out(mean).expand(-1, query.shape[1], -1), weights


class TokenAttention(nn.Module):
    """Attention through a few tokens, after the bottleneck of Nagrani et al. (2021): learned tokens attend to the keys,
    the queries attend to the tokens. What passes from one modality to another has to fit into the tokens.

    Called like ``nn.MultiheadAttention``; the weights are the products of both steps, so that a row still sums to 1
    over the keys.
    """

    def __init__(self, width: int, heads: int, dropout: float, tokens: int):
        super().__init__()
        self.tokens = nn.Parameter(torch.randn(tokens, width) / width**0.5)
        self.gather = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.spread = nn.MultiheadAttention(width, heads, dropout, batch_first=True)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None, **_
    ) -> tuple[Tensor, Tensor]:
        """[B, Tq, W], [B, Tk, W] twice, bool [B, Tk] true for what is left out -> [B, Tq, W], [B, H, Tq, Tk]."""
        tokens = self.tokens.expand(len(query), -1, -1)  # [B, N, W]
        gathered, into = self.gather(
            tokens, key, value, key_padding_mask=key_padding_mask, average_attn_weights=False
        )  # [B, N, W], [B, H, N, Tk]
        attended, out = self.spread(query, gathered, gathered, average_attn_weights=False)  # [B, H, Tq, N]
        return attended, out @ into


class GatedPooling(nn.Module):
    """Mixes each cross-attended stream with the self-attended one of its query before the streams are pooled.

    The gate is one number in [0, 1] an utterance and pair, learned from both streams: 1 takes the cross-attended stream
    alone. The idea is that of dynamic and incongruity-aware cross-attention (2024): when the modalities do not agree,
    a modality may be left to itself. Without any cross-attended stream the self-attended ones are pooled.

    Args:
        pairs: of the model, among them the self-attended pair of every query.
        inner: pools the mixed streams, one a cross-attended pair.
    """

    def __init__(self, pairs: tuple[Pair, ...], width: int, inner: nn.Module):
        super().__init__()
        self.pairs = tuple(pair for pair in pairs if pair[0] != pair[1])
        if not self.pairs or any((query, query) not in pairs for query, _ in self.pairs):
            raise ValueError("A gate mixes a cross-attended with a self-attended stream: the model needs both.")
        self.crossed = [pairs.index(pair) for pair in self.pairs]
        self.alone = [pairs.index((query, query)) for query, _ in self.pairs]
        self.gate = nn.ModuleDict({f"{query}_{key}": nn.Linear(2 * width, 1) for query, key in self.pairs})
        self.inner = inner

    def gates(self, streams: Tensor, exists: Tensor) -> Tensor:
        """[B, S, W], bool [B, S] -> [B, P] in [0, 1], one a cross-attended pair; NaN where that stream is not there."""
        both = torch.cat([streams[:, self.crossed], streams[:, self.alone]], 2)  # [B, P, 2W]
        logits = torch.cat([gate(both[:, i]) for i, gate in enumerate(self.gate.values())], 1)
        return torch.sigmoid(logits).masked_fill(~exists[:, self.crossed], torch.nan)

    def forward(self, streams: Tensor, exists: Tensor) -> Tensor:
        """[B, S, W], bool [B, S] -> what ``inner`` makes of [B, P, W]."""
        share = self.gates(streams, exists).nan_to_num(0.0)[:, :, None]
        mixed = share * streams[:, self.crossed] + (1 - share) * streams[:, self.alone]
        crossed = exists[:, self.crossed]
        return self.inner(mixed, torch.where(crossed.any(1, keepdim=True), crossed, exists[:, self.alone]))


class LateFusion(nn.Module):
    """A classifier a stream; the probabilities of those that exist are averaged. Stands for pooling and classifier."""

    def __init__(self, streams: int, width: int, bottleneck: int, classes: int):
        super().__init__()
        self.classifiers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, bottleneck), nn.Linear(bottleneck, classes)) for _ in range(streams)
        )

    def forward(self, streams: Tensor, exists: Tensor) -> Tensor:
        """[B, S, W], bool [B, S] -> logits [B, 7]: logarithms of the averaged probabilities."""
        each = torch.stack([one(streams[:, i]) for i, one in enumerate(self.classifiers)], 1).log_softmax(2)
        counted = exists | ~exists.any(1, keepdim=True)  # the mean of nothing has no gradient
        return each.masked_fill(~counted[:, :, None], -torch.inf).logsumexp(1) - counted.sum(1, keepdim=True).log()


def stretched(x: Tensor, lengths: Tensor, wanted: Tensor) -> Tensor:
    """[B, T, D], of which the first ``lengths`` [B] steps exist -> [B, max(wanted), D], of which ``wanted`` [B] do.

    Every step is repeated about equally often, so that its place in time stays what it was; zero where nothing exists.
    """
    place = torch.arange(int(wanted.max()), device=x.device)[None]  # [1, T']
    index = place * lengths[:, None] // wanted[:, None].clamp_min(1)
    exists = (place < wanted[:, None]) & (lengths > 0)[:, None]
    found = x.gather(1, index.clamp(0, x.shape[1] - 1)[:, :, None].expand(-1, -1, x.shape[2]))
    return found.masked_fill(~exists[:, :, None], 0.0)
