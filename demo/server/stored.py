"""Results of the example clips, kept beside them: an example answers at once, and no model runs.

An ``Analysis`` is a tree of frozen dataclasses. The file holds that tree as JSON and its arrays beside it (npz, no
pickle). Long axes of attention are in the bins in which the page draws them; a weight is one of 256 shares of the
largest in its row; some pictures of the face stand for their neighbours. What the models read is kept too, so that
they can be asked what contributed to their verdicts, a feature as one of 255 shares of its largest.
"""

import json
import logging
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np

from core.analysis.kept import Envelope, FaceSummary
from core.analysis.results import Analysis, Prediction, Segment, Verdict
from core.encoders.transcript import OtherLanguage, Transcript, Word
from core.encoders.utterance import FeatureSequence
from core.files import write_file
from core.fusion.attention import AttentionMap
from core.fusion.config import fingerprint

EXAMPLES = Path(__file__).parents[1] / "examples"
MAX_FACES = 24  # pictures of the face that are kept
LEVELS = 160  # of the square root of a weight, so that small ones are not lost beside large ones

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Levels:
    """A ``FeatureSequence`` as int8 ``levels`` [T, D] of each feature's ``largest`` [D], at ``times`` [T] seconds."""

    levels: np.ndarray
    largest: np.ndarray
    times: np.ndarray


KINDS = {
    kind.__name__: kind
    for kind in (
        Analysis, AttentionMap, Envelope, FaceSummary, Levels, OtherLanguage, Prediction, Segment, Transcript, Verdict,
        Word,
    )
}  # fmt: skip


def clip_of(name: str) -> Path:
    """The example's clip."""
    return EXAMPLES / f"{name}.mp4"


def is_whole(name: str) -> bool:
    """Whether the example's clip is there and can be opened."""
    try:
        with av.open(str(clip_of(name))) as container:
            return bool(container.streams.video)
    except (av.error.FFmpegError, OSError, ValueError):
        return False


def answered(name: str) -> bool:
    """Whether clip and stored result are there, undamaged, and by the models that are in ``checkpoints/`` now."""
    path = EXAMPLES / f"{name}.npz"
    if not is_whole(name):
        return False
    try:
        with zipfile.ZipFile(path) as packed:
            return packed.testzip() is None and made_by(path) == fingerprint()
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        log.warning("The stored result of the example %s is damaged: %s", name, type(error).__name__)
        return False


@lru_cache
def result_of(name: str) -> Analysis:
    """The example's stored result, for which ``answered`` holds."""
    return load(EXAMPLES / f"{name}.npz")


def save(analysis: Analysis, path: Path) -> None:
    """Writes an analysis by the models in ``checkpoints/``, with ``MAX_FACES`` of its pictures."""
    shown = analysis.faces.spread_pictures(MAX_FACES, analysis.duration)
    times, pictures = np.array([time for time, _ in shown]), tuple(picture for _, picture in shown)
    faces = replace(analysis.faces, pictures=pictures, picture_times=times)
    writer = Writer({}, {})
    tree = writer.taken_apart(replace(analysis, faces=faces))
    about = json.dumps({"made_by": fingerprint(), "analysis": tree}, ensure_ascii=False)
    arrays: dict[str, Any] = {"about": np.frombuffer(about.encode(), np.uint8), **writer.arrays}

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)

    write_file(path, write)


def load(path: Path) -> Analysis:
    """What ``save`` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return Reader(arrays, []).put_together(_about(arrays)["analysis"])


def made_by(path: Path) -> str:
    """The fingerprint of the models that said what is in the file."""
    with np.load(path, allow_pickle=False) as arrays:
        return _about(arrays)["made_by"]


def _about(arrays) -> dict:
    return json.loads(arrays["about"].tobytes())


@dataclass(frozen=True)
class Writer:
    """Takes a tree apart: ``arrays`` by name; ``seen``: id of a dataclass -> its number, for what is shared."""

    arrays: dict[str, np.ndarray]
    seen: dict[int, int]

    def taken_apart(self, value):
        """The tree as JSON.

        Raises:
            KeyError: a dataclass in it is none of ``KINDS``.
        """
        if isinstance(value, np.ndarray):
            return {"array": self._named(value)}
        if isinstance(value, bytes):
            return {"bytes": self._named(np.frombuffer(value, np.uint8))}
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, dict):
            return {"dict": [[self.taken_apart(part) for part in item] for item in value.items()]}
        if isinstance(value, list | tuple):
            return {"tuple": [self.taken_apart(part) for part in value]}
        if not is_dataclass(value):
            return value
        if id(value) in self.seen:
            return {"again": self.seen[id(value)]}
        shown = COARSE.get(type(value), lambda same: same)(value)
        kind = KINDS[type(shown).__name__].__name__
        said = {field.name: self.taken_apart(getattr(shown, field.name)) for field in fields(shown)}
        self.seen[id(value)] = len(self.seen)
        return {"kind": kind, "fields": said}

    def _named(self, value: np.ndarray) -> str:
        """Equal arrays, such as times, are written once."""
        for name, known in self.arrays.items():
            if known.dtype == value.dtype and np.array_equal(known, value):
                return name
        name = f"array-{len(self.arrays)}"
        self.arrays[name] = value
        return name


@dataclass(frozen=True)
class Reader:
    """Puts together what a ``Writer`` took apart: ``arrays`` by name; ``seen`` dataclasses by number."""

    arrays: np.lib.npyio.NpzFile
    seen: list

    def put_together(self, tree):
        """The value that the tree stands for."""
        if not isinstance(tree, dict):
            return tree
        if "array" in tree:
            return self.arrays[tree["array"]]
        if "bytes" in tree:
            return self.arrays[tree["bytes"]].tobytes()
        if "dict" in tree:
            return {self.put_together(key): self.put_together(value) for key, value in tree["dict"]}
        if "tuple" in tree:
            return tuple(self.put_together(part) for part in tree["tuple"])
        if "again" in tree:
            return self.seen[tree["again"]]
        made = KINDS[tree["kind"]](**{name: self.put_together(value) for name, value in tree["fields"].items()})
        made = FINE.get(type(made), lambda same: same)(made)
        self.seen.append(made)
        return made


def _coarse_map(map_: AttentionMap) -> AttentionMap:
    """With weights as uint8 levels of their share of the largest in a row, less the row before: this packs well."""
    shown = map_.binned()
    weights = np.asarray(shown.weights, np.float32)
    shares = weights / weights.max(2, keepdims=True)
    levels = np.round(np.sqrt(shares) * LEVELS).astype(np.uint8)
    return replace(shown, weights=np.diff(levels, axis=1, prepend=np.uint8(0)))


def _fine_map(map_: AttentionMap) -> AttentionMap:
    """The inverse: rows sum to 1 over the steps that they stand for, which says how large the largest weight was."""
    shares = np.cumsum(map_.weights, axis=1, dtype=np.uint8).astype(np.float32) ** 2
    return replace(map_, weights=shares / (shares * map_.counts[1]).sum(2, keepdims=True, dtype=np.float32))


def _coarse_sequence(sequence: FeatureSequence) -> Levels:
    largest = np.maximum(np.abs(sequence.values).max(0), np.float32(1e-9))
    return Levels(np.round(sequence.values / largest * 127).astype(np.int8), largest, sequence.times)


def _fine_sequence(kept: Levels) -> FeatureSequence:
    return FeatureSequence(kept.levels * (kept.largest / np.float32(127)), kept.times)


COARSE: dict[type, Callable[[Any], Any]] = {
    AttentionMap: _coarse_map,
    FeatureSequence: _coarse_sequence,
}  # kind -> what is written in its place
FINE: dict[type, Callable[[Any], Any]] = {AttentionMap: _fine_map, Levels: _fine_sequence}  # the inverse
