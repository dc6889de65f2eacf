"""The pre-processed IEMOCAP folds of the paper (prepared by Seunghyun Yoon): MFCC, ResNet-101 and token ids.

Layout: ``folds/fold01`` ... ``fold05``, in each ``W_embedding.npy`` [vocabulary, 300] and for every part
(``train``, ``dev``, ``test``) ``<part>_audio_mfcc.npy`` [n, 1000, 120], ``_audio_seqN`` [n], ``_video`` [n, 32, 2048],
``_video_seqN`` [n], ``_nlp_trans`` [n, 128] and ``_label`` [n]. Arrays are mapped, not loaded.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.corpora.iemocap import CLASSES
from core.corpora.layout import ArraySequence, CorpusError

PARTS = ("train", "dev", "test")
WIDTHS = {"text": 300, "video": 2048, "audio": 120}
COUNTS = {
    1103: "angry",
    1041: "excited",
    595: "happy",
    1084: "sad",
    1849: "frustrated",
    107: "surprise",
    1708: "neutral",
}
"""Utterances of each class in all parts of a fold together: what tells which label is which class."""


@dataclass(frozen=True)
class MappedSequences(ArraySequence):
    """Sequences that lie in one padded array [n, steps, D] on disk; item i is its row ``rows[i]`` up to its length."""

    array: np.ndarray
    rows: np.ndarray
    lengths: np.ndarray

    def __getitem__(self, index: int) -> np.ndarray:
        row = self.rows[index]
        return np.array(self.array[row, : self.lengths[row]], np.float32)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class EmbeddedWords(ArraySequence):
    """Word vectors looked up from token ids: the ``_text.npy`` that the reference expects and nobody ships."""

    tokens: np.ndarray
    rows: np.ndarray
    lengths: np.ndarray
    embedding: np.ndarray

    def __getitem__(self, index: int) -> np.ndarray:
        row = self.rows[index]
        return np.array(self.embedding[self.tokens[row, : self.lengths[row]]], np.float32)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class FoldPart:
    """One part of a fold: ``labels`` int64 [n] and modality -> lazily read sequences."""

    labels: np.ndarray
    sequences: dict[str, ArraySequence]
    dropped: int  # utterances without a picture, which paper and reference leave out


def read_fold_part(root: Path, fold: int, part: str, padded: bool = False) -> FoldPart:
    """Reads ``train``, ``dev`` or ``test`` of a fold (from 1).

    Args:
        padded: whether sequences keep their padding up to 128, 32 and 1000 steps, which the reference takes for data
            (the vector of token 0, for one, need not be zero).

    Raises:
        CorpusError: an array is missing or has another shape.
    """
    folder = find_folds(root) / f"fold{fold:02}"
    labels = _array(folder / f"{part}_label.npy", ("n",)).astype(np.int64)
    shapes = {"audio_mfcc": ("n", 1000, 120), "audio_seqN": ("n",), "video": ("n", 32, 2048), "video_seqN": ("n",)}
    arrays = {name: _array(folder / f"{part}_{name}.npy", shape) for name, shape in shapes.items()}
    arrays["nlp_trans"] = _array(folder / f"{part}_nlp_trans.npy", ("n", 128))
    embedding = _array(folder / "W_embedding.npy", ("vocabulary", 300))
    for name, array in arrays.items():
        if len(array) != len(labels):
            raise CorpusError(
                f"{folder}: {part}_{name}.npy holds {len(array)} utterances, {part}_label.npy {len(labels)}."
            )
    tokens = arrays["nlp_trans"].astype(np.int64)
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < len(embedding):
        raise CorpusError(f"{folder}: {part}_nlp_trans.npy holds token ids that W_embedding.npy has no row for.")
    rows = np.flatnonzero(arrays["video_seqN"] > 0)
    written = np.where(tokens != 0, np.arange(1, 129), 0)  # id 0 pads; lines without a word keep one step
    steps = {"text": written.max(1, initial=1), "video": arrays["video_seqN"], "audio": arrays["audio_seqN"]}
    full = {"text": 128, "video": 32, "audio": 1000}
    lengths = {
        m: np.full(len(labels), full[m]) if padded else np.clip(n, 1, full[m]).astype(np.int64)
        for m, n in steps.items()
    }
    return FoldPart(
        labels=labels[rows],
        sequences={
            "text": EmbeddedWords(tokens, rows, lengths["text"], embedding),
            "video": MappedSequences(arrays["video"], rows, lengths["video"]),
            "audio": MappedSequences(arrays["audio_mfcc"], rows, lengths["audio"]),
        },
        dropped=len(labels) - len(rows),
    )


def find_folds(root: Path) -> Path:
    """The folder that holds ``fold01`` ... ``fold05``.

    Raises:
        CorpusError: it is neither ``root`` nor ``root/folds``.
    """
    for folder in (root, root / "folds"):
        if (folder / "fold01").is_dir():
            return folder
    raise CorpusError(
        f"The pre-processed IEMOCAP folds were not found: expected folds/fold01/train_label.npy in {root} "
        "(request them from the author of https://github.com/david-yoon/attentive-modality-hopping-for-SER; "
        "IEMOCAP itself must be licensed from https://sail.usc.edu/iemocap)."
    )


def count_folds(root: Path) -> int:
    """How many folds there are, from ``fold01`` on without a gap."""
    folder, count = find_folds(root), 1
    while (folder / f"fold{count + 1:02}").is_dir():
        count += 1
    return count


def name_classes(root: Path) -> tuple[str, ...]:
    """The names of labels 0 to 6, recognised by how often each occurs.

    Returns:
        "class 0" ... if the counts are not those of the whole corpus.
    """
    folder = find_folds(root) / "fold01"
    labels = np.concatenate([_array(folder / f"{part}_label.npy", ("n",)) for part in PARTS]).astype(np.int64)
    counts = np.bincount(labels, minlength=len(CLASSES))
    if sorted(counts) == sorted(COUNTS):
        return tuple(COUNTS[int(count)] for count in counts)
    return tuple(f"class {label}" for label in range(len(counts)))


def _array(path: Path, shape: tuple) -> np.ndarray:
    """A mapped array of this shape, in which names stand for any size."""
    if not path.exists():
        raise CorpusError(f"The pre-processed IEMOCAP folds are not complete: {path} is missing.")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.ndim != len(shape) or any(isinstance(n, int) and n != m for n, m in zip(shape, array.shape, strict=True)):
        expected = "[" + ", ".join(map(str, shape)) + "]"
        raise CorpusError(f"{path}: expected the shape {expected}, found {list(array.shape)}.")
    return array
