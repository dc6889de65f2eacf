"""Whether the moments that a head looks at most were worth more than others, where that was measured."""

from dataclasses import dataclass

from core.fusion.pairs import Pair

ERRORS = 2.0  # standard errors by which two means must differ to be told apart


@dataclass(frozen=True)
class HeadWorth:
    """By how much the probability of verdicts fell without a moment, in ``clips`` clips.

    Attributes:
        top: mean over clips of the moment that the head looks at most, in [-1, 1].
        all: of all moments.
        error: standard error of their difference.
    """

    clips: int
    top: float
    all: float
    error: float

    @property
    def above(self) -> int:
        """1 if what it looks at most is worth more than others, -1 if less, 0 if that cannot be told."""
        difference = self.top - self.all
        return 0 if abs(difference) <= ERRORS * self.error else 1 if difference > 0 else -1


@dataclass(frozen=True)
class HeadFigures:
    """Of the models of a checkpoint.

    Attributes:
        corpus, date: what was asked about, and when ("2026-11-29").
        worths: (model, pair, head from 0, or None for the mean of all heads) -> what was measured.
    """

    corpus: str
    date: str
    worths: dict[tuple[str, Pair, int | None], HeadWorth]

    @classmethod
    def from_json(cls, value: dict) -> "HeadFigures":
        """From what ``core.experiment.heads`` measures; what one clip alone was asked about is left out."""
        worths: dict[tuple[str, Pair, int | None], HeadWorth] = {}
        for model, found in value["models"].items():
            each = [
                (name, head, figures) for name, heads in found["heads"].items() for head, figures in enumerate(heads)
            ]
            for name, head, figures in [*each, *((name, None, figures) for name, figures in found["means"].items())]:
                if figures["worth_error"] is not None:
                    query, key = name.split("->")
                    worths[model, (query, key), head] = HeadWorth(
                        figures["asked"], figures["worth_of_top"], figures["worth_of_all"], figures["worth_error"]
                    )
        return cls(value["corpus"], value["date"], worths)
