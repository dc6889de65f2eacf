"""What hears all who are live. Nothing is imported here that needs PyTorch."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.encoders.speech import Listener

FIRST_WAIT, MAX_WAIT_SECONDS = 1.0, 60.0  # before a failing listener is replaced again; each wait is twice as long


class SharedListener:
    """One listener for all who are live. When it has failed, a new one takes its place, at most one at a time.

    Args:
        make: a new listener; called for the first visitor, because models may still be loading before.
    """

    def __init__(self, make: Callable[[], "Listener"]):
        self._make = make
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._wait = 0.0  # seconds between the last new listener and the next one
        self._next = 0.0  # time of the monotonic clock before which no other one is made

    def get(self) -> "Listener":
        """The one that listens now.

        Raises:
            RuntimeError: none could be made, and it is too soon to try again.
        """
        with self._lock:
            if self._listener is None:
                if time.monotonic() < self._next:
                    raise RuntimeError("no listener could be made")
                self._wait = min(max(FIRST_WAIT, 2 * self._wait), MAX_WAIT_SECONDS)
                self._next = time.monotonic() + self._wait
                self._listener = self._make()
            return self._listener

    def failed(self, listener: "Listener") -> None:
        """Gives up a listener that has failed, unless somebody else has, or it is too soon after the one before."""
        with self._lock:
            if listener is self._listener and time.monotonic() >= self._next:
                self._listener = None

    def worked(self, listener: "Listener") -> None:
        """Notes that a listener has heard something through: if it fails later, the first wait is short again."""
        with self._lock:
            if listener is self._listener:
                self._wait = 0.0
