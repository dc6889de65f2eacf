"""The spoken part of a clip: when somebody speaks, which words, and what Whisper's encoder heard.

The encoder of Whisper tiny.en runs once a window and serves twice: the transcript is decoded from its
output, and the outputs of its blocks are the voice features of both fusion models.
"""

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import torch
import whisper
from torch import Tensor, nn
from whisper.audio import FRAMES_PER_SECOND, HOP_LENGTH, N_FRAMES, N_SAMPLES
from whisper.model import MultiHeadAttention, Whisper

from core.cancellation import checkpoint
from core.encoders.packaged import SILERO_VAD, locate
from core.encoders.utterance import Transcript, Word
from core.encoders.whisper_weights import load_tiny_en
from core.media.reader import SAMPLE_RATE, SILENCE, Voice

_threads = torch.get_num_threads()
import silero_vad  # noqa: E402

torch.set_num_threads(_threads)  # importing it leaves the whole process with one

STATE_RATE = 50  # encoder states a second: one of two mel frames
STATE_WIDTH = 384
SHORTEST_SPEECH = 0.25  # seconds; less is a click, not a word
LONGEST_WINDOW = N_FRAMES  # mel frames: 30 s
LEAD = 0.5  # seconds of a pause that a window begins with
WORD_MARGIN = 0.5  # seconds; a word farther from all detected speech than this was invented by Whisper

# English that Whisper understands reaches this mean probability of words; other languages, which it reads as English
# all the same, seldom do. It also repeats itself then: such text packs better than this.
UNDERSTOOD = 0.42
REPETITIVE = 2.4

DETECTOR_CHUNK = 512  # samples that the detector judges at once
STRAINED = 0.15  # probability of speech that is enough at a second look; 0.5 at the first
SHORTEST_STRAINED = 0.15  # seconds of it; tones and music reach 0.1 at most
FULL_LEVEL = 0.9  # loudest sample at a second look
Intervals = tuple[tuple[float, float], ...]
"""(start, end) in seconds of each stretch of speech, in order of time."""


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


class RememberingEncoder(nn.Module):
    """Whisper's encoder, with the outputs of its blocks, run once on each input however often it is asked."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self._heard: list[tuple[Tensor, Tensor]] = []  # mel, output

    def forward(self, mel: Tensor) -> Tensor:
        """Output [1, 1500, 384] of a mel window [1, 80, 3000]."""
        for heard, output in self._heard:
            if torch.equal(heard, mel):
                return output
        return self.hear(mel)[0]

    def hear(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Output [1, 1500, 384], which is remembered, and block outputs [blocks, 1500, 384] of a window."""
        checkpoint()
        states: list[Tensor] = []
        hooks = [
            block.register_forward_hook(lambda _module, _inputs, output: states.append(output[0]))
            for block in self.encoder.blocks
        ]
        try:
            output = self.encoder(mel)
        finally:
            for hook in hooks:
                hook.remove()
        self._heard.append((mel, output))
        return output, torch.stack(states)

    def forget(self) -> None:
        """Lets go of everything remembered."""
        self._heard.clear()


class ShownAttention(MultiHeadAttention):
    """Attention that always returns its scores, from which words get their times.

    Whisper's own does only while a switch of the whole process is set, which another thread may set back.
    """

    def qkv_attention(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        q, k, v = (x.unflatten(2, (self.n_head, -1)).transpose(1, 2) for x in (q, k, v))  # [B, H, T, D]
        scores = q @ k.mT / q.shape[3] ** 0.5
        if mask is not None:
            scores = scores + mask[: q.shape[2], : q.shape[2]]
        return (scores.softmax(3) @ v).transpose(1, 2).flatten(2), scores


def prepare(model: Whisper) -> Whisper:
    """Makes a model safe beside others of its kind, and quicker at choosing the next token."""
    for block in model.decoder.blocks:
        shown = ShownAttention(model.dims.n_text_state, model.dims.n_text_head).to(model.device).eval()
        shown.load_state_dict(block.cross_attn.state_dict())
        block.cross_attn = shown
    # The whole vocabulary is multiplied for every token: read in the order in which it lies, in half the time.
    vocabulary = model.decoder.token_embedding.weight
    vocabulary.data = vocabulary.data.T.contiguous().T
    return model


def _copied(model: Whisper) -> Whisper:
    """The same modules over the same weights."""
    return copy.deepcopy(model, {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())})


def windows(frames: int, intervals: Intervals) -> list[tuple[int, int]]:
    """Spans (start, end) of mel frames that cover a voice, none longer than ``LONGEST_WINDOW``.

    A longer voice is cut in the longest pause of the second half of what fits, and hard where there is none: late in
    the pause, since Whisper bears silence behind speech and invents words when a window begins with much of it.
    """
    pauses = [(end, start) for (_, end), (start, _) in pairwise(intervals)]
    spans, begun = [], 0
    while frames - begun > LONGEST_WINDOW:
        latest = begun + LONGEST_WINDOW
        fitting = []
        for end, start in pauses:
            # Soon before the next word: Whisper loses it behind long silence. A state is two frames: cuts are even.
            wanted = max((end + start) / 2, start - LEAD)
            cut = min(2 * round(wanted * FRAMES_PER_SECOND / 2), latest)
            if cut - begun >= LONGEST_WINDOW / 2 and cut >= end * FRAMES_PER_SECOND:
                fitting.append((start - end, cut))
        end = max(fitting)[1] if fitting else latest
        spans.append((begun, end))
        begun = end
    return [*spans, (begun, frames)]


def understood(segments: list[dict]) -> bool:
    """Whether Whisper's segments of one passage are words that it understood, rather than another language or noise.

    Whisper tiny.en knows English alone and makes English of everything. The geometric mean of its words' probabilities
    tells; a loop of sure words is told by how well it packs, Whisper's own measure.
    """
    probabilities = [word["probability"] for segment in segments for word in segment["words"]]
    if not probabilities or max(segment["compression_ratio"] for segment in segments) > REPETITIVE:
        return False
    return float(np.exp(np.log(np.maximum(probabilities, 1e-6)).mean())) >= UNDERSTOOD


def words_near(words: list[Word], intervals: Intervals) -> tuple[Word, ...]:
    """The words within ``WORD_MARGIN`` of some detected speech; Whisper invented the others."""
    return tuple(
        word
        for word in words
        if any(word.start < end + WORD_MARGIN and word.end > start - WORD_MARGIN for start, end in intervals)
    )


class Listener:
    """Hears speech in a voice. One clip at a time: calls from several threads wait for each other.

    Args:
        transcriber: "tiny.en" from the packaged weights, or any name of openai-whisper, which downloads it
            where there is internet. The voice features are tiny.en's in either case.
        device: where Whisper runs; the processor instead of "mps", since it needs sparse tensors and float64.
    """

    def __init__(self, transcriber: str = "tiny.en", device: str = "cpu"):
        device = "cpu" if device == "mps" else device
        self.model = prepare(load_tiny_en().to(device))
        self.model.encoder = self.encoder = RememberingEncoder(self.model.encoder)
        own = transcriber == "tiny.en"
        self.transcriber = self.model if own else prepare(whisper.load_model(transcriber, device))
        self.language = "en" if transcriber.endswith(".en") else None
        locate(SILERO_VAD)
        self.detector = silero_vad.load_silero_vad()
        self._lock = threading.Lock()
        # Before each word, as before each window: a visitor who has left is not listened to.
        self.transcriber.decoder.register_forward_pre_hook(checkpoint)
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

    def intervals(self, voice: Voice) -> Intervals:
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

    def _strained(self, voice: Voice) -> Intervals:
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

    def listen(self, voice: Voice, with_states: bool = True) -> Speech:
        """Speech intervals, words with times and, unless nobody needs them, encoder states of a voice of any length."""
        intervals = self.intervals(voice)
        if not intervals:
            return NO_SPEECH
        with self._listening():
            states = self._states(voice, intervals) if with_states else NO_SPEECH.states
            words = self._words(voice, intervals)
        return Speech(intervals, Transcript(words_near(words, intervals)), states)

    def words(self, voice: Voice) -> list[Word]:
        """The words that Whisper understood, whether or not anybody speaks: on silence it invents some."""
        with self._listening():
            return self._words(voice, ((0.0, voice.duration),))

    def states(self, voice: Voice, intervals: Intervals = ()) -> np.ndarray:
        """Block outputs float32 [4, T, 384] alone, for training on voices whose words are not needed.

        Args:
            intervals: of speech; they matter only to voices longer than a window (see ``windows``).
        """
        with self._listening():
            return self._states(voice, intervals)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """One clip at a time, and nothing of it stays for the next."""
        with self._lock, torch.inference_mode():
            threads = torch.get_num_threads()
            try:
                yield
            finally:
                self.encoder.forget()
                for block in self.transcriber.decoder.blocks:  # Whisper leaves its hooks there if it is called off
                    block.cross_attn._forward_hooks.clear()
                torch.set_num_threads(threads)  # numba, which finds the times of words, sets as many as there are cores

    def _states(self, voice: Voice, intervals: Intervals) -> np.ndarray:
        # The very windows that ``transcribe`` asks for, so that they are remembered: the spectrogram of the voice with
        # 30 s of silence behind it, the silence cut off again and zeros put in its place.
        mel = whisper.log_mel_spectrogram(voice.samples, padding=N_SAMPLES, device=self.model.device)[:, :-N_FRAMES]
        frames = mel.shape[1]
        states = np.zeros((self.model.dims.n_audio_layer, -(-frames // 2), STATE_WIDTH), np.float32)
        for start, end in windows(frames, intervals):
            first, last = start // 2, -(-end // 2)
            found = self.encoder.hear(whisper.pad_or_trim(mel[:, start:end], N_FRAMES)[None])[1]
            states[:, first:last] = found[:, : last - first].cpu().numpy()
        return states

    def _words(self, voice: Voice, intervals: Intervals) -> list[Word]:
        spans = [np.array(span) / FRAMES_PER_SECOND for span in windows(len(voice.samples) // HOP_LENGTH, intervals)]
        spoken = [span for span in spans if any(start < span[1] and end > span[0] for start, end in intervals)]
        result = whisper.transcribe(
            self.transcriber, voice.samples, language=self.language, fp16=False, temperature=0.0,
            condition_on_previous_text=False, word_timestamps=True, verbose=None,
            clip_timestamps=np.concatenate(spoken).tolist(),
        )  # fmt: skip
        passages: dict[int, list[dict]] = {}  # what was read at a time
        for segment in result["segments"]:
            passages.setdefault(segment["seek"], []).append(segment)
        heard = [segment for passage in passages.values() if understood(passage) for segment in passage]
        spoken = [word for segment in heard for word in segment["words"] if word["word"].strip()]
        return [
            Word(w["word"].strip(), float(w["start"]), min(float(w["end"]), voice.duration), float(w["probability"]))
            for w in spoken
        ]
