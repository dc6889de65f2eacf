"""Who is asking: the address behind a request, where addresses tell clients apart.

Behind a proxy every request comes from the proxy's address. The server (uvicorn) puts what the proxy says of the client
in its place if the proxy is known: loopback by default, others by ``FORWARDED_ALLOW_IPS``, and on Hugging Face's Spaces
their own network. An address that may stand for many clients counts as none.
"""

import os
from collections import Counter
from contextvars import ContextVar
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from demo import wording

PRIVATE_NETWORKS = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
MAX_OPEN = 400  # requests of one address at a time: an open page has two, and a whole class may share an address
TRUSTED = "FORWARDED_ALLOW_IPS"  # uvicorn's: proxies whose word is taken for the client's address

_PRIVATE = [ip_network(network) for network in PRIVATE_NETWORKS]
_address: ContextVar[str | None] = ContextVar("address", default=None)


def trust_proxies() -> None:
    """Takes the word of the proxies of a Space; called before the server starts."""
    if os.environ.get("SPACE_ID"):
        os.environ.setdefault(TRUSTED, ",".join(PRIVATE_NETWORKS))


def address() -> str | None:
    """Of the client whose request is being answered; None where addresses do not tell clients apart."""
    return _address.get()


class Addressed:
    """Notes the client's address for everything that answers a request, of which an address may have so many open."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._open: Counter[str | None] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        who = address_of(scope)
        if who and self._open[who] >= MAX_OPEN:
            return await PlainTextResponse(wording.TOO_MANY_REQUESTS, 429)(scope, receive, send)
        noted = _address.set(who)
        self._open[who] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            _address.reset(noted)
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


def address_of(scope: Scope) -> str | None:
    """The client's address, of IPv6 the network of 64 bits that one household has.

    None for loopback, which may be anybody behind a proxy on this machine that says nothing of its clients, and for a
    private address that forwards requests although it is no known proxy.
    """
    host = scope["client"][0] if scope.get("client") else ""
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_loopback:
        return None
    if any(found in network for network in _PRIVATE):
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        if forwarded and host not in [part.strip() for part in forwarded.decode("latin1").split(",")]:
            return None
        return str(found)
    return str(IPv6Network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
