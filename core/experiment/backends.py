"""Where the protocol's jobs run: in processes of this machine, or on a Ray cluster.

A backend takes something that makes a function, jobs, a number of workers and the device that the function works on,
and yields results as they come.
"""

import os
from collections.abc import Callable, Iterator

import torch

from core.datasets.processes import BackendError, in_processes
from core.device import Device


def check_backend(name: str) -> None:
    """Asked before the features of a corpus are extracted, which takes hours.

    Raises:
        BackendError: this backend is not there.
    """
    if name == "ray":
        try:
            import ray  # noqa: F401
        except ImportError as error:
            raise BackendError("Ray is not installed: pip install ray, or leave --backend at local.") from error


def on_ray(make_work: Callable[[], Callable], jobs: list, workers: int, device: Device) -> Iterator:
    """On the cluster that ``RAY_ADDRESS`` names, or on this machine, as many workers as it has room for.

    A worker asks for one core, and for one GPU where the work is meant for it. The machines must see the corpus under
    the same path.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports usage to its makers unless told not to
    check_backend("ray")
    import ray

    gpus = 1 if device.name == "cuda" else 0

    class Worker:
        def __init__(self):
            torch.set_num_threads(1)
            self.work = make_work()

        def apply(self, job):
            return self.work(job)

    if not jobs:
        return
    remote = ray.remote(num_cpus=1, num_gpus=gpus)(Worker)
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False, include_dashboard=False)
    try:
        room = ray.cluster_resources().get("GPU" if gpus else "CPU", 1)
        count = max(1, min(len(jobs), int(room)))
        pool = ray.util.ActorPool([remote.remote() for _ in range(count)])
        yield from pool.map_unordered(lambda worker, job: worker.apply.remote(job), jobs)
    finally:
        if started_here:
            ray.shutdown()


def in_local_processes(make_work: Callable[[], Callable], jobs: list, workers: int, device: Device) -> Iterator:
    """In processes of this machine; on a GPU they share it."""
    return in_processes(make_work, jobs, workers)


BACKENDS: dict[str, Callable[[Callable[[], Callable], list, int, Device], Iterator]] = {
    "local": in_local_processes,
    "ray": on_ray,
}
