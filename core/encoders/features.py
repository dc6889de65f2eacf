"""One clip -> one ``Utterance``: a feature sequence on a time axis for each modality, or why there is none.

Features are extracted once a clip. Switching a modality off later re-runs fusion only.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from whisper.model import Whisper

from core.cancellation import raise_if_cancelled
from core.device import Device, share_of_cores
from core.encoders.expression import ExpressionNet, folded
from core.encoders.face_track import FaceTrack, no_faces
from core.encoders.faces import Face, FaceFinder
from core.encoders.languages import LanguageReader
from core.encoders.persons import Followed, follow_faces
from core.encoders.speech import NO_SPEECH, STATE_RATE, STATE_WIDTH, Listener, Speech
from core.encoders.stages import CROPS_AT_A_TIME, Embedding
from core.encoders.transcript import OtherLanguage, Transcript, not_understood
from core.encoders.utterance import FeatureSequence, Missing, Progress, Utterance
from core.encoders.voice import FRAME_RATE, WIDTH, VoiceConfig, VoiceEncoder, mfcc, spoken_spectrogram, spoken_stretches
from core.encoders.words import WordAdapter, WordEncoder
from core.media.clock import Clock
from core.media.reader import SAMPLE_RATE, Clip, Contents, Frame, MediaError, Waveform, look_into, read_frames, shown
from core.memory import give_back

FEATURES_VERSION = 5
"""Raised whenever the same recording would give other features: caches of features and tables are keyed by it."""

SEEN = 0.5  # of the pictures that could have shown the face; if it was found in fewer, that is said
SOON = 0.25  # seconds; for less it is not worth showing first what is known without the words
GIVE_BACK_EVERY = 30.0  # seconds of clip, in which freed memory that is kept grows by 15 MB or so


@dataclass(frozen=True)
class Encoders:
    """What was trained to make features of faces, voices and words.

    Attributes:
        voice: None where voices are heard by Whisper's own encoder.
        words: None where MiniLM reads words as it was published.
    """

    face: ExpressionNet
    voice: VoiceEncoder | None = None
    words: WordAdapter | None = None


@dataclass(frozen=True)
class FeatureSettings:
    """Which features a pair of models was trained on; stored in their checkpoint.

    Attributes:
        audio_blocks: blocks of Whisper's encoder whose outputs are put side by side, where no encoder of voices was
            trained.
        voice_alone: whether they hear the voice alone (see ``core.encoders.voice``) instead of Whisper's 30 seconds.
        audio_pooling: encoder states (50 a second) whose mean is one step.
        mfcc: whether the paper's 120 MFCC features stand beside them.
        text_layers: hidden states of MiniLM that are put side by side.
        blendshapes: whether MediaPipe's measures of a face's movements stand beside its embedding, and behind them
            whether there are any: 1 for a face that was found, 0 for a photograph in which it was not.
    """

    audio_blocks: tuple[int, ...] = (1, 2)
    audio_pooling: int = 4
    voice_alone: bool = True
    mfcc: bool = False
    text_layers: tuple[int, ...] = (4, 6)
    blendshapes: bool = True

    @property
    def audio_rate(self) -> float:
        """Audio steps a second."""
        return STATE_RATE / self.audio_pooling

    @property
    def audio_width(self) -> int:
        """Features an audio step of Whisper's own states."""
        return STATE_WIDTH * len(self.audio_blocks) + (WIDTH if self.mfcc else 0)


def voice_encoder(encoders: Encoders, settings: FeatureSettings, whisper: Whisper) -> VoiceEncoder | None:
    """What hears the voice alone, on Whisper's device; None where the states of a transcript are the features."""
    if encoders.voice is None and not settings.voice_alone:
        return None
    config = VoiceConfig(outputs=settings.audio_blocks, blocks=max(settings.audio_blocks) + 1)
    return (encoders.voice or VoiceEncoder.published(whisper, config)).to(whisper.device).eval()


class FeatureExtractor:
    """Turns clips into utterances. Safe to call from several threads.

    Args:
        transcriber: as of ``Listener``.
        other_languages: whether speech that is not understood as English is read by ``LanguageReader``, for people;
            models do not need it.
        precision: of the face encoder's products and, on a GPU, of Whisper's, see ``Device``. Features to learn from,
            or to compare across machines, are float32.
    """

    def __init__(
        self,
        encoders: Encoders,
        settings: FeatureSettings,
        device: str = "cpu",
        transcriber: str = "tiny.en",
        other_languages: bool = False,
        precision: str = "float32",
    ):
        self.settings = settings
        self.device = device
        self.precision = precision
        self._folded = folded(encoders.face.to(device))
        self.listener = Listener(transcriber, device, half=Device(device, precision).reads_in_half)
        # A transcriber that knows several languages has read them already.
        ask = other_languages and self.listener.language == "en"
        self.languages = LanguageReader(self.listener.device, self.listener.half) if ask else None
        self.voice_encoder = voice_encoder(encoders, settings, self.listener.model)
        self.word_encoder = WordEncoder(settings.text_layers, device, encoders.words)

    def extract(
        self, path: str | Path, progress: Progress | None = None, first: Callable[[Utterance], None] | None = None
    ) -> Utterance:
        """Reads a clip and extracts what it holds; faces and speech are looked for at the same time.

        Args:
            first: gets face and voice as soon as both are known, unless the words follow within ``SOON`` seconds.

        Raises:
            MediaError: the file cannot be read (see ``media.open_clip``).
        """
        report = progress or (lambda share, stage: None)
        timings: dict[str, float] = {}
        with timed(timings, "total"):
            report(0.0, "reading the clip")
            with timed(timings, "media"):
                contents = look_into(path, shows_face)
            # Faces are found and embedded at the same time, voice and words are heard beside them.
            stages = max(1, 2 * contents.has_pictures + contents.has_sound)
            decoded: Future[Clip] = Future()  # the sound
            heard: Future[FeatureSequence | Missing] = Future()  # the voice

            def seen(share: float) -> None:
                if decoded.done():
                    decoded.result()  # if nothing comes of the clip, no face is looked for any further
                report(0.1 + 0.5 * share, "looking for the face")

            with ThreadPoolExecutor(1) as beside, share_of_cores(stages):
                context = copy_context()  # can be stopped
                hearing = beside.submit(context.run, self._listen, contents, decoded, heard, timings, stages)
                clock = contents.clock or decoded.result().clock
                followed, video = self._see(contents, clock, timings, stages, seen)

                def utterance(text: FeatureSequence | Missing, transcript: Transcript) -> Utterance:
                    clip = decoded.result()
                    return Utterance(
                        file=clip.path.name,
                        duration=clip.duration,
                        text=text,
                        video=video,
                        audio=heard.result(),
                        transcript=transcript,
                        faces=followed.track,
                        waveform=clip.audio,
                        timings=timings,
                        warnings=(*face_warnings(followed.track), *clip.warnings),
                        persons=followed.persons,
                    )

                report(0.6, "listening for words")
                if first and _slower(hearing, heard) and _both(video, heard.result()):
                    first(utterance(Missing("the words are still being read"), Transcript()))
                transcript, text = hearing.result()
        return utterance(text, transcript)

    def with_face(self, utterance: Utterance, number: int) -> Utterance:
        """The same utterance with the face of another of its persons, whose crops become features now.

        Args:
            number: which person, from 1.

        Raises:
            MediaError: with the code ``no_such_face``, if there are fewer persons.
        """
        persons = utterance.persons
        count = len(persons.each) if persons else min(len(utterance.faces), 1)
        if not 1 <= number <= count:
            seen = "no face was found" if not count else f"{count} faces were seen" if persons else "one face was seen"
            raise MediaError("no_such_face", f"{utterance.file}: {seen}, there is no face {number} to choose.")
        if persons is None or number == persons.chosen:
            return utterance
        chosen = replace(persons, chosen=number)
        track = chosen.track
        kept = [warning for warning in utterance.warnings if warning not in face_warnings(persons.track)]
        return replace(
            utterance,
            faces=track,
            video=FeatureSequence(self.face_features(track.crops, track.blendshapes), track.times),
            warnings=(*face_warnings(track), *kept),
            persons=chosen,
        )

    def face_features(self, crops: np.ndarray, blendshapes: np.ndarray) -> np.ndarray:
        """Features float32 [T, D] of crops uint8 [T, 48, 48] and what MediaPipe says of them [T, 52]."""
        parts = np.split(crops, range(CROPS_AT_A_TIME, len(crops), CROPS_AT_A_TIME))
        return self._with_blendshapes(np.concatenate([self._embed(part) for part in parts]), blendshapes)

    def _with_blendshapes(self, embedded: np.ndarray, blendshapes: np.ndarray) -> np.ndarray:
        return with_blendshapes(embedded, blendshapes) if self.settings.blendshapes else embedded

    @torch.inference_mode()
    def _embed(self, crops: np.ndarray) -> np.ndarray:
        raise_if_cancelled()
        with Device(self.device, self.precision).autocast():
            embedded = self._folded.embed(torch.from_numpy(crops).to(self.device))
        return embedded.float().cpu().numpy()

    def voice_features(self, voice: Waveform, speech: Speech) -> FeatureSequence:
        """The audio sequence of a voice in which somebody speaks, without its long pauses (``spoken_stretches``)."""
        if self.voice_encoder:
            spectra, times = spoken_spectrogram(voice, speech.intervals)
            states = self.voice_encoder.encode(spectra)
            if voice.duration > GIVE_BACK_EVERY:
                give_back()
            return FeatureSequence(*pooled(states, times[:: FRAME_RATE // STATE_RATE], self.settings.audio_pooling))
        values = np.concatenate([speech.states[block] for block in self.settings.audio_blocks], 1)  # [T, D]
        if self.settings.mfcc:
            values = np.concatenate([values, mfcc(voice, SAMPLE_RATE // STATE_RATE)[: len(values)]], 1)
        samples = SAMPLE_RATE // STATE_RATE  # a state
        spans = spoken_stretches(voice, speech.intervals)
        kept = np.concatenate([np.arange(round(start / samples), round(end / samples)) for start, end in spans])
        kept = kept[kept < len(values)]
        return FeatureSequence(*pooled(values[kept], kept / STATE_RATE, self.settings.audio_pooling))

    def _seconds_of_speech(self, samples: np.ndarray) -> float:
        """How long somebody speaks in samples float32 [N] at 16 kHz."""
        return sum(end - start for start, end in self.listener.intervals(Waveform(samples)))

    def _see(
        self,
        contents: Contents,
        clock: Clock,
        timings: dict[str, float],
        stages: int,
        report: Callable[[float], None],
    ) -> tuple[Followed, FeatureSequence | Missing]:
        if not contents.has_pictures:
            return Followed(no_faces(np.zeros(0))), Missing("the clip has no pictures")

        def embed(crops: np.ndarray) -> np.ndarray:
            with share_of_cores(stages), timed(timings, "expression"):
                return self._embed(crops)

        with Embedding(embed) as embedding:
            given_back = 0.0

            def found(time: float, faces: list[Face]) -> None:
                nonlocal given_back
                report(time / max(clock.duration, time, 1e-6))
                if time - given_back > GIVE_BACK_EVERY:
                    given_back = time
                    give_back()
                if faces:  # most clips show one person, whose face is the largest
                    embedding.add(max(faces, key=lambda face: face.size).crop)

            with timed(timings, "faces"):
                followed = follow_faces(lambda: read_frames(contents.path, clock=clock), found)
            track = followed.track
            if not len(track.frame_times):
                return followed, Missing("no picture could be decoded")
            if not len(track):
                return followed, Missing("no face was found")
            embedded = embedding.of(track.crops)
        return followed, FeatureSequence(self._with_blendshapes(embedded, track.blendshapes), track.times)

    def _listen(
        self,
        contents: Contents,
        decoded: Future[Clip],
        heard: Future[FeatureSequence | Missing],
        timings: dict[str, float],
        stages: int,
    ) -> tuple[Transcript, FeatureSequence | Missing]:
        """The words and their features; the sound and the features of the voice are told as soon as they are there."""
        with share_of_cores(stages):
            try:
                with timed(timings, "sound"):
                    clip = contents.hear(self._seconds_of_speech)
            except BaseException as error:
                decoded.set_exception(error)
                raise
            decoded.set_result(clip)
            transcript = self._hear(clip, heard, timings)
            with timed(timings, "words"):
                return transcript, self._read(transcript, heard.result())

    def _hear(self, clip: Clip, heard: Future[FeatureSequence | Missing], timings: dict[str, float]) -> Transcript:
        """The words; the voice is told."""
        if clip.audio is None or clip.audio.silent:
            why = "the clip has no sound track" if clip.audio is None else "the sound track is silent"
            heard.set_result(Missing(why))
            return Transcript()
        with timed(timings, "speech"):
            intervals = self.listener.intervals(clip.audio)
        if not intervals:
            heard.set_result(Missing("no speech was heard"))
            return Transcript()
        if self.voice_encoder:  # which hears without Whisper: the words may take longer
            with timed(timings, "voice"):
                heard.set_result(self.voice_features(clip.audio, replace(NO_SPEECH, intervals=intervals)))
        with timed(timings, "speech"):
            speech = self.listener.listen(clip.audio, self.voice_encoder is None, intervals)
        if not self.voice_encoder:
            with timed(timings, "voice"):
                heard.set_result(self.voice_features(clip.audio, speech))
        missed = not_understood(intervals, speech.transcript.words) if self.languages else ()
        if not self.languages or not missed:
            return speech.transcript
        with timed(timings, "language"):
            return replace(speech.transcript, other=self.languages.read(clip.audio, missed, intervals))

    def _read(self, transcript: Transcript, audio: FeatureSequence | Missing) -> FeatureSequence | Missing:
        words = transcript.words
        if isinstance(audio, Missing):
            return audio  # the reason is the same: nothing to hear
        if not words:
            return Missing(unread(transcript.other))
        values = self.word_encoder.encode([word.text for word in words])
        return FeatureSequence(values, np.array([word.middle for word in words]))


def _slower(hearing: Future, heard: Future) -> bool:
    """Whether the words take longer than the voice, once that is known, by more than ``SOON``."""
    wait((hearing, heard), return_when=FIRST_COMPLETED)
    return not wait((hearing,), SOON).done


def _both(video: FeatureSequence | Missing, audio: FeatureSequence | Missing) -> bool:
    return isinstance(video, FeatureSequence) and isinstance(audio, FeatureSequence)


def unread(other: OtherLanguage | None) -> str:
    """Why the models have no words of speech in which no English was understood."""
    if other is None or other.code == "en":
        return "the words were not understood"
    if other.code is None:
        return "the words were not understood, the language was not recognised"
    return f"the words are {other.name}, and the models read English alone"


def shows_face(image: np.ndarray) -> bool:
    """Whether a face is found in a picture RGB uint8 [H, W, 3]."""
    with FaceFinder() as finder:
        return bool(finder.find(Frame(0.0, image)))


def with_blendshapes(embedded: np.ndarray, blendshapes: np.ndarray) -> np.ndarray:
    """Embeddings [T, D], blendshapes [T, 52] (NaN where there are none) and whether there are any: [T, D + 53]."""
    there = np.isfinite(blendshapes[:, :1])
    return np.concatenate([embedded, np.where(there, blendshapes, 0), there], 1, dtype=np.float32)


def pooled(values: np.ndarray, times: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of every ``steps`` steps of values [T, D] and times [T], T >= 1; the last mean may be of fewer."""
    starts = np.arange(0, len(values), steps)
    counts = np.diff(starts, append=len(values))
    means = np.add.reduceat(values, starts) / counts[:, None].astype(values.dtype)
    return means, np.add.reduceat(times, starts) / counts


def nothing_found(utterance: Utterance) -> MediaError | None:
    """The error of a clip without any modality, saying what was looked for; None if there is one."""
    each = (utterance[m] for m in ("video", "audio", "text"))
    reasons = [found.reason for found in each if isinstance(found, Missing)]
    if len(reasons) < 3:
        return None
    said = "; ".join(dict.fromkeys(reasons))
    name = shown(Path(utterance.file))
    return MediaError(
        "nothing_found", f"{name}: a face, a voice and spoken words were looked for, none was found ({said})."
    )


def face_warnings(track: FaceTrack) -> tuple[str, ...]:
    """Sentences about whose face counts, how it was read and how much of it was seen."""
    said = [track.note] if track.note else []
    if track.upside_down:
        said.append("The pictures are upside down; they were turned to read the face.")
    if len(track) and track.share < SEEN:
        said.append(f"The face was found in only {track.share:.0%} of the pictures that could have shown it.")
    return tuple(said)


@contextmanager
def timed(timings: dict[str, float], stage: str):
    """Adds the seconds that the block took to ``timings``."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - start
