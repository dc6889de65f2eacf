"""What takes a clip further than its verdicts: a second take beside the first, a challenge, a picture to send on."""

import json

import gradio as gr
from markupsafe import Markup

from demo import wording
from demo.charts import takes
from demo.charts.html import render
from demo.charts.panels import paragraph
from demo.server.sessions import Session, name_of, remember
from demo.tabs.components import PRIVATE, QUICK, Parts

PARTS = ("takes", "forget")
RECORD = "(asked) => window.recorder.begin(asked)"


def recorder() -> Markup:
    """What lies over the clip while it is recorded with one press; ``recorder.js`` moves it."""
    return render("takes", "recorder", messages=json.dumps(wording.RECORDER, ensure_ascii=False))


def contents(parts: Parts) -> None:
    """Below the verdicts: what was said of two takes, and what can be pressed."""
    parts.add("takes", gr.HTML)
    with gr.Row(elem_id="takes-row"):
        for name, text in (("again", wording.AGAIN), ("challenge-me", wording.CHALLENGE), ("make-card", wording.CARD)):
            parts.add(name, gr.Button, value=text, size="sm", min_width=60, scale=0)
        parts.add("forget", gr.Button, value=wording.FORGET_TAKES, size="sm", min_width=60, scale=0, visible=False)
    gr.HTML(render("takes", "card_box"))


def shown(session: Session) -> dict:
    """What each of ``PARTS`` shows of a visit that has an analysis."""
    analysis, first = session.analysis, session.first
    if analysis is None:
        return {"takes": "", "forget": gr.update(visible=False)}
    return {
        "takes": takes.element(analysis, first, session.challenged),
        "forget": gr.update(visible=first is not None or session.challenged),
    }


def waited_for(session: Session) -> Markup:
    """What the next clip is to be, where the visitor has asked for one; else ""."""
    if session.first is not None:
        return paragraph(wording.TAKES_WAITING, "note")
    return paragraph(wording.CHALLENGE_ASKS, "note") if session.challenged else Markup()


def wire(parts: Parts, state: gr.State) -> None:
    """Keeps the first take, asks for a challenge, and forgets both; then the next clip is recorded."""
    status, changed = parts["status"], [parts[name] for name in PARTS]

    def on_again(session, request: gr.Request):
        remember(name_of(request), session)
        if session.keep_first() is None:
            return {status: paragraph(session.why_none(), "error"), parts["takes"]: ""}
        return {parts["takes"]: takes.waiting(session.first), parts["forget"]: gr.update(visible=True)}

    def on_challenge(session, request: gr.Request):
        remember(name_of(request), session)
        session.forget_takes()
        session.challenged = True
        return {parts["takes"]: takes.asked(), parts["forget"]: gr.update(visible=True)}

    def on_forget(session):
        session.forget_takes()
        return {parts[name]: update for name, update in shown(session).items()}

    for name, answer in (("again", on_again), ("challenge-me", on_challenge)):
        pressed = parts[name].click(answer, state, [status, *changed], **QUICK)
        pressed.then(None, parts["takes"], None, js=RECORD, **PRIVATE)
    parts["forget"].click(on_forget, state, changed, **QUICK)
