"""Memory for what visits keep: so many bytes for all of them; the visit used least lately is let go first."""

import threading
import time
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from demo.server.limits import MAX_KEPT


class Visit(Protocol):
    """Keeps something that can be let go."""

    def let_go(self) -> None:
        """Drops it, and says so when the visitor asks for it."""


@dataclass
class _Held:
    """``used``: time of the monotonic clock when it was last asked for."""

    nbytes: int
    used: float


class Budget:
    """What each visit keeps, in bytes. Safe to call from several threads."""

    def __init__(self, most: int):
        self.most = most
        self._held: WeakKeyDictionary[Visit, _Held] = WeakKeyDictionary()
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Of all visits together."""
        with self._lock:
            return sum(held.nbytes for held in self._held.values())

    def hold(self, visit: Visit, nbytes: int) -> None:
        """Notes that a visit keeps so many bytes, and lets others go until all fit; never the visit itself."""
        gone = []
        with self._lock:
            self._held[visit] = _Held(nbytes, time.monotonic())
            total = sum(held.nbytes for held in self._held.values())
            others = [other for other in self._held if other is not visit]
            for other in sorted(others, key=lambda other: self._held[other].used):
                if total <= self.most:
                    break
                total -= self._held.pop(other).nbytes
                gone.append(other)
        for other in gone:
            other.let_go()

    def use(self, visit: Visit) -> None:
        """Notes that a visit asks for what it keeps."""
        with self._lock:
            if visit in self._held:
                self._held[visit].used = time.monotonic()

    def move(self, visit: Visit, to: Visit) -> None:
        """What a visit keeps is another one's from now on."""
        with self._lock:
            held = self._held.pop(visit, None)
            if held:
                self._held[to] = held

    def drop(self, visit: Visit) -> None:
        """The visit keeps nothing any more."""
        with self._lock:
            self._held.pop(visit, None)


budget = Budget(MAX_KEPT)
"""The one of this process."""
