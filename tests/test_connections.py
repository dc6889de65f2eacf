"""Connections: nobody keeps everybody else out by opening many and saying nothing."""

import asyncio
import socket
import threading
import time

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo import wording
from demo.server import clients, connections
from demo.server.clients import Addressed

MOST = 8


async def quick(request):
    return PlainTextResponse("served")


async def lasting(request):
    async def parts():
        while True:
            yield "alive"
            await asyncio.sleep(0.05)

    return StreamingResponse(parts())


@pytest.fixture
def port(monkeypatch):
    """Of a server for a few connections, each of which is looked at often."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", MOST)
    monkeypatch.setattr(connections, "QUIET", 0.3)
    app = Starlette(routes=[Route("/", quick), Route("/lasting", lasting)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    connections.share_out(server)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join(20)


def opened(port: int, path: str | None = None) -> socket.socket:
    """A connection, on which a path is asked for or nothing at all."""
    wire = socket.create_connection(("127.0.0.1", port), timeout=5)
    if path:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return wire


def said(wire: socket.socket) -> bytes:
    """The beginning of the answer; nothing from a connection that was closed."""
    try:
        return wire.recv(15)
    except ConnectionError:
        return b""


def test_silent_connections_make_room_for_who_asks(port):
    silent = [opened(port) for _ in range(3 * MOST)]
    time.sleep(0.1)
    begun = time.monotonic()
    assert said(opened(port, "/")) == b"HTTP/1.1 200 OK" and time.monotonic() - begun < 1
    assert [said(wire) for wire in silent] == [b""] * len(silent), "and are closed after a while in any case"


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /"])
def test_a_connection_on_which_nothing_is_asked_to_the_end_is_closed(port, sent):
    wire = opened(port)
    wire.sendall(sent)
    begun = time.monotonic()
    while wire.recv(1000):
        pass
    assert time.monotonic() - begun < 3


def test_who_is_being_answered_is_not_closed(port):
    wires = [opened(port, "/lasting") for _ in range(MOST)]
    assert [said(wire) for wire in wires] == [b"HTTP/1.1 200 OK"] * MOST
    time.sleep(1.0)
    assert all(b"alive" in wire.recv(10_000) for wire in wires)
    assert said(opened(port, "/")) == b"", "there is no more room"
    wires[0].close()
    deadline = time.monotonic() + 5
    while said(opened(port, "/")) != b"HTTP/1.1 200 OK":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_address_has_a_quarter_of_the_connections(port, monkeypatch):
    monkeypatch.setattr(clients, "address_of", lambda scope: "203.0.113.7")
    greedy = [opened(port, "/lasting") for _ in range(MOST)]
    answers = [said(wire) for wire in greedy]
    assert answers.count(b"HTTP/1.1 200 OK") == MOST // 4 and answers.count(b"") == MOST - MOST // 4
    monkeypatch.setattr(clients, "address_of", lambda scope: "198.51.100.9")
    assert said(opened(port, "/")) == b"HTTP/1.1 200 OK"


def test_an_address_has_so_many_requests_open(monkeypatch):
    monkeypatch.setattr(clients, "MOST_OPEN", 2)
    seen, together = [], threading.Barrier(3)

    def slow(request):
        seen.append(clients.address())
        together.wait(10)
        return PlainTextResponse("served")

    app = Starlette(routes=[Route("/slow", slow), Route("/", quick)], middleware=[Middleware(Addressed)])
    there, elsewhere = (TestClient(app, client=(host, 1)) for host in ("203.0.113.7", "198.51.100.9"))
    threads = [threading.Thread(target=there.get, args=("/slow",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(seen) < 2:
        time.sleep(0.01)
    refused = there.get("/")
    assert (refused.status_code, refused.text) == (429, wording.TOO_MANY_REQUESTS)
    assert elsewhere.get("/").status_code == 200
    together.wait(10)
    for thread in threads:
        thread.join()
    assert there.get("/").status_code == 200 and seen == ["203.0.113.7"] * 2 and clients.address() is None
