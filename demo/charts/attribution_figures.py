"""What was looked at beside what mattered, and how the models differ: two figures of what was measured of a clip."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from core import LABELS, Subset
from core.analysis.attribution import Attribution, ModelAttribution
from demo import wording
from demo.charts.figures import dressed, even_share, hover, title
from demo.charts.palette import ACCENT, EMOTION, GREY, translucent

ORDER = ("audio", "text", "video")  # of lanes, as in the timeline
MIN_SCALE = 0.02  # probability that a scale of what mattered always reaches: what hardly matters must not look eventful


def chart(worth: Attribution, found: ModelAttribution, label: str) -> go.Figure:
    """Two lanes a modality on one time axis: attention received, and what leaving each part out changes.

    One bar trace ``looked <modality>`` (in even shares) and one ``mattered <modality>`` (in percentage points), with a
    value for each part.
    """
    index = LABELS.index(label)
    lanes = [m for m in ORDER if m in found.occluded]
    values = {m: found.effect(m)[:, index] * 100 for m in lanes}
    looked = max([2.0, *(float(np.nanmax(found.attention_received[m], initial=0)) for m in lanes)])
    mattered = max([MIN_SCALE * 100, *(float(np.nanmax(np.abs(values[m]), initial=0)) for m in lanes)])
    traces, layout, notes, shapes = [], {}, [], []
    height = 1 / len(lanes)
    mattered_said = wording.HOVER_MATTERED.format(part="%{customdata}", label=wording.LABEL[label], value="%{y:+.2f}")
    for lane, modality in enumerate(lanes):
        parts, top = worth.parts[modality], 1 - lane * height
        names = [escape(wording.part_name(modality, name)) for name in parts.names]  # Plotly reads tags
        low, high = (f"{2 * lane + 2}", "" if lane == 0 else f"{2 * lane + 1}")
        shared = {"anchor": "x", "side": "right", "showgrid": False}
        layout[f"yaxis{high}"] = {
            **shared, "domain": [top - 0.38 * height, top - 0.12 * height], "range": [0, looked * 1.05],
            "tickvals": [1, looked], "ticktext": ["1×", f"{looked:.1f}×"],
        }  # fmt: skip
        layout[f"yaxis{low}"] = {
            **shared, "domain": [top - 0.94 * height, top - 0.56 * height], "range": [-mattered * 1.1, mattered * 1.1],
            "tickvals": [-mattered, 0, mattered], "ticktext": [f"−{mattered:.1f}", "0", f"+{mattered:.1f}"],
            "zeroline": True, "zerolinecolor": GREY,
        }  # fmt: skip
        place = {"x": (parts.starts + parts.ends) / 2, "width": np.maximum(parts.ends - parts.starts, 0.02) * 0.94}
        traces += [
            {"type": "bar", "name": f"looked {modality}", "y": found.attention_received[modality], **place,
             "yaxis": f"y{high}", "marker": {"color": translucent(ACCENT, 0.75)}, "customdata": names,
             "hovertemplate": hover(wording.HOVER_LOOKED.format(part="%{customdata}", value="%{y:.2f}"))},
            {"type": "bar", "name": f"mattered {modality}", "y": values[modality], "yaxis": f"y{low}", **place,
             "marker": {"color": EMOTION[label]}, "customdata": names,
             "hovertemplate": hover(mattered_said)},
        ]  # fmt: skip
        if modality == "text":
            beyond = 0.4 + 0.4 * (np.arange(len(names)) % 2)  # neighbours do not run into each other
            traces.append(
                {"type": "scatter", "mode": "text", "name": "words", "x": place["x"], "hoverinfo": "skip",
                 "y": np.where(np.nan_to_num(values[modality]) > 0, -beyond, beyond) * mattered, "yaxis": f"y{low}",
                 "text": list(parts.names), "textfont": {"size": 10}, "cliponaxis": False}
            )  # fmt: skip
        notes += [
            title(wording.lane_looked(modality), top - 0.11 * height),
            title(wording.lane_mattered(modality, _whole(found, modality, index)), top - 0.55 * height),
        ]
        shapes.append(even_share(f"y{high}", GREY))
    return dressed(
        traces, 60 + 205 * len(lanes), {"l": 8, "r": 52, "t": 4, "b": 34},
        barmode="overlay", showlegend=False, annotations=notes, shapes=shapes, **layout,
        xaxis={"range": [worth.start, worth.end], "ticksuffix": " s", "anchor": f"y{2 * len(lanes)}"},
    )  # fmt: skip


def _whole(found: ModelAttribution, modality: str, index: int) -> str:
    """What all of a modality together changes; "" where the model says nothing then."""
    value = float(found.effect_of_all(modality)[index])
    return "" if np.isnan(value) else wording.points(value)


def difference(worth: Attribution, used: Subset) -> go.Figure:
    """What each moment receives under cross-attention less under self-attention; a trace ``difference <modality>``."""
    lanes = [m for m in ORDER if m in used]
    differences = {m: worth.cross_minus_self(m, used) for m in lanes}
    values = {m: found for m, found in differences.items() if found is not None}
    assert len(values) == len(lanes), "both models answer from two modalities"
    most = max([0.5, *(float(np.nanmax(np.abs(v), initial=0)) for v in values.values())])
    traces, layout, notes = [], {}, []
    height = 1 / len(lanes)
    for lane, modality in enumerate(lanes):
        parts, top = worth.parts[modality], 1 - lane * height
        layout[f"yaxis{lane + 1 if lane else ''}"] = {
            "domain": [top - 0.92 * height, top - 0.24 * height], "range": [-most * 1.05, most * 1.05], "anchor": "x",
            "side": "right", "showgrid": False, "zeroline": True, "zerolinecolor": GREY,
            "tickvals": [-most, 0, most], "ticktext": [f"−{most:.1f}×", "0", f"+{most:.1f}×"],
        }  # fmt: skip
        traces.append(
            {"type": "bar", "name": f"difference {modality}", "x": (parts.starts + parts.ends) / 2,
             "y": values[modality], "width": np.maximum(parts.ends - parts.starts, 0.02) * 0.94,
             "yaxis": f"y{lane + 1 if lane else ''}", "marker": {"color": translucent(ACCENT, 0.75)},
             "customdata": [escape(wording.part_name(modality, name)) for name in parts.names],
             "hovertemplate": hover(wording.HOVER_DIFFERENCE.format(part="%{customdata}", value="%{y:+.2f}"))}
        )  # fmt: skip
        notes.append(title(wording.MODALITY[modality], top - 0.23 * height))
    return dressed(
        traces, 40 + 110 * len(lanes), {"l": 8, "r": 52, "t": 4, "b": 34}, showlegend=False, annotations=notes,
        **layout,
        xaxis={"range": [worth.start, worth.end], "ticksuffix": " s", "anchor": f"y{len(lanes) if lanes[1:] else ''}"},
    )  # fmt: skip
