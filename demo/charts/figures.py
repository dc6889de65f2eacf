"""Analysis -> Plotly figures: pure functions, every number in a figure is a number of the Analysis.

All figures are transparent and grey-lettered; the page and the report set letters and grid per theme.
"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core import LABELS, MODALITIES
from core.analysis.results import Analysis, Prediction, Verdict
from core.fusion import attention
from demo import wording
from demo.charts.palette import ACCENT, CLEAR, EMOTION, FAINT, FONT, GREY, translucent
from demo.charts.pictures import data_uri

MAX_STEP = 0.3  # seconds; a line breaks where the voice has no steps for longer


@dataclass(frozen=True)
class Lane:
    """A strip of the timeline: two y axes on one ``domain``, ``over`` drawn over ``under``."""

    domain: tuple[float, float]
    content: str
    attention: str
    words_on_top: bool = False

    @property
    def over(self) -> str:
        return self.content if self.words_on_top else self.attention

    @property
    def under(self) -> str:
        return self.attention if self.words_on_top else self.content


LANES = {  # from top to bottom; the words lie over their attention, or they could not be read
    "audio": Lane((0.7, 1.0), "yaxis", "yaxis4"),
    "text": Lane((0.36, 0.64), "yaxis5", "yaxis2", words_on_top=True),
    "video": Lane((0.0, 0.3), "yaxis3", "yaxis6"),
}


WORD_ROWS = 0.77, 0.29  # heights in a lane from -1 to 1
LEAST_ROOM = 0.5  # seconds that a word may take at least, where no other one is near
HEADROOM = 0.24  # share of the height above the panels of a course, for their titles


def course(analysis: Analysis) -> go.Figure:
    """The course of each emotion over the windows of a clip: one panel a model, one line an emotion.

    A line breaks where a model is undefined. A point lies in the middle of its window.
    """
    models = analysis.models
    height = (1 - HEADROOM * (1 - 1 / len(models))) / len(models)
    domains = [(top - height, top) for top in np.linspace(1, height, len(models)).tolist()]  # the first model on top
    axes = ["y" if row == 0 else f"y{row + 1}" for row in range(len(models))]
    windows = analysis.windows
    middles = [(window.start + window.end) / 2 for window in windows]
    spans = [f"{window.start:.0f}–{window.end:.0f} s" for window in windows]
    traces = []
    for row, model in enumerate(models):
        verdicts = [window.prediction.verdicts()[model] for window in windows]
        traces += [
            {"type": "scatter", "name": label,
             "xaxis": "x", "yaxis": axes[row],
             "x": middles, "y": [None if v is None else float(v.probabilities[index]) for v in verdicts],
             "mode": "lines+markers", "line": {"color": EMOTION[label], "width": 2}, "marker": {"size": 7},
             "customdata": spans, "meta": {"model": model},
             "hovertemplate": hover(wording.HOVER_COURSE.format(
                 model=wording.MODEL_TITLE[model], span="%{customdata}", label=wording.LABEL[label], value="%{y:.3f}"))}
            for index, label in enumerate(LABELS)
        ]  # fmt: skip
    axis = {"range": [0, 1.02], "tickvals": [0, 0.5, 1], "tickformat": ".0%"}
    return dressed(
        traces, 180 * len(models), {"l": 44, "r": 12, "t": 24, "b": 32},
        xaxis={"range": [0, analysis.duration], "ticksuffix": " s", "anchor": axes[-1]},
        **{f"yaxis{name[1:]}": {**axis, "domain": domain} for name, domain in zip(axes, domains, strict=True)},
        showlegend=False,  # the page's own does not lie over the lines on a phone
        annotations=[title(wording.MODEL_TITLE[m], top) for m, (_, top) in zip(models, domains, strict=True)],
    )  # fmt: skip


def timeline(analysis: Analysis, prediction: Prediction, model: str) -> go.Figure:
    """Waveform, words and faces on one time axis, and how much attention each moment receives, per lane.

    Attention is in units of an even share: 1 (dotted) is what a moment gets when all get the same.
    One trace ``attention to <modality>`` a lane, with the values of ``received``.
    """
    verdict = prediction.verdicts()[model]
    absences = analysis.absent(prediction.used)
    found = {m: received(verdict, m) for m in MODALITIES} if verdict else {}
    shares = {m: share for m, share in found.items() if share is not None}
    highest = max([2.0, *(float(values.max()) for _, values in shares.values())])
    traces = [*_waveform(analysis), *_words(analysis), *_found(analysis)]
    layout, notes, shapes = {}, [], []
    for modality, lane in LANES.items():
        absent = absences.get(modality)
        notes.append(
            title(
                wording.MODALITY[modality] + (f"{wording.COLON}{wording.of_core(absent)}" if absent else ""),
                lane.domain[1],
            )
        )
        shared = {"domain": lane.domain, "anchor": "x", "side": "right", "showgrid": False}
        layout[lane.content] = {**shared, "range": [-1, 1], "visible": False}
        layout[lane.attention] = {**shared, "visible": False}
        if modality in shares:
            axis = lane.attention.replace("axis", "")
            traces.append(_attention_line(modality, *shares[modality], axis))
            layout[lane.attention] = {
                **shared, "range": [0, highest * 1.05], "tickvals": [1, highest],
                "ticktext": ["1×", f"{highest:.1f}×"],
            }  # fmt: skip
            shapes.append(even_share(axis, ACCENT))
        layout[lane.over]["overlaying"] = lane.under.replace("axis", "")
    return dressed(
        traces, 332, {"l": 8, "r": 40, "t": 20, "b": 30},
        **layout, showlegend=False, annotations=notes, shapes=shapes, images=_thumbnails(analysis),
        uniformtext={"mode": "hide", "minsize": 9}, barmode="overlay",
        xaxis={"range": [0, max(analysis.duration, 0.1)], "ticksuffix": " s", "anchor": "y3"},
    )  # fmt: skip


def received(verdict: Verdict, modality: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Times [T] and attention [T] that the moments of ``modality`` receive (see ``core.fusion.attention.received``)."""
    return attention.received(verdict.attention, modality)


def _attention_line(modality: str, times: np.ndarray, values: np.ndarray, axis: str) -> dict:
    if modality == "audio" and len(times) > 1:  # no line over a pause that the models were not shown
        steps = np.diff(times)
        pauses = np.flatnonzero(steps > max(3 * np.median(steps), MAX_STEP)) + 1
        times, values = np.insert(times, pauses, times[pauses - 1]), np.insert(values, pauses, np.nan)
    return {
        "type": "scatter", "name": f"attention to {modality}", "x": times, "y": values, "yaxis": axis,
        "mode": "lines+markers" if len(times) < 60 else "lines", "marker": {"size": 5},
        "line": {"color": ACCENT, "width": 2, "shape": "hvh"},
        "fill": "tozeroy", "fillcolor": translucent(ACCENT, 0.18),
        "hovertemplate": hover(wording.hover_received(modality, "%{x:.1f}", "%{y:.2f}")),
    }  # fmt: skip


def _waveform(analysis: Analysis) -> list[dict]:
    if analysis.envelope is None:
        return []
    times, peaks = analysis.envelope.times, analysis.envelope.peaks
    loudest = peaks / max(float(peaks.max()), 1e-6)
    return [
        {"type": "scatter", "name": "waveform", "x": np.concatenate([times, times[::-1]]).astype(np.float32),
         "y": np.concatenate([loudest, -loudest[::-1]]), "yaxis": "y", "mode": "lines", "fill": "toself",
         "line": {"color": GREY, "width": 0.5}, "fillcolor": translucent(GREY, 0.45), "hoverinfo": "skip"}
    ]  # fmt: skip


def _words(analysis: Analysis) -> list[dict]:
    """Boxes as long as the words, in two rows by turns; a word longer than its box has the room beside it too."""
    words = analysis.transcript.words
    if not words:
        return []
    starts, ends = np.array([(w.start, w.end) for w in words]).T
    rows, middles = np.resize(WORD_ROWS, len(words)), (starts + ends) / 2
    sides = np.array([-np.inf, -np.inf, *middles, np.inf, np.inf])
    room = np.minimum(middles - sides[:-4], sides[4:] - middles)  # to the middle of the row's next word on either side
    room = np.clip(room, 0.02, 2 * np.maximum(ends - starts, LEAST_ROOM))
    shared = {"type": "bar", "orientation": "h", "y": rows, "width": 0.46, "yaxis": "y5"}
    return [
        {**shared, "name": "words", "base": starts.tolist(), "x": np.maximum(ends - starts, 0.02),
         "marker": {"color": translucent(GREY, 0.18), "line": {"color": translucent(GREY, 0.6), "width": 1}},
         "customdata": [[w.text, w.start, w.end] for w in words],
         "hovertemplate": hover(wording.HOVER_WORD.format(
             word="%{customdata[0]}", start="%{customdata[1]:.2f}", end="%{customdata[2]:.2f}"))},
        {**shared, "name": "words written", "base": (middles - room / 2).tolist(), "x": room, "hoverinfo": "skip",
         "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}}, "text": [w.text for w in words],
         "textposition": "inside", "insidetextanchor": "middle", "textangle": 0, "constraintext": "inside"},
    ]  # fmt: skip


def _found(analysis: Analysis) -> list[dict]:
    """A line below the faces that says where one was found and where not."""
    faces = analysis.faces
    if not len(faces.times):
        return []
    return [
        {"type": "scatter", "name": "face found", "x": faces.frame_times, "y": np.where(faces.found, -0.97, np.nan),
         "yaxis": "y3", "mode": "lines", "connectgaps": False, "line": {"color": GREY, "width": 3},
         "hoverinfo": "skip"}
    ]  # fmt: skip


def _thumbnails(analysis: Analysis, most: int = 12) -> list[dict]:
    """Faces at their times, as images of the layout."""
    width = max(analysis.duration, 0.1) / most
    return [
        {"source": data_uri(picture), "xref": "x", "yref": "y3", "x": time, "y": 0.03,
         "xanchor": "center", "yanchor": "middle", "sizex": width * 0.94, "sizey": 1.8, "layer": "below"}
        for time, picture in analysis.faces.spread_pictures(most, analysis.duration)
    ]  # fmt: skip


def hover(sentence: str) -> str:
    """What a mark says when it is pointed at, and nothing beside it."""
    return f"{sentence}<extra></extra>"


def caption(text: str, **place) -> dict:
    """A text beside the axes, placed in shares of the figure."""
    return {"text": text, "xref": "paper", "yref": "paper", "yanchor": "bottom", "showarrow": False, **place}


def title(text: str, y: float) -> dict:
    """What is drawn below: a text at the left, on top of the strip that ends at ``y``, a share of the height."""
    return caption(text, x=0, y=y, xanchor="left", font={"size": 12})


def even_share(axis: str, colour: str) -> dict:
    """A dotted line across the figure where attention is what it would be if all moments got the same."""
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "y0": 1, "y1": 1,
            "line": {"color": colour, "width": 1, "dash": "dot"}}  # fmt: skip


def dressed(traces: list[dict], height: int, margin: dict, **layout) -> go.Figure:
    """A figure with what all figures share; built in one go, because Plotly checks every change anew."""
    axes = {
        name: {"gridcolor": FAINT, "zeroline": False, "fixedrange": True, **axis}
        for name, axis in layout.items()
        if name.startswith(("xaxis", "yaxis"))
    }
    common = {
        "template": None, "height": height, "margin": margin, "dragmode": False,
        "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": 13, "color": GREY}, "hoverlabel": {"font": {"family": FONT, "size": 13}},
    }  # fmt: skip
    return go.Figure(traces, {**common, **layout, **axes})
