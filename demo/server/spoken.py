"""Answers in the visitor's language: each request says which one its browser asks for."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import language
from demo.server.documents import Documents

TOLD = ("text/html", "text/plain", "application/json", "application/manifest+json")  # may hold sentences
HTML = re.compile(rb"""(<html\b[^>]*?\blang=)(["']?)[a-z-]+\2""", re.IGNORECASE)


class Spoken:
    """Speaks the language that a request asks for, to everything that answers it; comes before all others."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def varied(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                if headers.get("content-type", "").startswith(TOLD) or message["status"] == 304:
                    headers.add_vary_header("Accept-Language")
                message = {**message, "headers": headers.raw}
            await send(message)

        with language.answering(Headers(scope=scope).get("accept-language")):
            await self._app(scope, receive, varied)


class Named(Documents):
    """Says in each page of HTML which language it is in: gradio's template says English."""

    def __init__(self, app: ASGIApp):
        super().__init__(app, lambda page, _: in_language(page, language.current()))


def in_language(page: bytes, code: str) -> bytes:
    """The page with this language as that of its root."""
    return HTML.sub(lambda found: found[1] + b'"' + code.encode() + b'"', page, count=1)
