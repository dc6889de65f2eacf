"""What a visitor can take home: JSON, CSV of the windows, and one HTML file that holds everything."""

import csv
import io
import json
from html import escape

from plotly.offline import get_plotlyjs

from core import LABELS
from demo import charts, copy, heatmap, panels
from demo.palette import MODALITY, MODEL
from demo.style import CSS
from demo.visit import SUBSETS, Visit


def as_json(visit: Visit) -> str:
    """The analysis with its attention, every subset's verdicts and every window's, as one JSON object."""
    result = visit.everything.to_json(attention=True)
    result["subsets"] = {
        "+".join(subset): {name: v and v.to_json() for name, v in visit.analyses[subset].verdicts().items()}
        for subset in SUBSETS
        if subset in visit.analyses
    }
    result["windows"] = [
        {"start": start, "end": end, **{name: v and v.to_json() for name, v in analysis.verdicts().items()}}
        for start, end, analysis in visit.windows
    ]
    return json.dumps(result, ensure_ascii=False, indent=1)


def as_csv(visit: Visit) -> str:
    """One line a window and model: start, end, model, label, seven probabilities; a short clip is one window."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["start", "end", "model", "label", *LABELS])
    for start, end, analysis in visit.windows or [(0.0, visit.everything.duration, visit.everything)]:
        for name, verdict in analysis.verdicts().items():
            cells = [verdict.label, *(f"{p:.6f}" for p in verdict.probabilities)] if verdict else [""] * 8
            writer.writerow([f"{start:.3f}", f"{end:.3f}", name, *cells])
    return text.getvalue()


def as_html(visit: Visit) -> str:
    """A page with all charts and plotly.js inside: it opens without internet and asks nothing of anybody."""
    everything = visit.everything
    facts = [
        ("Clip", f"{everything.file}, {everything.duration:.1f} s"),
        ("Used", ", ".join(MODALITY[m] for m in everything.used)),
        ("Models", "fusion models after Rajan, Brutti and Cavallaro (ICASSP 2022), trained on composed samples"),
    ]
    parts = [
        "<header><h1>Cross or self? A report</h1>",
        "<table class='facts'>" + "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in facts) + "</table>",
        f'<p class="limits">{copy.LIMITS}</p></header>',
        panels.notes(everything),
        panels.agreement(everything),
        '<div class="pair">',
    ]
    for name, verdict in everything.verdicts().items():
        head = panels.verdict(name, verdict, None, copy.UNDEFINED)
        parts.append(f"<section>{head}{_chart(charts.probabilities(verdict)) if verdict else ''}</section>")
    parts += [
        "</div>", panels.transcript(everything), panels.face_strip(everything), copy.MATRIX, panels.legend(),
        panels.matrix(visit.analyses, everything.used, everything),
    ]  # fmt: skip
    if visit.windows:
        parts += [copy.COURSE, _chart(charts.course(visit.windows, everything.duration))]
    for name, verdict in everything.verdicts().items():
        if verdict:
            parts += [f"<h2>{MODEL[name]}</h2>", "<h3>In time</h3>", _chart(charts.timeline(everything, name))]
            for pair in verdict.attention:
                parts += [f"<h3>{panels.pair_name(pair)}</h3>", _chart(heatmap.attention(everything, name, pair))]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Cross or self? {escape(everything.file)}</title><style>{CSS}{REPORT_CSS}</style>"
        f"<script>{get_plotlyjs()}</script></head><body class='gradio-container'>{''.join(parts)}</body></html>"
    )


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
