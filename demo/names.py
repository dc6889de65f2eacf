"""Names of sessions that nobody can guess.

Gradio's page names a visitor's session by Math.random, and whoever knows the name can ask for what the session holds.
The page's own head comes too late to change that: it is put in place by the script that has already named the session.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCRIPT = b"""<script>Math.random = () => {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
};</script>"""


class NamedBySecrets:
    """Puts a script before all others of the page: what the browser takes for chance there is fit for secrets."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            return await self._app(scope, receive, send)
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                whole = body.replace(b"<head>", b"<head>" + SCRIPT, 1)
                whole = whole.replace(b'href="/manifest.json"', b'href="manifest.json"', 1)  # it may lie below a path
                others = [(name, value) for name, value in start["headers"] if name != b"content-length"]
                await send(start | {"headers": [*others, (b"content-length", str(len(whole)).encode())]})
                await send({"type": "http.response.body", "body": whole})

        await self._app(scope, receive, collect)
