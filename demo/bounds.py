"""A limit on what a request may bring, checked before it is read."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from demo import wording

LARGEST_REQUEST = 4 * 1024**2  # bytes; a step of the Live tab may have two and a half million


class Bounded:
    """Refuses a request with a larger body, or with one that does not say its size; uploads have their own limit."""

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
        await self._app(scope, receive, send)
