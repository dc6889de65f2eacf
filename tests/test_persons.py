"""Who is in a clip: one person over gaps, cuts and changes of size, two where two are; and whose face counts."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from recordings import portrait, save_two_faces

from core.analysis.analyzer import Analyzer
from core.encoders.face_search import MAX_THUMBNAILS, Search, Sighting, _Linked
from core.encoders.faces import Face
from core.encoders.features import face_warnings
from core.encoders.persons import follow_faces, merged, persons_in
from core.media.reader import Frame, MediaError, read_frames
from demo.server import stored
from demo.server.sessions import Session
from demo.tabs import persons, view

GREY = np.full((360, 480, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def contradiction() -> list[Frame]:
    """34 pictures, five a second."""
    return list(read_frames(stored.clip_of("contradiction")))[::2]


@pytest.fixture(scope="module")
def moods() -> list[Frame]:
    """Three pictures a second."""
    return list(read_frames(stored.clip_of("moods"), rate=3))


def changed(frames: list[Frame], change) -> list[Frame]:
    """``change`` gets time and picture of each."""
    return [Frame(frame.time, np.ascontiguousarray(change(frame.time, frame.image))) for frame in frames]


def pasted(image: np.ndarray, width: int, height: int, left: int, canvas: tuple[int, int] = (640, 360)) -> np.ndarray:
    """A picture of another size on a wider grey one, vertically in the middle."""
    wide = np.full((canvas[1], canvas[0], 3), 90, np.uint8)
    top = (canvas[1] - height) // 2
    wide[top : top + height, left : left + width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return wide


def one_person(frames: list[Frame]) -> int:
    """In how many pictures the only person was found, of whom nothing needs to be said."""
    followed = follow_faces(lambda: frames)
    assert followed.persons is None and face_warnings(followed.track) == ()
    return len(followed.track)


def test_a_face_that_is_gone_for_more_than_a_second_is_the_same_afterwards(contradiction, moods):
    assert sum(2.45 < frame.time < 3.95 for frame in contradiction) == 7
    found = one_person(changed(contradiction, lambda time, image: GREY if 2.45 < time < 3.95 else image))
    assert found == 34 - 7
    away = ((6, 7.4), (12, 13.4), (18, 19.4))
    kept = sum(not any(a <= frame.time <= b for a, b in away) for frame in moods)
    assert kept < len(moods) - 10
    assert one_person(changed(moods, lambda t, image: GREY if any(a <= t <= b for a, b in away) else image)) == kept


def test_a_cut_that_moves_the_face_makes_no_second_one(contradiction):
    assert one_person(changed(contradiction, lambda t, image: pasted(image, 320, 240, 0 if t < 3.4 else 320))) == 34


@pytest.mark.parametrize(
    ("name", "rate", "pictures"), [("contradiction", 0.8, 6), ("contradiction", 0.5, 4), ("moods", 0.8, 20)]
)
def test_few_pictures_a_second_are_of_one_person(name, rate, pictures):
    frames = list(read_frames(stored.clip_of(name), rate=rate))
    assert len(frames) == pictures == one_person(frames)


def test_near_then_far(contradiction):
    """A face too small for a look at the whole picture, after one that was not."""
    near_then_far = changed(
        contradiction, lambda t, image: pasted(image, 480, 360, 80) if t < 1.5 else pasted(image, 120, 90, 260)
    )
    assert one_person(near_then_far) == 34


def test_a_small_face_that_a_late_search_finds_is_in_the_pictures_before_it_too(contradiction):
    """It comes right after a search, so that the next one is half a second away."""
    late = changed(
        contradiction[:10], lambda t, image: pasted(GREY, 480, 360, 80) if t < 0.1 else pasted(image, 120, 90, 260)
    )
    assert one_person(late) == 9


def test_upside_down_pictures_are_turned_and_shown_as_they_are(contradiction):
    frames = contradiction[::2]
    followed = follow_faces(lambda: changed(frames, lambda time, image: image[::-1, ::-1]))
    upright = follow_faces(lambda: frames).track
    track = followed.track
    assert len(track) == 17 and followed.persons is None
    assert "upside down" in " ".join(face_warnings(track)) and not face_warnings(upright)
    np.testing.assert_array_equal(track.crops, upright.crops)
    x, y, w, h = upright.boxes.T
    np.testing.assert_allclose(track.boxes, np.stack([1 - x - w, 1 - y - h, w, h], 1))


def test_a_cut_to_something_else_is_not_a_face_that_was_missed(contradiction):
    quarter = changed(contradiction, lambda time, image: image if time < 1.7 else GREY)
    assert one_person(quarter) == 9
    hidden = changed(contradiction, lambda time, image: image if time < 1.7 else covered(image))
    track = follow_faces(lambda: hidden).track
    assert len(track) == 9 and track.share == 9 / 34
    assert face_warnings(track) == ("The face was found in only 26% of the pictures that could have shown it.",)


def covered(image: np.ndarray) -> np.ndarray:
    """The same scene without its face."""
    image = image.copy()
    image[60:240, 160:320] = 128
    return image


@pytest.mark.parametrize("moving", [True, False])
def test_a_poster_counts_only_where_nobody_moves(contradiction, moving):
    """The speaker, smaller than the poster beside them."""
    poster = cv2.resize(portrait(), (600, 450))[40:400, 140:460]

    def beside(time: float, image: np.ndarray) -> np.ndarray:
        shown = pasted(image if moving else contradiction[0].image, 320, 240, 320)
        shown[:, :320] = poster
        return shown

    frames = changed(contradiction[:15], beside)
    followed = follow_faces(lambda: frames)
    assert len(followed.track) == 15
    assert [person.place for person in followed.persons.each] == (["right", "left"] if moving else ["left", "right"])
    assert ("that moves" in followed.track.note) == moving


# What follows needs no pictures: faces made by hand.


def looks(seed: int) -> np.ndarray:
    """An appearance; two of different seeds are about 0 alike."""
    values = np.random.default_rng(seed).normal(size=256).astype(np.float32)
    return values / np.linalg.norm(values)


def seen(
    picture: int, who: int, left: float, size: float = 0.2, rate: float = 10.0, noise: int | None = None
) -> Sighting:
    """A face of somebody; ``noise`` seeds what changes of its looks, which stay about 0.9 alike."""
    values = looks(who) + 0.5 * looks(1000 + picture if noise is None else noise)
    shapes = np.zeros(52, np.float32)
    shapes[0] = picture % 2
    face = Face((left, 0.3, size, size), np.full((48, 48), who, np.uint8), np.full((96, 96, 3), who, np.uint8), shapes)
    return Sighting(picture, picture / rate, face, values / np.linalg.norm(values))


def linked(sightings: list[Sighting], monkeypatch) -> list:
    """Tracklets of faces whose looks are given instead of measured."""
    known = {id(s.face.crop): s.appearance for s in sightings}
    monkeypatch.setattr("core.encoders.face_search.appearance_of", lambda crop: known[id(crop)])
    tracker = _Linked()
    for picture in sorted({s.picture for s in sightings}):
        there = [s for s in sightings if s.picture == picture]
        tracker.add(picture, there[0].time, [s.face for s in there])
    return tracker.tracklets


def people(sightings: list[Sighting], monkeypatch) -> list[list[tuple[int, int]]]:
    """(picture, who) of each person that was made of the sightings, those with the most pictures first."""
    groups = merged(linked(sightings, monkeypatch))
    described = [[(s.picture, int(s.face.crop[0, 0])) for s in group] for group in groups]
    return sorted(described, key=lambda group: (-len(group), group))


def test_two_who_are_shown_in_turn_stay_two(monkeypatch):
    """In the same place and of the same size: a cut every ten pictures."""
    sightings = [seen(i, 1 + (i // 10) % 2, 0.4) for i in range(40)]
    first, second = people(sightings, monkeypatch)
    assert {who for _, who in first} == {1} and {who for _, who in second} == {2}
    assert len(first) == len(second) == 20


def test_close_ups_belong_to_the_faces_of_the_wide_picture(monkeypatch):
    wide = [seen(i, who, 0.2 + 0.4 * (who - 1)) for i in range(5) for who in (1, 2)]
    close = [seen(i, 1 + i % 2, 0.35, 0.5) for i in range(5, 25)]
    first, second = people(wide + close, monkeypatch)
    assert len(first) == len(second) == 15
    assert len({who for _, who in first}) == len({who for _, who in second}) == 1


def test_two_of_the_same_looks_in_one_picture_are_two(monkeypatch):
    """A mirror, or a picture in the picture."""
    sightings = [seen(i, 1, left, noise=7) for i in range(6) for left in (0.1, 0.7)]
    assert [len(person) for person in people(sightings, monkeypatch)] == [6, 6]


def test_two_who_cross_each_other_are_not_exchanged(monkeypatch):
    sightings = [seen(i, who, left) for i in range(21) for who, left in ((1, 0.03 * i), (2, 0.6 - 0.03 * i))]
    for person in people(sightings, monkeypatch):
        assert len(person) == 21 and len({who for _, who in person}) == 1


def test_near_and_far_and_seldom_are_one(monkeypatch):
    """Another size, another place and another light each time, two seconds apart."""
    sightings = [seen(i, 1, 0.05 * (i % 9), 0.1 + 0.05 * (i % 5), rate=0.5) for i in range(20)]
    assert [len(person) for person in people(sightings, monkeypatch)] == [20]


def test_thousands_of_stretches_are_compared_in_a_moment(monkeypatch):
    """A face at another place in each picture, and somebody else in each: what a hostile clip could do."""
    sightings = [seen(i, i % 97, (i * 0.37) % 0.8, rate=0.5) for i in range(1500)]
    assert max(len(person) for person in people(sightings, monkeypatch)) <= 16


class Looks:
    """Stands in for a closer look: confirms the faces of some."""

    def __init__(self, *real: int):
        self.real, self.asked = real, 0

    def confirms(self, thumbnail: np.ndarray) -> bool:
        self.asked += 1
        return int(thumbnail[0, 0, 0]) in self.real


def found(sightings: list[Sighting], pictures: int, monkeypatch) -> Search:
    return Search(np.arange(pictures) / 10, np.zeros((pictures, 192), np.uint8), linked(sightings, monkeypatch), [])


def test_somebody_in_a_few_pictures_is_not_a_second_person(monkeypatch):
    main = [seen(i, 1, 0.1) for i in range(40)]
    for pictures, count in ((3, 1), (4, 2)):
        passing = [seen(i, 2, 0.7) for i in range(10, 10 + pictures)]
        assert len(persons_in(found(main + passing, 40, monkeypatch), Looks(1, 2))) == count


def test_what_is_no_face_when_it_is_looked_at_once_more_is_nobody(monkeypatch):
    pattern = [seen(i, 3, 0.7, 0.3) for i in range(20)]
    looks = Looks()
    assert persons_in(found(pattern, 40, monkeypatch), looks) == [] and looks.asked == 5
    with_face = pattern + [seen(i, 1, 0.1) for i in range(30)]
    (person,) = persons_in(found(with_face, 40, monkeypatch), Looks(1))
    assert {int(s.face.crop[0, 0]) for s in person} == {1}
    undoubted = Looks()
    assert len(persons_in(found([seen(i, 1, 0.1) for i in range(40)], 40, monkeypatch), undoubted)) == 1
    assert undoubted.asked == 0, "a face that is always there is not asked about"


def test_only_some_thumbnails_of_smaller_faces_are_held_meanwhile(monkeypatch):
    """Four faces in each picture of a long clip would need more memory than the clip."""
    sightings = [seen(i, who, left, size) for i in range(40) for who, left, size in ((1, 0.1, 0.3), (2, 0.7, 0.2))]
    shown = {
        int(t.last.face.crop[0, 0]): [s.time for s in t.sightings if s.face.thumbnail.size]
        for t in linked(sightings, monkeypatch)
    }
    assert len(shown[1]) == 40 and shown[2] == [0.0, 1.0, 2.0, 3.0]


def test_thumbnails_of_a_long_clip_are_spread_over_it(monkeypatch):
    (tracklet,) = linked([seen(i, 1, 0.1) for i in range(3_000)], monkeypatch)
    times = [s.time for s in tracklet.sightings if s.face.thumbnail.size]
    assert MAX_THUMBNAILS / 2 <= len(times) <= MAX_THUMBNAILS + 1 and times[0] == 0
    assert np.diff(times)[1:].min() == pytest.approx(np.diff(times)[1:].max()) and times[-1] > 299


# Whose face counts.


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return save_two_faces(tmp_path_factory.mktemp("two") / "two.mp4")


@pytest.fixture(scope="module")
def both(analyzer, two):
    return analyzer.analyze(two)


def test_the_other_face_can_be_chosen_without_reading_the_clip_again(analyzer, both, monkeypatch):
    assert [person.place for person in both.persons.each] == ["left", "right"]
    assert both.everything.self_.label == "happiness" and both.faces.boxes[:, 0].max() < 0.5
    monkeypatch.setattr("core.encoders.features.read_frames", None)
    other = analyzer.choose_face(both, 2)
    assert other.everything.self_.label != "happiness" and other.faces.boxes[:, 0].min() > 0.5
    assert other.faces.found.all() and len(other.sequences["video"].times) == 6
    assert other.warnings == ("2 faces were seen; number 2, on the right of the picture, was chosen.",)
    back = analyzer.choose_face(other, 1)
    np.testing.assert_allclose(back.everything.self_.probabilities, both.everything.self_.probabilities, atol=1e-6)
    assert back.warnings == both.warnings and "was followed" in back.warnings[0]


def test_a_face_that_is_not_there_cannot_be_chosen(analyzer, both):
    for number in (0, 3, -1):
        with pytest.raises(MediaError, match=f"2 faces were seen, there is no face {number}") as error:
            analyzer.choose_face(both, number)
        assert error.value.code == "no_such_face"


def test_the_command_chooses_and_lists_faces(analyzer, two, command, monkeypatch):
    monkeypatch.setattr(Analyzer, "load", lambda *_, **__: analyzer)
    said = json.loads(command("analyze.py", two, "--json", "--face", "2").stdout)
    assert said["face"] == 2 and said["self"]["label"] != "happiness"
    ends = {"from": 0.0, "to": 1.0}
    assert said["faces"] == [
        {"face": 1, "pictures": 6, "place": "left", **ends}, {"face": 2, "pictures": 6, "place": "right", **ends}
    ]  # fmt: skip
    refused = command("analyze.py", two, "--face", "3")
    assert refused.returncode == 1 and "two.mp4: 2 faces were seen, there is no face 3 to choose." in refused.stderr


def test_the_page_offers_the_choice_where_there_is_one(analyzer, both):
    shown = persons.shown(both)
    assert shown["whose"]["visible"] and shown["whose-faces"].count("<img") == 2
    assert [number for _, number in shown["whose-face"]["choices"]] == [1, 2] and shown["whose-face"]["value"] == 1
    assert shown["whose-face"]["choices"][1][0] == "2: on the right, in 6 pictures, 0.0–1.0 s"
    assert not persons.shown(replace(both, persons=None))["whose"]["visible"]
    session = Session(analysis=both)
    session.attributions = {(0.0, 1.2): None}
    chosen = session.choose_face(analyzer, 2)
    assert session.analysis is chosen and session.attributions == {}, "what was measured was of the other face"
    updates = view.another_face(chosen, ("video",), view.Choice())
    assert updates["whose-face"]["value"] == 2 and not any(name.startswith("switch-") for name in updates)
    assert chosen.everything.self_.label in updates["self-verdict"]
