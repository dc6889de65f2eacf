"""JSON and tensors on disk: no pickle, and no half-written file, whenever the process is killed.

A nested state keeps its tensors as safetensors and everything else as JSON in their header.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Lets ``write`` write a file beside ``path`` and puts it in its place: a kill leaves the former one.

    Several processes may write the same path; the last one wins.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: dict | list, indent: int | None = None) -> None:
    """Writes JSON."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    write_file(path, lambda partial: partial.write_text(text + "\n", encoding="utf-8"))


def save_state(path: Path, state: dict) -> None:
    """Writes a nested dict of tensors and JSON values."""
    tensors: dict[str, torch.Tensor] = {}
    skeleton = _strip(state, "", tensors)
    write_file(path, lambda partial: save_file(tensors, partial, metadata={"skeleton": json.dumps(skeleton)}))


def load_state(path: Path) -> dict:
    """Reads what ``save_state`` wrote; tensors are on the CPU."""
    with safe_open(path, "pt") as file:
        skeleton = json.loads(file.metadata()["skeleton"])
        return _fill(skeleton, file)


def _strip(value, name: str, tensors: dict):
    """Replaces each tensor by a reference to its name; lists keys pairwise because JSON keys are strings."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _strip(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_strip(item, f"{name}/{index}", tensors) for index, item in enumerate(value)]}
    return {"value": value}


def _fill(skeleton: dict, file):
    ((kind, content),) = skeleton.items()
    if kind == "tensor":
        return file.get_tensor(content)
    if kind == "dict":
        return {key: _fill(item, file) for key, item in content}
    if kind == "list":
        return [_fill(item, file) for item in content]
    return content
