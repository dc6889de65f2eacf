"""What a visitor can take home: JSON, CSV of the windows, and one HTML file that holds everything."""

import json
from collections.abc import Sequence
from html import escape

from plotly.offline import get_plotlyjs

from core import LABELS
from core.analysis.attribution import Worth
from core.analysis.results import Analysis, Window
from core.csv_cells import csv_text
from demo import wording
from demo.charts import attribution, figures, heatmap, panels, phrases
from demo.charts.palette import MODALITY, MODEL
from demo.style import CSS


def as_json(analysis: Analysis, worths: Sequence[Worth] = ()) -> str:
    """The analysis with its attention, and what was measured of its parts, as one JSON object."""
    described = analysis.to_json(attention=True) | {"worth": [each.to_json() for each in worths]}
    return json.dumps(described, ensure_ascii=False, indent=1)


def as_csv(analysis: Analysis) -> str:
    """One line a window or phrase and model; a short clip is one window.

    Its columns: start, end, model, label, seven probabilities, part ("window" or "phrase"), text of a phrase.
    """
    rows = [["start", "end", "model", "label", *LABELS, "part", "text"]]
    windows = analysis.windows or (Window(0.0, analysis.duration, analysis.everything),)
    for window in (*windows, *analysis.phrases):
        part = ["phrase" if window.text else "window", window.text]
        for name, verdict in window.prediction.verdicts().items():
            cells = [verdict.label, *(f"{p:.6f}" for p in verdict.probabilities)] if verdict else [""] * 8
            rows.append([f"{window.start:.3f}", f"{window.end:.3f}", name, *cells, *part])
    return csv_text(rows)


def as_html(analysis: Analysis, worths: Sequence[Worth] = ()) -> str:
    """A page with all charts and plotly.js inside: it opens without internet and asks nothing of anybody."""
    everything = analysis.everything
    facts = [
        ("Clip", f"{analysis.file}, {analysis.duration:.1f} s"),
        ("Used", ", ".join(MODALITY[m] for m in everything.used)),
        ("Models", "fusion models after Rajan, Brutti and Cavallaro (ICASSP 2022), trained on composed samples"),
    ]
    parts = [
        "<header><h1>Cross or self? A report</h1>",
        "<table class='facts'>" + "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in facts) + "</table>",
        f'<p class="limits">{wording.LIMITS}</p></header>',
        panels.notes(analysis),
        panels.agreement(everything),
        '<div class="pair">',
    ]
    for name, verdict in everything.verdicts().items():
        parts.append(f"<section>{panels.verdict(name, verdict, None, wording.UNDEFINED)}</section>")
    parts += [
        "</div>", panels.transcript(analysis), panels.face_strip(analysis), _heading("matrix"), wording.MATRIX,
        panels.matrix(analysis, everything.used),
    ]  # fmt: skip
    if analysis.windows:
        parts += [_heading("course"), wording.COURSE, panels.legend(), _chart(figures.course(analysis))]
    if analysis.phrases:
        parts += [_heading("phrases"), wording.PHRASES, phrases.table(analysis)]
    parts += attribution.in_report(analysis, worths, _chart)
    for name, verdict in everything.verdicts().items():
        if verdict:
            in_time = figures.timeline(analysis, everything, name)
            parts += [f"<h2>{MODEL[name]}</h2>", "<h3>In time</h3>", _chart(in_time)]
            for pair in verdict.attention:
                parts += [
                    f"<h3>{panels.pair_name(pair)}</h3>",
                    _chart(heatmap.attention(analysis, everything, name, pair)),
                ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Cross or self? {escape(analysis.file)}</title><style>{CSS}{REPORT_CSS}</style>"
        f"<script>{get_plotlyjs()}</script></head><body class='gradio-container'>{''.join(parts)}</body></html>"
    )


def _heading(section: str) -> str:
    return f"<h3>{wording.SECTIONS[section]}</h3>"


def _chart(figure) -> str:
    config = {"responsive": True, "displayModeBar": False, "displaylogo": False}
    return figure.to_html(full_html=False, include_plotlyjs=False, config=config)


REPORT_CSS = """
body { font-family: ui-sans-serif, system-ui, sans-serif; background: var(--paper); color: var(--ink); }
.limits { border-left: 3px solid var(--accent); padding-left: 0.9rem; color: var(--muted); max-width: 46rem; }
.facts th { text-align: left; padding-right: 1rem; font-weight: 500; color: var(--muted); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 1rem; }
.word { pointer-events: none; } h2 { margin-top: 2rem; }
@media (prefers-color-scheme: dark) { :root { --accent: #a9a9ff; --muted: #a5a6b0; --line: #383944; --paper: #121218;
  --wash: #1b1b24; --ink: #ececf2; } }
"""
