"""The report of the paper's experiment: tables as Markdown, LaTeX and CSV, and one self-contained HTML with figures."""

import html
import os
import platform
import shlex
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy import stats

from core.training.dataset import Corpus
from core.training.protocol import Settings
from core.training.state import write_json
from core.training.tables import (
    COMPARISON_HEAD,
    METRICS,
    PAPER,
    RESULT_HEAD,
    Comparison,
    Line,
    comparison_rows,
    comparisons_of,
    describe,
    lines_of,
    pooled_metrics,
    result_rows,
    to_csv,
    to_latex,
    to_markdown,
)  # fmt: skip

COLOURS = {"self": "#0072B2", "cross": "#D55E00", "cross + self": "#009E73"}  # told apart by colour-blind people too
PAPER_COLOUR = "#777777"
VARIANTS = {
    "masked": "masked (float32, standardised features, padding never read, strided convolution over time)",
    "reference": "reference-exact (float64, raw features, fixed lengths, padding counts as data: the authors' code)",
}
NAMES_NOTE = (
    "In the paper's code, \"weighted accuracy\" (W.Acc) is the mean of the per-class recalls, here called balanced "
    "accuracy, and \"unweighted accuracy\" (UW.Acc) is plain accuracy. Most of the literature on speech uses these two "
    "names the other way round. The paper's numbers are for IEMOCAP, and stand here for orientation."
)  # fmt: skip
METHOD_NOTE = (
    "Mean ± standard deviation over folds x seeds. p: corrected resampled t-test (Nadeau and Bengio) of cross less "
    "self, seeds averaged within each fold, since they share its utterances; interval: the same, 95 %; d_z: mean over "
    "standard deviation of the fold differences; TOST: two one-sided tests of equivalence within ±{margin:g} points; "
    "Wilcoxon: signed ranks over fold x seed pairs, which it takes for independent; McNemar: exact, on the seeds' "
    "votes, folds pooled; Holm: corrected over the sets of modalities. The conclusion uses the corrected t-test after "
    "Holm, and TOST, at 5 %."
)


def write_report(results: list[dict], corpus: Corpus, settings: Settings, folder: Path, margin: float) -> str:
    """Writes ``report.{md,html}``, ``table.{md,tex,csv}``, ``comparison.{md,tex,csv}`` and ``results.json``.

    Returns:
        The report as Markdown.
    """
    lines, comparisons = lines_of(results), comparisons_of(results, len(corpus.classes), margin)
    tables = {
        "table": (RESULT_HEAD, result_rows(lines), f"Results on {corpus.name}, percent."),
        "comparison": (COMPARISON_HEAD, comparison_rows(comparisons), f"Cross less self on {corpus.name}."),
    }
    for name, (head, rows, caption) in tables.items():
        (folder / f"{name}.md").write_text(to_markdown(head, rows))
        (folder / f"{name}.csv").write_text(to_csv(head, rows))
        (folder / f"{name}.tex").write_text(to_latex(head, rows, caption))
    facts = _facts(results, corpus, settings)
    method = METHOD_NOTE.format(margin=100 * margin)
    report = "\n".join(
        [
            f"# Is cross-attention preferable to self-attention? {corpus.name}", "",
            *(f"- {name}: {value}" for name, value in facts.items()), "",
            "## Results", "", NAMES_NOTE, "", to_markdown(*tables["table"][:2]),
            "## Cross against self", "", method, "", to_markdown(*tables["comparison"][:2]),
        ]
    )  # fmt: skip
    (folder / "report.md").write_text(report)
    write_json(folder / "results.json", {"facts": facts, "settings": asdict(settings), "results": results})
    figures = [
        draw_scores(lines, "balanced_accuracy"), draw_scores(lines, "accuracy"), draw_differences(comparisons),
        draw_recalls(results, corpus.classes), draw_confusions(results, corpus.classes),
    ]  # fmt: skip
    (folder / "report.html").write_text(_page(corpus.name, facts, tables, method, [f for f in figures if f]))
    return report


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
        figure.add_scatter(
            x=names, y=[PAPER[line.configuration][metric][0] for line in chosen], mode="markers", offsetgroup=attention,
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
        tested = [(c.modalities, c.tests[metric]) for c in comparisons if c.tests[metric]]
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


def _reach(scores: np.ndarray) -> float:
    """Half the 95 % t-interval of the mean over folds, in percent; 0 with a single fold."""
    folds = 100 * np.nanmean(scores[~np.isnan(scores).all(1)], 1)
    if len(folds) < 2:
        return 0.0
    return float(stats.t.ppf(0.975, len(folds) - 1) * folds.std(ddof=1) / np.sqrt(len(folds)))


def _facts(results: list[dict], corpus: Corpus, settings: Settings) -> dict[str, str]:
    """What was run, with what and where."""
    folds, seeds = ({r[key] for r in results} for key in ("fold", "seed"))
    configurations = len({r["configuration"] for r in results})
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy", "scikit-learn"))
    train, test = ([r[key] for r in results] for key in ("n_train", "n_test"))
    return {
        "command": shlex.join(["python", *sys.argv]),
        "date": datetime.now(UTC).date().isoformat(),
        "variant": VARIANTS[settings.variant],
        "features": corpus.features,
        "split": corpus.split,
        "runs": f"{len(results)}: {len(folds)} folds x {len(seeds)} seeds x {configurations} configurations",
        "utterances": f"{min(train)} to {max(train)} for training, {min(test)} to {max(test)} for testing, a fold",
        "classes": ", ".join(corpus.classes),
        "training": f"Adam {settings.learning_rate:g}, batches of {settings.batch}, at most {settings.epochs} epochs, "
        f"stopped after {settings.patience} without a better validation accuracy",
        "time": f"{sum(r['seconds'] for r in results) / 3600:.2f} hours of training, one thread a job",
        "versions": f"Python {platform.python_version()}, {packages}",
        "hardware": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-size:14px}td,th{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:left}
dt{font-weight:600}dd{margin:0 0 .4rem}.wide{overflow-x:auto}code{font-size:14px}
"""


def _page(name: str, facts: dict[str, str], tables: dict, method: str, figures: list[go.Figure]) -> str:
    """The report as one HTML file that needs nothing else."""
    escape = html.escape
    facts_html = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())

    def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
        cells = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        return (
            f'<div class="wide"><table><tr>{"".join(f"<th>{escape(h)}</th>" for h in head)}</tr>{cells}</table></div>'
        )

    drawn = "".join(
        figure.to_html(full_html=False, include_plotlyjs=first, default_height="520px", config={"displaylogo": False})
        for figure, first in zip(figures, [True] + [False] * (len(figures) - 1), strict=True)
    )
    title = f"Is cross-attention preferable to self-attention? {escape(name)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"</head><body><h1>{title}</h1><dl>{facts_html}</dl><h2>Results</h2><p>{escape(NAMES_NOTE)}</p>{table(*tables['table'][:2])}"
        f"<h2>Cross against self</h2><p>{escape(method)}</p>{table(*tables['comparison'][:2])}{drawn}</body></html>"
    )
