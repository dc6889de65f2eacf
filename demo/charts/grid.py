"""All maps of the models at a glance: one small map a head, the most telling first; ``maps.js`` draws them.

All share one scale, so that a head that singles out moments is seen beside one that does not. What is drawn of a map
depends on that map alone and is made once for as long as the map is kept.
"""

from base64 import b64encode
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from markupsafe import Markup

from core.analysis.results import Prediction
from core.fusion.attention import AttentionMap, bin_edges, bin_means
from core.fusion.pairs import Pair
from core.fusion.selectivity import Selectivity, ranked, selectivity
from demo.charts.heatmap import differences
from demo.charts.html import render
from demo.charts.palette import DIFFERENCES, SCALE

MEAN = -1  # of all heads
SIDE = 24  # cells of a small map on a side, at most
BRIGHTEST = 6.0  # even shares and more have the last colour of the scale
FURTHEST = 2.0  # even shares more or less than the mean row have the last colour of that scale


@dataclass(frozen=True)
class Cell:
    """A small map: ``head`` counts from 0 or is ``MEAN``; ``levels`` are bytes [rows x columns] as base64."""

    head: int
    said: Selectivity
    rows: int
    columns: int
    levels: str


_made: "WeakKeyDictionary[AttentionMap, dict[tuple[bool, bool], list[Cell]]]" = WeakKeyDictionary()


def grid(prediction: Prediction, by_length: bool = False, differing: bool = False) -> Markup:
    """A row of small maps a pair of modalities, for each model that says something.

    Args:
        by_length: each weight times the length of what is passed on; weights alone where lengths were not kept.
        differing: only what differs between rows.
    """
    models = []
    for name, verdict in prediction.verdicts().items():
        if verdict:
            made = {pair: cells(map_, by_length, differing) for pair, map_ in verdict.attention.items()}
            pairs = sorted(made, key=lambda pair: -made[pair][0].said.score)
            models.append({"name": name, "rows": [(pair, made[pair]) for pair in pairs]})
    return render("grid", "grid", models=models, differing=differing, scale=SCALE, differences=DIFFERENCES)


def cells(map_: AttentionMap, by_length: bool = False, differing: bool = False) -> list[Cell]:
    """The heads of a map, the most telling first, and their mean last."""
    by_length = by_length and map_.value_norms is not None
    made = _made.setdefault(map_, {})
    if (by_length, differing) not in made:
        pair = map_.query, map_.key
        heads = ranked({pair: map_}, by_length)[pair]
        mean = selectivity(map_.shares(None, by_length), map_.counts)
        made[by_length, differing] = [
            Cell(head, said, *_levels(map_, None if head == MEAN else head, by_length, differing))
            for head, said in [*heads.items(), (MEAN, mean)]
        ]
    return made[by_length, differing]


def most_telling(maps: dict[Pair, AttentionMap], by_length: bool = False) -> tuple[Pair, int]:
    """The pair and the head that come first.

    Raises:
        ValueError: there is no map.
    """
    pair = max(maps, key=lambda pair: cells(maps[pair], by_length)[0].said.score)
    return pair, cells(maps[pair], by_length)[0].head


def _levels(map_: AttentionMap, head: int | None, by_length: bool, differing: bool) -> tuple[int, int, str]:
    """Rows, columns and levels of 0 to 255."""
    shares = map_.shares(head, by_length)
    values = differences(shares, map_) / FURTHEST / 2 + 0.5 if differing else shares / map_.uniform / BRIGHTEST
    for axis in (0, 1):
        values = bin_means(values, bin_edges(values.shape[axis], SIDE), axis)
    levels = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return *levels.shape, b64encode(levels.tobytes()).decode()
