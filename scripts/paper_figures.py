"""The figures of the experiment's report, and the report as one HTML file that needs nothing else."""

import html
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy import stats

from core.experiment.control_tables import SENSES
from core.experiment.report import Report
from core.experiment.tables import METRICS, PAPER, Comparison, Line, Table, describe, pooled_metrics
from core.files import write_text

COLOURS = {
    "self": "#0072B2",
    "cross": "#D55E00",
    "cross + self": "#009E73",
    "one sequence": "#CC79A7",
}  # told apart by colour-blind people too
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
PAPER_COLOUR = "#777777"


def draw_scores(lines: list[Line], metric: str) -> go.Figure:
    """Bars of the means with 95 % intervals over folds, one point a fold x seed, the paper's mean as a dash."""
    figure = go.Figure()
    for attention, colour in COLOURS.items():
        chosen = [line for line in lines if describe(line.configuration)[1] == attention]
        if not chosen:
            continue
        names = [describe(line.configuration)[0] for line in chosen]
        figure.add_bar(
            x=names, y=[line.percent(metric)[0] for line in chosen], name=attention, marker_color=colour, opacity=0.75,
            error_y={"array": [_reach(line.scores[metric]) for line in chosen]}, offsetgroup=attention,
        )  # fmt: skip
        points = [
            (name, 100 * s)
            for name, line in zip(names, chosen, strict=True)
            for s in line.scores[metric].ravel()
            if s == s
        ]
        figure.add_box(
            x=[name for name, _ in points], y=[s for _, s in points], name=f"{attention}, runs", offsetgroup=attention,
            boxpoints="all", pointpos=0, jitter=0.5, fillcolor="rgba(0,0,0,0)", line_color="rgba(0,0,0,0)",
            marker={"color": colour, "size": 4, "line": {"color": "white", "width": 0.5}}, showlegend=False,
        )  # fmt: skip
        of_paper = [PAPER[line.configuration][metric][0] if line.configuration in PAPER else None for line in chosen]
        figure.add_scatter(
            x=names, y=of_paper, mode="markers", offsetgroup=attention,
            name=f"paper (IEMOCAP), {attention}", marker={"symbol": "line-ew-open", "size": 18, "color": PAPER_COLOUR},
        )  # fmt: skip
    figure.update_layout(
        title=f"{METRICS[metric]}, 95 % intervals over folds; points: fold x seed", barmode="group", boxmode="group",
        scattermode="group", yaxis_title="percent", template="plotly_white",
    )  # fmt: skip
    return figure


def draw_differences(comparisons: list[Comparison]) -> go.Figure | None:
    """Cross less self with its corrected interval, beside the range that counts as equivalent."""
    figure, margin = go.Figure(), 100 * comparisons[0].margin if comparisons else 0
    for metric, symbol in (("balanced_accuracy", "circle"), ("accuracy", "diamond")):
        tested = [(c.modalities, test) for c in comparisons if (test := c.tests[metric])]
        if not tested:
            return None
        figure.add_scatter(
            x=[100 * test.difference for _, test in tested], y=[name for name, _ in tested], mode="markers",
            error_x={"array": [100 * (test.interval[1] - test.difference) for _, test in tested]},
            name=METRICS[metric], marker={"size": 10, "symbol": symbol}, offsetgroup=metric, orientation="h",
        )  # fmt: skip
    figure.add_vrect(-margin, margin, fillcolor="#009E73", opacity=0.12, line_width=0)
    figure.add_vline(0, line_color="#555555")
    figure.update_layout(
        title=f"Cross less self, corrected 95 % intervals; green: within ±{margin:g} points", template="plotly_white",
        xaxis_title="percentage points", scattermode="group",
    )  # fmt: skip
    return figure


def draw_recalls(results: list[dict], classes: tuple[str, ...]) -> go.Figure:
    """Recall of each class, all test predictions of a configuration together."""
    pooled = pooled_metrics(results, classes)
    names = [", ".join(describe(name)) for name in pooled]
    recalls = [[None if r is None else 100 * r for r in m["recall"].values()] for m in pooled.values()]
    figure = go.Figure(
        go.Heatmap(z=recalls, x=classes, y=names, colorscale="Viridis", zmin=0, zmax=100, texttemplate="%{z:.0f}")
    )
    figure.update_layout(title="Recall of each class, percent", template="plotly_white", yaxis_autorange="reversed")
    return figure


def draw_confusions(results: list[dict], classes: tuple[str, ...]) -> go.Figure:
    """Confusion matrices of the configurations with the most modalities, rows adding up to 100 %."""
    pooled = pooled_metrics(results, classes)
    most = max(len(name.split("-")[0]) for name in pooled)
    chosen = [name for name in pooled if len(name.split("-")[0]) == most][:4]
    figure = make_subplots(
        1, len(chosen), subplot_titles=[", ".join(describe(name)) for name in chosen], shared_yaxes=True
    )
    for column, name in enumerate(chosen, 1):
        counts = np.array(pooled[name]["confusion"], float)
        shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
        figure.add_heatmap(
            z=shares, x=classes, y=classes, zmin=0, zmax=100, colorscale="Viridis", texttemplate="%{z:.0f}",
            showscale=column == len(chosen), row=1, col=column,
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(
        title="Confusion: rows are the truth, columns the prediction, percent", template="plotly_white"
    )
    return figure


def draw_degradation(results: list[dict]) -> go.Figure | None:
    """Balanced accuracy with noise on all modalities and on each, of every model that was asked."""
    asked = [r for r in results if "damage" in r]
    if not asked:
        return None
    damaged = [m for m in SENSES if any(m in r["damage"]["noise"] for r in asked)]
    figure = make_subplots(
        1, len(damaged), subplot_titles=[f"noise on {SENSES[m]}" for m in damaged], shared_yaxes=True
    )
    names = list(dict.fromkeys(r["configuration"] for r in asked))
    for name in names:
        for column, modality in enumerate(damaged, 1):
            curves = [r["damage"]["noise"].get(modality) for r in asked if r["configuration"] == name]
            known = [curve for curve in curves if curve and None not in curve]
            if known:
                figure.add_scatter(
                    x=asked[0]["damage"]["levels"], y=100 * np.mean(known, 0), name=", ".join(describe(name)),
                    legendgroup=name, showlegend=modality == "all",
                    line_color=_colour(names.index(name)), row=1, col=column,
                )  # fmt: skip
    figure.update_xaxes(title_text="deviations")
    figure.update_layout(title="Balanced accuracy, percent, with noise in the test set", template="plotly_white")
    return figure


def draw_deletion(results: list[dict]) -> go.Figure | None:
    """Probability of the verdict while moments are left out or hidden, by order; cross and self of most modalities."""
    asked = [r for r in results if r.get("attention", {}).get("modalities")]
    plain = [name for name in dict.fromkeys(r["configuration"] for r in asked) if name.count("-") == 1]
    plain = [name for name in plain if name.split("-")[1] in ("self", "cross")]
    if not plain:
        return None
    most = max(len(name.split("-")[0]) for name in plain)
    chosen = [name for name in plain if len(name.split("-")[0]) == most]
    kinds = ("deletion", "insertion")
    titles = [f"{kind}, {', '.join(describe(name))}" for name in chosen for kind in kinds]
    figure = make_subplots(1, len(titles), subplot_titles=titles, shared_yaxes=True)
    for column, (name, kind) in enumerate(((name, kind) for name in chosen for kind in kinds), 1):
        found = [f for r in asked if r["configuration"] == name for f in r["attention"]["modalities"].values()]
        for number, order in enumerate(found[0][kind]):
            figure.add_scatter(
                x=[100 * share for share in found[0]["shares"]], y=100 * np.mean([f[kind][order] for f in found], 0),
                name=order, legendgroup=order, showlegend=column == 1, line_color=_colour(number), row=1, col=column,
            )  # fmt: skip
    figure.update_xaxes(title_text="percent of a modality left out")
    figure.update_layout(title="Probability of the verdict, percent", template="plotly_white")
    return figure


def _colour(number: int) -> str:
    return PALETTE[number % len(PALETTE)]


def _reach(scores: np.ndarray) -> float:
    """Half the 95 % t-interval of the mean over folds, in percent; 0 with a single fold."""
    folds = 100 * np.nanmean(scores[~np.isnan(scores).all(1)], 1)
    if len(folds) < 2:
        return 0.0
    return float(stats.t.ppf(0.975, len(folds) - 1) * folds.std(ddof=1) / np.sqrt(len(folds)))


STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-size:14px}td,th{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:left}
dt{font-weight:600}dd{margin:0 0 .4rem}.wide{overflow-x:auto}code{font-size:14px}
"""


def write_page(report: Report, folder: Path) -> None:
    """Writes ``report.html``."""
    results, classes = report.results, report.corpus.classes
    figures = [
        draw_scores(report.lines, "balanced_accuracy"), draw_scores(report.lines, "accuracy"),
        draw_differences(report.comparisons), draw_recalls(results, classes), draw_confusions(results, classes),
        draw_degradation(results), draw_deletion(results),
    ]  # fmt: skip
    figures = [figure for figure in figures if figure]
    facts = "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(text)}</dd>" for key, text in report.facts.items())
    drawn = "".join(
        figure.to_html(full_html=False, include_plotlyjs=first, default_height="520px", config={"displaylogo": False})
        for figure, first in zip(figures, [True] + [False] * (len(figures) - 1), strict=True)
    )
    title = html.escape(report.title)
    sections = "".join(
        f"<h2>{html.escape(section.title)}</h2><p>{html.escape(section.text)}</p>"
        + "".join(_table(report.tables[name]) for name in section.tables)
        for section in report.sections
    )
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"</head><body><h1>{title}</h1><p>{html.escape(report.sentence)}</p><dl>{facts}</dl>{sections}{drawn}"
        "</body></html>"
    )
    write_text(folder / "report.html", page)


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    caption = html.escape(table.caption)
    return f'<div class="wide"><table><caption>{caption}</caption><tr>{head}</tr>{rows}</table></div>'
