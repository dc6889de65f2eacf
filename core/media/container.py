"""Opening a media file, and its packets and frames one after another: of allowed formats, reading this one file alone,
each step bounded and asking whether the work was called off.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.stream import Discard

from core.cancellation import checkpoint as raise_if_cancelled
from core.media.boxes import count_samples
from core.paths import escaped

# What a file may be. FFmpeg knows hundreds of formats, some of which name other files or hosts to read.
CONTAINERS = (
    "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,flv,asf,mpegts,mpeg,ogg,mxf,dv,mjpeg,gif,apng,"
    "wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,amr,wv,tta,ape,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe"
)
SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".webm",
        ".mkv",
        ".avi",
        ".3gp",
        ".3g2",
        ".flv",
        ".wmv",
        ".asf",
        ".ts",
        ".mts",
        ".m2ts",
        ".mpg",
        ".mpeg",
        ".mxf",
        ".dv",
        ".ogv",
        ".mjpeg",
        ".wav",
        ".mp3",
        ".m4a",
        ".aac",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".aif",
        ".aiff",
        ".au",
        ".caf",
        ".wma",
        ".ac3",
        ".amr",
        ".mka",
        ".weba",
        ".wv",
    ]
)  # of files that are taken for sound or video when a folder is read; what they hold is asked of FFmpeg
MAX_PIXELS = 36_000_000  # of a picture: 8K has 33 million
MAX_LARGE = 2  # tracks of such pictures
MAX_STREAMS = 64
OPTIONS = {
    "format_whitelist": CONTAINERS, "protocol_whitelist": "", "max_streams": str(MAX_STREAMS),
    "max_index_size": "65536",  # bytes; it serves jumping alone, and every entry out of order moves all others
}  # fmt: skip
DEADLINE = 10.0  # seconds for opening a file, and for each read from it
MAX_PACKETS = 600_000  # of the tracks that are read: 2,000 a second for five minutes
MAX_LISTED = (
    4 * MAX_PACKETS
)  # pictures and pieces of sound that an MP4's tables may list; FFmpeg keeps 24 bytes of each
PIECE = 1 << 16  # bytes that FFmpeg reads at once

# First bytes of containers: what tells a truncated recording from something that never was media.
SIGNATURES = {
    0: (b"\x1a\x45\xdf\xa3", b"RIFF", b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"\xff\xf3"),
    4: (b"ftyp", b"moov"),
}
BROKEN = (av.FFmpegError, ValueError, MemoryError, OverflowError, TimeoutError)
"""What PyAV raises for what a file holds."""


class MediaError(Exception):
    """A file cannot be analysed. ``code`` is for programs, the message is one sentence for people."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def shown(path: Path) -> str:
    """The name of a file as a sentence can hold it: one line, no more than 80 characters."""
    name = path.name or path.resolve().name or str(path)
    name = "".join(c if c.isprintable() else escaped(c) if "\udc80" <= c <= "\udcff" else " " for c in name)
    name = " ".join(name.split()) or "The file"
    return name if len(name) <= 80 else f"{name[:60]} … {name[-16:]}"


def check_file(path: str | Path) -> None:
    """Raises a ``MediaError`` for what is no readable file."""
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


class _File:
    """The bytes of one file for FFmpeg, which knows neither its folder nor its name.

    FFmpeg reads while it opens a file, looks for the next packet or passes over what nobody asked for: that is where
    such work ends when it is called off or takes longer than ``DEADLINE``.
    """

    def __init__(self, path: Path):
        suffix = path.suffix.lower()
        self.name = f"clip{suffix}" if suffix in SUFFIXES else "clip"  # some raw streams are told by their suffix
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 closed by ``close``
        self._ended: BaseException | None = None
        self.grant()

    def grant(self) -> None:
        """Begins the time that the next step may take."""
        self._until = time.monotonic() + DEADLINE

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end, behind which nothing more is read."""
        if self._ended:
            return b""
        try:
            raise_if_cancelled()
            if time.monotonic() > self._until:
                raise TimeoutError
        except Exception as ended:
            self._ended = ended
            raise
        try:
            return self._file.read(size)
        except OSError:
            return b""  # as if the file ended here

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The new position; -1 for a place that no file has."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """An input container: of an allowed format, reading this one file, within a deadline.

    Raises:
        MediaError: with the code ``truncated``, ``not_media`` or ``too_large``.
    """
    if count_samples(path) > MAX_LISTED:
        raise MediaError("too_large", f"{shown(path)} lists more than {MAX_LISTED:,} pictures and pieces of sound.")
    with _opened(path, 1) as container:
        tracks = len(container.streams.video)
    # FFmpeg decodes pictures of each track to know it, and keeps them until it knows all.
    with _opened(path, MAX_PIXELS if tracks <= MAX_LARGE else MAX_LARGE * MAX_PIXELS // tracks) as container:
        # FFmpeg would read on until it can guess missing timestamps, and keep all packets meanwhile.
        container.flags &= ~int(av.container.Flags.gen_pts.value)  # type: ignore[call-overload] # an int, not a Flags
        yield container


@contextmanager
def _opened(path: Path, pixels: int) -> Iterator[av.container.InputContainer]:
    """An input container, of no track of which a picture of more than so many pixels was decoded."""
    file = _File(path)
    options = OPTIONS | {"max_pixels": str(pixels)}
    try:
        try:
            container = av.open(
                file, "r", metadata_errors="replace", options=options, timeout=(DEADLINE, DEADLINE), buffer_size=PIECE
            )
        except BROKEN as error:
            with path.open("rb") as again:
                head = again.read(16)
            if any(head[at:].startswith(marks) for at, marks in SIGNATURES.items()):
                raise MediaError("truncated", f"{shown(path)} is cut short or damaged and cannot be read.") from error
            raise MediaError("not_media", f"{shown(path)} is not a media file that can be read.") from error
        with container:
            yield container
    finally:
        file.close()


def begins_at_zero(container) -> bool:
    """Whether what lies before 0 s is not shown: an MP4 says by its edit list where to begin, which FFmpeg turns into
    negative timestamps and, where the file is not in fragments, marks."""
    return "mov" in container.format.name.split(",")


def packets(container, streams: Iterable[av.stream.Stream], damage: list[bool]) -> Iterator[av.Packet]:
    """The packets of some streams in the order of the file, at most ``MAX_PACKETS``, and one without data for each
    stream at the end. A file that is damaged ends where it is, which leaves a mark in ``damage``."""
    wanted = {stream.index for stream in streams}
    for stream in container.streams:
        if stream.index not in wanted:
            stream.discard = Discard.all  # most formats pass over it without handing out its packets
    demuxed = container.demux(*streams)
    for _ in range(MAX_PACKETS):
        raise_if_cancelled()
        container.file.file.grant()
        try:
            packet = next(demuxed, None)
        except (av.EOFError, av.ExitError):
            return
        except BROKEN:
            damage.append(True)
            return
        if packet is None:
            return
        yield packet


def decoded(packet: av.Packet, damage: list[bool]) -> list:
    """The frames that a packet completes; one that is damaged is passed over and leaves a mark in ``damage``."""
    try:
        return packet.decode()
    except (av.EOFError, av.ExitError):
        return []
    except BROKEN:
        damage.append(True)
        return []
