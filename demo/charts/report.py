"""What a visitor can take home: JSON, CSV of the windows, and one HTML file that holds everything."""

import json
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from core import EVERY_MODEL, LABELS, MODALITIES, Subset, subset_of
from core.analysis.attribution import Attribution
from core.analysis.attribution import as_json as attributions_to_json
from core.analysis.results import Analysis, Segment, Verdict
from core.csv_cells import csv_text
from demo import wording
from demo.charts import attribution, figures, heatmap, panels, phrases
from demo.charts.html import render
from demo.style import CSS

ALL_OF = {"text": "all words", "video": "all of the face", "audio": "all of the voice"}  # data, in no language but one


def as_json(analysis: Analysis, attributions: Sequence[Attribution] = ()) -> str:
    """The analysis with its attention, and what was measured of its parts, as one JSON object."""
    described = analysis.to_json(attention=True) | attributions_to_json(attributions)
    return json.dumps(described, ensure_ascii=False, indent=1)


def as_csv(analysis: Analysis) -> str:
    """One line a window or phrase and model; a short clip is one window.

    Its columns: start, end, model, label, seven probabilities, part ("window" or "phrase"), text of a phrase, set (the
    labels that are not ruled out, the most probable first: "anger+fear"). Words in another language are a line of no
    model; its part is "Polish, not used" or "language not recognised".
    """
    rows = [["start", "end", "model", "label", *LABELS, "part", "text", "set"]]
    windows = analysis.windows or (Segment(0.0, analysis.duration, analysis.everything),)
    for window in (*windows, *analysis.phrases):
        part = ["phrase" if window.text else "window", window.text]
        for name, verdict in window.prediction.verdicts().items():
            cells = [verdict.label, *(f"{p:.6f}" for p in verdict.probabilities)] if verdict else [""] * 8
            kept = "+".join(verdict.prediction_set) if verdict else ""
            rows.append([f"{window.start:.3f}", f"{window.end:.3f}", name, *cells, *part, kept])
    if other := analysis.transcript.other:
        span = [f"{other.words[0].start:.3f}", f"{other.words[-1].end:.3f}"] if other.words else ["", ""]
        part = [f"{other.name}, not used" if other.name else "language not recognised", other.text]
        rows.append([*span, *[""] * (2 + len(LABELS)), *part, ""])
    return csv_text(rows)


def attribution_as_csv(attributions: Sequence[Attribution], wanted: Subset = MODALITIES) -> str:
    """One line a model and part: its seconds, attention received in even shares, and its worth to each class.

    Before the parts of a modality stands a line of all of them together; what is undefined is empty.
    """
    lines = [["window_start", "window_end", "model", "modality", "start", "end", "name", "looked", *LABELS]]
    for worth in attributions:
        used = subset_of(m for m in wanted if m in worth.parts)
        for model in EVERY_MODEL:
            found = worth.of(model, used)
            if found is None:
                continue
            for modality in used:
                part = worth.parts[modality]
                rows = zip(
                    [part.starts[0], *part.starts],
                    [part.ends[-1], *part.ends],
                    [ALL_OF[modality], *part.names],
                    [np.nan, *found.attention_received[modality]],
                    [found.effect_of_all(modality), *found.effect(modality)],
                    strict=True,
                )
                for start, end, name, looked, values in rows:
                    cells = ["" if np.isnan(v) else f"{v:.6f}" for v in (looked, *values)]
                    span = f"{worth.start:.3f}", f"{worth.end:.3f}"
                    lines.append([*span, model, modality, f"{start:.3f}", f"{end:.3f}", name, *cells])
    return csv_text(lines)


def as_html(analysis: Analysis, attributions: Sequence[Attribution] = ()) -> str:
    """A page with all charts and plotly.js inside: it opens without internet and asks nothing of anybody."""
    everything = analysis.everything
    facts = [
        (wording.REPORT_FACTS["clip"], f"{analysis.file}, {analysis.duration:.1f} s"),
        (wording.REPORT_FACTS["used"], ", ".join(wording.MODALITY[m] for m in everything.used)),
        (wording.REPORT_FACTS["models"], wording.REPORT_MODELS),
    ]
    shown = {
        "notes": panels.notes(analysis),
        "agreement": panels.agreement(everything),
        "verdicts": [panels.verdict(name, v, None, wording.UNDEFINED) for name, v in everything.verdicts().items()],
        "transcript": panels.transcript(analysis),
        "faces": panels.face_strip(analysis),
        "matrix": panels.matrix(analysis, everything.used),
        "legend": panels.legend(),
        "course": _chart(figures.course(analysis)) if analysis.windows else "",
        "phrases": phrases.table(analysis),
        "attribution": attribution.in_report(analysis, attributions, _chart),
    }
    maps = [_maps(analysis, name, verdict) for name, verdict in everything.verdicts().items() if verdict]
    return str(
        render(
            "report", "report", file=analysis.file, facts=facts, analysis=shown, maps=maps, style=CSS,
            script=get_plotlyjs(),
        )
    )  # fmt: skip


def _maps(analysis: Analysis, name: str, verdict: Verdict) -> dict:
    """All charts of the attention of one model."""
    everything = analysis.everything
    return {
        "name": name,
        "timeline": _chart(figures.timeline(analysis, everything, name)),
        "pairs": [
            (panels.pair_name(pair), _chart(heatmap.chart(analysis, everything, name, pair)))
            for pair in verdict.attention
        ],
    }


def _chart(figure: go.Figure) -> Markup:
    config = {"responsive": True, "displayModeBar": False, "displaylogo": False}
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config=config))
