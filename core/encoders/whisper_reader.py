"""Whisper as a reader of one spectrogram: words with times, stretch by stretch.

``whisper.transcribe`` makes a spectrogram of its own and encodes each window of it anew. Here one spectrogram, and one
run of the encoder on each of its windows, serve both the words and whoever needs the encoder's states; and a stretch
can be read without what was read before it.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import whisper
from torch import Tensor
from torch.nn.functional import pad
from whisper.audio import FRAMES_PER_SECOND, N_FRAMES
from whisper.decoding import DecodingOptions, DecodingResult
from whisper.model import Whisper
from whisper.timing import add_word_timestamps
from whisper.tokenizer import Tokenizer, get_tokenizer

from core.encoders.transcript import Reading, Segment, Word
from core.encoders.warping import teach_whisper
from core.encoders.whisper_encoder import FRAMES_A_STATE

teach_whisper()

SILENT, SILENT_LOGPROB = 0.6, -1.0  # Whisper's own: a reading less likely than this of what may be silence is none
MIN_PROGRESS = FRAMES_PER_SECOND  # mel frames between the beginnings of two readings of a window: bounds their number
MIN_REST = FRAMES_PER_SECOND // 4  # mel frames; what is left of a window when a reading ends is read if it is longer
PIECES_AT_A_TIME = 4  # that are encoded and decoded together; between two of them nobody can call it off
MAX_TOKENS = 224  # that Whisper writes in one go
TOKENS_BEFORE, TOKENS_A_SECOND = 12, 12  # more is not said in so many seconds; who reads on is in a loop


class Reader:
    """Reads one spectrogram.

    Args:
        model: as ``whisper_encoder.prepare`` leaves it.
        mel: [bands, frames], as ``whisper.log_mel_spectrogram`` makes it of a whole voice, on the model's device.
        language: None asks Whisper, where it knows several, by the first window that is read.
    """

    def __init__(self, model: Whisper, mel: Tensor, language: str | None):
        self.model = model
        self.mel = mel
        self._language = language
        self._spoken_until = 0.0  # the end of the last word so far, by which Whisper bounds the length of the next

    def read(self, start: int, end: int, encoded: Tensor | None = None) -> list[Reading]:
        """Reads the frames from ``start`` to ``end``, ``N_FRAMES`` at most; often in one go.

        Args:
            encoded: the encoder's output [1, 1500, D] of ``window(mel, start, end)``, if it is there.
        """
        if encoded is None:
            encoded = encode(self.model, self.mel, start, end)
        readings = self._read([(start, end)], encoded)
        while (start := max(readings[-1].end, start + MIN_PROGRESS)) < end - MIN_REST:
            readings += self._read([(start, end)], encode(self.model, self.mel, start, end))
        return readings

    def read_alone(self, pieces: Sequence[tuple[float, float]]) -> list[list[Segment]]:
        """What is said in each (start, end) in seconds, read as if silence were behind it and nothing before it."""
        found: list[list[Segment]] = [[] for _ in pieces]
        frames = self.mel.shape[1]
        unread = [
            (i, min(round(start * FRAMES_PER_SECOND), frames), min(round(end * FRAMES_PER_SECOND), frames))
            for i, (start, end) in enumerate(pieces)
        ]
        while unread:
            batch, unread = unread[:PIECES_AT_A_TIME], unread[PIECES_AT_A_TIME:]
            silence, spans = self.mel.min().item(), [(start, end) for _, start, end in batch]
            encoded = self.model.encoder(torch.cat([window(self.mel, start, end, silence) for start, end in spans]))
            longest = max(end - start for start, end in spans)
            for (i, start, end), reading in zip(batch, self._read(spans, encoded, most_tokens(longest)), strict=True):
                found[i] += reading.segments
                rest = max(reading.end, start + MIN_PROGRESS)
                if rest < end - MIN_REST:
                    unread.append((i, rest, end))
        return found

    def _read(self, spans: Sequence[tuple[int, int]], encoded: Tensor, most: int | None = None) -> list[Reading]:
        """Reads encoded windows [B, 1500, D] that begin with the B spans (start, end) of mel frames."""
        if self._language is None:
            self._language = spoken_language(self.model, encoded[:1])[0]
        half = encoded.dtype == torch.float16
        options = DecodingOptions(language=self._language, temperature=0.0, fp16=half, sample_len=most)
        results = whisper.decode(self.model, encoded, options)
        tokenizer = get_tokenizer(
            self.model.is_multilingual, num_languages=self.model.num_languages, language=self._language,
            task=options.task,
        )  # fmt: skip
        return [
            self._timed(result, output, start, end, tokenizer)
            for result, output, (start, end) in zip(results, encoded, spans, strict=True)
        ]

    def _timed(self, result: DecodingResult, encoded: Tensor, start: int, end: int, tokenizer: Tokenizer) -> Reading:
        """Words with their times, from the encoder's output [1500, D]."""
        if result.no_speech_prob > SILENT and result.avg_logprob <= SILENT_LOGPROB:
            return Reading((), end, result.compression_ratio)
        segments, finished = segmented(result, tokenizer, start, end)
        try:
            add_word_timestamps(
                segments=segments, model=self.model, tokenizer=tokenizer, mel=encoded, num_frames=end - start,
                last_speech_timestamp=min(self._spoken_until, start / FRAMES_PER_SECOND),
            )  # fmt: skip
        finally:
            for block in self.model.decoder.blocks:  # Whisper leaves its hooks there if it is called off
                block.cross_attn._forward_hooks.clear()
        timed = [segment["words"] for segment in segments if segment["words"]]
        until = timed[-1][-1]["end"] if timed else segments[-1]["end"]
        if timed:
            self._spoken_until = max(self._spoken_until, until)
        stop = round(until * FRAMES_PER_SECOND)
        words = (
            tuple(
                Word(w["word"].strip(), float(w["start"]), float(w["end"]), float(w["probability"]))
                for w in segment["words"] if w["word"].strip()
            )
            for segment in segments if segment["start"] < segment["end"]
        )  # fmt: skip
        return Reading(
            segments=tuple(said for said in words if said),
            end=end if finished or stop <= start else stop,
            compression_ratio=result.compression_ratio,
        )


def spoken_language(model: Whisper, encoded: Tensor) -> tuple[str, float]:
    """The likeliest language of an encoded window [1, 1500, D], as Whisper's code, and its probability."""
    if not model.is_multilingual:
        return "en", 1.0
    _, (likely,) = whisper.decoding.detect_language(model, encoded)
    return max(likely.items(), key=lambda item: item[1])


def encode(model: Whisper, mel: Tensor, start: int, end: int) -> Tensor:
    """The encoder's output [1, 1500, D] of ``window(mel, start, end)``, without encoding all of it."""
    return model.encoder(window(mel, start, end, size=model.encoder.frames_for(end - start)))


def window(mel: Tensor, start: int, end: int, beyond: float = 0.0, size: int = N_FRAMES) -> Tensor:
    """[1, bands, size], the frames of a spectrogram from ``start`` to ``end``, at most so many, and ``beyond``."""
    return pad(mel[:, start:end], (0, size - (end - start)), value=beyond)[None]


def most_tokens(frames: int) -> int:
    """How much text may be said in so many mel frames."""
    return min(MAX_TOKENS, round(TOKENS_BEFORE + TOKENS_A_SECOND * frames / FRAMES_PER_SECOND))


def segmented(result: DecodingResult, tokenizer: Tokenizer, start: int, end: int) -> tuple[list[dict], bool]:
    """Whisper's text in segments as ``add_word_timestamps`` takes them, and whether nothing more is said up to ``end``.

    As ``whisper.transcribe`` does: segments lie between marks of time, and a single mark behind the last of them says
    that nobody speaks any more.
    """
    first, tokens = tokenizer.timestamp_begin, result.tokens
    marks = [token >= first for token in tokens]
    cuts = [i for i in range(1, len(tokens)) if marks[i - 1] and marks[i]]
    finished = marks[-2:] == [False, True]

    def seconds(token: int) -> float:
        return (start + (token - first) * FRAMES_A_STATE) / FRAMES_PER_SECOND

    def segment(begin: float, stop: float, part: list[int]) -> dict:
        return {"seek": start, "start": begin, "end": stop, "tokens": part}

    if cuts:
        edges = [0, *cuts, *([len(tokens)] if finished else [])]
        parts = [tokens[i:j] for i, j in pairwise(edges)]
        return [segment(seconds(part[0]), seconds(part[-1]), part) for part in parts], finished
    last = max((token for token, mark in zip(tokens, marks, strict=True) if mark), default=first)
    stop = seconds(last) if last > first else end / FRAMES_PER_SECOND
    return [segment(start / FRAMES_PER_SECOND, stop, tokens)], finished
