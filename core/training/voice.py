"""Training of the voice encoder on labelled voices of every corpus: Whisper base's first blocks learn how people feel.

The classifier above it is thrown away afterwards; fusion has its own.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from core import LABELS
from core.corpora.layout import CorpusError
from core.datasets.augment import VERSION, altered_voices
from core.datasets.bank import FeatureBank, join_banks
from core.datasets.cache import weights_digest
from core.datasets.sources import Speakers, training_sources
from core.datasets.voices import padded, spectrogram_bank
from core.device import Device
from core.encoders.packaged import WHISPER_BASE
from core.encoders.speech import Listener
from core.encoders.voice import BASE_FRONT, FRAME_RATE, MAX_WINDOW_SECONDS, VoiceConfig, VoiceEncoder, levelled
from core.encoders.whisper_weights import load_base
from core.metrics import classification_metrics
from core.training.loop import Recipe, fit

log = logging.getLogger(__name__)

POOLING_HEADS = 4
MEASURED = 60  # voices of each corpus that are measured after an epoch
CHUNK = 16  # voices of about the same length that run together: fewer of their states are padding


@dataclass(frozen=True)
class VoiceRecipe:
    """Everything that decides what the voice encoder becomes.

    Attributes:
        optimisation: of the training with held-out speakers.
        onward: of what follows on all speakers.
        steps: batches an epoch; voices are drawn evenly over corpora, classes and speakers, which has no natural epoch.
        altered: share of the voices that are altered. With all of them, and with dropout inside Whisper's blocks, fifty
            steps taught half of what they teach without.
        shortest: seconds that are left of a voice at least when its beginning and end are cut off.
        hidden: most frames and most bands that are hidden at a time (SpecAugment, Park et al. 2019).
        mixup: of the Beta distribution that says how much of a voice is another one (mixup, Zhang et al. 2018); 0 for
            voices as they are.
        width: of what the classifier pools.
        classifier_dropout: on what it sees.
        smoothing: share of each label that is spread over the classes of its corpus.
    """

    model: VoiceConfig = BASE_FRONT
    optimisation: Recipe = field(
        default_factory=lambda: Recipe(
            epochs=9, learning_rate=1e-4, weight_decay=0.05, warmup=0.05, ema_decay=0.99, max_grad_norm=1.0,
            monitor="", fresh=("norm", "features", "scores", "classifier", "mixture"), fresh_rate=5.0,
        )
    )  # fmt: skip
    onward: Recipe = field(
        default_factory=lambda: Recipe(
            epochs=4, learning_rate=5e-5, weight_decay=0.05, ema_decay=0.98, max_grad_norm=1.0, monitor="", seed=1
        )
    )
    batch: int = 64
    steps: int = 100
    altered: float = 0.5
    shortest: float = 1.5
    hidden: tuple[int, int] = (40, 12)
    mixup: float = 0.4
    width: int = 128
    classifier_dropout: float = 0.3
    smoothing: float = 0.1


class VoiceClassifier(nn.Module):
    """The encoder, and a linear classifier of means and deviations over time, weighted by several heads."""

    def __init__(self, recipe: VoiceRecipe):
        super().__init__()
        self.encoder = VoiceEncoder(recipe.model)
        self.encoder.start_from(load_base())
        width = recipe.width
        self.norm = nn.LayerNorm(recipe.model.width)
        self.features = nn.Linear(recipe.model.width, width)
        self.scores = nn.Linear(width, POOLING_HEADS)
        self.dropout = nn.Dropout(recipe.classifier_dropout)
        self.classifier = nn.Linear(2 * POOLING_HEADS * width, len(LABELS))

    def forward(self, spectra: Tensor, lengths: Tensor) -> Tensor:
        """Logits [B, 7] of levelled spectra [B, F, 80] of ``lengths`` [B] frames."""
        features, lengths = self.encoder(spectra, lengths)  # [B, T, D]
        features = self.features(self.norm(features)).float()
        ignored = torch.arange(features.shape[1], device=lengths.device) >= lengths[:, None]
        weights = self.scores(features).float().masked_fill(ignored[..., None], -torch.inf).softmax(1).mT  # [B, H, T]
        mean = weights @ features  # [B, H, D]
        variance = (weights @ features.square() - mean.square()).clamp_min(0)
        pooled = torch.cat([mean, (variance + 1e-4).sqrt()], 1).flatten(1)
        return self.classifier(self.dropout(pooled)).float()


@dataclass(frozen=True)
class VoiceData:
    """Spectrograms that an encoder learns from, and those of other speakers on which it is measured."""

    train: FeatureBank
    held_out: FeatureBank

    @classmethod
    def read(cls, root: Path, cache: Path, everything: bool = False, without: str = "") -> "VoiceData":
        """The voices of every source of voices below ``root``.

        Args:
            everything: whether the speakers that are otherwise held out train too; they are measured in either case.
            without: a corpus that is left out as a whole, and measured.

        Raises:
            CorpusError: there is none, or none to learn from, or no corpus ``without``.
        """
        sources = training_sources("voices", root)
        if without and without not in {source.name for source in sources}:
            there = ", ".join(source.name for source in sources)
            raise CorpusError(f"There is no corpus {without} of voices in {root} to leave out, only {there}.")
        listener = Listener()
        train, held_out = [], []
        for source in sources:
            bank = spectrogram_bank(source.records("voices", source.within(root)), listener, cache)
            assert isinstance(source.split, Speakers)
            others = source.groups((*source.split.validation, *source.split.test))
            kept = np.isin(bank.groups, list(others)) | (source.name == without)
            held_out.append(bank.select(kept))
            train.append(bank.select(~kept | (everything and source.name != without)))
        data = cls(join_banks(train), join_banks(held_out))
        if not len(data.train):
            raise CorpusError(f"{root} holds no voices to learn from: all of its speakers are held out.")
        if not len(data.held_out):
            log.warning("No speaker in %s is held out: what is learned cannot be measured.", root)
        return data

    @property
    def described(self) -> dict:
        """For provenance and identity."""
        return {
            role: {"n": len(bank), "fingerprint": bank.fingerprint, "speakers": sorted(set(bank.groups.tolist()))}
            for role, bank in (("train", self.train), ("held_out", self.held_out))
        }


@dataclass(frozen=True)
class Batch:
    """A batch of voices.

    Attributes:
        spectra: levelled, [B, F, 80]; the first ``lengths`` [B] exist.
        targets: [B, 7], rows summing to 1.
        possible: bool [B, 7]. A class that a corpus lacks is not possible for its voices, so that recording
            conditions and language do not count as evidence against that class.

    Voices stand in the order of their lengths.
    """

    spectra: Tensor
    lengths: Tensor
    targets: Tensor
    possible: Tensor


@dataclass(frozen=True)
class VoiceSampler:
    """Draws voices of a bank: corpora equally often, in each its classes, of each its speakers."""

    bank: FeatureBank
    recipe: VoiceRecipe

    @cached_property
    def pools(self) -> list[list[list[np.ndarray]]]:
        """Corpus -> class that it has -> speaker -> indices."""
        bank = self.bank
        found: list[list[list[np.ndarray]]] = []
        for corpus in np.unique(bank.corpora):
            of_corpus = []
            for label in range(len(LABELS)):
                rows = np.flatnonzero((bank.corpora == corpus) & (bank.labels == label))
                if len(rows):
                    of_corpus.append([rows[bank.groups[rows] == name] for name in np.unique(bank.groups[rows])])
            found.append(of_corpus)
        return found

    @cached_property
    def possible(self) -> np.ndarray:
        """bool [n, 7], the classes that the corpus of each voice has."""
        corpora, of = np.unique(self.bank.corpora, return_inverse=True)
        has = np.zeros((len(corpora), len(LABELS)), bool)
        has[of, self.bank.labels] = True
        return has[of]

    def draw(self, generator: torch.Generator) -> Batch:
        """A batch of altered voices."""
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        chosen = []
        for _ in range(self.recipe.batch):
            of_corpus = self.pools[rng.integers(len(self.pools))]
            of_class = of_corpus[rng.integers(len(of_corpus))]
            of_speaker = of_class[rng.integers(len(of_class))]
            chosen.append(int(of_speaker[rng.integers(len(of_speaker))]))
        voices = [torch.from_numpy(self._cut(self.bank.sequence(i), rng)).float() for i in chosen]
        if len(some := np.flatnonzero(rng.random(len(voices)) < self.recipe.altered)):
            spectra, lengths = altered_voices(*padded([voices[i] for i in some]), generator)
            for i, altered, length in zip(some, spectra, lengths.tolist(), strict=True):
                voices[i] = altered[:length]
        by_length = sorted(range(len(voices)), key=lambda i: len(voices[i]))
        chosen, voices = [chosen[i] for i in by_length], [voices[i] for i in by_length]
        spectra, lengths = padded(voices)
        lengths = lengths.clamp_max(round(MAX_WINDOW_SECONDS * FRAME_RATE))
        spectra = spectra[:, : int(lengths.max())]
        exists = torch.arange(spectra.shape[1])[None] < lengths[:, None]
        spectra = torch.where(exists[..., None], spectra, -torch.inf)
        levels = levelled(spectra, spectra.amax((1, 2)))
        for row in levels:
            for axis, most in enumerate(self.recipe.hidden):
                width = int(rng.integers(0, most + 1))
                start = int(rng.integers(0, max(1, row.shape[axis] - width)))
                row.narrow(axis, start, min(width, row.shape[axis])).fill_(row.mean())
        possible = torch.from_numpy(self.possible[chosen])
        smoothing = self.recipe.smoothing
        targets = F.one_hot(torch.from_numpy(self.bank.labels[chosen]), len(LABELS)) * (1 - smoothing)
        targets = targets + smoothing * possible / possible.sum(1, keepdim=True)
        if self.recipe.mixup:  # each with the next longer one
            share = torch.from_numpy(rng.beta(self.recipe.mixup, self.recipe.mixup, len(levels)))[:, None].float()
            # Hardly a mixture: it would count as evidence against the classes that one corpus lacks and the other has.
            share = torch.where(share > 0.9, 1.0, torch.where(share < 0.1, 0.0, share))
            levels = torch.lerp(levels.roll(-1, 0), levels, share[..., None])
            targets = torch.lerp(targets.roll(-1, 0).float(), targets.float(), share)
            possible = (possible & (share > 0)) | (possible.roll(-1, 0) & (share < 1))
        return Batch(levels, lengths, targets, possible)

    def _cut(self, spectra: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """At most as much as a window holds; half of the voices begin late and end early."""
        most = round(MAX_WINDOW_SECONDS * FRAME_RATE)
        if rng.random() < 0.5:
            most = max(round(self.recipe.shortest * FRAME_RATE), int(min(len(spectra), most) * rng.uniform(0.6, 1)))
        start = rng.integers(max(1, len(spectra) - most + 1))
        return spectra[start : start + most]


def train_voice_encoder(
    data: VoiceData, recipe: VoiceRecipe, folder: Path, device: Device, begin_with: VoiceClassifier | None = None
) -> tuple[VoiceClassifier, list[dict]]:
    """Trains on the training voices; of the held-out ones ``MEASURED`` of each corpus are measured after each epoch
    and choose nothing.

    Args:
        begin_with: goes on learning as ``VoiceRecipe.onward`` says.

    Returns:
        The encoder with its classifier, in the half precision in which it is stored, and one entry an epoch.
    """
    optimisation = recipe.onward if begin_with else recipe.optimisation
    torch.manual_seed(optimisation.seed)
    model = begin_with or VoiceClassifier(recipe)
    sampler = VoiceSampler(data.train, recipe)
    some = spread_out(data.held_out, MEASURED)

    def batches(generator: torch.Generator) -> Iterator[Batch]:
        return (sampler.draw(generator) for _ in range(recipe.steps))

    def attended() -> AbstractContextManager:
        # On a processor the gradient of fused attention is slow: a step takes 2.06 s with it, 1.76 with products.
        return sdpa_kernel(SDPBackend.MATH) if device.name == "cpu" else nullcontext()

    def loss(model: VoiceClassifier, batch: Batch) -> Tensor:
        chunks = zip(batch.spectra.split(CHUNK), batch.lengths.split(CHUNK), strict=True)
        with device.autocast(), attended():
            logits = torch.cat([model(s[:, : int(n.max())].to(device.name), n.to(device.name)) for s, n in chunks])
        # Not minus infinity: no share of a target times it is a number.
        logits = logits.masked_fill(~batch.possible.to(device.name), -1e4)
        return F.cross_entropy(logits, batch.targets.to(device.name))

    def evaluate(model: VoiceClassifier) -> dict[str, float]:
        return evaluate_voices(model, some, device)

    identity = {"voice": asdict(recipe), "data": data.described, "augmentation": VERSION}
    identity["began_with"] = weights_digest(begin_with) if begin_with else [part.sha256 for part in WHISPER_BASE]
    history = fit(model, optimisation, batches, recipe.steps, loss, evaluate, folder, identity, device)
    return model.half().float().cpu(), history


def spread_out(bank: FeatureBank, most: int) -> FeatureBank:
    """At most so many sequences of each corpus, spread over it."""
    keep = np.zeros(len(bank), bool)
    for corpus in np.unique(bank.corpora):
        rows = np.flatnonzero(bank.corpora == corpus)
        keep[rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]] = True
    return bank.select(keep)


def evaluate_voices(model: VoiceClassifier, bank: FeatureBank, device: Device) -> dict[str, float]:
    """Balanced accuracy of each corpus, from at most one window in the middle of a voice, and their mean; nothing where
    there are no voices."""
    if not len(bank):
        return {}
    most, by_length = round(MAX_WINDOW_SECONDS * FRAME_RATE), np.argsort(np.diff(bank.offsets), kind="stable")
    predicted = np.zeros(len(bank), np.int64)
    for chosen in np.array_split(by_length, -(-len(bank) // 64)):
        voices = [bank.sequence(i) for i in chosen]
        voices = [v[max(0, (len(v) - most) // 2) :][:most] for v in voices]
        spectra, lengths = padded([torch.from_numpy(v).float() for v in voices])
        levels = levelled(spectra, spectra.amax((1, 2)))
        with device.autocast():
            logits = model(levels.to(device.name), lengths.to(device.name))
        predicted[chosen] = logits.argmax(1).cpu().numpy()
    scores = {
        str(corpus): classification_metrics(bank.labels[rows], predicted[rows])["balanced_accuracy"]
        for corpus in np.unique(bank.corpora)
        for rows in [bank.corpora == corpus]
    }
    return {"balanced_accuracy": float(np.mean(list(scores.values()))), **scores}
