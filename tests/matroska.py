"""Matroska files written byte by byte: many small packets, at any times."""

import struct
from collections.abc import Iterable

UNKNOWN = b"\x01" + b"\xff" * 7  # how long an element is


def element(name: str, *inside: bytes) -> bytes:
    """An element by its identifier in hexadecimal digits."""
    data = b"".join(inside)
    return bytes.fromhex(name) + (len(data) | 1 << 56).to_bytes(8, "big") + data


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")


HEAD = element(
    "1A45DFA3", element("4286", b"\1"), element("42F7", b"\1"), element("42F2", b"\4"), element("42F3", b"\x08"),
    element("4282", b"matroska"), element("4287", b"\4"), element("4285", b"\2"),
)  # fmt: skip


def sound_track(number: int = 1, rate: int = 16_000) -> bytes:
    """Of one channel of bytes."""
    form = element("E1", element("B5", struct.pack(">d", rate)), element("9F", b"\1"), element("6264", b"\x08"))
    return _track(number, 2, b"A_PCM/INT/LIT", form)


def picture_track(number: int, codec: bytes, width: int, height: int) -> bytes:
    """Of a codec by its name in Matroska."""
    size = element("E0", element("B0", struct.pack(">H", width)), element("BA", struct.pack(">H", height)))
    return _track(number, 1, codec, size)


def _track(number: int, kind: int, codec: bytes, form: bytes) -> bytes:
    numbers = element("D7", bytes([number])), element("73C5", bytes([number])), element("83", bytes([kind]))
    return element("AE", *numbers, element("86", codec), form)


def matroska(tracks: Iterable[bytes], clusters: Iterable[bytes]) -> bytes:
    """A file whose timestamps are milliseconds."""
    info = element("1549A966", element("2AD7B1", (1_000_000).to_bytes(4, "big")))
    return b"".join([HEAD, bytes.fromhex("18538067"), UNKNOWN, info, element("1654AE6B", *tracks), *clusters])


def cluster(time: int, *blocks: bytes) -> bytes:
    """Blocks after a time in milliseconds."""
    return element("1F43B675", element("E7", _number(time)), *blocks)


def block(data: bytes, time: int = 0, track: int = 1, key: bool = True) -> bytes:
    """One packet, so many milliseconds behind its cluster's time."""
    return element("A3", bytes([0x80 | track]) + struct.pack(">hB", time, 0x80 * key) + data)


def laced(data: bytes, time: int = 0) -> bytes:
    """A packet of each byte of up to 256."""
    return element("A3", b"\x81" + struct.pack(">hB", time, 0x84) + bytes([len(data) - 1]) + data)
