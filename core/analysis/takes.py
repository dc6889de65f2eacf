"""Two takes of one sentence: what is kept of the first, and what the second says otherwise."""

from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import numpy as np

from core import MODALITIES
from core.analysis.results import Analysis, Prediction, Predictions, Verdict
from core.encoders.transcript import Word

MAX_WORDS = 60  # of each take that are aligned; a sentence has fewer, and the work grows with the square


@dataclass(frozen=True)
class Take:
    """What is kept of a clip to set another one beside it: no picture, no sound and no attention.

    Attributes:
        words: in order of time, at most ``MAX_WORDS``.
        predictions: of each set of modalities that the clip has, by cross and self; their verdicts hold no maps.
        missing: modality -> why the clip has none of it.
    """

    words: tuple[Word, ...]
    predictions: Predictions
    missing: dict[str, str]

    @classmethod
    def of(cls, analysis: Analysis) -> "Take":
        """Of everything that is said about a clip."""
        predictions = {subset: _without_maps(found) for subset, found in analysis.predictions.items()}
        return cls(analysis.transcript.words[:MAX_WORDS], predictions, analysis.missing)

    @property
    def text(self) -> str:
        """Its words as a sentence."""
        return " ".join(word.text for word in self.words)

    @property
    def everything(self) -> Prediction:
        """From every modality that the clip has."""
        return self.predictions[tuple(m for m in MODALITIES if m not in self.missing)]

    def alone(self, modality: str) -> Verdict | None:
        """What self-attention says from one modality, None where the clip has none of it."""
        found = self.predictions.get((modality,))
        return found.self_ if found else None


@dataclass(frozen=True)
class Change:
    """One verdict of both takes, each None where there is none.

    Attributes:
        name: "cross", "self", or the modality that was heard alone.
    """

    name: str
    first: Verdict | None
    second: Verdict | None

    @property
    def differences(self) -> np.ndarray | None:
        """float64 [7] in [-1, 1]: probabilities of the second less those of the first."""
        if self.first is None or self.second is None:
            return None
        return self.second.probabilities - self.first.probabilities

    @property
    def size(self) -> float:
        """In [0, 1]: how much probability went from some labels to others; 0 where a verdict is missing."""
        return 0.0 if self.differences is None else float(np.abs(self.differences).sum() / 2)


def changes(first: Take, second: Take) -> list[Change]:
    """Both models from everything, then each modality alone."""
    one, other = first.everything.verdicts(), second.everything.verdicts()
    both = [Change(model, one[model], other[model]) for model in one]
    return [*both, *(Change(m, first.alone(m), second.alone(m)) for m in MODALITIES)]


def aligned(first: Take, second: Take) -> list[tuple[Word | None, Word | None]]:
    """The words of both takes in pairs, in order; None where one take has a word that the other one lacks.

    Words are the same whatever their case and punctuation; between words that are the same, others stand opposite each
    other in their order.
    """
    one, other = ([_bare(word.text) for word in take.words] for take in (first, second))
    pairs: list[tuple[Word | None, Word | None]] = []
    for _, start, end, begin, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        for step in range(max(end - start, stop - begin)):
            word = first.words[start + step] if start + step < end else None
            opposite = second.words[begin + step] if begin + step < stop else None
            pairs.append((word, opposite))
    return pairs


def same(word: Word | None, other: Word | None) -> bool:
    """Whether both takes have the word here."""
    return word is not None and other is not None and _bare(word.text) == _bare(other.text)


def _bare(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def _without_maps(prediction: Prediction) -> Prediction:
    cross, self_ = (verdict and replace(verdict, attention={}) for verdict in (prediction.cross, prediction.self_))
    return replace(prediction, cross=cross, self_=self_, more={})
