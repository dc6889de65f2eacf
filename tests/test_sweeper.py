"""The thread that runs periodic jobs."""

import threading
import time

from demo.server.sweeper import Sweeper


def test_a_job_that_fails_runs_again_and_keeps_no_other_from_running(caplog):
    sweeper, failed, worked = Sweeper(), [], threading.Event()

    def failing():
        failed.append(None)
        if len(failed) <= 3:  # then it is quiet: its thread goes on beside the other tests
            raise OSError("a secret path")

    def working():
        if len(failed) >= 3:
            worked.set()

    sweeper.every(0.01, failing)
    sweeper.every(0.01, working)
    assert worked.wait(5)
    assert "OSError" in caplog.text and "secret" not in caplog.text


def test_all_jobs_share_one_thread():
    before = threading.active_count()
    sweeper = Sweeper()
    threads = []
    for _ in range(50):
        sweeper.every(0.2, lambda: threads.append(threading.current_thread()))
    deadline = time.monotonic() + 5
    while len(threads) < 100 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(set(threads)) == 1 and threading.active_count() == before + 1


def test_a_job_first_runs_after_its_period():
    sweeper, ran = Sweeper(), []
    sweeper.every(3600, lambda: ran.append(None))
    sweeper.run_due()
    assert ran == []
