"""Benchmarks kept as JSON, one a commit and device, and what got worse from one to another."""

import json
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
WORSE = 0.1  # share by which a figure must differ; less is chance
MORE_IS_BETTER = ("verdicts a second",)
NO_COST = ("length (s)", "clip (s)", "pairs")  # describe what was measured
ONE_MACHINE = ("processor", "cores", "device")  # times of two machines say nothing of the code


def record(found: dict, folder: Path = FOLDER) -> Path:
    """Writes what was measured under the commit that it was measured with; an earlier record of it is replaced."""
    facts = found["machine"]
    name = facts["commit"] + ("" if facts["device"] == "cpu" else f"-{facts['device']}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return path


def compare(old: dict, new: dict) -> tuple[list[str], list[str]]:
    """All figures that two benchmarks have in common, a line each, and the names of those that got worse.

    Where the machines differ, ratios count alone.
    """
    same = all(old["machine"].get(name) == new["machine"].get(name) for name in ONE_MACHINE)
    before, after = _figures(old), _figures(new)
    lines, worse = [], []
    for name in before.keys() & after.keys():
        counts = (same or "ratio" in name) and before[name] > 0
        if not counts:
            continue
        change = after[name] / before[name] - 1
        got_worse = (-change if name.endswith(MORE_IS_BETTER) else change) > WORSE
        lines.append(f"{name}: {before[name]:.3g} -> {after[name]:.3g} ({change:+.0%}){', worse' * got_worse}")
        if got_worse:
            worse.append(name)
    if not same:
        lines.append("the machines differ: only ratios were compared")
    return sorted(lines), sorted(worse)


def _figures(found: dict) -> dict[str, float]:
    """Every number of a benchmark under its part, length of clip and name."""
    figures = {}
    for part, rows in found.items():
        if part == "machine":
            continue
        for row in rows:
            length = f" of {row['length (s)']:g} s" if "length (s)" in row else ""
            for name, value in flat(row):
                if isinstance(value, int | float) and name not in NO_COST:
                    figures[f"{part}{length}: {name}"] = float(value)
    return figures


def flat(row: dict, before: str = "") -> Iterator[tuple[str, float | str]]:
    """(name, value) of a part's figures, those of stages behind the name of what was measured of them."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}, ")
        else:
            yield before + name, value
