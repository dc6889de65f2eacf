"""What other sites and messengers show of a link to the page: title, sentence and picture, in the place of gradio's.

They want absolute addresses. One is told only where a request goes to a name that whoever runs the server has allowed;
what else a client says about hosts is never put on a page that others may be shown.
"""

import re
from pathlib import Path

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from demo import wording
from demo.server.documents import Documents
from demo.server.hosts import Hosts

PICTURE = Path(__file__).parents[1] / "static" / "preview.jpg"  # taken by scripts/screenshots.py
SIZE = 1200, 630  # its width and height in pixels
TAG = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*', re.IGNORECASE)


class Previewed(Documents):
    """Puts the preview on each page that has one of gradio's.

    Args:
        hosts: the names that the server answers to.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts):
        super().__init__(app, lambda page, scope: with_preview(page, hosts.address_of(scope)))


def with_preview(page: bytes, address: str | None) -> bytes:
    """The page with what is shown of a link to it.

    Args:
        address: of the page, with a slash at its end; None where it is not known.
    """
    first = TAG.search(page)
    if first is None:
        return page
    rest = TAG.sub(b"", page[first.end() :])
    return page[: first.start()] + tags(address).encode() + b"\n" + rest


def tags(address: str | None) -> Markup:
    """The elements of a preview, one a line."""
    said = {
        "og:type": "website",
        "og:site_name": wording.TITLE,
        "og:title": wording.TITLE,
        "og:description": wording.PREVIEW,
    }
    if address:
        said["og:url"] = address
    if address and PICTURE.exists():
        width, height = map(str, SIZE)
        said |= {"og:image": f"{address}{PICTURE.name}", "og:image:width": width, "og:image:height": height}
        said |= {"og:image:alt": wording.PREVIEW_PICTURE}
    lines = [Markup('<meta property="{}" content="{}">').format(name, value) for name, value in said.items()]
    card = "summary_large_image" if "og:image" in said else "summary"
    lines.append(Markup('<meta name="twitter:card" content="{}">').format(card))
    return Markup("\n").join([*lines, Markup('<meta name="description" content="{}">').format(escape(wording.PREVIEW))])


async def _picture(_: Request) -> Response:
    return FileResponse(PICTURE) if PICTURE.exists() else Response(status_code=404)


def routes() -> list[Route]:
    """Where the picture is."""
    return [Route(f"/{PICTURE.name}", _picture)]
