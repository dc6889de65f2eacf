"""Training state on disk without pickle: tensors in safetensors, everything else as JSON in its header."""

import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_state(path: Path, state: dict) -> None:
    """Writes a nested dict of tensors and JSON values, atomically: a kill leaves the former file."""
    tensors: dict[str, torch.Tensor] = {}
    skeleton = _strip(state, "", tensors)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"skeleton": json.dumps(skeleton)})
    os.replace(partial, path)


def load_state(path: Path) -> dict:
    """Reads what ``save_state`` wrote."""
    with safe_open(path, "pt") as file:
        skeleton = json.loads(file.metadata()["skeleton"])
        return _fill(skeleton, file)


def write_json(path: Path, value: dict | list) -> None:
    """Writes JSON, atomically too, even when several processes write the same file."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(value))
    os.replace(partial, path)


def _strip(value, name: str, tensors: dict):
    """Replaces each tensor by a reference to its name; lists keys pairwise because JSON keys are strings."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().contiguous().clone()
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
