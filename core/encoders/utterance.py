"""What is extracted from one clip, on its time axis: words, and a sequence of features of each modality or why not."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from core.encoders.face_track import FaceTrack, Persons
from core.encoders.transcript import Transcript, Word
from core.media.reader import Waveform

Progress = Callable[[float, str], None]
"""Called with the share done in [0, 1] and the name of the stage."""


@dataclass(frozen=True)
class FeatureSequence:
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
        audio: ``FeatureSettings.audio_rate`` steps a second, from the first to the last speech; times leap over what
            is left out of long pauses.
        waveform: the sound track, None if the file has none.
        timings: stage -> seconds; stages overlap, so they do not add up to ``total``.
        warnings: sentences for people.
        persons: whose face it could be, if there are several.
    """

    file: str
    duration: float
    text: FeatureSequence | Missing
    video: FeatureSequence | Missing
    audio: FeatureSequence | Missing
    transcript: Transcript
    faces: FaceTrack
    waveform: Waveform | None
    timings: dict[str, float]
    warnings: tuple[str, ...]
    persons: Persons | None = None

    def __getitem__(self, modality: str) -> FeatureSequence | Missing:
        return {"text": self.text, "video": self.video, "audio": self.audio}[modality]

    def window(self, start: float, end: float) -> "Utterance":
        """The part from ``start`` up to ``end`` seconds, on the clip's own time axis; nothing is extracted again.

        Its track's arrays are parts of this one's, not copies: pictures are large, and windows many.
        """

        def cut(sequence: FeatureSequence | Missing, nothing: str) -> FeatureSequence | Missing:
            if isinstance(sequence, Missing):
                return sequence
            inside = between(sequence, start, end)
            return inside if len(inside.times) else Missing(nothing)

        other = self.transcript.other
        inside = slice(*np.searchsorted(self.faces.times, (start, end)))
        shown = slice(*np.searchsorted(self.faces.shown_at, (start, end)))
        looked = slice(*np.searchsorted(self.faces.frame_times, (start, end)))
        return replace(
            self,
            text=cut(self.text, "no words in this window"),
            video=cut(self.video, "no face in this window"),
            audio=cut(self.audio, "no speech in this window"),
            transcript=Transcript(
                words_between(self.transcript.words, start, end),
                other and replace(other, words=words_between(other.words, start, end)),
            ),
            faces=replace(
                self.faces,
                times=self.faces.times[inside], crops=self.faces.crops[inside],
                thumbnails=self.faces.thumbnails[shown], thumbnail_times=self.faces.shown_at[shown],
                boxes=self.faces.boxes[inside], blendshapes=self.faces.blendshapes[inside],
                frame_times=self.faces.frame_times[looked], found=self.faces.found[looked],
            ),
        )  # fmt: skip


def between(sequence: FeatureSequence, start: float, end: float) -> FeatureSequence:
    """The steps of a sequence whose time is in [start, end) seconds; there may be none."""
    inside = (sequence.times >= start) & (sequence.times < end)
    return FeatureSequence(sequence.values[inside], sequence.times[inside])


def words_between(words: tuple[Word, ...], start: float, end: float) -> tuple[Word, ...]:
    """The words whose middle is in [start, end) seconds: those whose steps ``between`` keeps."""
    return tuple(word for word in words if start <= word.middle < end)
