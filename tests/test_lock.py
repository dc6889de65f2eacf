"""The lock holds what is required, at the same versions, each with the hashes of its files; so do the constraints.
What is cited has the version that the commands say."""

import re
from pathlib import Path

from core import __version__

ROOT = Path(__file__).parents[1]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_is_of_these_requirements():
    wanted = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE))
    locked = re.findall(
        r"^([\w.-]+)==([\w.+]+)(?: ;[^\\\n]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE,
    )  # fmt: skip
    versions = {normal(name): version for name, version, _ in locked}
    assert len(wanted) > 15 and len(locked) > len(wanted)
    assert {name: versions.get(normal(name)) for name in wanted} == wanted


def test_the_constraints_are_the_versions_of_the_lock_and_of_what_development_needs():
    pin = re.compile(r"^([\w.-]+)==([\w.+]+)", re.MULTILINE)
    constrained = {normal(n): v for n, v in pin.findall((ROOT / "constraints.txt").read_text("utf-8"))}
    for name in ("requirements.lock", "requirements.txt", "requirements-dev.txt"):
        pinned = {normal(n): v for n, v in pin.findall((ROOT / name).read_text("utf-8"))}
        assert pinned and {n: constrained.get(n) for n in pinned} == pinned, name


def test_what_is_cited_has_the_version_of_the_code():
    cited = re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert cited == [__version__]
