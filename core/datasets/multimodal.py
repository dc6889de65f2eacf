"""Clips in which face, voice and words are of one person at one time, as features; nothing is composed."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from core import LABELS, MODALITIES
from core.corpora.layout import ClipRecord, CorpusError
from core.datasets.cache import cache_folder
from core.datasets.clips import ClipFeatures, clip_file, extract_corpus
from core.datasets.labelled import LabelledSequences
from core.datasets.readable import without
from core.datasets.sources import SOURCES, Official
from core.encoders.neutral import from_neutral, neutral_face


@dataclass(frozen=True)
class MultimodalClips(LabelledSequences):
    """n clips, whose sequences are float16 [T, D].

    Attributes:
        groups: str [n], who is seen: "javased/03".
    """

    groups: np.ndarray

    def take(self, indices: np.ndarray) -> "MultimodalClips":
        """These clips, in this order."""
        return replace(super().take(indices), groups=self.groups[indices])

    @cached_property
    def pools(self) -> dict[int, np.ndarray]:
        """Label -> indices of its clips, for the labels that there are."""
        return {int(label): np.flatnonzero(self.labels == label) for label in np.unique(self.labels)}

    @cached_property
    def possible(self) -> np.ndarray:
        """bool [7], the labels that there are."""
        return np.isin(np.arange(len(LABELS)), self.labels)

    @cached_property
    def neutral_faces(self) -> dict[str, list[tuple[int, np.ndarray]]]:
        """Group -> (index, neutral face) of each clip in which a person who is neutral is seen."""
        found: dict[str, list[tuple[int, np.ndarray]]] = {}
        for i in self.pools.get(LABELS.index("neutral"), ()):
            steps = np.asarray(self.sequences["video"][i])
            if len(steps) and (face := neutral_face(steps)) is not None:
                found.setdefault(str(self.groups[i]), []).append((int(i), face))
        return found

    @cached_property
    def typical_face(self) -> np.ndarray | None:
        """The mean [D] of the neutral faces of all people, each as heavy; None where nobody's is known."""
        each = [np.mean([face for _, face in faces], 0) for faces in self.neutral_faces.values()]
        return np.mean(each, 0) if each else None

    def seen_from_neutral(self, typical: np.ndarray) -> "MultimodalClips":
        """The clips of people whose neutral face is known from another clip, each seen from it (``from_neutral``)."""
        kept, moved = [], []
        for i, group in enumerate(self.groups):
            faces = [face for j, face in self.neutral_faces.get(str(group), ()) if j != i]
            steps = np.asarray(self.sequences["video"][i])
            if faces and len(steps):
                kept.append(i)
                moved.append(from_neutral(steps, np.mean(faces, 0), typical))
        found = self.take(np.array(kept, np.int64))
        return replace(found, sequences={**found.sequences, "video": moved})

    def and_also(self, others: "MultimodalClips") -> "MultimodalClips":
        """These clips, and behind them others."""
        return MultimodalClips(
            labels=np.concatenate([self.labels, others.labels]),
            groups=np.concatenate([self.groups, others.groups]),
            sequences={m: [*self.sequences[m], *others.sequences[m]] for m in self.sequences},
        )

    @cached_property
    def fingerprint(self) -> str:
        """Of everything in it."""
        content = hashlib.sha256(self.labels.tobytes() + "\n".join(self.groups).encode())
        for found in self.sequences.values():
            for sequence in found:
                content.update(np.ascontiguousarray(sequence).tobytes())
        return content.hexdigest()[:16]


def read_multimodal_clips(
    records: list[ClipRecord], features: ClipFeatures, widths: dict[str, int], cache: Path, jobs: int
) -> MultimodalClips:
    """Clips through the same code as a visitor's; those that cannot be read are left out, see ``readable.without``.

    Args:
        widths: modality -> features a step, for what a clip lacks.

    Raises:
        CorpusError: too many clips could not be read.
    """
    folder = cache_folder(cache / "clips", features.key())
    manifest = extract_corpus(records, features, folder, jobs)
    readable = without(manifest.failed | manifest.waiting, records)
    found = [load_file(clip_file(folder, record)) for record in readable]
    return MultimodalClips(
        labels=np.array([record.label for record in readable], np.int64),
        groups=np.array([record.group for record in readable], str),
        sequences={m: [f.get(m, np.zeros((0, widths[m]), np.float16)) for f in found] for m in MODALITIES},
    )


def training_clips(root: Path) -> tuple[list[ClipRecord], set[str]]:
    """The clips with pictures of every source below ``root`` that trains, and the groups that are held out of them.

    Corpora that divide themselves into parts are left to the experiment: their clips are cut from dialogues.
    """
    records, held_out = [], set()
    for source in SOURCES.values():
        if source.clips and source.trains and source.within(root).is_dir() and not isinstance(source.split, Official):
            try:
                found = source.records("clips", source.within(root))
            except CorpusError:
                continue  # a copy with the voices alone
            records += [record for record in found if record.pictures]
            held_out |= source.groups((*source.split.validation, *source.split.test))
    return records, held_out
