"""Composed utterances: a voice, a face and a line of text of the same class, each from its own corpus.

Few corpora hold all three modalities of one moment with these seven classes, so samples are put together. What such
utterances can teach is how much each modality is worth; what they cannot teach is how modalities play together in a
real moment. Every number that comes from them has to say so.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from core import LABELS, MODALITIES, Subset
from core.corpora.fer2013 import FaceImages
from core.corpora.layout import ClipRecord, CorpusError
from core.datasets.augment import VERSION, altered_faces, masked_words
from core.datasets.bank import FeatureBank, build_bank, join_banks
from core.datasets.cache import cached_sequences, digest, weights_digest
from core.datasets.clips import ClipFeatures
from core.datasets.labelled import LabelledSequences
from core.datasets.multimodal import MultimodalClips, read_multimodal_clips
from core.datasets.sources import KINDS, Official, Source, Speakers, training_sources
from core.datasets.voices import spectrogram_bank, voice_bank, whisper_bank
from core.device import Device
from core.encoders.expression import ExpressionNet
from core.encoders.face_track import BLENDSHAPES
from core.encoders.faces import still_blendshapes
from core.encoders.features import Encoders, FeatureExtractor, FeatureSettings, voice_encoder, with_blendshapes
from core.encoders.packaged import FACE_LANDMARKER, MINILM
from core.encoders.speech import Listener
from core.encoders.voice import VoiceEncoder
from core.encoders.words import WINDOW_WORDS, WordEncoder

VOTES = 0.5  # share of people's votes in what a face shows, where they were asked; the label has the rest
MAX_SPOKEN = 280  # spoken lines of one corpus that are measured
FACE_COPIES = 2  # altered copies of each training image, one step each
MAX_VOICES = 800  # of one corpus: breadth of corpora counts for more than hours of one
MAX_LINES = 8_000  # that fusion learns from of one corpus; the word adapter learns from all of them
LINE_COPIES = 2  # of each line that the word adapter has learned from, other words masked in each
MASKED_WORDS = 0.45  # share of the words of such a copy: with fewer, fusion trusts the words too far
VOICE_COPIES = 1  # altered copies of each training voice
KNOWN_VOICE_COPIES = 2  # of each that the voice encoder has learned from
SHARD = 64  # images or lines whose features stand in one file

COMPOSED_OF = {"text": "meld", "video": "fer2013", "audio": "ravdess"}
"""The corpora of the composed utterances whose figures are published, whatever else lies beside them."""

Parts = dict[str, dict[str, FeatureBank]]
"""Part ("train", "validation", "test") -> modality -> bank."""


def face_bank(
    faces: FaceImages, group: str, encoder: ExpressionNet, device: Device, copies: int, cache: Path,
    known: bool = False, blendshapes: bool = True,
) -> FeatureBank:  # fmt: skip
    """Features of face crops: a sequence is one image, followed by ``copies`` altered copies of it.

    Args:
        group: what the groups begin with, corpus and part; each image is a group of its own.
        known: the encoder learned from these images and would flatter them: the copies alone are taken, all with
            a covered rectangle and every second one altered twice. On such copies it is as often right as on
            images it has not seen, so that fusion learns how far a face can be trusted.
        blendshapes: whether they stand beside the embedding, see ``FeatureSettings``; of the image as it is.
    """
    images, encoder = torch.from_numpy(faces.images), encoder.to(device.name).eval()
    made_by = {"encoder": weights_digest(encoder), "precision": device.precision, "copies": copies, "known": known}

    def shard(item: int) -> torch.Tensor:
        return images[item * SHARD : (item + 1) * SHARD]

    def key(item: int) -> dict:
        altered = {"seed": item, "augmentation": VERSION} if copies else {}
        return {"faces": digest(shard(item).numpy().tobytes()), **altered, **made_by}

    def sequences(item: int) -> list[np.ndarray]:
        chosen, generator = shard(item).to(device.name), torch.Generator().manual_seed(item)
        views = [] if known else [chosen.float()]
        for copy in range(copies):
            altered = altered_faces(chosen, generator, erase=1.0 if known else 0.1)
            views.append(altered_faces(altered, generator, erase=1.0) if known and copy % 2 else altered)
        with torch.inference_mode(), device.autocast():
            embedded = torch.stack([encoder.embed(view) for view in views], 1)  # [SHARD, len(views), D]
        return list(embedded.float().cpu().numpy())

    keys = [key(item) for item in range(-(-len(faces) // SHARD))]
    found = cached_sequences(keys, sequences, cache, f"faces of {group}")
    if blendshapes:
        shapes = still_bank(faces.images, cache, group)
        found = [
            with_blendshapes(views, np.broadcast_to(shape, (len(views), BLENDSHAPES)))
            for views, shape in zip(found, shapes, strict=True)
        ]
    groups = [f"{group}/{index}" for index in range(len(faces))]
    width = found[0].shape[1]
    return build_bank(found, faces.labels, groups, np.zeros(len(faces)), 0, width, faces.soft_labels(VOTES))


def still_bank(images: np.ndarray, cache: Path, group: str) -> list[np.ndarray]:
    """Blendshapes [1, 52] of each image, NaN where MediaPipe finds no face."""
    shards = [images[start : start + SHARD] for start in range(0, len(images), SHARD)]
    keys = [{"blendshapes": digest(shard.tobytes()), "landmarker": FACE_LANDMARKER.sha256} for shard in shards]
    return cached_sequences(
        keys, lambda item: list(still_blendshapes(shards[item])[:, None]), cache, f"blendshapes of {group}"
    )


def text_bank(records: list[ClipRecord], encoder: WordEncoder, cache: Path, known: bool = False) -> FeatureBank:
    """Word features of written lines; lines without a word are left out.

    Args:
        known: the word adapter learned from these lines and would flatter them: ``LINE_COPIES`` copies with masked
            words are taken instead of each. Without an adapter no line is known.
    """
    records = [record for record in records if record.text.split()]
    copies, share = (LINE_COPIES, MASKED_WORDS) if known and encoder.adapter else (1, 0.0)
    made_by = {"layers": list(encoder.layers), "minilm": MINILM.sha256, "precision": "float32"}
    if encoder.adapter:
        made_by["adapter"] = weights_digest(encoder.adapter)

    def shard(item: int) -> list[ClipRecord]:
        return records[item * SHARD : (item + 1) * SHARD]

    def key(item: int) -> dict:
        altered = {"seed": item, "masked": share, "copies": copies, "augmentation": VERSION} if share else {}
        return {"lines": digest("\n".join(record.text for record in shard(item))), **altered, **made_by}

    def sequences(item: int) -> list[np.ndarray]:
        lines = [words_of(record) for record in shard(item) for _ in range(copies)]
        if share:
            rng = np.random.default_rng(item)
            lines = [masked_words(words, share, rng) for words in lines]
        return encoder.encode_all(lines)

    found = cached_sequences([key(item) for item in range(-(-len(records) // SHARD))], sequences, cache, "lines")
    labels, groups = (np.repeat([getattr(r, name) for r in records], copies) for name in ("label", "group"))
    return build_bank(found, labels, groups, np.zeros(len(found)), 0, encoder.width)


def every_kth(n: int) -> slice:
    """Of n lines so many that at most ``MAX_LINES`` are left, spread over the corpus."""
    return slice(None, None, max(1, -(-n // MAX_LINES)))


def words_of(record: ClipRecord) -> list[str]:
    """A line's words, as many as fit."""
    return record.text.split()[:WINDOW_WORDS]


@dataclass(frozen=True)
class BankMaker:
    """Makes banks of any source with one set of encoders, each loaded when it is first needed.

    Attributes:
        root: holds the corpora, each in the folder of its name.
        cache: folder of features that were made before.
    """

    root: Path
    encoders: Encoders
    settings: FeatureSettings
    device: Device
    cache: Path

    @cached_property
    def listener(self) -> Listener:
        """What tells when somebody speaks."""
        return Listener(device=self.device.name)

    @cached_property
    def voice_encoder(self) -> VoiceEncoder | None:
        """What hears voices alone, if anything does."""
        return voice_encoder(self.encoders, self.settings, self.listener.model)

    @cached_property
    def extractor(self) -> FeatureExtractor:
        """What hears voices as Whisper does."""
        return FeatureExtractor(self.encoders, self.settings, self.device.name)

    @cached_property
    def word_encoder(self) -> WordEncoder:
        """What reads lines."""
        return WordEncoder(self.settings.text_layers, self.device.name, self.encoders.words)

    def make(
        self, modality: str, source: Source, part: str = "", learn: bool = False, unmet: bool = False
    ) -> FeatureBank:
        """The bank of a source below ``root``, or of one of its official parts.

        Args:
            learn: for training: with altered copies. The encoders of faces and lines know the training parts of
                their sources, which are shown altered only.
            unmet: the voice encoder has not learned from the source's voices.
        """
        folder = source.within(self.root)
        known = learn and isinstance(source.split, Official) and part == source.split.train
        if modality == "audio":
            records = source.records("voices", folder, part)
            return self.voices(some_of(records, MAX_VOICES) if learn else records, **self.of_voices(learn, unmet))
        if modality == "video":
            images = source.images(folder, part)
            if learn:
                images = images.select(~images.leave_out)
            return self.faces(images, f"{source.name}/{part}", FACE_COPIES if learn else 0, known)
        records = source.records("lines", folder, part)
        return self.lines(records[every_kth(len(records))] if learn else records, known)

    def of_voices(self, learn: bool, unmet: bool = False) -> dict:
        """What ``voices`` is asked for: a voice encoder of the checkpoint's own knows those that train, or all but
        those of one corpus (``unmet``)."""
        known = learn and self.encoders.voice is not None and not unmet
        return {"copies": (KNOWN_VOICE_COPIES if known else VOICE_COPIES) if learn else 0, "known": known}

    def voices(self, records: list[ClipRecord], copies: int = 0, known: bool = False) -> FeatureBank:
        """See ``voice_bank``; of Whisper's own states where there is no voice encoder."""
        if self.voice_encoder is None:
            return whisper_bank(records, self.extractor, copies, self.cache)
        spectrograms = spectrogram_bank(records, self.listener, self.cache)
        return voice_bank(spectrograms, self.voice_encoder, self.settings.audio_pooling, copies, self.cache, known)

    def faces(self, images: FaceImages, group: str, copies: int = 0, known: bool = False) -> FeatureBank:
        """See ``face_bank``."""
        return face_bank(
            images, group, self.encoders.face, self.device, copies, self.cache, known, self.settings.blendshapes
        )

    def lines(self, records: list[ClipRecord], known: bool = False) -> FeatureBank:
        """See ``text_bank``."""
        return text_bank(records, self.word_encoder, self.cache, known)

    def moments(self, records: list[ClipRecord], checkpoint: Path, jobs: int = 1) -> MultimodalClips:
        """See ``read_multimodal_clips``; ``checkpoint`` is the folder that holds the encoders."""
        features = ClipFeatures(checkpoint, "written", self.settings, adapted=True, device=self.device.name)
        return read_multimodal_clips(records, features, self.widths, self.cache, jobs)

    @property
    def widths(self) -> dict[str, int]:
        """Modality -> features a step."""
        return {
            "text": self.word_encoder.width,
            "video": self.encoders.face.config.embedding + (BLENDSHAPES + 1 if self.settings.blendshapes else 0),
            "audio": self.encoders.voice.config.width if self.encoders.voice else self.settings.audio_width,
        }

    def parts(self) -> Parts:
        """Everything found below ``root``, divided as each source says; altered copies are in the training part only.

        Raises:
            CorpusError: a modality has no corpus, or none that validates or tests.
        """
        banks: dict[str, dict[str, list[FeatureBank]]] = {
            part: {m: [] for m in MODALITIES} for part in ("train", "validation", "test")
        }
        for modality in MODALITIES:
            for source in training_sources(KINDS[modality], self.root):
                for part, bank in self._divided(modality, source).items():
                    if len(bank):
                        banks[part][modality].append(bank)
        for part, by_modality in banks.items():
            if lacking := [KINDS[m] for m, found in by_modality.items() if not found]:
                raise CorpusError(f"{self.root} holds no {' and no '.join(lacking)} for the {part} part.")
        return {part: {m: join_banks(found) for m, found in by.items()} for part, by in banks.items()}

    def everything(self, unmet: str = "") -> dict[str, FeatureBank]:
        """Everything found below ``root`` with nothing held out, altered copies of all of it among it.

        Args:
            unmet: a corpus from whose voices the voice encoder has not learned: they are there as they are, too.
        """
        banks = {}
        for modality in MODALITIES:
            found = []
            for source in training_sources(KINDS[modality], self.root):
                parts = source.split.parts[:2] if isinstance(source.split, Official) else ("",)
                found += [self.make(modality, source, part, True, source.name == unmet) for part in parts]
            banks[modality] = join_banks(found)
        return banks

    def _divided(self, modality: str, source: Source) -> dict[str, FeatureBank]:
        """Part -> bank."""
        split = source.split
        if isinstance(split, Official):
            held_out = self.make(modality, source, split.held_out)
            early = early_groups(held_out, 0.5)
            train = self.make(modality, source, split.train, learn=True)
            return {"train": train, "validation": held_out.select(early), "test": held_out.select(~early)}
        records: dict[str, list[ClipRecord]] = {"train": [], "validation": [], "test": []}
        part_of = {name: part for part in ("validation", "test") for name in getattr(split, part)}
        for record in source.records("voices", source.within(self.root)):
            records[part_of.get(record.group.partition("/")[2], "train")].append(record)
        return {
            part: self.voices(some_of(some, MAX_VOICES), **self.of_voices(part == "train"))
            for part, some in records.items()
            if some
        }

    def spoken_lines(self, faces: FeatureBank, met: Collection[str], seed: int) -> dict[str, LabelledSequences]:
        """Corpus -> English sentences as the speakers who are held out said them, voice and words of one moment, with
        any face of ``faces`` that shows the same.

        What is said is the same in every emotion: an actor's words say nothing, and the voice says all.

        Args:
            met: groups whom the voice encoder has learned from; they are left out.
        """
        rng, found = np.random.default_rng(seed), {}
        for source in training_sources("voices", self.root):
            if not (source.english and isinstance(source.split, Speakers)):
                continue
            held_out = source.groups(source.split.test) - set(met)
            by_text: dict[str, list[ClipRecord]] = {}
            for record in some_of(
                [r for r in source.records("voices", source.within(self.root)) if r.group in held_out], MAX_SPOKEN
            ):
                by_text.setdefault(record.text, []).append(record)
            labels: list[int] = []
            sequences: dict[str, list[np.ndarray]] = {m: [] for m in MODALITIES}
            for text, records in by_text.items():
                bank, words = self.voices(records), self.word_encoder.encode(text.split()).astype(np.float16)
                for i, label in enumerate(bank.labels.tolist()):
                    pool = np.concatenate(faces.pools[label])
                    labels.append(label)
                    sequences["text"].append(words)
                    sequences["video"].append(faces.sequence(int(rng.choice(pool))))
                    sequences["audio"].append(bank.sequence(i))
            if labels:
                found[source.name] = LabelledSequences(np.array(labels), sequences)
        return found


def some_of(records: list[ClipRecord], most: int) -> list[ClipRecord]:
    """At most so many records, drawn by chance, in their order."""
    if len(records) <= most:
        return records
    return [records[i] for i in np.sort(np.random.default_rng(0).choice(len(records), most, replace=False))]


def early_groups(bank: FeatureBank, share: float) -> np.ndarray:
    """bool [n], true for the sequences of the first ``share`` of the groups, in the order of the corpus."""
    groups = list(dict.fromkeys(bank.groups))
    return np.isin(bank.groups, groups[: int(len(groups) * share)])


@dataclass(frozen=True)
class ComposedUtterance:
    """One sequence index a modality (into its bank) and the class they share."""

    indices: dict[str, int]
    label: int


def compose(banks: dict[str, FeatureBank], count: int, seed: int, neutral: Subset = ()) -> list[ComposedUtterance]:
    """``count`` utterances of unaltered sequences, classes and corpora as equally frequent as they can be.

    Within a class and corpus every sequence is used once before any is used again. A class that a bank lacks is left
    out.

    Args:
        neutral: modalities that show nothing, whatever the label is that the others show.

    Raises:
        CorpusError: the banks have no class in common.
    """
    rng = np.random.default_rng(seed)
    pools = {
        m: [[clean for p in of_label if len(clean := p[banks[m].variants[p] == 0])] for of_label in banks[m].pools]
        for m in MODALITIES
    }
    shared = [label for label in range(len(LABELS)) if all(pools[m][label] for m in MODALITIES)]
    if not shared:
        raise CorpusError("Voices, faces and lines have no class in common: nothing can be composed.")
    labels = np.array(shared)[np.arange(count) % len(shared)]
    for modality in neutral:
        pools[modality] = [pools[modality][LABELS.index("neutral")]] * len(LABELS)
    indices: dict[str, np.ndarray] = {}
    for modality in MODALITIES:
        indices[modality] = np.empty(count, np.int64)
        for label in shared:
            wanted = np.flatnonzero(labels == label)
            corpora = pools[modality][label]
            for number, pool in enumerate(corpora):
                places = wanted[number :: len(corpora)]
                rounds = -(-len(places) // len(pool))
                drawn = [rng.permutation(pool) for _ in range(rounds)]
                indices[modality][places] = np.concatenate([*drawn, pool[:0]])[: len(places)]
    return [
        ComposedUtterance({m: int(indices[m][i]) for m in MODALITIES}, int(labels[i])) for i in range(count)
    ]  # fmt: skip
