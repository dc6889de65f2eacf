"""The page's server without a network, from a checkout that nobody may write to, for a user who is new here.

Several visitors at once, live, one who vanishes, a kill; and what stays of them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo import wording
from demo.server import limits, uploads

TESTS = Path(__file__).parent
ROOT = TESTS.parent
NEEDED = ("app.py", "core", "demo", "checkpoints", "scripts")


def alone() -> list[str]:
    """What comes before a command to run it without a network; empty where that is not allowed."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return []
    tried = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    allowed = subprocess.run(tried, capture_output=True, check=False).returncode == 0
    return ["unshare", "--net", sys.executable, str(TESTS / "loopback.py")] if allowed else []


def obeying() -> list[str]:
    """What comes before a command so that a read-only file is one for it, even where root runs the tests."""
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may write everywhere here")
    return ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """What the page needs, for nobody to write to."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    entries = [copy, *copy.rglob("*")]
    for entry in entries:
        entry.chmod(0o555 if entry.is_dir() else 0o444)
    yield copy
    for entry in entries:
        entry.chmod(0o755)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Of a user who has just come."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def visit(tmp_path_factory, checkout, home) -> tuple[dict, list[str] | None]:
    """What a few visitors found, and which hosts were asked (None if this machine lets nobody look)."""
    asked = tmp_path_factory.mktemp("alone") / "asked.json"
    before = alone()
    load = [*obeying(), sys.executable, str(checkout / "scripts" / "load.py"), "--visitors", "6", "--analyses", "6"]
    command = [*before, *([str(asked)] if before else []), *load, "--json"]
    new = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")} | {"HOME": str(home)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=new, cwd=home)
    assert ran.stdout, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1]), json.loads(asked.read_text("utf-8")) if before else None


def test_a_new_user_needs_no_write_to_the_checkout(visit, checkout):
    assert visit[0]["analyses"] == 6
    written = [str(p) for p in checkout.rglob("*") if p.name == "__pycache__" or p.stat().st_mode & 0o222]
    assert written == []


def test_nothing_of_a_visit_is_put_into_the_home_of_who_runs_it(visit, home):
    files = [path.relative_to(home) for path in home.rglob("*") if path.is_file()]
    assert [str(path) for path in files if "matplotlib" not in path.parts] == [], "matplotlib keeps a list of fonts"


@pytest.mark.skipif(not alone(), reason="a network namespace may not be made here")
def test_an_attempt_to_reach_further_would_be_seen(tmp_path):
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"
    subprocess.run([*alone(), str(tmp_path / "asked.json"), sys.executable, "-c", code], check=True)
    assert json.loads((tmp_path / "asked.json").read_text("utf-8")) == ["192.0.2.1:53"]


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


def test_live_words_are_read_while_a_clip_is_analysed(visit):
    """The visit begins while Whisper decodes the clip."""
    live = visit[0]["live"]
    assert "happy" in live["words"]


@pytest.fixture(scope="module")
def attacks(visit) -> dict:
    """What came of each attack."""
    return visit[0]["attacks"]


def test_no_visit_and_no_address_takes_every_place_in_line(attacks):
    crowding, share = attacks["crowding"], limits.QUARTER
    assert crowding["visit"] == crowding["address"] == {"200": share, "429": 40 - share}
    assert crowding["sentence"] == wording.visit_has_its_share(share, True)
    assert crowding["everybody"]["200"] <= limits.MAX_WAITING - 2 * share and crowding["everybody"]["503"] > 0


def test_a_full_line_holds_up_neither_exports_nor_who_was_let_in(attacks):
    crowding = attacks["crowding"]
    assert crowding["several"] == 200
    assert crowding["export_bytes"] > 1_000_000 and crowding["export_seconds"] < 15


def test_no_address_takes_every_live_place(attacks):
    places = attacks["live_places"]
    assert (places["address"], places["others"]) == (limits.LIVE_SHARE, 1)
    assert places["sentences"] == [wording.LIVE_SHARED]


def test_beginnings_that_are_refused_leave_no_thread(attacks):
    beginnings = attacks["beginnings"]
    assert beginnings["admitted"] == limits.MAX_VISITORS
    assert beginnings["threads_after"] < beginnings["threads_before"] + 100, "those of three visitors"


def test_bytes_that_are_announced_are_counted(attacks):
    announced = attacks["announced"]
    most = uploads.MAX_STORED // limits.MAX_FILE_BYTES
    assert sum(announced["refused"].values()) >= 30 - most and announced["afterwards"] == 200


def test_a_large_body_is_refused_before_it_is_read(attacks):
    assert attacks["oversize"]["status"] == "413" and attacks["oversize"]["megabytes"] < 50


def test_another_site_and_another_hosts_name_get_nothing(attacks):
    foreign = attacks["foreign"]
    assert foreign["own"] == 200
    assert {foreign[name] for name in ("host", "host_mcp", "upload", "live", "cross_site", "join", "mcp")} <= {403, 421}


def test_nobody_deletes_what_is_not_his(attacks):
    assert attacks["deleting"]["example"] and attacks["deleting"]["lock"]


def test_stop_ends_the_reading_of_a_file_made_to_last(attacks):
    stopping = attacks["stopping"]
    assert stopping["seconds_after_stop"] < 5 and stopping["next_waited"] < 30


def test_nothing_stays_of_an_attack(visit):
    assert visit[0]["left_by_attacks"] == []


def test_nothing_stays_of_a_visit_nor_of_one_that_was_cut_off(visit):
    report = visit[0]
    assert report["left_on_disk"] == []
    assert report["left_by_kill"] == 2 and report["left_after_restart"] == [], "one clip was being read, one received"


def test_paths_and_addresses_that_are_not_the_pages_are_refused(visit):
    assert {code // 100 for code in visit[0]["served"].values()} == {4}


def test_the_console_has_a_line_for_each_analysis_without_names(visit):
    console = visit[0]["console"]
    lines = re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)$", console, re.MULTILINE)
    assert len([line for line in lines if re.fullmatch(r"[\d.]+ seconds of clip, read in [\d.]+ seconds", line)]) >= 8
    assert "An analysis was stopped" in lines, "one visitor has vanished"
    assert "Traceback" not in console and ".mkv" not in console and "moods" not in console
