"""What is calm about the Live tab: a label stays until another leads it, and one person is followed among several."""

import numpy as np
import pytest

from core import LABELS
from core.analysis.results import Verdict
from core.analysis.steady import MARGIN, NOTHING, PATIENCE, SteadyLabel
from core.encoders.faces import Face
from core.encoders.following import GONE, Follower

FIRST, SECOND, THIRD = LABELS[:3]


def saying(first: float, second: float, third: float = 0.0) -> Verdict:
    """Probabilities of the first three labels; what is left is shared by the others."""
    rest = (1 - first - second - third) / 4
    return Verdict("self", np.array([first, second, third, *[rest] * 4]), {})


def test_labels_about_as_probable_do_not_take_turns():
    """Twenty changes of the most probable label, none of the one that is shown."""
    label = SteadyLabel()
    shown = [label.update(saying(0.4 + 0.05 * (-1) ** i, 0.4), 0.15 * i) for i in range(20)]
    assert set(shown) == {FIRST}


def test_a_label_that_leads_by_the_margin_is_shown_at_once():
    label = SteadyLabel()
    assert label.update(saying(0.5, 0.3), 0.0) == FIRST
    assert label.update(saying(0.35, 0.35 + MARGIN - 0.01), 0.1) == FIRST
    assert label.update(saying(0.35, 0.35 + MARGIN + 0.01), 0.2) == SECOND


def test_a_label_that_is_ahead_for_long_enough_is_shown():
    label = SteadyLabel()
    label.update(saying(0.5, 0.3), 0.0)
    assert label.update(saying(0.4, 0.45), 1.0) == FIRST
    assert label.update(saying(0.4, 0.45), 1.0 + PATIENCE - 0.01) == FIRST
    assert label.update(saying(0.4, 0.45), 1.0 + PATIENCE) == SECOND
    label.update(saying(0.45, 0.4), 3.0)
    label.update(saying(0.4, 0.45), 3.0 + PATIENCE / 2)  # it was ahead only for a moment
    assert label.update(saying(0.45, 0.4), 3.0 + PATIENCE) == SECOND
    label.update(saying(0.4, 0.38, 0.41), 3.1 + PATIENCE)  # nor does a third one's time count for the first
    assert label.update(saying(0.41, 0.38, 0.4), 3.0 + 2 * PATIENCE) == SECOND


def test_without_a_verdict_nothing_is_shown_and_the_next_one_is_at_once():
    label = SteadyLabel()
    label.update(saying(0.5, 0.3), 0.0)
    assert label.update(None, 0.1) is None
    assert label.update(saying(0.3, 0.31), 0.2) == SECOND


def test_that_nothing_stands_out_is_as_steady_as_a_label():
    label, floor = SteadyLabel(), 0.35
    assert label.update(saying(0.34, 0.2), 0.0, floor) == NOTHING
    assert label.update(saying(0.36, 0.2), 0.1, floor) == NOTHING, "ahead by 0.01"
    assert label.update(saying(0.36 + MARGIN, 0.2), 0.2, floor) == FIRST
    assert label.update(saying(0.34, 0.2), 0.3, floor) == FIRST
    assert label.update(saying(0.1, 0.2), 0.4, floor) == NOTHING, "0.25 below what nothing counts as"


def face(x: float, size: float = 0.2, looks: int = 0) -> Face:
    """A face whose box begins at x; of the same ``looks`` it is the same person's."""
    crop = np.random.default_rng(looks).integers(0, 255, (48, 48), np.uint8)
    return Face((x, 0.3, size, size), crop, np.zeros((96, 96, 3), np.uint8), np.zeros(52, np.float32))


def test_the_largest_face_is_followed_and_stays_although_others_grow():
    follower = Follower()
    assert follower.see([face(0.1), face(0.6, 0.3)], 0.0) and follower.face.box[0] == 0.6
    assert follower.others == ((0.1, 0.3, 0.2, 0.2),)
    assert not follower.see([face(0.1, 0.5), face(0.62, 0.2)], 0.1) and follower.face.box[0] == 0.62


def test_who_moves_far_or_is_missed_for_a_moment_is_found_again_by_looks():
    follower = Follower()
    follower.see([face(0.6, looks=1)], 0.0)
    assert not follower.see([face(0.1, looks=2)], 0.2) and follower.face is None, "nobody takes over at once"
    assert not follower.see([face(0.1, looks=2), face(0.3, looks=1)], 0.4) and follower.face.box[0] == 0.3
    assert not follower.see([face(0.7, looks=2)], 0.4 + GONE - 0.01) and follower.face is None
    assert follower.see([face(0.7, looks=2)], 0.4 + GONE) and follower.face.box[0] == 0.7


def test_a_tap_chooses_whom_it_meets():
    follower = Follower()
    assert not follower.choose(0.5, 0.5), "nobody is there yet"
    follower.see([face(0.1, 0.3, 1), face(0.6, 0.2, 2)], 0.0)
    assert not follower.choose(0.5, 0.4), "between the two"
    assert not follower.choose(0.2, 0.4), "who is followed already"
    assert follower.choose(0.7, 0.4) and follower.face.box[0] == 0.6 and follower.others == ((0.1, 0.3, 0.3, 0.3),)
    follower.see([face(0.1, 0.5, 1)], 0.5)
    assert follower.face is None, "the larger one is somebody else"
    follower.see([face(0.1, 0.5, 1), face(0.5, 0.2, 2)], 1.0)
    assert follower.face.box[0] == 0.5


@pytest.mark.parametrize("point", [(0.65, 0.35), (0.79, 0.49)])
def test_of_two_faces_that_overlap_the_smaller_is_meant(point):
    follower = Follower()
    follower.see([face(0.3, 0.6, 1), face(0.6, 0.2, 2)], 0.0)
    assert follower.choose(*point) and follower.face.box[2] == 0.2
