#!/usr/bin/env python
"""Trains the pair without each person on camera, or without each corpus of voices, and measures it on who was left out.

A line appears when its two trainings are done; interrupted, the same command goes on. With the recipe of ``train.py
pair`` one takes two to five minutes on a core.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

import numpy as np

from core import CHECKPOINTS
from core.corpora.layout import CorpusError
from core.datasets.composed import BankMaker
from core.datasets.multimodal import training_clips
from core.device import CHOICES, choose_device
from core.encoders.features import FeatureSettings
from core.encoders.packaged import WeightsError
from core.files import prepare_folder
from core.fusion.checkpoint import copy_encoders, load_encoders
from core.training.batches import PairRecipe
from core.training.leave_out import Judged, calibration_error, leave_out, together
from core.training.loop import overridden
from scripts.arguments import parser_of

BOTH = ("video", "audio")
HEAD = (
    "| left out | clips | face + voice: cross | face + voice: self | face | voice | voices | voice |\n"
    "|---|---|---|---|---|---|---|---|"
)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("which", choices=("people", "corpora"))
    parser.add_argument("--root", type=Path, required=True, help="holds the corpora, each in the folder of its name")
    parser.add_argument(
        "--checkpoint", type=Path, default=CHECKPOINTS, help="whose encoders of faces and words are used"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/left-out"))
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--device", choices=CHOICES, default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="processes that extract features of clips")
    arguments = parser.parse_args()
    recipe, encoders = overridden(PairRecipe(), epochs=arguments.epochs or None), arguments.runs / "encoders"
    try:
        prepare_folder(arguments.runs)
        copy_encoders(arguments.checkpoint, encoders, ("face", "words"))
        device = choose_device(arguments.device)
        maker = BankMaker(arguments.root, load_encoders(encoders), FeatureSettings(), device, arguments.cache)
        records, _ = training_clips(arguments.root)
        if not records:
            raise CorpusError(f"{arguments.root} holds no clips with pictures.")
        moments = maker.moments(records, encoders, arguments.jobs)
        banks = maker.everything()
    except (CorpusError, WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    people = arguments.which == "people"
    names = np.unique(moments.groups if people else banks["audio"].corpora)
    if not people and len(names) < 2:
        print(f"{arguments.root} holds one corpus of voices: without it nothing is left.", file=sys.stderr)
        return 2
    print(HEAD, flush=True)
    judged = []
    for name in names:
        judged.append(leave_out(str(name), banks, moments, recipe, arguments.runs, device))
        print(line(str(name), judged[-1]), flush=True)
    if people:
        print(line("each in turn, together", together(judged)))
        errors = {model: calibration_error(judged, BOTH, model) for model in ("cross", "self")}
        said = ", ".join("undefined" if e is None else f"{e:.3f} ({model})" for model, e in errors.items())
        print(f"\nExpected calibration error of face + voice, each as sure as fits the others: {said}")
    return 0


def line(name: str, judged: Judged) -> str:
    figures = [
        judged.of_set(BOTH, "cross"), judged.of_set(BOTH, "self"),
        judged.of_set(("video",), "self"), judged.of_set(("audio",), "self"), judged.of_voice,
    ]  # fmt: skip
    shown = ["–" if figure is None else f"{figure:.3f}" for figure in figures]
    cells = [name, str(len(judged.clips)), *shown[:4], str(len(judged.voices)), shown[4]]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    run(main)
