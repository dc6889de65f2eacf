"""Analysis and choices -> what each part of the clip tab shows, by the part's name; no part is touched here."""

import time
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import Markup

from core import MODELS, Subset
from core.analysis.results import Analysis, Prediction
from core.fusion.pairs import Pair
from core.fusion.selectivity import selectivity
from demo import wording
from demo.charts import figures, grid, head_figures, heatmap, moments, panels, phrases, takes
from demo.charts.grid import MEAN
from demo.tabs import more, neutral, persons

SWITCHES = ("video", "audio", "text")  # in the order of the page
WEIGHTS, LENGTHS = "weights", "lengths"  # what a map shows: shares of attention, or of what is passed on
HIDDEN: dict[str, Any] = {"value": None, "visible": False}
FRESH = (
    "welcome", "verdicts", "time", "details", "moments", "guess", "notes", "seen", "spoken", "phrase-table",
    "course", "course-chart", "takes", "forget", *persons.PARTS, *neutral.PARTS,
)  # fmt: skip
"""Parts that a new clip changes and a switch does not."""


@dataclass(frozen=True)
class Choice:
    """Which map a visitor wants to see, and how.

    Attributes:
        model: "cross", "self" or one of more models.
        pair: like "text-video"; None for the most telling map.
        head: counted from 0, or ``MEAN``.
        scale: ``WEIGHTS`` or ``LENGTHS``.
        differing: only what differs between rows.
    """

    model: str = "cross"
    pair: str | None = None
    head: int = MEAN
    scale: str = WEIGHTS
    differing: bool = False

    @property
    def by_length(self) -> bool:
        """Whether weights count by the length of what is passed on."""
        return self.scale == LENGTHS


def nothing() -> dict:
    """What there is to show without a clip."""
    return {name: gr.update(visible=False) for name in ("verdicts", "time", "details")} | {"moments": ""}


def new_clip(analysis: Analysis, choice: Choice, example: str = "") -> dict:
    """Every part, after a clip was analysed: all switches on that the clip has something for, the most telling map.

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
        "takes": takes.element(analysis),
        "forget": gr.update(visible=False),
        "course": gr.update(visible=bool(analysis.windows)),
        "course-chart": figures.course(analysis) if analysis.windows else None,
        **persons.shown(analysis),
        **neutral.shown(analysis, example),
        **more.shown(analysis),
    }
    for modality in SWITCHES:
        absent = analysis.missing.get(modality)
        label = wording.SWITCH[modality] + (f" ({wording.of_core(absent)})" if absent else "")
        updates[f"switch-{modality}"] = gr.update(value=not absent, interactive=not absent, label=label)
    return updates | switched(analysis, SWITCHES, replace(choice, pair=None))


def without_words(prediction: Prediction) -> dict:
    """What both models say of a new clip from face and voice, while its words are still being read."""
    cleared = dict.fromkeys(("guess", "ghosts", "notes", "takes"), "")
    hidden = {name: gr.update(visible=False) for name in ("welcome", "whose", "more-panels")}
    verdicts = {
        f"{name}-verdict": panels.verdict(name, prediction.verdicts()[name], None, wording.UNDEFINED) for name in MODELS
    }
    shown = {
        "verdicts": gr.update(visible=True),
        "agreement": panels.agreement(prediction) + panels.paragraph(wording.WORDS_FOLLOW, "so-far"),
        "switch-text": gr.update(value=False, interactive=False, label=wording.SWITCH["text"]),
    }
    return nothing() | cleared | hidden | shown | verdicts


def of_all_models(analysis: Analysis) -> dict:
    """What no other switch changes, after more models were asked or sent away."""
    course = figures.course(analysis) if analysis.windows else None
    return more.shown(analysis) | {"phrase-table": phrases.table(analysis), "course-chart": course}


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
    for name in analysis.models:
        verdict = prediction.verdicts().get(name)
        baseline = everything.verdicts()[name] if changed and verdict else None
        why = wording.UNDEFINED if prediction.used else wording.ALL_OFF
        updates[f"{name}-verdict"] = panels.verdict(name, verdict, baseline, why)
    updates |= looked(analysis, wanted, choice) | at_a_glance(analysis, wanted, choice)
    took = (time.perf_counter() - started) * 1000
    updates["agreement"] = panels.timed(panels.agreement(prediction), took)
    return updates


def at_a_glance(analysis: Analysis, wanted: Subset, choice: Choice) -> dict:
    """All maps as a grid of small ones."""
    return {"map-grid": grid.grid(analysis.prediction(wanted), choice.by_length, choice.differing)}


def looked(analysis: Analysis, wanted: Subset, choice: Choice) -> dict:
    """The enlarged map and the clip in time; where the choice does not exist, the most telling map, and a note."""
    prediction = analysis.prediction(wanted)
    if not prediction.used:
        return {
            "attention-chart": gr.update(**HIDDEN), "timeline-chart": gr.update(**HIDDEN), "sharpness-note": "",
            "pair": gr.update(choices=[], value=None), "head": gr.skip(),
        }  # fmt: skip
    model, note = choice.model if choice.model in analysis.models else MODELS[0], Markup()
    verdict = prediction.verdicts()[model]
    if verdict is None:  # the choice itself stays, for when it is defined again
        model, note, verdict = "self", panels.paragraph(wording.INSTEAD, "note"), prediction.self_
    assert verdict is not None, "self-attention answers from whatever is there"
    maps = {"-".join(pair): map_ for pair, map_ in verdict.attention.items()}
    pair, head = choice.pair, choice.head
    by_length = choice.by_length and all(map_.value_norms is not None for map_ in maps.values())
    if choice.by_length and not by_length:
        note += panels.paragraph(wording.NO_LENGTHS, "note")
    if pair not in maps or head >= len(maps[pair].weights):
        best, head = grid.most_telling(verdict.attention, by_length)
        pair = "-".join(best)
    chosen = maps[pair].query, maps[pair].key
    one = None if head == MEAN else head
    figure = heatmap.chart(analysis, prediction, model, chosen, one, by_length, choice.differing)
    names = [(panels.pair_name((map_.query, map_.key)), name) for name, map_ in maps.items()]
    return {
        "pair": gr.update(choices=names, value=pair),
        "head": gr.update(value=head) if head != choice.head else gr.skip(),
        "attention-chart": gr.update(value=figure, visible=True),
        "timeline-chart": gr.update(value=figures.timeline(analysis, prediction, model), visible=True),
        "sharpness-note": note
        + _sharpness(prediction, model, chosen, head, by_length)
        + head_figures.sentence(model, chosen, one),
    }


def _sharpness(prediction: Prediction, model: str, pair: Pair, head: int, by_length: bool) -> Markup:
    map_ = heatmap.map_of(prediction, model, pair)
    shares = map_.shares(None if head == MEAN else head, by_length)
    return panels.attention_summary(
        f"{wording.MODEL_TITLE[model]}, {panels.pair_name(pair)}, {wording.head(head)}",
        f"{model} {'-'.join(pair)} {head}",
        selectivity(shares, map_.counts), heatmap.spread_of(shares, map_.counts[1]), int(map_.counts[1].sum()),
    )  # fmt: skip
