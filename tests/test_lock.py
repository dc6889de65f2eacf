"""The lock holds what is required, at the same versions, each with the hashes of its files."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_is_of_these_requirements():
    wanted = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    locked = re.findall(
        r"^([\w.-]+)==([\w.+]+)(?: ;[^\\\n]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        (ROOT / "requirements.lock").read_text(), re.MULTILINE,
    )  # fmt: skip
    versions = {normal(name): version for name, version, _ in locked}
    assert len(wanted) > 15 and len(locked) > len(wanted)
    assert {name: versions.get(normal(name)) for name in wanted} == wanted
