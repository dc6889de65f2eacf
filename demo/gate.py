"""What every request passes before gradio: whose it is, whether there is such a route, how much it may bring and how
long it may take.

Gradio serves more than this page needs: it runs an installed FFmpeg program on what is sent to it, keeps copies of
sessions as files, draws icons of any size, and shows statistics. Here a route is named, or it is not there.
"""

import asyncio
import logging
import re
import socket
import time
from dataclasses import dataclass

from gradio import routes as gradio_routes
from gradio.route_utils import API_PREFIX
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import wording
from demo.console import described
from demo.hosts import Hosts
from demo.limits import LARGEST_FILE, LARGEST_REQUEST
from demo.patches import replace
from demo.uploads import FORM

SILENT = 60.0  # seconds in which a client neither goes on with its request nor takes in anything of its answer
SLOWEST = 64 * 1024  # bytes a second; at this rate an upload of the largest size takes less than an hour
READING = ("GET", "HEAD")
OTHERS = ("cross-site", "same-site")  # of Sec-Fetch-Site, where another page sends the request
JSON, FORM_DATA = "application/json", "multipart/form-data"
UNTRUSTED = b"x-gradio-server"  # of gradio's own proxy, which is not used here; addresses would be made of it

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """What holds for some routes.

    Attributes:
        methods: that they have.
        path: what their paths are like, below the root path.
        linked: whether pages of other sites may lead to them; they change nothing and hold nothing.
        body: type of what is sent to them, "" for nothing.
        largest: bytes of it.
    """

    methods: frozenset[str]
    path: re.Pattern[str]
    linked: bool = False
    body: str = ""
    largest: int = 0


def _kind(methods: str, paths: list[str], **rest) -> Kind:
    return Kind(frozenset(methods.split()), re.compile("|".join(paths)), **rest)


NAME = "[^/]+"
UPLOAD = f"{API_PREFIX}/upload"
MCP = f"{API_PREFIX}/mcp"
KINDS = (
    _kind(
        "GET HEAD",
        ["/?", "/config/?", "/theme[.]css", f"{API_PREFIX}/theme[.]css", "/robots[.]txt", "/manifest[.]json"]
        + ["/favicon[.]ico", "/pwa_icon(/192|/512)?", "/assets/.+", "/static/.+"],
        linked=True,
    ),
    _kind(
        "GET HEAD",
        [f"{API_PREFIX}/file=.+"]
        + [f"{API_PREFIX}/{name}/?" for name in ("info", "openapi[.]json", "app_id", "user", "login_check")]
        + [f"{API_PREFIX}/{name}" for name in ("startup-events", "upload_progress", "queue/data", "queue/status")]
        + [f"{API_PREFIX}/{name}" for name in (f"heartbeat/{NAME}", f"call/{NAME}/{NAME}", f"call/v2/{NAME}/{NAME}")]
        + [f"{MCP}(/http)?/?", f"{MCP}/schema", f"{MCP}/sse"],
    ),
    _kind(
        "POST",
        [f"{API_PREFIX}/{name}/?" for name in (f"run/{NAME}", f"api/{NAME}", f"call/{NAME}", f"call/v2/{NAME}")]
        + [f"{API_PREFIX}/{name}/?" for name in ("component_server", "reset")]
        + [f"{API_PREFIX}/{name}" for name in ("queue/join", "cancel")]
        + [f"{MCP}(/http)?/?", f"{MCP}/messages/?"],
        body=JSON, largest=LARGEST_REQUEST,
    ),
    _kind("POST", [UPLOAD], body=FORM_DATA, largest=LARGEST_FILE + FORM),
    _kind("DELETE", [f"{MCP}(/http)?/?"]),
)  # fmt: skip


class Gate:
    """Answers what is not to be answered by the page; a failure of the page is one line on the console.

    Args:
        app: what stands behind it.
        hosts: the names that the server answers to; those of the environment if none are given.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts | None = None):
        self._app = app
        self._hosts = hosts or Hosts.known()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # nothing here speaks it
            return await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        refused = self._refused(scope, headers)
        if refused is not None:
            return await refused(scope, receive, send)
        length = int(headers.get("content-length", 0))
        scope = scope | {"headers": [(name, value) for name, value in scope["headers"] if name != UNTRUSTED]}
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, _impatient(receive, SILENT + length / SLOWEST), noted)
        except ClientDisconnect:
            return
        except Exception as error:
            log.error("A request failed: %s", described(error))
            try:
                if begun:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                else:
                    await PlainTextResponse(wording.FAILED, 500)(scope, receive, send)
            except Exception:  # nobody is there any more, or less was sent than was announced
                return

    def _refused(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        """Why a request is not answered, None if it is."""
        if not self._hosts.are_asked(headers):
            return PlainTextResponse(wording.OTHER_HOST, 403)
        if not self._hosts.come_from_here(headers):
            return PlainTextResponse(wording.OTHER_SITE, 403)
        path = route_path(scope)
        found = [kind for kind in KINDS if kind.path.fullmatch(path)]
        if headers.get("sec-fetch-site") in OTHERS and not (found and found[0].linked and scope["method"] in READING):
            return PlainTextResponse(wording.OTHER_SITE, 403)
        if not found:
            return PlainTextResponse(wording.NOT_SERVED, 404)
        kind = next((kind for kind in found if scope["method"] in kind.methods), None)
        if kind is None:
            return PlainTextResponse(wording.NOT_SERVED, 405)
        lengths = headers.getlist("content-length")
        if "transfer-encoding" in headers or len(lengths) > 1 or not "".join(lengths or "0").isdecimal():
            return PlainTextResponse(wording.NO_LENGTH, 411)
        length = int(lengths[0]) if lengths else 0
        if not lengths and kind.body:
            return PlainTextResponse(wording.NO_LENGTH, 411)
        if length > kind.largest:
            said = wording.TOO_LARGE if kind.body == FORM_DATA else wording.TOO_LONG
            # What is not much larger is let in and thrown away: most clients look for an answer only after they have sent.
            return PlainTextResponse(said, 413, {"Connection": "close"} if length > LARGEST_FILE + FORM else None)
        if kind.body and headers.get("content-type", "").partition(";")[0].strip().lower() != kind.body:
            if kind.body == FORM_DATA:
                return PlainTextResponse(wording.NO_FORM, 400)
            return PlainTextResponse(wording.NO_JSON, 415)
        return None


def route_path(scope: Scope) -> str:
    """The path of a request below the root path, as starlette's router reads it."""
    path, root = scope["path"], scope.get("root_path", "")
    below = path.removeprefix(root)
    return below if root and path.startswith(root) and below[:1] in ("", "/") else path


def _impatient(receive: Receive, longest: float) -> Receive:
    """``receive`` that hangs up on a client who stops in the middle of its request, or takes too long for all of it.

    Args:
        longest: seconds for the whole request.
    """
    complete, deadline = False, time.monotonic() + longest

    async def received() -> Message:
        nonlocal complete
        if complete:  # from here on it is waited for the client to leave, which may take as long as it likes
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, min(SILENT, deadline - time.monotonic())))
        except TimeoutError:
            return {"type": "http.disconnect"}
        complete = not message.get("more_body", False)
        return message

    return received


def close_on_silence(server, seconds: float = SILENT) -> None:
    """Lets the system close connections whose client takes nothing in, or is gone; Linux only.

    Args:
        server: uvicorn's, listening. Its connections inherit what is set here.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    for listening in (one for each in server.servers for one in each.sockets):
        if listening.family in (socket.AF_INET, socket.AF_INET6):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, round(seconds))


class _NoSharing:
    """In the place of what tells browsers that other sites may read answers: none may."""

    def __init__(self, app: ASGIApp, **_):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


replace(gradio_routes, "CustomCORSMiddleware", _NoSharing)
