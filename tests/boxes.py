"""MP4 files with other instructions: boxes of a whole file are changed, its pictures and sound stay as they are."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

NESTED = {b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl"}


@dataclass
class Box:
    """A box of a name with contents, or with other boxes."""

    name: bytes
    data: bytes = b""
    boxes: list["Box"] = field(default_factory=list)

    def __bytes__(self) -> bytes:
        inside = b"".join(map(bytes, self.boxes)) if self.name in NESTED else self.data
        return struct.pack(">I4s", 8 + len(inside), self.name) + inside

    def find(self, *names: bytes) -> "Box":
        """The first box on a way of names."""
        return next(box for box in self.boxes if box.name == names[0]).find(*names[1:]) if names else self


def parsed(data: bytes) -> list[Box]:
    """The boxes that some bytes are made of."""
    boxes, at = [], 0
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        inside = data[at + 8 : at + size]
        boxes.append(Box(name, b"", parsed(inside)) if name in NESTED else Box(name, inside))
        at += size
    return boxes


def changed(data: bytes, change: Callable[[Box, int, bytes], None]) -> bytes:
    """An MP4 whose tracks were changed.

    Args:
        change: is called with each track, how many units of its media make a second, and b"vide" or b"soun".
    """
    boxes = parsed(data)
    moov = next(box for box in boxes if box.name == b"moov")
    before = len(bytes(moov))
    traks = [box for box in moov.boxes if box.name == b"trak"]
    for trak in traks:
        scale = struct.unpack(">I", trak.find(b"mdia", b"mdhd").data[12:16])[0]
        change(trak, scale, trak.find(b"mdia", b"hdlr").data[8:12])
    grown = len(bytes(moov)) - before
    if [box.name for box in boxes].index(b"moov") < [box.name for box in boxes].index(b"mdat"):
        for trak in traks:
            places = trak.find(b"mdia", b"minf", b"stbl", b"stco")
            count = struct.unpack(">I", places.data[4:8])[0]
            moved = [place + grown for place in struct.unpack(f">{count}I", places.data[8:])]
            places.data = places.data[:8] + struct.pack(f">{count}I", *moved)
    return b"".join(map(bytes, boxes))


def with_edits(data: bytes, *edits: tuple[float, float | None]) -> bytes:
    """An MP4 in which each track is shown as edits say.

    Args:
        edits: seconds that each lasts, and the second of the media at which it begins; None for nothing.
    """
    movie = struct.unpack(">I", next(box for box in parsed(data) if box.name == b"moov").find(b"mvhd").data[12:16])[0]

    def change(trak: Box, scale: int, kind: bytes) -> None:
        first = _first_shown(trak)
        entries = [
            struct.pack(">Iihh", round(seconds * movie), -1 if begin is None else first + round(begin * scale), 1, 0)
            for seconds, begin in edits
        ]
        elst = Box(b"elst", struct.pack(">II", 0, len(entries)) + b"".join(entries))
        trak.boxes = [box for box in trak.boxes if box.name != b"edts"]
        trak.boxes.insert(1, Box(b"edts", b"", [elst]))

    return changed(data, change)


def _first_shown(trak: Box) -> int:
    """Media time at which a track is shown from its first picture on."""
    edts = next((box for box in trak.boxes if box.name == b"edts"), None)
    return struct.unpack(">i", edts.find(b"elst").data[12:16])[0] if edts else 0


def with_matrix(data: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """An MP4 whose pictures are shown so that what is at (x, y) appears at (ax + cy, bx + dy)."""

    def change(trak: Box, scale: int, kind: bytes) -> None:
        head = trak.find(b"tkhd")
        matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
        if kind == b"vide":
            head.data = head.data[:40] + matrix + head.data[76:]

    return changed(data, change)
