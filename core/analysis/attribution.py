"""What was it worth? How verdicts change when something is left out, beside how much attention it received.

Attention says what was mixed into a verdict, with no sign and no question whether the verdict would have been another.
Here the models are asked again: without each word, each half second of voice and of face (removed from the sequence, as
if it had never been there), without each modality as a whole, and with even attention. None of these explains a
verdict either. What is left still knows of what is gone, because words and voice were read in their context before;
and parts that repeat each other are worth little one by one, though all of them together may be worth much.

``core.analysis.attributor`` asks; here stands what it answers, without torch.

Letters in shape comments: P parts of a modality.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core import LABELS, MODALITIES, MODELS, Subset, subset_name
from core.analysis.results import Analysis

FORMER = {"occluded": "without", "attention_received": "looked", "uniform_attention": "even", "marginal": "added"}
"""Key in files -> what it was called in version 0."""


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
class ModelAttribution:
    """What the verdict of one model from one set of modalities owes to what.

    Attributes:
        probabilities: float64 [7], the verdict itself.
        occluded: modality -> float64 [P, 7], the verdict without each part; NaN where none is left.
        attention_received: modality -> float64 [P], attention that each part received, in units of an even share:
            1 is what every moment gets when all get the same. NaN for a part that no step of the map falls into.
        uniform_attention: float64 [7], the verdict if attention were even.
        marginal: modality -> float64 [7], what it adds to the others: the verdict less the verdict from the others.
            Cross-attention has it where at least two others are left, because it says nothing from a single one.
        shapley: modality -> float64 [7]; None for cross-attention, whose sets of one have no value.
        synergy: two modalities -> float64 [7]; None as well.
    """

    probabilities: np.ndarray
    occluded: dict[str, np.ndarray]
    attention_received: dict[str, np.ndarray]
    uniform_attention: np.ndarray
    marginal: dict[str, np.ndarray]
    shapley: dict[str, np.ndarray] | None
    synergy: dict[tuple[str, str], np.ndarray] | None

    def effect(self, modality: str) -> np.ndarray:
        """float64 [P, 7] in [-1, 1]: by how much each part raised (or lowered) the probability of each class."""
        return self.probabilities - self.occluded[modality]

    def effect_of_all(self, modality: str) -> np.ndarray:
        """float64 [7] in [-1, 1]: the same of all parts of a modality together, which is ``marginal``; NaN where the
        model says nothing from what is left."""
        return self.marginal.get(modality, np.full(len(LABELS), np.nan))

    def to_json(self, former: bool = False) -> dict:
        """Numbers by modality; None for what is undefined.

        Args:
            former: with the keys that version 0 had, see ``FORMER``.
        """
        shapley, synergy = self.shapley, self.synergy
        described = {
            "probabilities": _numbers(self.probabilities),
            "occluded": {m: _numbers(values) for m, values in self.occluded.items()},
            "attention_received": {m: _numbers(values) for m, values in self.attention_received.items()},
            "uniform_attention": _numbers(self.uniform_attention),
            "marginal": {m: _numbers(values) for m, values in self.marginal.items()},
            "shapley": None if shapley is None else {m: _numbers(values) for m, values in shapley.items()},
            "synergy": None if synergy is None else {"+".join(two): _numbers(v) for two, v in synergy.items()},
        }
        return {FORMER.get(key, key): values for key, values in described.items()} if former else described

    @classmethod
    def from_json(cls, value: dict) -> "ModelAttribution":
        """Inverse of ``to_json``, to six decimals, whichever keys it used."""
        value = {new: value[former] for new, former in FORMER.items() if former in value} | value
        pairs = value["synergy"]
        return cls(
            probabilities=_array(value["probabilities"]),
            occluded=_arrays(value["occluded"]),
            attention_received=_arrays(value["attention_received"]),
            uniform_attention=_array(value["uniform_attention"]),
            marginal=_arrays(value["marginal"]),
            shapley=None if value["shapley"] is None else _arrays(value["shapley"]),
            synergy=None if pairs is None else {_two_of(name): values for name, values in _arrays(pairs).items()},
        )


@dataclass(frozen=True)
class Attribution:
    """What everything in a clip, or in one window of it, was worth.

    Attributes:
        start, end: seconds.
        parts: of each modality that is there.
        measured: every set of those modalities -> model -> what was measured; a model without a verdict is left out.
    """

    start: float
    end: float
    parts: dict[str, Parts]
    measured: dict[Subset, dict[str, ModelAttribution]]

    def of(self, model: str, used: Subset) -> ModelAttribution | None:
        """None where that model says nothing from these modalities, or nothing is there."""
        return self.measured.get(used, {}).get(model)

    def cross_minus_self(self, modality: str, used: Subset) -> np.ndarray | None:
        """float64 [P]: attention each part receives under cross-attention less under self-attention, in even shares."""
        cross, self_ = (self.of(model, used) for model in MODELS)
        if cross is None or self_ is None or modality not in used:
            return None
        return cross.attention_received[modality] - self_.attention_received[modality]

    def to_json(self, former: bool = False) -> dict:
        """A JSON object from which ``from_json`` restores it (its contract stands in docs/attribution.md).

        Args:
            former: with the keys that version 0 had.
        """
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
                subset_name(used): {name: found.to_json(former) for name, found in by_model.items()}
                for used, by_model in self.measured.items()
            },
        }

    @classmethod
    def from_json(cls, value: dict) -> "Attribution":
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
            tuple(name.split("+")): {model: ModelAttribution.from_json(found) for model, found in by_model.items()}
            for name, by_model in value["subsets"].items()
        }
        return cls(value["start"], value["end"], parts, measured)


def as_json(attributions: Sequence[Attribution]) -> dict:
    """What files hold of them: ``attribution``, and for one more version ``worth`` with its former keys."""
    return {
        "attribution": [each.to_json() for each in attributions],
        "worth": [each.to_json(former=True) for each in attributions],
    }


def spans(analysis: Analysis) -> tuple[tuple[float, float], ...]:
    """(start, end) in seconds of what can be asked about: the clip, or its windows where it is longer than one."""
    return tuple((w.start, w.end) for w in analysis.windows) or ((0.0, analysis.duration),)


def _two_of(name: str) -> tuple[str, str]:
    """The two modalities of ``text+audio``."""
    one, two = name.split("+")
    return one, two


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
