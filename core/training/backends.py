"""Where the protocol's jobs run: in this process, in several, or on a Ray cluster.

A backend takes an opener, jobs, settings and a number of workers, and yields results as they come.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import torch

from core.training.dataset import Corpus
from core.training.protocol import Job, Runner, Settings


class BackendError(RuntimeError):
    """The jobs cannot be run where they were meant to."""


def run_locally(opener: Callable[[], Corpus], jobs: list[Job], settings: Settings, workers: int) -> Iterator[dict]:
    """In this process, or in several of one thread each: the results are the same."""
    if workers == 1:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            runner = Runner(opener, settings) if jobs else None
            yield from map(runner.run, jobs) if runner else ()
        finally:
            torch.set_num_threads(threads)
        return
    spawn = multiprocessing.get_context("spawn")  # forked processes inherit torch's locks
    with ProcessPoolExecutor(workers, spawn, _start_worker, (opener, settings)) as pool:
        futures = [pool.submit(_run, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise BackendError(
                "A process ended early, most likely for lack of memory: start again with fewer --jobs; finished jobs are kept."
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_runner: Runner | None = None  # of a worker process


def _start_worker(opener: Callable[[], Corpus], settings: Settings) -> None:
    global _runner
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _runner = Runner(opener, settings)


def _end_with_parent() -> None:
    # Nothing else tells a worker that its parent was killed.
    multiprocessing.parent_process().join()
    os._exit(1)


def _run(job: Job) -> dict:
    return _runner.run(job)


def run_on_ray(opener: Callable[[], Corpus], jobs: list[Job], settings: Settings, workers: int) -> Iterator[dict]:
    """On a Ray cluster whose machines see the corpus under the same path; one core a job."""
    try:
        import ray
    except ImportError as error:
        raise BackendError("Ray is not installed: pip install ray, or leave --backend at local.") from error

    @ray.remote(num_cpus=1)
    class Worker:
        def __init__(self):
            torch.set_num_threads(1)
            self.runner = Runner(opener, settings)

        def run(self, job: Job) -> dict:
            return self.runner.run(job)

    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False)
    try:
        count = max(1, min(len(jobs), int(ray.cluster_resources().get("CPU", 1))))
        pool = ray.util.ActorPool([Worker.remote() for _ in range(count)])
        yield from pool.map_unordered(lambda worker, job: worker.run.remote(job), jobs)
    finally:
        if started_here:
            ray.shutdown()


BACKENDS = {"local": run_locally, "ray": run_on_ray}
