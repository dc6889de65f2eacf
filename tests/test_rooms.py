"""Imports flow one way: media, encoders, fusion, analysis; datasets, training and the experiment lie above."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BELOW: dict[str, set[str]] = {
    "media": set(),
    "encoders": {"media"},
    "fusion": {"media", "encoders"},
    "analysis": {"media", "encoders", "fusion"},
    "corpora": {"media"},
    "datasets": {"media", "encoders", "fusion", "corpora"},
    "training": {"media", "encoders", "fusion", "corpora", "datasets"},
    "experiment": {"media", "encoders", "fusion", "corpora", "datasets"},
}
"""Room of ``core`` -> the rooms that it may import; what lies in ``core`` itself imports none of them."""

HEAVY = ("torch", "mediapipe", "whisper")


def imported(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it; of ``from core import media`` also "core.media"."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def rooms(path: Path) -> set[str]:
    """Rooms of ``core`` that a file imports from."""
    parts = [name.split(".") for name in imported(path)]
    return {of[1] for of in parts if of[0] == "core" and len(of) > 1 and of[1] in BELOW}


def test_every_room_has_its_place():
    assert {folder.parent.name for folder in (ROOT / "core").glob("*/__init__.py")} == set(BELOW)
    for room, below in BELOW.items():  # no circle: what lies below has less below it
        assert all(BELOW[lower] < below for lower in below), room


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_what_lies_below(room):
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in (ROOT / "core" / room).glob("*.py")
        if (found := rooms(path) - BELOW[room] - {room})
    }
    assert not wrong


def test_what_all_rooms_share_imports_none_of_them():
    assert not {path.name: found for path in (ROOT / "core").glob("*.py") if (found := rooms(path))}


def test_core_knows_neither_the_page_nor_its_charts():
    for path in (ROOT / "core").rglob("*.py"):
        roots = {name.partition(".")[0] for name in imported(path)}
        assert not roots & {"gradio", "plotly", "demo", "scripts"}, path


@pytest.mark.parametrize(
    "module",
    ["core.analysis.results", "core.analysis.attribution", "core.analysis.table", "demo.server.limits", "demo.wording"],
)
def test_a_result_or_a_sentence_needs_no_model(module):
    code = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not found.stdout.strip()
