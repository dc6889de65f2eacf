"""Analysis and choices -> what each part of the clip tab shows, by the part's name; no part is touched here."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from core import Subset
from core.analysis.results import Analysis, Prediction
from core.fusion.pairs import CROSS, SELF, pairs_within
from demo import wording
from demo.charts import figures, heatmap, moments, panels, phrases
from demo.charts.palette import MODEL
from demo.tabs import persons

SWITCHES = ("video", "audio", "text")  # in the order of the page
MEAN = -1  # of all heads
HIDDEN: dict[str, Any] = {"value": None, "visible": False}
FRESH = (
    "welcome", "verdicts", "time", "details", "moments", "guess", "notes", "seen", "spoken", "phrase-table",
    "course", "course-chart", *persons.PARTS,
)  # fmt: skip
"""Parts that a new clip changes and a switch does not."""


@dataclass(frozen=True)
class Choice:
    """Which map a visitor wants to see: ``model`` "cross" or "self", ``pair`` like "text-video", ``head`` or MEAN."""

    model: str = "cross"
    pair: str | None = None
    head: int = MEAN


def nothing() -> dict:
    """What there is to show without a clip."""
    return {name: gr.update(visible=False) for name in ("verdicts", "time", "details")} | {"moments": ""}


def new_clip(analysis: Analysis, choice: Choice, example: str = "") -> dict:
    """Every part, after a clip was analysed; all switches on that the clip has something for.

    Args:
        example: name of the example whose stored result this is.
    """
    updates = {
        "welcome": gr.update(visible=False),
        "verdicts": gr.update(visible=True),
        "time": gr.update(visible=True),
        "details": gr.update(visible=True),
        "moments": moments.element(analysis, example),
        "guess": "",
        "notes": panels.notes(analysis),
        "seen": panels.transcript(analysis) + panels.face_strip(analysis),
        "spoken": gr.update(visible=bool(analysis.phrases)),
        "phrase-table": phrases.table(analysis),
        "course": gr.update(visible=bool(analysis.windows)),
        "course-chart": figures.course(analysis) if analysis.windows else None,
        **persons.shown(analysis),
    }
    for modality in SWITCHES:
        absent = analysis.missing.get(modality)
        label = wording.SWITCH[modality] + (f" ({absent})" if absent else "")
        updates[f"switch-{modality}"] = gr.update(value=not absent, interactive=not absent, label=label)
    return updates | switched(analysis, SWITCHES, choice)


def another_face(analysis: Analysis, wanted: Subset, choice: Choice) -> dict:
    """Every part, after another person's face was chosen; the switches stay as they are."""
    updates = new_clip(analysis, choice) | switched(analysis, wanted, choice)
    return {name: update for name, update in updates.items() if not name.startswith("switch-")}


def switched(analysis: Analysis, wanted: Subset, choice: Choice) -> dict:
    """The parts that depend on the switches; ``wanted`` are the modalities that are on."""
    started = time.perf_counter()
    everything, prediction = analysis.everything, analysis.prediction(wanted)
    changed = bool(prediction.used) and prediction.used != everything.used
    updates = {
        "matrix-table": panels.matrix(analysis, prediction.used),
        "ghosts": panels.paragraph(wording.GHOSTS) if changed else "",
    }
    for name in MODEL:
        verdict = prediction.verdicts()[name]
        baseline = everything.verdicts()[name] if changed and verdict else None
        why = wording.UNDEFINED if prediction.used else wording.ALL_OFF
        updates[f"{name}-verdict"] = panels.verdict(name, verdict, baseline, why)
    updates |= looked(analysis, wanted, choice)
    took = (time.perf_counter() - started) * 1000
    updates["agreement"] = panels.timed(panels.agreement(prediction), took)
    return updates


def looked(analysis: Analysis, wanted: Subset, choice: Choice) -> dict:
    """The attention views; where the choice does not exist, the nearest that does, and a note."""
    prediction = analysis.prediction(wanted)
    if not prediction.used:
        nothing = gr.update(choices=[], value=None)
        return {
            "attention-chart": gr.update(**HIDDEN), "timeline-chart": gr.update(**HIDDEN), "sharpness-note": "",
            "pair": nothing,
        }  # fmt: skip
    model, note = choice.model, Markup()
    if prediction.verdicts()[model] is None:  # the choice itself stays, for when it is defined again
        model, note = "self", panels.paragraph(wording.INSTEAD, "note")
    pairs = {"-".join(pair): pair for pair in pairs_within(CROSS if model == "cross" else SELF, prediction.used)}
    key = choice.pair if choice.pair in pairs else next(iter(pairs))
    head = None if choice.head == MEAN else choice.head
    attention = heatmap.attention(analysis, prediction, model, pairs[key], head)
    timeline = figures.timeline(analysis, prediction, model)
    return {
        "pair": gr.update(choices=[(panels.pair_name(pair), name) for name, pair in pairs.items()], value=key),
        "attention-chart": gr.update(value=attention, visible=True),
        "timeline-chart": gr.update(value=timeline, visible=True),
        "sharpness-note": note + _sharpness(prediction, model, pairs[key], head),
    }


def _sharpness(prediction: Prediction, model: str, pair: tuple[str, str], head: int | None) -> Markup:
    verdict = prediction.verdicts()[model]
    if verdict is None:
        return Markup("")
    map_ = verdict.attention[pair]
    weights = heatmap.picked(map_, head)
    which = "mean of all heads" if head is None else f"head {head + 1}"
    shown = f"{MODEL[model]}, {panels.pair_name(pair)}, {which}"
    return panels.attention_summary(shown, heatmap.spread_of(weights, map_.counts[1]), int(map_.counts[1].sum()))
