"""Who is in a clip: all that was found of each person, over gaps, cuts, few pictures and changes of size.

Stretches in which a face was followed become persons by likeness, once the whole clip has been searched: the same face
after a cut is the same person, and two faces of one picture are two.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.encoders.face_search import CloserLook, Report, Search, Sighting, Tracklet, search
from core.encoders.face_track import FaceTrack, Person, Persons, _nearest, _track, no_faces
from core.media.reader import Frame

MAX_PERSONS = 4  # that can be chosen from
SAME_PERSON = 0.65  # likeness, see ``appearance_of``
COMPARED = 8  # sightings of a stretch that are compared with those of another
MAX_COMPARED = 256  # stretches that are compared, the longest of the clip
MIN_SHARE = 0.1  # of the pictures with a face, in which a second person must be
UNDOUBTED = 0.9  # share of the pictures that a false face is never found in
CHECKED = 5  # sightings of anybody in fewer pictures that are looked at once more
MAX_CHECKED = 12  # persons of whom sightings are looked at once more
FEW = 0.5  # share of the pictures with a face, below which turned pictures are tried
SAME_SCENE = 16  # of 255, by which no more than half of what two pictures of a scene show differs
SCENES = 64  # pictures with a face that others are compared with
THUMBNAILS = 24  # of a person who can be chosen
STILL, MIN_PICTURES = 0.06, 10  # std of the blendshape that moves most, over so many pictures at least: a photograph


@dataclass(frozen=True)
class Followed:
    """The face of a clip: of the person who counts unless another is chosen; ``persons`` if there are several."""

    track: FaceTrack
    persons: Persons | None = None


def follow_faces(read: Callable[[], Iterable[Frame]], report: Report | None = None) -> Followed:
    """Finds the persons of a clip; the one who counts is the largest and steadiest: whose sizes, summed over all
    pictures, are the most. A face that does not move at all, as on a poster, counts only if no other one moves.

    Args:
        read: gives the clip's pictures in order of time; called a second time if they seem to be upside down. They are
            made in a thread of their own.
        report: is told what is found meanwhile.
    """
    with CloserLook() as closer:
        found = search(read(), closer, report)
        persons, upside_down = persons_in(found, closer), False
        if sum(map(len, persons[:1])) < FEW * len(found.times) and _more_when_turned(found.samples, closer):
            turned = search((Frame(frame.time, _turned(frame.image)) for frame in read()), closer, report)
            others = persons_in(turned, closer)
            if sum(map(len, others[:1])) > sum(map(len, persons[:1])):
                found, persons, upside_down = turned, others, True
    if not persons:
        return Followed(no_faces(found.times))
    seen = np.unique([s.picture for sightings in persons for s in sightings])
    each = tuple(_person(sightings, found, seen, upside_down) for sightings in persons)
    shown = [s for s in persons[0] if s.face.thumbnail.size]
    track = replace(
        _track(each, 1, found.times, upside_down),
        thumbnails=np.stack([s.face.thumbnail for s in shown]),
        thumbnail_times=np.array([s.time for s in shown]),
    )
    return Followed(track, Persons(each, found.times, upside_down) if len(each) > 1 else None)


def persons_in(found: Search, closer: CloserLook) -> list[list[Sighting]]:
    """The sightings of each of at most ``MAX_PERSONS``, in order of time; see ``Followed`` for the order of persons."""
    everybody = merged(found.tracklets)
    pictures = {s.picture for sightings in everybody for s in sightings}
    least = max(2, MIN_SHARE * len(pictures))
    checks = 0

    def real(sightings: list[Sighting]) -> bool:
        nonlocal checks
        if len(sightings) >= UNDOUBTED * len(found.times):
            return True
        checks += 1
        return checks <= MAX_CHECKED and _confirmed(sightings, closer)

    by_size = sorted(everybody, key=lambda sightings: -sum(s.face.size for s in sightings))
    first = next((sightings for sightings in by_size if real(sightings)), None)
    if first is None:
        return []
    if not _moves(first):
        living = (g for g in by_size if 2 * len(g) >= len(first) and _moves(g))
        first = next((sightings for sightings in living if real(sightings)), first)
    persons = [first]
    for sightings in sorted(everybody, key=len, reverse=True):
        if len(sightings) < least or len(persons) == MAX_PERSONS:
            break
        if sightings is not first and real(sightings):
            persons.append(sightings)
    return persons


def merged(tracklets: list[Tracklet]) -> list[list[Sighting]]:
    """The sightings of each person, in order of time: the most alike tracklets are joined first, as long as they are at
    least ``SAME_PERSON`` alike and share no picture. Of very many, only the longest are kept."""
    tracklets = sorted(tracklets, key=lambda tracklet: -len(tracklet.sightings))[:MAX_COMPARED]
    if not tracklets:
        return []
    alike, apart = _likeness(tracklets), _share_no_picture(tracklets)
    groups = [list(tracklet.sightings) for tracklet in tracklets]
    alike = np.where(apart, alike, -np.inf)
    np.fill_diagonal(alike, -np.inf)
    while True:
        kept, other = divmod(int(alike.argmax()), len(groups))
        if alike[kept, other] < SAME_PERSON:
            break
        groups[kept] += groups[other]
        groups[other] = []
        row = np.where(np.isinf(alike[kept]) | np.isinf(alike[other]), -np.inf, np.maximum(alike[kept], alike[other]))
        alike[kept], alike[:, kept] = row, row
        alike[other], alike[:, other] = -np.inf, -np.inf
    return [sorted(group, key=lambda s: s.picture) for group in groups if group]


def _likeness(tracklets: list[Tracklet]) -> np.ndarray:
    """float32 [N, N]: how alike the most alike sightings of two tracklets are."""
    chosen = [
        [sightings[i].appearance for i in np.linspace(0, len(sightings) - 1, COMPARED).round().astype(int)]
        for sightings in (tracklet.sightings for tracklet in tracklets)
    ]
    flat = np.array(chosen).reshape(len(tracklets) * COMPARED, -1)  # [N * 8, 256]
    return (flat @ flat.T).reshape(len(tracklets), COMPARED, len(tracklets), COMPARED).max((1, 3))


def _share_no_picture(tracklets: list[Tracklet]) -> np.ndarray:
    """bool [N, N]."""
    numbers = sorted({s.picture for tracklet in tracklets for s in tracklet.sightings})
    there = np.zeros((len(tracklets), len(numbers)), np.float32)
    for row, tracklet in zip(there, tracklets, strict=True):
        row[np.searchsorted(numbers, [s.picture for s in tracklet.sightings])] = 1
    return there @ there.T == 0


def _moves(sightings: list[Sighting]) -> bool:
    """Whether the face is known to move: of those on posters, filmed from a hand, no blendshape's std is above 0.05, of
    filmed actors' and the example clips' all have one above 0.075."""
    shapes = np.array([s.face.blendshapes for s in sightings])
    return len(shapes) >= MIN_PICTURES and float(shapes.std(0).max()) > STILL


def _confirmed(sightings: list[Sighting], closer: CloserLook) -> bool:
    """Whether at least half of some sightings are faces when they are looked at once more."""
    shown = [s.face.thumbnail for s in sightings if s.face.thumbnail.size]
    chosen = {int(i) for i in np.linspace(0, len(shown) - 1, CHECKED).round()}
    return sum(closer.confirms(shown[i]) for i in chosen) >= len(chosen) / 2


def _more_when_turned(samples: list[np.ndarray], closer: CloserLook) -> bool:
    """Whether more of some pictures, RGB uint8 [H, W, 3], show a face when they are turned upside down."""
    upright, turned = (
        sum(any(closer.confirms(face.thumbnail) for face in closer.whole(image)) for image in images)
        for images in (samples, map(_turned, samples))
    )
    return turned > upright


def _turned(image: np.ndarray) -> np.ndarray:
    return cv2.rotate(image, cv2.ROTATE_180)


def _person(sightings: list[Sighting], found: Search, seen: np.ndarray, upside_down: bool) -> Person:
    """``seen``: the pictures with any of the persons."""
    pictures = np.array([s.picture for s in sightings])
    boxes = np.array([s.face.box for s in sightings])
    if upside_down:  # the clip is shown as it is
        boxes[:, :2] = 1 - boxes[:, :2] - boxes[:, 2:]
    shown = np.flatnonzero([s.face.thumbnail.size > 0 for s in sightings])
    shown = shown[sorted({int(i) for i in np.linspace(0, len(shown) - 1, THUMBNAILS).round()})]
    return Person(
        pictures=pictures,
        times=np.array([s.time for s in sightings]),
        crops=np.stack([s.face.crop for s in sightings]),
        boxes=boxes,
        blendshapes=np.stack([s.face.blendshapes for s in sightings]),
        thumbnails=np.stack([sightings[i].face.thumbnail for i in shown]),
        thumbnail_times=np.array([sightings[i].time for i in shown]),
        share=len(pictures) / (len(pictures) + _missed(found.scenes, pictures, seen)),
    )


def _missed(scenes: np.ndarray, pictures: np.ndarray, seen: np.ndarray) -> int:
    """How many pictures could have shown a face and do not: those of the same scene as one with the face, and without
    anybody. A cut to something or somebody else could not.

    Args:
        scenes: uint8 [F, 192], see ``Search``.
        pictures: int64 [T], those with the face.
        seen: those with anybody's.
    """
    others = np.setdiff1d(np.arange(len(scenes)), seen)
    if not len(others):
        return 0
    same = np.zeros(len(others), bool)
    spread = pictures[np.linspace(0, len(pictures) - 1, SCENES).round().astype(int)]
    for compared in (*np.unique(spread), pictures[_nearest(pictures, others)]):
        difference = np.abs(scenes[others].astype(np.int16) - scenes[compared])  # [M, 192]
        same |= (difference <= SAME_SCENE).mean(1) >= 0.5
    return int(same.sum())
