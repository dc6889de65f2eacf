"""The paper's figure, redrawn: what differs between the two models, as inline SVG in the page's own colours."""

PLACES = {"words": (60, 40), "face": (20, 130), "voice": (100, 130)}


def drawing() -> str:
    """Both models side by side: streams, statistics, verdict."""
    return (
        '<figure id="figure"><svg viewBox="0 0 660 240" role="img" aria-labelledby="figure-title figure-text">'
        '<title id="figure-title">Self-attention and cross-attention</title><desc id="figure-text">'
        "Self-attention: words, face and voice each look at themselves, three streams. Cross-attention: each looks at "
        "each other one, six streams. In both, the mean and the deviation across the streams go to one classifier "
        "with seven classes.</desc>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="var(--accent)"/></marker></defs>'
        + _model(10, "Self-attention", "3 streams", _loops())
        + _model(345, "Cross-attention", "6 streams", _crossings())
        + "</svg></figure>"
    )


def _model(left: int, name: str, streams: str, arrows: str) -> str:
    nodes = "".join(_node(x, y, modality) for modality, (x, y) in PLACES.items())
    chain = [(168, "mean +", "deviation"), (244, "7 classes", "")]
    boxes = "".join(
        f'<rect x="{x}" y="88" width="62" height="40" rx="8" class="box"/>'
        f'<text x="{x + 31}" y="{104 if second else 112}">{first}</text><text x="{x + 31}" y="120">{second}</text>'
        for x, first, second in chain
    )
    lines = "".join(f'<path d="{d}" class="line"/>' for d in ("M140 108H166", "M230 108H242"))
    return (
        f'<g transform="translate({left} 40)"><text x="0" y="-18" class="name">{name}</text>'
        f'<text x="152" y="152" class="small">{streams}</text>{arrows}{nodes}{boxes}{lines}</g>'
    )


def _node(x: int, y: int, name: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="22" class="box"/><text x="{x}" y="{y + 4}">{name}</text>'


def _loops() -> str:
    return "".join(
        f'<path d="M{x - 12} {y + 20}C{x - 26} {y + 48} {x + 26} {y + 48} {x + 12} {y + 20}" class="look"/>'
        if name != "words"
        else f'<path d="M{x - 12} {y - 20}C{x - 26} {y - 48} {x + 26} {y - 48} {x + 12} {y - 20}" class="look"/>'
        for name, (x, y) in PLACES.items()
    )


def _crossings() -> str:
    arrows = []
    for first, (x, y) in PLACES.items():
        for second, (u, v) in PLACES.items():
            if first != second:
                length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5
                dx, dy = (u - x) / length, (v - y) / length
                # each direction runs a little to its own side
                a, b = x + 24 * dx - 5 * dy, y + 24 * dy + 5 * dx
                c, d = u - 24 * dx - 5 * dy, v - 24 * dy + 5 * dx
                arrows.append(f'<path d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" class="look"/>')
    return "".join(arrows)
