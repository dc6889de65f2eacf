"""Many clips as one table: a line a clip, written as it comes, and read again to go on where it ended."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import LABELS, MODALITIES, Subset
from core.analysis import Analysis
from core.checkpoint import MODELS, subset_name
from core.files import write_file

COLUMNS = (
    "file", "error", "duration", "used",
    *(name for model in MODELS for name in (model, *(f"{model} {label}" for label in LABELS))),
    "text", "warnings",
)  # fmt: skip
"""``file`` and ``error`` (a sentence, empty for a clip that was read); seconds; modalities such as "text+audio"; of
each model the label and seven probabilities, empty where it says nothing; words; sentences."""

Row = dict[str, str]
"""A value for each of ``COLUMNS``."""


def row_of(file: str, analysis: Analysis, wanted: Subset = MODALITIES) -> Row:
    """The line of a clip, judged by the modalities that are wanted and there."""
    prediction = analysis.prediction(wanted)
    row = dict.fromkeys(COLUMNS, "") | {
        "file": file,
        "duration": f"{analysis.duration:.3f}",
        "used": subset_name(prediction.used),
        "text": analysis.transcript.text,
        "warnings": " ".join(analysis.warnings),
    }
    for model, verdict in prediction.verdicts().items():
        if verdict:
            row[model] = verdict.label
            row |= {f"{model} {label}": f"{p:.6f}" for label, p in zip(LABELS, verdict.probabilities, strict=True)}
    return row


def failed(file: str, sentence: str) -> Row:
    """The line of a clip that cannot be analysed."""
    return dict.fromkeys(COLUMNS, "") | {"file": file, "error": sentence}


def write_rows(stream, rows: list[Row]) -> None:
    """Header and rows."""
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def read_rows(path: Path) -> list[Row]:
    """The whole lines of a table; one that was cut off by a kill is left out.

    Raises:
        ValueError: it is another table.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        text = stream.read()
    reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
    if text and tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(f"{path} is another table: its columns are not those of this command.")
    return [row for row in reader if None not in row and None not in row.values()]


@contextmanager
def appending(path: Path) -> Iterator[tuple[set[str], csv.DictWriter]]:
    """Goes on with a table or begins one: which files it holds already, and what writes further rows to the disk.

    Raises:
        ValueError: it is another table.
    """
    rows = read_rows(path) if path.exists() else []

    def write(partial: Path) -> None:
        with partial.open("w", newline="", encoding="utf-8") as stream:
            write_rows(stream, rows)

    write_file(path, write)  # without a line that was cut off
    with path.open("a", newline="", encoding="utf-8", buffering=1) as stream:
        yield {row["file"] for row in rows}, csv.DictWriter(stream, COLUMNS, lineterminator="\n")
