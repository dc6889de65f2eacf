"""One's own neutral face: a switch for a clip that begins with it (see ``core.encoders.neutral``)."""

import gradio as gr

from core.analysis.results import Analysis
from demo import wording
from demo.tabs.components import Parts

SWITCH = "neutral"
PARTS = (SWITCH,)


def contents(parts: Parts) -> None:
    """The switch, off to begin with."""
    parts.add(SWITCH, gr.Checkbox, value=False, label=wording.NEUTRAL_SECOND, container=False)


def shown(analysis: Analysis, example: str = "") -> dict:
    """What each of ``PARTS`` shows; without a face there is nothing to compare, and no example begins with one that is
    neutral."""
    return {SWITCH: gr.update(value=bool(analysis.neutral), visible="video" in analysis.present and not example)}
