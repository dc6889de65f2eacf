"""Visit and choices -> what each part of the clip tab shows, by the part's name; no part is touched here."""

import time
from dataclasses import dataclass

import gradio as gr

from core.analysis import Analysis
from core.fusion import CROSS, SELF, pairs_within
from demo import charts, copy, heatmap, panels
from demo.palette import MODEL
from demo.visit import Visit

SWITCHES = ("video", "audio", "text")  # in the order of the page
MEAN = -1  # of all heads
HIDDEN = {"value": None, "visible": False}


@dataclass(frozen=True)
class Choice:
    """Which map a visitor wants to see: ``model`` "cross" or "self", ``pair`` like "text-video", ``head`` or MEAN."""

    model: str = "cross"
    pair: str | None = None
    head: int = MEAN


def new_clip(visit: Visit, choice: Choice) -> dict:
    """Every part, after a clip was analysed; all switches on that the clip has something for."""
    everything = visit.everything
    updates = {
        "welcome": gr.update(visible=False),
        "verdicts": gr.update(visible=True),
        "details": gr.update(visible=True),
        "seen": panels.notes(everything) + panels.transcript(everything) + panels.face_strip(everything),
        "course": gr.update(visible=bool(visit.windows)),
        "course-chart": charts.course(visit.windows, everything.duration) if visit.windows else None,
    }
    for modality in SWITCHES:
        absent = everything.missing.get(modality)
        label = copy.SWITCH[modality] + (f" ({absent})" if absent else "")
        updates[f"switch-{modality}"] = gr.update(value=not absent, interactive=not absent, label=label)
    return updates | switched(visit, SWITCHES, choice)


def switched(visit: Visit, wanted: tuple[str, ...], choice: Choice) -> dict:
    """The parts that depend on the switches; ``wanted`` are the modalities that are on."""
    started = time.perf_counter()
    everything, analysis = visit.everything, visit.analysis(wanted)
    on = analysis.used if analysis else ()
    changed = analysis is not None and on != everything.used
    updates = {
        "matrix-table": panels.matrix(visit.analyses, on, everything),
        "ghosts": f'<p class="hint">{copy.GHOSTS}</p>' if changed else "",
    }
    for name in MODEL:
        verdict = analysis and analysis.verdicts()[name]
        baseline = everything.verdicts()[name] if changed and verdict else None
        why = copy.ALL_OFF if analysis is None else copy.UNDEFINED
        updates[f"{name}-verdict"] = panels.verdict(name, verdict, baseline, why)
        chart = {"value": charts.probabilities(verdict, baseline), "visible": True} if verdict else HIDDEN
        updates[f"{name}-chart"] = gr.update(**chart)
    updates |= looked(visit, wanted, choice)
    took = (time.perf_counter() - started) * 1000
    updates["agreement"] = f'<div data-server-ms="{took:.1f}">{panels.agreement(analysis)}</div>'
    return updates


def looked(visit: Visit, wanted: tuple[str, ...], choice: Choice) -> dict:
    """The attention views; where the choice does not exist, the nearest that does, and a note."""
    analysis = visit.analysis(wanted)
    if analysis is None:
        nothing = gr.update(choices=[], value=None)
        return {
            "attention-chart": gr.update(**HIDDEN), "timeline-chart": gr.update(**HIDDEN), "sharpness-note": "",
            "pair": nothing,
        }  # fmt: skip
    model, note = choice.model, ""
    if analysis.verdicts()[model] is None:  # the choice itself stays, for when it is defined again
        model, note = "self", copy.INSTEAD
    pairs = {"-".join(pair): pair for pair in pairs_within(CROSS if model == "cross" else SELF, analysis.used)}
    key = choice.pair if choice.pair in pairs else next(iter(pairs))
    head = None if choice.head == MEAN else choice.head
    return {
        "pair": gr.update(choices=[(panels.pair_name(pair), name) for name, pair in pairs.items()], value=key),
        "attention-chart": gr.update(value=heatmap.attention(analysis, model, pairs[key], head), visible=True),
        "timeline-chart": gr.update(value=charts.timeline(analysis, model), visible=True),
        "sharpness-note": note + _sharpness(analysis, model, pairs[key], head),
    }


def _sharpness(analysis: Analysis, model: str, pair: tuple[str, str], head: int | None) -> str:
    weights = heatmap.picked(analysis.verdicts()[model].attention[pair], head)
    which = "mean of all heads" if head is None else f"head {head + 1}"
    shown = f"{MODEL[model]}, {panels.pair_name(pair)}, {which}"
    return panels.attention_summary(shown, heatmap.spread_of(weights), weights.shape[1])
