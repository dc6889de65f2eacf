"""A tour of the page in five steps, on whatever clip is there; ``tour.js`` moves it."""

from dataclasses import dataclass

from markupsafe import Markup

from core.experiment.published import read_comparison
from demo import wording
from demo.charts.html import render


@dataclass(frozen=True)
class Step:
    """A step of the tour.

    Attributes:
        name: of what it says, in ``wording.TOUR``.
        target: selector of what is outlined.
        opens: the section that must be open, if any.
        press: of a button that does it for the visitor, the selector that it clicks; "" for none.
        undone, backwards: where it can be taken back, a selector that is there then, and what is clicked.
    """

    name: str
    target: str
    opens: str = ""
    press: str = ""
    undone: str = ""
    backwards: str = ""


MEAN = "#head label:nth-of-type(1) input"
STEPS = (
    Step("models", "#panels"),
    Step(
        "switches", "#switches", "", "#switch-video input", "#switch-video input:not(:checked)", "#switch-video input"
    ),
    Step("head", "#section-attention", "attention", MEAN, f"{MEAN}:checked", "#map-grid .map"),
    Step("contradiction", "#matrix-table", "matrix", "#example-contradiction"),
    Step("answer", "#agreement"),
)


def markup() -> Markup:
    """All steps, hidden until the tour is begun: a small panel beside the page, which stays usable."""
    return render("tour", "tour", steps=[(step, wording.TOUR[step.name], _text(step)) for step in STEPS])


def _text(step: Step) -> Markup:
    """What a step says; ``data-say="MODEL"`` or ``"MODEL SUBSET"`` is filled with what that model says there."""
    said = Markup(wording.TOUR[step.name].text)
    return said.format(answer=wording.our_answer(read_comparison())) if "{answer}" in said else said
