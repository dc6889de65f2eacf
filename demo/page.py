"""The page: its tabs, its look, and how it is served."""

import gradio as gr
import plotly.graph_objects as go

from core.analysis import Analyzer
from demo import api, clip, figure, live, wording
from demo.palette import FONT
from demo.session import HOUR, leave
from demo.style import CSS, SCRIPT

LARGEST_FILE = "200mb"
CACHE_SWEEP = 600  # seconds between looks for files that are older than an hour


def build(analyzer: Analyzer) -> gr.Blocks:
    """The whole page around one analyzer, which all visitors share; everything else lives in their sessions."""
    with gr.Blocks(title=wording.TITLE, analytics_enabled=False, delete_cache=(CACHE_SWEEP, HOUR)) as page:
        gr.HTML(wording.INTRODUCTION)
        with gr.Tabs():
            with gr.Tab("A clip"):
                clip.tab(analyzer)
            with gr.Tab("Live"):
                live.tab(analyzer)
            with gr.Tab("What is this?"):
                gr.HTML(wording.EXPLANATION.format(figure=figure.drawing("about"), limits=wording.LIMITS))
        gr.HTML(wording.FOOTER)
        # Hidden by the style sheet: makes the browser load plotly.js while the visitor is still recording.
        gr.Plot(go.Figure(), elem_id="preload")
        api.endpoint(analyzer)
        page.unload(_leave)
    return page


def _leave(request: gr.Request) -> None:
    leave(request.session_hash)


def launch_options() -> dict:
    """Keywords for ``launch``: look, behaviour and privacy of the page."""
    return {
        "theme": gr.themes.Default(primary_hue="indigo", neutral_hue="zinc", font=[FONT], font_mono=["monospace"]),
        "css": CSS,
        "head": f"<script>{SCRIPT}</script>",
        "max_file_size": LARGEST_FILE,
        "show_error": True,
        "run_history": False,
        "ssr_mode": False,
        "share": False,
        "footer_links": ["api", "settings"],
    }
