"""One thread for everything that ends by itself: old files, visitors who left without a word, expired results.

Jobs are registered with a period, or run once as soon as the thread is free. A job that fails is logged, and runs
again at its next time if it has one; it never ends the thread nor keeps another job from running.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass
class _Job:
    """``run`` is called every ``period`` seconds, the next time at ``due`` (of the monotonic clock)."""

    run: Callable[[], object]
    period: float
    due: float


class Sweeper:
    """Runs jobs periodically in one daemon thread, which is started with the first job."""

    def __init__(self):
        self._jobs: list[_Job] = []
        self._once: list[Callable[[], object]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def every(self, period: float, run: Callable[[], object]) -> None:
        """Calls ``run`` every ``period`` seconds, first after one period. Jobs should be quick: they share a thread."""
        with self._changed:
            self._jobs.append(_Job(run, period, time.monotonic() + period))
            self._wake()

    def soon(self, run: Callable[[], object]) -> None:
        """Calls ``run`` once, soon: for what takes too long where it was asked for, in the event loop say."""
        with self._changed:
            self._once.append(run)
            self._wake()

    def run_due(self) -> None:
        """Runs every job whose time has come, each in spite of the others' errors."""
        now = time.monotonic()
        with self._changed:
            due = [job for job in self._jobs if job.due <= now]
            for job in due:
                job.due = now + job.period
            runs = [*self._once, *(job.run for job in due)]
            self._once.clear()
        for run in runs:
            try:
                run()
            except Exception as error:  # whatever it is, the next job and the next time must come
                log.error("A periodic job failed: %s", type(error).__name__)

    def _wake(self) -> None:
        """Starts the thread, or lets it look again."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sweeper", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._once:
                    due = min((job.due for job in self._jobs), default=None)
                    self._changed.wait(None if due is None else max(0.0, due - time.monotonic()))
            self.run_due()


sweeper = Sweeper()
"""The one of this process."""
