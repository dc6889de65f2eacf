"""A sound track -> one voice at 16 kHz: on the clip's clock, its gaps as silence, its channels mixed so that no voice
is lost.

The channels' mean is taken as long as it holds what they hold. Channels in opposite phase cancel each other in it, and
a loud noise in one of them covers a voice in another: then they are turned over, or one of them is taken alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import av
import numpy as np

from core.media.clock import Clock
from core.media.container import BROKEN, MediaError, decoded, opened, packets, shown
from core.media.tracks import ENOUGH, HALF, MAX_CLIP_SECONDS, Measure, Track, chosen_sentence, ordinal, speech_like

SAMPLE_RATE = 16_000  # Hz, what Whisper and the voice features expect
SILENCE = 1e-4  # a sound track that never leaves +-this is digital silence
RATES = (2_000, 768_000)  # Hz of a sound track
LATE = 0.1  # seconds by which sound may lie behind its timestamps before the gap is filled with silence
EARLY = 0.5  # and before them until it is left out: clocks of microphones run a little faster than those of recorders
SHORT = 4096  # samples of a packet; shorter ones, as those of all usual codecs, are collected
COLLECTED = 16_384  # samples
MAX_SAMPLES = 1 << 20  # of one packet: some formats make gigabytes of silence from a few bytes
MAX_CHANNELS = 16  # whose likeness is measured
MAX_TRIED = 8  # channels that are listened to one by one
ALIKE = 0.5  # correlation from which on no channel is lost in the mean
OPPOSITE = 4.0  # times the mean's energy that channels must have when some are turned over
SPOKEN = 0.25  # seconds; less is nobody speaking


@dataclass(frozen=True)
class Waveform:
    """The sound track: ``samples`` float32 [N] mono at 16 kHz in [-1, 1], starting at 0 s of the clip."""

    samples: np.ndarray

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def silent(self) -> bool:
        """Whether this is digital silence: a muted microphone rather than a quiet room."""
        return bool(np.abs(self.samples).max(initial=0.0) < SILENCE)


@dataclass(frozen=True)
class Heard:
    """A sound track as it was read.

    Attributes:
        voice: None if nothing of it could be decoded.
        damaged: whether parts of it could not.
        likeness: float64 [C, C], energies that the channels share; None for one channel, or too many.
        said: sentences on how its channels were mixed, if not as usual.
    """

    voice: Waveform | None
    damaged: bool
    likeness: np.ndarray | None = None
    said: tuple[str, ...] = ()


def choose_sound(
    path: Path, tracks: Sequence[Track], clock_of: Callable[[Track], Clock], voiced: Measure | None = None
) -> tuple[Track | None, Heard, tuple[str, ...]]:
    """The track of sound that is read, what is heard on it, and sentences where there was a choice.

    The file's default, else its first, is read unless somebody speaks on another for more than twice as long.
    """
    tracks = sorted((track for track in tracks if not track.pictures), key=lambda track: not track.default)
    best: Track | None = None
    heard, spoken, reason = Heard(None, False), 0.0, ""
    for track in tracks:
        other = read_mixed(path, track, clock_of(track), voiced)
        seconds = _spoken(other.voice, voiced) if len(tracks) > 1 else 0.0
        if best is None or _better(other.voice, seconds, heard.voice, spoken):
            if best is not None:
                reason = f"nobody speaks on the {ordinal(best.number)}" if spoken < SPOKEN else "more is said on it"
            elif track.number:
                reason = "the file marks it as the one to play"
            best, heard, spoken = track, other, seconds
        if other.voice and seconds >= max(SPOKEN, ENOUGH * other.voice.duration):
            break
    if best is None or len(tracks) < 2:
        return best, heard, heard.said
    return best, heard, (chosen_sentence("sound tracks", len(tracks), best.number, reason), *heard.said)


def _better(voice: Waveform | None, seconds: float, than: Waveform | None, spoken: float) -> bool:
    """Whether a track, or a mixture of channels, is to be read rather than the one that is preferred."""
    if voice is None or than is None or voice.silent != than.silent:
        return voice is not None and (than is None or than.silent)
    return seconds >= SPOKEN and seconds * HALF > spoken


def _spoken(voice: Waveform | None, voiced: Measure | None) -> float:
    """Seconds in which somebody speaks."""
    return 0.0 if voice is None or voice.silent else (voiced or speech_like)(voice.samples)


def read_mixed(path: Path, track: Track, clock: Clock, voiced: Measure | None = None) -> Heard:
    """A track of sound, its channels mixed in the way that loses no voice."""
    heard = read_voice(path, track, clock)
    likeness = heard.likeness
    if likeness is None or not np.isfinite(likeness).all() or not likeness.any():
        return heard
    energies = likeness.diagonal()
    loud = np.flatnonzero(energies > 1e-6 * energies.max())
    scale = np.sqrt(energies[loud])
    if (likeness[np.ix_(loud, loud)] / np.outer(scale, scale)).min() > ALIKE:
        return heard
    spoken = _spoken(heard.voice, voiced)
    channels = len(likeness)
    turned = np.where(np.linalg.eigh(likeness)[1][:, -1] < 0, -1.0, 1.0)
    turned *= np.sign(turned.sum()) or turned[0]
    if turned @ likeness @ turned >= OPPOSITE * likeness.sum():
        other = read_voice(path, track, clock, turned / channels)
        if not _better(heard.voice, spoken, other.voice, _spoken(other.voice, voiced)):
            return replace(other, said=("Channels of the sound track are in opposite phase: they were turned over.",))
    if min(spoken, _spoken(heard.voice, speech_like)) < SPOKEN:
        for channel in loud[np.argsort(-energies[loud])][:MAX_TRIED]:
            other = read_voice(path, track, clock, np.eye(channels)[channel])
            if min(_spoken(other.voice, voiced), _spoken(other.voice, speech_like)) >= max(SPOKEN, HALF * spoken):
                said = f"Of the sound track only the {ordinal(channel)} channel was read"
                return replace(other, said=(f"{said}: nobody is to be understood in all of them together.",))
    return heard


def read_voice(path: Path, track: Track, clock: Clock, weights: np.ndarray | None = None) -> Heard:
    """A track of sound at 16 kHz mono on the clip's clock, gaps as silence.

    Args:
        weights: [C], what each channel counts; None for their mean.

    Raises:
        MediaError: ``unsupported``, its rate is that of no sound.
    """
    damage: list[bool] = []
    with opened(path) as container:
        stream = container.streams[track.index]
        stream.codec_context.options = {"max_samples": str(MAX_SAMPLES)}
        reader, recording = clock.reader(), _Recording(weights)
        for packet in islice(packets(container, [stream], damage), track.read):
            for frame in decoded(packet, damage):
                if not RATES[0] <= frame.sample_rate <= RATES[1]:
                    said = f"{shown(path)} has sound of {frame.sample_rate:,} samples a second, which cannot be read."
                    raise MediaError("unsupported", said)
                try:
                    recording.add(frame, None if frame.time is None else reader.at(frame.time))
                except BROKEN:
                    damage.append(True)
            if recording.full:
                break
        samples = recording.finish()
    return Heard(None if samples is None else Waveform(samples), bool(damage), recording.likeness)


class _Recording:
    """Puts frames of sound one behind the other, each at its time.

    Attributes:
        likeness: see ``Heard``.
    """

    def __init__(self, weights: np.ndarray | None):
        self.likeness: np.ndarray | None = None
        self._weights = weights
        self._samples = np.zeros(int(MAX_CLIP_SECONDS * SAMPLE_RATE), np.float32)
        self._written = 0
        self._begun = self._compared = False
        self._rate = 0
        self._resampler: av.AudioResampler | None = None
        self._short: av.AudioFifo | None = None  # frames that are collected; their format
        self._form: tuple[str, str] | None = None

    @property
    def full(self) -> bool:
        """Whether the longest clip is recorded."""
        return self._written >= len(self._samples)

    def add(self, frame: av.AudioFrame, time: float | None) -> None:
        """Takes the next frame; ``time`` in seconds of the clip, None if it is not known."""
        if frame.sample_rate != self._rate:
            self._end_rate()
            self._rate, self._resampler = frame.sample_rate, av.AudioResampler("flt", "mono", SAMPLE_RATE)
        overlap = 0
        if time is not None:
            waiting = self._short.samples * SAMPLE_RATE // self._rate if self._short else 0
            late = round(time * SAMPLE_RATE) - self._written - waiting
            if late > (LATE * SAMPLE_RATE if self._begun else 0):
                self._take_short()
                self._write(np.zeros(late, np.float32))
            elif late < -EARLY * SAMPLE_RATE:
                overlap = -late * self._rate // SAMPLE_RATE
        if overlap >= frame.samples:
            return
        self._begun = True
        form = frame.format.name, frame.layout.name
        alone = frame.samples >= SHORT or overlap > 0
        if alone or form != self._form:
            self._take_short()
        if alone:
            self._take(frame, overlap)
            return
        self._short, self._form = self._short or av.AudioFifo(), form
        frame.pts = None
        self._short.write(frame)
        if self._short.samples >= COLLECTED:
            self._take_short()

    def finish(self) -> np.ndarray | None:
        """All samples float32 [N] in [-1, 1]; None if there are none."""
        self._end_rate()
        return np.clip(np.nan_to_num(self._samples[: self._written]), -1.0, 1.0) if self._written else None

    def _mono(self, frame: av.AudioFrame) -> np.ndarray:
        """The channels, of which there may be any number, weighted or as their mean: FFmpeg's own downmix makes two
        equal channels louder than either. float32 [N] at the frame's rate."""
        channels = frame.layout.nb_channels
        packed = _packed(frame).reshape(-1, channels)
        scale = np.float32(1 / (1 << (8 * packed.itemsize - 1))) if packed.dtype.kind in "iu" else np.float32(1)
        middle = np.float32(128 if packed.dtype == np.uint8 else 0)
        if 1 < channels <= MAX_CHANNELS:
            self._compare(np.nan_to_num((packed.astype(np.float32) - middle) * scale))
        if self._weights is None or len(self._weights) != channels:
            return (packed.mean(1, np.float32) - middle) * scale
        return ((packed.astype(np.float32) - middle) * scale) @ self._weights.astype(np.float32)

    def _compare(self, channels: np.ndarray) -> None:
        """Adds what channels float32 [N, C] share; those of a track that changes their number are not compared."""
        if not self._compared:
            self._compared, self.likeness = True, np.zeros((channels.shape[1], channels.shape[1]))
        if self.likeness is not None:
            same = len(self.likeness) == channels.shape[1]
            self.likeness = self.likeness + channels.T @ channels if same else None

    def _take(self, frame: av.AudioFrame, overlap: int = 0) -> None:
        """Writes a frame without the samples that were heard already."""
        mono = self._mono(frame)[overlap:]
        # Without a timestamp: a broken one must not stop the resampler.
        mixed = av.AudioFrame.from_ndarray(mono[None], "flt", "mono")
        mixed.sample_rate = self._rate
        assert self._resampler is not None  # since ``add`` has seen a frame
        for part in self._resampler.resample(mixed):
            self._write(part.to_ndarray()[0])

    def _take_short(self) -> None:
        """Writes the frames that were collected."""
        short, self._short = self._short, None
        frame = short.read() if short is not None and short.samples else None
        if frame is not None:
            self._take(frame)

    def _end_rate(self) -> None:
        """Writes what is left of sound of one rate."""
        self._take_short()
        for part in self._resampler.resample(None) if self._resampler else ():
            self._write(part.to_ndarray()[0])

    def _write(self, piece: np.ndarray) -> None:
        piece = piece[: len(self._samples) - self._written]
        self._samples[self._written : self._written + len(piece)] = piece
        self._written += len(piece)


def _packed(frame: av.AudioFrame) -> np.ndarray:
    """The samples of all channels, one after another in time."""
    if frame.format.is_packed:
        return frame.to_ndarray()
    if frame.layout.nb_channels < 8:
        return np.ascontiguousarray(frame.to_ndarray().T)
    # PyAV reads past the end of planar frames with eight channels or more.
    parts = av.AudioResampler(format="flt").resample(frame)
    return np.concatenate([part.to_ndarray()[0] for part in parts]) if parts else np.zeros(0, np.float32)
