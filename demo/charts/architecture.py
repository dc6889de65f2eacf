"""The paper's figure, redrawn: what differs between the two models, as inline SVG in the page's own colours."""

from itertools import permutations
from math import hypot

PLACES = {"words": (60, 40), "face": (20, 130), "voice": (100, 130)}


def drawing(name: str) -> str:
    """Both models side by side, or one above the other where there is no room.

    ``name`` keeps two drawings on one page apart: arrow heads are found by their id.
    """
    head = (
        f'<svg width="0" height="0" aria-hidden="true"><defs><marker id="tip-{name}" viewBox="0 0 8 8" refX="7"'
        ' refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">'
        '<path d="M0 0L8 4L0 8z" fill="var(--accent)"/></marker></defs></svg>'
    )
    look = f'class="look" marker-end="url(#tip-{name})"'
    own = _model("Self-attention", "3 streams", "Words, face and voice each look at themselves.", _loops(look))
    cross = _model("Cross-attention", "6 streams", "Each looks at each of the other two.", _crossings(look))
    return f'<figure class="figure">{head}{own}{cross}</figure>'


def _model(name: str, streams: str, description: str, arrows: str) -> str:
    nodes = "".join(_node(x, y, modality) for modality, (x, y) in PLACES.items())
    chain = [(168, "mean +", "deviation"), (244, "7 classes", "")]
    boxes = "".join(
        f'<rect x="{x}" y="88" width="62" height="40" rx="8" class="box"/>'
        f'<text x="{x + 31}" y="{104 if second else 112}">{first}</text><text x="{x + 31}" y="120">{second}</text>'
        for x, first, second in chain
    )
    lines = "".join(f'<path d="{d}" class="line"/>' for d in ("M140 108H166", "M230 108H242"))
    end = "The mean and the deviation across the streams go to a classifier with seven classes."
    return (
        f'<svg viewBox="-8 -40 322 215" role="img" aria-label="{name}. {description} {end}">'
        f'<text x="0" y="-24" class="name">{name}</text><text x="199" y="146" class="small">across {streams}</text>'
        f"{arrows}{nodes}{boxes}{lines}</svg>"
    )


def _node(x: int, y: int, name: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="22" class="box"/><text x="{x}" y="{y + 4}">{name}</text>'


def _loops(look: str) -> str:
    arrows = []
    for name, (x, y) in PLACES.items():
        side = -1 if name == "words" else 1  # above or below its node
        near, far = y + 20 * side, y + 48 * side
        arrows.append(f'<path d="M{x - 12} {near}C{x - 26} {far} {x + 26} {far} {x + 12} {near}" {look}/>')
    return "".join(arrows)


def _crossings(look: str) -> str:
    arrows = []
    for first, second in permutations(PLACES.values(), 2):
        (x, y), (u, v) = first, second
        length = hypot(u - x, v - y)
        dx, dy = (u - x) / length, (v - y) / length
        # each direction runs a little to its own side
        a, b = x + 24 * dx - 5 * dy, y + 24 * dy + 5 * dx
        c, d = u - 24 * dx - 5 * dy, v - 24 * dy + 5 * dx
        arrows.append(f'<path d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" {look}/>')
    return "".join(arrows)
