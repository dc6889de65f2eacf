"""Nested states on disk: tensors as safetensors, everything else as JSON in their header; no pickle."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from core.files import write_file


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
