"""What all corpora share: the record of one clip, the error, and plain text."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from core import LABELS


class CorpusError(Exception):
    """A corpus is missing or not in its official layout; the message says what was expected and where to get it."""


@dataclass(frozen=True)
class ClipRecord:
    """One labelled utterance of a corpus, its files still unread.

    Attributes:
        id: unique within the corpus.
        label: index of its class; into ``core.LABELS`` unless the reader says otherwise.
        group: who speaks (or, in dialogues, the session): what must not be in two parts of a split.
        split: official part ("train", "dev", "test"), or "" where the corpus has none.
        voice: file whose sound is this utterance and nothing else, if there is one.
        pictures: file with the moving pictures; equal to ``voice`` where one file holds both.
        text: what was said, as the corpus writes it, or "" where it does not.
        span: (start, end) in seconds of this utterance within ``pictures``; None if it is the whole file.
        half: "left" or "right" half of the picture in which the speaker sits, or "" for all of it.
    """

    id: str
    label: int
    group: str
    split: str = ""
    voice: Path | None = None
    pictures: Path | None = None
    text: str = ""
    span: tuple[float, float] | None = None
    half: str = ""


class ArraySequence(Protocol):
    """Arrays that may be read from a file when they are asked for, unlike those of a list."""

    def __getitem__(self, index: int, /) -> np.ndarray: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))


SOUNDS = {".wav", ".flac", ".opus"}
"""Endings of recordings: releases are WAV, copies often packed."""


def recordings_in_folders(root: Path, folders: dict[str, int], name: re.Pattern) -> list[ClipRecord]:
    """One record per recording of a corpus with a folder for each emotion; ``name`` captures its group first."""
    return [
        ClipRecord(f"{folder}/{path.stem}", label, match[1], voice=path)
        for folder, label in folders.items()
        for path in sorted((root / folder).glob("*"))
        if (match := name.fullmatch(path.stem)) and path.suffix.lower() in SOUNDS
    ]


def labels_of(**codes: str) -> dict[str, int]:
    """{code in a file name: class name} -> {code: index into ``core.LABELS``}."""
    return {code: LABELS.index(name) for code, name in codes.items()}


PUNCTUATION = str.maketrans(
    {"‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "–": "-", "—": " - ", "…": "...", "\xa0": " "}
)


def plain_text(text: str) -> str:
    """Text with typewriter punctuation, and without the traces of a wrongly guessed encoding.

    Repairs UTF-8 that was read as Windows-1252 ("donâ€™t") and Windows-1252 that was read as Latin-1
    ("don\\x92t"); both occur in circulating copies of MELD.
    """
    if re.search("[âÃ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]", text):
        with contextlib.suppress(UnicodeError):  # a real accent, not a wrongly guessed encoding
            text = text.encode("cp1252").decode("utf-8")
    text = re.sub("[\x80-\x9f]", lambda match: match[0].encode("latin-1").decode("cp1252", "ignore"), text)
    return " ".join(text.translate(PUNCTUATION).split())
