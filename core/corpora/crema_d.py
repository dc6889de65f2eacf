"""CREMA-D (Cao et al. 2014): 91 actors, twelve lines, six emotions; labels are the emotion the actor was asked for.

Layout: ``{AudioWAV,VideoFlash}/ACTOR_LINE_EMOTION_LEVEL.*``, such as ``AudioWAV/1001_DFA_ANG_XX.wav``.
"""

import re
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of

EMOTIONS = labels_of(ANG="anger", DIS="disgust", FEA="fear", HAP="happiness", NEU="neutral", SAD="sadness")
LINES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
NAME = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_([A-Z]{2}|X)")
POINTER = b"version https://git-lfs"  # what a clone without Git LFS holds instead of a recording


def read_crema_d(root: Path) -> list[ClipRecord]:
    """One record per utterance; ``group`` is the actor. Either folder is enough.

    Raises:
        CorpusError: no file with an official name, or Git LFS pointers instead of recordings.
    """
    files = {folder: _files(root / folder) for folder in ("AudioWAV", "VideoFlash")}
    names = sorted(set(files["AudioWAV"]) | set(files["VideoFlash"]))
    if not names:
        raise CorpusError(
            f"CREMA-D was not found: expected files such as AudioWAV/1001_DFA_ANG_XX.wav or "
            f"VideoFlash/1001_DFA_ANG_XX.flv in {root} (clone it with Git LFS from "
            "https://github.com/CheyneyComputerScience/CREMA-D)."
        )
    records = []
    for name in names:
        actor, line, emotion, _ = name.split("_")
        sound, pictures = files["AudioWAV"].get(name), files["VideoFlash"].get(name)
        records.append(
            ClipRecord(
                name, EMOTIONS[emotion], actor, voice=sound or pictures, pictures=pictures, text=LINES.get(line, "")
            )
        )
    return records


def _files(folder: Path) -> dict[str, Path]:
    found = {
        path.stem: path
        for path in sorted(folder.glob("*"))
        if (match := NAME.fullmatch(path.stem)) and match[3] in EMOTIONS
    }
    for path in list(found.values())[:1]:
        with path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                raise CorpusError(f"{folder} holds Git LFS pointers, not recordings: run 'git lfs pull' in the clone.")
    return found
