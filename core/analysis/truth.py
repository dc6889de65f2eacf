"""What clips are known to show, by their names or by a table, and how often both models say it.

Pattern and table come from anybody: neither can ask for more work than a few thousand comparisons a clip.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core import LABELS, MODELS
from core.analysis.table import Row, set_of
from core.metrics import classification_metrics

LABEL, ANYTHING = "{label}", "{anything}"
MAX_PATTERN = 100  # characters
MAX_ANYTHING = 6  # times that a pattern may hold ``ANYTHING``
MAX_TABLE_BYTES, MAX_TABLE_LINES = 1_000_000, 20_000
SPELLINGS = {
    "anger": ("anger", "angry", "ang"),
    "disgust": ("disgust", "disgusted", "dis"),
    "fear": ("fear", "fearful", "afraid", "fea"),
    "happiness": ("happiness", "happy", "joy", "hap"),
    "neutral": ("neutral", "neu"),
    "sadness": ("sadness", "sad"),
    "surprise": ("surprise", "surprised", "sur", "ps"),
}
"""Label -> what it is called in corpora; in any case of letters."""
NAME_COLUMNS = ("file", "filename", "name", "path", "clip")
LABEL_COLUMNS = ("label", "truth", "emotion", "class")

_LABEL_OF = {spelling: label for label, spellings in SPELLINGS.items() for spelling in spellings}


class TruthError(ValueError):
    """A pattern or a table cannot be used; the message is one sentence."""


def label_named(text: str) -> str | None:
    """One of ``LABELS`` by a spelling of it, None for anything else."""
    return _LABEL_OF.get(text.strip().casefold())


@dataclass(frozen=True)
class NamePattern:
    """Names of files of which one part names the label, such as "{label}_{anything}".

    Attributes:
        chunks: what lies between the places where anything may be; one of them holds ``LABEL``.
    """

    chunks: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "NamePattern":
        """The pattern that somebody wrote.

        Raises:
            TruthError: it is none.
        """
        text = text.strip().casefold()
        if len(text) > MAX_PATTERN:
            raise TruthError(f"A pattern may have {MAX_PATTERN} characters.")
        if text.count(LABEL) != 1:
            raise TruthError(f"A pattern holds {LABEL} once, where the name of a file says the label.")
        if text.count(ANYTHING) > MAX_ANYTHING:
            raise TruthError(f"A pattern may hold {ANYTHING} {MAX_ANYTHING} times.")
        if "{" in (rest := text.replace(LABEL, "").replace(ANYTHING, "")) or "}" in rest:
            raise TruthError(f"A pattern knows {LABEL} and {ANYTHING}, no other braces.")
        return cls(tuple(text.split(ANYTHING)))

    def label_of(self, name: str) -> str | None:
        """What the name of a file says, with or without its suffix; of several spellings that fit the longest counts.

        None where none fits, or two of the same length that mean different labels.
        """
        names = {name.casefold(), name.casefold().rpartition(".")[0] or name.casefold()}
        fitting = [spelling for spelling in _LABEL_OF if any(self._fits(spelling, name) for name in names)]
        longest = max(map(len, fitting), default=0)
        labels = {_LABEL_OF[spelling] for spelling in fitting if len(spelling) == longest}
        return labels.pop() if len(labels) == 1 else None

    def _fits(self, spelling: str, name: str) -> bool:
        """Whether the name is the chunks with anything between them; each is looked for once, from the left."""
        first, *between = (chunk.replace(LABEL, spelling) for chunk in self.chunks)
        if not between:
            return name == first
        *between, last = between
        if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
            return False
        at, end = len(first), len(name) - len(last)
        for chunk in between:
            found = name.find(chunk, at, end)
            if found < 0:
                return False
            at = found + len(chunk)
        return True


@dataclass(frozen=True)
class TruthTable:
    """Labels by names of files.

    Attributes:
        labels: ``_key`` of a name -> label, None where lines contradict each other.
        unknown: lines whose label is none of the seven.
    """

    labels: Mapping[str, str | None]
    unknown: int = 0

    @classmethod
    def of(cls, data: bytes) -> "TruthTable":
        """The table of a CSV file: by the columns ``file`` and ``label``, or without a head by its first two.

        Raises:
            TruthError: it is none, or too large.
        """
        if len(data) > MAX_TABLE_BYTES:
            raise TruthError(f"A table of labels may have {MAX_TABLE_BYTES // 1_000_000} MB.")
        try:
            text = data.decode("utf-8-sig")
            head = text.partition("\n")[0]
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
            lines = [line for line, _ in zip(reader, range(MAX_TABLE_LINES + 1), strict=False) if any(line)]
        except (UnicodeDecodeError, csv.Error):
            raise TruthError(
                "This is no table of labels: it should be CSV as UTF-8, a file and its label a line."
            ) from None
        if len(lines) > MAX_TABLE_LINES:
            raise TruthError(f"A table of labels may have {MAX_TABLE_LINES:,} lines.")
        columns = _columns(lines[0]) if lines else None
        name, label = columns or (0, 1)
        labels: dict[str, str | None] = {}
        unknown = 0
        for line in lines[1 if columns else 0 :]:
            if len(line) <= max(name, label) or (found := label_named(line[label])) is None:
                unknown += 1
                continue
            key = _key(line[name])
            labels[key] = found if labels.get(key, found) == found else None
        if not labels:
            raise TruthError(f"No line of this table says a file and one of {', '.join(LABELS)}.")
        return cls(labels, unknown)

    def label_of(self, name: str) -> str | None:
        """The label of a file by its name, with or without suffix; None where no line or contradicting ones say it."""
        key = _key(name)
        return self.labels.get(key, self.labels.get(key.rpartition(".")[0]))


@dataclass(frozen=True)
class Score:
    """How often one model says what is true.

    Attributes:
        n: clips of known truth of which it says anything.
        accuracy: share of these in which it is right.
        balanced_accuracy: mean recall of the classes that occur.
        covered: share in which the right label stands in the prediction set; of the clips that have one.
        set_size: mean number of labels in it; both None without sets.
        confusion: int64 [7, 7], true label by said label.
    """

    n: int
    accuracy: float
    balanced_accuracy: float
    covered: float | None
    set_size: float | None
    confusion: np.ndarray


@dataclass(frozen=True)
class Scores:
    """What a table of clips says of both models.

    Attributes:
        both: clips of which both say anything; ``agree``: in which they say the same.
        known: clips that were read and whose truth is known, of ``read``.
        models: name -> its score, None where nothing can be scored.
    """

    both: int
    agree: int
    known: int
    read: int
    models: dict[str, Score | None]


def score(rows: Sequence[Row], truth: Sequence[str | None]) -> Scores:
    """Compares the rows of a table with what is known of each, one of ``LABELS`` or None."""
    pairs = [(row, known) for row, known in zip(rows, truth, strict=True) if not row["error"]]
    said = [tuple(row[model] for model in MODELS) for row, _ in pairs]
    both = [labels for labels in said if all(labels)]
    return Scores(
        both=len(both),
        agree=sum(len(set(labels)) == 1 for labels in both),
        known=sum(known is not None for _, known in pairs),
        read=len(pairs),
        models={
            model: _score(model, [(row, known) for row, known in pairs if known and row[model]]) for model in MODELS
        },
    )


def _score(model: str, pairs: list[tuple[Row, str]]) -> Score | None:
    if not pairs:
        return None
    true = np.array([LABELS.index(known) for _, known in pairs])
    found = classification_metrics(true, np.array([LABELS.index(row[model]) for row, _ in pairs]))
    sets = [(set_of(row, model), known) for row, known in pairs]
    sets = [(labels, known) for labels, known in sets if labels]
    return Score(
        n=len(pairs),
        accuracy=found["accuracy"],
        balanced_accuracy=found["balanced_accuracy"],
        covered=float(np.mean([known in labels for labels, known in sets])) if sets else None,
        set_size=float(np.mean([len(labels) for labels, _ in sets])) if sets else None,
        confusion=np.array(found["confusion"]),
    )


def _columns(head: list[str]) -> tuple[int, int] | None:
    """Where name and label stand if this line is a head."""
    cells = [cell.strip().casefold() for cell in head]
    names = [cells.index(cell) for cell in NAME_COLUMNS if cell in cells]
    labels = [cells.index(cell) for cell in LABEL_COLUMNS if cell in cells]
    return (names[0], labels[0]) if names and labels else None


def _key(name: str) -> str:
    """A name to compare by: without folders, and without what uploads lose of names."""
    base = name.replace("\\", "/").rpartition("/")[2].strip().casefold()
    return "".join(letter for letter in base if letter.isalnum() or letter in "._-")
