#!/usr/bin/env python
"""Draws one analysis in time: a row for each kind of work, a bar for each time that it is done, as SVG."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.command import run

# isort: split

import matplotlib

from core.analysis.analyzer import Analyzer
from core.device import CHOICES
from core.encoders import features
from core.encoders.faces import FaceFinder
from core.encoders.features import FeatureExtractor
from core.encoders.speech import Listener
from core.encoders.words import WordEncoder
from core.media.reader import Contents
from scripts.arguments import parser_of

Bar = tuple[float, float]
"""When something began and how long it took, in seconds."""


class Watch:
    """Notes when functions are at work."""

    def __init__(self):
        self.bars: dict[str, list[Bar]] = {}
        self._lock = threading.Lock()

    def note(self, name: str, began: float) -> None:
        with self._lock:
            self.bars.setdefault(name, []).append((began, time.perf_counter() - began))

    def over(self, name: str, function: Callable) -> Callable:
        @wraps(function)
        def timed(*given, **named):
            began = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.note(name, began)

        return timed

    def over_each(self, name: str, function: Callable[..., Iterable]) -> Callable[..., Iterator]:
        """The same of a function that yields: the time between two of its items is not its own."""

        @wraps(function)
        def timed(*given, **named):
            coming = iter(function(*given, **named))
            while True:
                began = time.perf_counter()
                try:
                    item = next(coming)
                except StopIteration:
                    return
                finally:
                    self.note(name, began)
                yield item

        return timed


WATCHED = (
    ("timestamps", features, "look_into"), ("sound decoded", Contents, "hear"), ("faces found", FaceFinder, "find"),
    ("faces embedded", FeatureExtractor, "_embed"), ("speech found", Listener, "intervals"),
    ("voice", FeatureExtractor, "voice_features"), ("words heard", Listener, "listen"),
    ("words read", WordEncoder, "encode"), ("the models", Analyzer, "predict"),
)  # fmt: skip


def watch(analyze: Callable[[], object]) -> dict[str, list[Bar]]:
    """What a call of ``analyze`` does when, counted from its beginning."""
    seen = Watch()
    with ExitStack() as patches:
        for name, owner, attribute in WATCHED:
            patches.enter_context(patch.object(owner, attribute, seen.over(name, getattr(owner, attribute))))
        pictures = seen.over_each("pictures decoded", features.read_frames)
        patches.enter_context(patch.object(features, "read_frames", pictures))
        began = time.perf_counter()
        analyze()
    return {name: [(start - began, length) for start, length in bars] for name, bars in seen.bars.items()}


def draw(bars: dict[str, list[Bar]], path: Path) -> None:
    """Rows in the order in which they begin."""
    matplotlib.use("svg")
    from matplotlib import pyplot

    names = sorted(bars, key=lambda name: min(bars[name]))
    figure, axis = pyplot.subplots(figsize=(8, 0.4 * len(names) + 0.6), layout="constrained")
    for row, name in enumerate(names):
        axis.broken_barh(bars[name], (row - 0.35, 0.7), color="#5050c8")
    axis.set(xlabel="seconds", xlim=(0, None), yticks=range(len(names)), yticklabels=names)
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/timeline.svg"))
    parser.add_argument("--device", choices=CHOICES, default="auto")
    arguments = parser.parse_args()
    analyzer = Analyzer.load(device=arguments.device)
    analyzer.analyze(arguments.clip)  # what is done once is done
    bars = watch(lambda: analyzer.analyze(arguments.clip))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    draw(bars, arguments.out)
    for name, found in sorted(bars.items(), key=lambda item: min(item[1])):
        begun, ended = min(found)[0], max(start + length for start, length in found)
        print(f"{name:26} {begun:6.3f} to {ended:6.3f} s, at work {sum(length for _, length in found):6.3f} s")
    return 0


if __name__ == "__main__":
    run(main)
