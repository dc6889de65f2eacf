#!/usr/bin/env python
"""Analyses clips from the command line: what each model says of them, as text, as JSON lines or as a table."""

import argparse
import io
import json
import logging
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

from tqdm import tqdm

from core import CHECKPOINTS, MODALITIES, MODELS, Subset, subset_name, subset_of
from core.analysis.analyzer import Analyzer
from core.analysis.attribution import as_json as attributions_to_json
from core.analysis.attribution import spans
from core.analysis.attributor import measure
from core.analysis.results import Analysis, Prediction
from core.analysis.table import Table, appending, columns_of, content_of, failed, row_of
from core.device import CHOICES
from core.encoders.features import FEATURES_VERSION
from core.encoders.packaged import WeightsError
from core.fusion.config import fingerprint, more_models
from core.media.reader import SUFFIXES, MediaError
from core.paths import NamedFile, escaped, named_files
from scripts.arguments import parser_of

FIRST = "first-second"
Neutral = Analysis | str | None
"""What shows the neutral face from which the face is to be seen: another clip, ``FIRST``, or nothing."""

log = logging.getLogger("analyze")


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="video or sound files, or folders of them")
    parser.add_argument("--modalities", type=modalities, default=MODALITIES, help="such as video,audio (default: all)")
    parser.add_argument(
        "--face", type=int, default=1, metavar="N",
        help="whose face counts where several are seen: 1 (the default) is the one that is followed, the others come "
        "in the order of how many pictures they are in; with --json they are listed",
    )  # fmt: skip
    parser.add_argument(
        "--neutral", metavar="CLIP",
        help="sees the face from the same person's neutral face, which CLIP shows, or the clip's own first second: "
        f"--neutral {FIRST}",
    )  # fmt: skip
    parser.add_argument("--device", choices=CHOICES, default="auto")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINTS, help="folder (default: the shipped one)")
    parser.add_argument("--more-models", action="store_true", help="what else the checkpoint holds is asked too")
    parser.add_argument("--whisper", default="tiny.en", help="a larger Whisper for the words, where there is internet")
    parser.add_argument("--attention", action="store_true", help="with --json: the attention maps too")
    parser.add_argument(
        "--attribution",
        "--worth",
        action="store_true",
        help="with --json: how verdicts change without each word, half second and face",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each clip")
    parser.add_argument("--csv", type=Path, metavar="OUT", help="a table with a line for each clip; goes on with it")
    parser.add_argument("--verbose", action="store_true", help="with the traceback of whatever was not expected")
    arguments = parser.parse_args()
    if not all(name.strip() for name in arguments.clips):
        parser.error("no file was named")
    logging.basicConfig(format="%(message)s")
    if arguments.json and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # JSON is, whatever a console is
    more = more_models(arguments.checkpoint) if arguments.more_models else ()
    if arguments.more_models and not more:
        print(f"{arguments.checkpoint} holds no more models than {' and '.join(MODELS)}.", file=sys.stderr)
        return 2
    files, bare, unreadable = named_files(arguments.clips, SUFFIXES)
    for folder in bare:
        print(f"{escaped(str(folder))} holds no sound or video.", file=sys.stderr)
    for folder in unreadable:
        print(f"{escaped(str(folder))} cannot be read.", file=sys.stderr)
    with ExitStack() as stack:
        try:
            table = None
            if arguments.csv:
                table = stack.enter_context(
                    appending(arguments.csv, settings_of(arguments, more), files, columns_of(more))
                )
            analyzer = Analyzer.load(arguments.checkpoint, arguments.device, arguments.whisper, exact=True)
        except (WeightsError, ValueError) as error:
            print(error, file=sys.stderr)
            return 2
        neutral = arguments.neutral
        if neutral and neutral != FIRST:
            try:
                neutral = analysed(analyzer, Path(neutral), 1)
            except MediaError as error:
                print(error, file=sys.stderr)
                return 2
        results = [report(analyzer, file, table, arguments, neutral) for file in files if not (table and file in table)]
    return int(not all(results) or bool(unreadable))


def report(
    analyzer: Analyzer, file: NamedFile, table: Table | None, arguments: argparse.Namespace, neutral: Neutral
) -> bool:
    """Analyses a clip and writes what was found, whatever happens to it; whether it could be analysed."""
    content = content_of(file.path) if table else ""
    name, lines = escaped(file.path.name), []
    try:
        found = analysed(analyzer, file.path, arguments.face, arguments.more_models, neutral)
        found = replace(found, file=name)
        row = row_of(file.name, found, arguments.modalities)
        if arguments.json:
            lines.append(json.dumps(as_json(analyzer, found, arguments), ensure_ascii=False))
        elif not table:
            lines.append(as_text(found, arguments.modalities))
        error = None
    except MediaError as raised:
        error = raised
    except Exception as raised:  # one clip must not end the work on all others
        kind = type(raised).__name__
        error = MediaError("unexpected", f"{name} could not be analysed: an unexpected error ({kind}).")
        log.error("%s: %s: %s", name, kind, raised, exc_info=arguments.verbose)
        content = ""  # nothing is known about the clip itself: the same command tries it again
    if error:
        row = failed(file.name, str(error))
        if arguments.json:
            described = {"file": name, "error": {"code": error.code, "message": str(error)}}
            lines.append(json.dumps(described, ensure_ascii=False))
        else:
            print(error, file=sys.stderr)
    if table:
        table.write(file, row, content)
    for line in lines:
        print(line, flush=True)
    return error is None


def settings_of(arguments: argparse.Namespace, more: tuple[str, ...] = ()) -> str:
    """What decides the lines of a table beside the clips themselves: see ``table.COLUMNS``; ``more`` models.

    Raises:
        WeightsError: there is no checkpoint.
    """
    decides = (
        {
            "modalities": subset_name(arguments.modalities),
            "checkpoint": fingerprint(arguments.checkpoint, (*MODELS, *more))[:12],
            "whisper": arguments.whisper,
            "features": FEATURES_VERSION,
            "face": arguments.face,
        }
        | ({"neutral": neutral_of(arguments.neutral)} if arguments.neutral else {})
        | ({"models": "+".join((*MODELS, *more))} if more else {})
    )
    return " ".join(f"{name}={value}" for name, value in decides.items())


def neutral_of(named: str) -> str:
    """What ``--neutral`` names, by its content."""
    return FIRST if named == FIRST else content_of(Path(named))[:12]


def analysed(analyzer: Analyzer, path: Path, face: int, more: bool = False, neutral: Neutral = None) -> Analysis:
    """A clip's analysis by one of its faces, and by more models on request, with a progress bar where somebody looks.

    Args:
        neutral: see ``Neutral``.

    Raises:
        MediaError: see ``Analyzer.analyze`` and ``Analyzer.choose_face``.
    """
    shape = "{desc}: {percentage:3.0f}% {postfix}"
    with tqdm(total=1.0, desc=escaped(path.name), bar_format=shape, leave=False, disable=None) as bar:
        analysis = analyzer.analyze(path, lambda share, stage: advance(bar, share, stage))
    chosen = analysis if face == 1 else analyzer.choose_face(analysis, face)
    if neutral:
        try:
            chosen = analyzer.from_neutral(chosen, None if isinstance(neutral, str) else neutral)
        except MediaError as error:  # said, and everything else is as it is
            chosen = replace(chosen, warnings=(*chosen.warnings, str(error)))
    return analyzer.with_more(chosen) if more else chosen


def modalities(text: str) -> Subset:
    chosen = {part.strip() for part in text.split(",") if part.strip()}
    if unknown := chosen - set(MODALITIES):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {', '.join(MODALITIES)}")
    if not chosen:
        raise argparse.ArgumentTypeError("at least one modality is needed")
    return subset_of(chosen)


def advance(bar: tqdm, share: float, stage: str) -> None:
    bar.n = share
    bar.set_postfix_str(stage)


def as_json(analyzer: Analyzer, found: Analysis, arguments: argparse.Namespace) -> dict:
    described = found.to_json(arguments.modalities, arguments.attention)
    if arguments.attribution:
        described |= attributions_to_json([measure(analyzer, found, span) for span in spans(found)])
    return described


def as_text(analysis: Analysis, wanted: Subset) -> str:
    lines = [f"{analysis.file}  {analysis.duration:.1f} s  “{analysis.transcript.text}”"]
    if (other := analysis.transcript.other) and other.name:
        lines.append(f"  {other.name}, which the models do not use ({other.probability:.2f})  “{other.text}”")
    elif other:
        lines.append("  some speech was not understood, and its language was not recognised")
    for name, verdict in analysis.prediction(wanted).verdicts().items():
        if verdict is None:
            lines.append(f"  {name:5}  undefined: cross-attention needs two modalities")
            continue
        ranked = sorted(verdict.to_json()["probabilities"].items(), key=lambda item: -item[1])
        lines.append(f"  {name:5}  " + "  ".join(f"{label} {probability:.2f}" for label, probability in ranked))
    lines += [
        f"  {phrase.start:5.1f}–{phrase.end:.1f} s  {in_short(phrase.prediction)}  “{phrase.text}”"
        for phrase in analysis.phrases
    ]
    lines += [f"  no {modality}: {reason}" for modality, reason in analysis.absent(wanted).items()]
    lines += [f"  {warning}" for warning in analysis.warnings]
    return "\n".join(lines)


def in_short(prediction: Prediction) -> str:
    """The verdicts on a phrase: "cross anger 0.62, self fear 0.40"."""
    found = prediction.verdicts().items()
    return ", ".join(f"{name} {v.label} {v.probability:.2f}" if v else f"{name} undefined" for name, v in found)


if __name__ == "__main__":
    run(main)
