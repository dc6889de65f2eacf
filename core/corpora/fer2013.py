"""FER2013 (Goodfellow et al. 2013): 48x48 grey faces found by web search, seven classes; FER+: what ten people saw.

FER2013 gives each face one label, FER+ (Barsoum et al. 2016) the votes of ten people, which disagree with it on every
third face. Two layouts are read: ``<split>.npz`` with ``images`` uint8 [n, 48, 48] and ``labels`` in the order of
``core.LABELS``, and the original ``fer2013.csv`` with the columns ``emotion, pixels, Usage``. The votes lie in
``<split>_votes.npz``, or are absent: ``votes`` uint8 [n, 10], ``leave_out`` bool [n].
"""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core import LABELS
from core.corpora.layout import CorpusError

# The csv numbers its classes: angry, disgust, fear, happy, sad, surprise, neutral.
CSV_CLASSES = np.array([0, 1, 2, 3, 5, 6, 4], dtype=np.uint8)
CSV_USAGE = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}


# The first seven columns of FER+ in the order of ``core.LABELS``; contempt, unknown and "no face" follow.
VOTED = [4, 5, 6, 1, 0, 3, 2]


@dataclass(frozen=True)
class FaceImages:
    """Labelled crops.

    Attributes:
        images: uint8 [n, 48, 48].
        labels: int64 [n].
        votes: float32 [n, 7], share of the people who saw each class; rows of zeros where nobody was asked.
        leave_out: bool [n], whether the same photograph lies in a part that is kept aside.
    """

    images: np.ndarray
    labels: np.ndarray
    votes: np.ndarray
    leave_out: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray, labels: np.ndarray) -> "FaceImages":
        """Images on which nobody voted."""
        return cls(images, labels, np.zeros((len(labels), len(LABELS)), np.float32), np.zeros(len(labels), bool))

    def __len__(self) -> int:
        return len(self.labels)

    def said(self, votes: float, smoothing: float = 0.0) -> np.ndarray:
        """How far each face shows each class, float32 [n, 7], rows summing to 1: people's votes have the share
        ``votes`` in it, where there are any, and the label, of which the share ``smoothing`` is spread over all
        classes, has the rest."""
        labels = np.eye(len(LABELS), dtype=np.float32)[self.labels] * (1 - smoothing) + smoothing / len(LABELS)
        asked = self.votes.sum(1, keepdims=True)
        seen = np.divide(self.votes, asked, out=labels.copy(), where=asked > 0)
        return (1 - votes) * labels + votes * seen

    def select(self, keep: np.ndarray | slice) -> "FaceImages":
        """The images where ``keep`` bool [n] is true, or those of a slice."""
        return FaceImages(self.images[keep], self.labels[keep], self.votes[keep], self.leave_out[keep])


def read_fer2013(root: Path, split: str) -> FaceImages:
    """Reads the ``train``, ``validation`` (PublicTest) or ``test`` (PrivateTest) part.

    Raises:
        CorpusError: neither layout is there, or a file is not what it should be.
    """
    packed, original = root / f"{split}.npz", root / "fer2013.csv"
    if packed.exists():
        with np.load(packed, allow_pickle=False) as file:
            images, labels = file["images"], file["labels"].astype(np.int64)
    elif original.exists():
        with original.open(newline="", encoding="utf-8") as file:
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
    faces = FaceImages.of(images, labels)
    asked = root / f"{split}_votes.npz"
    if not asked.exists():
        return faces
    with np.load(asked, allow_pickle=False) as file:
        votes, leave_out = file["votes"], file["leave_out"]
    if votes.shape != (len(labels), 10) or leave_out.shape != (len(labels),):
        raise CorpusError(f"{asked}: expected votes [{len(labels)}, 10] and as many rows to leave out.")
    # Always of ten people: those who saw something else are no vote for any class.
    return replace(faces, votes=votes[:, VOTED].astype(np.float32) / 10, leave_out=leave_out.astype(bool))


def read_ferplus(root: Path, split: str) -> FaceImages:
    """The images of FER2013 on which more than five of ten people agreed, with what they saw as the label.

    Raises:
        CorpusError: FER2013 or its votes are not there.
    """
    faces = read_fer2013(root, split)
    agreed = (faces.votes.max(1) > 0.5) & ~faces.leave_out
    if not agreed.any():
        raise CorpusError(f"The votes of FER+ were not found: expected {split}_votes.npz in {root}.")
    return replace(faces, labels=faces.votes.argmax(1)).select(agreed)
