"""Feature sequences on disk: made once, found again by what they depend on, and by nothing else."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from core.files import prepare_folder, write_file, write_json


def digest(content: bytes | str) -> str:
    """SHA-256 of anything that features are made from."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def weights_digest(model: torch.nn.Module) -> str:
    """SHA-256 of a model's weights, wherever they lie."""
    return digest(b"".join(tensor.cpu().numpy().tobytes() for tensor in model.state_dict().values()))


def cached_sequences(
    keys: list[dict], make: Callable[[int], list[np.ndarray]], cache: Path, title: str
) -> list[np.ndarray]:
    """The sequences float16 [T, D] of all items, one after the other, with a progress bar.

    Each item lies in a file of its own, named by its key: a key holds whatever decides the result (content,
    alteration, encoder, precision), so that no two corpora, folders or settings can share a file by mistake.

    Args:
        make: the sequences of the item with this index, called where its file is not there yet.
    """
    found: list[np.ndarray] = []
    for item, key in enumerate(tqdm(keys, desc=title)):
        found += cached_item(key, partial(make, item), cache)
    return found


def cached_item(key: dict, make: Callable[[], list[np.ndarray]], cache: Path) -> list[np.ndarray]:
    """The sequences of one item, see ``cached_sequences``; what ``make`` raises is raised, and nothing is kept."""
    text = json.dumps(key, sort_keys=True)
    name = digest(text)
    file = cache / "sequences" / name[:2] / f"{name[2:34]}.safetensors"
    if not file.exists():
        made = [sequence.astype(np.float16) for sequence in make()]
        lengths = np.array([len(sequence) for sequence in made])
        # safetensors writes no strides
        content = {"values": np.ascontiguousarray(np.concatenate(made)), "lengths": lengths}
        prepare_folder(file.parent)
        write_file(file, lambda partial: save_file(content, partial, {"key": text}))
    kept = load_file(file)
    return np.split(kept["values"], np.cumsum(kept["lengths"])[:-1])


def cache_folder(cache: Path, key: dict) -> Path:
    """The folder of a cache that belongs to whatever ``key`` describes, which is written down in it."""
    folder = cache / digest(json.dumps(key, sort_keys=True))[:16]
    prepare_folder(folder)
    write_json(folder / "key.json", key)
    return folder
