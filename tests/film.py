"""Films of any tracks, written by PyAV: pictures that show their own number, and voices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from core.media.reader import SAMPLE_RATE

QUICK = {"libx264": {"preset": "ultrafast", "bf": "0", "x264-params": "scenecut=0"}}
NUMBERED = 3  # levels of grey from a picture to the next


@dataclass(frozen=True)
class Pictures:
    """A track of pictures [T, H, W, 3], one each 1/``rate`` seconds or at ``times`` in seconds."""

    images: Sequence[np.ndarray]
    rate: int = 10
    times: Sequence[float] | None = None
    codec: str = "libx264"
    form: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    pixel: Fraction | None = None
    default: bool = True


@dataclass(frozen=True)
class Sound:
    """A track of samples float32 [N] or [C, N] at 16 kHz."""

    samples: np.ndarray
    codec: str = "pcm_s16le"
    rate: int = SAMPLE_RATE
    default: bool = True
    options: dict[str, str] = field(default_factory=dict)


def film(path: Path, *tracks: Pictures | Sound, options: dict[str, str] | None = None) -> Path:
    """Writes tracks in their order; the suffix chooses the container."""
    with av.open(str(path), "w", options=options or {}) as container:
        streams = [_stream(container, track) for track in tracks]
        for stream, track in zip(streams, tracks, strict=True):
            for frame in _frames(stream, track):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def _stream(container, track: Pictures | Sound):
    if isinstance(track, Sound):
        layout = "mono" if track.samples.ndim == 1 else {1: "mono", 2: "stereo", 6: "5.1"}[len(track.samples)]
        stream = container.add_stream(track.codec, track.rate, layout=layout)
    else:
        stream = container.add_stream(track.codec, track.rate)
        stream.height, stream.width = track.images[0].shape[:2]
        stream.pix_fmt = track.form
        if track.times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if track.pixel:
            stream.codec_context.sample_aspect_ratio = track.pixel
    stream.codec_context.options = QUICK.get(track.codec, {}) | track.options
    stream.disposition = av.stream.Disposition.default if track.default else av.stream.Disposition(0)
    return stream


def _frames(stream, track: Pictures | Sound):
    if isinstance(track, Sound):
        samples = np.atleast_2d(track.samples).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", stream.layout.name)
        frame.sample_rate = SAMPLE_RATE
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.format, stream.layout, track.rate, size)
        yield from (*resampler.resample(frame), *resampler.resample(None))
        return
    for number, image in enumerate(track.images):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24").reformat(format=track.form)
        at = number if track.times is None else round(track.times[number] * 1000)
        frame.pts, frame.time_base = at, Fraction(1, track.rate if track.times is None else 1000)
        yield frame


def numbered(count: int, size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    """Grey pictures, each of which ``number`` can tell from its neighbours; no more than 80."""
    return [np.full((*size, 3), 8 + NUMBERED * i, np.uint8) for i in range(count)]


def number(image: np.ndarray) -> int:
    """Which of the numbered pictures this is."""
    return round((float(image.mean()) - 8) / NUMBERED)


def copied(source: Path, target: Path, change: Callable | None = None, options: dict[str, str] | None = None) -> Path:
    """The same packets in another container, each as ``change`` leaves it."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options or {}) as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                if change:
                    change(packet)
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    return target
