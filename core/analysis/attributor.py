"""Asks the models again without each part of a clip, without each modality and with uniform attention.

The work is bounded: of a clip longer than ``WINDOW`` seconds one window is asked about, and a modality has at most
``MAX_PARTS`` parts.

Letters in shape comments: P parts of a modality, S streams (pairs), W width.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from core import LABELS, SUBSETS, Subset
from core.analysis.analyzer import Analyzer
from core.analysis.attribution import Attribution, ModelAttribution, Parts, spans
from core.analysis.results import Analysis, Prediction, Predictions, Verdict
from core.analysis.shapley import shapley, synergy
from core.encoders.transcript import Word
from core.encoders.utterance import FeatureSequence, between, words_between
from core.fusion.attention import MAX_KEPT, bin_edges, received
from core.fusion.model import FusionModel, FusionOutput, Padded, step_mask

MAX_PARTS = 50
"""Parts of one modality that are left out in turn; where it has more steps, a part is several of them."""
PART = 0.5  # seconds of voice or of face in a part
BASELINE = np.full(len(LABELS), 1 / len(LABELS))
"""The value of no modality at all: every class equally likely. A convention, no model says it."""


def measure(analyzer: Analyzer, analysis: Analysis, span: tuple[float, float] | None = None) -> Attribution:
    """Asks the models of an analysis about every part of a clip, or of one of its windows; one batch a modality and
    model.

    Args:
        span: one of ``spans``; the first if None.

    Raises:
        ValueError: the analysis was stored without what the models read, or there is nothing in that span.
    """
    start, end = span or spans(analysis)[0]
    sequences, words = analysis.sequences, analysis.transcript.words
    if analysis.windows:
        sequences = {m: cut for m, s in sequences.items() if len((cut := between(s, start, end)).times)}
        words = words_between(words, start, end)
    if not sequences:
        raise ValueError("there is nothing here that the models could be asked about")
    predictions = analyzer.predict_from(sequences, models=analysis.models) if analysis.windows else analysis.predictions
    parts = {m: parts_of(m, sequence, words) for m, sequence in sequences.items()}
    outputs = analyzer.run([sequences], analysis.models)
    there = [used for used in SUBSETS if set(used) <= set(sequences)]
    measured: dict[Subset, dict[str, ModelAttribution]] = {used: {} for used in there}
    for name, output in outputs.items():
        even = _even(analyzer.models[name], output)
        left_out = {m: _left_out(analyzer, name, output, sequences, m, parts[m]) for m in sequences}
        for used in there:
            verdict = predictions[used].verdicts()[name]
            if verdict is None:
                continue
            without = {}
            for m in used:
                streams = left_out[m]
                if streams is None:  # its only part: nothing of it is left
                    rest = _probabilities(predictions, tuple(other for other in used if other != m), name)
                    without[m] = np.full((1, len(LABELS)), np.nan) if rest is None else rest[None]
                else:
                    without[m] = analyzer.probabilities(name, *streams, used)
            measured[used][name] = ModelAttribution(
                probabilities=verdict.probabilities,
                occluded=without,
                attention_received={m: _looked(verdict, m, parts[m], sequences[m]) for m in used},
                uniform_attention=analyzer.probabilities(name, even, output.exists, used)[0],
                **_of_modalities(predictions, name, used),
            )
    return Attribution(start, end, parts, measured)


def parts_of(modality: str, sequence: FeatureSequence, words: tuple[Word, ...] = ()) -> Parts:
    """What of a modality is left out in turn: its words, or the half seconds in which it has any step.

    Args:
        words: those of a text sequence, one a step.
    """
    times = sequence.times
    if modality == "text":
        edges = bin_edges(len(times), MAX_PARTS)
        starts = np.array([words[i].start for i in edges[:-1]])
        ends = np.array([words[i - 1].end for i in edges[1:]])
        names = tuple(" ".join(word.text for word in words[i:j]) for i, j in pairwise(edges))
    else:
        slots = np.floor(times / PART).astype(int)
        edges = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
        if len(edges) > MAX_PARTS:
            edges = edges[bin_edges(len(edges), MAX_PARTS)[:-1]]
        edges = np.append(edges, len(times))
        starts, ends = slots[edges[:-1]] * PART, (slots[edges[1:] - 1] + 1) * PART
        names = tuple(f"{start:.1f}–{end:.1f} s" for start, end in zip(starts, ends, strict=True))
    return Parts(np.maximum(starts, 0.0), ends, np.diff(edges), names)


@torch.inference_mode()
def _left_out(
    analyzer: Analyzer,
    name: str,
    output: FusionOutput,
    sequences: dict[str, FeatureSequence],
    modality: str,
    parts: Parts,
) -> tuple[Tensor, Tensor] | None:
    """Streams [P, S, W] and which exist [P, S] without each part; None where the only part is all there is.

    Only streams that have to do with the modality change; the others are those of the whole.
    """
    if len(parts.steps) == 1:
        return None
    model, sequence, rows = analyzer.models[name], sequences[modality], len(parts.steps)
    kept = [parts.owners != row for row in range(rows)]
    fewer = analyzer.padded(modality, [FeatureSequence(sequence.values[k], sequence.times[k]) for k in kept])
    encoded = {m: _repeated(found, rows) for m, found in output.encoded.items()}
    encoded[modality] = model.encode(modality, fewer)
    streams, exists = output.streams.repeat(rows, 1, 1), output.exists.repeat(rows, 1)
    for index, (query, key) in enumerate(model.config.pairs):
        if modality in (query, key) and query in encoded and key in encoded:
            found = model.attend(encoded[query], encoded[key], f"{query}_{key}", MAX_KEPT)
            streams[:, index], exists[:, index] = found[0], found[1]
    return streams, exists


@torch.inference_mode()
def _even(model: FusionModel, output: FusionOutput) -> Tensor:
    """Streams [1, S, W] of even attention."""
    encoded = output.encoded
    streams = output.streams.clone()
    for index, (query, key) in enumerate(model.config.pairs):
        if query in encoded and key in encoded:
            attention = model.attention[f"{query}_{key}"]
            assert isinstance(attention, nn.MultiheadAttention)
            streams[:, index] = even_stream(attention, encoded[key])
    return streams


def _of_modalities(predictions: Predictions, name: str, used: Subset) -> dict:
    """``marginal``, ``shapley`` and ``synergy`` of a set of modalities, from the verdicts of the sets within it."""
    asked = [s for s in ((), *SUBSETS) if set(s) <= set(used)]
    game = {s: values for s in asked if (values := _probabilities(predictions, s, name)) is not None}
    rest = {m: game.get(tuple(other for other in used if other != m)) for m in used}
    complete = len(game) == len(asked)  # cross-attention says nothing from a single modality
    return {
        "marginal": {m: game[used] - values for m, values in rest.items() if values is not None},
        "shapley": shapley(game, used) if complete else None,
        "synergy": synergy(game, used) if complete else None,
    }


def _probabilities(predictions: Predictions, used: Subset, name: str) -> np.ndarray | None:
    """[7] of a set of modalities; the baseline of none. None where nothing is said."""
    if not used:
        return BASELINE
    found: Prediction | None = predictions.get(used)
    verdict = found and found.verdicts()[name]
    return verdict.probabilities if verdict else None


def _looked(verdict: Verdict, modality: str, parts: Parts, sequence: FeatureSequence) -> np.ndarray:
    """[P] attention received, the mean over the steps of each part that the map shows."""
    found = received(verdict.attention, modality)
    if found is None:
        return np.full(len(parts.steps), np.nan)
    times, shares = found
    if len(times) == len(sequence.times):
        owners = parts.owners
    else:  # a local encoder with a stride, or bins
        firsts = sequence.times[np.cumsum([0, *parts.steps[:-1]])]
        owners = np.maximum(np.searchsorted(firsts, times, "right") - 1, 0)
    counts = np.bincount(owners, minlength=len(parts.steps))
    with np.errstate(invalid="ignore"):
        return np.bincount(owners, shares, len(parts.steps)) / counts


def _repeated(sequence: Padded, rows: int) -> Padded:
    return Padded(sequence.values.expand(rows, -1, -1), sequence.lengths.expand(rows))


def even_stream(attention: nn.MultiheadAttention, key: Padded) -> Tensor:
    """Stream [B, W] of attention whose weights are the same on every key that exists.

    Every query then gets the same: the mean of the keys, through the projections of value and output.
    """
    exists = step_mask(key.lengths, key.values.shape[1])[:, :, None]
    mean = (key.values * exists).sum(1) / key.lengths[:, None].clamp_min(1)  # [B, W]
    width = attention.embed_dim
    value = nn.functional.linear(mean, attention.in_proj_weight[2 * width :], attention.in_proj_bias[2 * width :])
    return attention.out_proj(value)
