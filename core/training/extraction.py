"""Features of a corpus of clips: extracted once, in parallel, by the same code that analyses a visitor's clip.

Each utterance becomes one file, or one file saying why not, so that a killed extraction goes on where it was.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from core import MODALITIES
from core.checkpoint import load_face_encoder, load_word_adapter
from core.corpora.layout import ClipRecord
from core.features import FeatureExtractor, FeatureSettings, Missing
from core.media import SAMPLE_RATE, MediaError, open_clip
from core.training.processes import in_processes
from core.training.state import write_json

MILLISECOND = Fraction(1, 1000)

Extract = Callable[[ClipRecord], dict[str, np.ndarray | Missing]]
"""A clip -> modality -> features float32 [T, D], or why there are none."""


@dataclass(frozen=True)
class ClipFeatures:
    """Makes an ``Extract`` out of the models of a checkpoint.

    Attributes:
        checkpoint: folder with the face encoder.
        words: "written" takes the words from the corpus where it has them, "heard" from Whisper.
        settings: which features.
        adapted: whether the checkpoint's word adapter is used. The experiment has MiniLM as it was published, since
            the adapter may have learned from lines of its test folds.
    """

    checkpoint: Path
    words: str
    settings: FeatureSettings
    adapted: bool = False

    def key(self) -> dict:
        """What decides the features: a JSON object."""
        config = json.loads((self.checkpoint / "config.json").read_text())
        key = {"features": asdict(self.settings), "face": config["face"]["sha256"], "words": self.words}
        return key | ({"adapter": config["words"]["sha256"]} if self.adapted and "words" in config else {})

    def __call__(self) -> Extract:
        """Loads the models; called once in each process."""
        adapter = load_word_adapter(self.checkpoint) if self.adapted else None
        extractor = FeatureExtractor(load_face_encoder(self.checkpoint), self.settings, word_adapter=adapter)

        def extract(record: ClipRecord) -> dict[str, np.ndarray | Missing]:
            with as_one_file(record) as path:
                utterance = extractor.extract(path)
            found = {m: f if isinstance(f := utterance[m], Missing) else f.values for m in MODALITIES}
            if self.words == "written" and record.text:
                found["text"] = extractor.word_encoder.encode(record.text.split())
            return found

        return extract


@dataclass(frozen=True)
class Manifest:
    """What an extraction left behind.

    Attributes:
        done: ids of the utterances with all three modalities, in the order of the records.
        missing: id -> modality -> reason, for those that lack some.
        failed: id -> why it could not be read at all.
    """

    done: list[str]
    missing: dict[str, dict[str, str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def extract_corpus(
    records: Sequence[ClipRecord], make_extract: Callable[[], Extract], folder: Path, workers: int = 1
) -> Manifest:
    """Extracts what is not in ``folder`` yet and writes ``manifest.json`` there.

    A failure is written down and not tried again; delete its ``.failed.json`` to have it tried again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [r for r in records if not (features_file(folder, r.id).exists() or _failed_file(folder, r.id).exists())]
    bar = tqdm(total=len(records), initial=len(records) - len(waiting), desc="extracting", unit="clip", smoothing=0.05)
    with bar as progress:
        for failure in in_processes(partial(_extractor, make_extract, folder), waiting, workers):
            progress.update()
            if failure:
                progress.write(failure)
    manifest = _read_manifest(records, folder)
    write_json(folder / "manifest.json", asdict(manifest))
    return manifest


def cache_folder(cache: Path, key: dict) -> Path:
    """The folder of a cache that belongs to whatever ``key`` describes, which is written down in it."""
    text = json.dumps(key, sort_keys=True)
    folder = cache / hashlib.sha256(text.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "key.json").write_text(text)
    return folder


@dataclass(frozen=True)
class StoredSequences(Sequence):
    """One modality's sequences in the files of an extraction; item i is read when asked for."""

    files: tuple[Path, ...]
    modality: str

    def __getitem__(self, index: int) -> np.ndarray:
        return load_file(self.files[index])[self.modality].astype(np.float32)

    def __len__(self) -> int:
        return len(self.files)


def features_file(folder: Path, name: str) -> Path:
    """Where an utterance's features lie."""
    return folder / f"{name.replace('/', '--')}.safetensors"


def save_features(folder: Path, name: str, found: dict[str, np.ndarray | Missing]) -> None:
    """Writes an utterance's features as float16, atomically, and what is missing into the file's header."""
    values = {m: np.ascontiguousarray(v, np.float16) for m, v in found.items() if not isinstance(v, Missing)}
    reasons = {m: v.reason for m, v in found.items() if isinstance(v, Missing)}
    partial = folder / f".{os.getpid()}.partial"
    save_file(values, partial, metadata=reasons)
    os.replace(partial, features_file(folder, name))


@contextmanager
def as_one_file(record: ClipRecord) -> Iterator[Path]:
    """The utterance as a file of its own: the corpus's, or a temporary one cut out of it.

    Raises:
        MediaError: there is nothing to read, or it cannot be read.
    """
    if record.voice is None and record.pictures is None:
        raise MediaError("not_found", f"{record.id} has neither sound nor pictures in this copy of the corpus.")
    whole = record.span is None and not record.half
    if whole and (record.pictures is None or record.voice is None or record.pictures == record.voice):
        yield record.pictures or record.voice
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "utterance.mkv"
        _cut(record, path)
        yield path


def _cut(record: ClipRecord, path: Path) -> None:
    """Writes the part of the pictures that belongs to the utterance, and its sound, into one Matroska file."""
    start, end = record.span or (0.0, float("inf"))
    voice = open_clip(record.voice).voice if record.voice else None
    try:
        with av.open(str(record.pictures)) as source, av.open(str(path), "w") as target:
            stream = source.streams.video[0]
            origin = (source.start_time or 0) / av.time_base
            if start:
                source.seek(int((origin + start) * av.time_base), backward=True)
            pictures, sound = None, target.add_stream("pcm_s16le", SAMPLE_RATE, layout="mono") if voice else None
            for frame in source.decode(stream):
                time = (frame.time or 0.0) - origin - start
                if time < 0:
                    continue
                if time > end - start - 0.001:  # the picture at the end belongs to what follows
                    break
                image = _half(frame.to_ndarray(format="rgb24"), record.half)
                if pictures is None:
                    pictures = target.add_stream("libx264", 30, options={"qp": "12", "preset": "ultrafast"})
                    pictures.height, pictures.width, pictures.pix_fmt = *image.shape[:2], "yuv420p"
                    pictures.codec_context.time_base = MILLISECOND
                cut = av.VideoFrame.from_ndarray(image, "rgb24")
                cut.pts, cut.time_base = round(time * 1000), MILLISECOND
                target.mux(pictures.encode(cut))
            if pictures is None:
                raise MediaError("no_pictures", f"{record.pictures.name} holds no picture from {start:.2f} s on.")
            target.mux(pictures.encode(None))
            if sound:
                samples = (np.clip(voice.samples, -1, 1) * 32767).astype(np.int16)
                part = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
                part.sample_rate, part.pts = SAMPLE_RATE, 0
                target.mux(sound.encode(part))
                target.mux(sound.encode(None))
    except (av.FFmpegError, OSError, IndexError) as error:
        raise MediaError("unreadable", f"{record.pictures.name} cannot be read: {error}") from error


def _half(image: np.ndarray, half: str) -> np.ndarray:
    """The left or right half of a picture [H, W, 3], or all of it, with even sides as H.264 wants them."""
    middle = image.shape[1] // 2
    part = {"": image, "left": image[:, :middle], "right": image[:, middle:]}[half]
    return np.ascontiguousarray(part[: part.shape[0] // 2 * 2, : part.shape[1] // 2 * 2])


def _failed_file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('/', '--')}.failed.json"


def _extractor(make_extract: Callable[[], Extract], folder: Path) -> Callable[[ClipRecord], str]:
    """A function that leaves an utterance's features or its failure in the folder, and returns the failure or ""."""
    extract = make_extract()

    def extract_one(record: ClipRecord) -> str:
        try:
            save_features(folder, record.id, extract(record))
            return ""
        except Exception as error:  # one bad clip must not end an extraction of hours; it stands in the manifest
            reason = str(error) if isinstance(error, MediaError) else f"{type(error).__name__}: {error}"
            write_json(_failed_file(folder, record.id), {"id": record.id, "reason": reason})
            return f"{record.id}: {reason}"

    return extract_one


def _read_manifest(records: Sequence[ClipRecord], folder: Path) -> Manifest:
    manifest = Manifest([])
    for record in records:
        if (failed := _failed_file(folder, record.id)).exists():
            manifest.failed[record.id] = json.loads(failed.read_text())["reason"]
            continue
        with safe_open(features_file(folder, record.id), "np") as file:
            reasons = file.metadata() or {}
        if reasons:
            manifest.missing[record.id] = reasons
        else:
            manifest.done.append(record.id)
    return manifest
