"""A real face is found, followed, levelled and placed as FER2013 places faces; its absence is a gap."""

import cv2
import numpy as np
import pytest
import skimage.data
from recordings import portrait

from core.encoders.face_search import CloserLook
from core.encoders.face_track import FaceTrack
from core.encoders.faces import HULL_BOTTOM, HULL_LEFT, HULL_RIGHT, HULL_TOP, FaceFinder, cut_face
from core.encoders.persons import follow_faces
from core.media.reader import Frame

EMPTY = np.full((480, 640, 3), 90, np.uint8)


def clip_of(images) -> list[Frame]:
    return [Frame(i / 10, image) for i, image in enumerate(images)]


def follow_main_face(frames: list[Frame]) -> FaceTrack:
    return follow_faces(lambda: frames).track


def beside(left: float, right: float) -> np.ndarray:
    """Two faces on one picture, each scaled: shares of a 300 pixel square."""
    canvas = np.full((300, 600, 3), 90, np.uint8)
    face = skimage.data.astronaut()[20:220, 130:330]
    for scale, start in ((left, 0), (right, 300)):
        side = round(300 * scale)
        canvas[:side, start : start + side] = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return canvas


def test_a_face_is_found_and_followed():
    images = [np.roll(portrait(), 3 * i, 1) for i in range(6)]
    track = follow_main_face(clip_of(images))
    assert len(track) == 6 and track.found.all() and track.note == ""
    assert track.crops.shape == (6, 48, 48) and track.crops.dtype == np.uint8
    assert track.thumbnails.shape == (6, 96, 96, 3)
    assert np.allclose(track.times, track.frame_times)
    moved = (track.boxes[-1, 0] - track.boxes[0, 0]) * 640
    assert moved == pytest.approx(15, abs=4)


def test_frames_without_a_face_are_gaps():
    track = follow_main_face(clip_of([portrait(), EMPTY, EMPTY, portrait()]))
    assert track.found.tolist() == [True, False, False, True]
    assert track.times.tolist() == pytest.approx([0.0, 0.3])
    assert len(track.crops) == 2 and track.crops.std((1, 2)).min() > 20  # no black images


def test_no_face_at_all():
    track = follow_main_face(clip_of([EMPTY] * 3))
    assert len(track) == 0 and not track.found.any() and len(track.frame_times) == 3
    assert len(follow_main_face([])) == 0


def test_the_largest_of_two_is_followed_and_that_is_said():
    track = follow_main_face(clip_of([beside(0.6, 1.0)] * 4))
    assert len(track) == 4
    assert (track.boxes[:, 0] > 0.5).all()
    assert "2 faces" in track.note and "right" in track.note


def test_the_steadiest_is_followed_when_the_larger_one_leaves():
    images = [beside(0.8, 1.0)] * 2 + [beside(0.8, 0.05)] * 8  # too small a face is not found
    track = follow_main_face(clip_of(images))
    assert len(track) == 10 and (track.boxes[:, 0] < 0.5).all()


def crowd(side: int, step: int = 0) -> np.ndarray:
    """Ten faces in two rows, squares of ``side`` pixels, all a little further to the right with each step."""
    image = np.full((480, 640, 3), 90, np.uint8)
    face = cv2.resize(skimage.data.astronaut()[20:220, 130:330], (side, side), interpolation=cv2.INTER_AREA)
    for row in (120, 360):
        for column in range(64, 640, 128):
            top, left = row - side // 2, column - side // 2 + step
            image[top : top + side, left : left + side] = face
    return image


@pytest.mark.parametrize("side", [60, 90])
def test_ten_small_faces_are_found_and_one_is_followed(side):
    with FaceFinder() as finder:
        assert finder.find(Frame(0.0, crowd(side))) == [], "too small for a look at the whole picture"
    track = follow_main_face(clip_of([crowd(side, 2 * i) for i in range(6)]))
    assert len(track) == 6 and track.crops.std((1, 2)).min() > 20
    middles = (track.boxes[:, 0] + track.boxes[:, 2] / 2) * 640
    assert np.diff(middles) == pytest.approx([2] * 5, abs=1.5), "the same one"
    assert abs((middles[0] - 64 + 64) % 128 - 64) < 15, "which is where a face is"


def test_a_picture_of_ten_small_faces_has_one():
    assert len(follow_main_face(clip_of([crowd(80)]))) == 1


def test_a_closer_look_sees_all_of_them_once():
    with CloserLook() as closer:
        assert len(closer.everywhere(crowd(80))) == 10
        assert closer.everywhere(EMPTY) == []


@pytest.mark.parametrize("degrees", [-25, 0, 25])
def test_crops_are_level_and_placed_as_in_fer2013(degrees):
    """The hull of the landmarks, found again in the crop, lies where FER2013 has it."""
    turn = cv2.getRotationMatrix2D((320, 240), degrees, 1.0)
    image = cv2.warpAffine(portrait(), turn, (640, 480), borderMode=cv2.BORDER_REPLICATE)
    with FaceFinder() as finder:
        (face,) = finder.find(Frame(0.0, image))
    padded = cv2.copyMakeBorder(cv2.resize(face.thumbnail, (192, 192)), 60, 60, 60, 60, cv2.BORDER_REPLICATE)
    with FaceFinder() as finder:
        (again,) = finder.find(Frame(0.0, padded))
    left, top, width, height = (np.array(again.box) * 312 - [60, 60, 0, 0]) / 192
    assert left == pytest.approx(HULL_LEFT, abs=0.07) and left + width == pytest.approx(HULL_RIGHT, abs=0.07)
    assert top == pytest.approx(HULL_TOP, abs=0.08) and top + height == pytest.approx(HULL_BOTTOM, abs=0.08)


def test_cutting_by_hand_made_landmarks():
    """A square face of known place: its hull maps to FER2013's."""
    image = np.zeros((200, 200, 3), np.uint8)
    image[60:140, 50:130] = 200
    landmarks = np.full((478, 2), [90.0, 100.0])
    landmarks[0], landmarks[1] = (50, 60), (130, 140)
    landmarks[468], landmarks[473] = (70, 80), (110, 80)
    face = cut_face(image, landmarks, np.zeros(52, np.float32))
    assert face.box == pytest.approx((0.25, 0.3, 0.4, 0.4))
    side = (80 / (HULL_RIGHT - HULL_LEFT) + 80 / (HULL_BOTTOM - HULL_TOP)) / 2
    columns = np.flatnonzero(face.thumbnail[48, :, 0] > 100)
    assert len(columns) == pytest.approx(96 * 80 / side, abs=2)
    assert columns.mean() / 96 == pytest.approx((HULL_LEFT + HULL_RIGHT) / 2, abs=0.02)
