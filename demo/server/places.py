"""Places in line and places for sessions: nobody takes them all.

Gradio counts what waits, whoever asked for it, and lets the session go that was used least lately, whosever it is: one
client that asks often enough shuts out everybody else. Here a visit and an address have a share of both. What is quick
(exports, drawings) has lines of its own, which a long line of clips does not hold up.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.analysis.kept import nbytes
from demo import wording
from demo.server import clients
from demo.server.gradio_compat import sessions as gradio_sessions
from demo.server.limits import CLIPS, MOST_TOOL_CALLS, MOST_UNFETCHED, QUARTER, SHARE, SHARES
from demo.server.sweeper import sweeper

Function = TypeVar("Function", bound=Callable)


@dataclass(frozen=True)
class _Asked:
    """Who asked for an event: ``visit``, "" for a program without one; ``address`` or None; ``line`` it stands in."""

    visit: str
    address: str | None
    line: str


class FairQueue(gradio_sessions.Queue):
    """Gradio's queue, in which a visit and an address may have so many events and no more (see ``limits.SHARES``)."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._answers: dict[str, tuple[str, int]] = {}  # event -> visit and bytes, the oldest first

    def answered(self, event: str, session: str, output: dict) -> None:
        """Where answers that nobody fetches take too much memory, who has waited longest loses them."""
        self._answers[event] = session, nbytes(output)
        for other in [other for other, (name, _) in self._answers.items() if not self.is_unfetched(other, name)]:
            del self._answers[other]
        while len(self._answers) > 1 and sum(size for _, size in self._answers.values()) > MOST_UNFETCHED:
            name, _ = self._answers.pop(next(iter(self._answers)))
            self.forget(name)

    def admit(self, session: str, line: str) -> _Asked:
        """Lets an event join if there is a place for it.

        Raises:
            HTTPException: 429 with a sentence, the visit or the address has its share; 503, the line is full.
        """
        asked = _Asked(session, clients.address(), line)
        in_line = [event for event in self.standing() if event.noted.line == line]
        others = [event.noted for event in in_line]
        share = SHARES.get(line, SHARE)
        clips = line == CLIPS
        own = sum(one.visit == asked.visit and one.address == asked.address for one in others)
        if asked.visit and own >= share.visit:
            raise HTTPException(429, wording.visit_has_its_share(share.visit, clips))
        if asked.address and sum(one.address == asked.address for one in others) >= share.address:
            raise HTTPException(429, wording.address_has_its_share(share.address, clips))
        if sum(event.unfinished for event in in_line) >= share.everybody:
            raise HTTPException(503, wording.line_is_full(share.everybody, clips))
        return asked


class FairSessions(gradio_sessions.Sessions):
    """Gradio's sessions by name. Where they are too many, one goes that nobody misses.

    An address that has its share loses one of its own; else the least recently used of all goes, and first those in
    which nothing of a visitor is kept and nothing runs.
    """

    def __init__(self):
        super().__init__()
        self._addresses: dict[str, str | None] = {}

    def make_room(self, name: str) -> None:
        """Before a session is made, ends another one if there are too many."""
        address = clients.address()
        everybody = self.names()
        own = [other for other in everybody if address and self._addresses.get(other) == address]
        names = own if len(own) >= max(2, self.capacity // 4) else everybody
        if names is own or len(everybody) >= self.capacity:
            busy = self.busy()
            # Of equals the first goes, which was used least lately.
            gone = min(names, key=lambda other: other in busy or self._in_use(other))
            for value in self.end(gone):
                if hasattr(value, "end"):
                    sweeper.soon(value.end)
        self._addresses[name] = address

    def forget(self, name: str) -> list:
        """As gradio's; the address goes too."""
        with self.lock:
            self._addresses.pop(name, None)
            return super().forget(name)

    def _in_use(self, name: str) -> bool:
        return any(getattr(value, "in_use", False) for value in self.values(name))


class ToolPlaces:
    """Refuses calls of tools beyond so many at a time: gradio spends three threads and a second of work on each."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._open: Counter[str | None] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/gradio_api/mcp" not in scope["path"]:
            return await self._app(scope, receive, send)
        who = clients.address()
        if self._open.total() >= MOST_TOOL_CALLS or (who and self._open[who] >= QUARTER):
            return await PlainTextResponse(wording.TOO_MANY_REQUESTS, 429)(scope, receive, send)
        self._open[who] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


def stands_in(line: str) -> Callable[[Function], Function]:
    """Decorates a function of the page: its events stand in this line, whatever their ``concurrency_id``."""

    def marked(function: Function) -> Function:
        function.__dict__["line"] = line
        return function

    return marked


def install() -> None:
    """Puts these in the place of gradio's own, for pages that are built from now on."""
    gradio_sessions.install(FairQueue, FairSessions)
