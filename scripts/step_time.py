#!/usr/bin/env python
"""Times a training step: the masked variant against the reference-exact one in float64, as the reference trains."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

import torch

from core.experiment.step_time import time_steps
from scripts.arguments import parser_of


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="steps of each variant; the median counts")
    parser.add_argument("--seconds", type=float, default=4.5, help="mean duration of an utterance")
    parser.add_argument(
        "--spread", type=float, default=0.6, help="of the logarithm of the duration; 0: all equally long"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    times = [time_steps(model, arguments.rounds, arguments.seconds, arguments.spread) for model in ("self", "cross")]
    if arguments.json:
        print(json.dumps([asdict(t) | {"ratio": t.ratio} for t in times]))
        return 0
    print(
        f"Training step, batches of 32, {arguments.threads} threads, utterances of {arguments.seconds:g} s on average:"
    )
    for t in times:
        print(f"{t.model:6} reference-exact {t.reference:.3f} s   masked {t.masked:.3f} s   ratio {t.ratio:.1f}")
    return 0


if __name__ == "__main__":
    run(main)
