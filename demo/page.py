"""The page: its tabs, its look, and how it is served."""

import json
from functools import partial
from pathlib import Path
from typing import TypeVar

import gradio as gr
from markupsafe import Markup
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo import language, wording
from demo.charts import architecture
from demo.charts.html import render
from demo.charts.palette import FONT
from demo.server import api, client_files, places, preview, receiving, uploads
from demo.server.analyzers import AnyAnalyzer
from demo.server.clients import Addressed
from demo.server.compressed import Compressed
from demo.server.gate import Gate
from demo.server.gradio_compat.pages import Page
from demo.server.gradio_compat.requests import share_with_no_site
from demo.server.hosts import Hosts
from demo.server.limits import COME_BACK, HOUR, MAX_FILE_BYTES, MAX_SESSIONS, UNFETCHED
from demo.server.live_visits import IDLE, Guests
from demo.server.names import NamedBySecrets
from demo.server.places import ToolPlaces
from demo.server.returning import returning
from demo.server.sessions import forget_idle, forget_unfetched, leave, name_of
from demo.server.spoken import Named, Spoken
from demo.server.sweeper import sweeper
from demo.server.translations import Translations
from demo.style import CSS, SCRIPT
from demo.tabs import clip, live, several, tour

SWEEP = 300.0  # seconds between looks for visitors who have gone without a word
ICON = Path(__file__).parent / "static" / "icon.png"  # drawn from icon.svg
Layout = TypeVar("Layout", bound=gr.Blocks)
TOUCH_ICON = '<link rel="apple-touch-icon" href="pwa_icon/192">'  # telephones of one maker look nowhere else


CLASS_STEPS = (  # views of the class view until somebody saves others, as addresses have them
    "clip=contradiction",
    "clip=contradiction&on=video",
    "clip=contradiction&on=text",
    "clip=contradiction&open=matrix",
    "clip=contradiction&pair=video-audio&head=3&open=attention",
    "clip=glad",
)


def build(analyzer: AnyAnalyzer) -> gr.Blocks:
    """The whole page around one analyzer, which all visitors share; everything else lives in their sessions."""
    uploads.prepare()
    places.install()
    client_files.install()
    share_with_no_site()
    guests = Guests(analyzer)
    told = Translations(lambda: _laid_out(gr.Blocks(analytics_enabled=False), analyzer, guests))
    page = _laid_out(Page(told.shown, language.answering, analytics_enabled=False), analyzer, guests)
    client_files.guard(page)
    sweeper.every(SWEEP, partial(forget_idle, page, HOUR))
    sweeper.every(COME_BACK / 6, returning.end_late)
    sweeper.every(UNFETCHED / 4, partial(forget_unfetched, page, UNFETCHED))
    sweeper.every(IDLE / 3, guests.let_go)
    return page


def _laid_out(page: Layout, analyzer: AnyAnalyzer, guests: Guests) -> Layout:
    """The page with all its parts and events, in the language of the moment."""
    page.title = wording.TITLE
    with page:
        gr.HTML(render("page", "introduction"))
        with gr.Tabs():
            with gr.Tab(wording.TABS["clip"]):
                clip.tab(analyzer, page)
            with gr.Tab(wording.TABS["several"]):
                several.tab(analyzer, page)
            with gr.Tab(wording.TABS["live"]):
                gr.HTML(wording.NOTICE)
                live.tab(guests)
            with gr.Tab(wording.TABS["about"]):
                start = render("page", "tour_start")
                gr.HTML(wording.EXPLANATION.format(figure=architecture.drawing("about"), start=start))
        gr.HTML(wording.FOOTER)
        class_bar = render("page", "class_bar", steps=CLASS_STEPS)
        gr.HTML(f"{tour.markup()}{class_bar}{_for_scripts()}", elem_id="touring")
        api.endpoint(analyzer, page)

        def on_leaving(request: gr.Request) -> None:
            leave(page, name_of(request), may_return=True)

        page.unload(on_leaving)
    return page


def _for_scripts() -> Markup:
    """What scripts say."""
    said, labels = json.dumps(wording.IN_BROWSER), json.dumps(wording.LABEL)
    return render("page", "for_scripts", said=said, labels=labels)


def manifest(_: Request) -> JSONResponse:
    """What a telephone that keeps the page as an app asks for. Gradio's own names the icons from the root of the host,
    where they are not if a proxy serves the page below a path."""
    icons = [
        {"src": f"pwa_icon/{side}", "sizes": f"{side}x{side}", "type": "image/png", "purpose": "any"}
        for side in (192, 512)
    ]
    content = {"name": wording.TITLE, "icons": icons, "start_url": "./", "display": "standalone"}
    return JSONResponse(content, media_type="application/manifest+json")


def launch_options(hosts: Hosts | None = None) -> dict:
    """Keywords for ``launch``: look, behaviour and privacy of the page.

    Args:
        hosts: the names that the server answers to; those that the environment tells if none are given.
    """
    known = hosts or Hosts.known()
    return {
        "theme": gr.themes.Default(primary_hue="indigo", neutral_hue="zinc", font=[FONT], font_mono=["monospace"]),
        "css": CSS,
        "head": f"{TOUCH_ICON}<script>{SCRIPT}</script>",
        "favicon_path": str(ICON),
        "pwa": True,
        "mcp_server": True,
        "max_file_size": MAX_FILE_BYTES,
        "app_kwargs": {
            "routes": [*receiving.routes(), *preview.routes(), Route("/manifest.json", manifest)],
            "middleware": [
                Middleware(Spoken),
                Middleware(Addressed),
                Middleware(Gate, hosts=known),
                Middleware(ToolPlaces),
                Middleware(Compressed),
                Middleware(NamedBySecrets),
                Middleware(preview.Previewed, hosts=known),
                Middleware(Named),
            ],
        },
        "show_error": True,
        "state_session_capacity": MAX_SESSIONS,
        "run_history": False,
        "ssr_mode": False,
        "share": False,
        "enable_monitoring": False,
        "num_workers": 0,  # they would answer on ports of their own, without the gate
        "footer_links": ["api", "settings"],
    }
