#!/usr/bin/env python
"""Trains what the checkpoint holds, one command a part: first ``face`` and ``words``, then ``pair``.

The pair is trained twice: with actors, faces and dialogues held out, on which it is measured (and kept in
``runs/measured/checkpoint``), and then, for the checkpoint, with everything.

Interrupted, the same command goes on where it was, at most one epoch earlier.
"""

import argparse
import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import plotly.graph_objects as go  # noqa: E402

from core.checkpoint import (  # noqa: E402
    CHECKPOINTS,
    load_face_encoder,
    load_word_adapter,
    save_face_encoder,
    save_pair,
    save_word_adapter,
)  # fmt: skip
from core.corpora.layout import CorpusError  # noqa: E402
from core.features import FeatureExtractor, FeatureSettings  # noqa: E402
from core.training.expression import FaceRecipe, train_face_encoder  # noqa: E402
from core.training.fusion import PAIRS, PairRecipe  # noqa: E402
from core.training.pair import train_final_pair, train_measured_pair  # noqa: E402
from core.training.provenance import provenance  # noqa: E402
from core.training.words import WordsRecipe, train_word_adapter  # noqa: E402
from core.weights import WeightsError  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "part", choices=("face", "words", "pair"), help="the face encoder, the word adapter, or both fusion models"
    )
    parser.add_argument(
        "--root", type=Path, required=True, help="of FER2013, of MELD, or for the pair of ravdess/ fer2013/ meld/"
    )
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINTS, help="written to (default: the shipped one)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="logs, curves and training state")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's (the face: of its first training)")
    arguments = parser.parse_args()
    try:
        return {"face": train_face, "words": train_words, "pair": train_pair}[arguments.part](arguments)
    except (CorpusError, WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def train_face(arguments: argparse.Namespace) -> int:
    recipe, folder = with_overrides(FaceRecipe(), arguments), arguments.runs / "face"
    model, histories = train_face_encoder(arguments.root, recipe, folder)
    draw_curves(folder)
    data = {"train": "FER2013 Training, 28,709 images", "validation": "FER2013 PublicTest, 3,589 images"}
    made = provenance(recipe.optimisation.seed, data, list(histories)) | {"recipe": asdict(recipe)}
    *_, last = histories.values()
    made["validation"] = max(last, key=lambda entry: entry["accuracy"])
    save_face_encoder(arguments.checkpoint, model, made)
    return 0


def train_words(arguments: argparse.Namespace) -> int:
    recipe, folder = with_overrides(WordsRecipe(), arguments), arguments.runs / "words"
    adapter, history = train_word_adapter(arguments.root, recipe, folder / "adapter")
    draw_curves(folder)
    data = {"train": "MELD train, single lines", "validation": "MELD dev"}
    made = provenance(recipe.optimisation.seed, data, [folder / "adapter"]) | {"recipe": asdict(recipe)}
    save_word_adapter(arguments.checkpoint, adapter, made | {"validation": history[-1]})
    return 0


def train_pair(arguments: argparse.Namespace) -> int:
    recipe = with_overrides(PairRecipe(), arguments)
    extractor = FeatureExtractor(
        load_face_encoder(arguments.checkpoint),
        FeatureSettings(),
        word_adapter=load_word_adapter(arguments.checkpoint),
    )
    given = (arguments.root, extractor, arguments.cache, recipe, arguments.runs)
    measured, held_out = train_measured_pair(*given)
    copy = arguments.runs / "measured" / "checkpoint"  # for whoever wants to measure more
    copy.mkdir(exist_ok=True)
    for file in (arguments.checkpoint / name for name in ("config.json", "face.safetensors", "words.safetensors")):
        if file.exists():
            shutil.copy(file, copy)
    save_pair(copy, measured)
    (arguments.checkpoint / "held_out.json").write_text(json.dumps(held_out, indent=1) + "\n")
    save_pair(arguments.checkpoint, train_final_pair(*given, measured.temperature))
    draw_curves(arguments.runs / "measured")
    draw_curves(arguments.runs / "final")
    print_table(held_out)
    return 0


def with_overrides(recipe, arguments: argparse.Namespace):
    changes = {"seed": arguments.seed} | ({"epochs": arguments.epochs} if arguments.epochs else {})
    return replace(recipe, optimisation=replace(recipe.optimisation, **changes))


def draw_curves(folder: Path) -> None:
    """Puts the curves of each run in ``folder`` beside its log."""
    for log in folder.glob("*/log.jsonl"):
        history = [json.loads(line) for line in log.read_text().splitlines()]
        figure = go.Figure()
        for name in (key for key in history[0] if key not in ("epoch", "learning_rate")):
            figure.add_scatter(x=[e["epoch"] + 1 for e in history], y=[e[name] for e in history], name=name)
        figure.update_layout(template="plotly_white", xaxis_title="epoch")
        figure.write_html(log.with_name("curves.html"), include_plotlyjs=True)


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
