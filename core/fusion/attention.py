"""Attention weights of one pair of modalities on their time axes, and how long axes are cut into bins."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

MOST_STEPS = 160
"""Steps of an axis that are shown or written out one by one; an axis with more is cut into so many bins."""

MOST_KEPT = 400
"""Steps of an axis that are kept one by one, 32 s of voice; a longer axis is kept in ``MOST_STEPS`` bins."""

ROWS_AT_A_TIME = 128
"""Rows of a map that are computed together where it is not kept step by step."""


@dataclass(frozen=True)
class AttentionMap:
    """Attention weights of one pair.

    Attributes:
        query, key: modalities.
        weights: float32 [H, Tq, Tk]; each row sums to 1 over the keys. Where an axis is cut into bins, the mean
            weight of the steps in each, so that a weight means the same however many steps a bin holds.
        query_times: [Tq] seconds; the mean of each bin.
        key_times: [Tk] seconds.
        steps: (queries, keys) before anything was cut into bins.

    A text axis has one step a word, a video axis one a face crop, an audio axis one every 0.08 s.
    """

    query: str
    key: str
    weights: np.ndarray
    query_times: np.ndarray
    key_times: np.ndarray
    steps: tuple[int, int] | None = None

    def __post_init__(self):
        if self.steps is None:
            object.__setattr__(self, "steps", self.weights.shape[1:])

    @property
    def uniform(self) -> float:
        """The weight that every step gets when attention is spread evenly."""
        return 1 / self.steps[1]

    @property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """How many steps each row [Tq] and each column [Tk] stands for."""
        return tuple(np.diff(bin_edges(n, shown)) for n, shown in zip(self.steps, self.weights.shape[1:], strict=True))

    def binned(self, most: int = MOST_STEPS) -> "AttentionMap":
        """The same map with at most ``most`` steps an axis."""
        rows, columns = (bin_edges(shown, most) for shown in self.weights.shape[1:])
        if len(rows) > self.weights.shape[1] and len(columns) > self.weights.shape[2]:
            return self
        weights = bin_means(bin_means(np.asarray(self.weights, np.float64), rows, 1), columns, 2)
        times = (
            bin_means(np.asarray(self.query_times, float), rows),
            bin_means(np.asarray(self.key_times, float), columns),
        )
        return AttentionMap(self.query, self.key, weights, *times, self.steps)

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
        }


def received(maps: Mapping[tuple[str, str], AttentionMap], modality: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Times [T] and attention [T] that the moments of ``modality`` receive, in units of an even share.

    The mean over heads, over the steps that ask and over the pairs whose key it is, times the number of keys: 1 is
    what every moment gets when all get the same, and the values average to 1. None without such a pair.
    """
    towards = [map_ for (_, key), map_ in maps.items() if key == modality]
    if not towards:
        return None
    by_pair = [np.average(np.asarray(m.weights).mean(0), axis=0, weights=m.counts[0]) for m in towards]  # [T] each
    return np.asarray(towards[0].key_times), np.mean(by_pair, 0) / towards[0].uniform


def bin_edges(steps: int, most: int = MOST_STEPS) -> np.ndarray:
    """[n + 1] where each of at most ``most`` bins begins; one step each where there are no more."""
    return np.linspace(0, steps, min(steps, most) + 1).astype(int)


def bin_means(values: np.ndarray, edges: np.ndarray, axis: int = 0) -> np.ndarray:
    """Means of the bins along an axis."""
    counts = np.diff(edges).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return np.add.reduceat(values, edges[:-1], axis) / counts


def kept_edges(steps: int, most_kept: int | None) -> Tensor:
    """[n + 1] where each kept step of an axis begins: every step, or bins where there are more than ``most_kept``."""
    keep = most_kept is None or steps <= most_kept
    return torch.arange(steps + 1) if keep else torch.from_numpy(bin_edges(steps))


def parts_of(edges: Tensor) -> list[tuple[int, int]]:
    """All rows at once, or groups of bins of about ``ROWS_AT_A_TIME`` rows where they are in bins."""
    rows, bins = int(edges[-1]), len(edges) - 1
    if rows == bins:
        return [(0, rows)]
    cuts = edges[:: max(1, ROWS_AT_A_TIME * bins // rows)].tolist()
    return list(pairwise([*cuts, rows] if cuts[-1] < rows else cuts))


def mean_of_bins(values: Tensor, edges: Tensor, axis: int) -> Tensor:
    """``bin_means`` of tensors; the same values where each bin is one step."""
    counts = edges.diff().to(values.device)
    if len(counts) == values.shape[axis]:
        return values
    shape = list(values.shape)
    shape[axis] = len(counts)
    owner = torch.arange(len(counts), device=values.device).repeat_interleave(counts)
    summed = values.new_zeros(shape).index_add_(axis, owner, values)
    return summed / counts.reshape([-1 if i == axis else 1 for i in range(values.ndim)])
