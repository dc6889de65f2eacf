"""nEMO (Christop 2024): nine Polish actors say ninety sentences in six emotions.

Layout: ``data.tsv`` beside ``samples/SPEAKER_EMOTION_NUMBER.{wav,flac,opus}``, such as
``samples/WR0_surprised_64.wav``.
"""

import csv
import re
from pathlib import Path

from core.corpora.layout import SOUNDS, ClipRecord, CorpusError, labels_of

EMOTIONS = labels_of(  # disgust does not occur
    anger="anger", fear="fear", happiness="happiness", neutral="neutral", sadness="sadness", surprised="surprise"
)
NAME = re.compile(r"([A-Z]{2}\d)_([a-z]+)_(\d+)")


def read_nemo(root: Path) -> list[ClipRecord]:
    """One record per recording that is there; ``group`` is the speaker, ``text`` is Polish.

    Raises:
        CorpusError: no file with an official name, or a name with an unknown emotion.
    """
    texts = _texts(root / "data.tsv")
    records = []
    for path in sorted((root / "samples").glob("*")):
        match = NAME.fullmatch(path.stem)
        if not match or path.suffix.lower() not in SOUNDS:
            continue
        speaker, emotion, _ = match.groups()
        if emotion not in EMOTIONS:
            raise CorpusError(f"nEMO: {path} has an emotion that the corpus does not define.")
        records.append(ClipRecord(path.stem, EMOTIONS[emotion], speaker, voice=path, text=texts.get(path.stem, "")))
    if not records:
        raise CorpusError(
            f"nEMO was not found: expected files such as samples/WR0_surprised_64.wav in {root} "
            "(download it from https://github.com/amu-cai/nEMO)."
        )
    return records


def _texts(table: Path) -> dict[str, str]:
    """Name of a recording -> what was said; empty where the table is not there."""
    if not table.exists():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        return {Path(row["file_id"]).stem: row["raw_text"] for row in csv.DictReader(file, delimiter="\t")}
