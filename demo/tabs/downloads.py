"""What a visitor can take home: the buttons, and the files that they make, which the server hands over and forgets."""

from pathlib import Path

import gradio as gr

from demo import wording
from demo.charts import report
from demo.server.analyzers import AnyAnalyzer
from demo.server.limits import EXPORTS
from demo.server.sessions import Session
from demo.tabs.components import Parts, one_at_a_time

ONE_AT_A_TIME = one_at_a_time(EXPORTS)


def contents(parts: Parts) -> None:
    """A button a kind of file."""
    with gr.Row(elem_id="downloads"):
        for kind, text in wording.DOWNLOADS.items():
            parts.add(f"download-{kind}", gr.Button, value=text, size="sm")
    parts.add("handed-out", gr.JSON, visible=False)


def wire(parts: Parts, analyzer: AnyAnalyzer, state: gr.State) -> None:
    """Makes a file when its button is pressed."""
    handed_out = parts["handed-out"]
    for kind in wording.DOWNLOADS:
        pressed = parts[f"download-{kind}"].click
        made = pressed(lambda session, kind=kind: exported(analyzer, kind, session), state, handed_out, **ONE_AT_A_TIME)
        made.then(None, handed_out, None, js="(file) => window.handOut(file)", api_visibility="private")


def exported(analyzer: AnyAnalyzer, kind: str, session: Session) -> dict:
    """A file as the browser makes it: name, type and text.

    Raises:
        gr.Error: there is no analysis, or nothing of what the file is to hold.
    """
    analysis = session.current()
    if analysis is None:
        raise gr.Error(session.why_none(), print_exception=False)
    name, media_type, write = {
        "json": ("cross-or-self.json", "application/json", lambda: report.as_json(analysis, session.asked(analyzer))),
        "csv": ("cross-or-self.csv", "text/csv", lambda: report.as_csv(analysis)),
        "worth": ("worth.csv", "text/csv", lambda: _contributions(session, analyzer)),
        "html": ("cross-or-self.html", "text/html", lambda: report.as_html(analysis, session.asked(analyzer))),
    }[kind]
    return {"name": f"{Path(analysis.file).stem}-{name}", "type": media_type, "text": write()}


def _contributions(session: Session, analyzer: AnyAnalyzer) -> str:
    """The table of what contributed to the verdicts.

    Raises:
        gr.Error: nothing could be measured, and a table without lines is no answer.
    """
    measured = session.asked(analyzer)
    if not measured:
        raise gr.Error(wording.NOT_MEASURED, print_exception=False)
    return report.attribution_as_csv(measured)
