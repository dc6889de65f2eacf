"""Animated WebP pictures, which FFmpeg does not know: OpenCV decodes them.

Container: https://developers.google.com/speed/webp/docs/riff_container
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from core.cancellation import checkpoint as raise_if_cancelled
from core.media.container import MAX_PACKETS, MAX_PIXELS, MediaError, shown

MAX_ALL_PIXELS = 128_000_000  # of all pictures of an animation: four hundred of 640 by 480
AT_ONCE = 16_000_000  # pixels that are decoded together; each time all pictures before them are decoded again
ANIMATED = 2  # flag of the header
SHORTEST, USUAL = (
    0.01,
    0.1,
)  # seconds; browsers show pictures that claim to last no longer than the first for the second


@dataclass(frozen=True)
class Animation:
    """Pictures without sound: ``times`` float64 [T] at which each is shown, ``duration`` of them all, in seconds."""

    path: Path
    times: np.ndarray
    duration: float
    pixels: int

    @classmethod
    def of(cls, path: Path) -> "Animation | None":
        """An animated WebP picture; None for any other file.

        Raises:
            MediaError: ``too_large`` or ``truncated``.
        """
        too_large = MediaError("too_large", f"{shown(path)} has more or larger pictures than can be read.")
        with path.open("rb") as file:
            head = file.read(30)
            if len(head) < 30 or head[:4] + head[8:16] != b"RIFFWEBPVP8X" or not head[20] & ANIMATED:
                return None
            if 8 + int.from_bytes(head[4:8], "little") > path.stat().st_size:
                raise MediaError("truncated", f"{shown(path)} is cut short or damaged and cannot be read.")
            width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
            lasting: list[float] = []
            at = 12
            for _ in range(MAX_PACKETS):
                raise_if_cancelled()
                file.seek(at)
                chunk = file.read(24)
                if len(chunk) < 8:
                    break
                if chunk[:4] == b"ANMF" and len(chunk) == 24:
                    seconds = int.from_bytes(chunk[20:23], "little") / 1000
                    lasting.append(seconds if seconds > SHORTEST else USUAL)
                size = int.from_bytes(chunk[4:8], "little")
                at += 8 + size + size % 2
            else:
                raise too_large
        if width * height > MAX_PIXELS or len(lasting) * width * height > MAX_ALL_PIXELS:
            raise too_large
        ends = np.cumsum([0.0, *lasting])
        return cls(path, ends[:-1], float(ends[-1]), width * height)

    def images(self) -> Iterator[np.ndarray]:
        """RGB uint8 [H, W, 3] of each picture, as far as they are whole."""
        data = np.fromfile(self.path, np.uint8)
        step = max(1, AT_ONCE // self.pixels)
        for start in range(0, len(self.times), step):
            raise_if_cancelled()
            before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
            try:
                found, animation = cv2.imdecodeanimation(data, start=start, count=step)
            except cv2.error:
                return
            finally:
                cv2.utils.logging.setLogLevel(before)
            for frame in animation.frames if found else ():
                yield cv2.cvtColor(frame, cv2.COLOR_BGRA2RGB if frame.shape[2] == 4 else cv2.COLOR_BGR2RGB)
