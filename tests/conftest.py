"""What several test files need: the shipped analyzer and one clip with a face and a spoken sentence."""

import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # Processes that share the cores, each with as many threads, would wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from recordings import save_clip, speak

from core.analysis.analyzer import Analyzer
from core.device import Device, choose_device

SENTENCE = "I am so happy to see you again, my friend."
LONGEST = ("page", "test_server.py")  # begun first, so that no process ends long after the others


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: set(LONGEST).isdisjoint(item.path.parts))


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config, log):
    """With several processes: a process runs all tests of a file, which share fixtures, or all those in a browser."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.split("::")[0])
            return "page" if file.parent.name == "page" else file.name

    config.option.loadscopereorder = False  # in the order of the files
    return ByFile(config, log)


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=DEVICES)
def device(request) -> Device:
    """Each device that this machine has."""
    return choose_device(request.param)


@pytest.fixture(autouse=True)
def threads_stay():
    """A test that leaves another number of threads behind would change what the next one computes, and how fast."""
    before = torch.get_num_threads()
    yield
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert after == before


@pytest.fixture
def command(monkeypatch, capfd):
    """Runs one of the scripts with options as its command line would, in this process, which has imported all it
    needs."""

    def run(script: str, *options: str | Path) -> subprocess.CompletedProcess:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", [script, *map(str, options)])
        monkeypatch.setattr(sys, "path", list(sys.path))
        status = 0
        try:
            runpy.run_path(str(Path(__file__).parents[1] / "scripts" / script), run_name="__main__")
        except SystemExit as ended:
            status = ended.code or 0
        return subprocess.CompletedProcess(sys.argv, status, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    """The checkpoints that the app loads, on the CPU, in the same precision on every processor."""
    return Analyzer.load(device="cpu", exact=True)


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """An mp4 of the portrait, saying ``SENTENCE``."""
    folder = tmp_path_factory.mktemp("clip")
    return save_clip(folder / "hello.mp4", speak(SENTENCE, folder / "hello.wav"))


@pytest.fixture(scope="session")
def utterance(analyzer, clip):
    """``clip``, extracted once for all tests."""
    return analyzer.extract(clip)


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """Every thread that a test begins has ended with it."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
