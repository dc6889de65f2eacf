"""One attention map as a heatmap: who asks on the left, who answers below, how much by colour.

The colour scale starts at 0 and marks the uniform weight, the one every moment would get if attention
were spread evenly; it always reaches three times that weight, so an even map never looks eventful.
"""

import numpy as np
import plotly.graph_objects as go

from core.analysis.results import Analysis, Prediction
from core.fusion.attention import MOST_STEPS, AttentionMap
from core.fusion.pairs import Pair
from demo.charts.figures import caption, dressed
from demo.charts.palette import FAINT, SCALE
from demo.charts.pictures import data_uri

MOST_THUMBNAILS = 8
MOST_SECONDS = 6  # lettered on an axis: a phone has room for no more
MOST_WORDS = 48  # lettered on an axis; of more, every second, third, …
QUERY = {"text": "the word that looks", "video": "the face that looks", "audio": "the voice that looks"}
KEY = {"text": "the word looked at", "video": "the face looked at", "audio": "the voice looked at"}
ASKS = {"text": "word", "video": "the face at", "audio": "the voice at"}
ANSWERS = {"text": "word", "video": "face at", "audio": "voice at"}


def attention(analysis: Analysis, prediction: Prediction, model: str, pair: Pair, head: int | None = None) -> go.Figure:
    """The heatmap of one pair of one model; ``head`` counts from 0, None is the mean of all heads.

    Raises:
        KeyError: the model has no verdict or no such pair.
    """
    verdict = prediction.verdicts()[model]
    if verdict is None or pair not in verdict.attention:
        raise KeyError(f"{model} has no map {pair}")
    shown = verdict.attention[pair]
    weights, query_times, key_times = binned(shown, head)
    uniform = shown.uniform
    top = max(3 * uniform, float(weights.max()))
    query_names = step_names(analysis, pair[0], query_times)
    key_names = step_names(analysis, pair[1], key_times)
    rows, columns = len(query_names), len(key_names)
    trace = {
        "type": "heatmap", "name": "attention", "z": weights.astype(np.float32), "x": key_names, "y": query_names,
        "zmin": 0, "zmax": top, "colorscale": SCALE, "colorbar": _colour_bar(uniform, top),
        "xgap": _gap(columns), "ygap": _gap(rows),
        "meta": {"key_times": key_times.round(3).tolist(), "query_times": query_times.round(3).tolist()},
        "hovertemplate": f"{ASKS[pair[0]]} %{{y}} attends to {ANSWERS[pair[1]]} %{{x}}, "
                         "weight %{z:.3f}<extra></extra>",
    }  # fmt: skip
    map_height = int(np.clip(rows * 24, 220, 16 * MOST_WORDS)) if pair[0] == "text" else 340
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
            caption(f"↓ query: {QUERY[pair[0]]}", x=0, xshift=-margin["l"] + 4, y=1, yshift=4, xanchor="left"),
            caption(f"key: {KEY[pair[1]]} →", x=1, y=0, yshift=-margin["b"] + 2, xanchor="right"),
        ],
    )  # fmt: skip


def binned(shown: AttentionMap, head: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights [Tq', Tk'] of a head or of their mean, and the times [Tq'], [Tk'] of rows and columns.

    Axes of more than ``MOST_STEPS`` steps are cut into bins; a cell is the mean weight of its bin, so that its
    colour means the same however many steps a bin holds.
    """
    shown = shown.binned(MOST_STEPS)
    return picked(shown, head), shown.query_times, shown.key_times


def picked(shown: AttentionMap, head: int | None) -> np.ndarray:
    """float64 [Tq, Tk] of a head, or of the mean of all."""
    weights = np.asarray(shown.weights, np.float64)
    return weights.mean(0) if head is None else weights[head]


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
        names = [f"“{word.text}”" for word in words]
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


def _colour_bar(uniform: float, top: float) -> dict:
    ticks = {0.0: "0", uniform: f"▲ uniform {uniform:.3f}", top: f"{top:.2f}"}
    if uniform / top < 0.2:
        del ticks[0.0]
    return {
        "orientation": "h", "thickness": 10, "outlinewidth": 0, "x": 0, "xanchor": "left", "len": 1, "xpad": 0,
        "y": 1.0, "yanchor": "top", "yref": "container", "ypad": 8,
        "tickvals": list(ticks), "ticktext": list(ticks.values()), "ticks": "outside", "ticklen": 4, "tickcolor": FAINT,
    }  # fmt: skip


def _axis(modality: str, names: list[str]) -> dict:
    """A category axis of which a readable part is lettered: every word up to ``MOST_WORDS``, else some seconds."""
    words = modality == "text"
    step = -(-len(names) // (MOST_WORDS if words else MOST_SECONDS))
    shown = list(range(0, len(names), step))
    plain = [names[i].strip("“”\u200b") for i in shown]
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
    count = min(MOST_THUMBNAILS, len(times))
    steps = np.linspace(0, len(times) - 1, count).round().astype(int)
    size = len(times) / MOST_THUMBNAILS * 0.92
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
