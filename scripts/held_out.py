#!/usr/bin/env python
"""Prints the tables of the model card: the measured pair on all that was held out of it.

The first two tables are what ``train.py pair`` found; each line of the third is one run of ``evaluate.py``, with the
options that it names.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

from core import EVERY_MODEL
from core.corpora.layout import CorpusError
from core.datasets.sources import SOURCES, Official
from core.device import CHOICES, choose_device
from core.encoders.packaged import WeightsError
from core.training.evaluation_sets import measure
from scripts.arguments import parser_of

NAMES = {"text": "words", "video": "face", "audio": "voice"}
FIGURES = {
    "accuracy": "accuracy", "balanced accuracy": "balanced_accuracy", "macro F1": "macro_f1",
    "weighted F1": "weighted_f1", "ECE": "expected_calibration_error", "coverage": "coverage", "set size": "set_size",
}  # fmt: skip


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--root", type=Path, required=True, help="holds the corpora, each in the folder of its name")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="of train.py")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--device", choices=CHOICES, default="auto")
    arguments = parser.parse_args()
    checkpoint = arguments.runs / "measured" / "checkpoint"
    try:
        tables = json.loads((arguments.runs / "checkpoint" / "held_out.json").read_text("utf-8"))
        for name in ("people", "composed"):
            table = tables.get(name, {})
            print(f"\n## {name}\n\n{head('modalities')}")
            for subset, by_model in table.items():
                print("\n".join(of_each(" + ".join(NAMES[m] for m in subset.split("+")), by_model)))
        print(f"\n## Each group of strangers\n\n{head('group')}")
        for name, table in tables.items():
            if name not in ("people", "composed"):
                subset, by_model = list(table.items())[-1]  # of all that the group has
                print("\n".join(of_each(f"{name}: {' + '.join(NAMES[m] for m in subset.split('+'))}", by_model)))
        print(f"\n## One corpus each\n\n{head('options')}")
        for corpus, split, modalities, prior in held_out(arguments.root):
            options = f"--corpus {corpus} --split {split} --modalities {modalities}{f' --prior {prior}' * bool(prior)}"
            try:
                found = measure(
                    corpus, SOURCES[corpus].within(arguments.root), split, modalities.split(","), prior or "balanced",
                    checkpoint, arguments.cache, 1, choose_device(arguments.device),
                )  # fmt: skip
            except CorpusError as error:  # not in this copy; the others are measured
                print(f"{options}: {error}", file=sys.stderr)
                continue
            models = {name: found[name] for name in found["models"] if found[name] or "," in modalities}
            print("\n".join(of_each(f"`{options}`", models | {"agreement": found["agreement"]})), flush=True)
    except (CorpusError, WeightsError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def held_out(root: Path) -> Iterator[tuple[str, str, str, str]]:
    """Corpus, part, modalities and prior of each measurement."""
    for name, source in SOURCES.items():
        if not source.within(root).is_dir():
            continue
        if isinstance(source.split, Official):
            modality = "video" if source.faces else "text"
            for prior in ("", "corpus"):
                yield name, source.split.held_out, modality, prior
        elif source.trains and source.split.test:
            people = ",".join(source.split.test)
            yield name, people, "audio", ""
            if source.clips and any(source.within(root).rglob("*.mp4")):
                yield name, people, "video", ""
                yield name, people, "video,audio", ""
                yield name, people, "text,video,audio", ""


def of_each(first: str, by_model: dict) -> list[str]:
    """The lines of each model."""
    lines = []
    for name in EVERY_MODEL:
        if name not in by_model:
            continue
        if by_model[name] is None:
            lines.append(row(first, name, *"–" * 2, "undefined: needs two modalities", *"–" * (len(FIGURES) - 2), ""))
            continue
        shown = [f"{by_model[name][figure]:.3f}" for figure in FIGURES.values()]
        agree = f"{by_model['agreement']:.1%}" if name == "self" and by_model["agreement"] is not None else ""
        lines.append(row(first, name, str(by_model[name]["n"]), *shown, agree))
    return lines


def head(first: str) -> str:
    cells = (first, "model", "n", *FIGURES, "cross and self agree on")
    return f"{row(*cells)}\n|{'---|' * len(cells)}"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    run(main)
