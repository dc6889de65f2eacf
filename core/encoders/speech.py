"""The spoken part of a clip: when somebody speaks, which words, and what Whisper's encoder heard.

The encoder of Whisper tiny.en runs once a window and serves twice: the transcript is decoded from its
output, and the outputs of its blocks can be the voice features of both fusion models.
"""

import copy
import threading
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal

import numpy as np
import torch
import whisper
from torch import Tensor, nn
from whisper.audio import FRAMES_PER_SECOND, N_FRAMES
from whisper.model import Whisper

from core.cancellation import raise_if_cancelled
from core.encoders.mel import whisper_spectrogram
from core.encoders.packaged import SILERO_VAD, locate
from core.encoders.transcript import WORD_MARGIN, Intervals, Segment, Transcript, Word, believed, placed, within
from core.encoders.whisper_encoder import Silence, prepare
from core.encoders.whisper_reader import Reader, window
from core.encoders.whisper_weights import load_tiny_en
from core.media.reader import SAMPLE_RATE, SILENCE, Waveform
from core.memory import give_back

_threads = torch.get_num_threads()
import silero_vad  # noqa: E402

torch.set_num_threads(_threads)  # importing it leaves the whole process with one

STATE_RATE = 50  # encoder states a second: one of two mel frames
STATE_WIDTH = 384
MIN_SPEECH_SECONDS = 0.25  # seconds; less is a click, not a word
MAX_WINDOW_FRAMES = N_FRAMES  # mel frames: 30 s
LEAD = 0.5  # seconds of a pause that a window begins with
DETECTOR_CHUNK = 512  # samples that the detector judges at once
STRAINED = 0.15  # probability of speech that is enough at a second look; 0.5 at the first
MIN_STRAINED_SECONDS = 0.15  # seconds of it; tones and music reach 0.1 at most
FULL_LEVEL = 0.9  # loudest sample at a second look


@dataclass(frozen=True)
class Speech:
    """What was heard.

    Attributes:
        intervals: (start, end) in seconds of each stretch of speech; empty if nobody speaks.
        transcript: the words, without any if nobody speaks.
        states: float32 [4, T, 384], outputs of the encoder's four blocks, 50 a second; T covers the voice.
    """

    intervals: Intervals
    transcript: Transcript
    states: np.ndarray


NO_SPEECH = Speech((), Transcript(), np.zeros((4, 0, STATE_WIDTH), np.float32))
"""Nobody speaks."""


def _copied(model: Whisper) -> Whisper:
    """The same modules over the same weights."""
    return copy.deepcopy(model, {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())})


def windows(frames: int, intervals: Intervals) -> list[tuple[int, int]]:
    """Spans (start, end) of mel frames that cover a voice, none longer than ``MAX_WINDOW_FRAMES``.

    A longer voice is cut in the longest pause of the second half of what fits, and hard where there is none: late in
    the pause, since Whisper bears silence behind speech and invents words when a window begins with much of it.
    """
    pauses = [(end, start) for (_, end), (start, _) in pairwise(intervals)]
    spans, begun = [], 0
    while frames - begun > MAX_WINDOW_FRAMES:
        latest = begun + MAX_WINDOW_FRAMES
        fitting = []
        for end, start in pauses:
            # Soon before the next word: Whisper loses it behind long silence. A state is two frames: cuts are even.
            wanted = max((end + start) / 2, start - LEAD)
            cut = min(2 * round(wanted * FRAMES_PER_SECOND / 2), latest)
            if cut - begun >= MAX_WINDOW_FRAMES / 2 and cut >= end * FRAMES_PER_SECOND:
                fitting.append((start - end, cut))
        end = max(fitting)[1] if fitting else latest
        spans.append((begun, end))
        begun = end
    return [*spans, (begun, frames)]


class Listener:
    """Hears speech in a voice. One clip at a time: calls from several threads wait for each other.

    Args:
        transcriber: "tiny.en" from the packaged weights, or any name of openai-whisper, which downloads it
            where there is internet. The voice features are tiny.en's in either case.
        device: where Whisper runs; the processor instead of "mps", since it needs sparse tensors and float64.
        silence: stands behind voices shorter than thirty seconds: what is shipped, or another mean; with None their own
            silence is encoded.
        half: whether Whisper computes in float16 (see ``Device.reads_in_half``).
    """

    def __init__(
        self,
        transcriber: str = "tiny.en",
        device: str = "cpu",
        silence: Silence | Literal["shipped"] | None = "shipped",
        half: bool = False,
    ):
        self.device = device = "cpu" if device == "mps" else device
        self.half = half
        self.model = prepare(load_tiny_en().to(device), Silence.load() if silence == "shipped" else silence, half)
        self.encoder = self.model.encoder
        own = transcriber == "tiny.en"
        self.transcriber = self.model if own else prepare(whisper.load_model(transcriber, device), half=half)
        self.language = "en" if transcriber.endswith(".en") else None
        locate(SILERO_VAD)
        self.detector = silero_vad.load_silero_vad()
        self._lock = threading.Lock()
        # Before each word, as before each window: a visitor who has left is not listened to.
        self.transcriber.decoder.register_forward_pre_hook(raise_if_cancelled)
        self._unused = _copied(self.model)

    def twin(self) -> "Listener":
        """A second listener over the same weights: both may listen at the same time.

        It may be made while this one listens: it is the copy of a model that never does. Whisper puts hooks and caches
        into a model while it decodes, and a copy that had them would fail for ever.
        """
        twin = copy.copy(self)
        twin.model = _copied(self._unused)
        twin.encoder = twin.model.encoder
        twin.transcriber = twin.model if self.transcriber is self.model else self.transcriber
        twin.detector = silero_vad.load_silero_vad()
        twin._lock = threading.Lock() if twin.transcriber is twin.model else self._lock
        return twin

    def intervals(self, voice: Waveform) -> Intervals:
        """(start, end) in seconds of each stretch of speech, by Silero's voice activity detector.

        It learned from people who talk. Where it hears nothing, a second look at full level takes less for speech:
        shouts, sobs and voices in noise.
        """
        with self._lock, torch.inference_mode():
            found = silero_vad.get_speech_timestamps(
                torch.from_numpy(voice.samples), self.detector, sampling_rate=SAMPLE_RATE
            )
            spans = tuple((span["start"] / SAMPLE_RATE, span["end"] / SAMPLE_RATE) for span in found)
            if sum(end - start for start, end in spans) >= MIN_SPEECH_SECONDS:
                return spans
            return self._strained(voice)

    def _strained(self, voice: Waveform) -> Intervals:
        """Stretches that may be speech, if together they are long enough to be more than a sound or two."""
        loudest = float(np.abs(voice.samples).max(initial=0.0))
        if loudest < SILENCE:
            return ()
        level = torch.from_numpy(voice.samples * np.float32(FULL_LEVEL / loudest))
        chunks = nn.functional.pad(level, (0, -len(level) % DETECTOR_CHUNK)).view(-1, 1, DETECTOR_CHUNK)
        self.detector.reset_states()
        likely = np.array([self.detector(chunk, SAMPLE_RATE).item() for chunk in chunks]) >= STRAINED
        step = DETECTOR_CHUNK / SAMPLE_RATE
        if likely.sum() * step < MIN_STRAINED_SECONDS:
            return ()
        at = np.flatnonzero(likely)
        pieces = np.split(at, np.flatnonzero(np.diff(at) * step > WORD_MARGIN) + 1)
        return tuple((float(piece[0] * step), min(float((piece[-1] + 1) * step), voice.duration)) for piece in pieces)

    def listen(self, voice: Waveform, with_states: bool = True, intervals: Intervals | None = None) -> Speech:
        """Speech intervals, words with times and, unless nobody needs them, encoder states of a voice of any length.

        Args:
            intervals: of speech, if they are known already.
        """
        intervals = self.intervals(voice) if intervals is None else intervals
        if not intervals:
            return NO_SPEECH
        states, words = self._hear(voice, intervals, with_states, with_words=True)
        return Speech(intervals, Transcript(words), states)

    def words(self, voice: Waveform, intervals: Intervals = ()) -> tuple[Word, ...]:
        """The words that Whisper understood.

        Args:
            intervals: of speech; without them all of it is read, and on silence Whisper invents some.
        """
        return self._hear(voice, intervals or ((0.0, voice.duration),), with_states=False, with_words=True)[1]

    def states(self, voice: Waveform, intervals: Intervals = ()) -> np.ndarray:
        """Block outputs float32 [4, T, 384] alone, for training on voices whose words are not needed.

        Args:
            intervals: of speech; they matter only to voices longer than a window (see ``windows``).
        """
        return self._hear(voice, intervals, with_states=True, with_words=False)[0]

    def _hear(
        self, voice: Waveform, intervals: Intervals, with_states: bool, with_words: bool
    ) -> tuple[np.ndarray, tuple[Word, ...]]:
        """States and words, as far as they are asked for: one spectrogram, and each window is encoded once for both.

        One clip at a time: calls from several threads wait for each other.
        """
        with self._lock, torch.inference_mode():
            mel = self.spectrogram(voice)
            frames = mel.shape[1] - N_FRAMES
            states = np.zeros(
                (self.model.dims.n_audio_layer, -(-frames // 2) if with_states else 0, STATE_WIDTH), np.float32
            )
            same_bands = self.transcriber.dims.n_mels == self.model.dims.n_mels
            reader = Reader(
                self.transcriber, mel if same_bands else self.spectrogram(voice, self.transcriber), self.language
            )
            segments: list[Segment] = []
            for start, end in windows(frames, intervals):
                encoded = None
                if with_states:
                    encoded, found = self.encoder.hear(window(mel, start, end))
                    first, last = start // 2, -(-end // 2)
                    states[:, first:last] = found[1:, : last - first].cpu().numpy()
                span = start / FRAMES_PER_SECOND, end / FRAMES_PER_SECOND
                spoken = within(intervals, *span)
                if with_words and spoken:
                    readings = reader.read(start, end, encoded if self.transcriber is self.model else None)
                    segments += believed(readings, spoken, span, reader.read_alone)
                if frames > MAX_WINDOW_FRAMES:
                    give_back()  # what a window needs is a tenth of what is kept after ten of them
            return states, placed(segments, within(intervals, 0.0, voice.duration))

    def spectrogram(self, voice: Waveform, model: Whisper | None = None) -> Tensor:
        """[bands, frames], as ``whisper.transcribe`` makes it: of the voice with 30 s of silence behind it."""
        model = model or self.model
        return whisper_spectrogram(voice, model.dims.n_mels, model.device)
