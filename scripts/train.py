#!/usr/bin/env python
"""Trains what the checkpoint holds, one command a part: first ``face``, then ``pair``.

Interrupted, the same command goes on where it was, at most one epoch earlier.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import plotly.graph_objects as go  # noqa: E402

from core.checkpoint import CHECKPOINTS, Checkpoint, load_face_encoder, save_face_encoder, save_pair  # noqa: E402
from core.corpora.composed import compose  # noqa: E402
from core.corpora.layout import CorpusError  # noqa: E402
from core.features import FeatureExtractor, FeatureSettings  # noqa: E402
from core.training.banks import ComposedSplit, composed_banks  # noqa: E402
from core.training.evaluation import LabelledUtterances, evaluate_pair, fit_temperatures  # noqa: E402
from core.training.expression import AGAIN, FIRST, FaceRecipe, train_face_encoder  # noqa: E402
from core.training.fusion import PAIRS, PairRecipe, normalisation_of, train_fusion  # noqa: E402
from core.training.provenance import provenance  # noqa: E402
from core.weights import WeightsError  # noqa: E402

# Per-utterance sizes of the validation and test sets that are composed from the held-out parts.
VALIDATION_UTTERANCES, TEST_UTTERANCES = 1400, 2800


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("face", "pair"), help="the face encoder, or both fusion models")
    parser.add_argument("--root", type=Path, required=True, help="FER2013, or for the pair ravdess/ fer2013/ meld/")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINTS, help="written to (default: the shipped one)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="logs, curves and training state")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's (the face: of its first training)")
    arguments = parser.parse_args()
    try:
        return {"face": train_face, "pair": train_pair}[arguments.part](arguments)
    except (CorpusError, WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def train_face(arguments: argparse.Namespace) -> int:
    recipe, folder = with_overrides(FaceRecipe(), arguments), arguments.runs / "face"
    model, *histories = train_face_encoder(arguments.root, recipe, folder)
    for name, history in zip((FIRST, AGAIN), histories, strict=True):
        draw_curves(history, folder / name / "curves.html")
    data = {"train": "FER2013 Training, 28,709 images", "validation": "FER2013 PublicTest, 3,589 images"}
    made = provenance(recipe.optimisation.seed, data, [folder / FIRST, folder / AGAIN]) | {"recipe": asdict(recipe)}
    save_face_encoder(
        arguments.checkpoint,
        model,
        made | {"validation": max(histories[-1], key=lambda entry: entry[recipe.again.select])},
    )
    return 0


def train_pair(arguments: argparse.Namespace) -> int:
    recipe, split = with_overrides(PairRecipe(), arguments), ComposedSplit()
    settings = FeatureSettings()
    extractor = FeatureExtractor(load_face_encoder(arguments.checkpoint), settings)
    banks = composed_banks(arguments.root, extractor, arguments.cache, split)
    normalisation = normalisation_of(banks["train"])
    validation, test = (
        LabelledUtterances.composed(banks[part], compose(banks[part], count, seed), normalisation)
        for part, count, seed in (("validation", VALIDATION_UTTERANCES, 1), ("test", TEST_UTTERANCES, 2))
    )
    models, temperatures, histories = {}, {}, {}
    for name in PAIRS:
        folder = arguments.runs / name
        models[name], histories[name] = train_fusion(name, banks["train"], validation, normalisation, recipe, folder)
        draw_curves(histories[name], folder / "curves.html")
        temperatures[name] = fit_temperatures(models[name], validation)
    sizes = {part: {m: len(bank) for m, bank in by_modality.items()} for part, by_modality in banks.items()}
    data = {"composed": "RAVDESS voices, FER2013 faces, MELD lines", "sequences": sizes, "split": asdict(split)}
    folders = [arguments.runs / name for name in PAIRS]
    made = provenance(recipe.optimisation.seed, data, folders) | {"recipe": asdict(recipe)}
    corpora = {"text": "meld", "video": "fer2013", "audio": "ravdess"}
    frequencies = {corpora[m]: bank.label_frequencies().tolist() for m, bank in banks["train"].items()}
    checkpoint = Checkpoint(extractor.face_encoder, models, settings, normalisation, temperatures, frequencies, made)
    save_pair(arguments.checkpoint, checkpoint)
    result = evaluate_pair(checkpoint, test)
    (arguments.checkpoint / "held_out.json").write_text(json.dumps(result, indent=1) + "\n")
    print_table(result)
    return 0


def with_overrides(recipe, arguments: argparse.Namespace):
    changes = {"seed": arguments.seed} | ({"epochs": arguments.epochs} if arguments.epochs else {})
    return replace(recipe, optimisation=replace(recipe.optimisation, **changes))


def draw_curves(history: list[dict], path: Path) -> None:
    figure = go.Figure()
    for name in (key for key in history[0] if key not in ("epoch", "learning_rate")):
        figure.add_scatter(x=[e["epoch"] + 1 for e in history], y=[e[name] for e in history], name=name)
    figure.update_layout(template="plotly_white", xaxis_title="epoch")
    figure.write_html(path, include_plotlyjs=True)


def print_table(result: dict) -> None:
    print("Composed utterances of held-out actors, faces and dialogues:")
    print(f"{'modalities':18}{'model':7}{'accuracy':>10}{'balanced accuracy':>20}{'ECE':>8}")
    for subset, by_model in result.items():
        for name in PAIRS:
            if (metrics := by_model[name]) is None:
                print(f"{subset:18}{name:7}  undefined: cross-attention needs two modalities")
                continue
            error = metrics["expected_calibration_error"]
            print(f"{subset:18}{name:7}{metrics['accuracy']:10.3f}{metrics['balanced_accuracy']:20.3f}{error:8.3f}")


if __name__ == "__main__":
    sys.exit(main())
