"""Any file a browser, phone or camera makes -> frames with timestamps and a 16 kHz voice.

PyAV (FFmpeg's libraries) does the decoding. Times are presentation timestamps, never frame counts:
browser recordings carry no duration and a varying frame rate.
"""

import math
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from core.clock import Clock, Reader, Stamps
from core.paths import escaped

SAMPLE_RATE = 16_000  # Hz, what Whisper and the voice features expect
FRAME_RATE = 10.0  # at most so many frames a second are kept
LONGEST_SIDE = 640  # pixels; larger frames are scaled down while decoding
LONGEST_CLIP = 300.0  # seconds; what lies behind is not read
SILENCE = 1e-4  # a sound track that never leaves +-this is digital silence

# What a file may be. FFmpeg knows hundreds of formats, some of which name other files or hosts to read.
CONTAINERS = (
    "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,flv,asf,mpegts,mpeg,ogg,mxf,dv,mjpeg,gif,apng,"
    "wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,amr,wv,tta,ape,image2,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe"
)
SUFFIXES = frozenset(
    ".mp4 .m4v .mov .webm .mkv .avi .3gp .3g2 .flv .wmv .asf .ts .mts .m2ts .mpg .mpeg .mxf .dv .ogv .mjpeg "
    ".wav .mp3 .m4a .aac .flac .ogg .oga .opus .aif .aiff .au .caf .wma .ac3 .amr .mka .weba .wv".split()
)  # of files that are taken for sound or video when a folder is read; what they hold is asked of FFmpeg
MOST_PIXELS = 36_000_000  # of a picture: 8K has 33 million
OPTIONS = {
    "format_whitelist": CONTAINERS, "protocol_whitelist": "file", "max_streams": "64",
    "max_pixels": str(MOST_PIXELS), "pattern_type": "none",
}  # fmt: skip
RATES = (2_000, 768_000)  # Hz of a sound track
DEADLINE = 10.0  # seconds for opening a file, and for each read from it
LOST = 0.1  # seconds by which sound may lie behind its timestamps before the gap is filled with silence

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
        clock: where each moment of the file lies in the clip.
    """

    path: Path
    duration: float
    voice: Voice | None
    has_pictures: bool
    cut: bool
    damaged: bool
    clock: Clock

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what is not as it should be."""
        said = []
        if self.cut:
            said.append(f"Only the first {self.duration:.0f} seconds were read.")
        if self.damaged:
            said.append("Parts of the sound track were damaged and passed over.")
        if self.clock.cut >= 0.5:
            said.append(f"The file's clock jumps: {_time(self.clock.cut)} without sound and pictures were cut out.")
        if self.clock.parted:
            said.append("The file's clock starts again on the way: its parts were laid one behind the other.")
        return tuple(said)


def open_clip(path: str | Path) -> Clip:
    """Reads the sound track and the timestamps of a file; pictures are left to ``read_frames``.

    Raises:
        MediaError: with the code ``not_found``, ``is_folder``, ``not_a_file``, ``empty``, ``unreadable``,
            ``not_media``, ``truncated``, ``no_streams``, ``too_large``, ``unsupported`` or ``zero_duration``.
    """
    _check(path)
    path = Path(path)
    with _open(path) as container:
        stream, sound = _pictures(container), _sound(container)
        if stream is None and sound is None:
            raise MediaError("no_streams", f"{shown(path)} holds neither sound nor moving pictures.")
        if stream is not None and not 0 < stream.width * stream.height <= MOST_PIXELS and sound is None:
            most = f"{MOST_PIXELS // 10**6} million pixels"
            raise MediaError("too_large", f"{shown(path)} has damaged pictures, or larger ones than {most}.")
        clock = _clock(container)
    with _open(path) as container:
        voice, damaged = _read_voice(path, container, clock) if _sound(container) else (None, False)
    duration = max(clock.duration, voice.duration if voice else 0.0)
    if duration <= 0:
        if damaged:
            raise MediaError("truncated", f"{shown(path)} is damaged: nothing in it could be decoded.")
        raise MediaError("zero_duration", f"{shown(path)} lasts zero seconds.")
    cut = duration >= LONGEST_CLIP
    return Clip(path, min(duration, LONGEST_CLIP), voice, stream is not None, cut, damaged, clock)


def read_frames(
    path: str | Path,
    rate: float = FRAME_RATE,
    progress: Callable[[float], None] | None = None,
    clock: Clock | None = None,
) -> Iterator[Frame]:
    """Yields upright RGB frames in order of time, at most ``rate`` a second, no side above 640 pixels.

    ``progress`` is called with the time reached, in seconds; ``clock`` is that of the clip, read anew if it is not
    given. Damaged frames are passed over.
    """
    if clock is None:
        with _open(Path(path)) as container:
            clock = _clock(container)
    with _open(Path(path)) as container:
        stream = _pictures(container)
        if stream is None:
            return
        stream.thread_type = "AUTO"
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        reader, last_slot = clock.reader(), -1
        for frame in _decode(container, stream, []):
            time = _seconds(frame, reader)
            if time is None:
                continue
            # Of each 1/rate seconds the first frame is kept; a millisecond forgives containers that round.
            slot = math.floor((time + 1e-3) * rate)
            if slot <= last_slot:
                continue
            if time > LONGEST_CLIP:
                return
            image = _upright(frame)
            if image is None:
                continue
            last_slot = slot
            if progress:
                progress(time)
            yield Frame(time, image)


def shown(path: Path) -> str:
    """The name of a file as a sentence can hold it: one line, no more than 80 characters."""
    name = path.name or path.resolve().name or str(path)
    name = "".join(c if c.isprintable() else escaped(c) if "\udc80" <= c <= "\udcff" else " " for c in name)
    name = " ".join(name.split()) or "The file"
    return name if len(name) <= 80 else f"{name[:60]} … {name[-16:]}"


def _check(path: str | Path) -> None:
    if not path or not str(path).strip():
        raise MediaError("not_found", "No file was named.")
    name = shown(Path(path))
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise MediaError("is_folder", f"{name} is a folder, not a media file.")
        if not stat.S_ISREG(mode):
            raise MediaError("not_a_file", f"{name} is a pipe or a device, not a media file.")
        with open(path, "rb") as file:
            if not file.read(1):
                raise MediaError("empty", f"{name} is empty.")
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise MediaError("not_found", f"{name} does not exist.") from error
    except OSError as error:
        raise MediaError("unreadable", f"{name} cannot be read: {error.strerror}.") from error


def _open(path: Path):
    """An input container: of an allowed format, reading this one file, within a deadline."""
    # As "file:" and absolute, so that no name is taken for an address or for a numbered series of pictures.
    try:
        return av.open(
            f"file:{os.path.abspath(path)}", metadata_errors="replace", options=OPTIONS, timeout=(DEADLINE, DEADLINE)
        )
    except (av.FFmpegError, ValueError, MemoryError, OverflowError) as error:
        with path.open("rb") as file:
            head = file.read(16)
        if any(head[at:].startswith(marks) for at, marks in SIGNATURES.items()):
            raise MediaError("truncated", f"{shown(path)} is cut short or damaged and cannot be read.") from error
        raise MediaError("not_media", f"{shown(path)} is not a media file that can be read.") from error


def _pictures(container):
    """The first stream of moving pictures that can be decoded; the cover image of a song does not count."""
    cover = av.stream.Disposition.attached_pic
    return next((s for s in container.streams.video if s.codec_context and not s.disposition & cover), None)


def _sound(container):
    """The first sound track that can be decoded."""
    return next((s for s in container.streams.audio if s.codec_context), None)


def _clock(container) -> Clock:
    """From the packets of the first pictures and the first sound alone: nothing is decoded."""
    streams = [stream for stream in (_pictures(container), _sound(container)) if stream is not None]
    stamps = {stream.index: Stamps() for stream in streams}
    try:
        for packet in container.demux(streams):
            start = packet.dts if packet.pts is None else packet.pts
            if start is None:
                continue
            base, end = packet.time_base, start + max(packet.duration or 0, 0)
            decoded = start if packet.dts is None else packet.dts
            stamps[packet.stream.index].add(float(start * base), float(end * base), float(decoded * base))
            if all(each.covered > LONGEST_CLIP for each in stamps.values()):
                break
    except av.FFmpegError:
        pass  # the file ends here
    start = None if container.start_time is None else container.start_time / av.time_base
    return Clock.of(stamps.values(), start)


def _seconds(frame, reader: Reader) -> float | None:
    """When a frame is shown or heard in the clip; None if its timestamp is missing or broken."""
    return None if frame is None or frame.time is None else reader.at(frame.time)


def _decode(container, stream, damage: list[bool]) -> Iterator:
    """Frames of a stream; damaged packets are passed over and leave a mark in ``damage``."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except (av.EOFError, av.ExitError):
            return
        except (av.FFmpegError, ValueError, MemoryError):
            damage.append(True)
            continue
        yield from frames


def _read_voice(path: Path, container, clock: Clock) -> tuple[Voice | None, bool]:
    """The first sound track at 16 kHz mono on the clip's clock, gaps as silence; whether it was damaged."""
    reader, damage = clock.reader(), []
    pieces: list[np.ndarray] = []
    written, longest = 0, int(LONGEST_CLIP * SAMPLE_RATE)

    def write(piece: np.ndarray) -> None:
        nonlocal written
        pieces.append(piece)
        written += len(piece)

    resampler, rate = None, 0
    for frame in _decode(container, _sound(container), damage):
        if not RATES[0] <= frame.sample_rate <= RATES[1]:
            said = f"{shown(path)} has sound of {frame.sample_rate:,} samples a second, which cannot be read."
            raise MediaError("unsupported", said)
        time = _seconds(frame, reader)
        late = round((time or 0.0) * SAMPLE_RATE) - written
        if late > (LOST * SAMPLE_RATE if pieces else 0):
            write(np.zeros(min(late, longest - written), np.float32))
        if frame.sample_rate != rate:
            for part in resampler.resample(None) if resampler else ():
                write(part.to_ndarray()[0])
            resampler, rate = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE), frame.sample_rate
        try:
            mono = _mono(frame)
        except (av.FFmpegError, ValueError, MemoryError):
            damage.append(True)
            continue
        for part in resampler.resample(mono):
            write(part.to_ndarray()[0])
        if written >= longest:
            break
    if not pieces:
        return None, bool(damage)
    for part in resampler.resample(None) if resampler else ():
        write(part.to_ndarray()[0])
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


def _upright(frame) -> np.ndarray | None:
    """RGB uint8 [H, W, 3], scaled down to ``LONGEST_SIDE`` and turned as the display matrix says; None if damaged."""
    scale = min(1.0, LONGEST_SIDE / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale)) for side in (frame.width, frame.height))
    try:
        image = frame.reformat(width, height, "rgb24").to_ndarray()
    except (av.FFmpegError, ValueError, MemoryError):
        return None
    turn = TURNS.get(round(frame.rotation / 90) * 90 % 360)
    return image if turn is None else cv2.rotate(image, turn)


def _time(seconds: float) -> str:
    """For people: "40 seconds", "25 hours"."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
