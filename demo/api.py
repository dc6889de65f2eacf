"""The analysis as an endpoint for programs: ``/analyze`` of gradio_client, documented on the page's API view."""

from functools import partial
from pathlib import Path

import gradio as gr

from core import MODALITIES, Subset, subset_of
from core.analysis import Analyzer
from core.media import MediaError
from demo import uploads, wording
from demo.clip import ONE_CLIP_AT_A_TIME
from demo.session import Session, Stopped, gone, remember

DESCRIPTION = """Analyses one clip with both models.

clip: a video or sound file. modalities: any of "text", "video", "audio". attention: whether the answer holds the
attention weights too. The answer is the JSON object that scripts/analyze.py --json prints. A clip that cannot be
analysed raises an error with one sentence. The file is deleted before the answer is sent."""


def endpoint(analyzer: Analyzer, page: gr.Blocks) -> None:
    """Adds the endpoint to the page that is being built; nothing of it is visible."""

    def analyze(clip: str | None, modalities: list[str] | None, attention: bool, request: gr.Request) -> dict:
        guest = Session()
        guest.own(clip)
        name = request.session_hash
        remember(name, guest)
        try:
            return _answer(guest, clip, subset_of(modalities or ()), attention, partial(gone, page, name))
        finally:
            guest.end()

    def _answer(guest: Session, clip: str | None, wanted: Subset, attention: bool, left) -> dict:
        if not clip:
            raise gr.Error(wording.NO_FILE, print_exception=False)
        try:
            guest.take(analyzer, Path(clip), lambda share, stage: None, left)
        except MediaError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Stopped:
            raise gr.Error(wording.HUNG_UP, print_exception=False) from None
        except Exception:
            raise gr.Error(wording.BROKEN, print_exception=False) from None
        analysis = guest.analysis
        if not analysis.prediction(wanted).used:
            reasons = "; ".join(f"{m}: {analysis.missing[m]}" for m in wanted) or "no modality was asked for"
            raise gr.Error(f"Nothing to go by ({reasons}).", print_exception=False)
        return analysis.to_json(wanted, attention)

    with gr.Group(visible=False):
        clip = uploads.plain(gr.File(label="clip", type="filepath"))
        modalities = gr.CheckboxGroup(list(MODALITIES), value=list(MODALITIES), label="modalities")
        attention = gr.Checkbox(False, label="attention")
        answer = gr.JSON(label="analysis")
        gr.Button().click(
            analyze, [clip, modalities, attention], answer,
            api_name="analyze", api_description=DESCRIPTION, **ONE_CLIP_AT_A_TIME,
        )  # fmt: skip
