"""What the sentences of all languages are made of: figures that were measured, and kinds of values."""

import json
from dataclasses import dataclass

from core import CHECKPOINTS

HELD_OUT = CHECKPOINTS / "held_out.json"
MEASURED = json.loads(HELD_OUT.read_text("utf-8")) if HELD_OUT.exists() else {}
"""What lies beside the checkpoint: how often the models are right about people and corpora that were held out."""


@dataclass(frozen=True)
class TourStep:
    """What a step of the tour says.

    Attributes:
        text: HTML.
        press, back: on a button that does it for the visitor, and on the same one where it takes it back; "" for none.
    """

    title: str
    text: str
    press: str = ""
    back: str = ""


def measured_of_both(held_out: dict, name: str, subset: str) -> dict | None:
    """Figures of a group, where both models have any."""
    found = held_out.get(name, {}).get(subset)
    return found if found and found["cross"] and found["self"] else None


def with_neutral_words(held_out: dict) -> tuple[dict | None, bool]:
    """Figures of utterances whose sentences say nothing, and whether their voices are of corpora that were kept aside
    as a whole; else they are of people who were."""
    if found := measured_of_both(held_out, "neutral words, new corpora", "text+video+audio"):
        return found, True
    return measured_of_both(held_out, "neutral words", "text+video+audio"), False
