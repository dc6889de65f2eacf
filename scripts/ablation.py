#!/usr/bin/env python
"""What each choice of the training recipe is worth: one change a line, on validation parts only.

Interrupted, the same command goes on where it was.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

import numpy as np
from tqdm import tqdm

from core.corpora.layout import CorpusError
from core.datasets.composed import BankMaker
from core.device import CHOICES, choose_device
from core.encoders.features import FeatureSettings
from core.encoders.packaged import WeightsError
from core.files import prepare_folder
from core.fusion.checkpoint import load_encoders
from core.training.ablation import CHANGES, Ablation
from scripts.arguments import parser_of


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--root", type=Path, required=True, help="holds the corpora, each in the folder of its name")
    parser.add_argument("--parts", nargs="+", choices=("voice", "words", "together"), help="default: all")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("runs/measured/checkpoint"), help="whose encoders are used"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--device", choices=CHOICES, default="auto")
    arguments = parser.parse_args()
    changes = [change for change in CHANGES if not arguments.parts or change.part in arguments.parts]
    try:
        prepare_folder(arguments.runs)
        encoders = load_encoders(arguments.checkpoint)
        device = choose_device(arguments.device)
        maker = BankMaker(arguments.root, encoders, FeatureSettings(), device, arguments.cache)
        ablation = Ablation.read(maker, arguments.runs, changes)
    except (CorpusError, WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"| part | change | figure | mean ± std over {arguments.seeds} seeds |\n|---|---|---|---|")
    for change in tqdm(changes, desc="lines"):
        measured = [ablation.measure(change, seed) for seed in range(arguments.seeds)]
        for name in measured[0]:
            values = np.array([figures[name] for figures in measured])
            spread = values.std(ddof=1) if len(values) > 1 else 0.0
            tqdm.write(f"| {change.part} | {change.name} | {name} | {values.mean():.3f} ± {spread:.3f} |")
    return 0


if __name__ == "__main__":
    run(main)
