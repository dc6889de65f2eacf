"""What is kept of a clip after both models have answered: what is shown of it, and no more.

A track of five minutes holds 83 MB of pictures and 7 MB of crops, the sound track 19 MB. A page shows some dozens of
those pictures and the outline of that sound.
"""

from dataclasses import dataclass, fields, is_dataclass

import cv2
import numpy as np

from core.encoders.face_track import FaceTrack
from core.media.reader import Waveform

MAX_PICTURES = 120  # of the face, spread over the clip
PICTURE_QUALITY = 80  # of WebP
MAX_PEAKS = 600  # of the sound track: more than a chart of it has pixels to tell apart


@dataclass(frozen=True)
class FaceSummary:
    """Where the main face was in every picture of a clip, and pictures of it at some times.

    Attributes:
        times: float64 [T] seconds of the frames in which the face was found.
        boxes: float64 [T, 4] x, y, width, height as shares of the frame.
        frame_times: float64 [F] seconds of every frame.
        found: bool [F], whether the main face was in it.
        pictures: P WebP files of RGB [96, 96, 3], P <= ``MAX_PICTURES``; one of each face where there are no more.
        picture_times: float64 [P] seconds, ascending.
        note: a sentence when one of several faces had to be chosen, else empty.
    """

    times: np.ndarray
    boxes: np.ndarray
    frame_times: np.ndarray
    found: np.ndarray
    pictures: tuple[bytes, ...]
    picture_times: np.ndarray
    note: str = ""

    def __len__(self) -> int:
        return len(self.times)

    @classmethod
    def of(cls, track: FaceTrack, duration: float) -> "FaceSummary":
        """A track without crops and movements, and with some of its pictures.

        Args:
            duration: of the clip, in seconds.
        """
        shown = spread(track.shown_at, MAX_PICTURES, duration)
        return cls(
            times=track.times,
            boxes=track.boxes,
            frame_times=track.frame_times,
            found=track.found,
            pictures=tuple(webp(track.thumbnails[i]) for i in shown),
            picture_times=track.shown_at[shown],
            note=track.note,
        )

    def spread_pictures(self, most: int, duration: float) -> list[tuple[float, bytes]]:
        """(seconds, WebP) of at most ``most`` pictures, one for each equal part of the clip that has any."""
        return [(float(self.picture_times[i]), self.pictures[i]) for i in spread(self.picture_times, most, duration)]

    def nearest_picture(self, time: float) -> bytes:
        """The WebP whose time is nearest.

        Raises:
            ValueError: there is no picture.
        """
        return self.pictures[int(np.abs(self.picture_times - time).argmin())]


@dataclass(frozen=True)
class Envelope:
    """The outline of a sound track: ``peaks`` float32 [N] in [0, 1], the largest absolute sample of each of N equal
    parts, N <= ``MAX_PEAKS``; ``times`` float64 [N], their middles in seconds."""

    peaks: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, voice: Waveform) -> "Envelope":
        """Of a sound track of at least one sample."""
        samples = voice.samples
        edges = np.linspace(0, len(samples), min(MAX_PEAKS, len(samples)) + 1).astype(int)
        peaks = np.maximum(np.maximum.reduceat(samples, edges[:-1]), -np.minimum.reduceat(samples, edges[:-1]))
        times = (edges[:-1] + edges[1:]) / 2 / len(samples) * voice.duration
        return cls(peaks.astype(np.float32), times)


def spread(times: np.ndarray, most: int, duration: float) -> list[int]:
    """At most ``most`` indices into ``times`` [T], one for each equal part of the clip that has any."""
    slots: dict[int, int] = {}
    width = max(duration, 1e-6) / most
    for index, time in enumerate(times):
        slot = min(int(time / width), most - 1)
        middle = (slot + 0.5) * width
        if slot not in slots or abs(times[slots[slot]] - middle) > abs(time - middle):
            slots[slot] = index
    return sorted(slots.values())


def nbytes(value) -> int:
    """Bytes of all arrays, files and texts in a tree of dataclasses and containers, each counted once."""
    total, seen, todo = 0, set(), [value]
    while todo:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, np.ndarray):
            total += part.nbytes
        elif isinstance(part, bytes | str):
            total += len(part)
        elif isinstance(part, dict):
            todo += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            todo += part
        elif is_dataclass(part) and not isinstance(part, type):
            todo += [getattr(part, field.name) for field in fields(part)]
    return total


def webp(image: np.ndarray) -> bytes:
    """RGB uint8 [H, W, 3] as a WebP file."""
    quality = [cv2.IMWRITE_WEBP_QUALITY, PICTURE_QUALITY]
    return cv2.imencode(".webp", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
