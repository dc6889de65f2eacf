"""What a client may name where a file belongs: an upload, by its path or by its address on this page. Nothing else.

Whatever comes from a client passes ``guard`` before gradio looks at it: gradio by itself takes any path in its folder
and in static folders, fetches addresses of other hosts, and lets an installed FFmpeg program open what was sent.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import gradio as gr

from demo import wording
from demo.server import uploads
from demo.server.gradio_compat.requests import (
    API_PREFIX,
    Block,
    FileData,
    ListFiles,
    check_inputs,
    take_only_uploads,
)

FILE = f"{API_PREFIX}/file="  # what comes before a path in its address

_shipped: set[Path] = set()  # files of the checkout that are shown from their place


def allow_in_place(path: Path) -> None:
    """Lets the page show a shipped file from its place, without a copy."""
    _shipped.add(path)
    gr.set_static_paths(list(_shipped))


def takes_shipped(part: Any) -> None:
    """Lets a client send the path of such a file back to this part."""
    part.takes_shipped = True


def shipped(path: str) -> Path | None:
    """The file that is shown from its place, if this is its path."""
    return Path(path) if Path(path) in _shipped else None


def plain(part: Any) -> Any:
    """A part that hands on the path of its file, or a list of them.

    Gradio's own way leaves an empty file beside each upload.
    """
    part.preprocess = lambda sent: [one.path for one in sent] if isinstance(sent, ListFiles) else sent and sent.path
    return part


def install() -> None:
    """Lets tools take nothing but uploads, and gradio neither fetch nor open anything; before a page is built."""
    # Programs are told in English, whoever builds the page.
    take_only_uploads(upload_of, wording.HOW_TO_UPLOAD, wording.NO_ADDRESS)


def guard(page: gr.Blocks) -> None:
    """Lets nothing but uploads be named in the events of a page."""
    check_inputs(page, checked)


def checked(parts: list[Block], inputs: list) -> list:
    """What a client sent for each part of an event, with nothing in it of a file but its path.

    Raises:
        gr.Error: with one sentence, if a file is none of the client's, or if too little was sent.
    """
    if len(inputs) < len(parts):
        raise gr.Error(wording.UNFIT, print_exception=False)
    return [_checked(part, value) for part, value in zip(parts, inputs, strict=False)]


def _checked(part: Block, value):
    takes = getattr(part, "data_model", None)
    if part.stateful:
        return None  # what is remembered is here and never sent
    if value is not None and takes is ListFiles:
        if not isinstance(value, list):
            raise gr.Error(wording.NOT_UPLOADED, print_exception=False)
        return [_file(part, one) for one in value]
    if value is not None and takes is FileData:
        return _file(part, value)
    if any("path" in one for one in _dicts(value)):  # gradio takes it for a file wherever it stands
        raise gr.Error(wording.NOT_UPLOADED, print_exception=False)
    return value


def _file(part: Block, sent) -> dict:
    named = sent.get("path") if isinstance(sent, dict) else None
    path = upload_of(named) if isinstance(named, str) else None
    if path is None and isinstance(named, str) and getattr(part, "takes_shipped", False):
        path = shipped(named)
    if path is None:
        raise gr.Error(wording.NOT_UPLOADED, print_exception=False)
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}


def upload_of(named: str) -> Path | None:
    """The upload behind a path or an address of this page, whatever name the page goes by; None if it is none.

    Where an upload was and is no more, its path is given all the same: the visitor is told so later.
    """
    if named.startswith(("http://", "https://")):
        try:
            named = unquote(urlparse(named).path.partition(FILE)[2])
        except ValueError:
            return None
    return uploads.find(named) or (Path(named) if uploads.is_gone(named) else None)


def _dicts(value) -> Iterator[dict]:
    """All objects within JSON."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
