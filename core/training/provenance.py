"""How a checkpoint came to be, written down by what ran: it stands in the model card."""

import platform
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from core import __version__
from core.device import Device
from core.state_files import load_state


def this_process(device: Device) -> dict[str, str]:
    """What a run notes of each process that trained it: command, commit of the code, device and date."""
    return {
        "command": shlex.join(["python", *sys.argv]),
        "commit": code_commit(),
        "device": str(device),
        "date": datetime.now(UTC).date().isoformat(),
    }


@dataclass(frozen=True)
class Run:
    """What is known of a finished or interrupted training: its folder, seconds and processes, in their order."""

    folder: Path
    seconds: float
    processes: list[dict[str, str]]

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """From the state that ``loop.fit`` left."""
        state = load_state(folder / "state.safetensors")
        return cls(folder, state["seconds"], state["processes"])


def provenance(seed: int, data: dict, folders: list[Path]) -> dict:
    """Commands, commits, devices and time of the trainings in ``folders``, with seed, data and versions, that of this
    project among them.

    Args:
        data: what was trained on, in words, counts and fingerprints.
    """
    runs = [Run.read(folder) for folder in folders]
    last = runs[-1].processes[-1]
    return {
        "command": last["command"],
        "commit": last["commit"],
        "date": last["date"],
        "seed": seed,
        "data": data,
        "runs": {run.folder.name: {"seconds": round(run.seconds, 1), "processes": run.processes} for run in runs},
        "version": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def code_commit() -> str:
    """The commit of the code that runs, marked if files were changed since; "unknown" outside a repository."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "-uno", "--", "..")  # in core: what can change a result
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+changes" if changed else "")


def _git(*command: str) -> str:
    here = Path(__file__).parent
    return subprocess.run(["git", *command], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
