"""Connections to the server: so many in all, a quarter of them from one address, and none on which nothing is asked.

Where there are too many, a quiet one makes room for a new one. A process may have so many files and connections open
and no more: without these bounds one client that opens a thousand connections and says nothing keeps everybody else
out for as long as it likes.
"""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from demo.server import clients

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol  # the other one has the same attributes
else:
    H11Protocol = object

MAX_CONNECTIONS = 4_000
FOR_FILES = 200  # of what the process may have open, kept for clips that are written and read
QUIET = 20.0  # seconds between looks at a connection; one on which nothing is asked from one look to the next is closed


def share_out(server) -> None:
    """Bounds the connections that are made from now on.

    Args:
        server: uvicorn's, listening. It asks its configuration what to make of each new connection.
    """
    shared = {
        "most": min(MAX_CONNECTIONS, _open_files(MAX_CONNECTIONS + FOR_FILES) - FOR_FILES),
        "everybody": {},
        "counts": Counter(),
    }
    server.config.http_protocol_class = type("Shared", (_Shared, server.config.http_protocol_class), shared)


def _open_files(wanted: int) -> int:
    """How many files and connections this process may have open: as many as wanted, if the system allows it."""
    if resource is None:
        return wanted  # Windows has no such limit
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


class _Shared(H11Protocol):
    """Mixed into uvicorn's protocol, of which every connection has one.

    Attributes:
        most: connections in all.
        everybody: all connections, the oldest first.
        counts: address -> connections, of those whose addresses tell them apart.
    """

    most: int
    everybody: "dict[_Shared, None]"
    counts: Counter[str | None]
    last: object

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn itself
        peer = transport.get_extra_info("peername")
        self.who = clients.address_of({"client": peer, "headers": []}) if peer else None
        if self.who and self.counts[self.who] >= self.most // 4:
            transport.abort()
            return
        if len(self.everybody) >= self.most:
            quiet = next((other for other in self.everybody if not other.asking), None)
            if quiet is None:
                transport.abort()
                return
            quiet.leave()
        self.everybody[self] = None
        self.counts[self.who] += 1
        self.last = None
        super().connection_made(transport)
        self.look = self.loop.call_later(QUIET, self._close_if_quiet)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:  # else it was never let in
            self.leave()
            super().connection_lost(error)

    @property
    def asking(self) -> bool:
        """Whether something is being answered; ``cycle`` is the last request whose head has come."""
        return self.cycle is not None and not self.cycle.response_complete

    def leave(self) -> None:
        """Closes the connection and counts it no more."""
        if self in self.everybody:
            del self.everybody[self]
            self.counts[self.who] -= 1
            if not self.counts[self.who]:
                del self.counts[self.who]
            self.look.cancel()
            self.transport.abort()

    def _close_if_quiet(self) -> None:
        if not self.asking and self.cycle is self.last:
            self.leave()
            return
        self.last = None if self.asking else self.cycle
        self.look = self.loop.call_later(QUIET, self._close_if_quiet)
