"""Face thumbnails for charts and pages: as data URIs, so that no picture of a visitor becomes a file."""

import base64

import cv2
import numpy as np


def data_uri(image: np.ndarray) -> str:
    """RGB uint8 [H, W, 3] as a JPEG data URI."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


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
