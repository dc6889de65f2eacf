"""MELD (Poria et al. 2019): lines of the series Friends with seven emotions, with or without their clips.

Layout: ``<split>_sent_emo.csv`` beside ``train_splits/``, ``dev_splits_complete/`` and
``output_repeated_splits_test/`` with ``diaD_uttU.mp4``.
"""

import csv
import io
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of, plain_text

EMOTIONS = labels_of(
    anger="anger",
    disgust="disgust",
    fear="fear",
    joy="happiness",
    neutral="neutral",
    sadness="sadness",
    surprise="surprise",
)
CLIPS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
SOURCE = "(download it from https://affective-meld.github.io)"


def read_meld(root: Path, split: str, clips: bool = False) -> list[ClipRecord]:
    """One record per line; ``group`` is the dialogue, ids look like ``train/dia12_utt3``.

    Args:
        split: ``train``, ``dev`` or ``test``.
        clips: whether the clips are needed. Single clips that the release lacks leave ``voice`` and
            ``pictures`` None.

    Raises:
        CorpusError: the csv or, if needed, the folder of clips is missing, or the csv is not MELD's.
    """
    table = root / f"{split}_sent_emo.csv"
    if not table.exists():
        raise CorpusError(f"MELD was not found: expected {table.name} in {root} {SOURCE}.")
    folder = root / CLIPS[split]
    if clips and not next(folder.glob("dia*_utt*.mp4"), None):
        raise CorpusError(f"MELD's clips were not found: expected {folder.name}/dia0_utt0.mp4 in {root} {SOURCE}.")
    rows = csv.DictReader(io.StringIO(_decode(table.read_bytes()), newline=""))
    needed = {"Utterance", "Emotion", "Dialogue_ID", "Utterance_ID"}
    if not needed <= set(rows.fieldnames or ()):
        raise CorpusError(f"{table} is not MELD's: it lacks the columns {sorted(needed - set(rows.fieldnames or ()))}.")
    records = []
    for row in rows:
        if row["Emotion"] not in EMOTIONS:
            raise CorpusError(f"{table}, line {rows.line_num}: {row['Emotion']!r} is none of MELD's emotions.")
        file = folder / f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.mp4"
        clip = file if clips and file.exists() else None
        dialogue = f"{split}/dia{row['Dialogue_ID']}"
        name = f"{dialogue}_utt{row['Utterance_ID']}"
        text = plain_text(row["Utterance"])
        records.append(ClipRecord(name, EMOTIONS[row["Emotion"]], dialogue, split, clip, clip, text))
    return records


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # copies that went through a spreadsheet
        return content.decode("cp1252", "replace")
