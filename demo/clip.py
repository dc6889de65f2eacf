"""The tab for one clip: capture, verdicts, switches, attention, timeline, files to take home."""

import logging
import time
from html import escape
from pathlib import Path

import gradio as gr

from core import MODALITIES
from core.analysis import Analysis, Analyzer
from core.fusion import CROSS, SELF, pairs_within
from core.media import MediaError
from demo import charts, copy, figure, heatmap, panels, report
from demo.palette import MODEL
from demo.visit import HOUR, Stopped, Visit, remember

EXAMPLES = Path(__file__).parent / "examples"
SWITCHES = ("video", "audio", "text")  # in the order of the page
HEADS = [("mean of all", -1), *((str(i + 1), i) for i in range(6))]
CAMERA = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "facingMode": "user"},
    # The browser's own voice processing distorts what the voice features measure.
    "audio": {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False},
}
ONE_CLIP_AT_A_TIME = {"concurrency_limit": 1, "concurrency_id": "clips"}  # two cores serve one clip best

log = logging.getLogger(__name__)


def tab(analyzer: Analyzer) -> None:
    """The contents of the tab; everything a visitor adds lives in the visitor's session."""
    visit = gr.State(Visit(), time_to_live=HOUR, delete_callback=Visit.end)
    with gr.Row():
        with gr.Column(scale=4, min_width=300):
            clip = gr.Video(
                sources=["upload", "webcam"], include_audio=True, label=copy.CAPTURE, elem_id="clip", height=390,
                webcam_options=gr.WebcamOptions(mirror=False, constraints=CAMERA), buttons=[],
            )  # fmt: skip
            gr.HTML(
                '<p id="capture-note" class="error" role="alert" hidden></p>'
                '<div class="level" hidden aria-hidden="true"><div class="bar"><i></i></div><span></span>'
                '<b id="clock"></b></div>'
            )
            sound = gr.Audio(
                type="filepath", visible=False, interactive=False, elem_id="sound", label="Sound", buttons=[]
            )
            with gr.Row():
                analyse = gr.Button("Analyse", variant="primary", elem_id="analyse")
                stop = gr.Button("Stop", elem_id="stop", visible=False)
                sound_file = gr.UploadButton(
                    copy.SOUND, file_types=["audio"], elem_id="sound-file", variant="secondary"
                )
            status = gr.HTML(_say(copy.IDLE), elem_id="status")
            gr.HTML(copy.EXAMPLES_HINT)
            with gr.Column(elem_id="examples"):
                examples = {
                    name: gr.Button(text, size="sm", elem_id=f"example-{name}") for name, text in copy.EXAMPLES.items()
                }
        with gr.Column(scale=6, min_width=300):
            welcome = gr.HTML(copy.WELCOME + figure.drawing("welcome"), elem_id="welcome")
            with gr.Column(visible=False, elem_id="verdicts") as verdicts:
                with gr.Row(elem_id="switches"):
                    gr.HTML(f'<p id="switches-label">{copy.SWITCHES}</p>', min_width=90)
                    switches = [
                        gr.Checkbox(
                            True, label=copy.SWITCH[m], elem_id=f"switch-{m}", min_width=90, container=False, scale=0
                        )
                        for m in SWITCHES
                    ]
                agreement = gr.HTML(elem_id="agreement")
                with gr.Row():
                    heads, bars = [], []
                    for name in MODEL:
                        with gr.Column(min_width=280):
                            heads.append(gr.HTML(elem_id=f"{name}-verdict"))
                            bars.append(gr.Plot(show_label=False, container=False, elem_id=f"{name}-chart"))
                ghosts = gr.HTML()
    with gr.Column(visible=False, elem_id="details") as details:
        words_and_face = gr.HTML(elem_id="seen")
        gr.HTML(copy.MATRIX + panels.legend())
        matrix = gr.HTML()
        gr.HTML(copy.ATTENTION)
        with gr.Row():
            model = gr.Radio([(v, k) for k, v in MODEL.items()], value="cross", label="Model", elem_id="model")
            pair = gr.Radio([], label="Who looks at whom", elem_id="pair")
            head = gr.Radio(HEADS, value=-1, label="Head", elem_id="head")
        map_chart = gr.Plot(show_label=False, container=False, elem_id="attention-chart")
        sharpness = gr.HTML()
        gr.HTML(copy.TIMELINE)
        timeline = gr.Plot(show_label=False, container=False, elem_id="timeline-chart")
        with gr.Column(visible=False, elem_id="course") as course:
            gr.HTML(copy.COURSE)
            course_chart = gr.Plot(show_label=False, container=False, elem_id="course-chart")
        gr.HTML(copy.EXPORT)
        with gr.Row(elem_id="downloads"):
            downloads = {
                kind: gr.Button(text, size="sm", elem_id=f"download-{kind}") for kind, text in copy.DOWNLOADS.items()
            }
        handed_out = gr.JSON(visible=False)

    panel_parts = [agreement, ghosts, *heads, *bars, matrix]
    look_parts = [pair, map_chart, sharpness, timeline]
    shown = [welcome, verdicts, details, *switches, words_and_face, course, course_chart, *panel_parts, *look_parts]

    def show(visit: Visit, model_name: str, pair_name: str | None, head_index: int) -> dict:
        """Everything, after a new clip; all switches on."""
        everything = visit.everything
        updates = {
            welcome: gr.update(visible=False),
            verdicts: gr.update(visible=True),
            details: gr.update(visible=True),
            words_and_face: panels.notes(everything) + panels.transcript(everything) + panels.face_strip(everything),
            course: gr.update(visible=bool(visit.windows)),
            course_chart: charts.course(visit.windows, everything.duration) if visit.windows else None,
        }
        for modality, switch in zip(SWITCHES, switches, strict=True):
            absent = everything.missing.get(modality)
            label = copy.SWITCH[modality] + (f" ({absent})" if absent else "")
            updates[switch] = gr.update(value=not absent, interactive=not absent, label=label)
        return updates | switch_parts(visit, everything, model_name, pair_name, head_index, time.perf_counter())

    def switch_parts(visit: Visit, analysis: Analysis | None, model_name, pair_name, head_index, started) -> dict:
        """What depends on the switches."""
        everything = visit.everything
        on = analysis.used if analysis else ()
        hint = f'<p class="hint">{copy.GHOSTS}</p>' if analysis and on != everything.used else ""
        updates = {matrix: panels.matrix(visit.analyses, on, everything), ghosts: hint}
        for part, chart, name in zip(heads, bars, MODEL, strict=True):
            verdict = analysis and analysis.verdicts()[name]
            baseline = everything.verdicts()[name] if on != everything.used else None
            why = copy.ALL_OFF if analysis is None else copy.UNDEFINED
            updates[part] = panels.verdict(name, verdict, baseline if verdict else None, why)
            updates[chart] = (
                gr.update(value=charts.probabilities(verdict, baseline), visible=True)
                if verdict
                else gr.update(value=None, visible=False)
            )
        updates |= look(analysis, model_name, pair_name, head_index)
        took = (time.perf_counter() - started) * 1000
        updates[agreement] = f'<div data-server-ms="{took:.1f}">{panels.agreement(analysis)}</div>'
        return updates

    def look(analysis: Analysis | None, model_name: str, pair_name: str | None, head_index: int) -> dict:
        """The attention views; falls back to a model and pair that exist."""
        if analysis is None:
            hidden = gr.update(value=None, visible=False)
            return {map_chart: hidden, timeline: hidden, sharpness: "", pair: gr.update(choices=[], value=None)}
        instead = ""
        if analysis.verdicts()[model_name] is None:  # the visitor's choice stays, for when it is defined again
            model_name, instead = "self", copy.INSTEAD
        pairs = pairs_within(CROSS if model_name == "cross" else SELF, analysis.used)
        named = {"-".join(p): p for p in pairs}
        name = pair_name if pair_name in named else next(iter(named))
        verdict = analysis.verdicts()[model_name]
        index = None if head_index < 0 else head_index
        weights = heatmap.picked(verdict.attention[named[name]], index)
        which = f"{MODEL[model_name]}, {panels.pair_name(named[name])}, " + (
            "mean of all heads" if index is None else f"head {index + 1}"
        )
        return {
            pair: gr.update(choices=[(panels.pair_name(p), key) for key, p in named.items()], value=name),
            map_chart: gr.update(value=heatmap.attention(analysis, model_name, named[name], index), visible=True),
            sharpness: instead + panels.attention_summary(which, heatmap.spread_of(weights), weights.shape[1]),
            timeline: gr.update(value=charts.timeline(analysis, model_name), visible=True),
        }

    def on_clip(
        clip_path, sound_path, visit, model_name, pair_name, head_index, request: gr.Request,
        progress=gr.Progress(),  # noqa: B008 gradio looks for it there
    ):  # fmt: skip
        """A clip -> everything shown, or one sentence that says why not."""
        hide = {part: gr.update(visible=False) for part in (verdicts, details)}
        if not clip_path and not sound_path:
            return {status: _say(copy.NO_CLIP, "error"), visit_state: visit}
        path = Path(clip_path or sound_path)
        if not path.exists():
            return {status: _say(copy.LOST_CLIP, "error"), visit_state: visit}
        remember(request.session_hash, visit)
        visit.own(path)  # examples too: what the player shows is a copy in gradio's cache
        try:
            visit.take(analyzer, path, lambda share, stage: progress(share, desc=stage))
            shown_parts = show(visit, model_name, pair_name, head_index)
        except MediaError as error:
            return hide | {status: _say(str(error), "error"), visit_state: visit}
        except Stopped:
            return hide | {status: _say(copy.STOPPED), visit_state: visit}
        except Exception:
            visit.clear()
            log.exception("A clip could not be analysed")
            return hide | {status: _say(copy.BROKEN, "error"), visit_state: visit}
        took = visit.everything.timings.get("total", 0.0)
        done = _say(f"{visit.everything.duration:.1f} seconds of clip, read in {took:.1f} seconds.")
        return shown_parts | {status: done, visit_state: visit}

    def on_switch(visit, video, audio, text, model_name, pair_name, head_index):
        started = time.perf_counter()
        if visit.utterance is None:
            return {status: _say(copy.NO_CLIP, "error")}
        wanted = tuple(m for m, on in zip(SWITCHES, (video, audio, text), strict=True) if on)
        return switch_parts(visit, visit.analysis(wanted), model_name, pair_name, head_index, started)

    def on_look(visit, video, audio, text, model_name, pair_name, head_index):
        if visit.utterance is None:
            return {status: _say(copy.NO_CLIP, "error")}
        wanted = tuple(m for m, on in zip(SWITCHES, (video, audio, text), strict=True) if on)
        return look(visit.analysis(wanted), model_name, pair_name, head_index)

    def on_clear(visit):
        visit.clear()
        return {
            verdicts: gr.update(visible=False), details: gr.update(visible=False), status: _say(copy.IDLE),
            sound: gr.update(value=None, visible=False), visit_state: visit,
        }  # fmt: skip

    visit_state = visit
    views = [model, pair, head]
    private = {"api_visibility": "private"}
    running = {"show_progress": "full", "show_progress_on": [status], **ONE_CLIP_AT_A_TIME}
    quick = {"queue": False, "show_progress": "hidden", "trigger_mode": "always_last"}

    def analysing(trigger):
        return (
            trigger(_begin, visit, stop, queue=False, show_progress="hidden", **private)
            .then(on_clip, [clip, sound, visit, *views], [visit, status, *shown], **running, **private)
            .then(lambda: gr.update(visible=False), None, stop, queue=False, show_progress="hidden", **private)
        )

    for trigger in (clip.stop_recording, clip.upload, analyse.click):
        analysing(trigger)
    clip.change(lambda path: gr.skip() if path is None else gr.update(value=None, visible=False), clip, sound, **quick,
                **private)  # fmt: skip
    clip.clear(on_clear, visit, [visit, verdicts, details, status, sound], queue=False, **private)
    stop.click(_stop, visit, None, queue=False, show_progress="hidden", **private)
    heard = sound_file.upload(
        lambda path: (None, gr.update(value=path, visible=True)), sound_file, [clip, sound], queue=False, **private
    )
    analysing(heard.then)
    for name, button in examples.items():
        picked = button.click(lambda name=name: str(EXAMPLES / f"{name}.mp4"), None, clip, queue=False, **private)
        analysing(picked.then)
    for kind, button in downloads.items():
        made = button.click(lambda visit, kind=kind: _export(visit, kind), visit, handed_out, **private)
        made.then(None, handed_out, None, js="(file) => window.handOut(file)", **private)
    for switch in switches:
        switch.input(on_switch, [visit, *switches, *views], [status, *panel_parts, *look_parts], **quick, **private)
    for view in views:
        view.input(on_look, [visit, *switches, *views], [status, *look_parts], **quick, **private)


def _begin(visit: Visit) -> dict:
    visit.stop = False
    return gr.update(visible=True)


def _stop(visit: Visit) -> None:
    visit.stop = True


def _export(visit: Visit, kind: str) -> dict | None:
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
