"""EmoSpeech: single command words ("help", "stop"), English and Hindi, spoken into 106 people's telephones.

Layout: recordings in one folder, and ``voices.tsv`` with a line for each: file, emotion, speaker.
"""

import csv
from pathlib import Path

from core.corpora.layout import SOUNDS, ClipRecord, CorpusError, labels_of

EMOTIONS = labels_of(calm="neutral", angry="anger", fearful="fear", happy="happiness")
TABLE, COLUMNS = "voices.tsv", ("file", "emotion", "speaker")


def read_emospeech(root: Path) -> list[ClipRecord]:
    """One record per recording of the table that is there; ``group`` is the speaker.

    Raises:
        CorpusError: no table or none of its recordings, a table without its columns, or an unknown emotion.
    """
    table = root / TABLE
    if not table.is_file():
        raise CorpusError(f"EmoSpeech was not found: expected {TABLE} and its recordings in {root}.")
    there = {path.name: path for path in sorted(root.glob("*")) if path.suffix.lower() in SOUNDS}
    records = []
    with table.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            raise CorpusError(f"EmoSpeech: {table} lacks one of the columns {', '.join(COLUMNS)}.")
        for row in rows:
            if row["emotion"] not in EMOTIONS:
                raise CorpusError(f"EmoSpeech: {table} has an emotion that the corpus does not define.")
            if path := there.get(row["file"]):
                records.append(ClipRecord(path.stem, EMOTIONS[row["emotion"]], row["speaker"], voice=path))
    if not records:
        raise CorpusError(f"EmoSpeech: none of the recordings of {table} is there.")
    return records
