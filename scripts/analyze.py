#!/usr/bin/env python
"""Analyses clips from the command line: two verdicts on each, as text or as JSON lines."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tqdm import tqdm  # noqa: E402

from core import MODALITIES, Subset, subset_of  # noqa: E402
from core.analysis import Analysis, Analyzer  # noqa: E402
from core.checkpoint import CHECKPOINTS  # noqa: E402
from core.device import CHOICES  # noqa: E402
from core.media import MediaError  # noqa: E402
from core.weights import WeightsError  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="video or sound files")
    parser.add_argument("--modalities", type=modalities, default=MODALITIES, help="such as video,audio (default: all)")
    parser.add_argument("--device", choices=CHOICES, default="auto")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINTS, help="folder (default: the shipped one)")
    parser.add_argument("--whisper", default="tiny.en", help="a larger Whisper for the words, where there is internet")
    parser.add_argument("--attention", action="store_true", help="with --json: the attention maps too")
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each clip")
    arguments = parser.parse_args()
    try:
        analyzer = Analyzer.load(arguments.checkpoint, arguments.device, arguments.whisper)
    except (WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2

    failed = False
    for path in arguments.clips:
        name = Path(path).name
        with tqdm(total=1.0, desc=name, bar_format="{desc}: {percentage:3.0f}% {postfix}", leave=False) as bar:
            try:
                analysis = analyzer.analyze(path, lambda share, stage: advance(bar, share, stage))
            except MediaError as error:
                failed, analysis = True, error
        if isinstance(analysis, MediaError):
            described = {"file": name, "error": {"code": analysis.code, "message": str(analysis)}}
        else:
            described = analysis.to_json(arguments.modalities, arguments.attention) if arguments.json else {}
        if arguments.json:
            print(json.dumps(described, ensure_ascii=False), flush=True)
        elif isinstance(analysis, MediaError):
            print(analysis, file=sys.stderr)
        else:
            print(as_text(analysis, arguments.modalities))
    return int(failed)


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


def as_text(analysis: Analysis, wanted: Subset) -> str:
    lines = [f"{analysis.file}  {analysis.duration:.1f} s  “{analysis.transcript.text}”"]
    for name, verdict in analysis.prediction(wanted).verdicts().items():
        if verdict is None:
            lines.append(f"  {name:5}  undefined: cross-attention needs two modalities")
            continue
        ranked = sorted(verdict.to_json()["probabilities"].items(), key=lambda item: -item[1])
        lines.append(f"  {name:5}  " + "  ".join(f"{label} {probability:.2f}" for label, probability in ranked))
    lines += [f"  no {modality}: {reason}" for modality, reason in analysis.absent(wanted).items()]
    lines += [f"  {warning}" for warning in analysis.warnings]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
