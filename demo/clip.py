"""The tab for one clip: its parts, and what happens when something is pressed. What parts show is made in ``view``."""

from functools import partial
from html import escape
from pathlib import Path

import gradio as gr

from core import MODALITIES, Subset
from core.analysis import Analyzer
from core.media import MediaError
from demo import figure, panels, report, uploads, view, wording, worth
from demo.limits import HOUR
from demo.palette import MODEL
from demo.session import Session, Stopped, gone, remember
from demo.view import MEAN, SWITCHES, Choice

EXAMPLES = Path(__file__).parent / "examples"
CAMERA = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "facingMode": "user"},
    # The browser's own voice processing distorts what the voice features measure.
    "audio": {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False},
}
ONE_CLIP_AT_A_TIME = {"concurrency_limit": 1, "concurrency_id": "clips"}  # two cores serve one clip best
PRIVATE = {"api_visibility": "private"}
QUICK = {"queue": False, "show_progress": "hidden", **PRIVATE}

Parts = dict[str, gr.blocks.Block]
"""The parts of the tab; a part's name is its id in the page."""


def tab(analyzer: Analyzer, page: gr.Blocks) -> None:
    """The contents of the tab; everything a visitor adds lives in the visitor's session."""
    session = gr.State(Session(), time_to_live=HOUR, delete_callback=Session.end)
    parts: Parts = {}
    with gr.Row():
        with gr.Column(scale=4, min_width=300):
            _capture(parts)
        with gr.Column(scale=6, min_width=300):
            parts["welcome"] = gr.HTML(wording.WELCOME + figure.drawing("welcome"), elem_id="welcome")
            _verdicts(parts)
    with gr.Column(visible=False, elem_id="details") as parts["details"]:
        _details(parts, analyzer.heads)
    _wire(analyzer, page, session, parts)


def _capture(parts: Parts) -> None:
    parts["clip"] = gr.Video(
        sources=["upload", "webcam"], include_audio=True, label=wording.CAPTURE, elem_id="clip", height=390,
        webcam_options=gr.WebcamOptions(mirror=False, constraints=CAMERA), buttons=[],
    )  # fmt: skip
    gr.HTML(
        '<p id="capture-note" class="error" role="alert" hidden></p>'
        '<div class="level" hidden aria-hidden="true"><div class="bar"><i></i></div><span></span>'
        '<b id="clock"></b></div>'
    )
    parts["sound"] = gr.Audio(
        type="filepath", visible=False, interactive=False, elem_id="sound", label="Sound", buttons=[]
    )
    with gr.Row():
        parts["analyse"] = gr.Button("Analyse", variant="primary", elem_id="analyse")
        parts["stop"] = gr.Button("Stop", elem_id="stop", visible=False)
        parts["sound-file"] = uploads.plain(gr.UploadButton(wording.SOUND, file_types=["audio"], elem_id="sound-file"))
    parts["status"] = gr.HTML(_say(wording.IDLE), elem_id="status")
    gr.HTML(wording.BOUNDS, elem_id="bounds")
    gr.HTML(wording.EXAMPLES_HINT)
    with gr.Column(elem_id="examples"):
        for name, text in wording.EXAMPLES.items():
            parts[f"example-{name}"] = gr.Button(text, size="sm", elem_id=f"example-{name}")


def _verdicts(parts: Parts) -> None:
    with gr.Column(visible=False, elem_id="verdicts") as parts["verdicts"]:
        with gr.Row(elem_id="switches"):
            gr.HTML(f'<p id="switches-label">{wording.SWITCHES}</p>', min_width=90)
            for modality in SWITCHES:
                name = f"switch-{modality}"
                parts[name] = gr.Checkbox(
                    True, label=wording.SWITCH[modality], elem_id=name, min_width=90, container=False, scale=0
                )
        parts["agreement"] = gr.HTML(elem_id="agreement")
        with gr.Row():
            for name in MODEL:
                with gr.Column(min_width=280):
                    parts[f"{name}-verdict"] = gr.HTML(elem_id=f"{name}-verdict")
                    parts[f"{name}-chart"] = _chart(f"{name}-chart")
        parts["ghosts"] = gr.HTML(elem_id="ghosts")


def _details(parts: Parts, heads: int) -> None:
    parts["seen"] = gr.HTML(elem_id="seen")
    gr.HTML(wording.MATRIX + panels.legend())
    parts["matrix-table"] = gr.HTML(elem_id="matrix-table")
    gr.HTML(wording.ATTENTION)
    with gr.Row():
        models = [(title, name) for name, title in MODEL.items()]
        parts["model"] = gr.Radio(models, value="cross", label="Model", elem_id="model")
        parts["pair"] = gr.Radio([], label="Who looks at whom", elem_id="pair")
        each = [("mean of all", MEAN), *((str(i + 1), i) for i in range(heads))]
        parts["head"] = gr.Radio(each, value=MEAN, label="Head", elem_id="head")
    parts["attention-chart"] = _chart("attention-chart")
    parts["sharpness-note"] = gr.HTML(elem_id="sharpness-note")
    gr.HTML(wording.TIMELINE)
    parts["timeline-chart"] = _chart("timeline-chart")
    with gr.Column(visible=False, elem_id="course") as parts["course"]:
        gr.HTML(wording.COURSE)
        parts["course-chart"] = _chart("course-chart")
    parts["phrases"] = gr.HTML(elem_id="phrase-table")
    parts |= worth.section()
    gr.HTML(wording.EXPORT)
    with gr.Row(elem_id="downloads"):
        for kind, text in wording.DOWNLOADS.items():
            parts[f"download-{kind}"] = gr.Button(text, size="sm", elem_id=f"download-{kind}")
    parts["handed-out"] = gr.JSON(visible=False)


def _chart(name: str) -> gr.Plot:
    return gr.Plot(show_label=False, container=False, elem_id=name)


def _wire(analyzer: Analyzer, page: gr.Blocks, state: gr.State, parts: Parts) -> None:
    """Connects what can be pressed with what it changes."""
    choice = [parts[name] for name in ("model", "pair", "head")]
    switches = [parts[f"switch-{modality}"] for modality in SWITCHES]
    looks = [parts[name] for name in ("pair", "attention-chart", "timeline-chart", "sharpness-note")]
    verdicts = [parts[f"{name}-{what}"] for name in MODEL for what in ("verdict", "chart")]
    switchable = [*verdicts, *(parts[name] for name in ("agreement", "ghosts", "matrix-table")), *looks]
    fresh = [parts[name] for name in ("welcome", "verdicts", "details", "seen", "phrases", "course", "course-chart")]
    status = parts["status"]

    def placed(updates: dict) -> dict:
        return {parts[name]: update for name, update in updates.items()}

    def on_clip(
        clip, sound, session, model, pair, head, request: gr.Request,
        progress=gr.Progress(),  # noqa: B008 gradio looks for it there
    ):  # fmt: skip
        name = request.session_hash
        remember(name, session)
        left = partial(gone, page, name)
        updates = _analysed(analyzer, session, clip or sound, Choice(model, pair, head), progress, left)
        return placed(updates) | {state: session}

    def on_switch(session, video, audio, text, *choice):
        if session.analysis is None:
            return {status: _say(wording.NO_CLIP, "error")}
        return placed(view.switched(session.analysis, _wanted(video, audio, text), Choice(*choice)))

    def on_look(session, video, audio, text, *choice):
        if session.analysis is None:
            return {status: _say(wording.NO_CLIP, "error")}
        return placed(view.looked(session.analysis, _wanted(video, audio, text), Choice(*choice)))

    def on_clear(session):
        session.clear()
        hidden = {name: gr.update(visible=False) for name in ("verdicts", "details")}
        gone = {"sound": gr.update(**view.HIDDEN), "welcome": gr.update(visible=True), "status": _say(wording.IDLE)}
        return placed(hidden | gone)

    def analysing(trigger):
        trigger(_begin, [state, parts["clip"], parts["sound"]], parts["stop"], **QUICK).then(
            on_clip, [parts["clip"], parts["sound"], state, *choice], [state, status, *switches, *fresh, *switchable],
            show_progress="full", show_progress_on=[status], **ONE_CLIP_AT_A_TIME, **PRIVATE,
        ).then(lambda: gr.update(visible=False), None, parts["stop"], **QUICK)  # fmt: skip

    clip, sound = parts["clip"], parts["sound"]
    for trigger in (clip.stop_recording, clip.upload, parts["analyse"].click):
        analysing(trigger)
    clip.change(lambda path: gr.update(**view.HIDDEN) if path else gr.skip(), clip, sound, **QUICK)
    clip.clear(
        on_clear, state, [parts[name] for name in ("verdicts", "details", "sound", "welcome", "status")], **QUICK
    )
    parts["stop"].click(_stop, state, None, **QUICK)
    chosen = parts["sound-file"].upload(
        lambda path: (None, gr.update(value=path, visible=True)), parts["sound-file"], [clip, sound], **QUICK
    )
    analysing(chosen.then)
    for name in wording.EXAMPLES:
        picked = parts[f"example-{name}"].click(
            lambda name=name: str(uploads.copied(EXAMPLES / f"{name}.mp4")), None, clip, **QUICK
        )
        analysing(picked.then)
    for kind in wording.DOWNLOADS:
        made = parts[f"download-{kind}"].click(
            lambda session, kind=kind: _export(analyzer, session, kind), state, parts["handed-out"], **PRIVATE
        )
        made.then(None, parts["handed-out"], None, js="(file) => window.handOut(file)", **PRIVATE)
    worth.wire(parts, analyzer, state, switches, parts["agreement"])
    for switch in switches:
        switch.input(on_switch, [state, *switches, *choice], [status, *switchable], trigger_mode="always_last", **QUICK)
    for part in choice:
        part.input(on_look, [state, *switches, *choice], [status, *looks], trigger_mode="always_last", **QUICK)


def _analysed(analyzer: Analyzer, session: Session, path: str | None, choice: Choice, progress, left) -> dict:
    """A clip -> everything shown, or one sentence that says why not."""
    nothing = {name: gr.update(visible=False) for name in ("verdicts", "details")}
    if not path:
        return {"status": _say(wording.NO_CLIP, "error")}
    path = Path(path)
    if not path.exists():
        return {"status": _say(wording.LOST_CLIP, "error")}
    session.own(path)
    try:
        session.take(analyzer, path, lambda share, stage: progress(share, desc=stage), left)
        updates = view.new_clip(session.analysis, choice)
    except MediaError as error:
        return nothing | {"status": _say(str(error), "error")}
    except Stopped:
        return nothing | {"status": _say(wording.STOPPED)}
    except Exception:
        session.clear()
        return nothing | {"status": _say(wording.BROKEN, "error")}
    duration, took = session.analysis.duration, session.analysis.timings["total"]
    return updates | {"status": _say(f"{duration:.1f} seconds of clip, read in {took:.1f} seconds.")}


def _wanted(*on: bool) -> Subset:
    return tuple(modality for modality, switch in zip(SWITCHES, on, strict=True) if switch)


def _begin(session: Session, clip: str | None, sound: str | None) -> dict:
    """The visitor's file is the visitor's before it waits in line."""
    session.stop = False
    session.own(clip)
    session.own(sound)
    return gr.update(visible=True)


def _stop(session: Session) -> None:
    session.stop = True


def _export(analyzer: Analyzer, session: Session, kind: str) -> dict:
    """A file as the browser makes it: name, type and text."""
    analysis = session.analysis
    if analysis is None:
        raise gr.Error(wording.NO_CLIP, print_exception=False)
    name, media_type, write = {
        "json": ("cross-or-self.json", "application/json", lambda: report.as_json(analysis, session.asked(analyzer))),
        "csv": ("cross-or-self.csv", "text/csv", lambda: report.as_csv(analysis)),
        "worth": ("worth.csv", "text/csv", lambda: worth.as_csv(session.asked(analyzer))),
        "html": ("cross-or-self.html", "text/html", lambda: report.as_html(analysis, session.asked(analyzer))),
    }[kind]
    return {"name": f"{Path(analysis.file).stem}-{name}", "type": media_type, "text": write()}


def _say(sentence: str, kind: str = "hint") -> str:
    return f'<p class="{kind}">{escape(sentence)}</p>'


assert set(SWITCHES) == set(MODALITIES)
