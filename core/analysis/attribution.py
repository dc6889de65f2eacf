"""What was it worth? How verdicts change when something is left out, beside how much attention it received.

Attention says what was mixed into a verdict, with no sign and no question whether the verdict would have been another.
Here the models are asked again: without each word, each half second of voice and each face step (removed from the
sequence, as if it had never been there), without each modality, and with even attention. None of these explains a
verdict either. What is left still knows of what is gone, because words and voice were read in their context before;
and parts that repeat each other are worth little one by one.

A verdict rests on ``WINDOW`` seconds at most here: of a longer clip one window is asked about. That bounds the work,
as ``MOST_PARTS`` does.

Letters in shape comments: P parts of a modality, S streams (pairs), W width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core import LABELS, MODALITIES, SUBSETS, Subset
from core.analysis.analyzer import Analysis, Analyzer, Prediction, Predictions, Verdict
from core.analysis.shapley import shapley, synergy
from core.encoders.features import Sequence
from core.encoders.speech import Word
from core.fusion.attention import MOST_KEPT, bin_edges, received
from core.fusion.checkpoint import MODELS, subset_name
from core.fusion.model import FusionModel, FusionOutput, Padded, step_mask

MOST_PARTS = 50
"""Parts of one modality that are left out in turn; where it has more steps, a part is several of them."""

VOICE_PART = 0.5  # seconds of voice in a part
LONGEST_FACE = 0.1  # seconds that a face step is shown to last at most

BASELINE = np.full(len(LABELS), 1 / len(LABELS))
"""The value of no modality at all: every class equally likely. A convention, no model says it."""


@dataclass(frozen=True)
class Parts:
    """What of a modality is left out in turn, in order of time.

    Attributes:
        starts, ends: float64 [P] seconds.
        steps: int [P], how many steps of the sequence each part holds.
        names: [P] for people: the words themselves, or seconds.
    """

    starts: np.ndarray
    ends: np.ndarray
    steps: np.ndarray
    names: tuple[str, ...]

    @property
    def owners(self) -> np.ndarray:
        """int [T], which part each step belongs to."""
        return np.repeat(np.arange(len(self.steps)), self.steps)


@dataclass(frozen=True)
class Measured:
    """What the verdict of one model from one set of modalities owes to what.

    Attributes:
        probabilities: float64 [7], the verdict itself.
        without: modality -> float64 [P, 7], the verdict without each part; NaN where none is left.
        looked: modality -> float64 [P], attention that each part received, in units of an even share: 1 is what
            every moment gets when all get the same. NaN for a part that no step of the map falls into.
        even: float64 [7], the verdict if attention were even.
        added: modality -> float64 [7], what it adds to the others: the verdict less the verdict from the others.
            Cross-attention has it where at least two others are left, because it says nothing from a single one.
        shapley: modality -> float64 [7]; None for cross-attention, whose sets of one have no value.
        synergy: two modalities -> float64 [7]; None as well.
    """

    probabilities: np.ndarray
    without: dict[str, np.ndarray]
    looked: dict[str, np.ndarray]
    even: np.ndarray
    added: dict[str, np.ndarray]
    shapley: dict[str, np.ndarray] | None
    synergy: dict[tuple[str, str], np.ndarray] | None

    def worth(self, modality: str) -> np.ndarray:
        """float64 [P, 7] in [-1, 1]: by how much each part raised (or lowered) the probability of each class."""
        return self.probabilities - self.without[modality]

    def to_json(self) -> dict:
        """Numbers by modality; None for what is undefined."""
        pairs = self.synergy and {"+".join(pair): _numbers(values) for pair, values in self.synergy.items()}
        return {
            "probabilities": _numbers(self.probabilities),
            "without": {m: _numbers(values) for m, values in self.without.items()},
            "looked": {m: _numbers(values) for m, values in self.looked.items()},
            "even": _numbers(self.even),
            "added": {m: _numbers(values) for m, values in self.added.items()},
            "shapley": self.shapley and {m: _numbers(values) for m, values in self.shapley.items()},
            "synergy": pairs,
        }

    @classmethod
    def from_json(cls, value: dict) -> "Measured":
        """Inverse of ``to_json``, to six decimals."""
        pairs = value["synergy"]
        return cls(
            probabilities=_array(value["probabilities"]),
            without=_arrays(value["without"]),
            looked=_arrays(value["looked"]),
            even=_array(value["even"]),
            added=_arrays(value["added"]),
            shapley=None if value["shapley"] is None else _arrays(value["shapley"]),
            synergy=None if pairs is None else {tuple(k.split("+")): v for k, v in _arrays(pairs).items()},
        )


@dataclass(frozen=True)
class Worth:
    """What everything in a clip, or in one window of it, was worth.

    Attributes:
        start, end: seconds.
        parts: of each modality that is there.
        measured: every set of those modalities -> model -> what was measured; a model without a verdict is left out.
    """

    start: float
    end: float
    parts: dict[str, Parts]
    measured: dict[Subset, dict[str, Measured]]

    def of(self, model: str, used: Subset) -> Measured | None:
        """None where that model says nothing from these modalities, or nothing is there."""
        return self.measured.get(used, {}).get(model)

    def cross_minus_self(self, modality: str, used: Subset) -> np.ndarray | None:
        """float64 [P]: attention each part receives under cross-attention less under self-attention, in even shares."""
        both = [self.of(model, used) for model in MODELS]
        if None in both or modality not in used:
            return None
        return both[0].looked[modality] - both[1].looked[modality]

    def to_json(self) -> dict:
        """A JSON object from which ``from_json`` restores it (its contract stands in docs/worth.md)."""
        return {
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "labels": list(LABELS),
            "parts": {
                m: [
                    {"name": name, "start": round(float(start), 3), "end": round(float(end), 3), "steps": int(steps)}
                    for name, start, end, steps in zip(part.names, part.starts, part.ends, part.steps, strict=True)
                ]
                for m, part in self.parts.items()
            },
            "subsets": {
                subset_name(used): {name: found.to_json() for name, found in by_model.items()}
                for used, by_model in self.measured.items()
            },
        }

    @classmethod
    def from_json(cls, value: dict) -> "Worth":
        """Inverse of ``to_json``.

        Raises:
            ValueError: it was measured for other labels.
        """
        if tuple(value["labels"]) != LABELS:
            raise ValueError(f"measured for other labels: {', '.join(value['labels'])}")
        parts = {
            m: Parts(
                starts=np.array([p["start"] for p in listed]),
                ends=np.array([p["end"] for p in listed]),
                steps=np.array([p["steps"] for p in listed]),
                names=tuple(p["name"] for p in listed),
            )
            for m, listed in value["parts"].items()
        }
        measured = {
            tuple(name.split("+")): {model: Measured.from_json(found) for model, found in by_model.items()}
            for name, by_model in value["subsets"].items()
        }
        return cls(value["start"], value["end"], parts, measured)


def spans(analysis: Analysis) -> tuple[tuple[float, float], ...]:
    """(start, end) in seconds of what can be asked about: the clip, or its windows where it is longer than one."""
    return tuple((w.start, w.end) for w in analysis.windows) or ((0.0, analysis.duration),)


def measure(analyzer: Analyzer, analysis: Analysis, span: tuple[float, float] | None = None) -> Worth:
    """Asks both models about every part of a clip, or of one of its windows; one batch a modality and model.

    Args:
        span: one of ``spans``; the first if None.

    Raises:
        ValueError: the analysis was stored without what the models read, or there is nothing in that span.
    """
    start, end = span or spans(analysis)[0]
    sequences, words = analysis.sequences, analysis.transcript.words
    if analysis.windows:
        sequences = {m: cut for m, s in sequences.items() if len((cut := _between(s, start, end)).times)}
        words = tuple(w for w in words if start <= (w.start + w.end) / 2 < end)
    if not sequences:
        raise ValueError("there is nothing here that the models could be asked about")
    predictions = analyzer.predict_from(sequences) if analysis.windows else analysis.predictions
    parts = {m: parts_of(m, sequence, words) for m, sequence in sequences.items()}
    outputs = analyzer.run([sequences])
    there = [used for used in SUBSETS if set(used) <= set(sequences)]
    measured: dict[Subset, dict[str, Measured]] = {used: {} for used in there}
    for name, output in outputs.items():
        even = _even(analyzer, name, output, sequences)
        left_out = {m: _left_out(analyzer, name, output, sequences, m, parts[m]) for m in sequences}
        for used in there:
            verdict = predictions[used].verdicts()[name]
            if verdict is None:
                continue
            without = {}
            for m in used:
                if left_out[m] is None:  # its only part: nothing of it is left
                    rest = _probabilities(predictions, tuple(other for other in used if other != m), name)
                    without[m] = np.full((1, len(LABELS)), np.nan) if rest is None else rest[None]
                else:
                    without[m] = analyzer.probabilities(name, *left_out[m], used)
            measured[used][name] = Measured(
                probabilities=verdict.probabilities,
                without=without,
                looked={m: _looked(verdict, m, parts[m], sequences[m]) for m in used},
                even=analyzer.probabilities(name, even, output.exists, used)[0],
                **_of_modalities(predictions, name, used),
            )
    return Worth(start, end, parts, measured)


def parts_of(modality: str, sequence: Sequence, words: tuple[Word, ...] = ()) -> Parts:
    """What of a modality is left out in turn; ``words`` are those of a text sequence, one a step."""
    times = sequence.times
    if modality == "audio":
        slots = np.floor(times / VOICE_PART).astype(int)
        edges = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
        if len(edges) > MOST_PARTS:
            edges = edges[bin_edges(len(edges), MOST_PARTS)[:-1]]
        edges = np.append(edges, len(times))
        starts, ends = slots[edges[:-1]] * VOICE_PART, (slots[edges[1:] - 1] + 1) * VOICE_PART
    else:
        edges = bin_edges(len(times), MOST_PARTS)
        first, last = edges[:-1], edges[1:] - 1
        if modality == "text":
            starts, ends = np.array([words[i].start for i in first]), np.array([words[i].end for i in last])
        else:
            half = min(float(np.median(np.diff(times))) if len(times) > 1 else LONGEST_FACE, LONGEST_FACE) / 2
            starts, ends = times[first] - half, times[last] + half
    if modality == "text":
        names = tuple(" ".join(word.text for word in words[i:j]) for i, j in zip(edges[:-1], edges[1:], strict=True))
    elif modality == "video":
        names = tuple(f"{(start + end) / 2:.1f} s" for start, end in zip(starts, ends, strict=True))
    else:
        names = tuple(f"{start:.1f}–{end:.1f} s" for start, end in zip(starts, ends, strict=True))
    return Parts(np.maximum(starts, 0.0), ends, np.diff(edges), names)


@torch.inference_mode()
def _left_out(
    analyzer: Analyzer, name: str, output: FusionOutput, sequences: dict[str, Sequence], modality: str, parts: Parts
) -> tuple[Tensor, Tensor] | None:
    """Streams [P, S, W] and which exist [P, S] without each part; None where the only part is all there is.

    Only streams that have to do with the modality change; the others are those of the whole.
    """
    if len(parts.steps) == 1:
        return None
    model, sequence, rows = analyzer.models[name], sequences[modality], len(parts.steps)
    kept = [parts.owners != row for row in range(rows)]
    fewer = analyzer.padded(modality, [Sequence(sequence.values[k], sequence.times[k]) for k in kept])
    encoded = {m: _repeated(model.encode(m, analyzer.padded(m, [s])), rows) for m, s in sequences.items()}
    encoded[modality] = model.encode(modality, fewer)
    streams, exists = output.streams.repeat(rows, 1, 1), output.exists.repeat(rows, 1)
    for index, (query, key) in enumerate(model.config.pairs):
        if modality in (query, key) and query in encoded and key in encoded:
            found = model.attend(encoded[query], encoded[key], f"{query}_{key}", MOST_KEPT)
            streams[:, index], exists[:, index] = found[0], found[1]
    return streams, exists


@torch.inference_mode()
def _even(analyzer: Analyzer, name: str, output: FusionOutput, sequences: dict[str, Sequence]) -> Tensor:
    """Streams [1, S, W] of even attention."""
    model: FusionModel = analyzer.models[name]
    encoded = {m: model.encode(m, analyzer.padded(m, [s])) for m, s in sequences.items()}
    streams = output.streams.clone()
    for index, (query, key) in enumerate(model.config.pairs):
        if query in encoded and key in encoded:
            streams[:, index] = even_stream(model.attention[f"{query}_{key}"], encoded[key])
    return streams


def even_stream(attention: nn.MultiheadAttention, key: Padded) -> Tensor:
    """Stream [B, W] of attention whose weights are the same on every key that exists.

    Every query then gets the same: the mean of the keys, through the projections of value and output.
    """
    exists = step_mask(key.lengths, key.values.shape[1])[:, :, None]
    mean = (key.values * exists).sum(1) / key.lengths[:, None].clamp_min(1)  # [B, W]
    width = attention.embed_dim
    value = nn.functional.linear(mean, attention.in_proj_weight[2 * width :], attention.in_proj_bias[2 * width :])
    return attention.out_proj(value)


def _of_modalities(predictions: Predictions, name: str, used: Subset) -> dict:
    """``added``, ``shapley`` and ``synergy`` of a set of modalities, from the verdicts of the sets within it."""
    game = {s: _probabilities(predictions, s, name) for s in ((), *SUBSETS) if set(s) <= set(used)}
    rest = {m: game[tuple(other for other in used if other != m)] for m in used}
    complete = all(values is not None for values in game.values()) and name == "self"
    if name == "cross" and len(used) < 3:
        rest = {}  # without one of two it says nothing
    return {
        "added": {m: game[used] - values for m, values in rest.items() if values is not None},
        "shapley": shapley(game, used) if complete else None,
        "synergy": synergy(game, used) if complete else None,
    }


def _probabilities(predictions: Predictions, used: Subset, name: str) -> np.ndarray | None:
    """[7] of a set of modalities; the baseline of none, for self-attention alone. None where nothing is said."""
    if not used:
        return BASELINE if name == "self" else None
    found: Prediction | None = predictions.get(used)
    verdict = found and found.verdicts()[name]
    return verdict.probabilities if verdict else None


def _looked(verdict: Verdict, modality: str, parts: Parts, sequence: Sequence) -> np.ndarray:
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


def _between(sequence: Sequence, start: float, end: float) -> Sequence:
    inside = (sequence.times >= start) & (sequence.times < end)
    return Sequence(sequence.values[inside], sequence.times[inside])


def _repeated(sequence: Padded, rows: int) -> Padded:
    return Padded(sequence.values.expand(rows, -1, -1), sequence.lengths.expand(rows))


def _numbers(values: np.ndarray) -> list:
    """Nested lists, six decimals, None for NaN."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [None if np.isnan(v) else round(float(v), 6) for v in values]


def _array(values: list) -> np.ndarray:
    return np.array(values, np.float64)  # None becomes NaN


def _arrays(values: dict[str, list]) -> dict[str, np.ndarray]:
    return {name: _array(each) for name, each in values.items()}


assert set(MODALITIES) == {"text", "video", "audio"}, "parts_of knows these three"
