"""Everything that is text leaves compressed: what is the same for all visitors once, what is one visitor's each time.

Gradio compresses its scripts anew for everybody, and neither the page itself nor its answers. Here a content that many
are sent is compressed once, as well as its size allows, in one thread, and kept within a bound. Such an answer says how
long a browser may keep it, and whoever has it already is told so instead of being sent it again.
"""

import gzip
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256

import anyio
import anyio.to_thread
import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.server.gate import route_path
from demo.server.whole import answer_whole

MIN_BYTES = 700  # less fits one packet either way
MAX_BYTES = 8 * 1024**2  # of an answer; a larger one (attention of a long clip, as JSON) leaves as it is
MAX_STORED = 24 * 1024**2  # bytes of compressed answers that are kept; all of gradio's files come to some seven million
LARGE = 1024**2  # bytes from which the best compression would take seconds
TEXT = ("text/", "application/json", "application/javascript", "application/manifest+json", "image/svg+xml", "font/ttf")
FOR_EVERYBODY = {  # beginnings of paths -> how long a browser may keep what is there
    "/assets/": "public, max-age=31536000, immutable",  # their names change with their contents
    "/static/": "public, max-age=86400",
    "/pwa_icon": "public, max-age=86400",
    "/favicon.ico": "public, max-age=86400",
    "/manifest.json": "public, max-age=86400",
    "/preview.jpg": "public, max-age=86400",
    "/theme.css": "no-cache",  # kept, but asked about each time
    "/config": "no-cache",
}
PAGE = "no-cache"


class Compressed:
    """Compresses what a server answers.

    Args:
        most: bytes of compressed answers that are kept; those asked for least lately go first.
    """

    def __init__(self, app: ASGIApp, most: int = MAX_STORED):
        self._app, self._most = app, most
        self._kept: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
        self._one = anyio.CapacityLimiter(1)  # compresses at a time, whoever asks for what

    @property
    def nbytes(self) -> int:
        """Of what is kept."""
        return sum(map(len, self._kept.values()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "POST"):
            return await self._app(scope, receive, send)
        asked = Headers(scope=scope)
        encoding = encoding_for(asked.get("accept-encoding", ""))
        lasting = None if scope["method"] == "POST" else kept_for(route_path(scope))
        # What stands behind would compress too, each time anew.
        scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}

        def wanted(start: Message) -> bool:
            if lasting and start["status"] == 200:
                MutableHeaders(raw=start["headers"]).setdefault("cache-control", lasting)
            return is_text(start)

        async def answer(start: Message, body: bytes) -> None:
            await self._answer(send, start, body, encoding, asked, lasting is not None)

        return await answer_whole(self._app, scope, receive, send, wanted, answer)

    async def _answer(
        self, send: Send, start: Message, body: bytes, encoding: str, asked: Headers, shared: bool
    ) -> None:
        headers = MutableHeaders(raw=list(start["headers"]))
        headers.add_vary_header("Accept-Encoding")
        if shared:
            tag = f'W/"{sha256(body).hexdigest()[:32]}"'
            headers["etag"] = tag
            if tag in [one.strip() for one in asked.get("if-none-match", "").split(",")]:
                for name in ("content-length", "content-type"):
                    del headers[name]
                await send({**start, "status": 304, "headers": headers.raw})
                return await send({"type": "http.response.body", "body": b""})
        if encoding:
            headers["content-encoding"] = encoding
            body = await self._packed(body, encoding, shared)
        headers["content-length"] = str(len(body))
        await send({**start, "headers": headers.raw})
        return await send({"type": "http.response.body", "body": body})

    async def _packed(self, body: bytes, encoding: str, shared: bool) -> bytes:
        if not shared:
            return await anyio.to_thread.run_sync(packed, body, encoding, 4, limiter=self._one)
        key = encoding, sha256(body).digest()
        if key not in self._kept:
            quality = 6 if len(body) > LARGE else 9
            made = await anyio.to_thread.run_sync(packed, body, encoding, quality, limiter=self._one)
            if len(made) <= self._most:
                self._kept[key] = made
            while self.nbytes > self._most:
                self._kept.popitem(last=False)
            return made
        self._kept.move_to_end(key)
        return self._kept[key]


def packed(body: bytes, encoding: str, quality: int) -> bytes:
    """A body as ``br`` or ``gzip``; ``quality`` 1 to 9."""
    if encoding == "br":
        return brotli.compress(body, quality=quality, mode=brotli.MODE_TEXT)
    return gzip.compress(body, quality, mtime=0)


def encoding_for(accepted: str) -> str:
    """The better of the encodings that a client takes: "br", "gzip", or "" for none."""
    taken = set(_taken(accepted.lower().split(",")))
    return next((encoding for encoding in ("br", "gzip") if encoding in taken), "")


def _taken(named: Iterable[str]) -> Iterable[str]:
    for one in named:
        name, _, rest = one.partition(";")
        share = rest.strip().removeprefix("q=")
        if not rest or share.strip("0."):
            yield name.strip()


def kept_for(path: str) -> str | None:
    """How long a browser may keep what lies at a path; None where it is not the same for everybody."""
    if path in ("", "/"):
        return PAGE
    return next((said for beginning, said in FOR_EVERYBODY.items() if path.startswith(beginning)), None)


def is_text(start: Message) -> bool:
    """Whether an answer is text, whole, of a size that is worth it, and not compressed yet."""
    headers = Headers(raw=start["headers"])
    length = headers.get("content-length", "")
    return (
        start["status"] == 200
        and "content-encoding" not in headers
        and headers.get("content-type", "").lower().startswith(TEXT)
        and length.isdecimal()
        and MIN_BYTES <= int(length) <= MAX_BYTES
    )
