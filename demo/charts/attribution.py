"""The section "What was it worth?": what was looked at beside what mattered, the modalities, even attention.

Everything is measured when the section is opened, and again when something else is asked for.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from core import LABELS, MODALITIES, Subset, subset_of
from core.analysis.attribution import Measured, Worth, spans
from core.analysis.results import Analysis
from core.csv_cells import csv_text
from demo import wording
from demo.charts.figures import dressed
from demo.charts.palette import ACCENT, EMOTION, GREY, MODALITY, MODEL, percent, translucent
from demo.server.analyzers import AnyAnalyzer
from demo.server.sessions import Session
from demo.tabs.components import Parts
from demo.tabs.view import HIDDEN, SWITCHES

VERDICT = "verdict"  # the class that the model itself says
ORDER = ("audio", "text", "video")  # of lanes, as in the timeline
LEAST = 0.02  # probability that a scale of what mattered always reaches: what hardly matters must not look eventful
ONE_AT_A_TIME: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "worth", "api_visibility": "private"}


def contents(parts: Parts) -> None:
    """What is in the section."""
    with gr.Row():
        models = [(title, name) for name, title in MODEL.items()]
        parts.add("worth-model", gr.Radio, choices=models, value="cross", label="Model", min_width=150)
        classes = [("its verdict", VERDICT), *((label, label) for label in LABELS)]
        parts.add("worth-class", gr.Radio, choices=classes, value=VERDICT, label="Class", min_width=150)
        parts.add("worth-span", gr.Dropdown, choices=[], label="Part of the clip", visible=False, interactive=True)
    for name in drawn_parts()[1:]:
        if name.endswith("-chart"):
            parts.add(name, gr.Plot, show_label=False, container=False)
        else:
            parts.add(name, gr.HTML)
    parts["worth-open"] = gr.State(False)


def wire(parts: Parts, analyzer: AnyAnalyzer, state: gr.State, switches: list, changes: Any) -> None:
    """Draws when the section is opened, when something else is asked for and when ``changes`` is shown anew."""
    asked = [parts[name] for name in ("worth-model", "worth-class", "worth-span")]
    shown = [parts[name] for name in drawn_parts()]
    opened = parts["worth-open"]

    def draw(session, is_open, model, label, span, *on):
        if not is_open:
            return [gr.skip()] * len(shown)
        wanted = subset_of(m for m, switch in zip(SWITCHES, on, strict=True) if switch)
        return list(drawn(session, analyzer, wanted, model, label, span).values())

    inputs = [state, opened, *asked, *switches]
    draws = {"fn": draw, "inputs": inputs, "outputs": shown, "show_progress": "minimal", **ONE_AT_A_TIME}
    accordion = parts["section-worth"]
    accordion.expand(lambda: True, None, opened, queue=False, api_visibility="private").then(**draws)
    accordion.collapse(lambda: False, None, opened, queue=False, api_visibility="private")
    gr.on([choice.input for choice in asked] + [changes.change], trigger_mode="always_last", **draws)


def drawn_parts() -> tuple[str, ...]:
    """Names of what ``drawn`` fills, in its order."""
    return (
        "worth-span", "worth-said", "worth-chart", "worth-table", "worth-modalities", "worth-even", "difference-chart",
    )  # fmt: skip


def drawn(session: Session, analyzer: AnyAnalyzer, wanted: Subset, model: str, label: str, span: str | None) -> dict:
    """What each part of the section shows; one sentence where nothing can be said."""
    analysis = session.current()
    if analysis is None:
        return _only(session.why_none())
    choices = {said_span(each): each for each in spans(analysis)}
    span = span if span in choices else next(iter(choices))
    picker = gr.update(choices=list(choices), value=span, visible=len(choices) > 1)
    worth = session.worth(analyzer, choices[span])
    if worth is None:
        return _only(wording.WORTH_UNKNOWN, picker)
    used = subset_of(m for m in analysis.prediction(wanted).used if m in worth.parts)
    found = worth.of(model, used)
    if found is None:
        return _only(wording.UNDEFINED if used else wording.ALL_OFF, picker)
    label = label_of(found, label)
    both = len(used) > 1
    return dict(
        zip(
            drawn_parts(),
            (
                picker,
                said(worth, found, model, label),
                gr.update(value=chart(worth, found, label), visible=True),
                table(worth, found, label),
                modalities(found, model, label),
                even(worth, used, label),
                gr.update(value=difference(worth, used), visible=True) if both else gr.update(**HIDDEN),
            ),
            strict=True,
        )
    )


def _only(sentence: str, picker=None) -> dict:
    hidden = gr.update(**HIDDEN)
    note = f'<p class="note">{escape(sentence)}</p>'
    parts = (picker or gr.update(visible=False), note, hidden, "", "", "", hidden)
    return dict(zip(drawn_parts(), parts, strict=True))


def said_span(span: tuple[float, float]) -> str:
    """(5, 15) -> "5–15 s"."""
    return f"{span[0]:g}–{span[1]:.3g} s"


def label_of(found: Measured, label: str) -> str:
    """A class, or the one that the model says."""
    return LABELS[int(found.probabilities.argmax())] if label == VERDICT else label


def said(worth: Worth, found: Measured, model: str, label: str) -> str:
    """What mattered most, in words, under how to read the chart."""
    index = LABELS.index(label)
    parts = [
        (float(value), name_of(modality, name))
        for modality in found.without
        for value, name in zip(found.worth(modality)[:, index], worth.parts[modality].names, strict=True)
        if not np.isnan(value)
    ]
    for_it = [f"{name} ({points(v)})" for v, name in sorted(parts, key=lambda p: -p[0])[:3] if v >= 0.0005]
    against = [f"{name} ({points(v)})" for v, name in sorted(parts, key=lambda p: p[0])[:3] if v <= -0.0005]
    sentences = [
        f"{MODEL[model]} gives <b>{label}</b> {percent(float(found.probabilities[index]))}.",
        f"Most for it: {', '.join(for_it)}." if for_it else "Nothing in it speaks for it by itself.",
        f"Most against it: {', '.join(against)}." if against else "Nothing in it speaks against it by itself.",
    ]
    return f'{wording.WORTH_LEFT_OUT}<p id="worth-most">{" ".join(sentences)}</p>'


def points(difference: float) -> str:
    """0.0312 -> "+3.1 points"."""
    return f"{difference * 100:+.1f} points".replace("-", "−")


def name_of(modality: str, name: str) -> str:
    """A part as a sentence says it, escaped."""
    return f"“{escape(name)}”" if modality == "text" else f"{MODALITY[modality]} at {escape(name)}"


def chart(worth: Worth, found: Measured, label: str) -> go.Figure:
    """Two lanes a modality on one time axis: attention received, and what leaving each part out changes.

    One bar trace ``looked <modality>`` (in even shares) and one ``mattered <modality>`` (in percentage points), with a
    value for each part.
    """
    index = LABELS.index(label)
    lanes = [m for m in ORDER if m in found.without]
    values = {m: found.worth(m)[:, index] * 100 for m in lanes}
    looked = max([2.0, *(float(np.nanmax(found.looked[m], initial=0)) for m in lanes)])
    mattered = max([LEAST * 100, *(float(np.nanmax(np.abs(values[m]), initial=0)) for m in lanes)])
    traces, layout, notes, shapes = [], {}, [], []
    height = 1 / len(lanes)
    for lane, modality in enumerate(lanes):
        parts, top = worth.parts[modality], 1 - lane * height
        names = [name_of(modality, name) for name in parts.names]
        low, high = (f"{2 * lane + 2}", "" if lane == 0 else f"{2 * lane + 1}")
        shared = {"anchor": "x", "side": "right", "showgrid": False}
        layout[f"yaxis{high}"] = {
            **shared, "domain": [top - 0.38 * height, top - 0.12 * height], "range": [0, looked * 1.05],
            "tickvals": [1, looked], "ticktext": ["1×", f"{looked:.1f}×"],
        }  # fmt: skip
        layout[f"yaxis{low}"] = {
            **shared, "domain": [top - 0.94 * height, top - 0.56 * height], "range": [-mattered * 1.1, mattered * 1.1],
            "tickvals": [-mattered, 0, mattered], "ticktext": [f"−{mattered:.1f}", "0", f"+{mattered:.1f}"],
            "zeroline": True, "zerolinecolor": GREY,
        }  # fmt: skip
        place = {"x": (parts.starts + parts.ends) / 2, "width": np.maximum(parts.ends - parts.starts, 0.02) * 0.94}
        traces += [
            {"type": "bar", "name": f"looked {modality}", "y": found.looked[modality], "yaxis": f"y{high}", **place,
             "marker": {"color": translucent(ACCENT, 0.75)}, "customdata": names,
             "hovertemplate": "%{customdata}: attention %{y:.2f} × an even share<extra></extra>"},
            {"type": "bar", "name": f"mattered {modality}", "y": values[modality], "yaxis": f"y{low}", **place,
             "marker": {"color": EMOTION[label]}, "customdata": names,
             "hovertemplate": f"with %{{customdata}}, {label} has %{{y:+.2f}} points<extra></extra>"},
        ]  # fmt: skip
        if modality == "text":
            beyond = 0.4 + 0.4 * (np.arange(len(names)) % 2)  # neighbours do not run into each other
            traces.append(
                {"type": "scatter", "mode": "text", "name": "words", "x": place["x"], "hoverinfo": "skip",
                 "y": np.where(np.nan_to_num(values[modality]) > 0, -beyond, beyond) * mattered, "yaxis": f"y{low}",
                 "text": list(parts.names), "textfont": {"size": 10}, "cliponaxis": False}
            )  # fmt: skip
        notes += [
            _title(f"{MODALITY[modality]}: looked at", top - 0.11 * height),
            _title(f"{MODALITY[modality]}: mattered", top - 0.55 * height),
        ]
        shapes.append(
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": f"y{high}", "y0": 1, "y1": 1,
             "line": {"color": GREY, "width": 1, "dash": "dot"}}
        )  # fmt: skip
    return dressed(
        traces, 60 + 205 * len(lanes), {"l": 8, "r": 52, "t": 4, "b": 34},
        barmode="overlay", showlegend=False, annotations=notes, shapes=shapes, **layout,
        xaxis={"range": [worth.start, worth.end], "ticksuffix": " s", "anchor": f"y{2 * len(lanes)}"},
    )  # fmt: skip


def difference(worth: Worth, used: Subset) -> go.Figure:
    """What each moment receives under cross-attention less under self-attention; a trace ``difference <modality>``."""
    values = {m: found for m in ORDER if (found := worth.cross_minus_self(m, used)) is not None}
    lanes = list(values)
    most = max([0.5, *(float(np.nanmax(np.abs(v), initial=0)) for v in values.values())])
    traces, layout, notes = [], {}, []
    height = 1 / len(lanes)
    for lane, modality in enumerate(lanes):
        parts, top = worth.parts[modality], 1 - lane * height
        layout[f"yaxis{lane + 1 if lane else ''}"] = {
            "domain": [top - 0.92 * height, top - 0.24 * height], "range": [-most * 1.05, most * 1.05], "anchor": "x",
            "side": "right", "showgrid": False, "zeroline": True, "zerolinecolor": GREY,
            "tickvals": [-most, 0, most], "ticktext": [f"−{most:.1f}×", "0", f"+{most:.1f}×"],
        }  # fmt: skip
        traces.append(
            {"type": "bar", "name": f"difference {modality}", "x": (parts.starts + parts.ends) / 2,
             "y": values[modality], "width": np.maximum(parts.ends - parts.starts, 0.02) * 0.94,
             "yaxis": f"y{lane + 1 if lane else ''}", "marker": {"color": translucent(ACCENT, 0.75)},
             "customdata": [name_of(modality, name) for name in parts.names],
             "hovertemplate": "%{customdata}: cross looks %{y:+.2f} even shares more than self<extra></extra>"}
        )  # fmt: skip
        notes.append(_title(MODALITY[modality], top - 0.23 * height))
    return dressed(
        traces, 40 + 110 * len(lanes), {"l": 8, "r": 52, "t": 4, "b": 34}, showlegend=False, annotations=notes,
        **layout,
        xaxis={"range": [worth.start, worth.end], "ticksuffix": " s", "anchor": f"y{len(lanes) if lanes[1:] else ''}"},
    )  # fmt: skip


def _title(text: str, y: float) -> dict:
    return {"text": text, "xref": "paper", "yref": "paper", "x": 0, "y": y, "xanchor": "left", "yanchor": "bottom",
            "showarrow": False, "font": {"size": 12}}  # fmt: skip


def table(worth: Worth, found: Measured, label: str) -> str:
    """The numbers of the chart, behind one click."""
    index = LABELS.index(label)
    rows = "".join(
        f'<tr data-modality="{m}"><th scope="row"><button type="button" class="word" data-seconds="{start:.2f}">'
        f"{name_of(m, name)}</button></th><td>{'–' if np.isnan(seen) else f'{seen:.2f}'}</td>"
        f'<td data-worth="{value:.6f}">{"–" if np.isnan(value) else points(value)}</td></tr>'
        for m in ORDER
        if m in found.without
        for name, start, seen, value in zip(
            worth.parts[m].names, worth.parts[m].starts, found.looked[m], found.worth(m)[:, index], strict=True
        )
    )
    return (
        f"<details><summary>{wording.WORTH_TABLE}</summary><table class='numbers'><thead><tr><th scope='col'>left out"
        f"</th><th scope='col'>attention, even = 1</th><th scope='col'>{label} with it</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def modalities(found: Measured, model: str, label: str) -> str:
    """What each modality and each two are worth; of cross-attention only what is defined."""
    index = LABELS.index(label)
    used = tuple(found.without)
    head = [wording.WORTH_ADDED[len(used)]] if found.added else []
    rows = [
        [MODALITY[m], *([points(float(found.shapley[m][index]))] if found.shapley else []),
         *([points(float(found.added[m][index]))] if m in found.added else [])]
        for m in used
    ]  # fmt: skip
    if found.shapley is None:
        note = wording.WORTH_CROSS if found.added else wording.WORTH_CROSS_PAIR
        return f"{note}{_numbers('worth-added', head, rows) if found.added else ''}"
    total = float(found.probabilities[index])
    pairs = [
        [f"{MODALITY[one]} and {MODALITY[two]}", points(float(value[index]))]
        for (one, two), value in (found.synergy or {}).items()
    ]
    together = _numbers("worth-synergy", ["say together beyond what each says"], pairs) if pairs else ""
    sums = f'<p class="hint">{percent(1 / len(LABELS))} for nothing at all, plus these, is {percent(total)}.</p>'
    return f"{wording.WORTH_SHAPLEY}{_numbers('worth-shapley', ['on average', *head], rows)}{sums}{together}"


def _numbers(name: str, columns: list[str], rows: list[list[str]]) -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in ("", *columns))
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    return f'<table class="numbers" id="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def even(worth: Worth, used: Subset, label: str) -> str:
    """Both verdicts beside what they would be if attention were even, and the hint to the last chart."""
    index, rows = LABELS.index(label), []
    for model, title in MODEL.items():
        found = worth.of(model, used)
        if found is None:
            continue
        said = [LABELS[int(p.argmax())] + " " + percent(float(p.max())) for p in (found.probabilities, found.even)]
        rows.append([title, *said, points(float(found.probabilities[index] - found.even[index]))])
    columns = ["as it is", "with even attention", f"attention’s part in {label}"]
    last = wording.WORTH_DIFFERENCE if len(used) > 1 else ""
    return f"{wording.WORTH_EVEN}{_numbers('worth-even-table', columns, rows)}{last}"


def as_csv(worths: list[Worth], wanted: Subset = MODALITIES) -> str:
    """One line a model and part: its seconds, attention received in even shares, and its worth to each class."""
    lines = [["window_start", "window_end", "model", "modality", "start", "end", "name", "looked", *LABELS]]
    for worth in worths:
        used = subset_of(m for m in wanted if m in worth.parts)
        for model in MODEL:
            found = worth.of(model, used)
            if found is None:
                continue
            for modality in used:
                part = worth.parts[modality]
                rows = zip(
                    part.starts, part.ends, part.names, found.looked[modality], found.worth(modality), strict=True
                )
                for start, end, name, looked, values in rows:
                    cells = ["" if np.isnan(v) else f"{v:.6f}" for v in (looked, *values)]
                    span = f"{worth.start:.3f}", f"{worth.end:.3f}"
                    lines.append([*span, model, modality, f"{start:.3f}", f"{end:.3f}", name, *cells])
    return csv_text(lines)


def in_report(analysis: Analysis, worths: Sequence[Worth], drawn_as) -> list[str]:
    """The section for a report, for both models and the class that each says; ``drawn_as`` makes HTML of a figure."""
    pieces = []
    for worth in worths:
        used = subset_of(m for m in analysis.present if m in worth.parts)
        for model, title in MODEL.items():
            found = worth.of(model, used)
            if found:
                label = label_of(found, VERDICT)
                pieces += [
                    f"<h3>{title}, {said_span((worth.start, worth.end))}</h3>", said(worth, found, model, label),
                    drawn_as(chart(worth, found, label)), modalities(found, model, label),
                ]  # fmt: skip
        own = worth.of("self", used)
        if own is None:
            continue
        pieces.append(even(worth, used, label_of(own, VERDICT)))
        if len(used) > 1:
            pieces.append(drawn_as(difference(worth, used)))
    return [f"<h2>{wording.SECTIONS['worth']}</h2>", *pieces] if pieces else []
