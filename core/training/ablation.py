"""What each choice of the recipe is worth: one change a line, several seeds, measured on validation parts only.

Runs are short (one epoch) and are compared with each other, not with the shipped checkpoint. They begin with the
encoders of the measured pair, which know neither the speakers that validate nor those that test.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from core import LABELS, MODALITIES, MODELS
from core.corpora.layout import CorpusError
from core.datasets.bank import FeatureBank, join_banks
from core.datasets.composed import BankMaker, Parts, compose, early_groups
from core.datasets.sources import KINDS, Official, Speakers, training_sources
from core.device import Device
from core.encoders.features import FeatureSettings
from core.encoders.speech import STATE_WIDTH
from core.metrics import classification_metrics
from core.training.batches import PairRecipe, floored
from core.training.evaluation import LabelledUtterances
from core.training.loop import Recipe, overridden
from core.training.pair import normalisation_of, train_fusion

LAYERS = FeatureSettings.text_layers

BASE = PairRecipe(
    optimisation=Recipe(epochs=1, learning_rate=2e-3, weight_decay=0.02, ema_decay=0.98, monitor=""),
    steps=200,
    noise=0.2,
    input_dropout={"text": 0.5, "audio": 0.3},
    incongruent=0.1,
    deviation_dropout=0.0,
    voiceless=0,
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One line of the table: what differs from ``BASE``. What helped is in the recipe that is shipped.

    Attributes:
        part: "voice", "words" or "together".
        layers: of MiniLM, among ``LAYERS``.
        adapted: whether words are read by the checkpoint's MiniLM or by the published one.
        hearing: what hears voices: the checkpoint's "own" encoder, or Whisper's blocks as "published".
    """

    part: str
    name: str
    recipe: PairRecipe = BASE
    layers: tuple[int, ...] = LAYERS
    adapted: bool = True
    hearing: str = "own"


def _dropout(modality: str, share: float, base: PairRecipe = BASE) -> PairRecipe:
    return replace(base, input_dropout=base.input_dropout | {modality: share})


WORDS = replace(BASE, steps=800)  # lines are many and their steps are few
CHANGES = (
    Change("voice", "base"),
    Change("voice", "Whisper's blocks as published", hearing="published"),
    Change("voice", "no input dropout", _dropout("audio", 0.0)),
    Change("voice", "input dropout 0.5", _dropout("audio", 0.5)),
    Change("voice", "input dropout 0.8, feature noise 0.4", replace(_dropout("audio", 0.8), noise=0.4)),
    Change("voice", "no feature noise", replace(BASE, noise=0.0)),
    Change("words", "base", WORDS),
    Change("words", "MiniLM as published", WORDS, adapted=False),
    Change("words", "all labels drawn equally often", replace(WORDS, skew=0.0)),
    Change("words", "labels drawn as often as in MELD", replace(WORDS, skew=1.0)),
    Change("words", "last layer alone", WORDS, layers=LAYERS[1:]),
    Change("words", "input dropout 0.25", _dropout("text", 0.25, WORDS)),
    Change("together", "base"),
    Change("together", "MiniLM as published", adapted=False),
    Change("together", "no incongruent utterances", replace(BASE, incongruent=0.0)),
    Change("together", "three times as many incongruent utterances", replace(BASE, incongruent=0.3)),
    Change("together", "taught with all three only", replace(BASE, every_set=False)),
    Change("together", "64 utterances without a voice beside", replace(BASE, voiceless=64)),
    Change("together", "deviation dropout 0.8", replace(BASE, deviation_dropout=0.8)),
)


@dataclass(frozen=True)
class Ablation:
    """The banks of all lines, read once.

    Attributes:
        voices: ``Change.hearing`` -> voices of all speakers but the test speakers, with altered copies.
        unheard: the speakers that validate: the encoder of the measured pair has not heard them either.
        lines: whether adapted -> "train" and the whole held-out parts as "validation", layers ``LAYERS``.
        faces: "train" and "validation", the latter the first half of the held-out parts.
    """

    voices: dict[str, FeatureBank]
    unheard: frozenset[str]
    lines: dict[bool, dict[str, FeatureBank]]
    faces: dict[str, FeatureBank]
    folder: Path
    device: Device

    @classmethod
    def read(cls, maker: BankMaker, folder: Path, changes: list[Change]) -> "Ablation":
        """Extracts or finds what these lines need, and tries whether each can be measured: a line that comes last would
        otherwise fail after hours.

        Raises:
            CorpusError: a corpus is missing, a part of one is empty, or nothing can be composed of what validates.
        """
        parts = {change.part for change in changes}
        voices, lines, faces, unheard = {}, {}, {}, set()
        if parts & {"voice", "together"}:
            by_hearing = {"own": maker, "published": replace(maker, encoders=replace(maker.encoders, voice=None))}
            heard: dict[str, list[FeatureBank]] = {h: [] for h in by_hearing if any(c.hearing == h for c in changes)}
            for source in training_sources("voices", maker.root):
                assert isinstance(source.split, Speakers)
                test, validation = source.groups(source.split.test), source.groups(source.split.validation)
                records = source.records("voices", source.within(maker.root))
                learned = [record for record in records if record.group not in test | validation]
                new = [record for record in records if record.group in validation]
                unheard |= validation
                for hearing, banks in heard.items():
                    by = by_hearing[hearing]
                    banks.append(by.voices(learned, **by.of_voices(learn=True)))
                    if new:
                        banks.append(by.voices(new, copies=1))
            voices = {hearing: join_banks(banks) for hearing, banks in heard.items()}
        if parts & {"words", "together"}:
            lines = {adapted: _both_parts(m, "text", 1.0) for adapted, m in _adapted_or_not(maker).items()}
        if "together" in parts:
            faces = _both_parts(maker, "video", 0.5)
        ablation = cls(voices, frozenset(unheard), lines, faces, folder, maker.device)
        for change in changes:
            ablation.try_out(change)
        return ablation

    def try_out(self, change: Change) -> None:
        """Whether a line can be measured.

        Raises:
            CorpusError: it cannot.
        """
        parts = self._parts(change)
        for part, banks in parts.items():
            for modality, bank in banks.items():
                if not len(bank):
                    role = "to learn from" if part == "train" else "of those that validate"
                    raise CorpusError(f"There are no {KINDS[modality]} {role}: {change.part} cannot be measured.")
        if change.part == "together":
            compose(parts["validation"], len(LABELS), seed=1)
        if "audio" in parts["train"]:
            self.told_apart  # noqa: B018 measured once, for all lines

    @cached_property
    def told_apart(self) -> dict[str, float]:
        """``Change.hearing`` -> ``corpora_told_apart`` of the voices that train, whatever else a line changes."""
        return {hearing: corpora_told_apart(self._divided(hearing)["train"]) for hearing in self.voices}

    def measure(self, change: Change, seed: int) -> dict[str, float]:
        """Trains one line with one seed; a finished run is read back. Name of the figure -> value in [0, 1]."""
        parts = self._parts(change)
        normalisation = normalisation_of(parts["train"])
        recipe = overridden(change.recipe, seed=seed)
        folder = self.folder / f"{change.part} {change.name}".replace(" ", "-") / str(seed)

        def trained(name: str, utterances: LabelledUtterances):
            return train_fusion(name, parts["train"], utterances, normalisation, recipe, folder / name, self.device)[0]

        if change.part == "together":
            utterances = LabelledUtterances.composed(
                parts["validation"], compose(parts["validation"], 1400, seed=1), normalisation
            )
            return {
                f"all three, {name}": utterances.balanced_accuracy(trained(name, utterances), MODALITIES)
                for name in MODELS
            }
        ((modality, held_out),) = parts["validation"].items()
        clean = LabelledUtterances.single(modality, held_out.select(held_out.variants == 0), normalisation)
        model = trained("self", clean)
        figures = {"balanced accuracy": clean.balanced_accuracy(model, (modality,))}
        if modality == "audio":
            altered = LabelledUtterances.single(modality, held_out.select(held_out.variants == 1), normalisation)
            told = self.told_apart[change.hearing]
            return figures | {"re-recorded": altered.balanced_accuracy(model, (modality,)), "corpora told apart": told}
        prior = np.log(floored(parts["train"]["text"].label_frequencies()))
        predicted = (clean.logits(model, (modality,)) + prior).argmax(1)
        return figures | {"weighted F1, corpus prior": classification_metrics(clean.labels, predicted)["weighted_f1"]}

    def _divided(self, hearing: str) -> dict[str, FeatureBank]:
        """Voices that train, and those of the speakers that validate."""
        voices = self.voices[hearing]
        held_out = np.isin(voices.groups, list(self.unheard))
        return {"train": voices.select(~held_out), "validation": voices.select(held_out)}

    def _parts(self, change: Change) -> Parts:
        parts: Parts = {"train": {}, "validation": {}}
        if change.part != "words":
            for part, bank in self._divided(change.hearing).items():
                parts[part]["audio"] = bank
        if change.part != "voice":
            for part, bank in self.lines[change.adapted].items():
                parts[part]["text"] = columns(bank, [LAYERS.index(layer) for layer in change.layers])
        if change.part == "together":
            for part in parts:
                parts[part]["video"] = self.faces[part]
        return {part: {m: banks[m] for m in MODALITIES if m in banks} for part, banks in parts.items()}


def _adapted_or_not(maker: BankMaker) -> dict[bool, BankMaker]:
    return {True: maker, False: replace(maker, encoders=replace(maker.encoders, words=None))}


def _both_parts(maker: BankMaker, modality: str, share: float) -> dict[str, FeatureBank]:
    """The training parts, and the first ``share`` of the groups of the held-out parts, of every source."""
    parts: dict[str, list[FeatureBank]] = {"train": [], "validation": []}
    for source in training_sources(KINDS[modality], maker.root):
        assert isinstance(source.split, Official)
        parts["train"].append(maker.make(modality, source, source.split.train, learn=True))
        held_out = maker.make(modality, source, source.split.held_out)
        parts["validation"].append(held_out.select(early_groups(held_out, share)))
    return {part: join_banks(found) for part, found in parts.items()}


def corpora_told_apart(bank: FeatureBank, ridge: float = 10.0) -> float:
    """Balanced accuracy of a linear classifier of the corpus that sees the mean and deviation over time of unaltered
    sequences; one over the number of corpora is chance. It learns from every second group of a corpus (a speaker) and
    is measured on the others: what it finds is what rooms, languages and codecs leave in the features."""
    clean = np.flatnonzero(bank.variants == 0)
    names, of = np.unique(bank.corpora[clean], return_inverse=True)
    learns = np.zeros(len(clean), bool)
    for name in names:
        learns |= np.isin(bank.groups[clean], np.unique(bank.groups[clean][bank.corpora[clean] == name])[::2])
    sequences = [bank.sequence(i).astype(np.float64) for i in clean.tolist()]
    x = np.stack([np.concatenate([sequence.mean(0), sequence.std(0)]) for sequence in sequences])
    x = (x - x[learns].mean(0)) / np.maximum(x[learns].std(0), 1e-6)
    x = np.concatenate([x, np.ones((len(x), 1))], 1)
    weights = (1 / np.bincount(of[learns]))[of[learns], None]  # corpora count alike
    gram = x[learns].T @ (weights * x[learns]) + ridge / len(clean) * np.eye(x.shape[1])
    solution = np.linalg.solve(gram, x[learns].T @ (weights * np.eye(len(names))[of[learns]]))
    predicted = (x[~learns] @ solution).argmax(1)
    return float(np.mean([np.mean(predicted[of[~learns] == c] == c) for c in np.unique(of[~learns])]))


def columns(bank: FeatureBank, layers: list[int]) -> FeatureBank:
    """A bank with only these of the layers that stand side by side in it."""
    return bank.columns(np.concatenate([np.arange(STATE_WIDTH * n, STATE_WIDTH * (n + 1)) for n in layers]))
