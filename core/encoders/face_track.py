"""What was seen of the faces of a clip, on its time axis: the one that counts, and the persons to choose from."""

from dataclasses import dataclass

import numpy as np

CROP = 48  # pixels of a side of a face crop, as in FER2013
MAX_FACES = 4  # looked for in a frame
THUMBNAIL = 96  # pixels
BLENDSHAPES = 52  # MediaPipe's measures of how far each movement of a face goes, in [0, 1]


@dataclass(frozen=True)
class FaceTrack:
    """The main face through a clip; T crops may be fewer than the F frames that were looked at.

    Attributes:
        times: [T] seconds.
        crops: uint8 [T, 48, 48] grey, levelled by the eyes, placed as in FER2013.
        thumbnails: uint8 [K, 96, 96, 3] RGB of the same cut, of as many of the faces as were kept (see ``shown_at``).
        boxes: float64 [T, 4] x, y, width, height as shares of the frame.
        blendshapes: float32 [T, 52], how far each movement of the face goes, in [0, 1].
        frame_times: [F] seconds of every frame.
        found: bool [F], whether the main face was in it.
        note: a sentence when one of several faces had to be chosen, else empty.
        share: of the pictures that could have shown the face, in how many it was found, in [0, 1].
        upside_down: whether the pictures were turned to read it; boxes are those of the pictures as they are.
        thumbnail_times: float64 [K] seconds; None if there is a thumbnail of each face.
    """

    times: np.ndarray
    crops: np.ndarray
    thumbnails: np.ndarray
    boxes: np.ndarray
    blendshapes: np.ndarray
    frame_times: np.ndarray
    found: np.ndarray
    note: str = ""
    share: float = 1.0
    upside_down: bool = False
    thumbnail_times: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.times)

    @property
    def shown_at(self) -> np.ndarray:
        """float64 [K] seconds of the thumbnails."""
        return self.times if self.thumbnail_times is None else self.thumbnail_times


def no_faces(frame_times: np.ndarray) -> FaceTrack:
    """The track of a clip in which no face was found."""
    return FaceTrack(
        times=np.zeros(0),
        crops=np.zeros((0, CROP, CROP), np.uint8),
        thumbnails=np.zeros((0, THUMBNAIL, THUMBNAIL, 3), np.uint8),
        boxes=np.zeros((0, 4)),
        blendshapes=np.zeros((0, BLENDSHAPES), np.float32),
        frame_times=frame_times,
        found=np.zeros(len(frame_times), bool),
    )


PLACES = {"left": "on the left", "middle": "in the middle", "right": "on the right"}


@dataclass(frozen=True)
class Person:
    """One of several persons in a clip, seen in T of its pictures.

    Attributes:
        pictures: int64 [T], which of the clip's pictures.
        times: float64 [T] seconds.
        crops: uint8 [T, 48, 48].
        boxes: float64 [T, 4].
        blendshapes: float32 [T, 52]; these as in ``FaceTrack``.
        thumbnails: uint8 [K, 96, 96, 3], 1 to ``THUMBNAILS`` of them.
        thumbnail_times: float64 [K] seconds.
        share: in how many of the pictures that could have shown the face it was found, in [0, 1].
    """

    pictures: np.ndarray
    times: np.ndarray
    crops: np.ndarray
    boxes: np.ndarray
    blendshapes: np.ndarray
    thumbnails: np.ndarray
    thumbnail_times: np.ndarray
    share: float

    @property
    def place(self) -> str:
        """Where in the picture the face is on average: one of ``PLACES``."""
        return place_of(self.boxes)


@dataclass(frozen=True)
class Persons:
    """The persons of a clip in which there are several, and which of them counts.

    Attributes:
        each: two to ``MAX_PERSONS``; first the one who counts by default, the others by the number of their pictures.
        frame_times: float64 [F] seconds of every picture of the clip.
        upside_down: see ``FaceTrack``.
        chosen: who counts, from 1.
    """

    each: tuple[Person, ...]
    frame_times: np.ndarray
    upside_down: bool = False
    chosen: int = 1

    @property
    def track(self) -> FaceTrack:
        """Of the person who counts, with the thumbnails that were kept."""
        return _track(self.each, self.chosen, self.frame_times, self.upside_down)


def place_of(boxes: np.ndarray) -> str:
    """Where boxes [T, 4] are on average: one of ``PLACES``."""
    middle = float(np.mean(boxes[:, 0] + boxes[:, 2] / 2))
    return "left" if middle < 0.4 else "right" if middle > 0.6 else "middle"


def _track(each: tuple[Person, ...], number: int, frame_times: np.ndarray, upside_down: bool) -> FaceTrack:
    person = each[number - 1]
    found = np.zeros(len(frame_times), bool)
    found[person.pictures] = True
    return FaceTrack(
        times=person.times,
        crops=person.crops,
        thumbnails=person.thumbnails,
        boxes=person.boxes,
        blendshapes=person.blendshapes,
        frame_times=frame_times,
        found=found,
        note=_choice(each, number),
        share=person.share,
        upside_down=upside_down,
        thumbnail_times=person.thumbnail_times,
    )


def _nearest(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """int64 [W]: for each wanted number, the index of the nearest of at least one known, which ascend."""
    right = np.searchsorted(known, wanted).clip(0, len(known) - 1)
    left = (right - 1).clip(0)
    return np.where(np.abs(known[left] - wanted) <= np.abs(known[right] - wanted), left, right)


def _choice(persons: tuple[Person, ...], number: int) -> str:
    """Says whose face counts when several were there."""
    if len(persons) == 1:
        return ""
    count, place = len(persons), PLACES[persons[number - 1].place]
    if number > 1:
        return f"{count} faces were seen; number {number}, {place} of the picture, was chosen."
    sizes = [float(np.sqrt(person.boxes[:, 2] * person.boxes[:, 3]).sum()) for person in persons]
    if sizes[0] == max(sizes):
        return f"{count} faces were seen; the largest and steadiest, {place} of the picture, was followed."
    return f"{count} faces were seen; the largest one that moves, {place} of the picture, was followed."
