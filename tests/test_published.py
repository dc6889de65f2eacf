"""Sentences and documents give the numbers of the committed report, not numbers of their own."""

import csv
import re
import shutil
from pathlib import Path

import pytest

from core.experiment.published import REPORT, read_comparison
from core.experiment.tables import COMPARISON_HEAD, to_csv
from demo import wording
from demo.tabs import tour

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
SETS = {
    "A+V": "voice + face",
    "A+T": "voice + words",
    "V+T": "face + words",
    "A+V+T": "all three",
    "A+V+T, noSP": "all three, no statistical pooling",
}


def rows_of(name: str) -> list[dict[str, str]]:
    with (REPORT / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rounded(number: str) -> str:
    return f"{float(number):+.1f}".replace("-", "−")


def test_the_tour_says_what_the_report_found():
    (row,) = [r for r in rows_of("comparison.csv") if (r["modalities"], r["metric"]) == ("A+V+T", "balanced accuracy")]
    low, high = row["95 % interval"].strip("[]").split(", ")
    shown = re.sub(r"\s+", " ", tour.markup())
    assert f"cross minus self is {rounded(row['cross - self, points'])} points of balanced accuracy" in shown
    assert f"95 % interval {rounded(low)} to {rounded(high)}. {row['conclusion'].capitalize()}: neither" in shown
    report = (REPORT / "report.md").read_text("utf-8")
    found = read_comparison()
    assert f": {found.folds} folds x {found.seeds} seeds x 14 configurations" in report
    assert "five folds and three seeds" in shown


def test_another_report_changes_the_sentence_and_none_leaves_no_number(tmp_path):
    assert re.search(r"\d", wording.our_answer(read_comparison(tmp_path))) is None
    shutil.copy(REPORT / "comparison.csv", tmp_path)
    assert read_comparison(tmp_path) is None, "the runs are told by report.md"
    (tmp_path / "report.md").write_text("# x\n\n- runs: 80: 2 folds x 40 seeds x 1 configurations\n", "utf-8")
    row = dict.fromkeys(COMPARISON_HEAD, "-") | {
        "modalities": "A+V+T", "metric": "balanced accuracy", "cross - self, points": "-3.21",
        "95 % interval": "[-4.00, -2.36]", "conclusion": "self is better",
    }  # fmt: skip
    (tmp_path / "comparison.csv").write_text(to_csv(COMPARISON_HEAD, [tuple(row.values())]), "utf-8")
    said = wording.our_answer(read_comparison(tmp_path))
    assert "two folds and 40 seeds" in said and "is −3.2 points" in said and "−4.0 to −2.4. In short: self is" in said
    assert read_comparison(tmp_path, modalities="A+V") is None


@pytest.mark.parametrize("modalities", SETS)
def test_the_table_of_the_readme_is_the_reports(modalities):
    (row,) = [
        r for r in rows_of("comparison.csv") if (r["modalities"], r["metric"]) == (modalities, "balanced accuracy")
    ]
    results = {r["attention"]: r for r in rows_of("table.csv") if r["modalities"] == modalities}
    low, high = row["95 % interval"].strip("[]").split(", ")
    cells = [
        SETS[modalities],
        *(results[attention]["balanced accuracy (paper: W.Acc)"] for attention in ("cross", "self")),
    ]
    assert f"| {' | '.join(cells)} |" in README
    (line,) = [line for line in README.splitlines() if line.startswith(f"| {' | '.join(cells)} |")]
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"[+−]\d+\.\d", line)]
    for shown, exact in zip(numbers, (row["cross - self, points"], low, high), strict=True):
        assert shown == pytest.approx(float(exact), abs=0.0501)
    p, equivalent = map(float, [cell.strip() for cell in line.split("|")][-3:-1])
    assert p == pytest.approx(float(row["p"]), abs=0.00501)
    assert equivalent == pytest.approx(float(row["p (TOST)"]), abs=0.00501)
