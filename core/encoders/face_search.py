"""Every face of every picture of a clip, linked from picture to picture as long as one can be followed.

Most pictures are looked at once, as a whole. Where that misses a face which was there a moment ago, and now and then
where it finds none, parts of the picture are looked at more closely.
"""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace

import cv2
import mediapipe
import numpy as np
from mediapipe.tasks.python import vision

from core.encoders.face_track import MAX_FACES, THUMBNAIL
from core.encoders.faces import Face, apart, cut_faces, landmarker
from core.encoders.landmarkers import faces_in_order
from core.media.reader import Frame

PART, ENLARGED = 240, 2  # pixels of a square part of a frame that is looked at closely, and by how much it is enlarged
SEARCH_EVERY = 0.5  # seconds between searches of a whole picture in parts
LOST_AFTER = 1.0  # seconds without a match after which a face is no longer looked for where it was
MAX_MISSED = 4  # pictures without a face that are kept until the next search, which may find one that was in them too
MAX_CLOSER = 2  # faces that are looked for in a picture around their last place
MAX_KEPT = 12  # faces of a picture, the largest
SAME_FACE = 0.5  # distance in sizes of a face, within which two looks at one picture have found the same one
MAX_DISTANCE, MAX_GROWTH = 1.0, 1.6  # what a face moves and grows between two pictures, in its sizes and as a ratio
MIN_ALIKE = 0.4  # likeness of a followed face in two pictures; 99 % of those of filmed actors are above 0.75
APPEARANCE = 16  # side of the picture by which faces are compared
SCENE = (16, 12)  # columns and rows of the picture by which scenes are compared
MAX_SAMPLES = 12  # pictures spread over the clip that are kept for a second opinion
THUMBNAIL_EVERY = 1.0  # seconds between thumbnails of faces that are not the largest of their picture
MAX_THUMBNAILS = 480  # of faces that are, spread over the clip: all of them in 48 seconds


Report = Callable[[float, list[Face]], None]
"""Called with the time in seconds and the faces of each picture, as soon as they are found."""


@dataclass(frozen=True)
class Sighting:
    """A face in a picture: ``picture`` counts from 0, ``time`` in seconds, ``appearance`` see ``appearance_of``.

    ``face.thumbnail`` is empty for most of the faces that are not the largest of their picture, and of a long clip.
    """

    picture: int
    time: float
    face: Face
    appearance: np.ndarray


@dataclass(eq=False)
class Tracklet:
    """Sightings of one face in successive pictures, in order of time, at least one."""

    sightings: list[Sighting] = field(default_factory=list)

    @property
    def last(self) -> Sighting:
        """The latest sighting."""
        return self.sightings[-1]


@dataclass(frozen=True)
class Search:
    """What was found in the F pictures of a clip.

    Attributes:
        times: float64 [F] seconds.
        scenes: uint8 [F, 192], each picture in grey at a very low resolution.
        tracklets: in order of their first sightings.
        samples: at most ``MAX_SAMPLES`` pictures, RGB uint8 [H, W, 3], spread over the clip.
    """

    times: np.ndarray
    scenes: np.ndarray
    tracklets: list[Tracklet]
    samples: list[np.ndarray]


class CloserLook:
    """Looks at single pictures and parts of them: in 640 pixels it finds faces 60 wide, where the whole frame needs
    more than 120. Use it as a context manager."""

    def __init__(self):
        self._landmarker: vision.FaceLandmarker | None = None  # most clips need none

    def __enter__(self) -> "CloserLook":
        return self

    def __exit__(self, *_) -> None:
        if self._landmarker:
            self._landmarker.close()

    def everywhere(self, image: np.ndarray) -> list[Face]:
        """The faces in all parts of RGB uint8 [H, W, 3], each once."""
        height, width = image.shape[:2]
        found: list[Face] = []
        for top in _starts(height):
            for left in _starts(width):
                found += unknown(self._within(image, left, top), found)
        return found

    def around(self, image: np.ndarray, box: tuple[float, float, float, float]) -> list[Face]:
        """The faces in the part around a box that was found in another picture."""
        height, width = image.shape[:2]
        x, y, w, h = box
        left = int(np.clip((x + w / 2) * width - PART / 2, 0, max(0, width - PART)))
        top = int(np.clip((y + h / 2) * height - PART / 2, 0, max(0, height - PART)))
        return self._within(image, left, top)

    def whole(self, image: np.ndarray) -> list[Face]:
        """The faces in RGB uint8 [H, W, 3], none of which is followed from another picture."""
        return cut_faces(image, self._detect(image), image.shape[1::-1])

    def confirms(self, thumbnail: np.ndarray) -> bool:
        """Whether a face is found once more in its own upright cut, RGB uint8 [96, 96, 3].

        All of 504 faces of filmed actors were; of 118 that MediaPipe found in upside-down pictures, eight.
        """
        border = THUMBNAIL // 3
        large = cv2.resize(thumbnail, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
        return bool(
            self._detect(
                cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
            ).face_landmarks
        )  # fmt: skip

    def _within(self, image: np.ndarray, left: int, top: int) -> list[Face]:
        part = image[top : top + PART, left : left + PART]
        large = cv2.resize(part, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
        return cut_faces(image, self._detect(large), part.shape[1::-1], (left, top))

    def _detect(self, image: np.ndarray):
        if self._landmarker is None:
            self._landmarker = landmarker(vision.RunningMode.IMAGE, num_faces=MAX_FACES)
        return self._landmarker.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(image)))


def _starts(length: int) -> list[int]:
    """Where parts begin that cover a length and overlap by a third or more."""
    count = 1 if length <= PART else 1 + -(-(length - PART) * 3 // (2 * PART))
    return [round(i * (length - PART) / (count - 1)) for i in range(count)] if count > 1 else [0]


def unknown(faces: list[Face], known: list[Face]) -> list[Face]:
    """Those of the faces of a picture that are not among the known ones, each once."""
    found: list[Face] = []
    for face in faces:
        if all(apart(face, other) > SAME_FACE for other in (*known, *found)):
            found.append(face)
    return found


def appearance_of(crop: np.ndarray) -> np.ndarray:
    """float32 [256] of length 1 of a grey crop; the product of two is their likeness in [-1, 1], whatever the light.

    Measured on six filmed actors, from a few crops each: 0.65 or more for 99 % of pairs of the same person, for 15 %
    of pairs of different ones. Neither the embedding of expressions nor the shape of the landmarks tells people apart
    as well.
    """
    values = cv2.resize(crop, (APPEARANCE, APPEARANCE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-6)


def search(frames: Iterable[Frame], closer: CloserLook, report: Report | None = None) -> Search:
    """Looks for every face of successive pictures, of which the next ones are decoded meanwhile.

    A closer look is had where a face is missing that was there within the last ``LOST_AFTER`` seconds, and every
    ``SEARCH_EVERY`` seconds at all parts of a picture without any.
    """
    times: list[float] = []
    scenes: list[np.ndarray] = []
    samples = _Samples()
    missed: deque[tuple[int, Frame]] = deque(maxlen=MAX_MISSED)
    linked = _Linked()
    searched = -np.inf
    with closing(faces_in_order(frames)) as coming:
        for index, (frame, found) in enumerate(coming):
            times.append(frame.time)
            small = cv2.resize(frame.image, SCENE, interpolation=cv2.INTER_AREA)
            scenes.append(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).ravel())
            samples.add(frame.image)
            faces = unknown(found, [])
            for box in linked.missing(frame.time, faces)[:MAX_CLOSER]:
                faces += unknown(closer.around(frame.image, box), faces)
            if not faces and frame.time - searched >= SEARCH_EVERY:
                searched = frame.time
                faces = closer.everywhere(frame.image)
                if faces:
                    _look_back(missed, closer, max(faces, key=lambda face: face.size), linked)
            if report:
                report(frame.time, faces)
            if faces:
                missed.clear()
                linked.add(index, frame.time, faces)
            else:
                missed.append((index, frame))
    scenes_seen = np.array(scenes, np.uint8).reshape(len(times), SCENE[0] * SCENE[1])
    return Search(np.array(times), scenes_seen, linked.tracklets, samples.kept)


def _look_back(missed: deque[tuple[int, Frame]], closer: CloserLook, face: Face, linked: "_Linked") -> None:
    """Looks for a small face in the pictures just before the one in which it was found."""
    found = []
    for index, frame in reversed(missed):
        faces = closer.around(frame.image, face.box)
        if not faces:
            break
        found.append((index, frame.time, faces))
        face = min(faces, key=lambda other: apart(other, face))
    for index, time, faces in reversed(found):
        linked.add(index, time, faces)


class _Samples:
    """Some of the pictures of a clip of unknown length, spread over it."""

    def __init__(self):
        self.kept: list[np.ndarray] = []
        self._every, self._count = 1, 0

    def add(self, image: np.ndarray) -> None:
        if self._count % self._every == 0:
            if len(self.kept) == MAX_SAMPLES:
                self.kept, self._every = self.kept[::2], 2 * self._every
            if self._count % self._every == 0:
                self.kept.append(image)
        self._count += 1


class _Linked:
    """Tracklets that grow with each picture."""

    def __init__(self):
        self.tracklets: list[Tracklet] = []
        self._recent: list[Tracklet] = []
        self._shown: list[tuple[Tracklet, int]] = []  # which sightings have one
        self._every, self._largest = 1, 0

    def missing(self, time: float, faces: list[Face]) -> list[tuple[float, float, float, float]]:
        """Where faces were last that were there a moment ago and are not among those found, the longest seen first."""
        gone = [
            t
            for t in self._recent
            if time - t.last.time <= LOST_AFTER and all(apart(t.last.face, face) > MAX_DISTANCE for face in faces)
        ]
        return [t.last.face.box for t in sorted(gone, key=lambda t: -len(t.sightings))]

    def add(self, picture: int, time: float, faces: list[Face]) -> None:
        """Adds the faces of the next picture, each to the recent tracklet that it continues best, if to any."""
        faces = sorted(faces, key=lambda face: -face.size)[:MAX_KEPT]
        new = [Sighting(picture, time, face, appearance_of(face.crop)) for face in faces]
        self._recent = [t for t in self._recent if time - t.last.time <= LOST_AFTER]
        pairs = [(_cost(t.last, s), i, j) for i, t in enumerate(self._recent) for j, s in enumerate(new)]
        owners: dict[int, Tracklet] = {}
        for cost, i, j in sorted(pairs):
            tracklet = self._recent[i]
            if np.isfinite(cost) and j not in owners and tracklet not in owners.values():
                owners[j] = tracklet
        for j, sighting in enumerate(new):
            if j not in owners:
                owners[j] = Tracklet()
                self.tracklets.append(owners[j])
                self._recent.append(owners[j])
            owners[j].sightings.append(_light(sighting, owners[j]) if j else self._spread(sighting, owners[j]))

    def _spread(self, sighting: Sighting, tracklet: Tracklet) -> Sighting:
        """Without its thumbnail if there are many; the first one of a tracklet keeps it."""
        self._largest += 1
        if self._largest % self._every == 0 and len(self._shown) == MAX_THUMBNAILS:
            for other, i in self._shown[::2]:
                if i:
                    other.sightings[i] = _without_thumbnail(other.sightings[i])
            self._shown, self._every = self._shown[1::2], 2 * self._every
        if self._largest % self._every:
            return _without_thumbnail(sighting) if tracklet.sightings else sighting
        self._shown.append((tracklet, len(tracklet.sightings)))
        return sighting


def _cost(before: Sighting, now: Sighting) -> float:
    """How badly a sighting continues an earlier one; infinite if it cannot."""
    distance, likeness = apart(now.face, before.face), float(before.appearance @ now.appearance)
    growth = max(now.face.size, before.face.size) / max(min(now.face.size, before.face.size), 1e-6)
    if distance > MAX_DISTANCE or growth > MAX_GROWTH or likeness < MIN_ALIKE:
        return np.inf
    return distance + 2 * (1 - likeness)


def _light(sighting: Sighting, tracklet: Tracklet) -> Sighting:
    """Without its thumbnail if the tracklet has one of nearly the same time."""
    recent = next((s for s in reversed(tracklet.sightings) if s.face.thumbnail.size), None)
    if recent is None or sighting.time - recent.time >= THUMBNAIL_EVERY:
        return sighting
    return _without_thumbnail(sighting)


def _without_thumbnail(sighting: Sighting) -> Sighting:
    return replace(sighting, face=replace(sighting.face, thumbnail=np.zeros((0, 0, 3), np.uint8)))
