"""The tab for one clip: its parts, and what happens when something is pressed. What parts show is made in ``view``."""

import logging
from html import escape
from pathlib import Path

import gradio as gr

from core import MODALITIES
from core.analysis import Analyzer
from core.media import MediaError
from demo import copy, figure, panels, report, view
from demo.palette import MODEL
from demo.view import MEAN, SWITCHES, Choice
from demo.visit import HOUR, Stopped, Visit, remember

EXAMPLES = Path(__file__).parent / "examples"
HEADS = [("mean of all", MEAN), *((str(i + 1), i) for i in range(6))]
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

log = logging.getLogger(__name__)


def tab(analyzer: Analyzer) -> None:
    """The contents of the tab; everything a visitor adds lives in the visitor's session."""
    visit = gr.State(Visit(), time_to_live=HOUR, delete_callback=Visit.end)
    parts: Parts = {}
    with gr.Row():
        with gr.Column(scale=4, min_width=300):
            _capture(parts)
        with gr.Column(scale=6, min_width=300):
            parts["welcome"] = gr.HTML(copy.WELCOME + figure.drawing("welcome"), elem_id="welcome")
            _verdicts(parts)
    with gr.Column(visible=False, elem_id="details") as parts["details"]:
        _details(parts)
    _wire(analyzer, visit, parts)


def _capture(parts: Parts) -> None:
    parts["clip"] = gr.Video(
        sources=["upload", "webcam"], include_audio=True, label=copy.CAPTURE, elem_id="clip", height=390,
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
        parts["sound-file"] = gr.UploadButton(copy.SOUND, file_types=["audio"], elem_id="sound-file")
    parts["status"] = gr.HTML(_say(copy.IDLE), elem_id="status")
    gr.HTML(copy.EXAMPLES_HINT)
    with gr.Column(elem_id="examples"):
        for name, text in copy.EXAMPLES.items():
            parts[f"example-{name}"] = gr.Button(text, size="sm", elem_id=f"example-{name}")


def _verdicts(parts: Parts) -> None:
    with gr.Column(visible=False, elem_id="verdicts") as parts["verdicts"]:
        with gr.Row(elem_id="switches"):
            gr.HTML(f'<p id="switches-label">{copy.SWITCHES}</p>', min_width=90)
            for modality in SWITCHES:
                name = f"switch-{modality}"
                parts[name] = gr.Checkbox(
                    True, label=copy.SWITCH[modality], elem_id=name, min_width=90, container=False, scale=0
                )
        parts["agreement"] = gr.HTML(elem_id="agreement")
        with gr.Row():
            for name in MODEL:
                with gr.Column(min_width=280):
                    parts[f"{name}-verdict"] = gr.HTML(elem_id=f"{name}-verdict")
                    parts[f"{name}-chart"] = _chart(f"{name}-chart")
        parts["ghosts"] = gr.HTML(elem_id="ghosts")


def _details(parts: Parts) -> None:
    parts["seen"] = gr.HTML(elem_id="seen")
    gr.HTML(copy.MATRIX + panels.legend())
    parts["matrix-table"] = gr.HTML(elem_id="matrix-table")
    gr.HTML(copy.ATTENTION)
    with gr.Row():
        models = [(title, name) for name, title in MODEL.items()]
        parts["model"] = gr.Radio(models, value="cross", label="Model", elem_id="model")
        parts["pair"] = gr.Radio([], label="Who looks at whom", elem_id="pair")
        parts["head"] = gr.Radio(HEADS, value=MEAN, label="Head", elem_id="head")
    parts["attention-chart"] = _chart("attention-chart")
    parts["sharpness-note"] = gr.HTML(elem_id="sharpness-note")
    gr.HTML(copy.TIMELINE)
    parts["timeline-chart"] = _chart("timeline-chart")
    with gr.Column(visible=False, elem_id="course") as parts["course"]:
        gr.HTML(copy.COURSE)
        parts["course-chart"] = _chart("course-chart")
    gr.HTML(copy.EXPORT)
    with gr.Row(elem_id="downloads"):
        for kind, text in copy.DOWNLOADS.items():
            parts[f"download-{kind}"] = gr.Button(text, size="sm", elem_id=f"download-{kind}")
    parts["handed-out"] = gr.JSON(visible=False)


def _chart(name: str) -> gr.Plot:
    return gr.Plot(show_label=False, container=False, elem_id=name)


def _wire(analyzer: Analyzer, visit: gr.State, parts: Parts) -> None:
    """Connects what can be pressed with what it changes."""
    choice = [parts[name] for name in ("model", "pair", "head")]
    switches = [parts[f"switch-{modality}"] for modality in SWITCHES]
    looks = [parts[name] for name in ("pair", "attention-chart", "timeline-chart", "sharpness-note")]
    verdicts = [parts[f"{name}-{what}"] for name in MODEL for what in ("verdict", "chart")]
    switchable = [*verdicts, *(parts[name] for name in ("agreement", "ghosts", "matrix-table")), *looks]
    fresh = [parts[name] for name in ("welcome", "verdicts", "details", "seen", "course", "course-chart")]
    status = parts["status"]

    def placed(updates: dict) -> dict:
        return {parts[name]: update for name, update in updates.items()}

    def on_clip(
        clip, sound, visit, model, pair, head, request: gr.Request,
        progress=gr.Progress(),  # noqa: B008 gradio looks for it there
    ):  # fmt: skip
        updates = _analysed(analyzer, visit, clip or sound, Choice(model, pair, head), request.session_hash, progress)
        return placed(updates) | {state: visit}

    def on_switch(visit, video, audio, text, *choice):
        if visit.utterance is None:
            return {status: _say(copy.NO_CLIP, "error")}
        return placed(view.switched(visit, _wanted(video, audio, text), Choice(*choice)))

    def on_look(visit, video, audio, text, *choice):
        if visit.utterance is None:
            return {status: _say(copy.NO_CLIP, "error")}
        return placed(view.looked(visit, _wanted(video, audio, text), Choice(*choice)))

    def on_clear(visit):
        visit.clear()
        hidden = {name: gr.update(visible=False) for name in ("verdicts", "details")}
        gone = {"sound": gr.update(**view.HIDDEN), "welcome": gr.update(visible=True), "status": _say(copy.IDLE)}
        return placed(hidden | gone)

    def analysing(trigger):
        trigger(_begin, visit, parts["stop"], **QUICK).then(
            on_clip, [parts["clip"], parts["sound"], visit, *choice], [state, status, *switches, *fresh, *switchable],
            show_progress="full", show_progress_on=[status], **ONE_CLIP_AT_A_TIME, **PRIVATE,
        ).then(lambda: gr.update(visible=False), None, parts["stop"], **QUICK)  # fmt: skip

    state = visit
    clip, sound = parts["clip"], parts["sound"]
    for trigger in (clip.stop_recording, clip.upload, parts["analyse"].click):
        analysing(trigger)
    clip.change(lambda path: gr.update(**view.HIDDEN) if path else gr.skip(), clip, sound, **QUICK)
    clip.clear(
        on_clear, visit, [parts[name] for name in ("verdicts", "details", "sound", "welcome", "status")], **QUICK
    )
    parts["stop"].click(_stop, visit, None, **QUICK)
    chosen = parts["sound-file"].upload(
        lambda path: (None, gr.update(value=path, visible=True)), parts["sound-file"], [clip, sound], **QUICK
    )
    analysing(chosen.then)
    for name in copy.EXAMPLES:
        picked = parts[f"example-{name}"].click(lambda name=name: str(EXAMPLES / f"{name}.mp4"), None, clip, **QUICK)
        analysing(picked.then)
    for kind in copy.DOWNLOADS:
        made = parts[f"download-{kind}"].click(
            lambda visit, kind=kind: _export(visit, kind), visit, parts["handed-out"], **PRIVATE
        )
        made.then(None, parts["handed-out"], None, js="(file) => window.handOut(file)", **PRIVATE)
    for switch in switches:
        switch.input(on_switch, [visit, *switches, *choice], [status, *switchable], trigger_mode="always_last", **QUICK)
    for part in choice:
        part.input(on_look, [visit, *switches, *choice], [status, *looks], trigger_mode="always_last", **QUICK)


def _analysed(analyzer: Analyzer, visit: Visit, path: str | None, choice: Choice, session: str, progress) -> dict:
    """A clip -> everything shown, or one sentence that says why not."""
    nothing = {name: gr.update(visible=False) for name in ("verdicts", "details")}
    if not path:
        return {"status": _say(copy.NO_CLIP, "error")}
    path = Path(path)
    if not path.exists():
        return {"status": _say(copy.LOST_CLIP, "error")}
    remember(session, visit)
    visit.own(path)  # examples too: what the player shows is a copy in gradio's cache
    try:
        visit.take(analyzer, path, lambda share, stage: progress(share, desc=stage))
        updates = view.new_clip(visit, choice)
    except MediaError as error:
        return nothing | {"status": _say(str(error), "error")}
    except Stopped:
        return nothing | {"status": _say(copy.STOPPED)}
    except Exception:
        visit.clear()
        log.exception("A clip could not be analysed")
        return nothing | {"status": _say(copy.BROKEN, "error")}
    everything = visit.everything
    took = everything.timings.get("total", 0.0)
    return updates | {"status": _say(f"{everything.duration:.1f} seconds of clip, read in {took:.1f} seconds.")}


def _wanted(*on: bool) -> tuple[str, ...]:
    return tuple(modality for modality, switch in zip(SWITCHES, on, strict=True) if switch)


def _begin(visit: Visit) -> dict:
    visit.stop = False
    return gr.update(visible=True)


def _stop(visit: Visit) -> None:
    visit.stop = True


def _export(visit: Visit, kind: str) -> dict:
    """A file as the browser makes it: name, type and text."""
    if visit.utterance is None:
        raise gr.Error(copy.NO_CLIP)
    write, media_type = {
        "json": (report.as_json, "application/json"),
        "csv": (report.as_csv, "text/csv"),
        "html": (report.as_html, "text/html"),
    }[kind]
    stem = Path(visit.utterance.file).stem
    return {"name": f"{stem}-cross-or-self.{kind}", "type": media_type, "text": write(visit)}


def _say(sentence: str, kind: str = "hint") -> str:
    return f'<p class="{kind}">{escape(sentence)}</p>'


assert set(SWITCHES) == set(MODALITIES)
