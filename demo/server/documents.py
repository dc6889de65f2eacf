"""Pages of HTML that leave the server, changed on their way: gradio makes them and offers no place for it."""

import logging
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import wording
from demo.server.whole import answer_whole

Change = Callable[[bytes, Scope], bytes]
"""A page and what it was asked for -> the page as it leaves; raises ValueError where it must not leave."""

log = logging.getLogger(__name__)


class Documents:
    """Puts each page together and lets it leave changed, or not at all."""

    def __init__(self, app: ASGIApp, change: Change):
        self._app, self._change = app, change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "HEAD":
            return await self._app(scope, receive, send)

        def wanted(start: Message) -> bool:
            return Headers(raw=start["headers"]).get("content-type", "").lower().startswith("text/html")

        async def answer(start: Message, body: bytes) -> None:
            try:
                whole = self._change(body, scope)
            except ValueError as error:
                log.error("A page of HTML was not sent: %s", error)
                return await PlainTextResponse(wording.UNSAFE_PAGE, 500)(scope, receive, send)
            others = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await send({**start, "headers": [*others, (b"content-length", str(len(whole)).encode())]})
            return await send({"type": "http.response.body", "body": whole})

        return await answer_whole(self._app, scope, receive, send, wanted, answer)
