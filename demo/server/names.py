"""Names of sessions that nobody can guess.

Gradio's page names a visitor's session by Math.random, and whoever knows the name can ask for what the session holds.
The page's own head comes too late to change that: it is put in place by the script that has already named the session.
Hence a script goes before all others of every page of HTML that leaves the server, wherever it is mounted; a page in
which there is no place for it does not leave.
"""

import logging
import re
import urllib.request

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import wording

SCRIPT = b"""<script>Math.random = () => {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
};</script>"""
HEAD = re.compile(rb"<head(\s[^>]*)?>", re.IGNORECASE)
OTHER_SCRIPT = re.compile(rb"<script\b", re.IGNORECASE)

log = logging.getLogger(__name__)


class NamedBySecrets:
    """Puts a script before all others of a page: what the browser takes for chance there is fit for secrets."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "HEAD":
            return await self._app(scope, receive, send)
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if not Headers(raw=message["headers"]).get("content-type", "").lower().startswith("text/html"):
                    return await send(message)
                start = message
                return None
            if not start:
                return await send(message)
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return None
            try:
                whole = with_script(bytes(body))
            except ValueError:
                log.error("A page of HTML has no place for the script that names sessions; it was not sent")
                return await PlainTextResponse(wording.UNSAFE_PAGE, 500)(scope, receive, send)
            others = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await send({**start, "headers": [*others, (b"content-length", str(len(whole)).encode())]})
            await send({"type": "http.response.body", "body": whole})
            return None

        await self._app(scope, receive, collect)
        return None


def with_script(page: bytes) -> bytes:
    """The page with the script as the first thing in its head.

    Raises:
        ValueError: it has no head, or a script before it.
    """
    head = HEAD.search(page)
    if head is None or OTHER_SCRIPT.search(page, 0, head.start()):
        raise ValueError("no head, or a script before it")
    whole = page[: head.end()] + SCRIPT + page[head.end() :]
    return whole.replace(b'href="/manifest.json"', b'href="manifest.json"', 1)  # a proxy may serve it below a path


def check(address: str) -> None:
    """Makes sure that the page at this address names its sessions by secrets.

    Raises:
        RuntimeError: it does not.
    """
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with directly.open(address, timeout=60) as answer:
        if SCRIPT not in answer.read():
            raise RuntimeError("The page would name its sessions so that others can guess them.")
