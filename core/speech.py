"""The spoken part of a clip: when somebody speaks, which words, and what Whisper's encoder heard.

The encoder of Whisper tiny.en runs once a window and serves twice: the transcript is decoded from its
output, and the outputs of its blocks are the voice features of both fusion models.
"""

import copy
import threading
from dataclasses import dataclass
from itertools import chain

import numpy as np
import silero_vad
import torch
import whisper
from torch import Tensor, nn
from whisper.audio import N_FRAMES, N_SAMPLES

from core.media import SAMPLE_RATE, SILENCE, Voice
from core.stopping import checkpoint
from core.weights import SILERO_VAD, locate
from core.whisper_weights import load_tiny_en

STATE_RATE = 50  # encoder states a second: one of two mel frames
STATE_WIDTH = 384
SHORTEST_SPEECH = 0.25  # seconds; less is a click, not a word
WORD_MARGIN = 0.5  # seconds; a word farther from all detected speech than this was invented by Whisper

DETECTOR_CHUNK = 512  # samples that the detector judges at once
STRAINED = 0.15  # probability of speech that is enough at a second look; 0.5 at the first
SHORTEST_STRAINED = 0.15  # seconds of it; tones and music reach 0.1 at most
FULL_LEVEL = 0.9  # loudest sample at a second look


@dataclass(frozen=True)
class Word:
    """A spoken word: ``start`` and ``end`` in seconds, ``probability`` that Whisper gave it, in [0, 1]."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Transcript:
    """The words in order of time."""

    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """All words with single spaces between them."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Speech:
    """What was heard.

    Attributes:
        intervals: (start, end) in seconds of each stretch of speech; empty if nobody speaks.
        transcript: the words, without any if nobody speaks.
        states: float32 [4, T, 384], outputs of the encoder's four blocks, 50 a second; T covers the voice.
    """

    intervals: tuple[tuple[float, float], ...]
    transcript: Transcript
    states: np.ndarray


NO_SPEECH = Speech((), Transcript(), np.zeros((4, 0, STATE_WIDTH), np.float32))
"""Nobody speaks."""


class RememberingEncoder(nn.Module):
    """Whisper's encoder, with the outputs of its blocks, run once on each input however often it is asked."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []  # mel, output, block outputs

    def forward(self, mel: Tensor) -> Tensor:  # [1, 80, 3000] -> [1, 1500, 384]
        return self.run(mel)[0]

    def run(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Output [1, 1500, 384] and block outputs [blocks, 1500, 384] of a mel window [1, 80, 3000]."""
        for seen, output, states in self._seen:
            if torch.equal(seen, mel):
                return output, states
        collected: list[Tensor] = []
        hooks = [
            block.register_forward_hook(lambda _module, _inputs, output: collected.append(output[0]))
            for block in self.encoder.blocks
        ]
        try:
            output = self.encoder(mel)
        finally:
            for hook in hooks:
                hook.remove()
        self._seen.append((mel, output, torch.stack(collected)))
        return output, self._seen[-1][2]

    def forget(self) -> None:
        """Lets go of everything remembered."""
        self._seen.clear()


class Listener:
    """Hears speech in a voice. One clip at a time: calls from several threads wait for each other.

    Args:
        transcriber: "tiny.en" from the packaged weights, or any name of openai-whisper, which downloads it
            where there is internet. The voice features are tiny.en's in either case.
        device: where Whisper runs.
    """

    def __init__(self, transcriber: str = "tiny.en", device: str = "cpu"):
        self.model = load_tiny_en().to(device)
        self.model.encoder = self.encoder = RememberingEncoder(self.model.encoder)
        self.transcriber = self.model if transcriber == "tiny.en" else whisper.load_model(transcriber, device)
        self.language = "en" if transcriber.endswith(".en") else None
        locate(SILERO_VAD)
        self.detector = silero_vad.load_silero_vad()
        self._lock = threading.Lock()
        # Before each window and each word: a visitor who has left is not listened to.
        for part in (self.encoder.encoder, self.transcriber.decoder):
            part.register_forward_pre_hook(checkpoint)

    def twin(self) -> "Listener":
        """A second listener over the same weights: both may listen at the same time."""
        twin = copy.copy(self)
        shared = {id(tensor): tensor for tensor in chain(self.model.parameters(), self.model.buffers())}
        twin.model = copy.deepcopy(self.model, shared)
        twin.encoder = twin.model.encoder
        twin.encoder.forget()
        twin.transcriber = twin.model if self.transcriber is self.model else self.transcriber
        twin.detector = silero_vad.load_silero_vad()
        twin._lock = threading.Lock() if twin.transcriber is twin.model else self._lock
        return twin

    def intervals(self, voice: Voice) -> tuple[tuple[float, float], ...]:
        """(start, end) in seconds of each stretch of speech, by Silero's voice activity detector.

        It learned from people who talk. Where it hears nothing, a second look at full level takes less for speech:
        shouts, sobs and voices in noise.
        """
        with self._lock, torch.inference_mode():
            found = silero_vad.get_speech_timestamps(
                torch.from_numpy(voice.samples), self.detector, sampling_rate=SAMPLE_RATE
            )
            spans = tuple((span["start"] / SAMPLE_RATE, span["end"] / SAMPLE_RATE) for span in found)
            if sum(end - start for start, end in spans) >= SHORTEST_SPEECH:
                return spans
            return self._strained(voice)

    def _strained(self, voice: Voice) -> tuple[tuple[float, float], ...]:
        """Stretches that may be speech, if together they are long enough to be more than a sound or two."""
        loudest = float(np.abs(voice.samples).max(initial=0.0))
        if loudest < SILENCE:
            return ()
        level = torch.from_numpy(voice.samples * np.float32(FULL_LEVEL / loudest))
        chunks = nn.functional.pad(level, (0, -len(level) % DETECTOR_CHUNK)).view(-1, 1, DETECTOR_CHUNK)
        self.detector.reset_states()
        likely = np.array([self.detector(chunk, SAMPLE_RATE).item() for chunk in chunks]) >= STRAINED
        step = DETECTOR_CHUNK / SAMPLE_RATE
        if likely.sum() * step < SHORTEST_STRAINED:
            return ()
        at = np.flatnonzero(likely)
        pieces = np.split(at, np.flatnonzero(np.diff(at) * step > WORD_MARGIN) + 1)
        return tuple((float(piece[0] * step), min(float((piece[-1] + 1) * step), voice.duration)) for piece in pieces)

    def listen(self, voice: Voice) -> Speech:
        """Speech intervals, words with times and encoder states of a voice of any length."""
        intervals = self.intervals(voice)
        if not intervals:
            return NO_SPEECH
        with self._lock:
            try:
                states = self._states(voice)
                words = self._words(voice)
            finally:
                self.encoder.forget()
        heard = [w for w in words if any(w.start < e + WORD_MARGIN and w.end > s - WORD_MARGIN for s, e in intervals)]
        return Speech(intervals, Transcript(tuple(heard)), states)

    def words(self, voice: Voice) -> list[Word]:
        """Whisper's words, whether or not anybody speaks: on silence it invents some."""
        with self._lock:
            try:
                return self._words(voice)
            finally:
                self.encoder.forget()

    def states(self, voice: Voice) -> np.ndarray:
        """Block outputs float32 [4, T, 384] alone, for training on voices whose words are not needed."""
        with self._lock:
            try:
                return self._states(voice)
            finally:
                self.encoder.forget()

    @torch.inference_mode()
    def _states(self, voice: Voice) -> np.ndarray:
        # The very windows that ``transcribe`` computes, so that its first one is remembered: the spectrogram of the
        # voice with 30 s of silence behind it, the silence cut off again and zeros put in its place.
        mel = whisper.log_mel_spectrogram(voice.samples, padding=N_SAMPLES, device=self.model.device)[:, :-N_FRAMES]
        steps = -(-mel.shape[1] // 2)
        windows = [
            self.encoder.run(whisper.pad_or_trim(mel[:, start : start + N_FRAMES], N_FRAMES)[None])[1].cpu()
            for start in range(0, mel.shape[1], N_FRAMES)
        ]
        return torch.cat(windows, 1)[:, :steps].numpy()

    def _words(self, voice: Voice) -> list[Word]:
        result = whisper.transcribe(
            self.transcriber, voice.samples, language=self.language, fp16=False, temperature=0.0,
            condition_on_previous_text=False, word_timestamps=True, verbose=None,
        )  # fmt: skip
        spoken = [word for segment in result["segments"] for word in segment["words"] if word["word"].strip()]
        return [
            Word(w["word"].strip(), float(w["start"]), min(float(w["end"]), voice.duration), float(w["probability"]))
            for w in spoken
        ]
