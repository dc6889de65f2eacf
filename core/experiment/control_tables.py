"""Tables of the controls, of damaged test sets and of what attention was worth, and the sentence of result.

Pure functions of job results; what a job did not measure is a dash.
"""

from collections.abc import Iterable

import numpy as np

from core.experiment.configurations import CONFIGURATIONS
from core.experiment.faithfulness import ORDERS
from core.experiment.significance import corrected_t_test, holm
from core.experiment.tables import COMPARISON_HEAD, Comparison, Table, comparison_rows, describe

SENSES = {"text": "words", "video": "face", "audio": "voice", "all": "all"}

CONCLUSIONS = {"undecided": "neither a difference nor equivalence is shown"}


def result_sentence(comparisons: list[Comparison], corpus: str) -> str:
    """What was found on the largest set of modalities, as one sentence; "" where cross and self were not both run."""
    plain = [c for c in comparisons if "," not in c.modalities]
    if not plain:
        return ""
    found = max(plain, key=lambda c: len(c.modalities))
    metric = "balanced_accuracy"
    test, posterior, smallest = found.tests[metric], found.posterior[metric], found.smallest[metric]
    if test is None or posterior is None or smallest is None:
        return f"On {corpus} ({found.modalities}) there is one fold, which allows no inference."
    low, high = (100 * bound for bound in test.interval)
    conclusion = found.verdict(metric)
    return (
        f"On {corpus} ({found.modalities}, {found.folds} folds), cross-attention less self-attention is "
        f"{100 * test.difference:+.1f} points of balanced accuracy, 95 % interval {low:+.1f} to {high:+.1f}: "
        f"{CONCLUSIONS.get(conclusion, conclusion)}; the probability that the two are within {100 * found.margin:g} "
        f"points of each other is {posterior.within:.2f}, and the smallest true difference that four in five such "
        f"experiments would show is {100 * smallest:.1f} points."
    )


def class_table(results: list[dict], classes: tuple[str, ...], corpus: str) -> Table:
    """Recall of each class, cross less self, wherever the paper compares the two; Holm over the classes of a set."""
    rows: list[tuple[str, ...]] = []
    ran = {r["configuration"] for r in results}
    for self_ in (name for name in CONFIGURATIONS if "-self" in name and name in ran):
        cross = self_.replace("-self", "-cross")
        if cross not in ran or cross == self_:
            continue
        both = [r for r in results if r["configuration"] in (self_, cross)]
        share = float(np.mean([r["n_test"] / r["n_train"] for r in both]))
        differences = _recalls(results, cross, len(classes)) - _recalls(results, self_, len(classes))
        with_any = [c for c in range(len(classes)) if not np.isnan(differences[c]).all()]
        tests = {c: test for c in with_any if (test := corrected_t_test(differences[c], share))}
        adjusted = dict(zip(tests, holm([test.p for test in tests.values()]), strict=True))
        for c, test in tests.items():
            low, high = (100 * bound for bound in test.interval)
            said = f"{100 * test.difference:+.1f}", f"[{low:+.1f}, {high:+.1f}]", f"{test.p:.3f}", f"{adjusted[c]:.3f}"
            rows.append((describe(self_)[0], classes[c], *said))
    head = ("modalities", "class", "recall, cross - self, points", "95 % interval", "p", "p (Holm)")
    return Table(head, rows, f"Recall of each class on {corpus}, cross less self.")


def _recalls(results: list[dict], name: str, classes: int) -> np.ndarray:
    """[classes, folds, seeds], NaN where a job or the class is missing."""
    folds, seeds = (1 + max(r[key] for r in results) for key in ("fold", "seed"))
    found = np.full((classes, folds, seeds), np.nan)
    for result in results:
        if result["configuration"] == name:
            truth, predicted = np.array(result["truth"]), np.array(result["predicted"])
            for c in np.unique(truth):
                found[c, result["fold"], result["seed"]] = (predicted[truth == c] == c).mean()
    return found


def control_table(comparisons: list[Comparison], corpus: str) -> Table:
    """Each control against what it is a control of."""
    renamed = {"modalities": "compared", "cross - self, points": "difference, points"}
    renamed["P(self) / P(same) / P(cross)"] = "P(worse) / P(same) / P(better)"
    head = tuple(renamed.get(name, name) for name in COMPARISON_HEAD)
    return Table(head, comparison_rows(comparisons), f"Controls on {corpus}, each less what it is a control of.")


def damage_table(results: list[dict], corpus: str) -> Table:
    """Balanced accuracy of each model without a modality and with noise, percent."""
    asked = [r for r in results if "damage" in r]
    senses = [m for m in ("text", "video", "audio") if any(m in r["damage"]["noise"] for r in asked)]
    levels = asked[0]["damage"]["levels"][1:]
    head = ("modalities", "attention", "as it is", *(f"without {SENSES[m]}" for m in senses))
    head += tuple(f"noise {level:g} on {SENSES[m]}" for m in (*senses, "all") for level in levels)
    rows = []
    for name, runs in _by_configuration(asked):
        damage = [r["damage"] for r in runs]
        row = [*describe(name), _percent(d["noise"]["all"][0] for d in damage)]
        row += [_percent(d["missing"].get(m) for d in damage) for m in senses]
        for m in (*senses, "all"):
            row += [_percent(d["noise"].get(m, [None] * 9)[i] for d in damage) for i in range(1, 1 + len(levels))]
        rows.append(tuple(row))
    return Table(head, rows, f"Balanced accuracy on damaged test sets of {corpus}, percent; noise in deviations.")


def incongruent_table(results: list[dict], corpus: str) -> Table:
    """Who follows whom when one modality is of another class: shares of the verdicts, percent."""
    rows = []
    for name, runs in _by_configuration([r for r in results if r.get("damage", {}).get("incongruent")]):
        for modality in runs[0]["damage"]["incongruent"]:
            shares = [r["damage"]["incongruent"][modality] for r in runs if modality in r["damage"]["incongruent"]]
            each = [_percent(s[kind] for s in shares) for kind in ("odd", "others", "neither")]
            rows.append((*describe(name), SENSES[modality], *each))
    head = ("modalities", "attention", "of another class", "follows it", "follows the others", "neither")
    return Table(head, rows, f"One modality of another class on {corpus}: shares of the verdicts, percent.")


def attention_table(results: list[dict], corpus: str) -> Table:
    """Attention received against what each moment was worth."""
    rows = []
    for name, runs in _by_configuration([r for r in results if "attention" in r]):
        for modality in ("text", "video", "audio"):
            found = [r["attention"]["modalities"][modality] for r in runs if modality in r["attention"]["modalities"]]
            if not found:
                continue
            areas = [
                _number(100 * np.mean([f[kind][order][1:] for f in found]), 1)
                for kind in ("deletion", "insertion")
                for order in ORDERS
            ]
            correlations = [f["rank_correlation"] for f in found if f["rank_correlation"] is not None]
            row = [*describe(name), SENSES[modality], *areas]
            row.append(_number(float(np.mean(correlations)), 2) if correlations else "-")
            row += [_percent(f[key] for f in found) for key in ("against", "against_any")]
            row += [_number(100 * np.mean([f[key] for f in found]), 2) for key in ("worth_of_top", "worth_of_all")]
            rows.append(tuple(row))
    head = (
        "modalities", "attention", "moments of",
        *(f"{kind}: {order}" for kind in ("deletion", "insertion") for order in ORDERS),
        "rank correlation", "most looked-at spoke against", "any spoke against", "worth of most looked-at",
        "worth of any",
    )  # fmt: skip
    said = "mean probability of the verdict (percent) while moments are left out or shown, by order"
    return Table(head, rows, f"What attention was worth on {corpus}: {said}.")


def head_table(results: list[dict], corpus: str) -> Table:
    """Each head of the paper's models: how even it is, and what is lost when it is made even."""
    rows = []
    asked = [r for r in results if r.get("attention", {}).get("heads") and r["configuration"] in CONFIGURATIONS]
    for name, runs in _by_configuration(asked):
        for pair, heads in runs[0]["attention"]["heads"].items():
            for head in range(len(heads)):
                each = [r["attention"]["heads"][pair][head] for r in runs]
                values = {k: [e[k] for e in each if e[k] is not None] for k in each[0]}
                entropy, loss = (np.mean(values[k]) for k in ("entropy", "loss_if_even"))
                worth = [_number(100 * np.mean(values[k]), 2) if values[k] else "-"
                         for k in ("worth_of_top", "worth_of_all")]  # fmt: skip
                rows.append((*describe(name), pair, str(head + 1), _number(entropy, 3), _number(loss, 4), *worth))
    head_ = (
        "modalities", "attention", "pair", "head", "entropy (1: even)", "loss when even", "worth of most looked-at",
        "worth of any",
    )  # fmt: skip
    return Table(head_, rows, f"Heads on {corpus}; worth in points of probability.")


def gate_table(results: list[dict], corpus: str) -> Table:
    """Mean share of cross-attention that gates let in."""
    rows: list[tuple[str, ...]] = []
    for name, runs in _by_configuration([r for r in results if r.get("gates")]):
        rows += [(*describe(name), pair, _percent(r["gates"][pair] for r in runs)) for pair in runs[0]["gates"]]
    return Table(("modalities", "attention", "pair", "cross-attended, percent"), rows, f"Gates on {corpus}.")


def _by_configuration(results: list[dict]) -> list[tuple[str, list[dict]]]:
    names = dict.fromkeys(r["configuration"] for r in results)
    return [(name, [r for r in results if r["configuration"] == name]) for name in names]


def _percent(values: Iterable[float | None]) -> str:
    """Mean, one decimal; a dash where something is undefined or there is nothing."""
    found = list(values)
    if not found or any(value is None for value in found):
        return "-"
    return f"{100 * np.mean([value for value in found if value is not None]):.1f}"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"
