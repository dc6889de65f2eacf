"""XED (Öhman et al. 2020): lines of film subtitles with eight emotions, and neutral ones.

Layout: ``en-annotated.tsv`` (text, comma-separated labels) and ``neu_en.txt`` (a 9, then the text).
"""

import zlib
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of, plain_text

# Anticipation (2) and trust (8) have no counterpart among the seven classes.
EMOTIONS = labels_of(
    **{"1": "anger", "3": "disgust", "4": "fear", "5": "happiness", "6": "sadness", "7": "surprise", "9": "neutral"}
)
PARTS = {0: "test", 1: "dev"}  # of ten; the others train


def read_xed(root: Path, split: str) -> list[ClipRecord]:
    """One record per line with one label that has a counterpart; a line is a group of its own.

    The corpus has no parts: a tenth of the lines each is ``dev`` and ``test``, chosen by their text, so that a line
    that occurs twice is in one part only.

    Raises:
        CorpusError: a file is missing.
    """
    annotated, neutral = root / "en-annotated.tsv", root / "neu_en.txt"
    for path in (annotated, neutral):
        if not path.exists():
            raise CorpusError(
                f"XED was not found: expected {path.name} in {root} (download it from https://github.com/Helsinki-NLP/XED)."
            )
    rows = [row.split("\t") for row in annotated.read_text(encoding="utf-8").splitlines()]
    rows += [row.split("\t", 1)[::-1] for row in neutral.read_text(encoding="utf-8").splitlines()]
    records = []
    for number, row in enumerate(rows):
        text, code = plain_text(row[0]), row[-1].strip()
        if len(row) == 2 and code in EMOTIONS and PARTS.get(zlib.crc32(text.lower().encode()) % 10, "train") == split:
            records.append(ClipRecord(f"{split}/{number}", EMOTIONS[code], f"{split}/{number}", split, text=text))
    return records
