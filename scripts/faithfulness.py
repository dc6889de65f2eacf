#!/usr/bin/env python
"""Measures what the moments that each head of a checkpoint looks at most were worth, and puts the figures beside it.

The page says it under each enlarged map. Figures of clips that the models have learned from say little: take a corpus
or speakers that were held out (--split). They go when the models are trained again.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

from core import CHECKPOINTS
from core.analysis.head_figures import HeadFigures
from core.corpora.layout import CorpusError
from core.device import CHOICES, choose_device
from core.encoders.packaged import WeightsError
from core.experiment.heads import measure_heads
from core.fusion.checkpoint import load_checkpoint, save_faithfulness
from core.training.evaluation_sets import COMPOSED, TEST_SETS, EvaluationRequest, read_test_set
from scripts.arguments import parser_of

SAID = {1: "worth more", 0: "no more", -1: "worth less"}


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--corpus", choices=TEST_SETS, required=True)
    parser.add_argument("--root", type=Path, required=True, help="the corpus in its official layout")
    parser.add_argument("--split", help="an official part (default: the one never learned from), or speakers")
    parser.add_argument("--clips", type=int, default=100, help="so many at most, spread over the corpus")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINTS, help="folder (default: the shipped one)")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--device", choices=CHOICES, default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="processes that extract features")
    parser.add_argument("--seed", type=int, default=0, help="of the random orders")
    arguments = parser.parse_args()
    if arguments.clips < 2:
        parser.error("at least two clips are needed")
    try:
        checkpoint, device = load_checkpoint(arguments.checkpoint), choose_device(arguments.device)
        request = EvaluationRequest(
            arguments.root, arguments.split, None, checkpoint, arguments.checkpoint, arguments.cache, arguments.jobs,
            device,
        )  # fmt: skip
        split, utterances = read_test_set(arguments.corpus, request)
        if not len(utterances):
            raise CorpusError(f"{arguments.corpus} holds no clip that could be read.")
        learned = checkpoint.provenance.get("data", {}).get("learned_from", {})
        found = {
            "corpus": arguments.corpus,
            "split": split,
            # What of this corpus the models were trained on, where figures say little.
            "learned_from": learned if arguments.corpus == COMPOSED else learned.get(arguments.corpus, []),
            "date": datetime.now(UTC).date().isoformat(),
            **measure_heads(checkpoint, utterances, arguments.clips, device, arguments.seed),
        }
        save_faithfulness(arguments.checkpoint, found)
    except (CorpusError, WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(as_text(found))
    return 0


def as_text(found: dict) -> str:
    """A line a head: what the moment that it looks at most was worth, in points of the verdict's probability."""
    lines = ["{corpus}, {split}, {clips} clips, {date}".format(**found)]
    for (model, pair, head), worth in HeadFigures.from_json(found).worths.items():
        name = "mean" if head is None else f"head {head + 1}"
        values = f"{100 * worth.top:7.2f} of all {100 * worth.all:6.2f} ± {100 * worth.error:.2f}"
        lines.append(f"{model:6} {'->'.join(pair):14} {name:7} {values}  {SAID[worth.above]} ({worth.clips})")
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
