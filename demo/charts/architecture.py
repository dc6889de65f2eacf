"""The paper's figure, redrawn: what differs between the two models, as inline SVG in the page's own colours."""

from itertools import permutations
from math import hypot

from markupsafe import Markup

from demo.charts.html import render

PLACES = {"text": (60, 40), "video": (20, 130), "audio": (100, 130)}


def drawing(name: str) -> Markup:
    """Both models side by side, or one above the other where there is no room.

    ``name`` keeps two drawings on one page apart: arrow heads are found by their id.
    """
    models = [
        {"name": "self", "streams": 3, "arrows": _loops()},
        {"name": "cross", "streams": 6, "arrows": _crossings()},
    ]
    nodes = [(x, y, modality) for modality, (x, y) in PLACES.items()]
    return render("architecture", "drawing", name=name, nodes=nodes, models=models)


def _loops() -> list[str]:
    """Paths from each modality back to itself."""
    arrows = []
    for name, (x, y) in PLACES.items():
        side = -1 if name == "text" else 1  # above or below its node
        near, far = y + 20 * side, y + 48 * side
        arrows.append(f"M{x - 12} {near}C{x - 26} {far} {x + 26} {far} {x + 12} {near}")
    return arrows


def _crossings() -> list[str]:
    """Paths from each modality to each other one."""
    arrows = []
    for first, second in permutations(PLACES.values(), 2):
        (x, y), (u, v) = first, second
        length = hypot(u - x, v - y)
        dx, dy = (u - x) / length, (v - y) / length
        # each direction runs a little to its own side
        a, b = x + 24 * dx - 5 * dy, y + 24 * dy + 5 * dx
        c, d = u - 24 * dx - 5 * dy, v - 24 * dy + 5 * dx
        arrows.append(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}")
    return arrows
