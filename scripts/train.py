#!/usr/bin/env python
"""Trains what the checkpoint holds, one command a part: first ``face``, ``voice`` and ``words``, then ``pair``.

``pair`` trains cross and self, and more models beside them if they are named (``--models both gated``), later too: what
is finished in ``--runs`` is read back. They are trained twice: with speakers, faces and dialogues held out, on which
they are measured (and kept in ``runs/measured/checkpoint``), and then with everything. All of it goes to
``runs/checkpoint``, which begins with the encoders of the shipped one; ``--install`` puts it into the shipped one's
place once it is complete. ``--measured-only`` (of ``voice`` and ``pair``) leaves out the second training: what is
installed then is the pair whose figures stand beside it. Several processes share the models with ``--only``; the
command without it then puts them together.

Interrupted, the same command goes on where it was, at most one epoch earlier.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

import numpy as np
import plotly.graph_objects as go

from core import CHECKPOINTS, EVERY_MODEL, MODELS
from core.corpora.layout import CorpusError
from core.datasets.composed import BankMaker
from core.datasets.multimodal import MultimodalClips, training_clips
from core.device import CHOICES, Device, choose_device
from core.encoders.features import FeatureSettings
from core.encoders.packaged import WeightsError
from core.files import prepare_folder, write_json
from core.fusion.checkpoint import copy_encoders, install, load_encoder, load_encoders, save_encoder, save_pair
from core.fusion.config import ENCODERS, encoder_hashes, learned_voices
from core.training.batches import PairRecipe
from core.training.face import FaceData, FaceRecipe, train_face_encoder
from core.training.loop import overridden
from core.training.pair import train_final_pair, train_measured_pair, train_some
from core.training.provenance import provenance
from core.training.voice import VoiceData, VoiceRecipe, train_voice_encoder
from core.training.words import LineData, WordsRecipe, train_word_adapter
from scripts.arguments import parser_of


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument(
        "part",
        choices=("face", "voice", "words", "pair"),
        help="the encoder of faces or voices, the word adapter, or the fusion models",
    )
    parser.add_argument("--root", type=Path, required=True, help="holds the corpora, each in the folder of its name")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="checkpoint, logs, curves, training state")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument(
        "--start-from", type=Path, default=CHECKPOINTS, help="whose encoders a new checkpoint begins with"
    )
    parser.add_argument(
        "--models", nargs="+", choices=EVERY_MODEL, default=MODELS, metavar="MODEL",
        help="pair: what the checkpoint is to hold beside cross and self, which it always holds: both (the paper's "
        "Cross+Self), gated (cross- and self-attended streams mixed by a gate); what is finished in RUNS is not "
        "trained again, and what is not named is not in the checkpoint any more",
    )  # fmt: skip
    parser.add_argument(
        "--only", nargs="+", choices=EVERY_MODEL, metavar="MODEL", default=(),
        help="pair: train these alone, beside other processes that train the others, and put nothing together",
    )  # fmt: skip
    parser.add_argument("--anew", action="store_true", help="face: from nothing, not from the encoder that there is")
    parser.add_argument("--measured-only", action="store_true", help="voice, pair: learn nothing from what is held out")
    parser.add_argument("--install", action="store_true", help="put the checkpoint into --target when it is complete")
    parser.add_argument("--target", type=Path, default=CHECKPOINTS, help="of --install (default: what the app loads)")
    parser.add_argument("--device", choices=CHOICES, default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="processes that extract features of clips")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's (the face: of its first training)")
    arguments = parser.parse_args()
    if arguments.install and (arguments.part != "pair" or arguments.only):
        parser.error("--install goes with pair without --only: what is installed must be complete")
    checkpoint = arguments.runs / "checkpoint"
    measured = arguments.runs / "measured" / "checkpoint"
    try:
        prepare_folder(arguments.runs)
        if arguments.install:
            prepare_folder(arguments.target.absolute().parent)
        device = choose_device(arguments.device)
        if not checkpoint.exists():
            copy_encoders(arguments.start_from, checkpoint)
        train = {"face": train_face, "voice": train_voice, "words": train_words, "pair": train_pair}[arguments.part]
        train(arguments, checkpoint, device)
        if arguments.install:
            install(measured if arguments.measured_only else checkpoint, arguments.target)
    except (CorpusError, WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def train_face(arguments: argparse.Namespace, checkpoint: Path, device: Device) -> None:
    recipe, folder = with_overrides(FaceRecipe(), arguments), arguments.runs / "face"
    data = FaceData.read(arguments.root)
    begin_with = None if arguments.anew else load_encoder(arguments.start_from, "face")
    model, histories = train_face_encoder(data, recipe, folder, device, begin_with)
    draw_curves(folder)
    made = provenance(recipe.optimisation.seed, data.described, list(histories)) | {"recipe": asdict(recipe)}
    *_, last = histories.values()
    made["validation"] = max(last, key=lambda entry: entry["both"])
    save_encoder(checkpoint, "face", model, made)


def train_voice(arguments: argparse.Namespace, checkpoint: Path, device: Device) -> None:
    """The encoder of the measured pair learns from the speakers that train, that of the final pair goes on with all."""
    recipe, folder = with_overrides(VoiceRecipe(), arguments), arguments.runs / "voice"
    data = VoiceData.read(arguments.root, arguments.cache)
    model, history = train_voice_encoder(data, recipe, folder / "measured", device)
    made = provenance(recipe.optimisation.seed, data.described, [folder / "measured"])
    made |= {"recipe": asdict(recipe), "validation": history[-1]}
    save_encoder(arguments.runs / "measured" / "checkpoint", "voice", model.encoder, made)
    if not arguments.measured_only:
        data = VoiceData.read(arguments.root, arguments.cache, everything=True)
        folders = [folder / "measured", folder / "final"]
        model, history = train_voice_encoder(data, recipe, folder / "final", device, model)
        made |= provenance(recipe.optimisation.seed, data.described, folders) | {"validation": history[-1]}
        save_encoder(checkpoint, "voice", model.encoder, made)
    draw_curves(folder)


def train_words(arguments: argparse.Namespace, checkpoint: Path, device: Device) -> None:
    recipe, folder = with_overrides(WordsRecipe(), arguments), arguments.runs / "words"
    data = LineData.read(arguments.root)
    adapter, history = train_word_adapter(data, recipe, folder / "adapter", device)
    draw_curves(folder)
    made = provenance(recipe.optimisation.seed, data.described, [folder / "adapter"]) | {"recipe": asdict(recipe)}
    save_encoder(checkpoint, "words", adapter, made | {"validation": history[-1]})


def train_pair(arguments: argparse.Namespace, checkpoint: Path, device: Device) -> None:
    recipe = with_overrides(PairRecipe(), arguments)
    names = [name for name in EVERY_MODEL if name in (*MODELS, *arguments.models)]
    beside = arguments.runs / "measured" / "checkpoint"  # for whoever wants to measure more
    # Its voice encoder does not know the speakers that are held out; the other encoders know training parts only.
    copy_encoders(checkpoint, beside, ("face", "words") if "voice" in encoder_hashes(beside) else ENCODERS)
    folders = (beside,) if arguments.measured_only else (beside, checkpoint)
    makers = [
        BankMaker(arguments.root, load_encoders(folder), FeatureSettings(), device, arguments.cache)
        for folder in folders
    ]
    clips, held_out_people = training_clips(arguments.root)
    moments = [
        maker.moments(clips, folder, arguments.jobs) if clips else None
        for maker, folder in zip(makers, folders, strict=True)
    ]
    known, heard = moments[0], learned_voices(beside)
    met, unmet = None, None
    if known is not None:
        kept = np.isin(known.groups, list(held_out_people))
        met, unmet = known.select(~kept), known.select(kept & ~np.isin(known.groups, heard))
        print(said_of(unmet, held_out_people), flush=True)
    if arguments.only:
        train_some(makers[0], recipe, arguments.runs / "measured", met, arguments.only, held_out=True)
        if not arguments.measured_only:
            train_some(makers[1], recipe, arguments.runs / "final", moments[1], arguments.only, held_out=False)
        return
    if not arguments.measured_only:
        makers[1].everything()  # read now, so that what is wrong with it shows before hours of training
    measured, held_out = train_measured_pair(makers[0], recipe, arguments.runs, met, unmet, heard, names)
    save_pair(beside, measured)
    write_json(beside / "held_out.json", held_out, indent=1)
    draw_curves(arguments.runs / "measured")
    print_tables(held_out)
    if arguments.measured_only:
        return
    final = train_final_pair(makers[1], recipe, arguments.runs, measured.calibration, moments[1] or None)
    save_pair(checkpoint, final)
    write_json(checkpoint / "held_out.json", held_out, indent=1)
    draw_curves(arguments.runs / "final")


def said_of(unmet: MultimodalClips, held_out: set[str]) -> str:
    """Whom the pair is measured on."""
    people = np.unique(unmet.groups).tolist()
    if not people:
        wanted = ", ".join(sorted(held_out))
        return f"No clip shows anybody who is held out ({wanted}): the pair is measured on composed utterances only."
    said = f"Measured on {len(unmet)} clips of people who are held out: {', '.join(people)}."
    alone = " How sure verdicts on a single person may be is told by composed utterances." if len(people) == 1 else ""
    return said + alone


def with_overrides(recipe, arguments: argparse.Namespace):
    return overridden(recipe, seed=arguments.seed, epochs=arguments.epochs or None)


def draw_curves(folder: Path) -> None:
    """Puts the curves of each run in ``folder`` beside its log."""
    for log in folder.glob("*/log.jsonl"):
        history = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        figure = go.Figure()
        for name in (key for key in history[0] if key not in ("epoch", "learning_rate")):
            figure.add_scatter(x=[e["epoch"] + 1 for e in history], y=[e[name] for e in history], name=name)
        figure.update_layout(template="plotly_white", xaxis_title="epoch")
        figure.write_html(log.with_name("curves.html"), include_plotlyjs=True)


def print_tables(result: dict) -> None:
    for name, table in result.items():
        print(f"{name}, as sure as fits the others:")
        print_table(table)


def print_table(result: dict) -> None:
    columns = "".join(f"{name:>10}" for name in ("ECE", "coverage", "set size"))
    print(f"{'modalities':18}{'model':7}{'accuracy':>10}{'balanced accuracy':>20}{columns}")
    for subset, by_model in result.items():
        for name in EVERY_MODEL:
            if name not in by_model:
                continue
            if (metrics := by_model[name]) is None:
                print(f"{subset:18}{name:7}  undefined: cross-attention needs two modalities")
                continue
            shown = [metrics[figure] for figure in ("expected_calibration_error", "coverage", "set_size")]
            print(
                f"{subset:18}{name:7}{metrics['accuracy']:10.3f}{metrics['balanced_accuracy']:20.3f}"
                + "".join(f"{value:10.3f}" for value in shown)
            )


if __name__ == "__main__":
    run(main)
