"""The readers of media and weights against changed files, a fixed number; scripts/fuzz.py goes on for longer."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "scripts" / "fuzz.py"

pytest.importorskip("atheris", reason="atheris is not installed (requirements-dev.txt)")


@pytest.mark.parametrize(("reader", "runs"), [("weights", 30_000), ("media", 1_000)])
def test_nothing_but_answers_and_typed_errors(tmp_path, reader, runs):
    command = [sys.executable, str(FUZZ), reader, "--runs", str(runs), "--keep", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    done = re.search(r"Done (\d+) runs", ran.stderr)  # a few more than asked where the seeds are read again
    assert ran.returncode == 0 and done and int(done[1]) >= runs, ran.stderr[-3000:]
    assert not list(tmp_path.iterdir())


def test_a_fault_would_be_seen(tmp_path):
    """The same harness over a reader that is broken on purpose."""
    broken = FUZZ.read_text("utf-8").replace("read_container(data)\n", "1 / (data[:4] != bytes([6, 0, 0, 0]))\n", 1)
    broken = broken.replace("Path(__file__).parent.parent", f"Path({str(FUZZ.parents[1])!r})")
    (tmp_path / "broken.py").write_text(broken)
    command = [
        sys.executable,
        str(tmp_path / "broken.py"),
        "weights",
        "--runs",
        "100",
        "--keep",
        str(tmp_path / "kept"),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode != 0 and "ZeroDivisionError" in ran.stdout + ran.stderr
    assert len(list((tmp_path / "kept").iterdir())) == 1
