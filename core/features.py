"""One clip -> one ``Utterance``: a feature sequence on a time axis for each modality, or why there is none.

Features are extracted once a clip. Switching a modality off later re-runs fusion only.
"""

from dataclasses import dataclass

import numpy as np

from core.faces import FaceTrack
from core.media import Voice
from core.speech import Transcript


@dataclass(frozen=True)
class Sequence:
    """Features of one modality: ``values`` float32 [T, D], ``times`` float64 [T] in seconds, T >= 1."""

    values: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class Missing:
    """A modality that is not there, and the reason in a few words for people ("no face was found")."""

    reason: str


@dataclass(frozen=True)
class Utterance:
    """Everything that was extracted from one clip.

    Attributes:
        file: name of the file, without its folder.
        duration: seconds.
        text: one step a word of ``transcript``; times are the middles of the words.
        video: one step a crop of ``faces``.
        audio: Whisper's encoder frames, 50 a second.
        voice: the sound track, None if the file has none.
        timings: stage -> seconds; stages overlap, so they do not add up to ``total``.
        warnings: sentences for people.
    """

    file: str
    duration: float
    text: Sequence | Missing
    video: Sequence | Missing
    audio: Sequence | Missing
    transcript: Transcript
    faces: FaceTrack
    voice: Voice | None
    timings: dict[str, float]
    warnings: tuple[str, ...]

    def __getitem__(self, modality: str) -> Sequence | Missing:
        return {"text": self.text, "video": self.video, "audio": self.audio}[modality]
