"""Every corpus the protocol knows, by the name it has on the command line.

Preparing a corpus does what takes long, once (features of clips, composition), and returns an opener: a picklable
function that each process calls to read what was prepared.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from core import LABELS, MODALITIES
from core.corpora import iemocap, iemocap_folds
from core.corpora.layout import ClipRecord, CorpusError
from core.datasets.bank import FeatureBank, join_banks
from core.datasets.cache import cache_folder, digest
from core.datasets.clips import ClipFeatures, StoredSequences, clip_file, extract_corpus, save_features
from core.datasets.composed import COMPOSED_OF, BankMaker, compose
from core.datasets.readable import without
from core.datasets.sources import SOURCES, Official, Source, sources_of
from core.device import Device
from core.encoders.features import Encoders, FeatureSettings
from core.experiment.folds import Corpus, Examples, Fold, divide
from core.experiment.synthetic import synthetic_corpus
from core.files import write_json
from core.fusion.checkpoint import load_encoder
from core.fusion.config import encoder_hashes

FEATURES = FeatureSettings(audio_blocks=(1,), audio_pooling=1, voice_alone=False, blendshapes=False)
"""The experiment's features: every encoder state, since its models have strided convolutions of their own."""

Opener = Callable[[], Corpus]
PARTS = ("train", "validation", "test")


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
        device: where features are extracted.
    """

    root: Path
    device: Device
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


def prepare_clips(
    name: str, classes: tuple[str, ...], read: Callable[[Path], list[ClipRecord]], split: str, request: Request
) -> Opener:
    """Extracts features of a corpus of clips; utterances that lack a modality are left out, as in the paper.

    A modality that most of the corpus lacks, such as words in a language that is not understood, is left out instead.
    """
    features = ClipFeatures(request.checkpoint, request.words, FEATURES, device=request.device.name)
    folder = cache_folder(request.cache / "clips", features.key())
    records = read(request.root)
    if not all(record.split for record in records):  # fails now, not when everything is extracted
        everything = Examples(np.array([r.label for r in records]), {}, [r.id for r in records])
        _divided(name, everything, [r.group for r in records], request.folds)
    manifest = extract_corpus(records, features, folder, request.workers)
    if manifest.waiting:
        raise CorpusError(
            f"{name}: {len(manifest.waiting)} utterances wait for memory or disk, the first because of "
            f"{next(iter(manifest.waiting.values()))}; start the same command again."
        )
    readable = [record.id for record in without(manifest.failed, records)]
    lacking = {m: {i for i, reasons in manifest.missing.items() if m in reasons} for m in MODALITIES}
    modalities = tuple(m for m in MODALITIES if len(lacking[m]) < len(readable) / 2)
    kept = set(readable).difference(*(lacking[m] for m in modalities)) if modalities else set()
    left_out = f"{len(records) - len(kept)} of {len(records)} utterances lack a modality or could not be read"
    if not kept:
        raise CorpusError(f"{name}: no utterance has all modalities; {folder / 'manifest.json'} says why.")
    print(f"{name}: {left_out}; see {folder / 'manifest.json'}")
    used = [record for record in records if record.id in kept]
    files = [clip_file(folder, record) for record in used]
    made_of = f"{request.words} words, the checkpoint's faces, every Whisper state as voice"
    said = f"{', '.join(modalities)} of {made_of} ({folder.name})"
    return _store(folder, name, classes, said, f"{split}; {left_out}", used, files, request.folds, modalities)


def prepare_source(source: Source, request: Request) -> Opener:
    """A corpus of clips out of the registry."""
    if isinstance(source.split, Official):
        split = f"the official parts of {source.name}, in which speakers may recur"
        parts = dict(zip(PARTS, source.split.parts, strict=True))
    else:
        split, parts = "cross-validation with disjoint speakers", {"": ""}

    def read(root: Path) -> list[ClipRecord]:
        return [replace(r, split=role) for role, part in parts.items() for r in source.records("clips", root, part)]

    return prepare_clips(source.name, LABELS, read, split, request)


def prepare_composed(request: Request, per_part: int = 16 * len(LABELS)) -> Opener:
    """Composes utterances of the corpora of ``COMPOSED_OF``, which lie in ``root``.

    The faces are FER2013's PublicTest, on which the face encoder was not trained. Actors, images and
    dialogues are dealt to as many parts as there are folds before anything is composed.
    """
    encoder = load_encoder(request.checkpoint, "face")
    maker = BankMaker(request.root, Encoders(encoder), FEATURES, request.device, request.cache)
    lines, faces, voices = (SOURCES[COMPOSED_OF[m]] for m in MODALITIES)
    banks = {
        "text": join_banks([maker.make("text", lines, part) for part in ("train", "dev")]),
        "video": maker.faces(
            faces.images(request.root / faces.name, "validation"), f"{faces.name}/validation", TRACK - 1
        ),
        "audio": maker.make("audio", voices),
    }
    face = encoder_hashes(request.checkpoint)["face"]
    fingerprints = {m: bank.fingerprint for m, bank in banks.items()}
    folder = cache_folder(request.cache / "composed", {"per_part": per_part, "parts": request.folds, **fingerprints})
    records, files = [], []
    for part in range(request.folds):
        dealt = {m: _deal(bank, part, request.folds) for m, bank in banks.items()}
        for i, utterance in enumerate(compose(dealt, per_part, seed=part)):
            records.append(ClipRecord(f"part{part + 1}-{i}", utterance.label, group=f"part {part + 1}"))
            files.append(clip_file(folder, records[-1]))
            if not files[-1].exists():
                save_features(files[-1], {m: dealt[m].sequence(utterance.indices[m]) for m in MODALITIES})
    split = f"{request.folds} folds; every actor, face image and dialogue is in one part only"
    said = f"Whisper blocks {FEATURES.audio_blocks}, MiniLM layers {FEATURES.text_layers}, face encoder {face[:12]}"
    return _store(folder, "composed", LABELS, said, split, records, files, request.folds)


TRACK = 8  # pictures of a composed face track: the image and altered copies of it


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
            ids = [f"{part}-{i}" for i in range(len(read.labels))]
            parts.append(Examples(read.labels, read.sequences, ids))
        return Fold(*parts)

    features = "GloVe, ResNet-101 and MFCC as they were prepared"
    split = "the folds as they were prepared; utterances without a picture are left out"
    classes = iemocap_folds.name_classes(root)
    return Corpus(
        "iemocap-folds", classes, iemocap_folds.WIDTHS, features, split, tuple(partial(fold, k) for k in range(count))
    )


def _store(
    folder: Path, name: str, classes: tuple[str, ...], features: str, split: str, records: Sequence[ClipRecord],
    files: Sequence[Path], folds: int, modalities: tuple[str, ...] = MODALITIES,
) -> Opener:  # fmt: skip
    """Writes down which of the extracted utterances are used, and returns their opener."""
    index = {
        "name": name, "classes": list(classes), "features": features, "split": split, "ids": [r.id for r in records],
        "files": [file.name for file in files], "labels": [r.label for r in records],
        "groups": [r.group for r in records], "parts": [r.split for r in records],
        "modalities": list(modalities),
    }  # fmt: skip
    file = folder / f"{name}.{digest(json.dumps(index))[:16]}.json"
    write_json(file, index)
    open_stored(file, folds)  # fails here, not in every process
    return partial(open_stored, file, folds)


def open_stored(index_file: Path, folds: int) -> Corpus:
    """A corpus whose features were extracted: one fold where it has official parts, else disjoint groups."""
    index = json.loads(index_file.read_text("utf-8"))
    files = tuple(index_file.parent / name for name in index["files"])
    sequences = {m: StoredSequences(files, m) for m in index.get("modalities", MODALITIES)}
    examples = Examples(np.array(index["labels"]), sequences, index["ids"])
    widths = {m: values[0].shape[1] for m, values in examples.sequences.items()}
    parts = np.array(index["parts"])
    if all(parts):
        if empty := [part for part in PARTS if not (parts == part).any()]:
            raise CorpusError(f"{index['name']}: no utterance of the part {empty[0]} can be used.")
        official = Fold(*(examples.take(np.flatnonzero(parts == part)) for part in PARTS))
        divided: tuple[Callable[[], Fold], ...] = (lambda: official,)
    else:
        divided = _divided(index["name"], examples, index["groups"], folds)
    return Corpus(index["name"], tuple(index["classes"]), widths, index["features"], index["split"], divided)


def _divided(name: str, examples: Examples, groups: Sequence[str], folds: int) -> tuple[Callable[[], Fold], ...]:
    try:
        return divide(examples, groups, folds)
    except ValueError as error:
        raise CorpusError(f"{name}: {error}") from error


def _synthetic(task: str, request: Request) -> Opener:
    return partial(synthetic_corpus, task, 900, request.folds)


CORPORA: dict[str, Callable[[Request], Opener]] = {
    "iemocap": partial(
        prepare_clips, "iemocap", iemocap.CLASSES, iemocap.read_iemocap,
        "one session of IEMOCAP left out at a time, the next one for validation; scripted lines recur in all sessions",
    ),
    "iemocap-folds": prepare_folds,
    **{source.name: partial(prepare_source, source) for source in sources_of("clips")},
    "composed": prepare_composed,
    "synthetic-relation": partial(_synthetic, "relation"),
    "synthetic-additive": partial(_synthetic, "additive"),
}  # fmt: skip
"""Name -> how it is prepared; every corpus of clips in the registry is among them."""
