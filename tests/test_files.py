"""What is written is whole or not there, wherever in the middle of it the process is killed."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from core.datasets.cache import cache_folder, cached_sequences
from core.datasets.clips import save_features
from core.encoders.utterance import Missing
from core.files import write_file, write_json
from core.state_files import load_state, save_state

POINTS = ("before anything", "half written", "written, not yet in place", "in place")


class Killed(BaseException):
    """As sudden as a signal: nothing that handles errors sees it."""


@pytest.fixture
def kill(monkeypatch):
    """Makes the next write die at one of ``POINTS``, leaving behind what a killed process would."""

    def at(point: str) -> None:
        replace, unlink = os.replace, Path.unlink

        def dying(source, target):
            data = Path(source).read_bytes()
            if point == "before anything":
                unlink(Path(source))
            elif point == "half written":
                Path(source).write_bytes(data[: len(data) // 2])
            elif point == "in place":
                replace(source, target)
            raise Killed

        monkeypatch.setattr("core.files.os.replace", dying)
        monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # the dead tidy nothing up

    yield at
    monkeypatch.undo()


WRITERS = {
    "json": (lambda path, n: write_json(path, {"n": n}), lambda path: json.loads(path.read_text("utf-8"))["n"]),
    "state": (
        lambda path, n: save_state(path, {"n": torch.full((100,), float(n)), "deep": [{"x": None}]}),
        lambda path: int(load_state(path)["n"].unique()),
    ),
    "features": (
        lambda path, n: save_features(path, {"audio": np.full((9, 4), n), "text": Missing("nobody spoke")}),
        lambda path: int(np.unique(load_file(path)["audio"])[0]),
    ),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("kind", WRITERS)
def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path, monkeypatch, kill, kind, point):
    write, read = WRITERS[kind]
    path = tmp_path / "kept"
    write(path, 1)
    kill(point)
    with pytest.raises(Killed):
        write(path, 2)
    monkeypatch.undo()
    assert read(path) == (2 if point == "in place" else 1)
    write(path, 3)
    assert read(path) == 3


@pytest.mark.parametrize("point", POINTS)
def test_a_cache_makes_again_what_was_not_finished_and_nothing_else(tmp_path, monkeypatch, kill, point):
    made = []

    def make(item):
        made.append(item)
        return [np.full((item + 2, 3), item), np.full((1, 3), -item)]

    keys = [{"content": item} for item in range(3)]
    cached_sequences(keys[:1], make, tmp_path, "made")
    kill(point)
    with pytest.raises(Killed):
        cached_sequences(keys, make, tmp_path, "made")
    monkeypatch.undo()
    found = cached_sequences(keys, make, tmp_path, "made")
    assert made == ([0, 1, 2] if point == "in place" else [0, 1, 1, 2])
    assert [len(sequence) for sequence in found] == [2, 1, 3, 1, 4, 1]
    assert [float(sequence[0, 0]) for sequence in found] == [0, 0, 1, -1, 2, -2]
    assert found[0].dtype == np.float16


def test_a_failed_write_leaves_nothing_beside(tmp_path):
    def fail(partial):
        partial.write_text("half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_file(tmp_path / "kept", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_key_decides_the_file_and_is_written_down(tmp_path):
    first, second = {"voice": "a", "copy": 0}, {"voice": "a", "copy": 1}
    for key, value in (
        (first, 1),
        (second, 2),
        ({"copy": 0, "voice": "a"}, 3),
    ):  # the order of a key's parts is nothing
        (found,) = cached_sequences([key], lambda _, value=value: [np.full((1, 1), value)], tmp_path, "made")
        assert found[0, 0] == min(value, 2) if key == second else found[0, 0] == 1
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
    folder = cache_folder(tmp_path, {"face": "x"})
    assert json.loads((folder / "key.json").read_text("utf-8")) == {"face": "x"} and folder != cache_folder(
        tmp_path, {}
    )


def test_state_survives_without_pickle(tmp_path):
    state = {"a": {"b": torch.arange(3), 1: [torch.ones(2, 2), None, 0.5]}, "c": "text", "d": {}}
    save_state(tmp_path / "state.safetensors", state)
    again = load_state(tmp_path / "state.safetensors")
    assert again["c"] == "text" and again["d"] == {} and again["a"][1][1:] == [None, 0.5]
    assert torch.equal(again["a"]["b"], torch.arange(3)) and torch.equal(again["a"][1][0], torch.ones(2, 2))
