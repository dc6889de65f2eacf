"""Places in line and places for sessions: nobody takes them all.

Gradio counts what waits, whoever asked for it, and lets the session go that was used least lately, whosever it is: one
client that asks often enough shuts out everybody else. Here a visit and an address have a share of both. What is quick
(exports, drawings) has lines of its own, which a long line of clips does not hold up.

These classes take the place of gradio's own and rely on how version 6.31.0 is made inside.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime

import gradio as gr
from fastapi import HTTPException
from gradio import blocks as gradio_blocks
from gradio import mcp as gradio_mcp
from gradio import queueing, route_utils, state_holder
from gradio import routes as gradio_routes
from gradio.server_messages import ProcessCompletedMessage
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.analysis.kept import nbytes
from demo import wording
from demo.server import clients
from demo.server.limits import CLIPS, MOST_TOOL_CALLS, MOST_UNFETCHED, QUARTER, SHARE, SHARES
from demo.server.sweeper import sweeper

if gr.__version__ != "6.31.0":
    raise ImportError(
        f"demo/server/places.py replaces parts of gradio 6.31.0 and was not checked with {gr.__version__}."
    )

LONGEST_NAME = 100  # characters of a session's name; browsers make some twelve, programs 36
MOST_RECORDS = 100  # finished events that gradio keeps for its statistics, and goes through after each one


@dataclass(frozen=True)
class _Asked:
    """Who asked for an event: ``visit``, "" for a program without one; ``address`` or None; ``line`` it stands in."""

    visit: str
    address: str | None
    line: str


class FairQueue(queueing.Queue):
    """Gradio's queue, in which a visit and an address may have so many events and no more (see ``limits.SHARES``)."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.ANALYTICS_MAX_EVENTS = MOST_RECORDS
        self._asked: dict[str, _Asked] = {}  # by event
        self._answers: dict[str, tuple[str, int]] = {}  # event -> visit and bytes, the oldest first
        self._joining: list[_Asked] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        super().start()

    async def push(self, body, request, username):
        """As gradio's.

        Raises:
            HTTPException: 429 with a sentence, the visit or the address has its share; 503, the line is full; 404,
                there is no such event.
        """
        fn = self.blocks.fns.get(body.fn_index)
        if fn is None:
            raise HTTPException(404, "There is no such event.")
        line = getattr(fn.fn, "line", None) or fn.concurrency_id
        asked = _Asked(body.session_hash or "", clients.address(), line)
        self._refuse_beyond_share(asked)
        self._joining.append(asked)
        try:
            success, event_id, state = await super().push(body, request, username)
        finally:
            self._joining.remove(asked)
        if success:
            self._asked[event_id] = asked
        return success, event_id, state

    def send_message(self, event, event_message) -> None:
        """As gradio's; where answers that nobody fetches take too much memory, who has waited longest loses them."""
        super().send_message(event, event_message)
        if not isinstance(event_message, ProcessCompletedMessage) or not event.alive:
            return
        self._answers[event._id] = event.session_hash, nbytes(event_message.output)
        for event_id in [id_ for id_, (name, _) in self._answers.items() if not self._unfetched(id_, name)]:
            del self._answers[event_id]
        while len(self._answers) > 1 and sum(size for _, size in self._answers.values()) > MOST_UNFETCHED:
            name, _ = self._answers.pop(next(iter(self._answers)))
            self._forget(name)

    def forget(self, name: str) -> None:
        """Says nothing more to a visit that has ended, and drops what it has not fetched; from any thread."""
        if self._loop is None or not self._loop.is_running():
            self._forget(name)
        else:
            self._loop.call_soon_threadsafe(self._forget, name)

    def _forget(self, name: str) -> None:
        for event in self.event_ids_to_events.values():
            if event.session_hash == name:
                event.alive = False
        self.pending_messages_per_session.pop(name, None)
        self.pending_event_ids_session.pop(name, None)

    def _refuse_beyond_share(self, asked: _Asked) -> None:
        for event_id in [event_id for event_id, one in self._asked.items() if not self._held(event_id, one)]:
            del self._asked[event_id]
        others = [*self._asked.values(), *self._joining]
        in_line = [one for one in others if one.line == asked.line]
        share = SHARES.get(asked.line, SHARE)
        clips = asked.line == CLIPS
        if (
            asked.visit
            and sum(one.visit == asked.visit and one.address == asked.address for one in in_line) >= share.visit
        ):
            raise HTTPException(429, wording.visit_has_its_share(share.visit, clips))
        if asked.address and sum(one.address == asked.address for one in in_line) >= share.address:
            raise HTTPException(429, wording.address_has_its_share(share.address, clips))
        unfinished = sum(
            one.line == asked.line and event_id in self.event_ids_to_events for event_id, one in self._asked.items()
        )
        if unfinished >= share.everybody:
            raise HTTPException(503, wording.line_is_full(share.everybody, clips))

    def _held(self, event_id: str, asked: _Asked) -> bool:
        """Whether an event waits, runs, or has an answer that nobody has fetched."""
        name = asked.visit or event_id  # gradio names the session of a program after the event
        return event_id in self.event_ids_to_events or self._unfetched(event_id, name)

    def _unfetched(self, event_id: str, name: str) -> bool:
        messages = self.pending_messages_per_session.get(name)
        return bool(messages and not messages.empty() and event_id in self.pending_event_ids_session.get(name, ()))


class LeanState(state_holder.SessionState):
    """What gradio remembers of a visit, without a second copy of all that was shown.

    Gradio keeps that for links that open the page as somebody saw it, and writes it to a file for whoever asks. This
    page has no such links, and pictures of visitors do not become files.
    """

    def __init__(self, blocks: gr.Blocks):
        self.blocks_config = copy(blocks.default_config)
        self.config_values = {}
        self.state_data = {}
        self._state_ttl = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value) -> None:
        if isinstance(self.blocks_config.blocks.get(key), gr.State):
            super().__setitem__(key, value)
            self.config_values.clear()
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value) -> None:
        pass

    @property
    def components(self) -> Iterator[dict]:
        """Asked for by gradio when it makes such a link.

        Raises:
            HTTPException: always.
        """
        raise HTTPException(404, "This page has no links to what somebody saw.")


class FairSessions(state_holder.StateHolder):
    """Gradio's sessions by name. Where they are too many, one goes that nobody misses.

    An address that has its share loses one of its own; else the least recently used of all goes, and first those in
    which nothing of a visitor is kept and nothing runs.
    """

    def __init__(self):
        super().__init__()
        self.lock = threading.RLock()
        self._addresses: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> state_holder.SessionState:
        """The session of this name, a new one if there is none.

        Raises:
            HTTPException: 400, it is no name: names are kept, and a request may have megabytes.
        """
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            raise HTTPException(400, "This is no name of a session.")
        with self.lock:
            if name not in self.session_data:
                address = clients.address()
                self._make_room(address)
                self.session_data[name] = LeanState(self.blocks)
                self._addresses[name] = address
            self.session_data.move_to_end(name)
            self.time_last_used[name] = datetime.now()
            return self.session_data[name]

    def forget(self, name: str) -> state_holder.SessionState | None:
        """Takes out a session; from any thread."""
        with self.lock:
            self.time_last_used.pop(name, None)
            self._addresses.pop(name, None)
            return self.session_data.pop(name, None)

    def _make_room(self, address: str | None) -> None:
        own = [name for name in self.session_data if address and self._addresses.get(name) == address]
        if len(own) >= max(2, self.capacity // 4):
            names = own
        elif len(self.session_data) >= self.capacity:
            names = list(self.session_data)
        else:
            return
        busy = {event.session_hash for event in list(self.blocks._queue.event_ids_to_events.values())}
        name = min(names, key=lambda name: name in busy or self._in_use(name))  # of equals the first, used least lately
        gone = self.forget(name)
        self.blocks._queue.forget(name)
        for value in gone.state_data.values():
            if hasattr(value, "end"):
                sweeper.soon(value.end)

    def _in_use(self, name: str) -> bool:
        return any(getattr(value, "in_use", False) for value in self.session_data[name].state_data.values())


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


def install() -> None:
    """Puts these in the place of gradio's own, for pages that are built from now on."""
    queueing.Queue = FairQueue
    gradio_routes.StateHolder = FairSessions
    for module in (state_holder, route_utils, gradio_blocks, gradio_mcp):
        module.SessionState = LeanState
    if not issubclass(gradio_mcp.GradioMCPServer, _NamesItsClient):
        gradio_mcp.GradioMCPServer = type("FairTools", (_NamesItsClient, gradio_mcp.GradioMCPServer), {})


class _NamesItsClient:
    """For gradio's server of tools, which asks the page in its own name: it passes on for whom.

    Its client, which has threads of its own, is made once, however many ask for the first time together.
    """

    _making = threading.Lock()

    def _get_or_create_client(self):
        with self._making:
            return super()._get_or_create_client()

    def _prepare_tool_call_args(self, name, arguments):
        endpoint, values, headers, fn = super()._prepare_tool_call_args(name, arguments)
        request = self.mcp_server.request_context.request
        headers["x-forwarded-for"] = request.client.host if request.client else "127.0.0.1"
        return endpoint, values, headers, fn
