"""The page: its tabs, its look, and how it is served."""

from functools import partial
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from core.analysis import Analyzer
from demo import api, clip, figure, live, many, places, tour, uploads, wording
from demo.bounds import Bounded
from demo.clients import Addressed
from demo.limits import HOUR, LARGEST_FILE, MOST_SESSIONS, UNFETCHED
from demo.names import NamedBySecrets
from demo.palette import FONT
from demo.places import ToolPlaces
from demo.session import forget_idle, forget_unfetched, leave
from demo.style import CSS, SCRIPT
from demo.sweeper import sweeper

SWEEP = 300.0  # seconds between looks for visitors who have gone without a word
ICON = Path(__file__).parent / "icon.png"  # drawn from icon.svg
TOUCH_ICON = '<link rel="apple-touch-icon" href="/pwa_icon/192">'  # telephones of one maker look nowhere else


def build(analyzer: Analyzer) -> gr.Blocks:
    """The whole page around one analyzer, which all visitors share; everything else lives in their sessions."""
    uploads.prepare()
    places.install()
    with gr.Blocks(title=wording.TITLE, analytics_enabled=False) as page:
        gr.HTML(wording.INTRODUCTION)
        with gr.Tabs():
            with gr.Tab("A clip"):
                clip.tab(analyzer, page)
            with gr.Tab("Several"):
                many.tab(analyzer, page)
            with gr.Tab("Live"):
                gr.HTML(wording.NOTICE)
                live.tab(analyzer)
            with gr.Tab("What is this?"):
                gr.HTML(wording.EXPLANATION.format(figure=figure.drawing("about")))
        gr.HTML(wording.FOOTER)
        gr.HTML(tour.markup(), elem_id="touring")
        api.endpoint(analyzer, page)

        def on_leaving(request: gr.Request) -> None:
            leave(page, request.session_hash)

        page.unload(on_leaving)
    sweeper.every(SWEEP, partial(forget_idle, page, HOUR))
    sweeper.every(UNFETCHED / 4, partial(forget_unfetched, page, UNFETCHED))
    return page


def launch_options() -> dict:
    """Keywords for ``launch``: look, behaviour and privacy of the page."""
    return {
        "theme": gr.themes.Default(primary_hue="indigo", neutral_hue="zinc", font=[FONT], font_mono=["monospace"]),
        "css": CSS,
        "head": f"{TOUCH_ICON}<script>{SCRIPT}</script>",
        "favicon_path": str(ICON),
        "pwa": True,
        "mcp_server": True,
        "max_file_size": LARGEST_FILE,
        "app_kwargs": {
            "routes": uploads.routes(),
            "middleware": [Middleware(each) for each in (Addressed, ToolPlaces, Bounded, NamedBySecrets)],
        },
        "show_error": True,
        "state_session_capacity": MOST_SESSIONS,
        "run_history": False,
        "ssr_mode": False,
        "share": False,
        "footer_links": ["api", "settings"],
    }
