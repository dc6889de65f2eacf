"""A track of pictures -> upright RGB images at their times, as a player shows them: in the order in which they are
shown, turned and mirrored as the display matrix says, and no wider or narrower than they were filmed.

Where a file has hundreds of pictures a second, those that cannot be kept are not decoded unless others need them.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData

from core.cancellation import raise_if_cancelled
from core.media.clock import BACK, HELD, Clock, PictureTrack
from core.media.container import BROKEN, MAX_PIXELS, MediaError, begins_at_zero, decoded, opened, packets, shown
from core.media.tracks import MAX_CLIP_SECONDS, Track

MAX_SIDE = 640  # pixels; larger frames are scaled down while decoding
LARGE = 10_000_000  # pixels: 4K has 8.3 million
CROWDED = 12  # pictures in a tenth of a second, above which those that are not kept are not decoded
MAX_PIXELS_A_SECOND = 2e9  # that are decoded: pictures in 8K 60 times a second
AT_ONCE = 0.5  # seconds of them that a track may begin with
BEFORE = 60.0  # seconds that may lie before the first picture shown, which needs them
TRIED = 500  # packets in which a sample picture is looked for
MAX_STRETCHED = 8.0  # times that a pixel may be wider than high, or higher than wide
ROUNDED = 1e-3  # seconds by which containers round the times of pictures


@dataclass(frozen=True)
class Frame:
    """A picture at a time: ``image`` RGB uint8 [H, W, 3], upright; ``time`` in seconds."""

    time: float
    image: np.ndarray


def read_images(path: Path, clock: Clock, rate: float) -> Iterator[Frame]:
    """The pictures of the track that the clock names, the first of each 1/``rate`` seconds, in order of time."""
    track = clock.pictures
    if track is None:
        return
    choice = _Choice.of(path, clock, track, rate) if track.crowd > CROWDED and track.ordered else None
    with opened(path) as container:
        stream = _video_stream(path, container, track.index)
        times = _Times(clock, track, stream, begins_at_zero(container))
        frames = ((times.of(frame), frame) for frame in _decoded(container, stream, times, choice))
        kept = ((t, frame) for t, frame in frames if t is not None and (not choice or frame.pts in choice.kept))
        shape = _Shape(stream.sample_aspect_ratio)
        yield from first_of_each(kept, rate, shape.upright)


def first_of_each(
    pictures: Iterable[tuple[float, Any]],
    rate: float,
    upright: Callable[[Any], np.ndarray | None] | None = None,
) -> Iterator[Frame]:
    """Of pictures at times the first of each 1/``rate`` seconds, in order of time, up to ``MAX_CLIP_SECONDS``.

    Args:
        upright: makes an image RGB uint8 [H, W, 3] of a picture, or None if it is damaged; not needed for images.
    """
    slot = -1
    for time, picture in pictures:
        here = _slot(time, rate)
        if here <= slot:
            continue
        if time > MAX_CLIP_SECONDS:
            return
        image = upright(picture) if upright else shrunk(picture)
        if image is None:
            continue
        slot = here
        yield Frame(float(time), image)


def shrunk(image: np.ndarray) -> np.ndarray:
    """An image [H, W, 3] of which no side is above ``MAX_SIDE``."""
    height, width = image.shape[:2]
    scale = MAX_SIDE / max(height, width)
    size = max(2, round(width * scale)), max(2, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image


def sample_images(path: Path, track: Track, count: int) -> Iterator[np.ndarray]:
    """Up to ``count`` upright pictures RGB uint8 [H, W, 3] from all over a track, as far as the file lets one jump."""
    spans = track.stamps.parts[0]
    if not len(spans):
        return
    with opened(path) as container:
        stream = _video_stream(path, container, track.index)
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        for part in range(count):
            wanted = spans.begins[0] + (spans.ends[-1] - spans.begins[0]) * part / count
            with suppress(*BROKEN):  # what comes next is as good
                container.seek(round(wanted / _time_base(stream)), stream=stream)
            near = islice(packets(container, [stream], []), TRIED)
            shape = _Shape(stream.sample_aspect_ratio)
            images = (shape.upright(frame) for packet in near for frame in decoded(packet, []))
            image = next((image for image in images if image is not None), None)
            if image is not None:
                yield image


def _video_stream(path: Path, container: av.container.InputContainer, index: int) -> av.VideoStream:
    """A track of pictures by its place in the file.

    Raises:
        MediaError: ``unreadable``, there is none any more: the file was changed since its tracks were read.
    """
    stream = container.streams[index] if index < len(container.streams) else None
    if not isinstance(stream, av.VideoStream):
        raise MediaError("unreadable", f"{shown(path)} was changed while it was read.")
    return stream


def _time_base(stream: av.VideoStream) -> Fraction:
    """Seconds of a tick of its timestamps; FFmpeg gives every stream of a file one."""
    assert stream.time_base is not None
    return stream.time_base


def _slot(time: float, rate: float) -> int:
    """Which of the 1/``rate`` seconds a picture belongs to, of each of which the first is kept."""
    return math.floor((time + ROUNDED) * rate)


@dataclass
class _Choice:
    """Which pictures of a crowded track are kept, so that others need not be decoded.

    Attributes:
        kept: timestamps of pictures.
        last: number of the last packet that is needed.
    """

    kept: set[int]
    last: int

    @classmethod
    def of(cls, path: Path, clock: Clock, track: PictureTrack, rate: float) -> "_Choice":
        """Reads the packets of the track once, to see which picture is the first of each 1/``rate`` seconds."""
        first: dict[int, tuple[float, int, int]] = {}  # time, timestamp and number of the packet
        with opened(path) as container:
            stream = _video_stream(path, container, track.index)
            reader, base = clock.reader(), _time_base(stream)
            for number, packet in enumerate(packets(container, [stream], [])):
                if packet.pts is None or packet.is_discard:
                    continue
                time = reader.at(packet.pts * base.numerator / base.denominator)
                if time is not None and time <= MAX_CLIP_SECONDS:
                    found, slot = (time, packet.pts, number), _slot(time, rate)
                    first[slot] = min(found, first.get(slot, found))
        return cls({pts for _, pts, _ in first.values()}, max((number for *_, number in first.values()), default=-1))


class _Times:
    """Tells when each decoded picture is shown.

    Some containers know only in which order pictures are decoded (AVI, and Matroska files written from it). Pictures
    come out of the decoder in the order in which they are shown, so each takes the earliest of the times waiting.
    """

    def __init__(self, clock: Clock, track: PictureTrack, stream: av.VideoStream, begins_at_zero: bool):
        self._reader, self._stream, self._begins_at_zero = clock.reader(), stream, begins_at_zero
        self._base = _time_base(stream)
        self._waiting: list[int] | None = None if track.ordered else []
        self._next: int | None = None  # when the picture behind the last one is shown, if it does not say so itself

    def note(self, packet: av.Packet) -> None:
        """A packet is about to be decoded."""
        stamp = packet.dts if packet.pts is None else packet.pts
        if self._waiting is not None and stamp is not None and not packet.is_discard:
            heapq.heappush(self._waiting, stamp)
            context = self._stream.codec_context
            if len(self._waiting) > context.reorder_depth + context.thread_count + 2:
                heapq.heappop(self._waiting)  # that of a picture that could not be decoded

    def of(self, frame: av.VideoFrame) -> float | None:
        """Seconds of the clip; None if the timestamp is missing or broken, or lies before what is shown."""
        if self._waiting is not None:
            stamp = heapq.heappop(self._waiting) if self._waiting else None
        else:
            stamp = next((stamp for stamp in (frame.pts, frame.dts, self._next) if stamp is not None), None)
            self._next = stamp + frame.duration if stamp is not None and frame.duration else None
        if stamp is None or (self._begins_at_zero and stamp < 0 >= stamp + frame.duration):
            return None
        return self._reader.at(stamp * self._base.numerator / self._base.denominator)


def _decoded(
    container, stream: av.VideoStream, times: _Times | None = None, choice: _Choice | None = None
) -> Iterator[av.VideoFrame]:
    """The pictures of a track that a choice needs; damaged ones are passed over.

    Where there are more than ``MAX_PIXELS_A_SECOND`` allows, the rest is passed over up to the next picture that needs
    no other.
    """
    context, base = stream.codec_context, _time_base(stream)
    stream.thread_type = "AUTO"
    if context.width * context.height > LARGE:
        context.thread_count = 2  # each thread keeps pictures of its own
    context.options = {"max_pixels": str(MAX_PIXELS)}
    lost, allowed = False, _Allowance()
    for number, packet in enumerate(packets(container, [stream], [])):
        if choice and number > choice.last:
            break
        if packet.size:
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None:
                allowed.reach(stamp * base.numerator / base.denominator)
            lost = allowed.spent if packet.is_keyframe else lost or allowed.spent
            needless = choice is not None and packet.pts not in choice.kept
            if lost or (needless and context.codec.intra_only):
                continue
            allowed.spend(max(context.width * context.height, 1))
            if choice:
                context.skip_frame = "NONREF" if needless else "DEFAULT"  # others may need those that others need
        if times:
            times.note(packet)
        for frame in decoded(packet, []):
            raise_if_cancelled()
            yield frame
    if choice:
        try:
            yield from stream.decode(None)
        except BROKEN:
            return


class _Allowance:
    """Pixels that may be decoded: so many for each second that the timestamps of a track go on."""

    def __init__(self):
        self._seconds, self._pixels = AT_ONCE, 0
        self._newest: float | None = None

    def reach(self, seconds: float) -> None:
        """A picture with this timestamp comes next."""
        if self._newest is not None and seconds > self._newest:
            self._seconds = min(self._seconds + min(seconds - self._newest, HELD), MAX_CLIP_SECONDS + BEFORE)
        if self._newest is None or seconds > self._newest or seconds < self._newest - BACK:
            self._newest = seconds

    def spend(self, pixels: int) -> None:
        """Notes a picture that is decoded."""
        self._pixels += pixels

    @property
    def spent(self) -> bool:
        """Whether no more may be decoded for now."""
        return self._pixels > self._seconds * MAX_PIXELS_A_SECOND


class _Shape:
    """How the pictures of a track are shown: how wide their pixels are, how they are turned and flipped.

    The display matrix is read when the rotation changes, not of each picture: PyAV's side data hold their picture, and
    the threads that scaled it, until the garbage collector comes by.

    Args:
        stretched: width of a pixel by its height, None if that is not known.
    """

    def __init__(self, stretched):
        self._ratio = float(stretched or 1)
        self._rotation: int | None = None
        self._matrix: np.ndarray | None = None

    def upright(self, frame: av.VideoFrame) -> np.ndarray | None:
        """RGB uint8 [H, W, 3] of a frame, scaled down to ``MAX_SIDE``; None if it is damaged."""
        width, height = float(frame.width), float(frame.height)
        if 1 / MAX_STRETCHED <= self._ratio <= MAX_STRETCHED:
            width, height = width * max(self._ratio, 1), height / min(self._ratio, 1)
        scale = min(1.0, MAX_SIDE / max(width, height))
        columns, rows = (max(2, round(side * scale)) for side in (width, height))
        try:
            image = frame.reformat(columns, rows, "rgb24", threads=1).to_ndarray()
        except BROKEN:
            return None
        if frame.rotation != self._rotation:
            self._rotation = frame.rotation
            matrix = frame.side_data.get("DISPLAYMATRIX")
            self._matrix = None
            if isinstance(matrix, SideData):
                self._matrix = np.frombuffer(bytes(matrix), "<i4")[[0, 1, 3, 4]]
        return image if self._matrix is None else turned(image, self._matrix)


def turned(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """An image [H, W, 3], turned by quarters and mirrored as a display matrix says.

    Args:
        matrix: int32 [4] a, b, c, d: what is at (x, y) is shown at (ax + cy, bx + dy) (ISO/IEC 14496-12, 6.2.2).
    """
    a, b, c, d = (int(value) for value in matrix)
    across, down = a, d
    if abs(b) + abs(c) > abs(a) + abs(d):
        image, across, down = cv2.transpose(image), c, b
    if across < 0:
        image = cv2.flip(image, 1)
    if down < 0:
        image = cv2.flip(image, 0)
    return image
