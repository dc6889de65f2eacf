"""Every corpus the protocol knows, by the name it has on the command line.

Preparing a corpus does what takes long, once (features of clips, composition), and returns an opener: a picklable
function that each process calls to read what was prepared.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from core import LABELS, MODALITIES
from core.checkpoint import load_face_encoder
from core.corpora import iemocap, iemocap_folds
from core.corpora.composed import FeatureBank, build_bank, compose
from core.corpora.crema_d import read_crema_d
from core.corpora.layout import ClipRecord, CorpusError
from core.corpora.meld import read_meld
from core.corpora.ravdess import read_ravdess
from core.features import FeatureExtractor, FeatureSettings
from core.training.banks import face_bank, text_bank, voice_bank
from core.training.dataset import Corpus, Examples, Fold, divide
from core.training.extraction import (
    ClipFeatures,
    StoredSequences,
    cache_folder,
    extract_corpus,
    features_file,
    save_features,
)  # fmt: skip
from core.training.state import write_json
from core.training.synthetic import synthetic_corpus

FEATURES = FeatureSettings(audio_blocks=(1,), audio_pooling=1)
"""The experiment's features: every encoder state, since its models have strided convolutions of their own."""

Opener = Callable[[], Corpus]


@dataclass(frozen=True)
class Request:
    """What the command line says about a corpus.

    Attributes:
        root: the corpus's folder.
        folds: how many, where the corpus does not say so itself.
        variant: "masked" or "reference" (see ``protocol.Settings``).
        cache: where features are kept.
        checkpoint: whose face encoder is used.
        words: "written" in the corpus, or "heard" by Whisper.
        workers: processes that extract features.
    """

    root: Path
    folds: int = 5
    variant: str = "masked"
    cache: Path = Path("cache")
    checkpoint: Path = Path("checkpoints")
    words: str = "written"
    workers: int = 1


def prepare_corpus(name: str, request: Request) -> Opener:
    """Prepares the corpus of this name (see ``CORPORA``).

    Raises:
        CorpusError: it is missing or incomplete, or too little of it could be used.
    """
    return CORPORA[name](request)


def read_meld_clips(root: Path) -> list[ClipRecord]:
    """The three official parts of MELD, with their clips."""
    return [record for split in ("train", "dev", "test") for record in read_meld(root, split, clips=True)]


def prepare_clips(
    name: str, classes: tuple[str, ...], read: Callable[[Path], list[ClipRecord]], split: str, request: Request
) -> Opener:
    """Extracts features of a corpus of clips; utterances that lack a modality are left out, as in the paper."""
    features = ClipFeatures(request.checkpoint, request.words, FEATURES)
    folder = cache_folder(request.cache / name, features.key())
    records = read(request.root)
    manifest = extract_corpus(records, features, folder, request.workers)
    kept = set(manifest.done)
    left_out = f"{len(records) - len(kept)} of {len(records)} utterances lack a modality or could not be read"
    if not kept:
        raise CorpusError(f"{name}: no utterance has all three modalities; {folder / 'manifest.json'} says why.")
    print(f"{name}: {left_out}; see {folder / 'manifest.json'}")
    used = [record for record in records if record.id in kept]
    said = f"{request.words} words, the checkpoint's faces, every Whisper state as voice ({folder.name})"
    return _store(folder, name, classes, said, f"{split}; {left_out}", used, request.folds)


def prepare_composed(request: Request, per_part: int = 16 * len(LABELS)) -> Opener:
    """Composes utterances from RAVDESS voices, FER2013 faces and MELD lines; ``root`` holds the three corpora.

    The faces are FER2013's PublicTest, on which the face encoder was not trained. Actors, images and
    dialogues are dealt to as many parts as there are folds before anything is composed.
    """
    encoder = load_face_encoder(request.checkpoint)
    extractor = FeatureExtractor(encoder, FEATURES)
    lines = [
        text_bank(read_meld(request.root / "meld", part), extractor.word_encoder, request.cache)
        for part in ("train", "dev")
    ]
    banks = {
        "text": _join(*lines),
        "video": face_bank(request.root / "fer2013", "validation", encoder, TRACK - 1, request.cache),
        "audio": voice_bank(read_ravdess(request.root / "ravdess"), extractor, 0, request.cache),
    }
    face = json.loads((request.checkpoint / "config.json").read_text())["face"]["sha256"]
    key = {"composed": per_part, "parts": request.folds, "face": face, "features": asdict(FEATURES)}
    folder = cache_folder(request.cache / "composed", key)
    records = []
    for part in range(request.folds):
        dealt = {m: _deal(bank, part, request.folds) for m, bank in banks.items()}
        for i, utterance in enumerate(compose(dealt, per_part, seed=part)):
            record = ClipRecord(f"part{part + 1}-{i}", utterance.label, group=f"part {part + 1}")
            if not features_file(folder, record.id).exists():
                found = {m: dealt[m].sequence(utterance.indices[m]) for m in MODALITIES}
                save_features(folder, record.id, found)
            records.append(record)
    split = f"{request.folds} folds; every actor, face image and dialogue is in one part only"
    said = f"Whisper blocks {FEATURES.audio_blocks}, MiniLM layers {FEATURES.text_layers}, face encoder {face[:12]}"
    return _store(folder, "composed", LABELS, said, split, records, request.folds)


TRACK = 8  # pictures of a composed face track: the image and altered copies of it


def _join(first: FeatureBank, second: FeatureBank) -> FeatureBank:
    sequences = [bank.sequence(i) for bank in (first, second) for i in range(len(bank))]
    labels, groups, variants = (
        np.concatenate([getattr(bank, name) for bank in (first, second)]) for name in ("labels", "groups", "variants")
    )
    return build_bank(sequences, labels, groups, variants, first.rate)


def _deal(bank: FeatureBank, part: int, parts: int) -> FeatureBank:
    """The sequences of every ``parts``-th group."""
    return bank.select(np.unique(bank.groups, return_inverse=True)[1] % parts == part)


def prepare_folds(request: Request) -> Opener:
    """The pre-processed IEMOCAP folds, read where they lie."""
    iemocap_folds.find_folds(request.root)
    return partial(open_folds, request.root, request.folds, request.variant == "reference")


def open_folds(root: Path, folds: int, padded: bool) -> Corpus:
    """The first ``folds`` folds; with their padding for the reference-exact variant."""
    count = min(folds, iemocap_folds.count_folds(root))

    def fold(k: int) -> Fold:
        parts = []
        for part in iemocap_folds.PARTS:
            read = iemocap_folds.read_fold_part(root, k + 1, part, padded)
            parts.append(Examples(range(len(read.labels)), read.labels, read.sequences))
        return Fold(*parts)

    features = "GloVe, ResNet-101 and MFCC as they were prepared"
    split = "the folds as they were prepared; utterances without a picture are left out"
    classes = iemocap_folds.name_classes(root)
    return Corpus(
        "iemocap-folds", classes, iemocap_folds.WIDTHS, features, split, tuple(partial(fold, k) for k in range(count))
    )


def _store(
    folder: Path,
    name: str,
    classes: tuple[str, ...],
    features: str,
    split: str,
    records: Sequence[ClipRecord],
    folds: int,
) -> Opener:
    """Writes down which of the extracted utterances are used, and returns their opener."""
    index = {
        "name": name, "classes": list(classes), "features": features, "split": split, "ids": [r.id for r in records],
        "labels": [r.label for r in records], "groups": [r.group for r in records], "parts": [r.split for r in records],
    }  # fmt: skip
    write_json(folder / "index.json", index)
    open_stored(folder, folds)  # fails here, not in every process
    return partial(open_stored, folder, folds)


def open_stored(folder: Path, folds: int) -> Corpus:
    """A corpus whose features were extracted: one fold where it has official parts, else disjoint groups."""
    index = json.loads((folder / "index.json").read_text())
    files = tuple(features_file(folder, name) for name in index["ids"])
    examples = Examples(index["ids"], np.array(index["labels"]), {m: StoredSequences(files, m) for m in MODALITIES})
    widths = {m: values[0].shape[1] for m, values in examples.sequences.items()}
    parts = np.array(index["parts"])
    if all(parts):
        official = Fold(*(examples.take(np.flatnonzero(parts == part)) for part in ("train", "dev", "test")))
        divided = (lambda: official,)
    else:
        try:
            divided = divide(examples, index["groups"], folds)
        except ValueError as error:
            raise CorpusError(f"{index['name']}: {error}") from error
    return Corpus(index["name"], tuple(index["classes"]), widths, index["features"], index["split"], divided)


def _synthetic(task: str, request: Request) -> Opener:
    return partial(synthetic_corpus, task, 900, request.folds)


BY_ACTOR = "cross-validation with disjoint actors"
CORPORA: dict[str, Callable[[Request], Opener]] = {
    "iemocap": partial(
        prepare_clips, "iemocap", iemocap.CLASSES, iemocap.read_iemocap,
        "one session of IEMOCAP left out at a time, the next one for validation; scripted lines recur in all sessions",
    ),
    "iemocap-folds": prepare_folds,
    "meld": partial(prepare_clips, "meld", LABELS, read_meld_clips, "MELD's official parts; speakers recur in them"),
    "crema-d": partial(prepare_clips, "crema-d", LABELS, read_crema_d, BY_ACTOR),
    "ravdess": partial(prepare_clips, "ravdess", LABELS, read_ravdess, BY_ACTOR),
    "composed": prepare_composed,
    "synthetic-relation": partial(_synthetic, "relation"),
    "synthetic-additive": partial(_synthetic, "additive"),
}  # fmt: skip
"""Name -> how it is prepared."""
