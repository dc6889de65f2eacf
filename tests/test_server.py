"""The page's server without a network: several visitors at once, live, one who vanishes, a kill; and what stays."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LOAD = [sys.executable, str(TESTS.parent / "scripts" / "load.py")]


def alone() -> list[str]:
    """What comes before a command to run it without a network; empty where that is not allowed."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return []
    allowed = subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0
    return ["unshare", "--net", sys.executable, str(TESTS / "loopback.py")] if allowed else []


@pytest.fixture(scope="module")
def visit(tmp_path_factory) -> tuple[dict, list[str] | None]:
    """What a few visitors found, and which hosts were asked (None if this machine lets nobody look)."""
    asked = tmp_path_factory.mktemp("alone") / "asked.json"
    before = alone()
    command = [*before, *([str(asked)] if before else []), *LOAD, "--visitors", "6", "--analyses", "6", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert ran.stdout, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1]), json.loads(asked.read_text()) if before else None


@pytest.mark.skipif(not alone(), reason="a network namespace may not be made here")
def test_an_attempt_to_reach_further_would_be_seen(tmp_path):
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"
    subprocess.run([*alone(), str(tmp_path / "asked.json"), sys.executable, "-c", code], check=True)
    assert json.loads((tmp_path / "asked.json").read_text()) == ["192.0.2.1:53"]


def test_start_page_analysis_and_live_reach_no_other_host(visit):
    if visit[1] is None:
        pytest.skip("a network namespace may not be made here")
    assert visit[1] == []


def test_six_visitors_at_once_get_their_own_answers(visit):
    report = visit[0]
    assert report["analyses"] == 6 and report["failed"] == [] and report["wrong"] == []


def test_live_goes_on_while_a_clip_is_analysed(visit):
    live = visit[0]["live"]
    assert live["heard"] and {"video", "audio"} <= set(live["used"]) and live["seconds_to_leave"] < 3


def test_nothing_stays_of_a_visit_nor_of_one_that_was_cut_off(visit):
    report = visit[0]
    assert report["left_on_disk"] == []
    assert report["left_by_kill"] == 1 and report["left_after_restart"] == []


def test_paths_and_addresses_that_are_not_the_pages_are_refused(visit):
    assert {code // 100 for code in visit[0]["served"].values()} == {4}


def test_the_console_has_a_line_for_each_analysis_without_names(visit):
    console = visit[0]["console"]
    lines = re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)$", console, re.MULTILINE)
    assert len([line for line in lines if re.fullmatch(r"[\d.]+ seconds of clip, read in [\d.]+ seconds", line)]) >= 8
    assert "An analysis was stopped" in lines, "one visitor has vanished"
    assert "Traceback" not in console and ".mkv" not in console and "moods" not in console
