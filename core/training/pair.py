"""The pair of fusion models, twice: measured on parts that are held out, then trained on everything for strangers.

What is held out says how good the recipe is and how sure its verdicts may be (temperatures). The same recipe then
learns from all actors, faces and lines at hand, because more actors help with the next one; that pair cannot be
measured here any more.
"""

from dataclasses import asdict
from pathlib import Path

from core.checkpoint import Checkpoint
from core.corpora.composed import FeatureBank, compose
from core.features import FeatureExtractor
from core.training.banks import ComposedSplit, all_banks, composed_banks
from core.training.evaluation import LabelledUtterances, evaluate_pair, fit_temperatures
from core.training.fusion import PAIRS, PairRecipe, normalisation_of, train_fusion
from core.training.provenance import provenance

VALIDATION_UTTERANCES, TEST_UTTERANCES = 1400, 2800  # composed from the held-out parts
CORPORA = {"text": "meld", "video": "fer2013", "audio": "ravdess"}


def train_measured_pair(
    root: Path, extractor: FeatureExtractor, cache: Path, recipe: PairRecipe, runs: Path
) -> tuple[Checkpoint, dict]:
    """Trains with ``ComposedSplit`` held out, in ``runs/measured``.

    Returns:
        The pair with its temperatures, and its figures on the test part (see ``evaluate_pair``).
    """
    split = ComposedSplit()
    banks = composed_banks(root, extractor, cache, split)
    normalisation = normalisation_of(banks["train"])
    validation, test = (
        LabelledUtterances.composed(banks[part], compose(banks[part], count, seed), normalisation)
        for part, count, seed in (("validation", VALIDATION_UTTERANCES, 1), ("test", TEST_UTTERANCES, 2))
    )
    folders = {name: runs / "measured" / name for name in PAIRS}
    models = {
        name: train_fusion(name, banks["train"], validation, normalisation, recipe, folder)[0]
        for name, folder in folders.items()
    }
    temperatures = {name: fit_temperatures(model, validation) for name, model in models.items()}
    data = {"sequences": {part: _sizes(by_modality) for part, by_modality in banks.items()}, "split": asdict(split)}
    learned = {"ravdess": _actors(banks["train"]), "fer2013": ["train"], "meld": ["train"]}
    checkpoint = Checkpoint(
        extractor.face_encoder, extractor.word_encoder.adapter, models, extractor.settings, normalisation, temperatures,
        _frequencies(banks["train"]), _made(recipe, data | {"learned_from": learned}, list(folders.values())),
    )  # fmt: skip
    return checkpoint, evaluate_pair(checkpoint, test)


def train_final_pair(
    root: Path, extractor: FeatureExtractor, cache: Path, recipe: PairRecipe, runs: Path,
    temperatures: dict[str, dict[str, float]],
) -> Checkpoint:  # fmt: skip
    """Trains with nothing held out, in ``runs/final``; the temperatures are those of the measured pair."""
    banks = all_banks(root, extractor, cache)
    normalisation = normalisation_of(banks)
    folders = {name: runs / "final" / name for name in PAIRS}
    models = {name: train_fusion(name, banks, None, normalisation, recipe, folders[name])[0] for name in PAIRS}
    learned = {"ravdess": _actors(banks), "fer2013": ["train", "validation"], "meld": ["train", "dev"]}
    data = {"sequences": {"train": _sizes(banks)}, "learned_from": learned}
    made = _made(recipe, data, list(folders.values()))
    return Checkpoint(
        extractor.face_encoder, extractor.word_encoder.adapter, models, extractor.settings, normalisation, temperatures,
        _frequencies(banks), made,
    )  # fmt: skip


def _sizes(banks: dict[str, FeatureBank]) -> dict[str, int]:
    return {modality: len(bank) for modality, bank in banks.items()}


def _actors(banks: dict[str, FeatureBank]) -> list[str]:
    return sorted(set(banks["audio"].groups.tolist()))


def _frequencies(banks: dict[str, FeatureBank]) -> dict[str, list[float]]:
    return {CORPORA[modality]: bank.label_frequencies().tolist() for modality, bank in banks.items()}


def _made(recipe: PairRecipe, data: dict, folders: list[Path]) -> dict:
    composed = {"composed": "RAVDESS voices, FER2013 faces, MELD lines"}
    return provenance(recipe.optimisation.seed, composed | data, folders) | {"recipe": asdict(recipe)}
