"""Does attention tell the truth? Attention received against what each moment was worth, on held-out utterances.

A moment (one of at most ``PARTS`` equal parts of a modality) is worth by how much the probability of the verdict falls
when it is left out. If attention explained a verdict, leaving out what is looked at most would bring it down fastest
(deletion), and showing only that would bring it back first (insertion); both are set against a random order and against
the order of the moments' own worth, which is the best that leaving out one at a time can know.

Letters in shape comments are those of ``core.fusion.model``; P parts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn

from core.fusion.attention import bin_edges
from core.fusion.model import FusionModel, Padded, TimeMixing, step_mask

PARTS = 6
MOST = 24  # utterances that are asked about: each is asked about 50 times a modality
ORDERS = ("attention", "leave one out", "random")
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8)
"""Of a modality that is left out (deletion) or still hidden (insertion, where the whole is last)."""

Utterance = Mapping[str, np.ndarray]
"""Modality -> features [T, D]."""
Batch = Callable[[Sequence[Utterance]], dict[str, Padded]]
"""Makes tensors of utterances, of which each has the same modalities."""


@dataclass
class _Moments:
    """What was found out about one modality, one entry an utterance."""

    deletion: dict[str, list[np.ndarray]] = field(default_factory=lambda: {order: [] for order in ORDERS})
    insertion: dict[str, list[np.ndarray]] = field(default_factory=lambda: {order: [] for order in ORDERS})
    correlation: list[float] = field(default_factory=list)
    against: list[float] = field(default_factory=list)
    against_any: list[float] = field(default_factory=list)
    worth_of_top: list[float] = field(default_factory=list)
    worth_of_all: list[float] = field(default_factory=list)

    def add(self, received: np.ndarray, worth: np.ndarray) -> None:
        """One more utterance: attention [P] that its parts received, and what they were worth [P]."""
        if np.ptp(received) > 0 and np.ptp(worth) > 0:
            self.correlation.append(float(stats.spearmanr(received, worth).statistic))
        top = worth[received.argmax()]
        self.against.append(float(top < 0))
        self.against_any.append(float((worth < 0).mean()))
        self.worth_of_top.append(float(top))
        self.worth_of_all.append(float(worth.mean()))


@torch.inference_mode()
def faithfulness(
    model: FusionModel, utterances: Sequence[Utterance], labels: np.ndarray, batch: Batch, seed: int = 0
) -> dict:
    """Measures one model; a JSON object.

    Args:
        utterances: held-out ones; see ``spread`` for how many are enough.
        labels: int64 [n] classes, for the loss when a head is made even.

    Returns:
        ``n`` utterances; ``modalities``: modality -> figures of its moments (see ``_moments_of``), of those whose time
        steps the attention maps have; ``heads``: "query->key" -> one object a head (see ``_heads``); ``means``:
        "query->key" -> of the mean of all heads what ``_worths`` says.
    """
    chance = np.random.default_rng(seed)
    moments = {m: _Moments() for m in model.modalities if not isinstance(model.config.local.get(m), TimeMixing)}
    tops: dict[str, list[list[float]]] = {}
    for utterance in utterances:
        _ask_about(model, utterance, batch, chance, moments, tops)
    worths = {pair: _worths(rows) for pair, rows in tops.items()}
    return {
        "n": len(utterances),
        "modalities": {m: _summary(found) for m, found in moments.items() if found.worth_of_all},
        "heads": _heads(model, batch(utterances), torch.from_numpy(np.asarray(labels)), worths),
        "means": {pair: found[-1] for pair, found in worths.items()},
    }


def spread(count: int, most: int = MOST) -> np.ndarray:
    """int64 [n], at most ``most`` of so many indices, spread over all."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(int))


def _ask_about(
    model: FusionModel, utterance: Utterance, batch: Batch, chance: np.random.Generator,
    moments: Mapping[str, _Moments], tops: dict[str, list[list[float]]],
) -> None:  # fmt: skip
    """One utterance: leaves out, shows, and compares with the attention that each part received.

    The model runs twice, on batches of variants of the utterance.
    """
    owners = {}  # modality -> [T], which part each step belongs to
    for modality in moments:
        if len(utterance[modality]) >= 3:
            sizes = np.diff(bin_edges(len(utterance[modality]), PARTS))
            owners[modality] = np.repeat(np.arange(len(sizes)), sizes)

    def only(modality: str, parts: np.ndarray) -> Utterance:
        return {**utterance, modality: utterance[modality][np.isin(owners[modality], parts)]}

    every = {m: np.arange(of[-1] + 1) for m, of in owners.items()}
    output = model(batch([utterance, *(only(m, np.delete(parts, i)) for m, parts in every.items() for i in parts)]))
    if not owners or not output.defined[0]:
        return
    probabilities = output.logits.double().softmax(1).cpu().numpy()  # [1 + parts, classes]
    verdict = int(probabilities[0].argmax())
    whole = probabilities[0, verdict]
    cuts = np.cumsum([len(parts) for parts in every.values()])[:-1]
    worths = dict(zip(every, np.split(whole - probabilities[1:, verdict], cuts), strict=True))
    asked: list[tuple[str, str, np.ndarray]] = []  # modality, name of the order, parts in that order
    for modality, worth in worths.items():
        by_head = _received(output.attention, output.lengths, modality, owners[modality], len(worth))
        if not by_head:
            continue
        received = np.mean([heads.mean(0) for heads in by_head.values()], 0)  # [P]
        for pair, heads in by_head.items():
            most = [*heads.argmax(1), heads.mean(0).argmax()]
            tops.setdefault(pair, []).append([*worth[most], worth.mean()])
        asked += [
            (modality, "attention", np.argsort(-received, kind="stable")),
            (modality, "leave one out", np.argsort(-worth, kind="stable")),
            *((modality, "random", chance.permutation(len(worth))) for _ in range(2)),
        ]
        moments[modality].add(received, worth)
    variants = [
        only(m, kept) for m, _, order in asked for k in range(1, len(order)) for kept in (order[k:], order[:k])
    ]  # fmt: skip
    if not variants:
        return
    kept_verdict = model(batch(variants)).logits.double().softmax(1)[:, verdict].cpu().numpy()
    answered = np.cumsum([2 * (len(order) - 1) for _, _, order in asked])[:-1]
    for (modality, name, order), answers in zip(asked, np.split(kept_verdict, answered), strict=True):
        deleted, inserted = answers.reshape(-1, 2).T
        shares = [0, *np.arange(1, len(order)) / len(order)]
        moments[modality].deletion[name].append(np.interp(SHARES, shares, [whole, *deleted]))
        moments[modality].insertion[name].append(np.interp(SHARES, shares, [whole, *inserted[::-1]]))


def _received(
    attention: Mapping[tuple[str, str], Tensor], lengths: Mapping[str, Tensor], modality: str, owners: np.ndarray,
    parts: int,
) -> dict[str, np.ndarray]:  # fmt: skip
    """ "query->key" -> [H, P], the mean attention that each part of the key received, of one utterance.

    A local encoder's stride leaves fewer steps than the sequence had; each lies at its share of the time.
    """
    found = {}
    for (query, key), weights in attention.items():
        if key == modality:
            queries, keys = int(lengths[query][0]), int(lengths[key][0])
            if not queries:  # nobody asks: the utterance lacks that modality
                continue
            towards = weights[0, :, :queries, :keys].double().mean(1).cpu().numpy()  # [H, Tk]
            of_step = owners[np.arange(keys) * len(owners) // keys]
            counts = np.maximum(np.bincount(of_step, minlength=parts), 1)
            found[f"{query}->{key}"] = np.stack([np.bincount(of_step, head, parts) / counts for head in towards])
    return found


def _summary(found: _Moments) -> dict:
    """Means over utterances.

    ``deletion`` and ``insertion``: order -> probability of the verdict at each of ``SHARES`` left out or hidden;
    ``rank_correlation``: Spearman's, of attention received and worth, None where one of them is always constant;
    ``against``: share of utterances whose most looked-at part was worth less than nothing, ``against_any``: of all
    parts; ``worth_of_top``, ``worth_of_all``: mean worth of the most looked-at part, of all parts.
    """
    curves = {
        kind: {order: np.round(np.mean(each, 0), 5).tolist() for order, each in getattr(found, kind).items()}
        for kind in ("deletion", "insertion")
    }
    means = {
        name: round(float(np.mean(getattr(found, name))), 5)
        for name in ("against", "against_any", "worth_of_top", "worth_of_all")
    }
    correlation = round(float(np.mean(found.correlation)), 5) if found.correlation else None
    return {"shares": list(SHARES), **curves, "rank_correlation": correlation, **means}


def _worths(rows: Sequence[Sequence[float]]) -> list[dict]:
    """Of each head and last of their mean: ``worth_of_top`` and ``worth_of_all``, the mean worth of the moment that it
    looks at most, and of all; ``worth_error``, the standard error of their difference (None of one utterance);
    ``asked``, of how many utterances.

    Args:
        rows: of each utterance [H + 2] the worth of the moment that each head looks at most, that their mean does, and
            the mean worth of all moments.
    """
    worth = np.asarray(rows)  # [n, H + 2]
    above = worth[:, :-1] - worth[:, -1:]  # [n, H + 1]
    errors = above.std(0, ddof=1) / len(worth) ** 0.5 if len(worth) > 1 else [None] * above.shape[1]
    return [
        {
            "worth_of_top": round(float(top), 6),
            "worth_of_all": round(float(worth[:, -1].mean()), 6),
            "worth_error": None if error is None else round(float(error), 6),
            "asked": len(worth),
        }
        for top, error in zip(worth[:, :-1].mean(0), errors, strict=True)
    ]


def _heads(
    model: FusionModel, inputs: dict[str, Padded], labels: Tensor, worths: Mapping[str, list[dict]]
) -> dict[str, list[dict]]:
    """Of each pair and head: ``entropy`` in [0, 1], 1 for even attention; ``loss_if_even``: by how much the
    cross-entropy rises when that head alone gets the mean of its values; and what ``_worths`` says of it, None where no
    moments were asked about."""
    unknown = {"worth_of_top": None, "worth_of_all": None, "worth_error": None, "asked": 0}
    output = model(inputs)
    labels = labels.to(output.logits.device)
    defined = output.defined
    found: dict[str, list[dict]] = {}
    for index, (query, key) in enumerate(model.config.pairs):
        name, weights = f"{query}->{key}", output.attention[query, key]
        block = model.attention[f"{query}_{key}"]
        if not isinstance(block, nn.MultiheadAttention) or model.together:
            continue
        queries = step_mask(output.lengths[query], weights.shape[2]) & output.exists[:, index, None]  # [B, Tq]
        keys = step_mask(output.lengths[key], weights.shape[3])  # [B, Tk]
        entropy = entropies(weights, queries, output.lengths[key])
        rise = []
        for changed in _streams_of_even_heads(block, weights, queries, keys, output.encoded[key].values):
            streams = output.streams.clone()
            streams[:, index] += changed
            logits = model.classify(streams, output.exists)[defined]
            before = F.cross_entropy(output.logits[defined], labels[defined])
            rise.append(float(F.cross_entropy(logits, labels[defined]) - before))
        of_heads = worths.get(name) or [unknown] * weights.shape[1]
        found[name] = [
            {"entropy": round(float(entropy[head]), 5), "loss_if_even": round(rise[head], 6), **of_heads[head]}
            for head in range(weights.shape[1])
        ]
    return found


def entropies(weights: Tensor, queries: Tensor, keys: Tensor) -> Tensor:
    """Mean entropy [H] in [0, 1] of attention [B, H, Tq, Tk] over the queries that exist (bool [B, Tq]); 1 is even.

    Args:
        keys: [B], how many there are; an utterance with one key says nothing.
    """
    each = -(weights * weights.clamp_min(1e-12).log()).sum(3)  # [B, H, Tq]
    each = each / keys.clamp_min(2).to(each.dtype).log()[:, None, None]
    counted = (queries & (keys > 1)[:, None])[:, None].to(each.dtype)  # [B, 1, Tq]
    return (each * counted).sum((0, 2)) / counted.sum((0, 2)).clamp_min(1)


def _streams_of_even_heads(
    block: nn.MultiheadAttention, weights: Tensor, queries: Tensor, keys: Tensor, values: Tensor
) -> list[Tensor]:
    """By how much the stream [B, W] changes when one head is even, for each head."""
    width = block.embed_dim
    projected = F.linear(values, block.in_proj_weight[2 * width :], block.in_proj_bias[2 * width :])  # [B, Tk, W]
    even = keys / keys.sum(1, keepdim=True).clamp_min(1)  # [B, Tk]
    asking = queries / queries.sum(1, keepdim=True).clamp_min(1)  # [B, Tq]
    change = even[:, None] * queries.any(1)[:, None, None] - torch.einsum("bhqk,bq->bhk", weights, asking.to(weights))
    size = width // weights.shape[1]
    parts = [slice(size * head, size * (head + 1)) for head in range(weights.shape[1])]
    return [
        (change[:, head, None] @ projected[:, :, part])[:, 0] @ block.out_proj.weight[:, part].T
        for head, part in enumerate(parts)
    ]
