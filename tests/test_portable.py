"""What only Unix, glibc or Linux has is not needed to import anything; text is UTF-8 wherever it is read or written."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import files

ROOT = Path(__file__).parents[1]
SOURCES = [ROOT / "app.py", *(p for room in ("core", "demo", "scripts") for p in (ROOT / room).rglob("*.py"))]

UNIX_MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
UNIX_NAMES = {
    "os": {"fork", "geteuid", "getuid", "killpg", "mkfifo", "pread", "register_at_fork", "sched_getaffinity", "setsid"},
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE", "alarm"},
    "socket": {"AF_UNIX", "TCP_KEEPIDLE", "TCP_USER_TIMEOUT"},
}
ON_LINUX = {"benchmark.py"}  # measures by /proc and the camera of Chromium

WINDOWS = """
import ctypes, importlib, os, sys, types
import safetensors, torch
sys.modules |= {"fcntl": None, "msvcrt": types.ModuleType("msvcrt")}
del os.register_at_fork
whole = ctypes.CDLL
class Library(whole):
    def __init__(self, name, *rest, **more):
        if name is None:
            raise TypeError("argument of type 'NoneType' is not iterable")
        super().__init__(name, *rest, **more)
ctypes.CDLL = Library
for module in sys.argv[1:]:
    importlib.import_module(module)
memory = sys.modules["core.memory"]
memory.keep_together()
memory.give_back()
print(sys.modules["demo.server.uploads"].prepare().parent.name[:6])
"""


def test_what_asks_the_system_is_imported_where_unix_is_not(tmp_path):
    modules = ("core.encoders.native_output", "core.datasets.processes", "core.memory", "demo.server.uploads")
    made = "import msvcrt; msvcrt.LK_NBLCK, msvcrt.locking = 2, lambda *_: None\n"
    code = WINDOWS.replace("for module in", made + "for module in", 1)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GRADIO_TEMP_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code, *modules]
    found = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert found.stdout == "visit-\n", found.stderr[-2000:]


def unix_only(source: str) -> list[str]:
    """What a source takes from Unix without asking whether it is there, by ``try`` or ``hasattr``."""
    tree = ast.parse(source)
    tried = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Try) for inner in ast.walk(node)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    asked = {ast.unparse(call) for call in calls if getattr(call.func, "id", "") == "hasattr"}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in tried:
            found += [alias.name for alias in node.names if alias.name in UNIX_MODULES]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner, name = node.value.id, node.attr
            if name in UNIX_NAMES.get(owner, ()) and f"hasattr({owner}, {name!r})" not in asked:
                found.append(f"{owner}.{name}")
    return found


def test_nothing_takes_for_granted_what_only_unix_has():
    assert unix_only("import fcntl\nos.fork()\nif hasattr(os, 'getuid'):\n    os.getuid()") == ["fcntl", "os.fork"]
    sources = [path for path in SOURCES if path.name not in ON_LINUX]
    assert not {path.name: found for path in sources if (found := unix_only(path.read_text("utf-8")))}


def bare_texts(source: str) -> list[int]:
    """Lines that open, read or write text in whatever encoding the system has."""
    lines = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        named = {keyword.arg for keyword in call.keywords}
        if name in ("read_text", "write_text") and isinstance(call.func, ast.Attribute):
            if "encoding" not in named and len(call.args) < (1 if name == "read_text" else 2):
                lines.append(call.lineno)
        elif name == "open":
            owner = getattr(call.func, "value", None)
            if isinstance(owner, ast.Name) and owner.id in ("av", "Image", "wave", "os", "directly"):
                continue
            place = 1 if isinstance(call.func, ast.Name) else 0
            modes = [*call.args[place : place + 1], *(k.value for k in call.keywords if k.arg == "mode")]
            mode = modes[0].value if modes and isinstance(modes[0], ast.Constant) else "r"
            if "b" not in mode and "encoding" not in named:
                lines.append(call.lineno)
    return lines


def test_text_is_utf8_on_every_system():
    assert bare_texts("p.read_text()\np.open('w')\nopen(p)\np.read_text('utf-8')\np.open('rb')") == [1, 2, 3]
    assert not [f"{path.relative_to(ROOT)}:{n}" for path in SOURCES for n in bare_texts(path.read_text("utf-8"))]


def test_ends_of_lines_are_written_as_they_are(tmp_path):
    files.write_text(tmp_path / "table.csv", "a\nb\r\n")
    assert (tmp_path / "table.csv").read_bytes() == b"a\nb\r\n"


class Msvcrt:
    """Locks of the first byte of a file, as Windows keeps them."""

    LK_NBLCK = 2

    def __init__(self, held: int = 0):
        self.held = held  # how many more tries another process has the lock

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        assert (mode, count, os.lseek(descriptor, 0, os.SEEK_CUR)) == (self.LK_NBLCK, 1, 0)
        if self.held:
            self.held -= 1
            raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize(("held", "wait", "locked"), [(0, False, True), (1, False, False), (2, True, True)])
def test_a_lock_on_windows(tmp_path, monkeypatch, held, wait, locked):
    monkeypatch.setattr(files, "fcntl", None)
    monkeypatch.setattr(files, "msvcrt", Msvcrt(held), raising=False)
    with (tmp_path / "lock").open("wb") as file:
        assert files.lock(file, wait) is locked
    monkeypatch.setattr(files, "msvcrt", Msvcrt(held), raising=False)
    if wait:
        return
    if locked:
        with files.held_alone(tmp_path / "table.csv"):
            pass
    else:
        with pytest.raises(files.OutputError, match="Another process"), files.held_alone(tmp_path / "table.csv"):
            pass


def test_a_lock_that_another_holds_is_seen(tmp_path):
    with (tmp_path / "lock").open("wb") as first, (tmp_path / "lock").open("wb") as second:
        assert files.lock(first) and not files.lock(second)
        first.close()
        assert files.lock(second)
