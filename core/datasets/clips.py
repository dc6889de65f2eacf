"""Features of a corpus of clips: extracted once, in parallel, by the same code that analyses a visitor's clip.

Each utterance becomes one file, or one file saying why not, so that a killed extraction goes on where it was.
"""

import errno
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from core import MODALITIES
from core.corpora.layout import ArraySequence, ClipRecord
from core.datasets.cache import digest
from core.datasets.processes import in_processes
from core.encoders.features import FEATURES_VERSION, Encoders, FeatureExtractor, FeatureSettings
from core.encoders.packaged import FACE_LANDMARKER, MINILM, SILERO_VAD, WHISPER_TINY_EN
from core.encoders.utterance import Missing
from core.files import file_digest, prepare_folder, write_file, write_json
from core.fusion.checkpoint import load_encoder, load_encoders
from core.fusion.config import encoder_hashes
from core.media.reader import SAMPLE_RATE, MediaError, open_clip

MILLISECOND = Fraction(1, 1000)
PHOTOGRAPHS = {".tif", ".tiff"}  # endings of pictures that do not move
PHOTOGRAPH_RATE, PHOTOGRAPH_FRAMES = 10, 5  # pictures a second, and how many, of a film made of one
LACKING = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE}  # disk, memory, open files

Extract = Callable[[ClipRecord], dict[str, np.ndarray | Missing]]
"""A clip -> modality -> features float32 [T, D], or why there are none."""


@dataclass(frozen=True)
class ClipFeatures:
    """Makes an ``Extract`` out of the models of a checkpoint.

    Attributes:
        checkpoint: folder with the face encoder.
        words: "written" takes the words from the corpus where it has them, "heard" from Whisper.
        settings: which features.
        adapted: whether the checkpoint's encoders of voices and words are used. The experiment has Whisper and MiniLM
            as they were published, since these may have learned from its test folds.
        device: "cpu", "cuda" or "mps".
    """

    checkpoint: Path
    words: str
    settings: FeatureSettings
    adapted: bool = False
    device: str = "cpu"

    def key(self) -> dict:
        """What decides the features beside the clip itself: a JSON object."""
        encoders = encoder_hashes(self.checkpoint)
        packaged = {w.path: w.sha256 for w in (FACE_LANDMARKER, WHISPER_TINY_EN, SILERO_VAD, MINILM)}
        key: dict = {"features": asdict(self.settings), "face": encoders["face"], "words": self.words}
        key |= {"packaged": packaged, "version": FEATURES_VERSION, "precision": "float32"}
        adapted = {n: encoders[n] for n in ("voice", "words") if self.adapted and n in encoders}
        return key | {"adapted": adapted}

    def __call__(self) -> Extract:
        """Loads the models; called once in each process."""
        encoders = load_encoders(self.checkpoint) if self.adapted else Encoders(load_encoder(self.checkpoint, "face"))
        extractor = FeatureExtractor(encoders, self.settings, self.device)

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
        waiting: id -> what this machine lacked; the next extraction tries these again.
    """

    done: list[str]
    missing: dict[str, dict[str, str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)


def extract_corpus(
    records: Sequence[ClipRecord], make_extract: Callable[[], Extract], folder: Path, workers: int = 1
) -> Manifest:
    """Extracts what is not in ``folder`` yet and writes ``manifest.json`` there.

    What is wrong with a clip is written down and not tried again; delete its ``.failed.json`` to have it tried again.
    A lack of memory or disk is not the clip's fault: such clips wait for the next extraction.
    """
    prepare_folder(folder)
    todo = [r for r in records if not (clip_file(folder, r).exists() or _failed_file(folder, r).exists())]
    bar = tqdm(total=len(records), initial=len(records) - len(todo), desc="extracting", unit="clip", smoothing=0.05)
    waiting: dict[str, str] = {}
    with bar as progress:
        for outcome in in_processes(partial(_extractor, make_extract, folder), todo, workers):
            progress.update()
            if outcome.reason:
                progress.write(f"{outcome.id}: {outcome.reason}", file=sys.stderr)
            if outcome.again:
                waiting[outcome.id] = outcome.reason
    manifest = _read_manifest(records, folder, waiting)
    write_json(folder / "manifest.json", asdict(manifest))
    return manifest


@dataclass(frozen=True)
class StoredSequences(ArraySequence):
    """One modality's sequences in the files of an extraction; item i is read when asked for."""

    files: tuple[Path, ...]
    modality: str

    def __getitem__(self, index: int) -> np.ndarray:
        return load_file(self.files[index])[self.modality].astype(np.float32)

    def __len__(self) -> int:
        return len(self.files)


def clip_file(folder: Path, record: ClipRecord) -> Path:
    """Where an utterance's features lie: named by its id and by the content of whatever it is cut from."""
    content = [path and _content(path) for path in (record.voice, record.pictures)]
    described = digest(json.dumps([*content, record.span, record.half, record.text]))
    return folder / f"{record.id.replace('/', '--')}.{described[:16]}.safetensors"


@cache  # a dialogue holds hundreds of utterances, and each is asked for several times
def _content(path: Path) -> str:
    """SHA-256 of a file; "" if it cannot be read, which extraction will say."""
    try:
        return file_digest(path)
    except OSError:
        return ""


def save_features(file: Path, found: dict[str, np.ndarray | Missing]) -> None:
    """Writes an utterance's features as float16, and what is missing into the file's header."""
    values = {m: np.ascontiguousarray(v, np.float16) for m, v in found.items() if not isinstance(v, Missing)}
    reasons = {m: v.reason for m, v in found.items() if isinstance(v, Missing)}
    write_file(file, lambda partial: save_file(values, partial, metadata=reasons))


@contextmanager
def as_one_file(record: ClipRecord) -> Iterator[Path]:
    """The utterance as a file of its own: the corpus's, or a temporary one cut out of it.

    Raises:
        MediaError: there is nothing to read, or it cannot be read.
    """
    file = record.pictures or record.voice
    if file is None:
        raise MediaError("not_found", f"{record.id} has neither sound nor pictures in this copy of the corpus.")
    photograph = file.suffix.lower() in PHOTOGRAPHS
    whole = record.span is None and not record.half and not photograph
    if whole and (record.pictures is None or record.voice is None or record.pictures == record.voice):
        yield file
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "utterance.mkv"
        if photograph:
            _show(file, path)
        else:
            _cut(record, path)
        yield path


def _show(photograph: Path, path: Path) -> None:
    """Writes a film in which nothing but a photograph is seen."""
    image = cv2.imread(str(photograph), cv2.IMREAD_COLOR)  # BGR uint8 [H, W, 3]
    if image is None:
        raise MediaError("unreadable", f"{photograph.name} is not a photograph that can be read.")
    with av.open(str(path), "w") as target:
        stream = target.add_stream("ffv1", PHOTOGRAPH_RATE, width=image.shape[1], height=image.shape[0])
        stream.pix_fmt = "bgr0"
        for _ in range(PHOTOGRAPH_FRAMES):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image.astype(np.uint8, copy=False), "bgr24")))
        target.mux(stream.encode())


def _cut(record: ClipRecord, path: Path) -> None:
    """Writes the part of the pictures that belongs to the utterance, and its sound, into one Matroska file."""
    if record.pictures is None:
        raise MediaError("no_pictures", f"{record.id} has no pictures in this copy of the corpus.")
    start, end = record.span or (0.0, float("inf"))
    voice = open_clip(record.voice).audio if record.voice else None
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
            if sound and voice:
                samples = (np.clip(voice.samples, -1, 1) * 32767).astype(np.int16)
                part = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
                part.sample_rate, part.pts = SAMPLE_RATE, 0
                target.mux(sound.encode(part))
                target.mux(sound.encode(None))
    except (av.FFmpegError, OSError, IndexError) as error:
        # The machine, not the clip, may be at fault.
        if not isinstance(error, IndexError) and error.errno in LACKING:
            raise OSError(error.errno, error.strerror) from error
        raise MediaError("unreadable", f"{record.pictures.name} cannot be read: {error}") from error


def _half(image: np.ndarray, half: str) -> np.ndarray:
    """The left or right half of a picture [H, W, 3], or all of it, with even sides as H.264 wants them."""
    middle = image.shape[1] // 2
    part = {"": image, "left": image[:, :middle], "right": image[:, middle:]}[half]
    return np.ascontiguousarray(part[: part.shape[0] // 2 * 2, : part.shape[1] // 2 * 2])


def _failed_file(folder: Path, record: ClipRecord) -> Path:
    return clip_file(folder, record).with_suffix(".failed.json")


@dataclass(frozen=True)
class _Outcome:
    """What became of one clip: ``reason`` is empty if it was read; ``again`` if the machine was at fault."""

    id: str
    reason: str = ""
    again: bool = False


def _extractor(make_extract: Callable[[], Extract], folder: Path) -> Callable[[ClipRecord], _Outcome]:
    """A function that leaves an utterance's features, or what is wrong with it, in the folder."""
    extract = make_extract()

    def extract_one(record: ClipRecord) -> _Outcome:
        try:
            save_features(clip_file(folder, record), extract(record))
            return _Outcome(record.id)
        except (MemoryError, OSError, torch.OutOfMemoryError) as error:
            return _Outcome(record.id, f"{type(error).__name__}: {error}", again=True)
        except Exception as error:  # one bad clip must not end an extraction of hours; it stands in the manifest
            reason = str(error) if isinstance(error, MediaError) else f"{type(error).__name__}: {error}"
            write_json(_failed_file(folder, record), {"id": record.id, "reason": reason})
            return _Outcome(record.id, reason)

    return extract_one


def _read_manifest(records: Sequence[ClipRecord], folder: Path, waiting: dict[str, str]) -> Manifest:
    manifest = Manifest([], waiting=waiting)
    for record in records:
        if record.id in waiting:
            continue
        if (failed := _failed_file(folder, record)).exists():
            manifest.failed[record.id] = json.loads(failed.read_text("utf-8"))["reason"]
            continue
        with safe_open(clip_file(folder, record), "np") as file:
            reasons = file.metadata() or {}
        if reasons:
            manifest.missing[record.id] = reasons
        else:
            manifest.done.append(record.id)
    return manifest
