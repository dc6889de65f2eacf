"""What lies below the first screen: sections that open and close, and the strip of time that is open from the start."""

import gradio as gr

from demo import wording
from demo.charts import panels
from demo.charts.html import render
from demo.tabs import attribution, downloads
from demo.tabs.components import Parts
from demo.tabs.view import MEAN, WEIGHTS


def section(name: str, opened: bool = False) -> gr.Accordion:
    """A part of the page with its heading; what is in it is drawn when it is opened for the first time."""
    return gr.Accordion(wording.SECTIONS[name], open=opened, elem_id=f"section-{name}", elem_classes="section")


def in_time(parts: Parts) -> None:
    """The clip in time, which moves while the clip plays."""
    with section("time", opened=True):
        gr.HTML(wording.TIMELINE)
        _chart(parts, "timeline-chart")
        gr.HTML('<p id="looks" role="status"></p>')


def details(parts: Parts, heads: int) -> None:
    """Everything else about a clip, for a pair of models with so many heads."""
    with section("attention"):
        gr.HTML(wording.ATTENTION)
        with gr.Row(elem_id="showing"):
            scales = [(text, scale) for scale, text in wording.SCALES.items()]
            parts.add("scale", gr.Radio, choices=scales, value=WEIGHTS, label=wording.SCALE, min_width=150)
            parts.add("differing", gr.Checkbox, value=False, label=wording.DIFFERING, min_width=150, container=False)
        parts.add("map-grid", gr.HTML)
        with gr.Row(elem_id="looking"):
            parts.add(
                "model", gr.Radio, choices=[(title, name) for name, title in wording.MODEL.items()], value="cross",
                label=wording.CHOOSE_MODEL, min_width=150,
            )  # fmt: skip
            parts.add("pair", gr.Radio, choices=[], label=wording.CHOOSE_PAIR, min_width=150)
            each = [(wording.ALL_HEADS, MEAN), *((str(i + 1), i) for i in range(heads))]
            parts.add("head", gr.Radio, choices=each, value=MEAN, label=wording.CHOOSE_HEAD, min_width=150)
        _chart(parts, "attention-chart")
        parts.add("sharpness-note", gr.HTML)
        gr.HTML(wording.LENGTHS)
    with section("worth") as parts["section-worth"]:
        attribution.contents(parts)
    with section("matrix"):
        gr.HTML(wording.MATRIX)
        parts.add("matrix-table", gr.HTML)
    with section("seen"):
        parts.add("seen", gr.HTML)
    with parts.add("course", gr.Column, visible=False), section("course"):
        gr.HTML(f"{wording.COURSE}{panels.legend()}")
        _chart(parts, "course-chart")
    with parts.add("spoken", gr.Column, visible=False), section("phrases"):
        gr.HTML(wording.PHRASES)
        parts.add("phrase-table", gr.HTML)
    with section("export"):
        gr.HTML(f"{wording.EXPORT}{render('page', 'copy_link')}")
        downloads.contents(parts)


def _chart(parts: Parts, name: str) -> None:
    parts.add(name, gr.Plot, show_label=False, container=False)
