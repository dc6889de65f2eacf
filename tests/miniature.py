"""Corpora in their official layouts, made by chance and a few items long, labels in turn."""

import csv
from pathlib import Path

import numpy as np
from recordings import save_wav

from core import LABELS
from core.media.reader import SAMPLE_RATE

EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
CODES = ("01", "03", "04", "05", "06", "07", "08")  # of RAVDESS, without calm


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


def save_ravdess(root: Path, actors: tuple[str, ...]) -> None:
    """Seven short tones an actor, one an emotion, no two alike."""
    for actor in actors:
        (root / f"Actor_{actor}").mkdir(parents=True)
        for code in CODES:
            time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
            tone = 0.3 * np.sin(2 * np.pi * (100 + 20 * int(code) + int(actor)) * time)
            save_wav(tone, root / f"Actor_{actor}" / f"03-01-{code}-01-02-01-{actor}.wav", rate=SAMPLE_RATE)
