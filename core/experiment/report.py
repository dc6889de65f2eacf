"""The report of the experiment: what was run, the paper's table beside ours, as Markdown, LaTeX, CSV and JSON."""

import os
import platform
import shlex
import sys
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from core.device import processor
from core.experiment.control_tables import (
    attention_table,
    class_table,
    control_table,
    damage_table,
    gate_table,
    head_table,
    incongruent_table,
    result_sentence,
)  # fmt: skip
from core.experiment.folds import Corpus
from core.experiment.protocol import Settings
from core.experiment.tables import (
    COMPARISON_HEAD,
    RESULT_HEAD,
    Comparison,
    Line,
    Table,
    comparison_rows,
    comparisons_of,
    control_comparisons,
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
    "votes, folds pooled; Holm: corrected over the sets of modalities. P: Bayesian correlated t-test (Corani and "
    "Benavoli), the probabilities that self is better by more than {margin:g} points, that they are within them, and "
    "that cross is better by more. Smallest difference: what four in five such experiments would show. The conclusion "
    "uses the corrected t-test after Holm, and TOST, at 5 %."
)
CONTROLS_NOTE = (
    "Each control differs from what it is compared with in one thing, and has about as many parameters. No attention: "
    "every query gets the plain mean of its values. Time shuffled or rotated: the steps of each modality in random "
    "order, or cut at random and the end put first, in training and test; attention itself does not know the order of "
    "its keys, the encoders' states do. Late fusion: a classifier a modality, their probabilities averaged. Late "
    "concatenation: means over time side by side. Early concatenation: the modalities side by side on one time axis, "
    "with one encoder and one attention block. Tokens: cross-attention through a few learned tokens (after Nagrani et "
    "al. 2021). Gated: each cross-attended stream is mixed with the self-attended one by a learned share. Wider: "
    "self-attention with as many parameters as cross. Trained with gaps: half of the training utterances lack one "
    "modality."
)
DAMAGE_NOTE = (
    "The same damage for every model of a fold. Of another class: one modality is taken from an utterance of another "
    "class. Without: the modality is absent from the test set; a dash where the model then says nothing. Noise: "
    "normal, in standard deviations of each feature over the training part."
)
ATTENTION_NOTE = (
    "On held-out utterances. A moment is a sixth of a modality; its worth is by how much the probability of the "
    "verdict falls when it is left out (points). Deletion: mean probability of the verdict while moments are left out, "
    "those first that come first in the order (low: the order finds what matters); insertion: while they are shown "
    "(high). Leave one out: by the moments' own worth. Rank correlation: Spearman's, of attention received and worth. "
    "Against: percent of utterances whose most looked-at moment, and of any moments, was worth less than nothing."
)


@dataclass(frozen=True)
class Section:
    """A part of the report: a heading, a paragraph, and the names of its tables."""

    title: str
    text: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything a report says, before it is written.

    Attributes:
        facts: what was run, with what and where.
        method: one paragraph on the statistics.
        sentence: the result as one sentence; "" where cross and self were not both run.
        tables: by name: "table" of results, "comparison" of cross against self, "classes"; with controls more.
        sections: the tables in their order.
    """

    corpus: Corpus
    results: list[dict]
    lines: list[Line]
    comparisons: list[Comparison]
    facts: dict[str, str]
    method: str
    tables: dict[str, Table]
    sections: tuple[Section, ...] = ()
    sentence: str = ""

    @property
    def title(self) -> str:
        """Of the report."""
        return f"Is cross-attention preferable to self-attention? {self.corpus.name}"


def make_report(results: list[dict], corpus: Corpus, settings: Settings, margin: float) -> Report:
    """The report on job results; ``margin`` in (0, 1) is the largest difference taken for equivalent."""
    lines, comparisons = lines_of(results), comparisons_of(results, len(corpus.classes), margin)
    controls = control_comparisons(results, len(corpus.classes), margin)
    name, method = corpus.name, METHOD_NOTE.format(margin=100 * margin)
    tables = {
        "table": Table(RESULT_HEAD, result_rows(lines), f"Results on {name}, percent."),
        "comparison": Table(COMPARISON_HEAD, comparison_rows(comparisons), f"Cross less self on {name}."),
        "classes": class_table(results, corpus.classes, name),
    }
    if controls:
        tables["controls"] = control_table(controls, name)
    if any("gates" in r for r in results):
        tables["gates"] = gate_table(results, name)
    if any("damage" in r for r in results):
        tables |= {"damage": damage_table(results, name), "incongruent": incongruent_table(results, name)}
    if any("attention" in r for r in results):
        tables |= {"attention": attention_table(results, name), "heads": head_table(results, name)}
    sentence = result_sentence(comparisons, name)
    sections = (
        Section("Results", NAMES_NOTE, ("table",)),
        Section("Cross against self", method, ("comparison", "classes")),
        Section("Controls", CONTROLS_NOTE, ("controls", "gates")),
        Section("Incongruent and damaged", DAMAGE_NOTE, ("incongruent", "damage")),
        Section("Does attention tell the truth?", ATTENTION_NOTE, ("attention", "heads")),
    )
    kept = [replace(s, tables=tuple(t for t in s.tables if t in tables and tables[t].rows)) for s in sections]
    facts = _facts(results, corpus, settings)
    return Report(
        corpus, results, lines, comparisons, facts, method, tables, tuple(s for s in kept if s.tables), sentence
    )  # fmt: skip


def write_report(report: Report, settings: Settings, folder: Path) -> str:
    """Writes ``report.md``, each table as ``NAME.{md,tex,csv}``, and ``results.json``.

    Returns:
        The report as Markdown.
    """
    for name, table in report.tables.items():
        write_text(folder / f"{name}.md", to_markdown(table.head, table.rows))
        write_text(folder / f"{name}.csv", to_csv(table.head, table.rows))
        write_text(folder / f"{name}.tex", to_latex(table.head, table.rows, table.caption))
    parts = [f"# {report.title}", ""]
    if report.sentence:
        parts += [report.sentence, ""]
    parts += [*(f"- {name}: {value}" for name, value in report.facts.items()), ""]
    for section in report.sections:
        parts += [f"## {section.title}", "", section.text, ""]
        parts += [to_markdown(report.tables[name].head, report.tables[name].rows) for name in section.tables]
    text = "\n".join(parts)
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
