"""One typed result for everything downstream: what the models say of a clip, and the attention behind it.

Nothing here computes: neither torch nor mediapipe is imported, so that what shows results starts at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from core import LABELS, MODALITIES, MODELS, Subset, subset_name, subset_of
from core.analysis.kept import Envelope, FaceSummary
from core.encoders.face_track import Person, Persons, place_of
from core.encoders.transcript import OtherLanguage, Transcript, Word
from core.encoders.utterance import FeatureSequence
from core.fusion.attention import AttentionMap
from core.fusion.pairs import Pair
from core.fusion.prediction_sets import in_set

SWITCHED_OFF = "switched off"
FIRST_SECOND = "first second"  # of a clip, in which a person may look neutral
WINDOW, HOP = 10.0, 5.0  # seconds: a longer clip is also predicted in windows, a new one every five seconds


@dataclass(frozen=True)
class Verdict:
    """What one model makes of a set of modalities.

    Attributes:
        probabilities: float64 [7] in the order of ``LABELS``.
        attention: maps of the pairs within that set; verdicts of one clip share them. Empty for a window.
        threshold: least probability of a label in the prediction set (see ``core.fusion.prediction_sets``).
        gates: pair -> share in [0, 1] of what this query attends to in the other modality, the rest being what it
            attends to in its own; one value for all moments. Empty for a model without gates.
    """

    model: str
    probabilities: np.ndarray
    attention: dict[Pair, AttentionMap]
    threshold: float = 1.0
    gates: dict[Pair, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The most probable label."""
        return LABELS[int(self.probabilities.argmax())]

    @property
    def probability(self) -> float:
        """Of ``label``, in [0, 1]."""
        return float(self.probabilities.max())

    @property
    def prediction_set(self) -> tuple[str, ...]:
        """The labels that are not ruled out, the most probable first."""
        kept = in_set(self.probabilities, self.threshold)
        return tuple(LABELS[i] for i in np.argsort(-self.probabilities, kind="stable") if kept[i])

    def to_json(self) -> dict:
        """``label``, ``set`` (see ``prediction_set``), ``probabilities`` by label, and ``gates`` if there are any."""
        described: dict = {
            "label": self.label,
            "set": list(self.prediction_set),
            "probabilities": {label: float(p) for label, p in zip(LABELS, self.probabilities, strict=True)},
        }
        if self.gates:
            described["gates"] = {f"{query}->{key}": round(share, 6) for (query, key), share in self.gates.items()}
        return described


@dataclass(frozen=True)
class Prediction:
    """What both models, and more where they were asked, say from one set of modalities.

    Attributes:
        used: that set.
        cross: None when fewer than two modalities are used: cross-attention needs two.
        self_: None only when nothing is used.
        more: name -> what another model says, None when it says nothing; empty unless more models were asked.
    """

    used: Subset
    cross: Verdict | None
    self_: Verdict | None
    more: dict[str, Verdict | None] = field(default_factory=dict)

    @classmethod
    def of(cls, used: Subset, verdicts: Mapping[str, Verdict | None]) -> "Prediction":
        """Inverse of ``verdicts``; of a model that was not asked there is no verdict."""
        more = {name: verdict for name, verdict in verdicts.items() if name not in MODELS}
        cross, self_ = (verdicts.get(name) for name in MODELS)
        return cls(used, cross, self_, more)

    def verdicts(self) -> dict[str, Verdict | None]:
        """Model name -> verdict, cross and self first."""
        return {"cross": self.cross, "self": self.self_, **self.more}

    def to_json(self) -> dict:
        """Model name -> ``Verdict.to_json``, or None."""
        return {name: verdict and verdict.to_json() for name, verdict in self.verdicts().items()}


NO_PREDICTION = Prediction((), None, None)
"""Everything is switched off or absent."""
Predictions = dict[Subset, Prediction]
"""Every set of the modalities that are there, the largest last."""
First = Callable[[Prediction], None]
"""Called with what face and voice say while words are still being read."""


def choose(predictions: Predictions, wanted: Subset) -> Prediction:
    """From the modalities that are wanted and there."""
    return predictions.get(subset_of(m for m in wanted if (m,) in predictions), NO_PREDICTION)


@dataclass(frozen=True)
class Segment:
    """A part of a clip, ``start`` to ``end`` in seconds, and what is said from all that it holds.

    Attributes:
        text: the words of a phrase; a window of ten seconds has none.
    """

    start: float
    end: float
    prediction: Prediction
    text: str = ""


@dataclass(frozen=True)
class Analysis:
    """Everything said about one clip, and of the clip what is shown beside it.

    Attributes:
        envelope: the outline of the sound track, None if the file has none.
        missing: modality -> why the clip has none of it.
        predictions: of each set of the modalities that the clip has.
        windows: in order of time, empty for clips no longer than one; those that hold nothing are left out.
        timings: stage -> seconds; stages overlap, so they do not add up to ``total``.
        warnings: sentences for people.
        phrases: in order of time, empty for clips of fewer than two; their ends lie in the pauses around the words.
        sequences: what the models read, by modality; empty where an analysis was stored without it. Values of a clip
            longer than one window are float16, as the models learned from: of five minutes 9 MB.
        persons: whose face it could be, if there are several; of five minutes it is 8 MB a person.
        neutral: where the neutral face is shown from which the face was seen (see ``encoders.neutral``): a file, or
            ``FIRST_SECOND`` of the clip; "" where nobody has asked for that. ``sequences`` are as the models read them.
        precision: "float32" or "bfloat16", of the face encoder's products; with the latter Whisper reads in float16 on
            a GPU (see ``core.device.Device``).
    """

    file: str
    duration: float
    transcript: Transcript
    faces: FaceSummary
    envelope: Envelope | None
    missing: dict[str, str]
    predictions: Predictions
    windows: tuple[Segment, ...]
    timings: dict[str, float]
    warnings: tuple[str, ...]
    phrases: tuple[Segment, ...] = ()
    sequences: dict[str, FeatureSequence] = field(default_factory=dict)
    persons: Persons | None = None
    neutral: str = ""
    precision: str = "float32"

    @property
    def present(self) -> Subset:
        """The modalities that the clip has."""
        return subset_of(set(MODALITIES) - set(self.missing))

    @property
    def everything(self) -> Prediction:
        """From every modality that the clip has."""
        return self.predictions[self.present]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that were asked, cross and self first."""
        return tuple(self.everything.verdicts())

    def without_more(self) -> "Analysis":
        """What cross and self alone say."""

        def of_two(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
            return tuple(replace(s, prediction=replace(s.prediction, more={})) for s in segments)

        predictions = {used: replace(found, more={}) for used, found in self.predictions.items()}
        return replace(self, predictions=predictions, windows=of_two(self.windows), phrases=of_two(self.phrases))

    def prediction(self, wanted: Subset) -> Prediction:
        """From the modalities that are wanted and there."""
        return choose(self.predictions, wanted)

    def absent(self, wanted: Subset = MODALITIES) -> dict[str, str]:
        """Modality -> why it is not used when these are wanted: it is missing or switched off."""
        return {m: self.missing.get(m, SWITCHED_OFF) for m in MODALITIES if m in self.missing or m not in wanted}

    def to_json(self, wanted: Subset = MODALITIES, attention: bool = False) -> dict:
        """The object of page, command line and endpoint (its contract stands in the README).

        Args:
            wanted: the modalities whose verdicts stand at the top; ``subsets`` holds all sets in any case.
            attention: whether the maps behind those verdicts are written out.
        """
        prediction = self.prediction(wanted)
        result = {
            "file": self.file,
            "duration": round(self.duration, 3),
            "labels": list(LABELS),
            "used": list(prediction.used),
            "missing": self.absent(wanted),
            "transcript": {
                "text": self.transcript.text,
                "words": _words_to_json(self.transcript.words),
                "other_language": _other_to_json(self.transcript.other),
            },
            **prediction.to_json(),
            "subsets": {subset_name(subset): found.to_json() for subset, found in self.predictions.items()},
            "faces": self._faces_to_json(),
            "face": (self.persons.chosen if self.persons else 1) if len(self.faces) else None,
            "neutral_face": self.neutral or None,
            "windows": [{"start": w.start, "end": w.end, **w.prediction.to_json()} for w in self.windows],
            "phrases": [
                {"start": round(w.start, 3), "end": round(w.end, 3), "text": w.text, **w.prediction.to_json()}
                for w in self.phrases
            ],
            "precision": self.precision,
            "timings": {stage: round(seconds, 4) for stage, seconds in self.timings.items()},
            "warnings": list(self.warnings),
        }
        if attention:
            result["attention"] = {
                name: {f"{query}->{key}": map_.to_json() for (query, key), map_ in verdict.attention.items()}
                for name, verdict in prediction.verdicts().items()
                if verdict
            }
        return result

    def _faces_to_json(self) -> list[dict]:
        persons: tuple[Person | FaceSummary, ...] = self.persons.each if self.persons else (self.faces,)
        return [
            {
                "face": number,
                "pictures": len(seen.times),
                "from": round(float(seen.times[0]), 3),
                "to": round(float(seen.times[-1]), 3),
                "place": place_of(seen.boxes),
            }
            for number, seen in enumerate(persons, 1)
            if len(seen.times)
        ]


def _words_to_json(words: tuple[Word, ...]) -> list[dict]:
    return [{"word": w.text, "start": round(w.start, 3), "end": round(w.end, 3)} for w in words]


def _other_to_json(other: OtherLanguage | None) -> dict | None:
    if other is None:
        return None
    return {
        "code": other.code,
        "name": other.name,
        "probability": round(other.probability, 4),
        "text": other.text,
        "words": _words_to_json(other.words),
        "used": False,
    }
