"""The paper's table beside ours, and the comparison of cross against self: pure functions of job results."""

from dataclasses import dataclass, field, replace

import numpy as np

from core.csv_cells import csv_text
from core.experiment.configurations import CONFIGURATIONS, CONTROLS, EVERY_CONFIGURATION
from core.experiment.significance import (
    McNemar,
    PairedTest,
    Posterior,
    bayesian_t_test,
    corrected_t_test,
    equivalence_p,
    holm,
    mcnemar,
    smallest_detectable,
    vote,
    wilcoxon_p,
)  # fmt: skip
from core.metrics import classification_metrics

METRICS = {"accuracy": "accuracy (paper: UW.Acc)", "balanced_accuracy": "balanced accuracy (paper: W.Acc)"}
"""Result field -> what it is called. The paper's names say the opposite of what they usually mean."""

# Configuration -> balanced accuracy ("W.Acc"), accuracy ("UW.Acc") of the paper's table, percent: (mean, std or None).
PAPER: dict[str, dict[str, tuple[float, float | None]]] = {
    name: {"balanced_accuracy": balanced, "accuracy": accuracy}
    for name, balanced, accuracy in (
        ("a-self", (36.5, None), (45.2, None)),
        ("v-self", (45.4, None), (51.3, None)),
        ("t-self", (47.4, None), (53.5, None)),
        ("av-self", (48.3, None), (56.7, None)),
        ("av-cross", (48.1, None), (56.6, None)),
        ("at-self", (51.8, None), (57.4, None)),
        ("at-cross", (50.1, None), (56.2, None)),
        ("vt-self", (56.3, None), (61.4, None)),
        ("vt-cross", (56.7, None), (61.7, None)),
        ("avt-self", (58.7, 2.2), (64.2, 1.9)),
        ("avt-cross", (57.8, 2.4), (63.6, 1.2)),
        ("avt-self-nosp", (58.4, 2.1), (63.8, 1.9)),
        ("avt-cross-nosp", (57.0, 2.1), (63.4, 1.5)),
        ("avt-both", (58.5, 2.8), (64.2, 2.0)),
    )
}

ATTENTION = {"self": "self", "cross": "cross", "both": "cross + self", "together": "one sequence"}


def describe(configuration: str) -> tuple[str, str]:
    """``avt-cross-nosp`` -> ("A+V+T, noSP", "cross")."""
    described = EVERY_CONFIGURATION[configuration]
    modalities = "+".join(configuration.split("-")[0].upper())
    return modalities + (f", {described.said}" if described.said else ""), ATTENTION[described.attention]


@dataclass(frozen=True)
class Table:
    """Cells as they are printed: ``head`` and ``rows`` of as many columns."""

    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    caption: str


@dataclass(frozen=True)
class Line:
    """One configuration's results: scores [folds, seeds] of each metric in [0, 1], NaN where a job is missing.

    Attributes:
        parameters: numbers that the model learns; None where the results do not say.
        calibration_error: mean expected calibration error of the jobs, in [0, 1]; None likewise.
    """

    configuration: str
    scores: dict[str, np.ndarray]
    parameters: int | None = None
    calibration_error: float | None = None

    @property
    def count(self) -> int:
        """Jobs that were run."""
        return int((~np.isnan(self.scores["accuracy"])).sum())

    def percent(self, metric: str) -> tuple[float, float]:
        """Mean and unbiased standard deviation over folds x seeds, as the paper prints them; 0 for a single job."""
        values = self.scores[metric][~np.isnan(self.scores[metric])] * 100
        return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0


@dataclass(frozen=True)
class Comparison:
    """Cross against self on one set of modalities; differences are cross less self, in [-1, 1].

    A control is compared with what it is a control of in the same way; it then stands in the place of cross.

    Attributes:
        modalities: such as "A+V+T" or "A+V+T, noSP".
        names: of the two that are compared, "cross" and "self".
        folds: how many there are.
        smallest: metric -> see ``smallest_detectable``; posterior: metric -> see ``bayesian_t_test``.
        tests: metric -> corrected resampled t-test; None with fewer than two folds.
        adjusted: metric -> its p-value after Holm's correction over the sets.
        equivalence: metric -> TOST p-value at the margin.
        wilcoxon: metric -> p-value over fold x seed pairs.
        mcnemar: on the votes of the seeds, all folds pooled; first is cross.
        mcnemar_adjusted: its p-value after Holm's correction.
    """

    modalities: str
    tests: dict[str, PairedTest | None]
    adjusted: dict[str, float | None]
    equivalence: dict[str, float | None]
    wilcoxon: dict[str, float]
    mcnemar: McNemar
    mcnemar_adjusted: float
    margin: float
    names: tuple[str, str] = ("cross", "self")
    folds: int = 1
    smallest: dict[str, float | None] = field(default_factory=dict)
    posterior: dict[str, Posterior | None] = field(default_factory=dict)

    def verdict(self, metric: str, level: float = 0.05) -> str:
        """What may be concluded at this level."""
        test, adjusted, equivalence = self.tests[metric], self.adjusted[metric], self.equivalence[metric]
        if test is None or adjusted is None or equivalence is None:
            return "one fold: no inference"
        different = adjusted < level
        better = f"{self.names[test.difference < 0]} is better" if different else ""
        equivalent = f"equivalent within {100 * self.margin:g} points" if equivalence < level else ""
        return " but ".join(filter(None, (better, equivalent))) or "undecided"


def lines_of(results: list[dict]) -> list[Line]:
    """Results of jobs, by configuration in the order in which they first occur."""
    folds, seeds = (1 + max(r[key] for r in results) for key in ("fold", "seed"))
    lines = []
    for name in dict.fromkeys(r["configuration"] for r in results):
        scores = {metric: np.full((folds, seeds), np.nan) for metric in METRICS}
        for result in results:
            if result["configuration"] == name:
                for metric in METRICS:
                    scores[metric][result["fold"], result["seed"]] = result[metric]
        runs = [r for r in results if r["configuration"] == name]
        errors = [r["calibration_error"] for r in runs if "calibration_error" in r]
        lines.append(Line(name, scores, runs[0].get("parameters"), float(np.mean(errors)) if errors else None))
    return lines


def comparisons_of(results: list[dict], classes: int, margin: float = 0.02) -> list[Comparison]:
    """Compares cross with self wherever the paper does and both were run; ``margin`` is the largest difference that
    does not matter."""
    ran = {r["configuration"] for r in results}
    named = [(name.replace("-self", "-cross"), name) for name in CONFIGURATIONS if "-self" in name and name in ran]
    pairs = [(cross, self_, describe(self_)[0], ("cross", "self")) for cross, self_ in named if cross in ran]
    return _comparisons(results, pairs, classes, margin)


def control_comparisons(results: list[dict], classes: int, margin: float = 0.02) -> list[Comparison]:
    """Compares each control with what it is a control of, and cross with self under the same control."""
    ran = dict.fromkeys(r["configuration"] for r in results)
    pairs = []
    for name in ran:
        if (against := EVERY_CONFIGURATION[name].against) in ran:
            (said, attention), plain = describe(name), describe(against)[1]
            pairs.append((name, against, f"{said}: {attention}", ("the control", f"plain {plain}")))
        other = name.replace("-self", "-cross")
        if name in CONTROLS and other != name and other in ran:
            pairs.append((other, name, f"{describe(name)[0]}: cross less self", ("cross", "self")))
    return _comparisons(results, pairs, classes, margin)


def _comparisons(
    results: list[dict], pairs: list[tuple[str, str, str, tuple[str, str]]], classes: int, margin: float
) -> list[Comparison]:
    """Of (first, second, what is said of them, their names) each; corrected for each other."""
    lines = {line.configuration: line for line in lines_of(results)}
    drafts: list[Comparison] = []
    for first, second, said, names in pairs:
        both = [r for r in results if r["configuration"] in (first, second)]
        share = float(np.mean([r["n_test"] / r["n_train"] for r in both]))
        differences = {m: lines[first].scores[m] - lines[second].scores[m] for m in METRICS}
        tests = {m: corrected_t_test(differences[m], share) for m in METRICS}
        drafts.append(
            Comparison(
                modalities=said,
                tests=tests,
                adjusted={},
                equivalence={m: equivalence_p(test, margin) if test else None for m, test in tests.items()},
                wilcoxon={m: wilcoxon_p(differences[m]) for m in METRICS},
                mcnemar=mcnemar(*_pooled(results, second, first, classes)),
                mcnemar_adjusted=np.nan,
                margin=margin,
                names=names,
                folds=len({r["fold"] for r in both}),
                smallest={m: smallest_detectable(test) if test else None for m, test in tests.items()},
                posterior={m: bayesian_t_test(test, margin) if test else None for m, test in tests.items()},
            )
        )
    corrected = {m: _holm_of_tests([draft.tests[m] for draft in drafts]) for m in METRICS}
    corrected_mcnemar = holm([draft.mcnemar.p for draft in drafts])
    return [
        replace(draft, adjusted={m: corrected[m][i] for m in METRICS}, mcnemar_adjusted=corrected_mcnemar[i])
        for i, draft in enumerate(drafts)
    ]


def _holm_of_tests(tests: list[PairedTest | None]) -> list[float | None]:
    """p-values after Holm's correction over the tests that there are; None where there is none."""
    adjusted = iter(holm([test.p for test in tests if test]))
    return [next(adjusted) if test else None for test in tests]


def _pooled(results: list[dict], self_: str, cross: str, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, votes of cross and votes of self over the test parts of all folds that both have."""
    truth: list[np.ndarray] = []
    votes: dict[str, list[np.ndarray]] = {cross: [], self_: []}
    for fold in sorted({r["fold"] for r in results}):
        of = {name: [r for r in results if r["configuration"] == name and r["fold"] == fold] for name in votes}
        if all(of.values()):
            truth.append(np.array(of[cross][0]["truth"]))
            for name, runs in of.items():
                votes[name].append(vote(np.array([r["predicted"] for r in runs]), classes))
    return np.concatenate(truth), np.concatenate(votes[cross]), np.concatenate(votes[self_])


def pooled_metrics(results: list[dict], classes: tuple[str, ...]) -> dict[str, dict]:
    """Configuration -> metrics of all its test predictions together (every fold and seed)."""
    pooled = {}
    for name in dict.fromkeys(r["configuration"] for r in results):
        runs = [r for r in results if r["configuration"] == name]
        truth, predicted = (np.concatenate([r[key] for r in runs]) for key in ("truth", "predicted"))
        pooled[name] = classification_metrics(truth, predicted, classes)
    return pooled


RESULT_HEAD = (
    "modalities", "attention", "runs",
    "balanced accuracy (paper: W.Acc)", "paper", "accuracy (paper: UW.Acc)", "paper", "calibration error", "parameters",
)  # fmt: skip


def result_rows(lines: list[Line]) -> list[tuple[str, ...]]:
    """The table of results: ours and the paper's, percent, mean ± std over folds x seeds."""
    rows = []
    for line in lines:
        row = [*describe(line.configuration), str(line.count)]
        for metric in ("balanced_accuracy", "accuracy"):
            mean, std = line.percent(metric)
            row.append(f"{mean:.1f} ± {std:.1f}")
            if line.configuration in PAPER:
                paper, paper_std = PAPER[line.configuration][metric]
                row.append(f"{paper:.1f}" + (f" ± {paper_std:.1f}" if paper_std else ""))
            else:
                row.append("-")
        row.append("-" if line.calibration_error is None else f"{100 * line.calibration_error:.1f}")
        row.append("-" if line.parameters is None else str(line.parameters))
        rows.append(tuple(row))
    return rows


COMPARISON_HEAD = (
    "modalities", "metric", "cross - self, points", "95 % interval", "p", "p (Holm)", "d_z [95 %]",
    "p (TOST)", "P(self) / P(same) / P(cross)", "smallest difference, points", "p (Wilcoxon)", "p (McNemar)",
    "p (McNemar, Holm)", "conclusion",
)  # fmt: skip


def comparison_rows(comparisons: list[Comparison]) -> list[tuple[str, ...]]:
    """The table of comparisons, one row a set of modalities and metric; McNemar is about accuracy only."""
    rows = []
    for comparison in comparisons:
        for metric in ("balanced_accuracy", "accuracy"):
            test = comparison.tests[metric]
            row = [comparison.modalities, metric.replace("_", " ")]
            if test:
                low, high = (100 * bound for bound in test.interval)
                effect = f"{test.effect:.2f} [{test.effect_interval[0]:.2f}, {test.effect_interval[1]:.2f}]"
                row += [f"{100 * test.difference:+.2f}", f"[{low:+.2f}, {high:+.2f}]", _p(test.p)]
                row += [_p(comparison.adjusted[metric]), effect, _p(comparison.equivalence[metric])]
                posterior, smallest = comparison.posterior[metric], comparison.smallest[metric]
                assert posterior is not None and smallest is not None
                row.append(f"{posterior.below:.2f} / {posterior.within:.2f} / {posterior.above:.2f}")
                row.append(f"{100 * smallest:.1f}")
            else:
                row += ["-"] * 8
            row.append(_p(comparison.wilcoxon[metric]))
            plain = metric == "accuracy"
            row += [_p(comparison.mcnemar.p), _p(comparison.mcnemar_adjusted)] if plain else ["-", "-"]
            rows.append((*row, comparison.verdict(metric)))
    return rows


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def to_markdown(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A GitHub table."""
    table = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(row) + " |\n" for row in table)


def to_csv(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Comma-separated values, see ``csv_cells``."""
    return csv_text([head, *rows])


LATEX = {"±": r"$\pm$", "%": r"\%", "_": r"\_", "<": "$<$", "&": r"\&"}


def to_latex(head: tuple[str, ...], rows: list[tuple[str, ...]], caption: str) -> str:
    """A table for LaTeX with the package booktabs."""

    def line(cells: tuple[str, ...]) -> str:
        return " & ".join("".join(LATEX.get(c, c) for c in cell) for cell in cells) + r" \\"

    return "\n".join(
        [
            r"\begin{table}", r"\centering", rf"\caption{{{''.join(LATEX.get(c, c) for c in caption)}}}",
            rf"\begin{{tabular}}{{{'l' * len(head)}}}", r"\toprule", line(head), r"\midrule",
            *map(line, rows), r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
        ]
    )  # fmt: skip
