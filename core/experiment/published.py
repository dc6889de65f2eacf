"""What the committed report on the experiment found, read from its files, so that no sentence repeats a number by hand.

Imports nothing heavy: whoever only says the result needs no model.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

REPORT = Path(__file__).parents[2] / "docs" / "composed"  # written by scripts/paper.py
_RUNS = re.compile(r"^- runs: \d+: (\d+) folds x (\d+) seeds", re.MULTILINE)
_INTERVAL = re.compile(r"\[([+-][\d.]+), ([+-][\d.]+)\]")


@dataclass(frozen=True)
class PublishedComparison:
    """Cross less self on one set of modalities.

    Attributes:
        difference, low, high: in percentage points, with the bounds of the 95 % interval.
        conclusion: as ``core.experiment.tables.Comparison.verdict`` says it, such as "undecided".
    """

    folds: int
    seeds: int
    difference: float
    low: float
    high: float
    conclusion: str


def read_comparison(
    folder: Path = REPORT, modalities: str = "A+V+T", metric: str = "balanced accuracy"
) -> PublishedComparison | None:
    """A row of ``comparison.csv`` with what ``report.md`` says of the runs; None without such files or such a row."""
    try:
        with (folder / "comparison.csv").open(encoding="utf-8", newline="") as file:
            rows = {(row["modalities"], row["metric"]): row for row in csv.DictReader(file)}
        row = rows[modalities, metric]
        runs, interval = _RUNS.search((folder / "report.md").read_text("utf-8")), _INTERVAL.search(row["95 % interval"])
        if runs is None or interval is None:
            return None
        difference = float(row["cross - self, points"])
        return PublishedComparison(
            int(runs[1]), int(runs[2]), difference, float(interval[1]), float(interval[2]), row["conclusion"]
        )
    except (OSError, KeyError, ValueError):
        return None
