"""The tables of an MP4 or MOV file, looked at before FFmpeg does (ISO/IEC 14496-12).

FFmpeg keeps 24 bytes of each picture and piece of sound that the tables list. Some tables list hundreds of millions in
a dozen bytes, whether or not the file holds them.
"""

import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.cancellation import checkpoint as raise_if_cancelled

MAX_BOXES = 1_000_000  # a recording with a fragment for each picture has 200,000 in five minutes
MAX_DEPTH = 32  # boxes within each other
MAX_RUNS = 1_000_000  # of one table of chunks
NESTED = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
HEADS = {b"hdlr": 12, b"stsz": 12, b"stts": 16, b"stco": 8, b"co64": 8, b"trun": 8}  # bytes that say how many
PIECE_OF_SOUND = 1024  # samples of uncompressed sound that FFmpeg lists as one
SPENDS_BYTES = 0xF00  # flags of a fragment that says something of each sample
TOO_MANY = sys.maxsize


@dataclass
class _Track:
    """Tables of one track, by name."""

    tables: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def listed(self) -> int:
        """Samples that are listed without a byte for each."""
        size, count = _numbers(self.tables.get(b"stsz", b""), 2)
        if not size:
            return 0  # a table of sizes follows
        entries, _, lasting = _numbers(self.tables.get(b"stts", b""), 3)
        uncompressed = self.tables.get(b"hdlr", b"")[8:12] == b"soun" and (entries, lasting) == (1, 1)
        return self._pieces() if uncompressed else count

    def _pieces(self) -> int:
        """Pieces of uncompressed sound, of which FFmpeg makes ``PIECE_OF_SOUND`` samples each."""
        chunks = max(_numbers(self.tables.get(name, b""), 1)[0] for name in (b"stco", b"co64"))
        runs = self.tables.get(b"stsc", b"")[8:]
        if len(runs) > 12 * MAX_RUNS:
            return TOO_MANY
        first, samples = np.frombuffer(runs[: len(runs) // 12 * 12], ">u4").reshape(-1, 3)[:, :2].astype(float).T
        lengths = np.diff(np.minimum(first, chunks + 1), append=chunks + 1).clip(0)
        return int((lengths * np.ceil(samples / PIECE_OF_SOUND)).sum())


def count_samples(path: Path) -> int:
    """How many pictures and pieces of sound the tables of an MP4 list without spending bytes on each; 0 of other
    files."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        around, tracks, fragments = [(_behind_tags(file), end)], [_Track()], 0
        for _ in range(MAX_BOXES):
            raise_if_cancelled()
            while around and around[-1][0] + 8 > around[-1][1]:
                around.pop()
            if not around:
                break
            if len(around) > MAX_DEPTH:
                return TOO_MANY
            at, end = around.pop()
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                continue
            size, name = struct.unpack(">I4s", head[:8])
            body = at + 8
            if size == 1 and len(head) == 16:
                size, body = int.from_bytes(head[8:], "big"), at + 16
            behind = min(at + size, end) if size else end
            if behind < body:
                continue
            around.append((behind, end))
            if name == b"trak":
                tracks.append(_Track())
            if name in NESTED:
                around.append((body, behind))
            elif name == b"stsc" or name in HEADS:
                file.seek(body)
                data = file.read(min(behind - body, HEADS.get(name, 12 * (MAX_RUNS + 2))))
                if name != b"hdlr" or name not in tracks[-1].tables:  # QuickTime's data have a handler too, behind it
                    tracks[-1].tables[name] = data
                if name == b"trun" and not int.from_bytes(data[:4], "big") & SPENDS_BYTES:
                    fragments += _numbers(data, 1)[0]
        else:
            return TOO_MANY
    return fragments + sum(track.listed for track in tracks)


def _behind_tags(file: BinaryIO) -> int:
    """Where the boxes begin: FFmpeg passes over the tags of a song in front of any format."""
    file.seek(0)
    head = file.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    return 10 + sum((byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))


def _numbers(table: bytes, count: int) -> tuple[int, ...]:
    """The first numbers of a table behind its version and flags; zeros where it is too short."""
    return struct.unpack(f">{count}I", table[4 : 4 + 4 * count].ljust(4 * count, b"\0"))
