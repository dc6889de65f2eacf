"""The one registry: every corpus that something is learned from or measured on, and how it is divided.

A new corpus of voices, faces, lines or clips is a reader in ``core.corpora`` and an entry here; training, evaluation,
ablation and the paper's experiment find it by its name. Whatever is read gets ids and groups that begin with that
name, since speaker 10 of one corpus is nobody of another.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from core.corpora.ased import read_ased
from core.corpora.crema_d import read_crema_d
from core.corpora.dailydialog import read_dailydialog
from core.corpora.emodb import read_emodb
from core.corpora.emospeech import read_emospeech
from core.corpora.emotiontts import read_emotiontts
from core.corpora.emovo import read_emovo
from core.corpora.fer2013 import FaceImages, read_fer2013, read_ferplus
from core.corpora.goemotions import read_goemotions
from core.corpora.jaffe import read_jaffe
from core.corpora.javased import read_javased
from core.corpora.layout import ClipRecord, CorpusError
from core.corpora.meld import read_meld
from core.corpora.nemo import read_nemo
from core.corpora.ravdess import read_ravdess
from core.corpora.tess import read_tess
from core.corpora.urdu import read_urdu
from core.corpora.xed import read_xed

log = logging.getLogger(__name__)

KINDS = {"text": "lines", "video": "faces", "audio": "voices"}
"""Modality -> what a source of it is called here."""


@dataclass(frozen=True)
class Speakers:
    """A corpus without parts of its own: these speakers validate and test, the others train."""

    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


@dataclass(frozen=True)
class Official:
    """A corpus with parts of its own.

    Attributes:
        train: the part that trains.
        held_out: the part whose first half of groups validates and whose second half tests.
        unseen: the part that is never learned from, nor looked at before the end.
    """

    train: str
    held_out: str
    unseen: str

    @property
    def parts(self) -> tuple[str, str, str]:
        """All three."""
        return self.train, self.held_out, self.unseen


@dataclass(frozen=True)
class Source:
    """One corpus.

    Attributes:
        name: on the command line, of its folder below a data root, and at the front of its ids and groups.
        folder: of another corpus that it lies in, if it has none of its own.
        licence: of the corpus; what learns from it inherits its conditions.
        split: how it is divided.
        trains: whether models may learn from it; else it only measures.
        english: whether the words of its voices are known and English, which is what the models read.
        voices, lines, clips: readers of a folder (and, for an ``Official`` corpus, of a part of it), where the corpus
            can serve as a source of voices, of lines or of whole clips.
        faces: likewise, of face crops.
    """

    name: str
    licence: str
    split: Speakers | Official
    folder: str = ""
    trains: bool = True
    english: bool = False
    voices: Callable[..., list[ClipRecord]] | None = None
    lines: Callable[..., list[ClipRecord]] | None = None
    clips: Callable[..., list[ClipRecord]] | None = None
    faces: Callable[..., FaceImages] | None = None

    def within(self, root: Path) -> Path:
        """Its folder below a data root."""
        return root / (self.folder or self.name)

    def groups(self, speakers: Iterable[str]) -> set[str]:
        """What the groups of these speakers are called in its records."""
        return {f"{self.name}/{speaker}" for speaker in speakers}

    def records(self, kind: str, root: Path, part: str = "") -> list[ClipRecord]:
        """Its "voices", "lines" or "clips", each recording once; ``root`` is the corpus's own folder.

        Raises:
            CorpusError: it is not there or not in its official layout.
        """
        found = each_once(self._read(kind, root, part), self.name)
        return [replace(r, id=f"{self.name}/{r.id}", group=f"{self.name}/{r.group}") for r in found]

    def images(self, root: Path, part: str) -> FaceImages:
        """Its face crops.

        Raises:
            CorpusError: it is not there or not in its official layout.
        """
        return self._read("faces", root, part)

    def _read(self, kind: str, root: Path, part: str):
        reader = getattr(self, kind)
        return reader(root, part) if isinstance(self.split, Official) else reader(root)


def each_once(records: list[ClipRecord], name: str) -> list[ClipRecord]:
    """Records of different ids, and a sentence in the log if recordings of one id were left out: a corpus that was
    unpacked into its own folder holds everything twice, some are there in two formats. The least deep file stays."""
    if not any(record.voice or record.pictures for record in records):
        return records  # lines
    kept: dict[str, ClipRecord] = {}
    for record in sorted(records, key=lambda r: len((r.voice or r.pictures or Path()).parts)):
        kept.setdefault(record.id, record)
    if len(kept) == len(records):
        return records
    log.warning(
        "%s: %d recordings are there more than once, under the same name; each counts once.",
        name, len(records) - len(kept),
    )  # fmt: skip
    return [record for record in records if kept[record.id] is record]


EMOSPEECH_HELD_OUT = (
    "02dc4013", "1cfb3698", "31f9f30e", "4088f97b", "50a73d27", "6bbc0e89", "837e41c8",
    "9014f38f", "9aa7e4f3", "b1725362", "c024af8c", "cc23c513", "d8fc5788",
)  # fmt: skip
"""Every eighth of its speakers, in the order of their names."""

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "ravdess", "CC BY-NC-SA 4.0", Speakers(validation=("10", "19"), test=("05", "12", "17", "24")),
            english=True, voices=read_ravdess, clips=read_ravdess,
        ),
        Source("tess", "CC BY-NC-ND 4.0", Speakers(test=("OAF",)), english=True, voices=read_tess),
        Source("emodb", "free for research", Speakers(), trains=False, voices=read_emodb),
        Source("crema-d", "ODbL 1.0", Speakers(), trains=False, voices=read_crema_d, clips=read_crema_d),
        Source("fer2013", "research use", Official("train", "validation", "test"), faces=read_fer2013),
        # The same images, measured by what people saw in them.
        Source(
            "ferplus", "MIT", Official("train", "validation", "test"), folder="fer2013", trains=False,
            faces=read_ferplus,
        ),
        Source(
            "meld", "GPL-3.0", Official("train", "dev", "test"),
            lines=read_meld, clips=partial(read_meld, clips=True),
        ),
        Source("jaffe", "research use", Speakers(), trains=False, clips=read_jaffe),
        Source("nemo", "CC BY-NC-SA 4.0", Speakers(test=("IC0", "WR0")), voices=read_nemo),
        Source(
            "ased", "freely available, citation asked",
            Speakers(test=("02", "05", "10", "21", "31", "45", "55", "63")), voices=read_ased,
        ),
        Source(
            "javased", "MIT", Speakers(test=("03", "08")),
            voices=partial(read_javased, folder="voices"), clips=partial(read_javased, folder="clips"),
        ),
        # The measured pair has never met this one: language, studio and all of its speakers.
        Source(
            "emovo", "free for research", Speakers(test=("f1", "f2", "f3", "m1", "m2", "m3")), voices=read_emovo
        ),
        Source("emotiontts", "CC BY-NC-SA 4.0", Speakers(test=("emb", "nee", "nem")), voices=read_emotiontts),
        Source("emospeech", "CC BY-NC-SA 4.0", Speakers(test=EMOSPEECH_HELD_OUT), voices=read_emospeech),
        Source("urdu", "free for research", Speakers(), trains=False, voices=read_urdu),
        Source("goemotions", "CC BY 4.0", Official("train", "dev", "test"), lines=read_goemotions),
        Source(
            "dailydialog", "CC BY-NC-SA 4.0", Official("train", "validation", "test"), trains=False,
            lines=read_dailydialog,
        ),
        Source("xed", "CC BY 4.0", Official("train", "dev", "test"), trains=False, lines=read_xed),
    )
}  # fmt: skip
"""Name -> corpus."""


def sources_of(kind: str) -> list[Source]:
    """The corpora that are a source of "voices", "faces", "lines" or "clips"."""
    return [source for source in SOURCES.values() if getattr(source, kind)]


def training_sources(kind: str, root: Path) -> list[Source]:
    """Those that train and whose folder lies in ``root``.

    Raises:
        CorpusError: there is none.
    """
    known = [source for source in sources_of(kind) if source.trains]
    found = [source for source in known if source.within(root).is_dir()]
    if not found:
        names = ", ".join(f"{source.name}/" for source in known)
        raise CorpusError(f"No corpus of {kind} to learn from was found in {root}: expected at least one of {names}.")
    return found


def official_parts(kind: str, root: Path) -> Iterator[tuple[str, Source, str]]:
    """Role ("train" or "held_out"), corpus and name of each part of the faces or lines below ``root`` that train.

    Raises:
        CorpusError: there is none.
    """
    for source in training_sources(kind, root):
        if isinstance(source.split, Official):
            yield "train", source, source.split.train
            yield "held_out", source, source.split.held_out
