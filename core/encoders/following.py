"""Whose face is read while pictures come in: one person is followed until somebody else is chosen or that one has gone.

Of a clip that is there as a whole ``core.encoders.persons`` knows more; here only the past is known.
"""

from core.encoders.face_search import appearance_of
from core.encoders.faces import Face, apart
from core.encoders.persons import SAME_PERSON

GONE = 2.0  # seconds without the face that is followed, after which another one may be

Box = tuple[float, float, float, float]
"""x, y, width, height as shares of a picture."""


class Follower:
    """One person in successive pictures.

    Attributes:
        faces: all in the last picture.
        face: of the one who is followed, None if it is not among them.
    """

    def __init__(self) -> None:
        self.faces: list[Face] = []
        self.face: Face | None = None
        self._last: tuple[Face, float] | None = None  # the face as it was seen last, and when
        self._at = 0.0

    @property
    def others(self) -> tuple[Box, ...]:
        """Boxes of those in the last picture who are not followed."""
        return tuple(face.box for face in self.faces if face is not self.face)

    def see(self, faces: list[Face], at: float) -> bool:
        """Takes the faces of the next picture, of the time ``at`` in seconds.

        The face that is followed is the nearest to where it was, or one that looks like it elsewhere. Another one, the
        largest, is followed only when it has not been seen for ``GONE`` seconds.

        Returns:
            Whether another person is followed from now on.
        """
        self.faces, self._at = faces, at
        another = False
        self.face = self._same(faces, self._last[0]) if self._last else None
        if self.face is None and (self._last is None or at - self._last[1] >= GONE):
            self.face = max(faces, key=lambda face: face.size, default=None)
            another = self.face is not None
        if self.face is not None:
            self._last = self.face, at
        return another

    def choose(self, x: float, y: float) -> bool:
        """Follows the person at a point of the last picture, given as shares of its width and height.

        Returns:
            Whether another person is followed from now on; False where no face is.
        """
        there = [face for face in self.faces if _holds(face.box, x, y)]
        if not there:
            return False
        chosen = min(there, key=lambda face: face.size)  # of two that overlap the one that is harder to meet
        another = chosen is not self.face
        self.face, self._last = chosen, (chosen, self._at)
        return another

    @staticmethod
    def _same(faces: list[Face], before: Face) -> Face | None:
        if near := [face for face in faces if apart(before, face) < 1]:
            return min(near, key=lambda face: apart(before, face))
        alike = [(likeness, face) for face in faces if (likeness := _likeness(face, before)) >= SAME_PERSON]
        return max(alike, key=lambda found: found[0])[1] if alike else None


def _likeness(face: Face, other: Face) -> float:
    return float(appearance_of(face.crop) @ appearance_of(other.crop))


def _holds(box: Box, x: float, y: float) -> bool:
    return box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]
