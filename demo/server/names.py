"""Names of sessions that nobody can guess.

Gradio's page names a visitor's session by Math.random, and whoever knows the name can ask for what the session holds.
The page's own head comes too late to change that: it is put in place by the script that has already named the session.
Hence a script goes before all others of every page of HTML that leaves the server, wherever it is mounted; a page in
which there is no place for it does not leave.
"""

import re
import urllib.request

from starlette.types import ASGIApp

from demo.server.documents import Documents

SCRIPT = b"""<script>Math.random = () => {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
};</script>"""
HEAD = re.compile(rb"<head(\s[^>]*)?>", re.IGNORECASE)
OTHER_SCRIPT = re.compile(rb"<script\b", re.IGNORECASE)


class NamedBySecrets(Documents):
    """Puts a script before all others of a page: what the browser takes for chance there is fit for secrets."""

    def __init__(self, app: ASGIApp):
        super().__init__(app, lambda page, _: with_script(page))


def with_script(page: bytes) -> bytes:
    """The page with the script as the first thing in its head.

    Raises:
        ValueError: it has no head, or a script before it.
    """
    head = HEAD.search(page)
    if head is None or OTHER_SCRIPT.search(page, 0, head.start()):
        raise ValueError("it has no place for the script that names sessions")
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
