#!/usr/bin/env python
"""Measures what Whisper's encoder makes of the silence behind a voice, on the average over voices of --root, and keeps
it in --out; then reads voices of other speakers with it and with all of their own silence, and compares the words.

The app takes what it has from core/encoders/whisper_silence.safetensors, whose SHA-256 stands in
core/encoders/packaged.py. With --measure nothing is kept: the comparison is of what the app has. With --half it is of
Whisper in float32 and in float16, as it reads on a GPU.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

import torch
from safetensors.torch import save_file

from core.corpora.layout import ClipRecord, CorpusError
from core.datasets.readable import audible
from core.datasets.sources import SOURCES, Source, Speakers
from core.encoders.packaged import WeightsError
from core.encoders.speech import Listener
from core.encoders.whisper_encoder import Silence
from core.files import file_digest, write_file
from core.training.silence import Comparison, compare, mean_silence
from core.training.transcripts import spread
from scripts.arguments import parser_of

CORPORA = ("ravdess", "tess", "emospeech")  # voices that say English words


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--root", type=Path, required=True, help="holds the corpora, each in the folder of its name")
    parser.add_argument("--voices", type=int, default=60, help="of each corpus, for the mean and for the comparison")
    parser.add_argument("--seed", type=int, default=0, help="which voices")
    parser.add_argument("--out", type=Path, default=Path("runs/whisper_silence.safetensors"))
    parser.add_argument("--measure", action="store_true", help="compare only")
    parser.add_argument("--half", action="store_true", help="compare float32 and float16 instead")
    arguments = parser.parse_args()
    try:
        found_in = sources(arguments.root)
        learned = [audible(record) for source in found_in for record in some(source, False, arguments)]
        others = [
            (audible(record), record.text if source.english else "")
            for source in found_in
            for record in some(source, True, arguments)
        ]
        if arguments.half:
            report("float32", "float16", compare(Listener(), Listener(half=True), others))
            return 0
        whole = Listener(silence=None)
        if arguments.measure:
            silence = Silence.load()
        else:
            silence = mean_silence(whole, learned)
            content = {"states": silence.states[:, silence.since :].half(), "since": torch.tensor(silence.since)}
            write_file(arguments.out, lambda partial: save_file(content, partial))
            print(f"{arguments.out}: mean of {len(learned)} voices, SHA-256 {file_digest(arguments.out)}")
        report("all silence", "the mean", compare(whole, Listener(silence=silence), others))
    except (CorpusError, WeightsError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def report(one: str, other: str, found: Comparison) -> None:
    print(
        f"{found.same} of {found.voices} voices of other speakers have the same words; beginnings of words differ by "
        f"{found.moved[0]:.2f} s (median), {found.moved[1]:.2f} s (99 of 100)\n"
        f"word errors where the words are known: {found.errors[0]} of {found.said} with {one}, {found.errors[1]} with "
        f"{other}\n"
        f"{found.seconds[0]:.1f} s with {one}, {found.seconds[1]:.1f} s with {other}: "
        f"{found.seconds[1] / found.seconds[0]:.2f} of it"
    )
    for before, now in found.differing:
        print(f"  {before!r} becomes {now!r}")


def sources(root: Path) -> list[Source]:
    found = [SOURCES[name] for name in CORPORA if SOURCES[name].within(root).is_dir()]
    if not found:
        raise CorpusError(f"{root} holds none of {', '.join(CORPORA)}.")
    return found


def some(source: Source, held_out: bool, arguments) -> list[ClipRecord]:
    """Voices of the speakers who are held out, or of the others."""
    assert isinstance(source.split, Speakers)
    others = source.groups((*source.split.validation, *source.split.test))
    records = [r for r in source.records("voices", source.within(arguments.root)) if (r.group in others) == held_out]
    return spread(records, arguments.voices, arguments.seed)


if __name__ == "__main__":
    run(main)
