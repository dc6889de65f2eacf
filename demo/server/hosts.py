"""Which names this server answers to, and which sites may write to it.

A page of another site, open in the same browser, can send requests to a server on the visitor's own machine or
network. Two things tell them apart. The browser says in ``Origin`` and ``Sec-Fetch-Site`` which site a request comes
from, and no script can change that. A site that makes its own name lead to this machine (DNS rebinding) counts as the
same site for the browser; its name is then in ``Host``, so only known names are answered. An IP address cannot be made
to lead elsewhere, hence a server that listens to its network is answered under any address of that kind.
"""

import os
import re
import socket
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from core import __version__

EVERYWHERE = ("0.0.0.0", "::", "")  # what a server is bound to that listens to its network
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Place:
    """A host in lower case without a dot at its end or brackets, and its port if it is not the usual one."""

    name: str
    port: int | None


def place_of(authority: str) -> Place | None:
    """What a ``Host`` header says, None if it is none."""
    return _place(f"//{authority}", set(DEFAULT_PORTS.values()))


def origin_of(origin: str) -> Place | None:
    """What an ``Origin`` header says, None if it is none ("null" included)."""
    scheme = origin.partition("://")[0].lower()
    return _place(origin, {DEFAULT_PORTS[scheme]}) if scheme in DEFAULT_PORTS else None


def _place(address: str, usual: set[int]) -> Place | None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    if any(character.isspace() or character == "," for character in address):
        return None
    return Place(parts.hostname.rstrip("."), None if port in usual else port)


@dataclass(frozen=True)
class Hosts:
    """The names that a server answers to.

    Attributes:
        names: in lower case; "*.example.org" stands for all names that end so, "*" for all.
        addresses: whether any IP address will do, for a server that listens to its network.
    """

    names: frozenset[str] = frozenset()
    addresses: bool = False

    @classmethod
    def known(cls, more: Iterable[str] = (), environment: Mapping[str, str] = os.environ) -> "Hosts":
        """Those of the command line and of the environment.

        Args:
            more: names, as ``--allow-host`` takes them.
            environment: ALLOWED_HOSTS, names with commas between them; SPACE_HOST, which Hugging Face sets on its
                Spaces; GRADIO_SERVER_NAME, what gradio binds the server to.

        Raises:
            ValueError: one of them is no name of a host.
        """
        bound = environment.get("GRADIO_SERVER_NAME", "127.0.0.1").strip("[]").lower()
        said = [*more, *environment.get("ALLOWED_HOSTS", "").split(","), *environment.get("SPACE_HOST", "").split(",")]
        names = {_checked(name) for name in map(str.strip, said) if name}
        if bound in EVERYWHERE:
            own = socket.gethostname().lower()
            names |= {own, f"{own}.local"}
        elif not is_address(bound):
            names.add(bound)
        beyond = bound in EVERYWHERE or (is_address(bound) and not is_loopback(bound)) or "SPACE_HOST" in environment
        return cls(frozenset(names), addresses=beyond)

    @classmethod
    def told(cls, about: str, arguments: Sequence[str] | None = None) -> "Hosts":
        """Those of the command line and of the environment; ends the program where they are none.

        Args:
            about: what the program does, for its help.
            arguments: of the command line; those of this process if none are given.
        """
        parser = ArgumentParser(description=about)
        parser.add_argument("--version", action="version", version=__version__)
        parser.add_argument(
            "--allow-host", metavar="NAME", action="append", default=[],
            help="answer to this name too, as behind a proxy (may be given again; also ALLOWED_HOSTS=NAME,NAME)",
        )  # fmt: skip
        try:
            return cls.known(parser.parse_args(arguments).allow_host)
        except ValueError as error:
            parser.error(str(error))

    def answer_to(self, name: str) -> bool:
        """Whether a request for this name is for this server."""
        if is_loopback(name) or "*" in self.names or name in self.names:
            return True
        if is_address(name):
            return self.addresses
        return any(known.startswith("*.") and name.endswith(known[1:]) for known in self.names)

    def are_asked(self, headers: Headers) -> bool:
        """Whether a request goes to a name of this server.

        What a proxy says about the name that it was asked for counts too: gradio makes addresses of it.
        """
        named = [headers.getlist(name) for name in ("host", "x-forwarded-host")]
        if len(named[0]) != 1 or len(named[1]) > 1:
            return False
        return all(place is not None and self.answer_to(place.name) for place in _asked(headers))

    def address_of(self, scope: Scope) -> str | None:
        """Where the page is for everybody, with a slash at its end; None unless a request goes to a name that whoever
        runs the server has allowed: any address and, with "*", any name is answered, and may be a client's invention.
        """
        asked = _asked(Headers(scope=scope))
        place = asked[-1] if asked else None  # a proxy knows better what it was asked for
        if place is None or is_loopback(place.name) or is_address(place.name):
            return None
        if not re.fullmatch("[a-z0-9.-]{1,253}", place.name):  # "*.example.org" lets anything stand before the dot
            return None
        known = [name for name in self.names if name != "*"]
        if not any(place.name == name or (name.startswith("*.") and place.name.endswith(name[1:])) for name in known):
            return None
        port = f":{place.port}" if place.port else ""
        return f"{scope.get('scheme', 'http')}://{place.name}{port}{scope.get('root_path', '').rstrip('/')}/"

    def come_from_here(self, headers: Headers) -> bool:
        """Whether the page that a browser names as the one that sends a request is this server's, if it names one.

        It is when it has the same name and port as the request, or, for a proxy that changes the name on the way, one
        of the names that were allowed by whoever runs the server.
        """
        origins = headers.getlist("origin")
        if not origins:
            return True
        origin = origin_of(origins[0]) if len(origins) == 1 else None
        if origin is None:
            return False
        return origin in _asked(headers) or (origin.port is None and origin.name in self.names)


def _asked(headers: Headers) -> list[Place | None]:
    """What a request says of where it goes; of several names that proxies say, gradio takes the first."""
    forwarded = [said.split(",")[0].strip() for said in headers.getlist("x-forwarded-host")]
    return [place_of(host) for host in (*headers.getlist("host"), *forwarded)]


def is_address(name: str) -> bool:
    """Whether a name of a host is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a name of a host means the very machine that asks."""
    return name == "localhost" or name.endswith(".localhost") or (is_address(name) and ip_address(name).is_loopback)


def _checked(name: str) -> str:
    """A name as ``Hosts`` keeps it."""
    if name == "*" or is_address(name):
        return name.lower()
    wild, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    place = place_of(rest)
    if place is None or "*" in rest:
        raise ValueError(f"{name!r} is no name of a host, such as example.org.")
    return wild + place.name
