"""One clock for sound and pictures: timestamps of a file -> seconds of the clip.

Files are cut, joined and written by broken clocks: they begin below zero, jump by hours, start again at zero. What
matters is that sound and pictures keep their places beside each other, so both ask here. A gap in which there is
neither is shortened; a gap in one of them stays. Where both start again, the second part is laid behind the first.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

LONGEST_GAP = 2.0  # seconds without sound and pictures; longer gaps are shortened to this
HELD = 1.0  # seconds that a picture or a piece of sound may last by its own word; some files write gaps that way
BACK = 1.0  # seconds by which timestamps may run backwards: pictures are stored in the order in which they are decoded
ORIGIN = 1.0  # seconds by which a file's own start may differ from its first timestamp and is still believed
MAX_SPANS = 1000  # of one stream; a clip of five minutes has room for 150 gaps
MAX_PARTS = 50  # of one stream


class Spans:
    """Stretches of time without a gap longer than ``LONGEST_GAP``, in order; they may be added in any order."""

    def __init__(self):
        self.begins: list[float] = []
        self.ends: list[float] = []
        self._latest = (0.0, 0.0)

    def __len__(self) -> int:
        return len(self.begins)

    def add(self, begin: float, end: float) -> None:
        """Joins a stretch with those that it meets."""
        if not self.begins or begin > self._latest[0]:
            self._latest = begin, end
        first = bisect_left(self.ends, begin - LONGEST_GAP)
        behind = bisect_right(self.begins, end + LONGEST_GAP)
        if first < behind:
            begin, end = min(begin, self.begins[first]), max(end, self.ends[behind - 1])
        self.begins[first:behind] = [begin]
        self.ends[first:behind] = [end]

    def trim(self) -> None:
        """Lets nothing last longer than what begins last: some containers say how long pictures last in the order in
        which they are decoded."""
        if self.ends:
            self.ends[-1] = min(self.ends[-1], self._latest[1])


@dataclass
class Stamps:
    """Timestamps of one stream in the order of the file, joined into few spans however many packets there are.

    Attributes:
        parts: what each part of the stream covers; a new part begins where time steps back.
        covered: seconds that the stream lasts, gaps left out.
    """

    parts: list[Spans] = field(default_factory=lambda: [Spans()])
    covered: float = 0.0
    _waiting: tuple[float, float] | None = None  # the newest packet, which may turn out to be a broken timestamp
    _last: float = -np.inf
    _before: float = -np.inf

    def add(self, start: float, end: float, decoded: float) -> None:
        """Notes the next packet; ``decoded`` is when it is decoded, which steps back in a broken file only."""
        if decoded < self._last - BACK:
            if self._last - self._before > LONGEST_GAP > abs(decoded - self._before):
                self._waiting = None  # a single broken timestamp, not a new beginning
                self._last = self._before
            else:
                self.finish()
                self.parts.append(Spans())
        elif decoded - self._last < LONGEST_GAP:
            self.covered += decoded - self._last
        self._before, self._last = self._last, decoded
        self._enter()
        self._waiting = start, min(end, start + HELD)

    def finish(self) -> None:
        """Ends the part, behind which nothing comes that could prove its last timestamp broken."""
        self._enter()
        self.parts[-1].trim()

    def _enter(self) -> None:
        if self._waiting:
            self.parts[-1].add(*self._waiting)
            self._waiting = None

    @property
    def full(self) -> bool:
        """Whether there are more gaps and new beginnings than any clip has."""
        return len(self.parts) > MAX_PARTS or len(self.parts[-1]) > MAX_SPANS

    @property
    def begin(self) -> float | None:
        """The earliest second of the first part; None if there is none."""
        return min(self.parts[0].begins, default=None)


@dataclass(frozen=True)
class Stretch:
    """Seconds ``begin`` to ``end`` of a part without a long gap, and what to add for the clip's own seconds."""

    part: int
    begin: float
    end: float
    shift: float


@dataclass(frozen=True)
class PictureTrack:
    """What reading the pictures needs to know of their track.

    Attributes:
        index: of the stream in its file.
        crowd: most pictures within a tenth of a second.
        ordered: whether each picture's own timestamp says when it is shown.
    """

    index: int
    crowd: int
    ordered: bool


@dataclass(frozen=True)
class Clock:
    """Where each moment of a file lies in the clip.

    Attributes:
        pictures: the track of pictures that is read; None if there is none.
        stretches: in order of the clip.
        parted: whether sound and pictures start again together; else there is one part.
        cut: seconds of gaps that were cut out.
    """

    stretches: tuple[Stretch, ...]
    parted: bool
    cut: float
    pictures: PictureTrack | None = None

    @classmethod
    def of(cls, streams: Iterable[Stamps], start: float | None = None, pictures: PictureTrack | None = None) -> "Clock":
        """The clock of some streams.

        Args:
            start: where the file begins, which may be a little before these streams do.
        """
        streams = [stamps for stamps in streams if stamps.begin is not None or len(stamps.parts) > 1]
        parts = {len(stamps.parts) for stamps in streams}
        parted = len(parts) == 1 and parts != {1}
        stretches: list[Stretch] = []
        reached, cut = 0.0, 0.0
        for part in range(parts.pop() if parted else 1):
            for begin, end in _joined(streams, part if parted else None):
                if not stretches:
                    near = start is not None and abs(start - begin) < ORIGIN
                    shift = -start if start is not None and near else -begin
                elif stretches[-1].part != part:
                    shift = reached - begin
                else:
                    gap = begin - stretches[-1].end
                    cut += gap - LONGEST_GAP
                    shift = reached + LONGEST_GAP - begin
                stretches.append(Stretch(part, begin, end, shift))
                reached = end + shift
        return cls(tuple(stretches), parted, cut, pictures)

    @property
    def duration(self) -> float:
        """Seconds of the clip."""
        return self.stretches[-1].end + self.stretches[-1].shift if self.stretches else 0.0

    def end_of(self, stamps: Stamps) -> float:
        """Seconds of the clip at which one of its streams ends."""
        part = len(stamps.parts) - 1 if self.parted else 0
        parts = stamps.parts[part:] if self.parted else stamps.parts
        end = max((spans.ends[-1] for spans in parts if len(spans)), default=None)
        if end is None:
            return 0.0
        stretches = [stretch for stretch in self.stretches if stretch.part == part]
        return next((end + stretch.shift for stretch in reversed(stretches) if stretch.begin <= end), 0.0)

    def reader(self) -> "Reader":
        """Tells the times of one stream's frames, which come in the order of the file."""
        return Reader(self)


class Reader:
    """Follows the frames of one stream through the parts of a clock."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._before = -np.inf
        self._enter(0)

    def at(self, seconds: float) -> float | None:
        """Seconds of the clip for the next frame's timestamp; None for one that is broken."""
        if self._clock.parted and seconds < self._before - BACK:
            self._enter(self._part + 1)
        index = max(bisect_right(self._begins, seconds + ORIGIN) - 1, 0)
        if index >= len(self._stretches):
            return None
        stretch = self._stretches[index]
        if not stretch.begin - ORIGIN <= seconds <= stretch.end + ORIGIN:
            return None
        self._before = seconds
        return max(seconds + stretch.shift, 0.0)

    def _enter(self, part: int) -> None:
        self._part = part
        self._stretches = [stretch for stretch in self._clock.stretches if stretch.part == part]
        self._begins = [stretch.begin for stretch in self._stretches]


def _joined(streams: list[Stamps], part: int | None) -> Iterable[tuple[float, float]]:
    """What the streams cover together in a part (None: everything), cut at long gaps; in order of time."""
    together = Spans()
    for stamps in streams:
        for spans in stamps.parts if part is None else stamps.parts[part : part + 1]:
            for begin, end in zip(spans.begins, spans.ends, strict=True):
                together.add(begin, end)
    return zip(together.begins, together.ends, strict=True)
