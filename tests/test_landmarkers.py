"""Several landmarkers at once find what one finds, in the order of the pictures."""

import os
from contextlib import closing

import cv2
import numpy as np
import pytest
from recordings import portrait

from core.cancellation import cancellation_scope
from core.encoders import landmarkers as several
from core.encoders.face_track import CROP
from core.encoders.landmarkers import LEAD, MAX_LANDMARKERS, STRETCH, faces_in_order, landmarkers
from core.media.reader import Frame

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


class Enough(Exception):
    """What ends the work in these tests."""


def nodding(count: int) -> list[Frame]:
    """A face that moves and turns, and is not there in some pictures of the second stretch."""
    frames = []
    for i in range(count):
        turn = cv2.getRotationMatrix2D((320, 240), 12 * np.sin(i / 5), 1.0)
        turn[:, 2] += 30 * np.sin(i / 7), 20 * np.cos(i / 9)
        image = cv2.warpAffine(portrait(), turn, (640, 480), borderMode=cv2.BORDER_REPLICATE)
        frames.append(Frame(i / 25, np.full_like(image, 90) if 28 <= i < 32 else image))
    return frames


def test_three_find_what_one_finds():
    frames = nodding(2 * STRETCH + 9)
    alone, together = (list(faces_in_order(iter(frames), count)) for count in (1, 3))
    assert [frame for frame, _ in together] == frames
    assert [len(faces) for _, faces in together] == [len(faces) for _, faces in alone] == [
        0 if 28 <= i < 32 else 1 for i in range(len(frames))
    ]  # fmt: skip
    for (_, faces), (_, same) in zip(alone, together, strict=True):
        for face, other in zip(faces, same, strict=True):
            assert np.allclose(face.box, other.box, atol=0.01)
            assert np.abs(face.crop.astype(int) - other.crop).mean() < 255 / CROP
            assert np.abs(face.blendshapes - other.blendshapes).max() < 0.1


def test_each_stretch_begins_with_the_end_of_the_one_before():
    numbers = list(range(2 * STRETCH + 1))
    stretches = list(several._stretches(iter(numbers)))  # type: ignore[arg-type]
    assert [stretch for _, stretch in stretches] == [numbers[:STRETCH], numbers[STRETCH:-1], numbers[-1:]]
    assert [lead for lead, _ in stretches] == [[], numbers[STRETCH - LEAD : STRETCH], numbers[-1 - LEAD : -1]]
    assert list(several._stretches(iter(()))) == []


def test_who_leaves_and_who_calls_off_ends_the_work():
    frames = nodding(2 * STRETCH)
    with closing(faces_in_order(iter(frames), 2)) as coming:
        assert next(coming)[0] is frames[0]

    def check():
        checks.append(None)
        if len(checks) == 3:
            raise Enough

    checks: list[None] = []
    with pytest.raises(Enough), cancellation_scope(check):
        list(faces_in_order(iter(frames), 2))


def test_an_error_of_the_reader_comes_through():
    def reading():
        yield from nodding(3)
        raise Enough

    with pytest.raises(Enough):
        list(faces_in_order(reading(), 2))


@pytest.mark.parametrize(("cores", "count"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 4), (64, MAX_LANDMARKERS)])
def test_there_are_as_many_as_cores_allow(cores, count, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert landmarkers() == count
