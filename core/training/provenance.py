"""What stands in a model card: how a checkpoint came to be."""

import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch

from core.training.loop import training_seconds


def provenance(seed: int, data: dict, runs: list[Path]) -> dict:
    """Command, commit, seed, data, versions and time of the training that is ending.

    Args:
        data: what was trained on, in words and counts.
        runs: folders of the runs that made it.
    """
    return {
        "command": shlex.join(["python", *sys.argv]),
        "commit": _commit(),
        "seed": seed,
        "data": data,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": [training_seconds(run) for run in runs],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cuda" if torch.cuda.is_available() else f"cpu, {torch.get_num_threads()} threads",
    }


def _commit() -> str:
    """The commit of the code that trains, marked if files were changed since; "unknown" outside a repository."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "-uno", "--", "..")  # in core: what can change a result
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+changes" if changed else "")


def _git(*command: str) -> str:
    here = Path(__file__).parent
    return subprocess.run(["git", *command], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
