#!/usr/bin/env python
"""Measures what of real voices is understood: words believed, word errors in English, languages that are named."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

from core.corpora.layout import CorpusError
from core.encoders.packaged import WeightsError
from core.training.transcripts import Heard, measure
from scripts.arguments import parser_of

HEAD = "| voices of | voices | words believed | word errors | languages named |\n|---|---|---|---|---|"


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--root", type=Path, required=True, help="holds the corpora, each in the folder of its name")
    parser.add_argument("--voices", type=int, default=40, help="of each corpus")
    parser.add_argument("--seed", type=int, default=0, help="which voices")
    parser.add_argument(
        "--together",
        nargs="*",
        default=(),
        metavar="A+B",
        help="also recordings of several voices: ravdess+nemo+ravdess",
    )
    arguments = parser.parse_args()
    print(HEAD)
    try:
        for heard in measure(arguments.root, arguments.voices, arguments.seed, arguments.together):
            print(as_row(heard), flush=True)
    except (CorpusError, WeightsError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def as_row(heard: Heard) -> str:
    errors = f"{heard.wrong / heard.words:.3f}" if heard.words and heard.wrong is not None else ""
    named = ", ".join(f"{language or 'none'} {count}" for language, count in heard.languages.items())
    return f"| {heard.name} | {heard.voices} | {heard.believed} | {errors} | {named} |"


if __name__ == "__main__":
    run(main)
