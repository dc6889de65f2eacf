"""Gradio's queue of events and its sessions: who joins, what is kept of a session, and how it is forgotten."""

import asyncio
import threading
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import gradio as gr
from fastapi import HTTPException
from gradio import blocks as gradio_blocks
from gradio import mcp as gradio_mcp
from gradio import queueing, route_utils, state_holder
from gradio import routes as gradio_routes
from gradio.server_messages import ProcessCompletedMessage

from demo.server.gradio_compat import replace

MAX_RECORDS = 100  # finished events that gradio keeps for its statistics, and goes through after each one
MAX_NAME = 100  # characters of a session's name; browsers make some twelve, programs 36


@dataclass(frozen=True)
class Standing:
    """An event that waits, runs, or has an answer that nobody has fetched.

    Attributes:
        noted: what ``Queue.admit`` noted of it.
        unfinished: whether it waits or runs.
    """

    noted: Any
    unfinished: bool


class Queue(queueing.Queue):
    """Gradio's queue that asks ``admit`` before an event joins it. Subclasses say who may."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.ANALYTICS_MAX_EVENTS = MAX_RECORDS
        self._noted: dict[str, tuple[str, Any]] = {}  # event -> session that asked, and what ``admit`` noted
        self._joining: list[Any] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def admit(self, session: str, line: str) -> object:
        """Decides about an event, in the event loop; what is returned is found in ``standing`` as long as it stands.

        Args:
            session: name of the session that asks, "" for a program without one.
            line: what the event's function has as ``line``, else its ``concurrency_id``.

        Raises:
            HTTPException: it may not join.
        """

    def standing(self) -> list[Standing]:
        """All events of which something is noted, those that are about to join at the end."""
        self._noted = {event: told for event, told in self._noted.items() if self._stands(event, told[0])}
        known = [Standing(noted, event in self.event_ids_to_events) for event, (_, noted) in self._noted.items()]
        return known + [Standing(noted, False) for noted in self._joining]

    def _stands(self, event: str, session: str) -> bool:
        # Gradio names the session of a program after the event.
        return event in self.event_ids_to_events or self.is_unfetched(event, session or event)

    def is_unfetched(self, event: str, session: str) -> bool:
        """Whether a session has not fetched what it was told of an event."""
        messages = self.pending_messages_per_session.get(session)
        return bool(messages and not messages.empty() and event in self.pending_event_ids_session.get(session, ()))

    def answered(self, event: str, session: str, output: dict) -> None:
        """Called when an event of a session that listens has been answered."""

    def send_message(self, event, event_message) -> None:
        super().send_message(event, event_message)
        if isinstance(event_message, ProcessCompletedMessage) and event.alive:
            self.answered(event._id, event.session_hash, event_message.output)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        super().start()

    async def push(self, body, request, username):
        fn = self.blocks.fns.get(body.fn_index)
        if fn is None:
            raise HTTPException(404, "There is no such event.")
        session = body.session_hash or ""
        noted = self.admit(session, getattr(fn.fn, "line", None) or fn.concurrency_id)
        self._joining.append(noted)
        try:
            success, event, state = await super().push(body, request, username)
        finally:
            self._joining.remove(noted)
        if success:
            self._noted[cast(str, event)] = session, noted
        return success, event, state

    def forget(self, session: str) -> None:
        """Says nothing more to a session that has ended, and drops what it has not fetched; from any thread."""
        if self._loop is None or not self._loop.is_running():
            self._forget(session)
        else:
            self._loop.call_soon_threadsafe(self._forget, session)

    def _forget(self, session: str) -> None:
        for event in self.event_ids_to_events.values():
            if event.session_hash == session:
                event.alive = False
        self.pending_messages_per_session.pop(session, None)
        self.pending_event_ids_session.pop(session, None)


class SessionState(state_holder.SessionState):
    """What gradio remembers of a session, without a second copy of all that was shown.

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


class Sessions(state_holder.StateHolder):
    """Gradio's sessions by name; ``make_room`` is called before there is one more. Subclasses say who has to go."""

    def __init__(self):
        super().__init__()
        self.lock = cast(threading.Lock, threading.RLock())

    def make_room(self, name: str) -> None:
        """Called with the lock held before the session of this name is made."""

    def __getitem__(self, name: str) -> state_holder.SessionState:
        """The session of this name, a new one if there is none.

        Raises:
            HTTPException: 400, it is no name: names are kept, and a request may have megabytes.
        """
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            raise HTTPException(400, "This is no name of a session.")
        with self.lock:
            if name not in self.session_data:
                self.make_room(name)
                self.session_data[name] = SessionState(self.blocks)
            self.session_data.move_to_end(name)
            self.time_last_used[name] = datetime.now()  # as gradio's own
            return self.session_data[name]

    def names(self) -> list[str]:
        """Of all sessions, the one used least lately first."""
        return list(self.session_data)

    def values(self, name: str) -> list:
        """What the ``gr.State`` of a session hold."""
        return list(self.session_data[name].state_data.values())

    def busy(self) -> set[str]:
        """Names of the sessions whose events wait or run."""
        return {event.session_hash for event in list(self.blocks._queue.event_ids_to_events.values())}

    def forget(self, name: str) -> list:
        """Takes out a session and gives what its ``gr.State`` held; from any thread."""
        with self.lock:
            self.time_last_used.pop(name, None)
            state = self.session_data.pop(name, None)
            return list(state.state_data.values()) if state else []

    def end(self, name: str) -> list:
        """As ``forget``, and nothing more is said to the session."""
        values = self.forget(name)
        forget_messages(self.blocks, name)
        return values


def install(queue: type[Queue], sessions: type[Sessions]) -> None:
    """Puts these in the place of gradio's own, for pages that are built from now on."""
    replace(queueing, "Queue", queue)
    replace(gradio_routes, "StateHolder", sessions)
    for module in (state_holder, route_utils, gradio_blocks, gradio_mcp):
        replace(module, "SessionState", SessionState)


def is_awaited(page: gr.Blocks, name: str) -> bool:
    """Whether an event of a session runs that somebody still waits for."""
    running = [event for events in page._queue.active_jobs if events for event in events]
    return any(event.alive for event in running if event.session_hash == name)


def has_unfetched(page: gr.Blocks, name: str) -> bool:
    """Whether a session has been told something that it has not fetched."""
    messages = page._queue.pending_messages_per_session.get(name)
    return messages is not None and not messages.empty()


def names_with_messages(page: gr.Blocks) -> list[str]:
    """Names of the sessions that are told something, or were."""
    return list(page._queue.pending_messages_per_session)


def forget_messages(page: gr.Blocks, name: str) -> None:
    """Says nothing more to a session that has ended, and drops what it has not fetched; from any thread."""
    cast(Queue, page._queue).forget(name)


def forget_session(page: gr.Blocks, name: str) -> list:
    """Takes out a session and gives what its ``gr.State`` held; from any thread."""
    return cast(Sessions, page.state_holder).forget(name)


def last_used(page: gr.Blocks) -> dict[str, datetime]:
    """Name of each session -> when something was last asked for in it."""
    return dict(page.state_holder.time_last_used)
