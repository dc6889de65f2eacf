"""Games of a few players: what each was worth, and what each two were worth together beyond that.

A game gives every set of its players a value, the empty set included. Here the players are modalities and a value is
the probability of a class, so values are arrays [7], one game a class.
"""

from collections.abc import Mapping
from itertools import combinations
from math import factorial

import numpy as np

from core import Subset

Game = Mapping[Subset, np.ndarray]
"""Every set of the players, in their order, () among them -> its value, of any one shape."""


def shapley(game: Game, players: Subset) -> dict[str, np.ndarray]:
    """Player -> Shapley value: what it adds, averaged over all orders in which the players may come.

    They add up to the value of all players less that of none.
    """
    n = len(players)
    worth = {}
    for player in players:
        others = tuple(p for p in players if p != player)
        worth[player] = sum(
            (
                _weight(len(before), n - 1) * (game[_joined(players, before, player)] - game[before])
                for before in _subsets(others)
            ),
            np.zeros(()),
        )
    return worth


def synergy(game: Game, players: Subset) -> dict[tuple[str, str], np.ndarray]:
    """Two players -> Shapley interaction index (Grabisch and Roubens 1999).

    What both add together less what each adds without the other, v(S + ij) - v(S + i) - v(S + j) + v(S), averaged
    over the sets S of the others with the weights |S|! (n - |S| - 2)! / (n - 1)!. Positive where two say together
    what neither says alone, negative where they repeat each other.
    """
    n = len(players)
    together = {}
    for one, two in combinations(players, 2):
        others = tuple(p for p in players if p not in (one, two))
        together[one, two] = sum(
            (
                _weight(len(s), n - 2)
                * (
                    game[_joined(players, s, one, two)]
                    - game[_joined(players, s, one)]
                    - game[_joined(players, s, two)]
                    + game[s]
                )
                for s in _subsets(others)
            ),
            np.zeros(()),
        )
    return together


def _weight(size: int, others: int) -> float:
    """Share of the orders in which exactly a given set of ``size`` of so many others has come before."""
    return factorial(size) * factorial(others - size) / factorial(others + 1)


def _subsets(players: Subset) -> list[Subset]:
    return [s for size in range(len(players) + 1) for s in combinations(players, size)]


def _joined(players: Subset, *parts: Subset | str) -> Subset:
    wanted = {p for part in parts for p in ((part,) if isinstance(part, str) else part)}
    return tuple(p for p in players if p in wanted)
