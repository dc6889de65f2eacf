"""The corpora on which a checkpoint is measured, each read as labelled utterances."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core import LABELS, Subset, subset_of
from core.corpora.layout import ClipRecord, CorpusError
from core.datasets.bank import FeatureBank
from core.datasets.clips import ClipFeatures
from core.datasets.composed import COMPOSED_OF, BankMaker, compose
from core.datasets.multimodal import read_multimodal_clips
from core.datasets.sources import SOURCES, Official, Source
from core.device import Device
from core.fusion.checkpoint import Checkpoint, load_checkpoint
from core.training.evaluation import LabelledUtterances, evaluate_subset

COMPOSED = "composed"
COMPOSED_UTTERANCES = 2800


@dataclass(frozen=True)
class EvaluationRequest:
    """What is asked of a corpus: where it is, which part, which modalities, with which models.

    Attributes:
        split: an official part, speakers such as "05,12", "all", or None for what is usual.
        modalities: None for those the corpus has.
        folder: of the checkpoint.
        jobs: processes that extract features of clips.
        neutral: whether each face is seen from the same person's neutral one, in other clips of the corpus.
    """

    root: Path
    split: str | None
    modalities: Subset | None
    checkpoint: Checkpoint
    folder: Path
    cache: Path
    jobs: int
    device: Device
    neutral: bool = False

    @property
    def maker(self) -> BankMaker:
        """Makes banks with the checkpoint's encoders."""
        of = self.checkpoint
        return BankMaker(self.root, of.encoders, of.settings, self.device, self.cache)

    def single(self, modality: str, bank: FeatureBank) -> LabelledUtterances:
        """The utterances of one modality's bank."""
        return LabelledUtterances.single(modality, bank, self.checkpoint.normalisation)

    def voices(self, records: list[ClipRecord]) -> LabelledUtterances:
        """Voices alone."""
        bank = self.maker.voices(records)
        return replace(self.single("audio", bank), left_out=len(records) - len(bank))

    def clips(self, records: list[ClipRecord], words: str) -> LabelledUtterances:
        """Whole clips through the same code as a visitor's; what a clip lacks is absent."""
        features = ClipFeatures(self.folder, words, self.checkpoint.settings, adapted=True, device=self.device.name)
        normalisation = self.checkpoint.normalisation
        moments = read_multimodal_clips(records, features, normalisation.widths, self.cache, self.jobs)
        if self.neutral:
            moments = moments.seen_from_neutral(self.typical_face)
        return replace(LabelledUtterances.normalised(moments, normalisation), left_out=len(records) - len(moments))

    @property
    def typical_face(self) -> np.ndarray:
        """A typical neutral face.

        Raises:
            CorpusError: the checkpoint knows none.
        """
        known = self.checkpoint.normalisation.neutral
        if "video" not in known:
            raise CorpusError(f"{self.folder} was trained without neutral faces: none can be compared with.")
        return known["video"]


def measure(
    corpus: str, root: Path, split: str | None, modalities: list[str] | None, prior: str, folder: Path, cache: Path,
    jobs: int, device: Device, neutral: bool = False,
) -> dict:  # fmt: skip
    """The models of the checkpoint in ``folder`` on a corpus (see ``evaluation.evaluate_subset`` for the figures).

    ``models`` names them, ``learned_from`` the parts or speakers of this corpus that they were trained on, ``left_out``
    says how many of its recordings could not be used.

    Args:
        prior: "balanced" takes the models as trained, all labels equally likely; "corpus" adds the logarithm of
            the label frequencies of the training part of the corpus, whether or not it was learned from.
        neutral: as of ``EvaluationRequest``; of clips with pictures.

    Raises:
        CorpusError: the corpus is not there, lacks a modality, or has no training part though its prior is asked for.
    """
    wanted = None if modalities is None else subset_of(modalities)
    checkpoint = load_checkpoint(folder)
    log_prior = None
    if prior == "corpus":
        log_prior = np.log(np.maximum(label_frequencies(corpus, root, checkpoint), 1e-9))
    split, utterances = read_test_set(
        corpus, EvaluationRequest(root, split, wanted, checkpoint, folder, cache, jobs, device, neutral)
    )
    used = wanted or utterances.modalities
    if lacking := set(used) - set(utterances.sequences):
        raise CorpusError(f"This copy of {corpus} has no {' and no '.join(sorted(lacking))}.")
    on_device = {name: model.to(device.name) for name, model in checkpoint.fusion.items()}
    figures = evaluate_subset(replace(checkpoint, fusion=on_device), utterances, used, log_prior)
    learned = checkpoint.provenance.get("data", {}).get("learned_from", {})
    learned_from = learned.get(corpus, []) if corpus != COMPOSED else learned
    described = {
        "models": list(on_device), "corpus": corpus, "split": split, "modalities": list(used), "prior": prior,
        "learned_from": learned_from, "device": str(device), "left_out": utterances.left_out, "neutral_face": neutral,
    }  # fmt: skip
    return described | figures


def label_frequencies(corpus: str, root: Path, checkpoint: Checkpoint) -> np.ndarray:
    """Share [7] of each label in what was learned from a corpus, or else in its official training part.

    Raises:
        CorpusError: nothing was learned from it and it has no such part.
    """
    if corpus in checkpoint.label_frequencies:
        return np.array(checkpoint.label_frequencies[corpus])
    source = SOURCES.get(corpus)
    if source is None or not isinstance(source.split, Official):
        known = ", ".join(checkpoint.label_frequencies)
        raise CorpusError(f"The label frequencies of {corpus} are not known: the training corpora are {known}.")
    part = source.split.train
    labels = (
        source.images(root, part).labels if source.faces else [r.label for r in source.records("lines", root, part)]
    )
    return np.bincount(labels, minlength=len(LABELS)) / len(labels)


def read_test_set(corpus: str, asked: EvaluationRequest) -> tuple[str, LabelledUtterances]:
    """The name of the part that was read, and its utterances.

    The modality that a corpus is a source of is read alone where only that is wanted; whole clips go through the same
    code as a visitor's.
    """
    if corpus == COMPOSED:
        return _composed(asked)
    source = SOURCES[corpus]
    if not isinstance(source.split, Official):
        return asked.split or "all", _acted(source, asked)
    part = asked.split or source.split.unseen
    if source.faces:
        return part, asked.single("video", asked.maker.faces(source.images(asked.root, part), f"{source.name}/{part}"))
    if source.lines and (not source.clips or asked.modalities in (None, ("text",))):
        return part, asked.single("text", asked.maker.lines(source.records("lines", asked.root, part)))
    records = [record for record in source.records("clips", asked.root, part) if record.pictures]
    return part, asked.clips(records, "written")


def _acted(source: Source, asked: EvaluationRequest) -> LabelledUtterances:
    """Recordings of speakers: the voice alone where only sound is wanted or there, else whole clips."""
    heard_only = asked.modalities == ("audio",)
    records = source.records("clips" if source.clips and not heard_only else "voices", asked.root)
    if asked.split and asked.split != "all":
        groups = source.groups(asked.split.split(","))
        records = [record for record in records if record.group in groups]
        if not records:
            raise CorpusError(f"No speaker {asked.split} in {asked.root}; name speakers such as 05,12 or all.")
    moving = [record for record in records if record.pictures]
    if heard_only or (asked.modalities is None and not moving):
        return asked.voices([record for record in records if record.voice])
    return asked.clips(moving or records, "heard")


def _composed(asked: EvaluationRequest) -> tuple[str, LabelledUtterances]:
    """The unseen parts where they are there (PrivateTest, MELD's test part), else the held-out ones."""
    banks, parts = {}, []
    for modality, name in COMPOSED_OF.items():
        part, banks[modality] = _bank_to_measure(asked, modality, SOURCES[name])
        parts.append(f"{name} {part}")
    utterances = compose(banks, COMPOSED_UTTERANCES, seed=3)
    return ", ".join(parts), LabelledUtterances.composed(banks, utterances, asked.checkpoint.normalisation)


def _bank_to_measure(asked: EvaluationRequest, modality: str, source: Source) -> tuple[str, FeatureBank]:
    """The name of the part asked for, or of the first that is there, and its bank."""
    if not isinstance(source.split, Official):
        return "all", asked.maker.make(modality, source)
    *tried, last = [asked.split] if asked.split else [source.split.unseen, source.split.held_out]
    for part in tried:
        try:
            return part, asked.maker.make(modality, source, part)
        except CorpusError:
            pass  # not in this copy
    return last, asked.maker.make(modality, source, last)


TEST_SETS = tuple(sorted([*(s.name for s in SOURCES.values()), COMPOSED]))
"""Names of all that can be measured on."""
