#!/usr/bin/env python
"""Measures all models of a checkpoint on a corpus: accuracies, F1, recalls, confusion, calibration."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

from core import CHECKPOINTS, LABELS, MODALITIES
from core.corpora.layout import CorpusError
from core.device import CHOICES, choose_device
from core.encoders.packaged import WeightsError
from core.training.evaluation_sets import TEST_SETS, measure
from scripts.arguments import parser_of


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--corpus", choices=TEST_SETS, required=True)
    parser.add_argument("--root", type=Path, required=True, help="the corpus in its official layout")
    parser.add_argument("--split", help="an official part (default: the one never learned from), or speakers")
    parser.add_argument("--modalities", type=lambda text: text.split(","), help="default: those the corpus has")
    parser.add_argument(
        "--neutral", action="store_true",
        help="each face is seen from the same person's neutral one, which other clips of the corpus show; clips of "
        "people whose neutral face no other clip shows are left out",
    )  # fmt: skip
    parser.add_argument("--prior", choices=("balanced", "corpus"), default="balanced", help="label frequencies assumed")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINTS, help="folder (default: the shipped one)")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--device", choices=CHOICES, default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="processes that extract features")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else on standard output")
    arguments = parser.parse_args()
    if unknown := set(arguments.modalities or ()) - set(MODALITIES):
        parser.error(f"{', '.join(sorted(unknown))} is none of {', '.join(MODALITIES)}")
    try:
        result = measure(
            arguments.corpus, arguments.root, arguments.split, arguments.modalities, arguments.prior,
            arguments.checkpoint, arguments.cache, arguments.jobs, choose_device(arguments.device),
            arguments.neutral,
        )  # fmt: skip
    except (CorpusError, WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result) if arguments.json else as_text(result))
    return 0


def as_text(result: dict) -> str:
    lines = ["{corpus}, {split}, {used}, {prior} prior".format(**result, used="+".join(result["modalities"]))]
    if result["neutral_face"]:
        lines.append("each face seen from the same person's neutral one")
    if result["learned_from"]:
        lines.append(f"part of the training, where figures prove nothing: {learned_parts(result['learned_from'])}")
    if result["left_out"]:
        lines.append(f"recordings that cannot be used and are left out: {result['left_out']}")
    for name in result["models"]:
        if (metrics := result[name]) is None:
            why = "cross-attention needs two modalities" if name == "cross" else "no clip has what is asked for"
            lines.append(f"{name}: undefined: {why}")
            continue
        lines += [
            f"{name}: n {metrics['n']}, undefined {metrics['undefined']}",
            f"  accuracy           {metrics['accuracy']:.3f}   (the paper's UW.Acc)",
            f"  balanced accuracy  {metrics['balanced_accuracy']:.3f}   (the paper's W.Acc)",
            f"  macro F1           {metrics['macro_f1']:.3f}",
            f"  weighted F1        {metrics['weighted_f1']:.3f}",
            f"  calibration error  {metrics['expected_calibration_error']:.3f}",
            f"  prediction sets    {metrics['coverage']:.3f} hold the right label, of {metrics['set_size']:.2f} each",
            "  recall and confusion (rows: truth)",
        ]
        for label, row in zip(LABELS, metrics["confusion"], strict=True):
            recall = metrics["recall"][label]
            shown = "   –" if recall is None else f"{recall:4.2f}"
            lines.append(f"    {label:10} {shown} " + "".join(f"{count:6}" for count in row))
    if result["agreement"] is not None:
        lines.append(f"cross and self agree on {result['agreement']:.1%}")
    return "\n".join(lines)


def learned_parts(learned: list[str] | dict[str, list[str]]) -> str:
    if isinstance(learned, dict):
        return "; ".join(f"{corpus} {learned_parts(parts)}" for corpus, parts in learned.items())
    return ", ".join(learned)


if __name__ == "__main__":
    run(main)
