"""The parts of the page that are text: verdicts, transcript, face strip, the table of all subsets.

Whatever comes from a clip (words, file names) is escaped. Colours always stand beside a name.
"""

import numpy as np
from markupsafe import Markup

from core import LABELS, SUBSETS, Subset
from core.analysis.results import Analysis, Prediction, Verdict
from core.fusion.selectivity import Selectivity
from demo import wording
from demo.charts.html import render
from demo.charts.palette import percent
from demo.charts.pictures import data_uri
from demo.server.limits import UNSURE

MAX_OTHERS = 3  # labels that are named beside the most probable one


def verdict(name: str, verdict: Verdict | None, baseline: Verdict | None, why: str) -> Markup:
    """A panel: the label in words with its probability, below it the others that are not ruled out, seven bars, and all
    seven in words for screen readers.

    Args:
        baseline: what was said with everything on, if not everything is: drawn as outlines.
        why: there is no verdict.
    """
    if verdict is None:
        return render("panels", "verdict", model=name, verdict=None, why=why)
    remarks = doubts(verdict, verdict.label)
    if baseline is not None:
        before = float(baseline.probabilities[LABELS.index(verdict.label)])
        difference = verdict.probability - before
        arrow = "▲" if difference > 0.005 else "▼" if difference < -0.005 else "="
        other = baseline.label if baseline.label != verdict.label else None
        remarks.append(wording.with_everything_on(arrow, percent(before), other))
    return render(
        "panels", "verdict", model=name, verdict=verdict, why=why, switched=baseline is not None, remarks=remarks,
        bars=bars(verdict, baseline), in_words=in_words(verdict), gates=gates(verdict),
    )  # fmt: skip


def doubts(verdict: Verdict, label: str) -> list[str]:
    """What stands under a label that is shown: that no class stands out, and the others that are not ruled out."""
    others = [other for other in verdict.prediction_set if other != label]
    found = [wording.NOT_SURE] if verdict.probability < UNSURE else []
    if others:
        found.append(wording.not_ruled_out(others) if len(others) <= MAX_OTHERS else wording.HARDLY_RULED_OUT)
    return found


def bars(verdict: Verdict, baseline: Verdict | None = None) -> Markup:
    """Seven horizontal bars on a scale of 0 to 1; around them, as outlines, those of ``baseline``."""
    rows = []
    for index, label in enumerate(LABELS):
        share, before = float(verdict.probabilities[index]), None
        if baseline is not None:
            before = float(baseline.probabilities[index])
        title = wording.bar_title(label, share, None if before is None else share - before)
        top = label == verdict.label
        rows.append({"label": label, "share": share, "before": before, "title": title, "top": top})
    return render("panels", "bars", bars=rows)


def gates(verdict: Verdict) -> Markup:
    """A bar for each gate of a model that has some: the share that comes from the other modality."""
    rows = []
    for (query, key), share in verdict.gates.items():
        title = wording.gate(query, key, percent(share))
        rows.append({"pair": f"{query}-{key}", "name": pair_name((query, key)), "share": share, "title": title})
    return render("panels", "gates", gates=rows) if rows else Markup()


def in_words(verdict: Verdict) -> str:
    """All seven, most probable first: "anger 51 %, fear 20 %, …"."""
    order = np.argsort(-np.asarray(verdict.probabilities), kind="stable")
    return ", ".join(f"{wording.LABEL[LABELS[i]]} {percent(float(verdict.probabilities[i]))}" for i in order)


def agreement(prediction: Prediction) -> Markup:
    """One line above the panels: whether the two models say the same."""
    return render("panels", "agreement", cross=prediction.cross, own=prediction.self_)


def timed(content: Markup, milliseconds: float) -> Markup:
    """``content`` with how long the server took for the answer that it is part of."""
    return render("panels", "timed", content=content, milliseconds=milliseconds)


def notes(analysis: Analysis) -> Markup:
    """What was absent and what should be known about the clip."""
    absent = [
        f"{wording.MISSING[m]}{wording.COLON}{wording.of_core(reason)}." for m, reason in analysis.missing.items()
    ]
    return render("panels", "notes", sentences=[*absent, *map(wording.of_core, analysis.warnings)])


def transcript(analysis: Analysis) -> Markup:
    """The words, each a button that plays the clip from there; apart from them those that no model uses."""
    return render("panels", "transcript", words=analysis.transcript.words, other=analysis.transcript.other)


def face_strip(analysis: Analysis) -> Markup:
    """Some of the faces that were used, in order of time, and how much of the clip had one."""
    faces = analysis.faces
    pictures = [(time, data_uri(picture)) for time, picture in faces.spread_pictures(10, analysis.duration)]
    found, total = int(np.sum(faces.found)), len(faces.frame_times)
    return render("panels", "faces", pictures=pictures, found=found, total=total)


def matrix(analysis: Analysis, on: Subset) -> Markup:
    """All seven subsets for each model as a table; the row that is switched on is marked."""
    everything, rows = analysis.everything.verdicts(), []
    for subset in SUBSETS:
        found = analysis.predictions.get(subset)
        said = found.verdicts() if found else {}
        rows.append(
            {
                "subset": subset,
                "name": " + ".join(wording.MODALITY[m] for m in subset),
                "on": subset == on,
                "absent": [] if found else [m for m in subset if m in analysis.missing],
                "cells": [_cell(model, verdict, everything[model]) for model, verdict in said.items()],
            }
        )
    return render("panels", "matrix", rows=rows, models=[wording.MODEL_TITLE[name] for name in analysis.models])


def _cell(model: str, verdict: Verdict | None, everything: Verdict | None) -> dict:
    """What the table shows of a verdict: all shares, and that of the class that is said with everything on if it is
    another one."""
    if verdict is None:
        return {"model": model, "verdict": None}
    other = None
    if everything is not None and everything.label != verdict.label:
        other = everything.label, float(verdict.probabilities[LABELS.index(everything.label)])
    shares = list(zip(LABELS, map(float, verdict.probabilities), strict=True))
    return {"model": model, "verdict": verdict, "other": other, "shares": shares}


def attention_summary(shown: str, name: str, said: Selectivity, spread: float, steps: int) -> Markup:
    """Under the enlarged map: how sharp the attention is, and whether it matters who asks.

    Args:
        shown: the map in words; ``name`` is its name in the grid.
        spread: over how many of ``steps`` moments a row is spread, on average.
    """
    return render("panels", "attention_summary", shown=shown, name=name, said=said, spread=spread, steps=steps)


def pair_name(pair: tuple[str, str]) -> str:
    """("text", "video") -> "words → face"."""
    return f"{wording.MODALITY[pair[0]]} → {wording.MODALITY[pair[1]]}"


def legend() -> Markup:
    """The seven classes with their colours, for the table of strips."""
    return render("panels", "legend")


def paragraph(text: str, kind: str = "hint") -> Markup:
    """One paragraph; ``kind`` is its class: "hint", "note", "so-far" or "error"."""
    return render("macros", "paragraph", text=text, kind=kind)
