"""What each part of a clip was worth to a model, in sentences and tables."""

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup

from core import EVERY_MODEL, LABELS, Subset, subset_of
from core.analysis.attribution import Attribution, ModelAttribution
from core.analysis.results import Analysis
from demo import wording
from demo.charts.attribution_figures import ORDER, chart, difference
from demo.charts.html import render
from demo.charts.palette import percent

VERDICT = "verdict"  # the class that the model itself says
ATTRIBUTION_SAYING = 0.0005  # of probability: what is less is written +0.0 points
MUCH, LITTLE = 0.05, 0.2  # of probability, share of it: all of a modality says much, and no part alone so little of it


def said_span(span: tuple[float, float]) -> str:
    """(5, 15) -> "5–15 s"."""
    return f"{span[0]:g}–{span[1]:.3g} s"


def label_of(found: ModelAttribution, label: str) -> str:
    """A class, or the one that the model says."""
    return LABELS[int(found.probabilities.argmax())] if label == VERDICT else label


def said(worth: Attribution, found: ModelAttribution, model: str, label: str) -> Markup:
    """What mattered most, in words, under how to read the chart."""
    index = LABELS.index(label)
    parts = [
        (wording.part_name(modality, name), float(value))
        for modality in found.occluded
        for value, name in zip(found.effect(modality)[:, index], worth.parts[modality].names, strict=True)
        if not np.isnan(value)
    ]
    for_it = [part for part in sorted(parts, key=lambda p: -p[1])[:3] if part[1] >= ATTRIBUTION_SAYING]
    against = [part for part in sorted(parts, key=lambda p: p[1])[:3] if part[1] <= -ATTRIBUTION_SAYING]
    wholes = {m: float(value[index]) for m, value in found.marginal.items()}
    alike = [
        m for m, whole in wholes.items()
        if abs(whole) >= MUCH and np.nanmax(np.abs(found.effect(m)[:, index]), initial=0) < LITTLE * abs(whole)
    ]  # fmt: skip
    return render(
        "attribution", "said", model=model, label=label, probability=float(found.probabilities[index]), for_it=for_it,
        against=against, wholes=[(wording.ALL_OF[m], wholes[m]) for m in ORDER if m in wholes], alike=alike,
        pair=len(found.occluded) == 2,
    )  # fmt: skip


def table(worth: Attribution, found: ModelAttribution, label: str) -> Markup:
    """The numbers of the chart, behind one click."""
    index, rows = LABELS.index(label), []
    for m in [m for m in ORDER if m in found.occluded]:
        parts, whole = worth.parts[m], float(found.effect_of_all(m)[index])
        names = [wording.ALL_OF[m], *(wording.part_name(m, name) for name in parts.names)]
        starts, looked = [parts.starts[0], *parts.starts], [np.nan, *found.attention_received[m]]
        rows += [
            {"modality": m, "name": name, "start": start, "looked": _known(attention), "worth": _known(value)}
            for name, start, attention, value in zip(
                names, starts, looked, [whole, *found.effect(m)[:, index]], strict=True
            )
        ]
    return render("attribution", "parts", rows=rows, columns=_with(label, wording.ATTRIBUTION_COLUMNS))


def _with(label: str, columns: Sequence[str]) -> list[str]:
    """Headings of columns, some of which name the class."""
    return [column.format(label=wording.LABEL[label]) for column in columns]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def modalities(found: ModelAttribution, model: str, label: str) -> Markup:
    """What each modality and each two are worth; of cross-attention only what is defined."""
    index = LABELS.index(label)
    used = tuple(found.occluded)
    head = [wording.ATTRIBUTION_ADDED[len(used)]] if found.marginal else []
    rows = [
        [wording.MODALITY[m], *([wording.points(float(found.shapley[m][index]))] if found.shapley else []),
         *([wording.points(float(found.marginal[m][index]))] if m in found.marginal else [])]
        for m in used
    ]  # fmt: skip
    if found.shapley is None or found.synergy is None:
        note = wording.ATTRIBUTION_CROSS if found.marginal else wording.ATTRIBUTION_CROSS_PAIR
        each = ("worth-added", head, rows) if found.marginal else None
        return render("attribution", "modalities", note=note, each=each, total=None, together=None)
    pairs = [
        [
            wording.ATTRIBUTION_PAIR.format(one=wording.MODALITY[one], two=wording.MODALITY[two]),
            wording.points(float(value[index])),
        ]
        for (one, two), value in found.synergy.items()
    ]
    each = ("worth-shapley", [wording.ATTRIBUTION_ON_AVERAGE, *head], rows)
    together = ("worth-synergy", [wording.ATTRIBUTION_TOGETHER], pairs) if pairs else None
    total = float(found.probabilities[index])
    return render(
        "attribution", "modalities", note=wording.ATTRIBUTION_SHAPLEY, each=each, total=total, together=together
    )


def even(worth: Attribution, used: Subset, label: str) -> Markup:
    """Both verdicts beside what they would be if attention were even, and the hint to the last chart."""
    index, rows = LABELS.index(label), []
    for model in EVERY_MODEL:
        found = worth.of(model, used)
        if found is None:
            continue
        said = [
            wording.LABEL[LABELS[int(p.argmax())]] + " " + percent(float(p.max()))
            for p in (found.probabilities, found.uniform_attention)
        ]
        rows.append(
            [
                wording.MODEL_TITLE[model],
                *said,
                wording.points(float(found.probabilities[index] - found.uniform_attention[index])),
            ]
        )
    return render(
        "attribution", "even", columns=_with(label, wording.ATTRIBUTION_EVEN_COLUMNS), rows=rows, compared=len(used) > 1
    )


def in_report(
    analysis: Analysis, attributions: Sequence[Attribution], drawn_as: Callable[[go.Figure], Markup]
) -> Markup:
    """The section for a report, for both models and the class that each says; ``drawn_as`` makes HTML of a figure.

    A sentence where nothing was measured.
    """
    measured = []
    for worth in attributions:
        used = subset_of(m for m in analysis.present if m in worth.parts)
        models = []
        for name in EVERY_MODEL:
            found = worth.of(name, used)
            if found:
                label = label_of(found, VERDICT)
                models.append(
                    {"name": name, "said": said(worth, found, name, label),
                     "chart": drawn_as(chart(worth, found, label)), "modalities": modalities(found, name, label)}
                )  # fmt: skip
        alone = worth.of("self", used)
        assert alone is not None, "self-attention answers from whatever is there"
        label = label_of(alone, VERDICT)
        measured.append(
            {"seconds": said_span((worth.start, worth.end)), "models": models, "even": even(worth, used, label),
             "difference": drawn_as(difference(worth, used)) if len(used) > 1 else ""}
        )  # fmt: skip
    return render("attribution", "in_report", spans=measured)
