"""The analysis for programs: ``/analyze`` of gradio_client, and the one tool of the page's MCP server.

What the endpoint takes is told by the types and the docstring of one function, which gradio hands on to both.
"""

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from core import MODALITIES, Subset, subset_of
from core.media.reader import MediaError
from demo import wording
from demo.server import client_files
from demo.server.analyzers import AnyAnalyzer
from demo.server.sessions import Session, Stopped, gone, name_of, remember
from demo.tabs.clip import ONE_CLIP_AT_A_TIME


def endpoint(analyzer: AnyAnalyzer, page: gr.Blocks) -> None:
    """Adds the endpoint to the page that is being built; nothing of it is visible."""

    def analyze(clip: str | None, modalities: list[str], attention: bool, request: gr.Request) -> dict:
        """Analyses one clip of a person speaking with two small models of displayed emotion, cross- and self-attention.
        The verdicts are guesses at what is shown, not at what anybody feels; never use them to judge a person.
        A clip that cannot be analysed raises an error with one sentence. The file is deleted before the answer is sent.

        Args:
            clip: a video or sound file that was uploaded to this server: its path or its address; no other is fetched
            modalities: what the models may use: words ("text"), face ("video"), voice ("audio"); all of them by default
            attention: whether the answer holds the attention weights too, up to 14 MB of them

        Returns:
            a JSON object: labels, transcript, cross and self with their probabilities, all sets of modalities
        """
        guest = Session()
        guest.own(clip)
        name = name_of(request)
        remember(name, guest)
        try:
            return _answer(guest, clip, subset_of(modalities), attention, partial(gone, page, name))
        finally:
            guest.end()

    def _answer(guest: Session, clip: str | None, wanted: Subset, attention: bool, left) -> dict:
        if not clip:
            raise gr.Error(wording.NO_FILE, print_exception=False)
        if Path(clip) not in guest.files:  # only what the visit owns is opened
            raise gr.Error(wording.LOST_CLIP, print_exception=False)
        try:
            analysis = guest.take(analyzer, Path(clip), lambda share, stage: None, left)
        except MediaError as error:
            raise gr.Error(wording.of_core(str(error)), print_exception=False) from error
        except Stopped:
            raise gr.Error(wording.HUNG_UP, print_exception=False) from None
        except Exception:
            raise gr.Error(wording.BROKEN, print_exception=False) from None
        if not analysis.prediction(wanted).used:
            reasons = "; ".join(f"{m}: {wording.of_core(analysis.missing[m])}" for m in wanted)
            raise gr.Error(wording.NOTHING_USED.format(reasons=reasons), print_exception=False)
        return analysis.to_json(wanted, attention)

    with gr.Group(visible=False):
        clip = client_files.plain(gr.File(label="clip", type="filepath"))
        modalities: Any = gr.CheckboxGroup(list(MODALITIES), value=list(MODALITIES), label="modalities")
        modalities.preprocess = _asked_for
        attention = gr.Checkbox(False, label="attention")
        answer = gr.JSON(label="analysis")
        gr.Button().click(analyze, [clip, modalities, attention], answer, api_name="analyze", **ONE_CLIP_AT_A_TIME)


def _asked_for(sent) -> list[str]:
    """The modalities that a program asks for, all of them if it does not say.

    Raises:
        gr.Error: it asks for none, or for something else.
    """
    if sent is None:
        return list(MODALITIES)
    if not isinstance(sent, list) or not sent or any(name not in MODALITIES for name in sent):
        raise gr.Error(wording.WHICH_MODALITIES, print_exception=False)
    return sent
