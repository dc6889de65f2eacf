"""Bins of long axes while attention is computed, so that memory does not grow with the square of a clip's length."""

from itertools import pairwise

import torch
from torch import Tensor

from core.fusion.attention import bin_edges

ROWS_AT_A_TIME = 128
"""Rows of a map that are computed together where it is not kept step by step."""


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
