"""Attention weights of one pair of modalities on their time axes, and how long axes are cut into bins."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MAX_STEPS = 150
"""Steps of an axis that are shown or written out one by one; an axis with more is cut into so many bins."""

MAX_KEPT = 400
"""Steps of an axis that are kept one by one, 32 s of voice; a longer axis is kept in ``MAX_STEPS`` bins."""


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """Attention weights of one pair; one map is another's equal only if it is the same.

    Attributes:
        query, key: modalities.
        weights: float32 [H, Tq, Tk]; each row sums to 1 over the keys. Where an axis is cut into bins, the mean
            weight of the steps in each, so that a weight means the same however many steps a bin holds; kept as
            float16 then, exact to a thousandth of itself.
        query_times: [Tq] seconds; the mean of each bin.
        key_times: [Tk] seconds.
        steps: (queries, keys) before anything was cut into bins; those of ``weights`` unless they are given.
        value_norms: float32 [H, Tk], how long what each head passes on of each key is, behind that head's part of the
            output projection (see ``core.fusion.values``); of a bin the mean. None where it was not kept.

    A text axis has one step a word, a video axis one a face crop, an audio axis one every 0.08 s.
    """

    query: str
    key: str
    weights: np.ndarray
    query_times: np.ndarray
    key_times: np.ndarray
    steps: tuple[int, int] = (0, 0)
    value_norms: np.ndarray | None = None

    def __post_init__(self):
        if self.steps == (0, 0):
            object.__setattr__(self, "steps", self.weights.shape[1:])

    @property
    def uniform(self) -> float:
        """The weight that every step gets when attention is spread evenly."""
        return 1 / self.steps[1]

    @property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """How many steps each row [Tq] and each column [Tk] stands for."""
        rows, columns = (
            np.diff(bin_edges(n, shown)) for n, shown in zip(self.steps, self.weights.shape[1:], strict=True)
        )
        return rows, columns

    def binned(self, most: int = MAX_STEPS) -> "AttentionMap":
        """The same map with at most ``most`` steps an axis."""
        rows, columns = (bin_edges(shown, most) for shown in self.weights.shape[1:])
        if len(rows) > self.weights.shape[1] and len(columns) > self.weights.shape[2]:
            return self
        weights = bin_means(bin_means(np.asarray(self.weights, np.float64), rows, 1), columns, 2)
        times = (
            bin_means(np.asarray(self.query_times, float), rows),
            bin_means(np.asarray(self.key_times, float), columns),
        )
        norms = self.value_norms
        if norms is not None:
            norms = bin_means(np.asarray(norms, np.float64), columns, 1)
        return AttentionMap(self.query, self.key, weights, *times, self.steps, norms)

    def shares(self, head: int | None = None, by_length: bool = False) -> np.ndarray:
        """float64 [Tq, Tk]: how each row is shared out among the keys, 1 in all over the steps that they stand for.

        Args:
            head: counted from 0; None for all heads together.
            by_length: each weight times the length of what is passed on, instead of the weight alone. Of all heads
                together one that passes on more then counts more.

        Raises:
            ValueError: lengths are asked for and were not kept.
        """
        chosen = slice(None) if head is None else slice(head, head + 1)
        weights = np.asarray(self.weights[chosen], np.float64)
        if not by_length:
            return weights.mean(0)
        if self.value_norms is None:
            raise ValueError("the lengths of values were not kept with this map")
        passed_on = (weights * np.asarray(self.value_norms[chosen], np.float64)[:, None]).mean(0)
        return passed_on / np.maximum((passed_on * self.counts[1]).sum(1, keepdims=True), np.finfo(float).tiny)

    def to_json(self) -> dict:
        """Times in seconds and weights [H][Tq][Tk], rounded to what float32 attention means; long axes in bins."""
        shown = self.binned()
        return {
            "query_times": [round(float(t), 3) for t in shown.query_times],
            "key_times": [round(float(t), 3) for t in shown.key_times],
            "heads": int(shown.weights.shape[0]),
            "query_steps": int(self.steps[0]),
            "key_steps": int(self.steps[1]),
            "binned": tuple(self.steps) != shown.weights.shape[1:],
            "weights": [[[round(float(w), 6) for w in row] for row in head] for head in shown.weights],
            "value_norms": None
            if shown.value_norms is None
            else [[round(float(n), 5) for n in head] for head in shown.value_norms],
        }


def received(maps: Mapping[tuple[str, str], AttentionMap], modality: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Times [T] and attention [T] that the moments of ``modality`` receive, in units of an even share.

    The mean over heads, over the steps that ask and over the pairs whose key it is, times the number of keys: 1 is
    what every moment gets when all get the same, and the values average to 1. None without such a pair.
    """
    towards = [map_ for (_, key), map_ in maps.items() if key == modality]
    if not towards:
        return None
    by_pair = [np.average(m.shares(), axis=0, weights=m.counts[0]) for m in towards]  # [T] each
    return np.asarray(towards[0].key_times), np.mean(by_pair, 0) / towards[0].uniform


def most_attended(map_: AttentionMap, step: int, most: int = 3, apart: float = 0.4) -> list[tuple[float, float]]:
    """(seconds, attention in even shares) of what one query step attends to most by the mean of all heads, most first.

    Args:
        step: of the query, before anything was cut into bins.
        apart: seconds between two of them, at least: neighbours say the same.
    """
    row = map_.shares()[np.repeat(np.arange(len(map_.query_times)), map_.counts[0])[step]] / map_.uniform
    found: list[tuple[float, float]] = []
    for index in np.argsort(-row, kind="stable"):
        time = float(map_.key_times[index])
        if all(abs(time - other) >= apart for other, _ in found):
            found.append((time, float(row[index])))
        if len(found) == most:
            break
    return found


def bin_edges(steps: int, most: int = MAX_STEPS) -> np.ndarray:
    """[n + 1] where each of at most ``most`` bins begins; one step each where there are no more."""
    return np.linspace(0, steps, min(steps, most) + 1).astype(int)


def bin_means(values: np.ndarray, edges: np.ndarray, axis: int = 0) -> np.ndarray:
    """Means of the bins along an axis."""
    counts = np.diff(edges).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return np.add.reduceat(values, edges[:-1], axis) / counts
