#!/usr/bin/env python
"""Trains the pair without each person on camera, or without each corpus of voices, and measures it on who was left out.

The voice encoder is trained anew each time, without the corpus, or once without the whole corpus of the people: on two
cores that takes the better part of an hour, the features of everybody else ten minutes, and two fusion models five.
A line appears when all of it is done; interrupted, the same command goes on.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

from collections.abc import Iterable, Iterator
from itertools import groupby

from core import CHECKPOINTS
from core.corpora.layout import CorpusError
from core.datasets.composed import BankMaker
from core.datasets.multimodal import training_clips
from core.datasets.sources import training_sources
from core.device import CHOICES, choose_device
from core.encoders.features import FeatureSettings
from core.encoders.packaged import WeightsError
from core.files import prepare_folder
from core.fusion.checkpoint import load_encoders
from core.training.batches import PairRecipe
from core.training.leave_out import (
    HeldOutPredictions,
    averaged,
    calibration_error,
    hear_without,
    leave_out,
    together,
)
from core.training.loop import overridden
from core.training.voice import VoiceRecipe
from scripts.arguments import parser_of

BOTH = ("video", "audio")
HEAD = (
    "| left out | seed | clips | face + voice: cross | face + voice: self | face | voice | voices | voice |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("which", choices=("people", "corpora"))
    parser.add_argument("--root", type=Path, required=True, help="holds the corpora, each in the folder of its name")
    parser.add_argument(
        "--checkpoint", type=Path, default=CHECKPOINTS, help="whose encoders of faces and words are used"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", default=(), help="of the people or corpora (default: all)")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of fusion; their average is shown, too")
    parser.add_argument("--runs", type=Path, default=Path("runs/left-out"))
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--epochs", type=int, help="of fusion, instead of the recipe's")
    parser.add_argument("--voice-epochs", type=int, help="of the voice encoder, instead of the recipe's")
    parser.add_argument("--device", choices=CHOICES, default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="processes that extract features of clips")
    arguments = parser.parse_args()
    recipe = overridden(PairRecipe(), epochs=arguments.epochs or None)
    voice_recipe = overridden(VoiceRecipe(), epochs=arguments.voice_epochs or None)
    people, settings = arguments.which == "people", FeatureSettings()

    def judged_without(corpus: str, names: Iterable[str]) -> Iterator[tuple[str, list[HeldOutPredictions]]]:
        """Each of the names, of a corpus or of its people, and what each training says of it; nothing that hears has
        met the corpus's voices."""
        folder = arguments.runs / f"voices-without-{corpus}"
        encoders = hear_without(
            corpus, arguments.checkpoint, arguments.root, arguments.cache, voice_recipe, folder, device
        )
        maker = BankMaker(arguments.root, load_encoders(encoders), settings, device, arguments.cache)
        banks, moments = maker.everything(unmet=corpus), maker.moments(records, encoders, arguments.jobs)
        for name in names:
            yield name, [
                leave_out(
                    name, banks, moments, settings, overridden(recipe, seed=seed), arguments.runs / f"seed-{seed}",
                    device,
                )
                for seed in range(arguments.seeds)
            ]  # fmt: skip

    try:
        prepare_folder(arguments.runs)
        device = choose_device(arguments.device)
        records, _ = training_clips(arguments.root)
        there = [source.name for source in training_sources("voices", arguments.root)]
        if not records:
            raise CorpusError(f"{arguments.root} holds no clips with pictures.")
        if len(there) < 2:
            raise CorpusError(f"{arguments.root} holds one corpus of voices: without it nothing is left.")
        names = sorted({record.group for record in records}) if people else there
        if lacking := [name for name in arguments.only if name not in names]:
            raise CorpusError(f"There is no {', no '.join(lacking)} in {arguments.root}, only {', '.join(names)}.")
        print(HEAD, flush=True)
        judged = []
        for corpus, names_within in groupby(arguments.only or names, lambda name: name.partition("/")[0]):
            for name, each in judged_without(corpus, names_within):
                judged.append(averaged(each))
                for seed, predictions in enumerate(each):
                    print(line(name, str(seed), predictions), flush=True)
                if len(each) > 1:
                    print(line(name, "average", judged[-1]), flush=True)
    except (CorpusError, WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if people:
        print(line("each in turn, together", "average" if arguments.seeds > 1 else "0", together(judged)))
        errors = {model: calibration_error(judged, BOTH, model) for model in ("cross", "self")}
        said = ", ".join("undefined" if e is None else f"{e:.3f} ({model})" for model, e in errors.items())
        print(f"\nExpected calibration error of face + voice, each as sure as fits the others: {said}")
    return 0


def line(name: str, seed: str, judged: HeldOutPredictions) -> str:
    figures = [
        judged.of_set(BOTH, "cross"), judged.of_set(BOTH, "self"),
        judged.of_set(("video",), "self"), judged.of_set(("audio",), "self"), judged.of_voice,
    ]  # fmt: skip
    shown = ["–" if figure is None else f"{figure:.3f}" for figure in figures]
    cells = [name, seed, str(len(judged.clips)), *shown[:4], str(len(judged.voices)), shown[4]]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    run(main)
