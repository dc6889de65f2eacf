"""The Live tab; what is shown there is drawn by its script."""

import json
from pathlib import Path

import gradio as gr
from markupsafe import Markup

from core.encoders.face_track import MAX_FACES
from demo import wording
from demo.charts.html import render
from demo.server import clients
from demo.server.live_visits import Guests
from demo.tabs.view import SWITCHES

SCRIPT = (Path(__file__).parents[1] / "static" / "live.js").read_text("utf-8")


def tab(guests: Guests) -> None:
    """The contents of the tab."""

    def live_begin(_):
        return guests.begin(clients.address())

    def live_step(sent):
        return guests.step(sent)

    def live_end(ticket):
        return guests.end(ticket)

    gr.HTML(
        markup(), js_on_load=SCRIPT, elem_id="live", server_functions=[live_begin, live_step, live_end],
        apply_default_css=False,
    )  # fmt: skip


def markup() -> Markup:
    """The tab as it is before anybody has pressed Start."""
    return render(
        "live", "live", modalities=SWITCHES, messages=json.dumps(wording.LIVE_SAID), names=json.dumps(wording.LABEL),
        models=json.dumps(wording.MODEL), others=MAX_FACES - 1,
    )  # fmt: skip
