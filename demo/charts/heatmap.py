"""One attention map, enlarged: who asks on the left, who answers below, how much by colour.

The colour scale starts at 0 and marks the uniform weight, the one every moment would get if attention
were spread evenly; it always reaches three times that weight, so an even map never looks eventful.
Where all rows look at the same moments one line says as much as a map.
"""

import numpy as np
import plotly.graph_objects as go

from core.analysis.results import Analysis, Prediction
from core.fusion.attention import MAX_STEPS, AttentionMap
from core.fusion.pairs import Pair
from core.fusion.selectivity import selectivity
from demo import wording
from demo.charts.figures import caption, dressed, even_share, hover
from demo.charts.palette import ACCENT, DIFFERENCES, FAINT, GREY, SCALE, colour_scale, translucent
from demo.charts.pictures import data_uri

MAX_THUMBNAILS = 8
MAX_SECONDS = 6  # lettered on an axis: a phone has room for no more
MAX_WORDS = 48  # lettered on an axis; of more, every second, third, …


def chart(
    analysis: Analysis, prediction: Prediction, model: str, pair: Pair, head: int | None = None,
    by_length: bool = False, differing: bool = False,
) -> go.Figure:  # fmt: skip
    """What shows most of a map: one line where its rows hardly differ, ``attention`` or ``difference`` elsewhere.

    Args:
        head: counted from 0, None for all together.
        by_length: each weight times the length of what is passed on.
        differing: only what differs between rows.

    Raises:
        KeyError: the model has no verdict or no such pair.
        ValueError: lengths are asked for and were not kept.
    """
    shown = map_of(prediction, model, pair)
    if not selectivity(shown.shares(head, by_length), shown.counts).rows_differ:
        return common(analysis, prediction, model, pair, head, by_length)
    return (difference if differing else attention)(analysis, prediction, model, pair, head, by_length)


def map_of(prediction: Prediction, model: str, pair: Pair) -> AttentionMap:
    """The map of a pair.

    Raises:
        KeyError: the model has no verdict or no such pair.
    """
    verdict = prediction.verdicts()[model]
    if verdict is None or pair not in verdict.attention:
        raise KeyError(f"{model} has no map {pair}")
    return verdict.attention[pair]


def attention(
    analysis: Analysis, prediction: Prediction, model: str, pair: Pair, head: int | None = None, by_length: bool = False
) -> go.Figure:
    """The shares of a map, each row 1 in all; arguments and errors as of ``chart``."""
    shown = map_of(prediction, model, pair)
    shares, query_times, key_times = binned(shown, head, by_length)
    top = max(3 * shown.uniform, float(shares.max()))
    trace = {
        "z": shares.astype(np.float32), "zmin": 0, "zmax": top, "colorscale": colour_scale(SCALE),
        "colorbar": _colour_bar(_ticks(shown.uniform, top)),
        "hovertemplate": hover(wording.cell_weight(*pair, "%{y}", "%{x}", "%{z:.3f}", by_length)),
    }  # fmt: skip
    return _heatmap(analysis, pair, trace, query_times, key_times)


def difference(
    analysis: Analysis, prediction: Prediction, model: str, pair: Pair, head: int | None = None, by_length: bool = False
) -> go.Figure:
    """Each share less the mean of its column, in even shares: who looks where more than the others do."""
    shown = map_of(prediction, model, pair)
    shares, query_times, key_times = binned(shown, head, by_length)
    values = differences(shares, shown.binned(MAX_STEPS))
    top = max(1.0, float(np.abs(values).max()))
    trace = {
        "z": values.astype(np.float32), "zmin": -top, "zmax": top, "colorscale": colour_scale(DIFFERENCES),
        "colorbar": _colour_bar({-top: f"−{top:.1f}×", 0.0: wording.AS_ALL_ROWS, top: f"+{top:.1f}×"}),
        "hovertemplate": hover(wording.cell_difference(*pair, "%{y}", "%{x}", "%{z:+.2f}")),
    }  # fmt: skip
    return _heatmap(analysis, pair, trace, query_times, key_times)


def common(
    analysis: Analysis, prediction: Prediction, model: str, pair: Pair, head: int | None = None, by_length: bool = False
) -> go.Figure:
    """One line for all rows: the mean of each column, in even shares."""
    shown = map_of(prediction, model, pair)
    shares, _, key_times = binned(shown, head, by_length)
    line = mean_row(shares, shown.binned(MAX_STEPS)) / shown.uniform
    names = step_names(analysis, pair[1], key_times)
    trace = {
        "type": "scatter", "name": "attention", "mode": "lines+markers" if len(names) < 60 else "lines", "x": names,
        "y": line.astype(np.float32), "line": {"color": ACCENT, "width": 2, "shape": "hvh"}, "marker": {"size": 5},
        "fill": "tozeroy", "fillcolor": translucent(ACCENT, 0.18), "cliponaxis": False,
        "meta": {"key_times": key_times.round(3).tolist(), "query_times": []},
        "hovertemplate": hover(wording.cell_alike(pair[1], "%{x}", "%{y:.2f}")),
    }  # fmt: skip
    highest, faces_below = max(3.0, float(line.max())), pair[1] == "video"
    margin = {"l": 44, "r": 20, "t": 30, "b": 110 if faces_below else 66}
    height = 200
    return dressed(
        [trace], height + margin["t"] + margin["b"], margin, shapes=[even_share("y", GREY)],
        images=_thumbnails(analysis, key_times, "x", 40 / height) if faces_below else [],
        xaxis={**_axis(pair[1], names), "ticklabelstandoff": 48 if faces_below else 0,
               "range": [-0.5, len(names) - 0.5]},
        yaxis={"range": [0, highest * 1.05], "tickvals": [0, 1, highest], "ticktext": ["0", "1×", f"{highest:.1f}×"]},
        annotations=[
            caption(wording.MAP_ALIKE[pair[0]], x=0, xshift=-margin["l"] + 4, y=1, yshift=4,
                    xanchor="left"),
            caption(wording.map_key(pair[1]), x=1, y=0, yshift=-margin["b"] + 2, xanchor="right"),
        ],
    )  # fmt: skip


def _heatmap(analysis: Analysis, pair: Pair, trace: dict, query_times: np.ndarray, key_times: np.ndarray) -> go.Figure:
    """A figure of ``trace``, whose cells belong to these seconds."""
    query_names = step_names(analysis, pair[0], query_times)
    key_names = step_names(analysis, pair[1], key_times)
    rows, columns = len(query_names), len(key_names)
    trace = {
        "type": "heatmap", "name": "attention", "x": key_names, "y": query_names,
        "xgap": _gap(columns), "ygap": _gap(rows),
        "meta": {"key_times": key_times.round(3).tolist(), "query_times": query_times.round(3).tolist()}, **trace,
    }  # fmt: skip
    map_height = int(np.clip(rows * 24, 220, 16 * MAX_WORDS)) if pair[0] == "text" else 340
    faces_below, faces_left = pair[1] == "video", pair[0] == "video"
    # On the right there is room for half of the scale's last number, which is left out otherwise.
    margin = {"l": 118 if faces_left else 84, "r": 20, "t": 64, "b": 110 if faces_below else 66}
    images = _thumbnails(analysis, key_times, "x", 40 / map_height) if faces_below else []
    images += _thumbnails(analysis, query_times, "y", 0.1) if faces_left else []
    return dressed(
        [trace], map_height + margin["t"] + margin["b"], margin, images=images,
        xaxis={**_axis(pair[1], key_names), "ticklabelstandoff": 48 if faces_below else 0},
        yaxis={**_axis(pair[0], query_names), "ticklabelstandoff": 48 if faces_left else 0, "autorange": "reversed"},
        annotations=[
            caption(wording.map_query(pair[0]), x=0, xshift=-margin["l"] + 4, y=1, yshift=4, xanchor="left"),
            caption(wording.map_key(pair[1]), x=1, y=0, yshift=-margin["b"] + 2, xanchor="right"),
        ],
    )  # fmt: skip


def binned(shown: AttentionMap, head: int | None, by_length: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares [Tq', Tk'] of a head or of all together, and the times [Tq'], [Tk'] of rows and columns.

    Axes of more than ``MAX_STEPS`` steps are cut into bins; a cell is the mean share of its bin, so that its
    colour means the same however many steps a bin holds.
    """
    shown = shown.binned(MAX_STEPS)
    return shown.shares(head, by_length), shown.query_times, shown.key_times


def mean_row(shares: np.ndarray, shown: AttentionMap) -> np.ndarray:
    """[Tk] mean of shares [Tq, Tk] over the steps that the rows of a map stand for."""
    return np.average(shares, 0, weights=shown.counts[0])


def differences(shares: np.ndarray, shown: AttentionMap) -> np.ndarray:
    """[Tq, Tk] shares less the mean row, in even shares."""
    return (shares - mean_row(shares, shown)) / shown.uniform


def spread_of(weights: np.ndarray, counts: np.ndarray | int = 1) -> float:
    """Over how many of its steps a row of weights [Tq, Tk] is spread, mean over rows: exp of the entropy, 1 to Tk.

    Args:
        counts: how many steps each column stands for.
    """
    logs = np.log(np.where(weights > 0, weights, 1.0))
    return float(np.exp(-(counts * weights * logs).sum(1)).mean())


def step_names(analysis: Analysis, modality: str, times: np.ndarray) -> list[str]:
    """One different name a step, as hover texts say it: a word in quotes, or seconds."""
    words = analysis.transcript.words
    if modality == "text" and len(words) == len(times):
        names = [wording.QUOTED.format(text=word.text) for word in words]
    else:
        names = [f"{time:.1f} s" for time in times]
        if len(set(names)) < len(names):
            names = [f"{time:.2f} s" for time in times]
    seen: dict[str, int] = {}
    for index, name in enumerate(names):  # Plotly merges categories of one name: repeated words get invisible marks
        seen[name] = seen.get(name, -1) + 1
        names[index] = name + "\u200b" * seen[name]
    return names


def _gap(steps: int) -> int:
    return 1 if steps <= 40 else 0


def _ticks(uniform: float, top: float) -> dict[float, str]:
    ticks = {0.0: "0", uniform: wording.UNIFORM.format(weight=f"{uniform:.3f}"), top: f"{top:.2f}"}
    if uniform / top < 0.2:
        del ticks[0.0]
    return ticks


def _colour_bar(ticks: dict[float, str]) -> dict:
    return {
        "orientation": "h", "thickness": 10, "outlinewidth": 0, "x": 0, "xanchor": "left", "len": 1, "xpad": 0,
        "y": 1.0, "yanchor": "top", "yref": "container", "ypad": 8,
        "tickvals": list(ticks), "ticktext": list(ticks.values()), "ticks": "outside", "ticklen": 4, "tickcolor": FAINT,
    }  # fmt: skip


def _axis(modality: str, names: list[str]) -> dict:
    """A category axis of which a readable part is lettered: every word up to ``MAX_WORDS``, else some seconds."""
    words = modality == "text"
    step = -(-len(names) // (MAX_WORDS if words else MAX_SECONDS))
    shown = list(range(0, len(names), step))
    before, after = wording.QUOTED.split("{text}")
    plain = [names[i].rstrip("\u200b").removeprefix(before).removesuffix(after) for i in shown]
    return {
        "type": "category", "tickmode": "array", "tickvals": shown,
        "ticktext": plain if words else [f"{float(name.split()[0]):.1f} s" for name in plain],
        "showgrid": False, "tickangle": None if words else 0,
    }  # fmt: skip


def _thumbnails(analysis: Analysis, times: np.ndarray, axis: str, across: float) -> list[dict]:
    """Small faces along an axis, each at its own step, outside the map; ``across`` is their size as a share of it."""
    faces = analysis.faces
    if not faces.pictures:
        return []
    count = min(MAX_THUMBNAILS, len(times))
    steps = np.linspace(0, len(times) - 1, count).round().astype(int)
    size = len(times) / MAX_THUMBNAILS * 0.92
    images = []
    for step in steps:
        if axis == "x":
            place = {"xref": "x", "yref": "paper", "x": float(step), "y": -0.015, "sizex": size, "sizey": across,
                     "xanchor": "center", "yanchor": "top"}  # fmt: skip
        else:
            place = {"xref": "paper", "yref": "y", "x": -0.008, "y": float(step), "sizex": across, "sizey": size,
                     "xanchor": "right", "yanchor": "middle"}  # fmt: skip
        images.append(
            {"source": data_uri(faces.nearest_picture(times[step])), "layer": "above", "sizing": "contain", **place}
        )
    return images
