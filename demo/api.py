"""The analysis as an endpoint for programs: ``/analyze`` of gradio_client, documented on the page's API view."""

from pathlib import Path

import gradio as gr

from core import MODALITIES, subset_of
from core.analysis import Analyzer
from core.media import MediaError
from demo.clip import ONE_CLIP_AT_A_TIME
from demo.session import Session

DESCRIPTION = """Analyses one clip with both models.

clip: a video or sound file. modalities: any of "text", "video", "audio". attention: whether the answer holds the
attention weights too. The answer is the JSON object that scripts/analyze.py --json prints. A clip that cannot be
analysed raises an error with one sentence. The file is deleted before the answer is sent."""


def endpoint(analyzer: Analyzer) -> None:
    """Adds the endpoint to the page that is being built; nothing of it is visible."""

    def analyze(clip: str, modalities: list[str], attention: bool) -> dict:
        guest = Session()
        guest.own(Path(clip))
        try:
            wanted = subset_of(modalities)
            analysis = analyzer.analyze(clip)
            if not analysis.prediction(wanted).used:
                reasons = "; ".join(f"{m}: {analysis.missing[m]}" for m in wanted) or "no modality was asked for"
                raise gr.Error(f"Nothing to go by ({reasons}).")
            return analysis.to_json(wanted, attention)
        except MediaError as error:
            raise gr.Error(str(error)) from error
        finally:
            guest.end()

    with gr.Group(visible=False):
        clip = gr.File(label="clip", type="filepath")
        modalities = gr.CheckboxGroup(list(MODALITIES), value=list(MODALITIES), label="modalities")
        attention = gr.Checkbox(False, label="attention")
        answer = gr.JSON(label="analysis")
        gr.Button().click(
            analyze, [clip, modalities, attention], answer,
            api_name="analyze", api_description=DESCRIPTION, **ONE_CLIP_AT_A_TIME,
        )  # fmt: skip
