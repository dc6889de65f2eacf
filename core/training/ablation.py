"""What each choice of the recipe is worth: one change a line, several seeds, measured on validation parts only.

Runs are short (one epoch) and are compared with each other, not with the shipped checkpoint. Seed k holds out
the k-th quarter of RAVDESS's training and validation actors; the four test actors are never touched.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core import MODALITIES
from core.corpora.composed import FeatureBank, compose
from core.corpora.meld import read_meld
from core.corpora.ravdess import read_ravdess
from core.expression import ExpressionNet
from core.features import FeatureExtractor, FeatureSettings
from core.speech import STATE_WIDTH
from core.training.banks import FACE_COPIES, ComposedSplit, face_bank, text_bank, voice_bank
from core.training.evaluation import LabelledUtterances
from core.training.fusion import PAIRS, PairRecipe, normalisation_of, train_fusion
from core.training.loop import Recipe
from core.training.metrics import classification_metrics
from core.words import WordAdapter, WordEncoder

BLOCKS = (0, 1, 2)  # whose outputs are extracted; each line uses some of them
LAYERS = FeatureSettings.text_layers
QUARTERS = 4

Parts = dict[str, dict[str, FeatureBank]]
"""Part ("train", "validation") -> modality -> bank."""

BASE = PairRecipe(
    optimisation=Recipe(epochs=1, learning_rate=2e-3, weight_decay=0.02, average=0.98, select=""),
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
        blocks: of Whisper's encoder, among ``BLOCKS``.
        layers: of MiniLM, among ``LAYERS``.
        adapted: whether MiniLM has the checkpoint's word adapter.
        copies: other recordings of each voice.
    """

    part: str
    name: str
    recipe: PairRecipe = BASE
    blocks: tuple[int, ...] = FeatureSettings.audio_blocks
    layers: tuple[int, ...] = LAYERS
    adapted: bool = True
    copies: int = 1


def _dropout(modality: str, share: float, base: PairRecipe = BASE) -> PairRecipe:
    return replace(base, input_dropout=base.input_dropout | {modality: share})


WORDS = replace(BASE, steps=800)  # lines are many and their steps are few
CHANGES = (
    Change("voice", "base"),
    Change("voice", "block 1 alone", blocks=(1,)),
    Change("voice", "blocks 0, 1 and 2", blocks=BLOCKS),
    Change("voice", "no other recordings", copies=0),
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
    Change("together", "judged from all three only", replace(BASE, every_set=False)),
    Change("together", "64 utterances without a voice beside", replace(BASE, voiceless=64)),
    Change("together", "deviation dropout 0.8", replace(BASE, deviation_dropout=0.8)),
)


@dataclass(frozen=True)
class Ablation:
    """The banks of all lines, read once.

    Attributes:
        voices: of all actors but the test actors, with one other recording each, blocks ``BLOCKS``; None if not read.
        lines: whether adapted -> MELD's "train" and "dev", layers ``LAYERS``.
        faces: FER2013's "train" and "validation", the latter the first half of PublicTest.
    """

    voices: FeatureBank | None
    lines: dict[bool, dict[str, FeatureBank]]
    faces: dict[str, FeatureBank]
    folder: Path

    @classmethod
    def read(
        cls, root: Path, face_encoder: ExpressionNet, word_adapter: WordAdapter | None, cache: Path, folder: Path,
        parts: set[str],
    ) -> "Ablation":  # fmt: skip
        """Extracts or finds what the lines of ``parts`` need."""
        voices, lines, faces = None, {}, {}
        if parts & {"voice", "together"}:
            records = [r for r in read_ravdess(root / "ravdess") if r.group not in ComposedSplit().test_actors]
            voices = voice_bank(records, FeatureExtractor(face_encoder, FeatureSettings(audio_blocks=BLOCKS)), 1, cache)
        if parts & {"words", "together"}:
            written = {part: read_meld(root / "meld", part) for part in ("train", "dev")}
            encoders = {True: WordEncoder(LAYERS, adapter=word_adapter), False: WordEncoder(LAYERS)}
            lines = {
                adapted: {part: text_bank(r, encoder, cache, known=part == "train") for part, r in written.items()}
                for adapted, encoder in encoders.items()
            }
        if "together" in parts:
            validation = face_bank(root / "fer2013", "validation", face_encoder, 0, cache)
            faces = {
                "train": face_bank(root / "fer2013", "train", face_encoder, FACE_COPIES, cache, known=True),
                "validation": validation.select(np.arange(len(validation)) < len(validation) // 2),
            }
        return cls(voices, lines, faces, folder)

    def measure(self, change: Change, seed: int) -> dict[str, float]:
        """Trains one line with one seed; a finished run is read back. Name of the figure -> value in [0, 1]."""
        parts = self._parts(change, seed)
        normalisation = normalisation_of(parts["train"])
        recipe = replace(change.recipe, optimisation=replace(change.recipe.optimisation, seed=seed))
        folder = self.folder / f"{change.part} {change.name}".replace(" ", "-") / str(seed)

        def trained(name: str, utterances: LabelledUtterances):
            return train_fusion(name, parts["train"], utterances, normalisation, recipe, folder / name)[0]

        if change.part == "together":
            utterances = LabelledUtterances.composed(
                parts["validation"], compose(parts["validation"], 1400, seed=1), normalisation
            )
            return {
                f"all three, {name}": utterances.balanced_accuracy(trained(name, utterances), MODALITIES)
                for name in PAIRS
            }
        ((modality, held_out),) = parts["validation"].items()
        clean = LabelledUtterances.single(modality, held_out.select(held_out.variants == 0), normalisation)
        model = trained("self", clean)
        figures = {"balanced accuracy": clean.balanced_accuracy(model, (modality,))}
        if modality == "audio":
            altered = LabelledUtterances.single(modality, held_out.select(held_out.variants == 1), normalisation)
            return figures | {"re-recorded": altered.balanced_accuracy(model, (modality,))}
        prior = np.log(parts["train"]["text"].label_frequencies())
        predicted = (clean.logits(model, (modality,)) + prior).argmax(1)
        return figures | {"weighted F1, corpus prior": classification_metrics(clean.labels, predicted)["weighted_f1"]}

    def _parts(self, change: Change, seed: int) -> Parts:
        parts: Parts = {"train": {}, "validation": {}}
        if change.part != "words":
            voices = columns(self.voices, [BLOCKS.index(block) for block in change.blocks])
            actors = np.unique(voices.groups)
            held_out = np.isin(voices.groups, actors[np.arange(len(actors)) % QUARTERS == seed % QUARTERS])
            parts["train"]["audio"] = voices.select(~held_out & (voices.variants <= change.copies))
            parts["validation"]["audio"] = voices.select(held_out)
        if change.part != "voice":
            for part, name in (("train", "train"), ("validation", "dev")):
                parts[part]["text"] = columns(
                    self.lines[change.adapted][name], [LAYERS.index(layer) for layer in change.layers]
                )
        if change.part == "together":
            for part in parts:
                parts[part]["video"] = self.faces[part]
        return {part: {m: banks[m] for m in MODALITIES if m in banks} for part, banks in parts.items()}


def columns(bank: FeatureBank, layers: list[int]) -> FeatureBank:
    """A bank with only these of the layers that stand side by side in it."""
    chosen = np.concatenate([np.arange(STATE_WIDTH * layer, STATE_WIDTH * (layer + 1)) for layer in layers])
    return replace(bank, values=bank.values[:, chosen])
