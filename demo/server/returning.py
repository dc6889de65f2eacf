"""Visitors who come back: who loads the page again, or goes back to it, finds the last analysis of the visit.

A visit ends with its page, and the next page is a visit of its own. What ties the two is a ticket: a secret that the
server makes for an analysis and one tab of one browser keeps. It is good once, and while the visit goes on or for a
minute after it has ended.
"""

import secrets
import threading
import time
from collections import OrderedDict
from typing import Protocol
from weakref import WeakValueDictionary

from demo.server.limits import COME_BACK, MAX_SESSIONS

TICKET = 32  # letters of a ticket: 24 random bytes


class Visit(Protocol):
    """What is kept for a visitor; ``ticket`` is "" where there is nothing to come back to."""

    ticket: str

    def end(self) -> None:
        """Lets go of everything."""


class Returning:
    """Visits by their tickets: those that go on, and so many that have ended. Safe to call from several threads.

    Args:
        seconds: for which a visit is kept after its end.
        most: visits that are kept so; the one that ended first goes first.
    """

    def __init__(self, seconds: float, most: int):
        self._seconds, self._most = seconds, most
        self._known: WeakValueDictionary[str, Visit] = WeakValueDictionary()
        self._ended: OrderedDict[str, tuple[float, Visit]] = OrderedDict()
        self._lock = threading.Lock()

    def give_ticket(self, visit: Visit) -> str:
        """The ticket of a visit: a new one in the place of the one before."""
        with self._lock:
            self._known.pop(visit.ticket, None)
            visit.ticket = secrets.token_urlsafe(24)
            self._known[visit.ticket] = visit
            return visit.ticket

    def take_ticket(self, visit: Visit) -> None:
        """There is nothing any more that the visit could come back to."""
        with self._lock:
            self._known.pop(visit.ticket, None)
            visit.ticket = ""

    def keep(self, visit: Visit) -> bool:
        """Keeps a visit that has ended; False where it has no ticket, and nobody could come back to it."""
        with self._lock:
            if visit.ticket not in self._known:
                return False
            self._ended.setdefault(visit.ticket, (time.monotonic() + self._seconds, visit))
            late = [self._ended.popitem(last=False)[1][1] for _ in range(len(self._ended) - self._most)]
            for one in late:
                self._known.pop(one.ticket, None)
        for one in late:
            one.end()
        return True

    def claim(self, ticket: str) -> Visit | None:
        """The visit with this ticket, which is void from now on; None if there is none or it ended too long ago."""
        if not isinstance(ticket, str) or len(ticket) != TICKET:
            return None
        with self._lock:
            ended = self._ended.pop(ticket, None)  # nobody else may hold the visit
            visit = ended[1] if ended else self._known.get(ticket)
            self._known.pop(ticket, None)
            if visit is not None:
                visit.ticket = ""
            return visit

    def end_late(self) -> None:
        """Ends the visits whose time is over."""
        now = time.monotonic()
        with self._lock:
            late = [visit for due, visit in self._ended.values() if due <= now]
            for visit in late:
                self._ended.pop(visit.ticket)
                self._known.pop(visit.ticket, None)
        for visit in late:
            visit.end()


returning = Returning(COME_BACK, MAX_SESSIONS)
"""The one of this process."""
