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
from weakref import WeakKeyDictionary

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import wording
from demo.server.console import described
from demo.server.gradio_compat.requests import API_PREFIX
from demo.server.hosts import Hosts
from demo.server.limits import MAX_CALL, MAX_FILE_BYTES, MAX_REQUEST_BYTES, MAX_VALUES
from demo.server.sweeper import sweeper
from demo.server.uploads import FORM

SILENT = 60.0  # seconds in which a client neither goes on with its request nor takes in anything of its answer
MIN_RATE = 64 * 1024  # bytes a second; at this rate an upload of the largest size takes less than an hour
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
        [
            "/?", "/config/?", "/theme[.]css", f"{API_PREFIX}/theme[.]css", "/robots[.]txt", "/manifest[.]json",
            "/favicon[.]ico", "/preview[.]jpg", "/pwa_icon(/192|/512)?", "/assets/.+", "/static/(?!ffmpeg/).+",
        ],
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
        + [f"{API_PREFIX}/reset/?", f"{API_PREFIX}/queue/join", f"{API_PREFIX}/cancel"]
        + [f"{MCP}(/http)?/?", f"{MCP}/messages/?"],
        body=JSON, largest=MAX_CALL,
    ),
    _kind("POST", [f"{API_PREFIX}/component_server/?"], body=JSON, largest=MAX_REQUEST_BYTES),
    _kind("POST", [UPLOAD], body=FORM_DATA, largest=MAX_FILE_BYTES + FORM),
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
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = _length(headers)
        receive = _impatient(receive, SILENT + (length or 0) / MIN_RATE)
        try:
            kind = self._kind_of(scope, headers, length)
            if kind.body == JSON:
                receive = await _simple(receive)
        except _Refused as refused:
            # A body that is not much too large is let in and thrown away: most clients send all before they read.
            endless = length is None or length > MAX_FILE_BYTES + FORM
            answer = PlainTextResponse(refused.said, refused.status, {"Connection": "close"} if endless else None)
            await answer(scope, receive, send)
            return
        scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != UNTRUSTED]}
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
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

    def _kind_of(self, scope: Scope, headers: Headers, length: int | None) -> Kind:
        """The kind of route that a request is for.

        Raises:
            _Refused: it is not answered.
        """
        if not self._hosts.are_asked(headers):
            raise _Refused(403, wording.OTHER_HOST)
        if not self._hosts.come_from_here(headers):
            raise _Refused(403, wording.OTHER_SITE)
        path = route_path(scope)
        found = [kind for kind in KINDS if kind.path.fullmatch(path)]
        linked = bool(found) and found[0].linked and scope["method"] in READING
        if headers.get("sec-fetch-site") in OTHERS and not linked:
            raise _Refused(403, wording.OTHER_SITE)
        if not found:
            raise _Refused(404, wording.NOT_SERVED)
        kind = next((kind for kind in found if scope["method"] in kind.methods), None)
        if kind is None:
            raise _Refused(405, wording.NOT_SERVED)
        if length is None or (kind.body and "content-length" not in headers):
            raise _Refused(411, wording.NO_LENGTH)
        if length > kind.largest:
            raise _Refused(413, wording.too_long(kind.largest))
        if kind.body and headers.get("content-type", "").partition(";")[0].strip().lower() != kind.body:
            raise _Refused(400, wording.NO_FORM) if kind.body == FORM_DATA else _Refused(415, wording.NO_JSON)
        return kind


class _Refused(Exception):
    """A request is not answered: status and sentence."""

    def __init__(self, status: int, said: str):
        super().__init__(said)
        self.status, self.said = status, said


async def _simple(receive: Receive) -> Receive:
    """``receive`` of JSON that has come in as a whole.

    Raises:
        _Refused: it holds more than ``MAX_VALUES``, or the client has left in the middle.
    """
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise _Refused(400, wording.UNFIT)
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise _Refused(413, wording.TOO_COMPLEX)
    whole: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}

    async def received() -> Message:
        nonlocal whole
        message, whole = whole, None
        return message or await receive()

    return received


def _length(headers: Headers) -> int | None:
    """Bytes of a request's body, None if it does not say so before it sends them."""
    lengths = headers.getlist("content-length") or ["0"]
    if "transfer-encoding" in headers or len(lengths) > 1 or not re.fullmatch("[0-9]{1,18}", lengths[0]):
        return None
    return int(lengths[0])


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
    """Closes connections whose client takes nothing in or is gone (by the system, Linux only), or asks for nothing.

    Args:
        server: uvicorn's, listening. Its connections inherit what is set here.
    """
    loop = server.servers[0].get_loop()
    idle: WeakKeyDictionary = WeakKeyDictionary()  # connection -> its last request, and since when there is no other

    def look() -> None:
        for connection in list(server.server_state.connections):
            last = connection.cycle
            if last is not None and not last.response_complete:
                continue
            if connection not in idle or idle[connection][0] is not last:
                idle[connection] = last, time.monotonic()
            elif time.monotonic() - idle[connection][1] > seconds:
                connection.transport.close()

    sweeper.every(seconds / 2, lambda: loop.is_closed() or loop.call_soon_threadsafe(look))
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    for listening in (one for each in server.servers for one in each.sockets):
        if listening.family in (socket.AF_INET, socket.AF_INET6):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_KEEPIDLE"):
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, round(seconds))
