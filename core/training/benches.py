"""The corpora on which a checkpoint is measured, each read as labelled utterances."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from core import MODALITIES
from core.checkpoint import Checkpoint, load_checkpoint
from core.corpora.composed import FeatureBank, compose
from core.corpora.crema_d import read_crema_d
from core.corpora.emodb import read_emodb
from core.corpora.layout import ClipRecord, CorpusError
from core.corpora.meld import read_meld
from core.corpora.ravdess import read_ravdess
from core.features import FeatureExtractor
from core.training.banks import face_bank, text_bank, voice_bank
from core.training.evaluation import LabelledUtterances, evaluate_subset
from core.training.extraction import ClipFeatures, cache_folder, extract_corpus, features_file

COMPOSED_UTTERANCES = 2800


@dataclass(frozen=True)
class Bench:
    """What is asked of a corpus: where it is, which part, which modalities, with which models."""

    root: Path
    split: str | None
    modalities: tuple[str, ...] | None
    checkpoint: Checkpoint
    folder: Path  # of the checkpoint
    cache: Path
    jobs: int

    def extractor(self) -> FeatureExtractor:
        return FeatureExtractor(
            self.checkpoint.face_encoder, self.checkpoint.settings, word_adapter=self.checkpoint.word_adapter
        )

    def normalised(self, modality: str, values: np.ndarray) -> np.ndarray:
        return self.checkpoint.normalisation.apply(modality, values.astype(np.float32))

    def single(self, modality: str, bank: FeatureBank) -> LabelledUtterances:
        """The utterances of one modality's bank."""
        return LabelledUtterances.single(modality, bank, self.checkpoint.normalisation)


def measure(
    corpus: str, root: Path, split: str | None, modalities: list[str] | None, prior: str, folder: Path, cache: Path,
    jobs: int = 1,
) -> dict:  # fmt: skip
    """Both models of the checkpoint in ``folder`` on a corpus (see ``evaluation.evaluate_subset`` for the figures).

    ``learned_from`` names the parts or speakers of this corpus that the pair was trained on.

    Args:
        prior: "balanced" takes the models as trained, all labels equally likely; "corpus" adds the logarithm of
            the label frequencies of the training part of the corpus.

    Raises:
        CorpusError: the corpus is not there, lacks a modality, or was not trained on though its prior is asked for.
    """
    wanted = None if modalities is None else tuple(m for m in MODALITIES if m in modalities)
    checkpoint = load_checkpoint(folder)
    log_prior = None
    if prior == "corpus":
        if corpus not in checkpoint.label_frequencies:
            known = ", ".join(checkpoint.label_frequencies)
            raise CorpusError(f"The label frequencies of {corpus} are not known: the training corpora are {known}.")
        log_prior = np.log(np.maximum(checkpoint.label_frequencies[corpus], 1e-9))
    split, utterances = BENCHES[corpus](Bench(root, split, wanted, checkpoint, folder, cache, jobs))
    used = wanted or tuple(m for m in MODALITIES if m in utterances.sequences)
    if lacking := set(used) - set(utterances.sequences):
        raise CorpusError(f"This copy of {corpus} has no {' and no '.join(sorted(lacking))}.")
    figures = evaluate_subset(checkpoint, utterances, used, log_prior)
    learned = checkpoint.provenance.get("data", {}).get("learned_from", {})
    learned_from = learned.get(corpus, []) if corpus != "composed" else learned
    asked = {"corpus": corpus, "split": split, "modalities": list(used), "prior": prior, "learned_from": learned_from}
    return asked | figures


def _fer2013(bench: Bench) -> tuple[str, LabelledUtterances]:
    split = bench.split or "test"
    bank = face_bank(bench.root, split, bench.checkpoint.face_encoder, 0, bench.cache)
    return split, bench.single("video", bank)


def _meld(bench: Bench) -> tuple[str, LabelledUtterances]:
    split = bench.split or "test"
    if bench.modalities in (None, ("text",)):
        words = bench.extractor().word_encoder
        return split, bench.single("text", text_bank(read_meld(bench.root, split), words, bench.cache))
    records = [record for record in read_meld(bench.root, split, clips=True) if record.pictures]
    return split, _clips(bench, records, "written")


def _acted(read):
    """RAVDESS, EmoDB and CREMA-D: the voice alone where only sound is wanted or there, else whole clips."""

    def bench_of(bench: Bench) -> tuple[str, LabelledUtterances]:
        records = read(bench.root)
        if bench.split not in (None, "all"):
            groups = set(bench.split.split(","))
            records = [record for record in records if record.group in groups]
            if not records:
                raise CorpusError(f"No speaker {bench.split} in {bench.root}; name speakers such as 05,12 or all.")
        moving = [record for record in records if record.pictures]
        if bench.modalities == ("audio",) or (bench.modalities is None and not moving):
            heard = [record for record in records if record.voice]
            bank = voice_bank(heard, bench.extractor(), 0, bench.cache)
            return bench.split or "all", bench.single("audio", bank)
        return bench.split or "all", _clips(bench, moving or records, "heard")

    return bench_of


def _composed(bench: Bench) -> tuple[str, LabelledUtterances]:
    """The unseen parts where they are there (PrivateTest, MELD's test part), else the validation parts."""
    faces = bench.split or ("test" if _has(bench.root / "fer2013", "test.npz", "fer2013.csv") else "validation")
    lines = bench.split or ("test" if _has(bench.root / "meld", "test_sent_emo.csv") else "dev")
    extractor = bench.extractor()
    banks = {
        "text": text_bank(read_meld(bench.root / "meld", lines), extractor.word_encoder, bench.cache),
        "video": face_bank(bench.root / "fer2013", faces, extractor.face_encoder, 0, bench.cache),
        "audio": voice_bank(read_ravdess(bench.root / "ravdess"), extractor, 0, bench.cache),
    }
    utterances = compose(banks, COMPOSED_UTTERANCES, seed=3)
    split = f"FER2013 {faces}, MELD {lines}, all RAVDESS actors found"
    return split, LabelledUtterances.composed(banks, utterances, bench.checkpoint.normalisation)


def _clips(bench: Bench, records: list[ClipRecord], words: str) -> LabelledUtterances:
    """Whole clips through the same code as a visitor's; what a clip lacks is absent."""
    features = ClipFeatures(bench.folder, words, bench.checkpoint.settings, adapted=True)
    folder = cache_folder(bench.cache, {"clips": str(bench.root.resolve()), **features.key()})
    manifest = extract_corpus(records, features, folder, bench.jobs)
    readable = [record for record in records if record.id not in manifest.failed]
    found = [load_file(features_file(folder, record.id)) for record in readable]
    if not found:
        raise CorpusError(f"None of {len(records)} clips in {bench.root} could be read: see {folder}/manifest.json.")
    widths = {m: len(bench.checkpoint.normalisation.mean[m]) for m in MODALITIES}
    sequences = {
        m: [bench.normalised(m, f[m]) if m in f else np.zeros((0, widths[m]), np.float32) for f in found]
        for m in MODALITIES
    }
    return LabelledUtterances(np.array([record.label for record in readable]), sequences)


def _has(folder: Path, *names: str) -> bool:
    return any((folder / name).exists() for name in names)


BENCHES = {
    "ravdess": _acted(read_ravdess),
    "emodb": _acted(read_emodb),
    "crema-d": _acted(read_crema_d),
    "fer2013": _fer2013,
    "meld": _meld,
    "composed": _composed,
}
"""Corpus -> reader: (name of the part, its utterances)."""
