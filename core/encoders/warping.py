"""The path of dynamic time warping by which Whisper finds when each word is said."""

import numpy as np


def warping_path(costs: np.ndarray) -> np.ndarray:
    """What ``whisper.timing.dtw_cpu`` finds: int64 [2, L], (row, column) of each step of the cheapest path.

    That one is compiled when it is first called, for two seconds and 85 MB, and has threads that wait for each other.
    Here a whole diagonal is computed at once.

    Args:
        costs: float64 [N, M].
    """
    rows, columns = costs.shape
    # [i + j, i] is what the cheapest path to (i, j) costs, and where it comes from: 0 both before, 1 row, 2 column.
    total = np.full((rows + columns + 1, rows + 1), np.inf)
    came = np.full(total.shape, -1, np.int8)
    total[0, 0] = 0
    for diagonal in range(2, rows + columns + 1):
        first, last = max(1, diagonal - columns), min(rows, diagonal - 1)
        both = total[diagonal - 2, first - 1 : last]
        row = total[diagonal - 1, first - 1 : last]
        column = total[diagonal - 1, first : last + 1]
        best = np.where((both < row) & (both < column), 0, np.where((row < both) & (row < column), 1, 2))
        i = np.arange(first - 1, last)
        total[diagonal, first : last + 1] = costs[i, diagonal - 2 - i] + np.choose(best, (both, row, column))
        came[diagonal, first : last + 1] = best
    i, j, path = rows, columns, []
    while i > 0 or j > 0:
        path.append((i - 1, j - 1))
        step = 1 if j == 0 else 2 if i == 0 else came[i + j, i]
        i, j = i - (step != 2), j - (step != 1)
    return np.array(path[::-1]).T
