#!/usr/bin/env python
"""Analyses clips from the command line: two verdicts on each, as text, as JSON lines or as a table."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tqdm import tqdm  # noqa: E402

from core import MODALITIES, Subset, subset_of, worth  # noqa: E402
from core.analysis import Analysis, Analyzer, Prediction  # noqa: E402
from core.checkpoint import CHECKPOINTS  # noqa: E402
from core.device import CHOICES  # noqa: E402
from core.media import SUFFIXES, MediaError  # noqa: E402
from core.table import appending, failed, row_of  # noqa: E402
from core.weights import WeightsError  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="video or sound files, or folders of them")
    parser.add_argument("--modalities", type=modalities, default=MODALITIES, help="such as video,audio (default: all)")
    parser.add_argument(
        "--face", type=int, default=1, metavar="N",
        help="whose face counts where several are seen: 1 (the default) is the one that is followed, the others come "
        "in the order of how many pictures they are in; with --json they are listed",
    )  # fmt: skip
    parser.add_argument("--device", choices=CHOICES, default="auto")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINTS, help="folder (default: the shipped one)")
    parser.add_argument("--whisper", default="tiny.en", help="a larger Whisper for the words, where there is internet")
    parser.add_argument("--attention", action="store_true", help="with --json: the attention maps too")
    parser.add_argument(
        "--worth", action="store_true", help="with --json: what each word, half second and face is worth"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each clip")
    parser.add_argument("--csv", type=Path, metavar="OUT", help="a table with a line for each clip; goes on with it")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        try:
            done, table = stack.enter_context(appending(arguments.csv)) if arguments.csv else (set(), None)
            analyzer = Analyzer.load(arguments.checkpoint, arguments.device, arguments.whisper)
        except (WeightsError, ValueError, OSError) as error:
            print(error, file=sys.stderr)
            return 2
        bad = False
        for path in files(arguments.clips):
            if str(path) in done:
                continue
            found = analysed(analyzer, path, arguments.face)
            bad = bad or isinstance(found, MediaError)
            if arguments.json:
                print(json.dumps(as_json(analyzer, path, found, arguments), ensure_ascii=False), flush=True)
            if table:
                broken = isinstance(found, MediaError)
                name = str(path)
                table.writerow(failed(name, str(found)) if broken else row_of(name, found, arguments.modalities))
            if not arguments.json and isinstance(found, MediaError):
                print(found, file=sys.stderr)
            elif not arguments.json and not table:
                print(as_text(found, arguments.modalities), flush=True)
    return int(bad)


def files(named: list[str]) -> Iterator[Path]:
    """Files as they are named; of a folder, those that are sound or video by their names, its folders included."""
    for path in map(Path, named):
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not inside:
                print(f"{path} holds no sound or video.", file=sys.stderr)
            yield from inside
        else:
            yield path


def analysed(analyzer: Analyzer, path: Path, face: int = 1) -> Analysis | MediaError:
    """A clip's analysis, or why there is none; ``face``: whose face counts."""
    with tqdm(total=1.0, desc=path.name, bar_format="{desc}: {percentage:3.0f}% {postfix}", leave=False) as bar:
        try:
            analysis = analyzer.analyze(path, lambda share, stage: advance(bar, share, stage))
            return analysis if face == 1 else analyzer.choose_face(analysis, face)
        except MediaError as error:
            return error


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


def as_json(analyzer: Analyzer, path: Path, found: Analysis | MediaError, arguments: argparse.Namespace) -> dict:
    if isinstance(found, MediaError):
        return {"file": path.name, "error": {"code": found.code, "message": str(found)}}
    described = found.to_json(arguments.modalities, arguments.attention)
    if arguments.worth:
        described["worth"] = [worth.measure(analyzer, found, span).to_json() for span in worth.spans(found)]
    return described


def as_text(analysis: Analysis, wanted: Subset) -> str:
    lines = [f"{analysis.file}  {analysis.duration:.1f} s  “{analysis.transcript.text}”"]
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
    """Both verdicts on a phrase: "cross anger 0.62, self fear 0.40"."""
    found = prediction.verdicts().items()
    return ", ".join(f"{name} {v.label} {v.probability:.2f}" if v else f"{name} undefined" for name, v in found)


if __name__ == "__main__":
    sys.exit(main())
