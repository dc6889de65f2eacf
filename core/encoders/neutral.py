"""One's own neutral face as the origin of what a face shows.

Faces at rest differ: one looks angry to a model, another sad. What differs between a person's neutral face and a
typical one is taken off that person's features, half of it: with all of it, people whom nobody has met were told apart
worse (``checkpoints/README.md``). Where nobody knows the neutral face, the features stay as they are.
"""

import numpy as np

from core.encoders.face_track import BLENDSHAPES

SHARE = 0.5  # of the difference that is taken off
SHAPES = BLENDSHAPES + 1  # the last features of a step: MediaPipe's blendshapes, and whether there are any


def neutral_face(steps: np.ndarray) -> np.ndarray | None:
    """The mean float32 [D] of the steps [T, D] of a neutral face, with blendshapes; None where no step has any."""
    whole = steps[steps[:, -1] > 0.5]
    return whole.mean(0, dtype=np.float32) if len(whole) else None


def from_neutral(steps: np.ndarray, own: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Steps [T, D] of a face, float32, seen from its own neutral face.

    Args:
        own, typical: neutral faces [D], see ``neutral_face``.
    """
    change = SHARE * (typical - own)
    moved = steps.astype(np.float32)
    moved[:, :-SHAPES] += change[:-SHAPES]
    shown = moved[:, -1] > 0.5  # the others have no blendshapes that could be moved
    moved[shown, -SHAPES:-1] += change[-SHAPES:-1]
    return moved
