"""The section "What was it worth?": its components, and what they show.

Everything is measured when the section is opened, and again when something else is asked for.
"""

import gradio as gr

from core import LABELS, MODELS, Subset, subset_of
from core.analysis.attribution import spans
from demo import wording
from demo.charts.attribution import VERDICT, even, label_of, modalities, said, said_span, table
from demo.charts.attribution_figures import chart, difference
from demo.charts.panels import paragraph
from demo.server.analyzers import AnyAnalyzer
from demo.server.sessions import Session
from demo.tabs.components import ONE_MEASURED_AT_A_TIME, Parts
from demo.tabs.view import HIDDEN, SWITCHES


def contents(parts: Parts) -> None:
    """What is in the section."""
    with gr.Row():
        models = [(title, name) for name, title in wording.MODEL.items()]
        parts.add("worth-model", gr.Radio, choices=models, value="cross", label=wording.CHOOSE_MODEL, min_width=150)
        classes = [(wording.ITS_VERDICT, VERDICT), *((wording.LABEL[label], label) for label in LABELS)]
        parts.add("worth-class", gr.Radio, choices=classes, value=VERDICT, label=wording.CHOOSE_CLASS, min_width=150)
        parts.add("worth-span", gr.Dropdown, choices=[], label=wording.CHOOSE_PART, visible=False, interactive=True)
    for name in drawn_parts()[1:]:
        if name.endswith("-chart"):
            parts.add(name, gr.Plot, show_label=False, container=False)
        else:
            parts.add(name, gr.HTML)
    parts["worth-open"] = gr.State(False)


def wire(parts: Parts, analyzer: AnyAnalyzer, state: gr.State, switches: list, changes: gr.HTML) -> None:
    """Draws when the section is opened, when something else is asked for and when ``changes`` is shown anew."""
    asked = [parts[name] for name in ("worth-model", "worth-class", "worth-span")]
    shown = [parts[name] for name in drawn_parts()]
    opened = parts["worth-open"]

    def draw(session, is_open, model, label, span, *on):
        if not is_open:
            return [gr.skip()] * len(shown)
        wanted = subset_of(m for m, switch in zip(SWITCHES, on, strict=True) if switch)
        return list(drawn(session, analyzer, wanted, model, label, span).values())

    inputs = [state, opened, *asked, *switches]
    draws = {"fn": draw, "inputs": inputs, "outputs": shown, "show_progress": "minimal", **ONE_MEASURED_AT_A_TIME}
    accordion = parts["section-worth"]
    accordion.expand(lambda: True, None, opened, queue=False, api_visibility="private").then(**draws)
    accordion.collapse(lambda: False, None, opened, queue=False, api_visibility="private")
    gr.on([choice.input for choice in asked] + [changes.change], trigger_mode="always_last", **draws)


def drawn_parts() -> tuple[str, ...]:
    """Names of what ``drawn`` fills, in its order."""
    return (
        "worth-span", "worth-said", "worth-chart", "worth-table", "worth-modalities", "worth-even", "difference-chart",
    )  # fmt: skip


def drawn(session: Session, analyzer: AnyAnalyzer, wanted: Subset, model: str, label: str, span: str | None) -> dict:
    """What each part of the section shows; one sentence where nothing can be said."""
    analysis = session.current()
    if analysis is None:
        return _only(session.why_none())
    choices = {said_span(each): each for each in spans(analysis)}
    span = span if span in choices else next(iter(choices))
    picker = gr.update(choices=list(choices), value=span, visible=len(choices) > 1)
    model = model if model in analysis.models else MODELS[0]
    worth = session.attribution(analyzer, choices[span])
    if worth is None:
        return _only(wording.ATTRIBUTION_UNKNOWN, picker)
    used = subset_of(m for m in analysis.prediction(wanted).used if m in worth.parts)
    found = worth.of(model, used)
    if found is None:
        return _only(wording.UNDEFINED if used else wording.ALL_OFF, picker)
    label = label_of(found, label)
    both = len(used) > 1
    return dict(
        zip(
            drawn_parts(),
            (
                picker,
                said(worth, found, model, label),
                gr.update(value=chart(worth, found, label), visible=True),
                table(worth, found, label),
                modalities(found, model, label),
                even(worth, used, label),
                gr.update(value=difference(worth, used), visible=True) if both else gr.update(**HIDDEN),
            ),
            strict=True,
        )
    )


def _only(sentence: str, picker=None) -> dict:
    hidden = gr.update(**HIDDEN)
    parts = (picker or gr.update(visible=False), paragraph(sentence, "note"), hidden, "", "", "", hidden)
    return dict(zip(drawn_parts(), parts, strict=True))
