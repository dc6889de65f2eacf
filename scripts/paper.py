#!/usr/bin/env python
"""The paper's experiment: every fold x seed x configuration, the statistics and the report.

Interrupted or killed, the same command goes on where it was. Results and report lie under --out.

  python scripts/paper.py --corpus iemocap-folds --root /data/IEMOCAP --seeds 10 --variant reference
  python scripts/paper.py --corpus iemocap --root /data/IEMOCAP_full_release --jobs 8
  python scripts/paper.py --corpus composed --root /data --seeds 3 --configs avt-self avt-cross
  python scripts/paper.py --corpus iemocap --root /data/IEMOCAP_full_release --controls --jobs 8
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

from core import CHECKPOINTS
from core.corpora.layout import CorpusError
from core.datasets.processes import BackendError
from core.device import CHOICES, choose_device
from core.encoders.packaged import WeightsError
from core.experiment.backends import check_backend
from core.experiment.configurations import CONFIGURATIONS, CONTROLS, EVERY_CONFIGURATION, configurations_for
from core.experiment.corpora import CORPORA, Request, prepare_corpus
from core.experiment.protocol import Settings, all_jobs, run_protocol
from core.experiment.report import make_report, write_report
from core.files import prepare_folder
from scripts.arguments import parser_of
from scripts.paper_figures import write_page


def main() -> int:
    arguments = parse()
    settings = Settings(
        variant=arguments.variant, epochs=arguments.epochs, learning_rate=arguments.learning_rate,
        width=arguments.width, heads=arguments.heads, probes=arguments.controls,
    )  # fmt: skip
    name = f"{arguments.corpus}-{arguments.variant}" + ("-controls" if arguments.controls else "")
    folder = arguments.out or Path("runs/paper") / name
    try:
        device = choose_device(arguments.device)
        prepare_folder(folder)
        check_backend(arguments.backend)
        request = Request(
            arguments.root, device, arguments.folds, arguments.variant, arguments.cache, arguments.checkpoint,
            arguments.words, arguments.jobs,
        )  # fmt: skip
        opener = prepare_corpus(arguments.corpus, request)
        corpus = opener()
        wanted = arguments.configs or configurations_for(tuple(corpus.widths), arguments.controls)
        possible = [c for c in wanted if set(EVERY_CONFIGURATION[c].modalities) <= set(corpus.widths)]
        if not possible:
            raise CorpusError(f"{corpus.name} has {', '.join(corpus.widths)} only: none of these configurations fits.")
        if left_out := set(wanted) - set(possible):
            print(f"Left out, since {corpus.name} lacks what they use: {', '.join(sorted(left_out))}.")
        jobs = all_jobs(possible, len(corpus.folds), arguments.seeds)
        results = run_protocol(opener, jobs, settings, folder / "jobs", device, arguments.jobs, arguments.backend)
        report = make_report(results, corpus, settings, arguments.margin)
        text = write_report(report, settings, folder)
        write_page(report, folder)
    except (CorpusError, WeightsError, BackendError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted: finished jobs are kept, the same command goes on.", file=sys.stderr)
        return 130
    print(text)
    return 0


def parse() -> argparse.Namespace:
    parser = parser_of(__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True, choices=list(CORPORA))
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the corpus in its official layout")
    parser.add_argument("--folds", type=int, default=5, help="at most as many as the corpus has")
    parser.add_argument("--seeds", type=int, default=10, help="runs of each configuration on each fold")
    parser.add_argument(
        "--configs", nargs="+", choices=list(EVERY_CONFIGURATION), metavar="NAME",
        help=f"among {', '.join(CONFIGURATIONS)} (default: all) and the controls {', '.join(CONTROLS)}",
    )  # fmt: skip
    parser.add_argument(
        "--controls", action="store_true",
        help="also the controls of the corpus's modalities, damaged test sets, and what attention was worth",
    )  # fmt: skip
    parser.add_argument("--variant", choices=("masked", "reference"), default="masked")
    parser.add_argument("--epochs", type=int, default=Settings.epochs, help="at most; training stops early by itself")
    parser.add_argument("--learning-rate", type=float, default=Settings.learning_rate, help="of Adam, at the beginning")
    parser.add_argument("--width", type=int, default=Settings.width, help="of encoders, attention and streams")
    parser.add_argument("--heads", type=int, default=Settings.heads, help="of attention; they divide the width")
    parser.add_argument("--margin", type=float, default=0.02, help="largest difference taken for equivalent (0 to 1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes on this machine")
    parser.add_argument("--device", choices=CHOICES, default="auto", help="for extraction and training")
    parser.add_argument("--backend", choices=("local", "ray"), default="local", help="ray: needs pip install ray")
    parser.add_argument(
        "--words", choices=("written", "heard"), default="written", help="the corpus's words or Whisper's"
    )
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINTS, help="whose face encoder makes the features")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="extracted features")
    parser.add_argument("--out", type=Path, help="results and report (default: runs/paper/CORPUS-VARIANT)")
    arguments = parser.parse_args()
    if min(arguments.folds, arguments.seeds, arguments.epochs, arguments.jobs) < 1 or not 0 < arguments.margin < 1:
        parser.error("folds, seeds, epochs and jobs must be at least 1, the margin between 0 and 1")
    if arguments.heads < 1 or arguments.width < 2 or arguments.width % 2 or arguments.width % arguments.heads:
        parser.error("the width must be even and a multiple of the heads")
    return arguments


if __name__ == "__main__":
    run(main)
