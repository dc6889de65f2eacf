"""What clients send, and what of it gradio sees: inputs of events, files, tools; and what it says of failures."""

import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol, cast
from urllib.parse import quote

import gradio as gr
from gradio import mcp as gradio_mcp
from gradio import processing_utils, queueing, route_utils
from gradio import routes as gradio_routes
from gradio.blocks import Block
from gradio.data_classes import DeveloperPath, FileData, ListFiles, UserProvidedPath
from gradio.route_utils import API_PREFIX, XSS_SAFE_MIMETYPES
from gradio.utils import safe_join
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.server.gradio_compat import replace

__all__ = ["API_PREFIX", "XSS_SAFE_MIMETYPES", "Block", "FileData", "ListFiles"]


def check_inputs(page: gr.Blocks, checked: Callable[[list[Block], list], list]) -> None:
    """Hands what clients send to a function before gradio looks at it.

    Args:
        checked: called with the parts that an event takes its inputs from, and what was sent for them; gives what
            gradio is to see.
    """
    own = page.preprocess_data

    async def preprocess_data(block_fn, inputs, *rest, **options):
        return await own(block_fn, checked(block_fn.inputs, inputs), *rest, **options)

    replace(page, "preprocess_data", preprocess_data)


class Tools(gradio_mcp.GradioMCPServer):
    """Gradio's server of tools, but a tool takes nothing but uploads, says how to make one, and says for whom it asks.

    Attributes:
        find_upload: path or address that a client sent -> the upload, None if it is none.
        how_to_upload: sentence for the description of tools that take a file.
        refusal: sentence for who sends anything else.
    """

    find_upload: Callable[[str], Path | None] = staticmethod(lambda named: None)
    how_to_upload = ""
    refusal = ""
    _making = threading.Lock()

    @property
    def _file_data_tool_description(self) -> str:
        return f" {self.how_to_upload}"

    def convert_strings_to_filedata(self, value, filedata_positions):
        value = dict(value)
        for name in (position[0] for position in filedata_positions if position[0] in value):
            path = self.find_upload(value[name]) if isinstance(value[name], str) else None
            if path is None:
                raise ValueError(self.refusal)
            value[name] = gradio_mcp.handle_file(f"http://localhost{API_PREFIX}/file={quote(str(path))}")
        return value

    def _get_or_create_client(self):
        """The client has threads of its own: it is made once, however many ask for the first time together."""
        with self._making:
            return super()._get_or_create_client()

    def _prepare_tool_call_args(self, name, arguments):
        """Gradio asks the page in its own name."""
        endpoint, values, headers, fn = super()._prepare_tool_call_args(name, arguments)
        request = self.mcp_server.request_context.request
        headers["x-forwarded-for"] = request.client.host if request and request.client else "127.0.0.1"
        return endpoint, values, headers, fn


def take_only_uploads(find: Callable[[str], Path | None], how_to_upload: str, refusal: str) -> None:
    """Lets tools take nothing but uploads, and gradio neither fetch nor open anything by itself; see ``Tools``."""

    async def fetch_nothing(*_, **__):
        raise gr.Error(refusal, print_exception=False)

    chosen = {"find_upload": staticmethod(find), "how_to_upload": how_to_upload, "refusal": refusal}
    replace(gradio_mcp, "GradioMCPServer", type("UploadTools", (Tools,), chosen))
    replace(processing_utils, "async_ssrf_protected_download", fetch_nothing)
    replace(
        processing_utils, "ffmpeg_installed", lambda: False
    )  # or it would open what visitors send, and fetch from it


class UploadProgress(Protocol):
    """The part of gradio's tracker that its parser speaks to."""

    def append(self, upload_id: str, filename: str, message_bytes: bytes) -> None:
        """So much more of a file has come in."""

    def set_done(self, upload_id: str) -> None:
        """All has come in."""


async def receive_files(
    request: Request, folder: Path, most: int, largest: int, progress: UploadProgress
) -> list[UploadFile]:
    """Files of the field "files" of a form, each written to a file of its own in a folder.

    Args:
        most: files in the form.
        largest: bytes of a file.

    Raises:
        MultiPartException: the form is damaged, or has more or larger files.
        KeyError, ValueError: it is none.
        ClientDisconnect: the client has gone meanwhile.
    """
    parser = route_utils.GradioMultiPartParser(
        request.headers, request.stream(), max_files=most, max_fields=0, upload_dir=folder,
        max_file_size=largest, upload_id="", upload_progress=cast(route_utils.FileUploadProgress, progress),
    )  # fmt: skip
    files = (await parser.parse()).getlist("files")
    return [file for file in files if isinstance(file, route_utils.GradioUploadFile)]


def path_for(folder: Path, name: str) -> Path:
    """Where a file of this name, as a client sends it, belongs in a folder.

    Raises:
        ValueError: it cannot be the name of a file.
    """
    own = route_utils.client_utils.strip_invalid_filename_characters(name)
    return Path(safe_join(DeveloperPath(str(folder)), UserProvidedPath(own)))


class _NoSharing:
    """In the place of what tells browsers that other sites may read answers: none may."""

    def __init__(self, app: ASGIApp, **_):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def share_with_no_site() -> None:
    """Lets no other site read what the page answers."""
    replace(gradio_routes, "CustomCORSMiddleware", _NoSharing)


def report_failures(write: Callable[[], None]) -> None:
    """Calls a function where gradio would print a traceback, while the exception is being handled."""
    quiet = SimpleNamespace(**vars(traceback) | {"print_exc": lambda *_, **__: write()})
    for module in (queueing, route_utils, gradio_routes):
        replace(module, "traceback", quiet)
