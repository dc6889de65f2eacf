"""Who attends to whom: the one thing in which the models of Rajan, Brutti and Cavallaro (ICASSP 2022) differ.

Every model of the paper is a set of (query, key) pairs of modalities, and nothing else differs::

    self        (t,t) (v,v) (a,a)
    cross       (t,v) (t,a) (v,t) (v,a) (a,t) (a,v)
    cross+self  all nine

One control has a single pair, ``TOGETHER``: all modalities lie side by side on one time axis, which attends to itself.

A modality that is missing or switched off takes its pairs with it. Cross-attention with a single
modality therefore has no pair left: its verdict is undefined by construction.
"""

from core import MODALITIES

Pair = tuple[str, str]
"""(query modality, key modality)."""

SELF: tuple[Pair, ...] = tuple((m, m) for m in MODALITIES)
CROSS: tuple[Pair, ...] = tuple((q, k) for q in MODALITIES for k in MODALITIES if q != k)
BOTH: tuple[Pair, ...] = SELF + CROSS
ALL = "all"
"""The modalities side by side, early concatenation; stands in a pair where a modality's name does."""
TOGETHER: tuple[Pair, ...] = ((ALL, ALL),)


def pairs_within(pairs: tuple[Pair, ...], modalities: tuple[str, ...]) -> tuple[Pair, ...]:
    """The pairs whose two modalities are both among ``modalities``; ``TOGETHER`` is of whatever there is."""
    return tuple(pair for pair in pairs if set(pair) <= {ALL, *modalities})
