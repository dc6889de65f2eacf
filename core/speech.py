"""The spoken part of a clip: when somebody speaks, which words, and what Whisper's encoder heard.

The encoder of Whisper tiny.en runs once a window and serves twice: the transcript is decoded from its
output, and the outputs of its blocks are the voice features of both fusion models. A window holds at most 28 s
and little more of it is encoded than its sound, though Whisper pads it to 30 s.
"""

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import torch
import torch.nn.functional as F
import whisper
from torch import Tensor, nn
from whisper.audio import FRAMES_PER_SECOND, HOP_LENGTH, N_FRAMES, N_SAMPLES
from whisper.decoding import DecodingOptions, DecodingResult
from whisper.model import MultiHeadAttention, Whisper

from core.media import SAMPLE_RATE, SILENCE, Voice
from core.stopping import checkpoint
from core.weights import SILERO_VAD, locate
from core.whisper_weights import load_tiny_en

_threads = torch.get_num_threads()
import silero_vad  # noqa: E402

torch.set_num_threads(_threads)  # importing it leaves the whole process with one

STATE_RATE = 50  # encoder states a second: one of two mel frames
STATE_WIDTH = 384
SHORTEST_SPEECH = 0.25  # seconds; less is a click, not a word
POSITIONS = N_FRAMES // 2  # of Whisper's encoder in a window of 30 s: one of two mel frames
SLACK = 96  # positions of padding that are computed behind the sound of a window: 1.9 s
LONGEST_WINDOW = N_FRAMES - 2 * SLACK  # mel frames: 28 s
LEAD = 0.5  # seconds of a pause that a window begins with
MOST_REPETITIVE = 2.4  # text over its gzipped size, openai-whisper's own threshold
LEAST_PROBABLE = -1.0  # mean logarithm of the probabilities of a window's tokens, as well
WORD_MARGIN = 0.5  # seconds; a word farther from all detected speech than this was invented by Whisper

DETECTOR_CHUNK = 512  # samples that the detector judges at once
STRAINED = 0.15  # probability of speech that is enough at a second look; 0.5 at the first
SHORTEST_STRAINED = 0.15  # seconds of it; tones and music reach 0.1 at most
FULL_LEVEL = 0.9  # loudest sample at a second look
Intervals = tuple[tuple[float, float], ...]
"""(start, end) in seconds of each stretch of speech, in order of time."""


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


class WindowEncoder(nn.Module):
    """Whisper's encoder, run on little more of its 30 s window than holds sound, once however often it is asked.

    Whisper pads every window to 30 s, and what it computes of the padding hardly depends on the sound before it. So
    the keys and values of the padding, which the sound looks at, and the output there are computed once, behind a
    hum; only the sound and ``SLACK`` positions behind it are computed anew. Without the padding in sight, Whisper
    repeats itself.
    """

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self._padding: list[tuple[Tensor, Tensor]] = []  # keys and values [1, 1500, 384] in each block
        self._padding_output = torch.zeros(0)
        self._heard: list[tuple[Tensor, Tensor]] = []  # mel, output

    def forward(self, mel: Tensor) -> Tensor:
        """Output [1, 1500, 384] of a mel window [1, 80, 3000] that is zero behind its sound."""
        for heard, output in self._heard:
            if torch.equal(heard, mel):
                return output
        return self.hear(mel)[0]

    def hear(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Output [1, 1500, 384] and block outputs [blocks, T, 384], T covering the sound; the output is remembered."""
        checkpoint()
        if not self._padding:
            self._hear_padding(mel.device)
        output, states = self._run(mel, positions_of(mel))
        self._heard.append((mel, output))
        return output, states

    def widen(self, mel: Tensor) -> bool:
        """Computes a window anew with all of its padding, for those who ask from now on; False if it holds none."""
        if positions_of(mel) == POSITIONS:
            return False
        kept = [(heard, output) for heard, output in self._heard if not torch.equal(heard, mel)]
        self._heard = [*kept, (mel, self._run(mel, POSITIONS)[0])]
        return True

    def forget(self) -> None:
        """Lets go of everything remembered."""
        self._heard.clear()

    def _hear_padding(self, device: torch.device) -> None:
        mel = whisper.log_mel_spectrogram(hum(), padding=N_SAMPLES, device=device)[:, :-N_FRAMES]
        padding: list[tuple[Tensor, Tensor]] = []
        self._padding_output = self._run(whisper.pad_or_trim(mel, N_FRAMES)[None], POSITIONS, padding)[0]
        self._padding = padding

    def _run(self, mel: Tensor, positions: int, seen: list | None = None) -> tuple[Tensor, Tensor]:
        """The first ``positions`` computed, the padding's put behind them; keys and values are added to ``seen``."""
        encoder = self.encoder
        x = F.gelu(encoder.conv1(mel[:, :, : 2 * positions + 4]))  # a little more: nothing may end where this does
        x = F.gelu(encoder.conv2(x)).mT[:, :positions] + encoder.positional_embedding[:positions]
        states = []
        for number, block in enumerate(encoder.blocks):
            normal = block.attn_ln(x)
            query, key, value = block.attn.query(normal), block.attn.key(normal), block.attn.value(normal)
            if seen is not None:
                seen.append((key, value))
            elif positions < POSITIONS:
                behind = self._padding[number]
                key, value = (
                    torch.cat([own, b[:, positions:]], 1) for own, b in zip((key, value), behind, strict=True)
                )
            heads = (y.unflatten(2, (block.attn.n_head, -1)).transpose(1, 2) for y in (query, key, value))
            attended = F.scaled_dot_product_attention(*heads)  # [1, H, positions, D]
            x = x + block.attn.out(attended.transpose(1, 2).flatten(2))
            x = x + block.mlp(block.mlp_ln(x))
            states.append(x[0])
        output = encoder.ln_post(x)
        if positions < POSITIONS:
            output = torch.cat([output, self._padding_output[:, positions:]], 1)
        return output, torch.stack(states)


def positions_of(mel: Tensor) -> int:
    """Encoder positions (two mel frames each) to be computed of a window [1, 80, 3000]: its sound and some slack."""
    sounding = mel[0].any(0).nonzero()  # padding is exactly 0, the spectrogram of silence is not
    frames = int(sounding[-1]) + 1 if len(sounding) else 0
    return min(-(-frames // 2) + SLACK, POSITIONS)


def hum() -> np.ndarray:
    """1.5 s at 16 kHz of harmonics that rise and fall a little like a voice; float32."""
    time = np.arange(round(1.5 * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * time)) / SAMPLE_RATE
    tones = [np.sin(k * phase) / k * (1 + 0.5 * np.sin(2 * np.pi * (2 + k / 5) * time)) for k in range(1, 25)]
    syllables = np.clip(np.sin(4 * np.pi * time) + 0.3, 0, 1)
    room = 0.002 * np.random.default_rng(0).standard_normal(len(time))
    return (0.1 * sum(tones) * syllables + room).astype(np.float32)


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


class Listener:
    """Hears speech in a voice. One clip at a time: calls from several threads wait for each other.

    Args:
        transcriber: "tiny.en" from the packaged weights, or any name of openai-whisper, which downloads it
            where there is internet. The voice features are tiny.en's in either case.
        device: where Whisper runs.
    """

    def __init__(self, transcriber: str = "tiny.en", device: str = "cpu"):
        self.model = prepare(load_tiny_en().to(device))
        self.model.encoder = self.encoder = WindowEncoder(self.model.encoder)
        self.model.decode = self._decode
        own = transcriber == "tiny.en"
        self.transcriber = self.model if own else prepare(whisper.load_model(transcriber, device))
        self.language = "en" if transcriber.endswith(".en") else None
        locate(SILERO_VAD)
        self.detector = silero_vad.load_silero_vad()
        self._lock = threading.Lock()
        # Before each word, as before each window: a visitor who has left is not listened to.
        self.transcriber.decoder.register_forward_pre_hook(checkpoint)

    def twin(self) -> "Listener":
        """A second listener over the same weights: both may listen at the same time."""
        twin = copy.copy(self)
        shared = {id(tensor): tensor for tensor in chain(self.model.parameters(), self.model.buffers())}
        twin.model = copy.deepcopy(self.model, shared | {id(self): twin})  # whose decoding is the twin's
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
        with self._listening():
            states = self._states(voice, intervals)
            words = self._words(voice, intervals)
        heard = [w for w in words if any(w.start < e + WORD_MARGIN and w.end > s - WORD_MARGIN for s, e in intervals)]
        return Speech(intervals, Transcript(tuple(heard)), states)

    def words(self, voice: Voice) -> list[Word]:
        """Whisper's words, whether or not anybody speaks: on silence it invents some."""
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
        spoken = [word for segment in result["segments"] for word in segment["words"] if word["word"].strip()]
        return [
            Word(w["word"].strip(), float(w["start"]), min(float(w["end"]), voice.duration), float(w["probability"]))
            for w in spoken
        ]

    def _decode(self, mel: Tensor, options: DecodingOptions) -> DecodingResult:
        """The tokens of a window [80, 3000], which ``transcribe`` asks for; once more with all padding if they are bad.

        Bad is what openai-whisper itself finds too repetitive or too improbable.
        """
        result = whisper.decode(self.model, mel, options)
        if result.compression_ratio > MOST_REPETITIVE or result.avg_logprob < LEAST_PROBABLE:
            if self.encoder.widen(mel[None]):
                result = whisper.decode(self.model, mel, options)
        return result
