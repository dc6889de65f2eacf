"""The main face of a clip: found by MediaPipe, followed through time, levelled and cropped.

A crop holds the face where FER2013 holds its faces, so that the face encoder sees what it was
trained on. Frames without a face are gaps in the track, not black images.
"""

import re
from dataclasses import dataclass

import cv2
import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from core.encoders.face_track import BLENDSHAPES, CROP, MAX_FACES, THUMBNAIL, FaceTrack
from core.encoders.native_output import without_lines
from core.encoders.packaged import FACE_LANDMARKER, locate
from core.media.reader import Frame

# Hull of MediaPipe's landmarks in a FER2013 crop, median over 8,000 images, in units of the crop.
HULL_LEFT, HULL_RIGHT, HULL_TOP, HULL_BOTTOM = 0.09, 0.914, 0.089, 1.005
STILL = 256, 16  # side of a crop of the size of FER2013's when MediaPipe looks at it, and pixels of border around it
LEFT_IRIS, RIGHT_IRIS = 468, 473  # landmarks of the eyes on the left and right of the picture

# What MediaPipe writes whenever a landmarker is made, and offers no way to switch off: notes and warnings of absl's log
# ("W0000 00:00:1795877949.017135   15860 face_landmarker_graph.cc:174] ...") and of TensorFlow Lite. Errors are others.
CHATTER = re.compile(
    rb"[IW]\d{4} [\d:.]+ +\d+ \S+[.]cc:\d+\]|WARNING: All log messages before absl|INFO: Created TensorFlow Lite "
)


@dataclass(frozen=True)
class Face:
    """One face in one frame: ``box`` x, y, width, height as shares of the frame; see ``FaceTrack`` for the rest."""

    box: tuple[float, float, float, float]
    crop: np.ndarray
    thumbnail: np.ndarray
    blendshapes: np.ndarray

    @property
    def size(self) -> float:
        """Square root of the box's share of the frame."""
        return float(np.sqrt(self.box[2] * self.box[3]))


class FaceFinder:
    """Finds all faces of successive frames of one clip; use it as a context manager."""

    def __init__(self):
        self._landmarker = landmarker(vision.RunningMode.VIDEO, num_faces=MAX_FACES)
        self._clock = -1  # milliseconds; MediaPipe wants them strictly increasing

    def __enter__(self) -> "FaceFinder":
        return self

    def __exit__(self, *_) -> None:
        self._landmarker.close()

    def find(self, frame: Frame) -> list[Face]:
        """The faces of the next frame, in no particular order."""
        self._clock = max(self._clock + 1, round(frame.time * 1000))
        height, width = frame.image.shape[:2]
        image = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(frame.image))
        result = self._landmarker.detect_for_video(image, self._clock)
        return cut_faces(frame.image, result, (width, height))


def landmarker(mode: vision.RunningMode, **options) -> vision.FaceLandmarker:
    """MediaPipe's face landmarker with blendshapes; close it, or use it as a context manager."""
    base = BaseOptions(model_asset_path=str(locate(FACE_LANDMARKER)))
    options = vision.FaceLandmarkerOptions(
        base_options=base, running_mode=mode, output_face_blendshapes=True, **options
    )
    with without_lines(CHATTER):
        return vision.FaceLandmarker.create_from_options(options)


def cut_faces(image: np.ndarray, result, size: tuple[int, int], origin: tuple[int, int] = (0, 0)) -> list[Face]:
    """All faces that MediaPipe found in a part of RGB uint8 [H, W, 3], its width and height and where it begins."""
    points = [np.array([[p.x, p.y] for p in face]) * size + origin for face in result.face_landmarks]
    shapes = map(scores_of, result.face_blendshapes)
    return [cut_face(image, landmarks, scores) for landmarks, scores in zip(points, shapes, strict=True)]


def scores_of(shapes: list) -> np.ndarray:
    """float32 [52] of MediaPipe's list of blendshapes."""
    return np.array([shape.score for shape in shapes], np.float32)


def still_blendshapes(crops: np.ndarray) -> np.ndarray:
    """Blendshapes float32 [N, 52] of photographs uint8 [N, 48, 48] of a face each; NaN where no face is found."""
    side, border = STILL
    found = np.full((len(crops), BLENDSHAPES), np.nan, np.float32)
    with landmarker(
        vision.RunningMode.IMAGE, min_face_detection_confidence=0.3, min_face_presence_confidence=0.3
    ) as see:
        for row, crop in zip(found, crops, strict=True):
            framed = cv2.copyMakeBorder(crop, border, border, border, border, cv2.BORDER_REPLICATE)
            large = cv2.resize(framed, (side, side), interpolation=cv2.INTER_CUBIC)
            image = mediapipe.Image(mediapipe.ImageFormat.SRGB, cv2.cvtColor(large, cv2.COLOR_GRAY2RGB))
            if shapes := see.detect(image).face_blendshapes:
                row[:] = scores_of(shapes[0])
    return found


def apart(face: Face, other: Face) -> float:
    """Distance of centres in units of the first face's size."""
    x, y, w, h = other.box
    u, v, s, t = face.box
    return float(np.hypot(x + w / 2 - u - s / 2, y + h / 2 - v - t / 2)) / max(face.size, 1e-6)


def track_of(
    faces: list[Face], times: np.ndarray, frame_times: np.ndarray, found: np.ndarray, note: str = ""
) -> FaceTrack:
    """The track of at least one face; see ``FaceTrack`` for the arrays."""
    return FaceTrack(
        times=times,
        crops=np.stack([face.crop for face in faces]),
        thumbnails=np.stack([face.thumbnail for face in faces]),
        boxes=np.array([face.box for face in faces]),
        blendshapes=np.stack([face.blendshapes for face in faces]),
        frame_times=frame_times,
        found=found,
        note=note,
    )


def cut_face(image: np.ndarray, landmarks: np.ndarray, blendshapes: np.ndarray) -> Face:
    """Cuts a face out of RGB uint8 [H, W, 3] by its landmarks [478, 2] in pixels, levelled by the eyes."""
    height, width = image.shape[:2]
    across = landmarks[RIGHT_IRIS] - landmarks[LEFT_IRIS]
    angle = np.arctan2(across[1], across[0])
    cos, sin = np.cos(angle), np.sin(angle)
    level = np.array([[cos, sin], [-sin, cos]])  # turns the picture so that the eyes lie on a horizontal line
    turned = landmarks @ level.T
    (left, top), (right, bottom) = turned.min(0), turned.max(0)
    side = ((right - left) / (HULL_RIGHT - HULL_LEFT) + (bottom - top) / (HULL_BOTTOM - HULL_TOP)) / 2
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    target = np.array([(HULL_LEFT + HULL_RIGHT) / 2, (HULL_TOP + HULL_BOTTOM) / 2])

    large = 2 * THUMBNAIL  # cut at a higher resolution, then averaged down: no aliasing from large faces
    scale = large / side
    matrix = np.column_stack([scale * level, target * large - scale * centre])
    cut = cv2.warpAffine(image, matrix, (large, large), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    thumbnail = cv2.resize(cut, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    crop = cv2.resize(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), (CROP, CROP), interpolation=cv2.INTER_AREA)

    low = landmarks.min(0).clip(0, (width, height))
    high = landmarks.max(0).clip(0, (width, height))
    (x, y), (right_edge, bottom_edge) = low.tolist(), high.tolist()
    box = (x / width, y / height, (right_edge - x) / width, (bottom_edge - y) / height)
    return Face(box, crop, thumbnail, blendshapes)
