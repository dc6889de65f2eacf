"""How much a map of attention says: how far it is from even, and how much of that depends on who asks.

Both are information in bits and add up exactly. With the mean row m and even attention u::

    mean of KL(row, u)  =  KL(m, u)  +  mean of KL(row, m)
    selectivity            what all     who asks: the mutual information
                           rows share   of query and key

A map whose rows hardly differ says one thing only: which moments all of them look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.fusion.attention import AttentionMap
from core.fusion.pairs import Pair

MIN_CONTRAST = 0.1
"""Even shares by which rows must differ from their mean, as a root mean square, to be shown as different."""

MIN_QUERY_SHARE = 0.05
"""Share of what is uneven in a map that must lie between its rows for them to be shown as different."""


@dataclass(frozen=True)
class Selectivity:
    """Of the rows of one map.

    Attributes:
        bits: how far a row is from even attention, the mean over rows; 0 to log2 of the number of keys.
        query_bits: how much of these depends on which row it is.
        contrast: root mean square of share less mean of its column, in even shares.
        query_share: share in [0, 1] of the squared distance from even attention that lies between rows.
        highest: the largest share, in even shares.
    """

    bits: float
    query_bits: float
    contrast: float
    query_share: float
    highest: float

    @property
    def rows_differ(self) -> bool:
        """Whether it matters who asks; if not, one line says what the map says."""
        return self.contrast >= MIN_CONTRAST and self.query_share >= MIN_QUERY_SHARE

    @property
    def score(self) -> float:
        """What maps are ordered by: ``bits``, and what depends on who asks once more."""
        return self.bits + self.query_bits


def selectivity(shares: np.ndarray, counts: tuple[np.ndarray, np.ndarray]) -> Selectivity:
    """Of shares [Tq, Tk] whose rows sum to 1 over the steps that they stand for.

    Args:
        counts: how many steps each row [Tq] and each column [Tk] stands for.
    """
    rows, columns = (np.asarray(count, float) for count in counts)
    rows = rows / rows.sum()
    even = shares * columns.sum()  # in even shares
    mean = (rows[:, None] * even).sum(0)  # [Tk]
    cells = rows[:, None] * (columns / columns.sum())  # what each cell weighs, 1 in all
    between = float((cells * (even - mean) ** 2).sum())
    whole = float((cells * (even - 1) ** 2).sum())
    return Selectivity(
        bits=float((cells * even * _log2(even)).sum()),
        query_bits=max(0.0, float((cells * even * (_log2(even) - _log2(mean))).sum())),
        contrast=between**0.5,
        query_share=between / whole if whole > 0 else 0.0,
        highest=float(even.max()),
    )


def ranked(maps: Mapping[Pair, AttentionMap], by_length: bool = False) -> dict[Pair, dict[int, Selectivity]]:
    """Every head of every map, the most telling first: pairs by the best of their heads, heads within each pair."""
    found = {}
    for pair, map_ in maps.items():
        heads = {h: selectivity(map_.shares(h, by_length), map_.counts) for h in range(len(map_.weights))}
        found[pair] = dict(sorted(heads.items(), key=lambda head: -head[1].score))
    return dict(sorted(found.items(), key=lambda pair: -next(iter(pair[1].values())).score))


def _log2(values: np.ndarray) -> np.ndarray:
    """0 where there is nothing, which adds nothing."""
    return np.log2(np.where(values > 0, values, 1.0))
