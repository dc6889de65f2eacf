"""One clock for sound and pictures: timestamps of a file -> seconds of the clip.

Files are cut, joined and written by broken clocks: they begin below zero, jump by hours, start again at zero. What
matters is that sound and pictures keep their places beside each other, so both ask here. A gap in which there is
neither is shortened; a gap in one of them stays. Where both start again, the second part is laid behind the first.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

LONGEST_GAP = 2.0  # seconds without sound and pictures; longer gaps are shortened to this
HELD = 1.0  # seconds that a picture or a piece of sound may last by its own word; some files write gaps that way
BACK = 1.0  # seconds by which timestamps may run backwards: pictures are stored in the order in which they are decoded
ORIGIN = 1.0  # seconds by which a file's own start may differ from its first timestamp and is still believed


@dataclass
class Stamps:
    """Timestamps of one stream in the order of the file.

    Attributes:
        starts, ends: seconds at which each packet is shown or heard.
        parts: which part of the stream a packet belongs to; a new one begins where time steps back.
        covered: seconds that the stream lasts, gaps left out.
    """

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    covered: float = 0.0
    _last: float = -np.inf
    _before: float = -np.inf

    def add(self, start: float, end: float, decoded: float) -> None:
        """Notes the next packet; ``decoded`` is when it is decoded, which steps back in a broken file only."""
        part = self.parts[-1] if self.parts else 0
        if decoded < self._last - BACK:
            if self._last - self._before > LONGEST_GAP > abs(decoded - self._before):
                for values in (self.starts, self.ends, self.parts):
                    values.pop()  # a single broken timestamp, not a new beginning
                self._last = self._before
            else:
                part += 1
        elif decoded - self._last < LONGEST_GAP:
            self.covered += decoded - self._last
        self._before, self._last = self._last, decoded
        self.starts.append(start)
        self.ends.append(min(end, start + HELD))
        self.parts.append(part)


@dataclass(frozen=True)
class Stretch:
    """Seconds ``begin`` to ``end`` of a part without a long gap, and what to add for the clip's own seconds."""

    part: int
    begin: float
    end: float
    shift: float


@dataclass(frozen=True)
class Clock:
    """Where each moment of a file lies in the clip.

    Attributes:
        stretches: in order of the clip.
        parted: whether sound and pictures start again together; else there is one part.
        cut: seconds of gaps that were cut out.
    """

    stretches: tuple[Stretch, ...]
    parted: bool
    cut: float

    @classmethod
    def of(cls, streams: Iterable[Stamps], start: float | None) -> "Clock":
        """The clock of some streams; ``start`` is what the file itself calls its beginning."""
        streams = [stamps for stamps in streams if stamps.starts]
        parts = {stamps.parts[-1] for stamps in streams}
        parted = parts not in (set(), {0}) and len(parts) == 1
        stretches: list[Stretch] = []
        reached, cut = 0.0, 0.0
        for part in range(parts.pop() + 1 if parted else 1):
            for begin, end in _merged(streams, part if parted else None):
                if not stretches:
                    near = start is not None and abs(start - begin) < ORIGIN
                    shift = -(start if near else begin)
                elif stretches[-1].part != part:
                    shift = reached - begin
                else:
                    gap = begin - stretches[-1].end
                    cut += gap - LONGEST_GAP
                    shift = reached + LONGEST_GAP - begin
                stretches.append(Stretch(part, begin, end, shift))
                reached = end + shift
        return cls(tuple(stretches), parted, cut)

    @property
    def duration(self) -> float:
        """Seconds of the clip."""
        return self.stretches[-1].end + self.stretches[-1].shift if self.stretches else 0.0

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


def _merged(streams: list[Stamps], part: int | None) -> list[tuple[float, float]]:
    """What the streams cover together in a part (None: everything), cut at long gaps; in order of time."""
    spans = sorted(
        (start, end)
        for stamps in streams
        for start, end, own in zip(stamps.starts, stamps.ends, stamps.parts, strict=True)
        if part is None or own == part
    )
    merged: list[tuple[float, float]] = []
    for start, end in spans:
        if merged and start - merged[-1][1] <= LONGEST_GAP:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
