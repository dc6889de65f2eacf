"""Limits on a request: how much it may bring, checked before it is read, and how long its client may stay silent."""

import asyncio
import socket

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import wording

LARGEST_REQUEST = 4 * 1024**2  # bytes; a step of the Live tab may have two and a half million
SILENT = 60.0  # seconds in which a client neither goes on with its request nor takes in anything of its answer


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


class Bounded:
    """Refuses a request with a larger body, or with one that does not say its size; uploads have their own limit.

    A body that does not go on for ``SILENT`` seconds counts as broken off.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].endswith("/upload"):
            headers = dict(scope["headers"])
            length = headers.get(b"content-length", b"0")
            if b"transfer-encoding" in headers or not length.isdigit():
                return await PlainTextResponse(wording.NO_LENGTH, 411)(scope, receive, send)
            if int(length) > LARGEST_REQUEST:
                return await PlainTextResponse(wording.TOO_LARGE, 413)(scope, receive, send)
        await self._app(scope, _impatient(receive) if scope["type"] == "http" else receive, send)


def _impatient(receive: Receive) -> Receive:
    """``receive`` that hangs up on a client who stops in the middle of its request."""
    complete = False

    async def received() -> Message:
        nonlocal complete
        if complete:  # from here on it is waited for the client to leave, which may take as long as it likes
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), SILENT)
        except TimeoutError:
            return {"type": "http.disconnect"}
        complete = not message.get("more_body", False)
        return message

    return received
