"""The tab for one clip: its parts, and what happens when something is pressed. What parts show is made in ``view``."""

import json
import logging
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from core import EVERY_MODEL, MODALITIES, MODELS, Subset
from core.analysis.results import Analysis, First
from core.media.reader import MediaError
from demo import wording
from demo.charts import architecture, guess
from demo.charts.html import render
from demo.charts.panels import paragraph
from demo.server import client_files, stored, uploads
from demo.server.analyzers import AnyAnalyzer
from demo.server.console import described
from demo.server.intermediate import intermediate_results
from demo.server.limits import CLIPS, HOUR, MAX_FILE_BYTES
from demo.server.returning import returning
from demo.server.sessions import Session, Stopped, end_later, gone, name_of, remember
from demo.tabs import attribution, downloads, more, neutral, persons, sections, takes, view
from demo.tabs.components import ONE_MEASURED_AT_A_TIME, PRIVATE, QUICK, Parts
from demo.tabs.view import SWITCHES, Choice

CAMERA = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "facingMode": "user"},
    # The browser's own voice processing distorts what the voice features measure.
    "audio": {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False},
}
OPENING = "contradiction"  # the example that a visitor finds
ONE_CLIP_AT_A_TIME: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": CLIPS}  # two cores serve one clip best
KEEP_TICKET = "(ticket) => window.visit.keep(ticket)"

log = logging.getLogger(__name__)


def tab(analyzer: AnyAnalyzer, page: gr.Blocks) -> None:
    """The contents of the tab; everything a visitor adds lives in the visitor's session.

    It opens with an example that is already analysed, if there is a result by the models that are here now.
    """
    opening = _opening()
    parts = Parts(opening)
    session = gr.State(Session(), time_to_live=HOUR, delete_callback=end_later)
    with gr.Row(elem_id="first"):
        with gr.Column(elem_id="left", min_width=280):
            with gr.Column(elem_id="watch"):
                _watch(parts)
            with gr.Column(elem_id="controls"):
                _controls(parts)
        with gr.Column(elem_id="right", min_width=280):
            with gr.Column(elem_id="said"):
                welcome = f"{wording.WELCOME}{architecture.drawing('welcome')}"
                parts.add("welcome", gr.HTML, value=welcome, visible=True)
                with parts.add("verdicts", gr.Column, visible=False):
                    _verdicts(parts, analyzer.more_models)
            with parts.add("time", gr.Column, visible=False):
                sections.in_time(parts)
    with parts.add("details", gr.Column, visible=False):
        sections.details(parts, analyzer.heads)
    _wire(analyzer, page, session, parts, bool(opening))


def _opening() -> dict:
    """What the parts show to begin with; nothing if the example is missing or damaged, or answered by other models."""
    if not stored.answered(OPENING):
        return {}
    try:
        found = stored.result_of(OPENING)
    except Exception as error:  # a file may be damaged in any way, and the page is useful without it
        log.warning("The page opens without its example: %s", described(error))
        return {}
    shown = view.new_clip(found, Choice(), OPENING) | {"guess": guess.element(OPENING, found)}
    return shown | {"clip": str(stored.clip_of(OPENING)), "status": paragraph(wording.STORED)}


def _watch(parts: Parts) -> None:
    # All find the same clip, which is shown from its place: nobody's copy need be made or swept.
    client_files.allow_in_place(stored.clip_of(OPENING))
    clip = parts.add(
        "clip", gr.Video, sources=["upload", "webcam"], include_audio=True, label=wording.CAPTURE,
        webcam_options=gr.WebcamOptions(mirror=False, constraints=CAMERA), buttons=[],
    )  # fmt: skip
    client_files.takes_shipped(clip)
    parts.add(
        "sound", gr.Audio, type="filepath", visible=False, interactive=False, label=wording.SOUND_TRACK, buttons=[]
    )
    parts.add("reading", gr.HTML)  # lies over the clip and is empty: progress is shown there
    gr.HTML(takes.recorder(), elem_id="recording")
    parts.add("stop", gr.Button, value=wording.STOP, visible=False)
    parts.add("moments", gr.HTML)
    gr.HTML(render("page", "caption", said=json.dumps(wording.FILE_NOTES), largest=MAX_FILE_BYTES))
    parts.add("status", gr.HTML, value=paragraph(wording.IDLE))
    parts.add("ticket", gr.Textbox, visible=False)
    gr.HTML(wording.NOTICE)


def _verdicts(parts: Parts, more_models: Sequence[str]) -> None:
    with gr.Row(elem_id="switches"):
        gr.HTML(f'<p id="switches-label">{wording.SWITCHES}</p>', min_width=90)
        for modality in SWITCHES:
            parts.add(
                f"switch-{modality}", gr.Checkbox, value=True, label=wording.SWITCH[modality], min_width=80,
                container=False, scale=0,
            )  # fmt: skip
    persons.contents(parts)
    parts.add("guess", gr.HTML)
    parts.add("agreement", gr.HTML)
    with gr.Row(elem_id="panels"):
        for name in MODELS:
            parts.add(f"{name}-verdict", gr.HTML, min_width=150)
    neutral.contents(parts)
    more.contents(parts, more_models)
    parts.add("ghosts", gr.HTML)
    parts.add("notes", gr.HTML)
    takes.contents(parts)


def _controls(parts: Parts) -> None:
    with gr.Row():
        parts.add("analyse", gr.Button, value=wording.ANALYSE, variant="primary")
        # What is dropped on the clip and is sound goes through here (files.js): the clip's own part takes films only.
        sound = parts.add("sound-file", gr.UploadButton, label=wording.SOUND, file_types=["audio"], visible="hidden")
        client_files.plain(sound)
    gr.HTML(wording.EXAMPLES_HINT)
    with gr.Row(elem_id="examples"):
        for name, text in wording.EXAMPLES.items():
            if not stored.is_whole(name):
                log.warning("The example %s is missing or damaged and is not offered", name)
                continue
            parts.add(f"example-{name}", gr.Button, value=text, size="sm", min_width=150)
    gr.HTML(wording.BOUNDS)


def _wire(analyzer: AnyAnalyzer, page: gr.Blocks, state: gr.State, parts: Parts, opened: bool) -> None:
    """Connects what can be pressed with what it changes; ``opened``: whether the page opens with an example."""
    choice = [parts[name] for name in ("model", "pair", "head", "scale", "differing")]
    switches = [parts[f"switch-{modality}"] for modality in SWITCHES]
    looks = [parts[name] for name in ("pair", "head", "attention-chart", "timeline-chart", "sharpness-note")]
    verdicts = [parts[name] for model in EVERY_MODEL if (name := f"{model}-verdict") in parts]
    more_parts = [parts[name] for name in more.PARTS] if more.SWITCH in parts else []
    switchable = [*verdicts, *(parts[name] for name in ("agreement", "ghosts", "matrix-table", "map-grid")), *looks]
    fresh = [parts[name] for name in view.FRESH] + more_parts
    status = parts["status"]
    told = [state, status, parts["ticket"]]

    def placed(updates: dict) -> dict:
        lacking = () if more_parts else more.PARTS
        return {parts[name]: update for name, update in updates.items() if name not in lacking}

    def on_opening(ticket, session, request: gr.Request):
        before = returning.claim(ticket)
        if before:
            remember(name_of(request), session)
            session.take_over(before)
        player, path = session.player or ("", "")
        if session.analysis is None or not Path(path).is_file():  # a clip lives for an hour
            if opened:
                session.show(stored.result_of(OPENING))
            return {state: session} | placed({"status": paragraph(wording.NOT_KEPT, "note")} if ticket else {})
        shown = view.new_clip(session.analysis, Choice()) | takes.shown(session)
        shown["status"] = paragraph(wording.KEPT, "note")
        played = {"clip": None, "sound": gr.update(**view.HIDDEN), player: gr.update(value=path, visible=True)}
        return {state: session} | placed(shown | played | {"ticket": returning.give_ticket(session)})

    def on_clip(
        clip, sound, session, model, pair, head, scale, differing, request: gr.Request,
        progress=gr.Progress(),  # noqa: B008 gradio looks for it there
    ):  # fmt: skip
        name = name_of(request)
        remember(name, session)
        chosen, over = Choice(model, pair, head, scale, differing), threading.Event()

        def analysed(show):
            return _analysed(
                analyzer, session, clip or sound, chosen, progress, lambda: over.is_set() or gone(page, name),
                lambda prediction: show(placed(view.without_words(prediction))),
            )  # fmt: skip

        try:
            updates = yield from intermediate_results(analysed)
        finally:
            over.set()  # also for an analysis that goes on behind a visitor who has left
        if session.analysis:
            session.player = "clip" if clip else "sound", clip or sound
            updates |= takes.shown(session) | {"ticket": returning.give_ticket(session)}
        yield placed(updates) | {state: session}

    def on_stored(name):
        def answer(session, model, pair, head, scale, differing, request: gr.Request):
            remember(name_of(request), session)
            found, path = _stored(name), _copied(name)
            session.show(found, path)
            found = session.answered(analyzer) or found
            updates = view.new_clip(found, Choice(model, pair, head, scale, differing), name)
            return placed(updates | {"clip": path, "status": paragraph(wording.STORED)}) | {state: session}

        return answer

    def on_unanswered(name):
        def answer(session, request: gr.Request):
            remember(name_of(request), session)
            path = _copied(name)
            session.show(None, path)
            return session, path

        return answer

    def on_switch(session, video, audio, text, *choice):
        analysis = session.current()
        if analysis is None:
            return {status: paragraph(session.why_none(), "error")}
        return placed(view.switched(analysis, _wanted(video, audio, text), Choice(*choice)))

    def on_look(session, video, audio, text, *choice):
        analysis = session.current()
        if analysis is None:
            return {status: paragraph(session.why_none(), "error")}
        return placed(view.looked(analysis, _wanted(video, audio, text), Choice(*choice)))

    def on_scale(session, video, audio, text, *choice):
        analysis = session.current()
        if analysis is None:
            return {status: paragraph(session.why_none(), "error")}
        wanted, chosen = _wanted(video, audio, text), Choice(*choice)
        return placed(view.looked(analysis, wanted, chosen) | view.at_a_glance(analysis, wanted, chosen))

    def on_face(session, face, video, audio, text, model, pair, head, scale, differing, request: gr.Request):
        try:
            analysis = session.choose_face(analyzer, face, partial(gone, page, name_of(request)))
        except MediaError as error:
            return {status: paragraph(wording.of_core(str(error)), "error")}
        except Stopped:
            return {}
        if analysis is None:
            return {status: paragraph(session.why_none(), "error")}
        chosen = Choice(model, pair, head, scale, differing)
        return placed(view.another_face(analysis, _wanted(video, audio, text), chosen) | takes.shown(session))

    def on_more(session, more_wanted, video, audio, text, *choice):
        session.more = more_wanted
        try:
            analysis = session.answered(analyzer)
        except ValueError:
            session.more = False
            return placed({more.SWITCH: False, "status": paragraph(wording.NO_MORE, "note")})
        if analysis is None:
            return {status: paragraph(session.why_none(), "error")}
        wanted, chosen = _wanted(video, audio, text), Choice(*choice)
        return placed(view.switched(analysis, wanted, chosen) | view.of_all_models(analysis))

    def on_neutral(session, from_neutral, video, audio, text, *choice):
        try:
            analysis = session.from_neutral(analyzer, from_neutral)
        except (MediaError, ValueError) as error:
            said = wording.of_core(str(error)) if isinstance(error, MediaError) else wording.NO_MORE
            return placed({neutral.SWITCH: False, "status": paragraph(said, "note")})
        if analysis is None:
            return {status: paragraph(session.why_none(), "error")}
        wanted, chosen = _wanted(video, audio, text), Choice(*choice)
        said = paragraph(wording.FROM_NEUTRAL if analysis.neutral else wording.NOT_FROM_NEUTRAL)
        return placed(view.another_face(analysis, wanted, chosen) | takes.shown(session) | {"status": said})

    def on_clear(session):
        returning.take_ticket(session)
        session.clear()
        shown = {
            "sound": gr.update(**view.HIDDEN),
            "welcome": gr.update(visible=True),
            "status": takes.waited_for(session) or paragraph(wording.IDLE),
        }
        return placed(view.nothing() | shown)

    def analysing(trigger):
        trigger(_begin, [state, parts["clip"], parts["sound"]], parts["stop"], **QUICK).then(
            on_clip, [parts["clip"], parts["sound"], state, *choice], [*told, *switches, *fresh, *switchable],
            show_progress="full", show_progress_on=[parts["reading"]], **ONE_CLIP_AT_A_TIME, **PRIVATE,
        ).then(
            lambda: gr.update(visible=False), None, parts["stop"], **QUICK
        ).then(None, parts["ticket"], None, js=KEEP_TICKET, **PRIVATE)  # fmt: skip

    clip, sound = parts["clip"], parts["sound"]
    page.load(
        on_opening, [parts["ticket"], state], [*told, clip, sound, *switches, *fresh, *switchable],
        js="(ticket, state) => [window.visit.ticket(), state]", **QUICK,
    ).then(None, parts["ticket"], None, js=KEEP_TICKET, **PRIVATE)  # fmt: skip
    for trigger in (clip.stop_recording, clip.upload, parts["analyse"].click):
        analysing(trigger)
    clip.change(lambda path: gr.update(**view.HIDDEN) if path else gr.skip(), clip, sound, **QUICK)
    clip.clear(on_clear, state, [parts[name] for name in (*view.nothing(), "sound", "welcome", "status")], **QUICK)
    parts["stop"].click(_stop, state, None, **QUICK)
    chosen = parts["sound-file"].upload(
        lambda path: (None, gr.update(value=path, visible=True)), parts["sound-file"], [clip, sound], **QUICK
    )
    analysing(chosen.then)
    for name in [name for name in wording.EXAMPLES if f"example-{name}" in parts]:
        pressed = parts[f"example-{name}"].click
        if stored.answered(name):
            changed = [state, clip, status, *switches, *fresh, *switchable]
            pressed(on_stored(name), [state, *choice], changed, **QUICK)
        else:  # other models than those that answered when the results were made
            picked = pressed(on_unanswered(name), state, [state, clip], **QUICK)
            analysing(picked.then)
    downloads.wire(parts, analyzer, state)
    attribution.wire(parts, analyzer, state, switches, parts["agreement"])
    takes.wire(parts, state)
    for switch in switches:
        switch.input(on_switch, [state, *switches, *choice], [status, *switchable], trigger_mode="always_last", **QUICK)
    parts["whose-face"].input(
        on_face, [state, parts["whose-face"], *switches, *choice], [status, *fresh, *switchable],
        show_progress="minimal", **ONE_CLIP_AT_A_TIME, **PRIVATE,
    )  # fmt: skip
    parts[neutral.SWITCH].input(
        on_neutral, [state, parts[neutral.SWITCH], *switches, *choice], [status, *fresh, *switchable],
        trigger_mode="always_last", show_progress="minimal", **ONE_MEASURED_AT_A_TIME,
    )  # fmt: skip
    if more_parts:
        segments = [parts["phrase-table"], parts["course-chart"]]
        parts[more.SWITCH].input(
            on_more, [state, parts[more.SWITCH], *switches, *choice], [status, *more_parts, *segments, *switchable],
            trigger_mode="always_last", show_progress="minimal", **ONE_MEASURED_AT_A_TIME,
        )  # fmt: skip
    for part in choice[:3]:
        part.input(on_look, [state, *switches, *choice], [status, *looks], trigger_mode="always_last", **QUICK)
    for part in choice[3:]:
        part.input(
            on_scale, [state, *switches, *choice], [status, parts["map-grid"], *looks], trigger_mode="always_last",
            **QUICK,
        )  # fmt: skip


def _analysed(
    analyzer: AnyAnalyzer, session: Session, path: str | None, choice: Choice, progress, left, first: First
) -> dict:
    """A clip -> everything shown, or one sentence that says why not; ``first``: see ``Analyzer.analyze``."""
    if not path:
        return {"status": paragraph(wording.NO_CLIP, "error")}
    file = Path(path)
    if not file.exists():
        return {"status": paragraph(wording.LOST_CLIP, "error")}
    try:
        if client_files.shipped(str(file)):
            file = uploads.copied(file)
    except uploads.NoRoom:
        return {"status": paragraph(wording.NO_ROOM, "error")}
    session.own(file)
    if file not in session.files:  # only what the visit owns is opened
        return {"status": paragraph(wording.LOST_CLIP, "error")}
    try:
        known = wording.CORE  # threads that know no visitor say how far it is
        analysis = session.take(
            analyzer, file, lambda share, stage: progress(share, desc=wording.of_core(stage, known)), left, first
        )
        updates = view.new_clip(analysis, choice)
    except MediaError as error:
        return view.nothing() | {"status": paragraph(wording.of_core(str(error)), "error")}
    except Stopped:  # an example that was picked meanwhile stays
        return {} if session.analysis else view.nothing() | {"status": paragraph(wording.STOPPED)}
    except Exception:
        session.clear()
        return view.nothing() | {"status": paragraph(wording.BROKEN, "error")}
    duration, took = analysis.duration, analysis.timings["total"]
    return updates | {"status": paragraph(wording.READ_IN.format(duration=f"{duration:.1f}", took=f"{took:.1f}"))}


def _copied(name: str) -> str:
    """A copy of an example for a visitor.

    Raises:
        gr.Error: there is no room, or it is no longer there.
    """
    try:
        return str(uploads.copied(stored.clip_of(name)))
    except uploads.NoRoom:
        raise gr.Error(wording.NO_ROOM, print_exception=False) from None
    except OSError:
        raise gr.Error(wording.NO_EXAMPLE, print_exception=False) from None


def _stored(name: str) -> Analysis:
    """The stored result of an example.

    Raises:
        gr.Error: it is damaged or no longer there.
    """
    try:
        return stored.result_of(name)
    except Exception as error:  # a file may be damaged in any way
        log.error("The example %s cannot be shown: %s", name, described(error))
        raise gr.Error(wording.NO_EXAMPLE, print_exception=False) from None


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


assert set(SWITCHES) == set(MODALITIES)
