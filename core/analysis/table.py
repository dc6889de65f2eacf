"""Many clips as one table: a line a clip, written as it comes, and read again to go on where it ended."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from core import LABELS, MODALITIES, MODELS, Subset, subset_name
from core.analysis.results import Analysis
from core.csv_cells import csv_text, plain_cell
from core.files import OutputError, file_digest, held_alone, write_text
from core.paths import NamedFile, escaped

COLUMNS = (
    "file", "error", "duration", "used",
    *(name for model in MODELS for name in (model, *(f"{model} {label}" for label in LABELS))),
    "text", "warnings", "missing", "language", "text in language", *(f"{model} set" for model in MODELS),
    "content", "location", "settings",
)  # fmt: skip
"""``file`` and ``error`` (a sentence, empty for a clip that was read); seconds; modalities such as "text+audio"; of
each model the label and seven probabilities, empty where it says nothing; words; sentences; what is not used and why
("video: no face was found; text: switched off"); of speech that was not understood as English the language ("Polish",
"not recognised", empty where there is no such speech) and the words in it, which no model uses; of each model the
labels that are not ruled out, the most probable first ("anger+fear", see ``core.fusion.prediction_sets``).

The last three tell whoever goes on with the table what a line belongs to: the first 16 digits of the SHA-256 of the
file's content (empty where it is to be read again in any case), likewise of its absolute path, and the settings of the
analysis ("modalities=video+audio whisper=tiny.en"). They are empty in a table with which nobody goes on."""

ADDED = (("language", "text in language"), tuple(f"{model} set" for model in MODELS))
"""What tables of earlier versions lack, the oldest all of it; they are read as if it were empty."""

BEFORE = COLUMNS[: COLUMNS.index("missing")]
"""Of tables that said nothing of content and settings."""

Row = dict[str, str]
"""A value for each of ``columns_of`` some models."""


def columns_of(models: Sequence[str] = MODELS) -> tuple[str, ...]:
    """``COLUMNS``, and behind them the same of each model that is asked beside cross and self: label, probabilities and
    what is not ruled out."""
    more = [name for name in models if name not in MODELS]
    return (
        *COLUMNS,
        *(c for name in more for c in (name, *(f"{name} {label}" for label in LABELS), f"{name} set")),
    )


def row_of(file: str, analysis: Analysis, wanted: Subset = MODALITIES) -> Row:
    """The line of a clip, judged by the modalities that are wanted and there."""
    prediction = analysis.prediction(wanted)
    row = dict.fromkeys(columns_of(analysis.models), "") | {
        "file": file,
        "duration": f"{analysis.duration:.3f}",
        "used": subset_name(prediction.used),
        "text": analysis.transcript.text,
        "warnings": " ".join(analysis.warnings),
        "missing": "; ".join(f"{modality}: {reason}" for modality, reason in analysis.absent(wanted).items()),
    }
    if other := analysis.transcript.other:
        row |= {"language": other.name or "not recognised", "text in language": other.text}
    for model, verdict in prediction.verdicts().items():
        if verdict:
            row[model] = verdict.label
            row[f"{model} set"] = "+".join(verdict.prediction_set)
            row |= {f"{model} {label}": f"{p:.6f}" for label, p in zip(LABELS, verdict.probabilities, strict=True)}
    return row


def set_of(row: Row, model: str) -> tuple[str, ...]:
    """The labels that a line says are not ruled out; none in tables of earlier versions."""
    return tuple(filter(None, row[f"{model} set"].split("+")))


def failed(file: str, sentence: str) -> Row:
    """The line of a clip that cannot be analysed."""
    return dict.fromkeys(COLUMNS, "") | {"file": file, "error": sentence}


def table_text(rows: Iterable[Row], columns: Sequence[str] = COLUMNS) -> str:
    """Header and rows as they stand in a file."""
    return csv_text([columns, *([row.get(column, "") for column in columns] for row in rows)])


def read_rows(path: Path, columns: Sequence[str] = COLUMNS) -> list[Row]:
    """The whole lines of a table; one that was cut off by a kill is left out.

    Raises:
        ValueError: it is another table.
    """
    another = f"{path} is another table: its columns are not those of this command."
    try:
        text = path.read_bytes().decode("utf-8-sig")  # a spreadsheet that saved it may have put a mark in front
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
        reader = csv.DictReader(io.StringIO(text, newline=""))
        head = tuple(reader.fieldnames or ())
        rows = [row for row in reader if None not in row and None not in row.values()]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(another) from error
    if head == BEFORE:
        raise ValueError(
            f"{path} is of an earlier version, which noted neither settings nor contents: name another table."
        )
    if head in {(";".join(columns),), ("\t".join(columns),)}:
        raise ValueError(f"{path} was saved with other separators than commas: save it with commas again.")
    lacking = [sum(ADDED[since:], ()) for since in range(len(ADDED) + 1)]
    if text and head not in {tuple(column for column in columns if column not in lacks) for lacks in lacking}:
        raise ValueError(another)
    return [{column: plain_cell(row.get(column, "")) for column in columns} for row in rows]


def content_of(path: Path) -> str:
    """What a file holds, as the column ``content``; "" if it cannot be read."""
    try:
        return file_digest(path)[:16]
    except OSError:
        return ""


class Table:
    """A table to which lines are added; see ``appending``."""

    def __init__(self, path: Path, settings: str, rows: list[Row], done: set[str], columns: Sequence[str] = COLUMNS):
        self._path, self._settings, self._rows, self._done, self._columns = path, settings, rows, done, columns
        self._names = {row["file"] for row in rows}
        self._stream: io.FileIO | None = None

    def __contains__(self, file: NamedFile) -> bool:
        """Whether its line is there, of the same settings and content."""
        return file.location in self._done

    def write(self, file: NamedFile, row: Row, content: str) -> None:
        """Adds the line of a file, whose name is made longer where the table holds another file of this name.

        Args:
            content: see ``content_of``, taken before the file was read; "" has it read again the next time.

        Raises:
            OutputError: it cannot be written; the table is as it was before.
        """
        name = self._name(file)
        self._names.add(name)
        own = {"file": name, "content": content, "location": file.location, "settings": self._settings}
        self._append(row | own)
        self._done.add(file.location)

    def begin(self) -> io.FileIO:
        """Puts the table on the disk with the lines that stay, if that was not done yet; what lines are added to.

        Raises:
            OutputError: it cannot be written.
        """
        if self._stream is None:
            write_text(self._path, table_text(self._rows, self._columns))
            self._stream = self._path.open("ab", buffering=0)
        return self._stream

    def close(self) -> None:
        """What was written is on the disk in any case."""
        if self._stream:
            self._stream.close()

    def _append(self, row: Row) -> None:
        stream = self.begin()
        text, before = csv_text([[row.get(column, "") for column in self._columns]]), stream.tell()
        line = memoryview(text.encode("utf-8", "backslashreplace"))  # as ``write_text``
        try:
            while line:
                line = line[stream.write(line) :]
        except OSError as error:
            stream.truncate(before)
            raise OutputError.of(self._path, error) from error

    def _name(self, file: NamedFile) -> str:
        name, above = file.name, file.path.parent.parts
        for count in range(len(Path(file.name).parts) - 1, len(above) + 1):
            if name not in self._names:
                break
            name = escaped(Path(*above[len(above) - count :], file.path.name).as_posix())
        return name


@contextmanager
def appending(
    path: Path, settings: str = "", files: Sequence[NamedFile] = (), columns: Sequence[str] = COLUMNS
) -> Iterator[Table]:
    """Goes on with a table or begins one; what is there is left alone until the first line or the end.

    A file whose line says another content than the file has now is not in the table, and its old line goes. The same
    content under the same name in a folder that was moved is the same file. Lines of files that are not among ``files``
    stay.

    Args:
        settings: what the lines are made with, see ``COLUMNS``.
        columns: of the models that are asked, see ``columns_of``.

    Raises:
        ValueError: it is another table, or its lines were made with other settings.
        OutputError: it cannot be written, or another process is writing it.
    """
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} cannot be written: it is not a file.")
    with held_alone(path):
        rows = read_rows(path, columns) if path.exists() else []
        for other in sorted({row["settings"] for row in rows} - {settings}):
            differs = " ".join(part for part in other.split() if part not in settings.split()) or "none noted"
            raise ValueError(f"{path} was made with other settings ({differs}; now {settings}): name another table.")
        table = Table(path, settings, *_settled(rows, files), columns)
        try:
            yield table
            table.begin()
        finally:
            table.close()


def _settled(rows: list[Row], files: Sequence[NamedFile]) -> tuple[list[Row], set[str]]:
    """The rows that stay, and the locations of the files that need not be read again."""
    at = {row["location"]: row for row in rows}
    named, moved = {file.location for file in files}, {row["file"]: row for row in rows}
    done, stale = set(), set()
    for file in tqdm(files, desc="comparing with the table", leave=False, disable=None if rows else True):
        row = at.get(file.location)
        if row is None and (row := moved.get(file.name)) and row["location"] in named:
            row = None  # another file of this command
        if row is None:
            continue
        if row["content"] and row["content"] == content_of(file.path):
            done.add(file.location)
        elif row["location"] == file.location:
            stale.add(file.location)
    return [row for row in rows if row["location"] not in stale], done
