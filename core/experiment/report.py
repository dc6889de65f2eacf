"""The report of the experiment: what was run, the paper's table beside ours, as Markdown, LaTeX, CSV and JSON."""

import os
import platform
import shlex
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from core.device import processor
from core.experiment.folds import Corpus
from core.experiment.protocol import Settings
from core.experiment.tables import (
    COMPARISON_HEAD,
    RESULT_HEAD,
    Comparison,
    Line,
    comparison_rows,
    comparisons_of,
    lines_of,
    result_rows,
    to_csv,
    to_latex,
    to_markdown,
)  # fmt: skip
from core.files import write_json, write_text

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


@dataclass(frozen=True)
class Table:
    """Cells as they are printed: ``head`` and ``rows`` of as many columns."""

    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    caption: str


@dataclass(frozen=True)
class Report:
    """Everything a report says, before it is written.

    Attributes:
        facts: what was run, with what and where.
        method: one paragraph on the statistics.
        tables: "table" of results and "comparison" of cross against self.
    """

    corpus: Corpus
    results: list[dict]
    lines: list[Line]
    comparisons: list[Comparison]
    facts: dict[str, str]
    method: str
    tables: dict[str, Table]

    @property
    def title(self) -> str:
        """Of the report."""
        return f"Is cross-attention preferable to self-attention? {self.corpus.name}"


def make_report(results: list[dict], corpus: Corpus, settings: Settings, margin: float) -> Report:
    """The report on job results; ``margin`` in (0, 1) is the largest difference taken for equivalent."""
    lines, comparisons = lines_of(results), comparisons_of(results, len(corpus.classes), margin)
    tables = {
        "table": Table(RESULT_HEAD, result_rows(lines), f"Results on {corpus.name}, percent."),
        "comparison": Table(COMPARISON_HEAD, comparison_rows(comparisons), f"Cross less self on {corpus.name}."),
    }
    method = METHOD_NOTE.format(margin=100 * margin)
    return Report(corpus, results, lines, comparisons, _facts(results, corpus, settings), method, tables)


def write_report(report: Report, settings: Settings, folder: Path) -> str:
    """Writes ``report.md``, ``table.{md,tex,csv}``, ``comparison.{md,tex,csv}`` and ``results.json``.

    Returns:
        The report as Markdown.
    """
    for name, table in report.tables.items():
        write_text(folder / f"{name}.md", to_markdown(table.head, table.rows))
        write_text(folder / f"{name}.csv", to_csv(table.head, table.rows))
        write_text(folder / f"{name}.tex", to_latex(table.head, table.rows, table.caption))
    results, comparison = (to_markdown(table.head, table.rows) for table in report.tables.values())
    text = "\n".join(
        [
            f"# {report.title}", "",
            *(f"- {name}: {value}" for name, value in report.facts.items()), "",
            "## Results", "", NAMES_NOTE, "", results,
            "## Cross against self", "", report.method, "", comparison,
        ]
    )  # fmt: skip
    write_text(folder / "report.md", text)
    everything = {"facts": report.facts, "settings": asdict(settings), "results": report.results}
    write_json(folder / "results.json", everything)
    return text


def _facts(results: list[dict], corpus: Corpus, settings: Settings) -> dict[str, str]:
    """What was run, with what and where."""
    folds, seeds = ({r[key] for r in results} for key in ("fold", "seed"))
    configurations = len({r["configuration"] for r in results})
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy", "scikit-learn"))
    devices = ", ".join(sorted({r["device"] for r in results}))
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
        "time": f"{sum(r['seconds'] for r in results) / 3600:.2f} hours of training, {devices}",
        "versions": f"Python {platform.python_version()}, {packages}",
        "hardware": f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
    }
