"""Parts of FER2013 and MELD in their official layouts, made by chance and a few lines long, labels in turn."""

import csv
from pathlib import Path

import numpy as np

from core import LABELS

EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")


def save_fer2013(root: Path, split: str, count: int) -> None:
    """``count`` images of noise."""
    root.mkdir(exist_ok=True)
    images = np.random.default_rng(0).integers(0, 255, (count, 48, 48), np.uint8)
    np.savez(root / f"{split}.npz", images=images, labels=np.arange(count, dtype=np.uint8) % 7, classes=LABELS)


def save_meld(root: Path, split: str, count: int) -> None:
    """``count`` lines, seven a dialogue."""
    root.mkdir(exist_ok=True)
    with (root / f"{split}_sent_emo.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Utterance", "Emotion", "Dialogue_ID", "Utterance_ID"])
        rows.writerows([[f"line number {i} of it", EMOTIONS[i % 7], i // 7, i] for i in range(count)])
