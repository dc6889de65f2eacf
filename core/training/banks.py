"""Features of whole corpora, extracted once: resumable, with a progress bar, cached by what produced them."""

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from core.corpora.composed import FeatureBank, build_bank, join_banks
from core.corpora.fer2013 import read_fer2013
from core.corpora.layout import ClipRecord
from core.corpora.meld import read_meld
from core.corpora.ravdess import read_ravdess
from core.expression import ExpressionNet
from core.features import FeatureExtractor
from core.media import open_clip
from core.speech import Speech, Transcript
from core.training.augment import other_recording
from core.training.expression import augment
from core.training.extraction import cache_folder
from core.training.words import masked, words_of
from core.words import WordEncoder

FACE_COPIES = 4  # altered copies of each training image, one step each
LINE_COPIES = 3  # of each line that the word adapter has learned from, other words masked in each
MASKED_WORDS = 0.45  # share of the words of such a copy: with fewer, fusion trusts the words too far
VOICE_COPIES = 2  # other recordings of each training voice
SHARD = 64  # images or lines whose features stand in one file


def voice_bank(records: list[ClipRecord], extractor: FeatureExtractor, copies: int, cache: Path) -> FeatureBank:
    """Audio sequences of recordings, and of ``copies`` other recordings of each (see ``augment``)."""
    wanted = [(record, variant) for record in records for variant in range(copies + 1)]

    def sequences(item: int) -> list[np.ndarray]:
        record, variant = wanted[item]
        voice = open_clip(record.voice).voice
        if variant:
            voice = other_recording(voice, np.random.default_rng([variant, zlib.crc32(record.id.encode())]))
        intervals = extractor.listener.intervals(voice) or ((0.0, voice.duration),)
        speech = Speech(intervals, Transcript(), extractor.listener.states(voice))
        return [extractor.voice_features(voice, speech).values]

    settings = {name: value for name, value in asdict(extractor.settings).items() if name != "text_layers"}
    corpus = str(records[0].voice.parent.parent.resolve())
    names = [f"{record.id}_{variant}" for record, variant in wanted]
    found = _cached({"voices": corpus, "features": settings}, names, sequences, cache, "voices")
    labels, groups = [r.label for r, _ in wanted], [r.group for r, _ in wanted]
    return build_bank(found, labels, groups, [variant for _, variant in wanted], extractor.settings.audio_rate)


def face_bank(
    root: Path, split: str, encoder: ExpressionNet, copies: int, cache: Path, known: bool = False
) -> FeatureBank:
    """Embeddings of FER2013 images: a sequence is one image, followed by ``copies`` altered copies of it.

    Args:
        known: the encoder learned from these images and would flatter them: the copies alone are taken, all with
            a covered rectangle and every second one altered twice. On such copies it is as often right as on
            images it has not seen (0.70), so that fusion learns how far a face can be trusted.
    """
    faces = read_fer2013(root, split)
    images = torch.from_numpy(faces.images)

    def sequences(item: int) -> list[np.ndarray]:
        chosen = images[item * SHARD : (item + 1) * SHARD]
        generator = torch.Generator().manual_seed(item)
        views = [] if known else [chosen.float()]
        for copy in range(copies):
            altered = augment(chosen, generator, erase=1.0 if known else 0.1)
            views.append(augment(altered, generator, erase=1.0) if known and copy % 2 else altered)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):  # a third of the time, the same labels
            embedded = torch.stack([encoder.embed(view) for view in views], 1)  # [SHARD, len(views), D]
        return list(embedded.float().numpy())

    key = {"faces": split, "n": len(faces), "copies": copies, "known": known, "encoder": _hash(encoder)}
    found = _cached(key, _shards(len(faces)), sequences, cache, f"faces {split}")
    names = [f"{split}/{index}" for index in range(len(faces))]
    return build_bank(found, faces.labels, names, np.zeros(len(faces)), 0)


def text_bank(records: list[ClipRecord], encoder: WordEncoder, cache: Path, known: bool = False) -> FeatureBank:
    """Word features of written lines; lines without a word are left out.

    Args:
        known: the word adapter learned from these lines and would flatter them: ``LINE_COPIES`` copies with masked
            words are taken instead of each. Without an adapter no line is known.
    """
    records = [record for record in records if record.text.split()]
    adapter = encoder.adapter
    copies = LINE_COPIES if known and adapter else 1

    def sequences(item: int) -> list[np.ndarray]:
        lines = [words_of(record) for record in records[item * SHARD : (item + 1) * SHARD] for _ in range(copies)]
        if copies > 1:
            rng = np.random.default_rng(item)
            lines = [masked(words, MASKED_WORDS, rng) for words in lines]
        return encoder.encode_all(lines)

    lines = hashlib.sha256("\n".join(record.text for record in records).encode()).hexdigest()
    key = {"lines": lines, "layers": list(encoder.layers)}
    if adapter:
        key |= {"adapter": _hash(adapter), "copies": copies, "masked": MASKED_WORDS if copies > 1 else 0}
    found = _cached(key, _shards(len(records)), sequences, cache, "lines")
    labels, groups = (np.repeat([getattr(r, name) for r in records], copies) for name in ("label", "group"))
    return build_bank(found, labels, groups, np.zeros(len(found)), 0)


@dataclass(frozen=True)
class ComposedSplit:
    """Which actors and dialogues are held out; both halves of FER2013's PublicTest and MELD's dev part are used.

    The first half of PublicTest (by image) and of dev (by dialogue) validates, the second half is the test part.
    """

    validation_actors: tuple[str, ...] = ("10", "19")
    test_actors: tuple[str, ...] = ("05", "12", "17", "24")


def composed_banks(
    root: Path, extractor: FeatureExtractor, cache: Path, split: ComposedSplit
) -> dict[str, dict[str, FeatureBank]]:
    """The banks of a folder that holds ``ravdess/ fer2013/ meld/``: part ("train", ...) -> modality -> bank.

    Altered copies are made of the training parts only.
    """
    voices = read_ravdess(root / "ravdess")
    parts = {"validation": split.validation_actors, "test": split.test_actors}
    held_out = {actor for actors in parts.values() for actor in actors}
    training_voices = [record for record in voices if record.group not in held_out]
    banks = {
        "train": {
            "text": text_bank(read_meld(root / "meld", "train"), extractor.word_encoder, cache, known=True),
            "video": face_bank(root / "fer2013", "train", extractor.face_encoder, FACE_COPIES, cache, known=True),
            "audio": voice_bank(training_voices, extractor, VOICE_COPIES, cache),
        }
    }
    lines = text_bank(read_meld(root / "meld", "dev"), extractor.word_encoder, cache)
    faces = face_bank(root / "fer2013", "validation", extractor.face_encoder, 0, cache)
    dialogues = np.unique(lines.groups)
    early_lines = np.isin(lines.groups, dialogues[: len(dialogues) // 2])
    early_faces = np.arange(len(faces)) < len(faces) // 2
    for part, actors in parts.items():
        first = part == "validation"
        banks[part] = {
            "text": lines.select(early_lines == first),
            "video": faces.select(early_faces == first),
            "audio": voice_bank([record for record in voices if record.group in actors], extractor, 0, cache),
        }
    return banks


def all_banks(root: Path, extractor: FeatureExtractor, cache: Path) -> dict[str, FeatureBank]:
    """The same folder with nothing held out: modality -> bank, altered copies of everything among them."""
    encoder = extractor.face_encoder
    return {
        "text": join_banks(
            [
                text_bank(read_meld(root / "meld", "train"), extractor.word_encoder, cache, known=True),
                text_bank(read_meld(root / "meld", "dev"), extractor.word_encoder, cache),
            ]
        ),
        "video": join_banks(
            [
                face_bank(root / "fer2013", "train", encoder, FACE_COPIES, cache, known=True),
                face_bank(root / "fer2013", "validation", encoder, FACE_COPIES, cache),
            ]
        ),
        "audio": voice_bank(read_ravdess(root / "ravdess"), extractor, VOICE_COPIES, cache),
    }


def _cached(
    key: dict, names: list[str], make: Callable[[int], list[np.ndarray]], cache: Path, title: str
) -> list[np.ndarray]:
    """The sequences of all items, one after the other; each item is made once and kept in a file of its name."""
    folder = cache_folder(cache, key)
    found: list[np.ndarray] = []
    for item, name in enumerate(tqdm(names, desc=title)):
        file = folder / f"{name}.safetensors"
        if not file.exists():
            made = [sequence.astype(np.float16) for sequence in make(item)]
            lengths = np.array([len(sequence) for sequence in made])
            save_file({"values": np.concatenate(made), "lengths": lengths}, file.with_suffix(".partial"))
            file.with_suffix(".partial").rename(file)
        kept = load_file(file)
        found += np.split(kept["values"], np.cumsum(kept["lengths"])[:-1])
    return found


def _hash(model: torch.nn.Module) -> str:
    """SHA-256 of a model's weights."""
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())).hexdigest()


def _shards(count: int) -> list[str]:
    """Names of the files that hold ``count`` small items, ``SHARD`` in each."""
    return [f"{start:06}" for start in range(0, count, SHARD)]
