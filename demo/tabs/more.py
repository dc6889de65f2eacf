"""More models than cross and self, where a checkpoint holds them: a switch, off to begin with, and their verdicts."""

from collections.abc import Sequence

import gradio as gr

from core import MODELS
from core.analysis.results import Analysis
from demo import wording
from demo.tabs.components import Parts

SWITCH = "more-models"
PARTS = (SWITCH, "more-panels", "model", "worth-model")
"""Parts that follow the switch, and the switch itself, which is not there without more models."""


def contents(parts: Parts, names: Sequence[str]) -> None:
    """The switch and a verdict of each of these models; nothing without any."""
    if not names:
        return
    parts.add(SWITCH, gr.Checkbox, value=False, label=wording.MORE, container=False)
    with parts.add("more-panels", gr.Row, visible=False):
        for name in names:
            parts.add(f"{name}-verdict", gr.HTML, min_width=150)


def shown(analysis: Analysis) -> dict:
    """What each of ``PARTS`` shows; the models that an analysis lacks cannot be chosen."""
    on = len(analysis.models) > len(MODELS)
    choices = [(wording.MODEL_TITLE[name], name) for name in analysis.models]
    chosen = gr.update(choices=choices) if on else gr.update(choices=choices, value=MODELS[0])
    return {SWITCH: on, "more-panels": gr.update(visible=on), "model": chosen, "worth-model": chosen}
