"""Any file a browser, phone or camera makes -> frames with timestamps and a 16 kHz voice.

PyAV (FFmpeg's libraries) does the decoding. Times are presentation timestamps, never frame counts:
browser recordings carry no duration and a varying frame rate.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

SAMPLE_RATE = 16_000  # Hz, what Whisper and the voice features expect
FRAME_RATE = 10.0  # at most so many frames a second are kept
LONGEST_SIDE = 640  # pixels; larger frames are scaled down while decoding
LONGEST_CLIP = 300.0  # seconds; what lies behind is not read
SILENCE = 1e-4  # a sound track that never leaves +-this is digital silence

# Counterclockwise degrees of a display matrix -> how to turn the picture upright.
TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
# First bytes of containers: what tells a truncated recording from something that never was media.
SIGNATURES = {
    0: (b"\x1a\x45\xdf\xa3", b"RIFF", b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"\xff\xf3"),
    4: (b"ftyp", b"moov"),
}


class MediaError(Exception):
    """A file cannot be analysed. ``code`` is for programs, the message is one sentence for people."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Frame:
    """A picture at a time: ``image`` RGB uint8 [H, W, 3], upright; ``time`` in seconds."""

    time: float
    image: np.ndarray


@dataclass(frozen=True)
class Voice:
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
class Clip:
    """What a file holds, before its pictures are decoded.

    Attributes:
        duration: seconds, from the latest timestamp of either stream (headers may lie or say nothing).
        voice: the sound track, or None if there is none.
        has_pictures: whether there are moving pictures (a cover image is none).
        cut: whether the file goes on behind ``LONGEST_CLIP``.
        damaged: whether parts of the sound could not be decoded and were passed over.
    """

    path: Path
    duration: float
    voice: Voice | None
    has_pictures: bool
    cut: bool
    damaged: bool


def open_clip(path: str | Path) -> Clip:
    """Reads the sound track and the timestamps of a file; pictures are left to ``read_frames``.

    Raises:
        MediaError: with the code ``not_found``, ``is_folder``, ``empty``, ``unreadable``, ``not_media``,
            ``truncated``, ``no_streams`` or ``zero_duration``.
    """
    path = Path(path)
    _check(path)
    with _open(path) as container:
        has_pictures = _pictures(container) is not None
        if not has_pictures and not container.streams.audio:
            raise MediaError("no_streams", f"{path.name} holds neither sound nor moving pictures.")
        last_picture = _last_picture_time(container) if has_pictures else 0.0
    with _open(path) as container:
        voice, damaged = _read_voice(container) if container.streams.audio else (None, False)
    duration = max(last_picture, voice.duration if voice else 0.0)
    if duration <= 0:
        if damaged:
            raise MediaError("truncated", f"{path.name} is damaged: nothing in it could be decoded.")
        raise MediaError("zero_duration", f"{path.name} lasts zero seconds.")
    return Clip(path, min(duration, LONGEST_CLIP), voice, has_pictures, duration >= LONGEST_CLIP, damaged)


def read_frames(
    path: str | Path, rate: float = FRAME_RATE, progress: Callable[[float], None] | None = None
) -> Iterator[Frame]:
    """Yields upright RGB frames in order of time, at most ``rate`` a second, no side above 640 pixels.

    ``progress`` is called with the time reached, in seconds. Damaged frames are passed over.
    """
    with _open(Path(path)) as container:
        stream = _pictures(container)
        if stream is None:
            return
        stream.thread_type = "AUTO"
        origin, last_slot = _origin(container), -1
        for frame in _decode(container, stream, []):
            if frame is None or frame.time is None:
                continue
            time = max(frame.time - origin, 0.0)
            # Of each 1/rate seconds the first frame is kept; a millisecond forgives containers that round.
            slot = math.floor((time + 1e-3) * rate)
            if slot <= last_slot:
                continue
            if time > LONGEST_CLIP:
                return
            last_slot = slot
            if progress:
                progress(time)
            yield Frame(time, _upright(frame))


def _check(path: Path) -> None:
    try:
        if not path.exists():
            raise MediaError("not_found", f"{path.name} does not exist.")
        if path.is_dir():
            raise MediaError("is_folder", f"{path.name} is a folder, not a media file.")
        with path.open("rb") as file:
            if not file.read(1):
                raise MediaError("empty", f"{path.name} is empty.")
    except OSError as error:
        raise MediaError("unreadable", f"{path.name} cannot be read: {error.strerror}.") from error


def _open(path: Path):
    try:
        return av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        with path.open("rb") as file:
            head = file.read(16)
        if any(head[at:].startswith(marks) for at, marks in SIGNATURES.items()):
            raise MediaError("truncated", f"{path.name} is cut short or damaged and cannot be read.") from error
        raise MediaError("not_media", f"{path.name} is not a media file that can be read.") from error


def _pictures(container):
    """The first stream of moving pictures; the cover image of a song does not count."""
    cover = av.stream.Disposition.attached_pic
    return next((s for s in container.streams.video if not s.disposition & cover), None)


def _origin(container) -> float:
    """Seconds at which the container's clock starts; sound and pictures share it."""
    return (container.start_time or 0) / av.time_base


def _last_picture_time(container) -> float:
    """Seconds at which the last picture ends, from packets alone: nothing is decoded."""
    stream, last = _pictures(container), 0.0
    try:
        for packet in container.demux(stream):
            if packet.pts is not None:
                last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    except av.FFmpegError:
        pass  # the file ends here
    return max(last - _origin(container), 0.0)


def _decode(container, stream, damage: list[bool]) -> Iterator:
    """Frames of a stream; damaged packets are passed over and leave a mark in ``damage``."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except av.EOFError:
            return
        except av.FFmpegError:
            damage.append(True)
            continue
        yield from frames


def _read_voice(container) -> tuple[Voice | None, bool]:
    """The first sound track at 16 kHz mono, later by as much as its first timestamp says; whether it was damaged."""
    stream = container.streams.audio[0]
    to_rate = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    origin, damage = _origin(container), []
    pieces: list[np.ndarray] = []
    written, longest = 0, int(LONGEST_CLIP * SAMPLE_RATE)
    for frame in _decode(container, stream, damage):
        if not pieces:
            late = round(((frame.time or 0.0) - origin) * SAMPLE_RATE)
            pieces.append(np.zeros(min(max(late, 0), longest), np.float32))
        pieces += [part.to_ndarray()[0] for part in to_rate.resample(_mono(frame))]
        written += len(pieces[-1])
        if written >= longest:
            break
    if not pieces:
        return None, bool(damage)
    pieces += [part.to_ndarray()[0] for part in to_rate.resample(None)]
    samples = np.concatenate(pieces)[:longest].astype(np.float32)
    return Voice(np.clip(np.nan_to_num(samples), -1.0, 1.0)), bool(damage)


def _mono(frame) -> av.AudioFrame:
    """The mean of the channels, of which there may be any number: FFmpeg's own downmix makes two equal channels louder
    than either. The frame has no timestamp: a broken one must not stop the resampler."""
    packed = _packed(frame).reshape(-1, frame.layout.nb_channels)
    scale = np.float32(1 / (1 << (8 * packed.itemsize - 1))) if packed.dtype.kind in "iu" else np.float32(1)
    middle = np.float32(128 if packed.dtype == np.uint8 else 0)
    mono = av.AudioFrame.from_ndarray(((packed.mean(1, np.float32) - middle) * scale)[None], "flt", "mono")
    mono.sample_rate = frame.sample_rate
    return mono


def _packed(frame) -> np.ndarray:
    """The samples of all channels, one after another in time."""
    if frame.format.is_packed:
        return frame.to_ndarray()
    # PyAV reads past the end of planar frames with eight channels or more.
    parts = av.AudioResampler(format="flt").resample(frame)
    return np.concatenate([part.to_ndarray()[0] for part in parts]) if parts else np.zeros(0, np.float32)


def _upright(frame) -> np.ndarray:
    """RGB uint8 [H, W, 3], scaled down to ``LONGEST_SIDE`` and turned as the display matrix says."""
    scale = min(1.0, LONGEST_SIDE / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale)) for side in (frame.width, frame.height))
    image = frame.reformat(width, height, "rgb24").to_ndarray()
    turn = TURNS.get(round(frame.rotation / 90) * 90 % 360)
    return image if turn is None else cv2.rotate(image, turn)
