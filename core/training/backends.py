"""Where the protocol's jobs run: in processes of this machine, or on a Ray cluster.

A backend takes something that makes a function, jobs and a number of workers, and yields results as they come.
"""

import os
from collections.abc import Callable, Iterator

import torch

from core.training.processes import BackendError, in_processes


def on_ray(make_work: Callable[[], Callable], jobs: list, workers: int) -> Iterator:
    """On the cluster that ``RAY_ADDRESS`` names, or on this machine; one core a worker, as many as there are cores.

    The machines must see the corpus under the same path.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports usage to its makers unless told not to
    try:
        import ray
    except ImportError as error:
        raise BackendError("Ray is not installed: pip install ray, or leave --backend at local.") from error

    @ray.remote(num_cpus=1)
    class Worker:
        def __init__(self):
            torch.set_num_threads(1)
            self.work = make_work()

        def apply(self, job):
            return self.work(job)

    if not jobs:
        return
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False, include_dashboard=False)
    try:
        count = max(1, min(len(jobs), int(ray.cluster_resources().get("CPU", 1))))
        pool = ray.util.ActorPool([Worker.remote() for _ in range(count)])
        yield from pool.map_unordered(lambda worker, job: worker.apply.remote(job), jobs)
    finally:
        if started_here:
            ray.shutdown()


BACKENDS: dict[str, Callable[[Callable[[], Callable], list, int], Iterator]] = {"local": in_processes, "ray": on_ray}
