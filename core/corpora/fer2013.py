"""FER2013 (Goodfellow et al. 2013): 48x48 grey faces found by web search, seven classes.

Two layouts are read: ``<split>.npz`` with ``images`` uint8 [n, 48, 48] and ``labels`` in the order of
``core.LABELS``, and the original ``fer2013.csv`` with the columns ``emotion, pixels, Usage``.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.corpora.layout import CorpusError

# The csv numbers its classes: angry, disgust, fear, happy, sad, surprise, neutral.
CSV_CLASSES = np.array([0, 1, 2, 3, 5, 6, 4], dtype=np.uint8)
CSV_USAGE = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}


@dataclass(frozen=True)
class FaceImages:
    """Labelled crops: ``images`` uint8 [n, 48, 48], ``labels`` int64 [n]."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def read_fer2013(root: Path, split: str) -> FaceImages:
    """Reads the ``train``, ``validation`` (PublicTest) or ``test`` (PrivateTest) part.

    Raises:
        CorpusError: neither layout is there, or the file is not what it should be.
    """
    packed, original = root / f"{split}.npz", root / "fer2013.csv"
    if packed.exists():
        with np.load(packed, allow_pickle=False) as file:
            images, labels = file["images"], file["labels"].astype(np.int64)
    elif original.exists():
        with original.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["Usage"] == CSV_USAGE[split]]
        images = np.array([np.fromstring(row["pixels"], np.uint8, sep=" ") for row in rows]).reshape(-1, 48, 48)
        labels = CSV_CLASSES[[int(row["emotion"]) for row in rows]].astype(np.int64)
    else:
        raise CorpusError(
            f"FER2013 was not found: expected {packed.name} or fer2013.csv in {root} "
            "(request it from Kaggle, 'Challenges in Representation Learning: Facial Expression Recognition')."
        )
    if images.ndim != 3 or images.shape[1:] != (48, 48) or len(images) != len(labels):
        raise CorpusError(f"{root}: expected images [n, 48, 48] and labels [n], found {images.shape}, {labels.shape}.")
    return FaceImages(images, labels)
