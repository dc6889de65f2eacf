"""Small files that hold, or promise, very much: packets, pictures, tracks and tables."""

import struct
from fractions import Fraction

import av
import numpy as np
from boxes import Box
from matroska import block, cluster, laced, matroska, picture_track, sound_track


def one_byte_packets(count: int) -> bytes:
    """Sound of which every packet is a sample."""
    data = np.random.default_rng(0).integers(100, 156, 256, np.uint8).tobytes()
    blocks = count // 256
    clusters = (
        cluster(at * 16, *(laced(data, 16 * i) for i in range(min(100, blocks - at)))) for at in range(0, blocks, 100)
    )
    return matroska([sound_track()], clusters)


def many_pictures(count: int, codec: str = "libvpx-vp9", size=(320, 240), later: int = 0):
    """Packets of a codec: a picture and, over and over, one that changes nothing in it."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt, context.time_base = *size, "yuv420p", Fraction(1, 30)
    context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"}
    frame = av.VideoFrame.from_ndarray(np.full((size[1] * 3 // 2, size[0]), 90, np.uint8), "yuv420p")
    packets = []
    for i in range(3):
        frame.pts = i
        packets += context.encode(frame)
    whole, same = bytes(packets[0]), bytes(packets[2])
    blocks = [block(whole), *(block(same, i * 3 // count, key=False) for i in range(1, count))]
    clusters = [cluster(0, *blocks)] + [cluster(later, block(same, key=False))] * bool(later)
    return matroska([picture_track(1, b"V_VP9", *size)], clusters)


def mp4(*tables: Box, fragments: int = 0) -> bytes:
    """An MP4 of one track of pictures with these tables, behind them so many fragments of ten million pictures."""
    identity = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    jpeg = struct.pack(">6xH16xHHIIIH32xHh", 1, 64, 48, 0x480000, 0x480000, 0, 1, 24, -1)
    stsd = Box(b"stsd", struct.pack(">III4s", 0, 1, 8 + len(jpeg), b"jpeg") + jpeg)
    minf = Box(b"minf", boxes=[Box(b"vmhd", bytes(12)), Box(b"stbl", boxes=[stsd, *tables])])
    mdhd = Box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 1000, 1000, 0x55C4, 0))
    mdia = Box(b"mdia", boxes=[mdhd, Box(b"hdlr", bytes(8) + b"vide" + bytes(13)), minf])
    tkhd = Box(
        b"tkhd", struct.pack(">IIIIII16x", 3, 0, 0, 1, 0, 1000) + identity + struct.pack(">II", 64 << 16, 48 << 16)
    )
    mvhd = Box(
        b"mvhd", struct.pack(">IIIIIIH10x", 0, 0, 0, 1000, 1000, 1 << 16, 256) + identity + bytes(24) + b"\0\0\0\2"
    )
    trex = Box(b"mvex", bytes(Box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 40, 1, 0))))
    moov = Box(b"moov", boxes=[mvhd, Box(b"trak", boxes=[tkhd, mdia]), trex])
    trun = bytes(Box(b"trun", struct.pack(">III", 1, 10_000_000, 0)))
    traf = bytes(Box(b"traf", bytes(Box(b"tfhd", struct.pack(">II", 0x020000, 1))) + trun))
    moof = bytes(Box(b"moof", bytes(Box(b"mfhd", struct.pack(">II", 0, 1))) + traf))
    ftyp = Box(b"ftyp", b"isom\0\0\2\0isommp41")
    return bytes(ftyp) + bytes(moov) + fragments * (moof + bytes(Box(b"mdat", bytes(64))))


def tables(count: int) -> list[Box]:
    """Of pictures of one byte each."""
    return [
        Box(b"stts", struct.pack(">IIII", 0, 1, count, 1)), Box(b"stsc", struct.pack(">IIIII", 0, 1, 1, count, 1)),
        Box(b"stsz", struct.pack(">III", 0, 1, count)), Box(b"stco", struct.pack(">III", 0, 1, 32)),
    ]  # fmt: skip
