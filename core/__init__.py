"""Multimodal emotion recognition: from a media file to two verdicts and the attention behind them.

The way of the data, one noun per module::

    file -> media -> faces, speech, words -> features -> fusion (cross and self) -> analysis

Nothing in this package imports gradio or plotly. What learns and what measures lives apart from inference:
``core.corpora`` reads corpora, ``core.datasets`` makes features of them, ``core.training`` trains what a checkpoint
holds, ``core.experiment`` asks the paper's question.
"""

from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

__version__ = "1.0.0"

LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""The seven classes, in the order of every logits and probability vector of this project."""

MODALITIES = ("text", "video", "audio")
"""The three modalities of an utterance, in the order in which they are displayed and stored."""

Subset = tuple[str, ...]
"""A set of modalities, in the order of ``MODALITIES``."""

SUBSETS: tuple[Subset, ...] = tuple(s for size in (1, 2, 3) for s in combinations(MODALITIES, size))
"""The seven sets of modalities, small ones first."""


def subset_of(modalities: Iterable[str]) -> Subset:
    """These modalities in the order of ``MODALITIES``; what is none is left out."""
    wanted = set(modalities)
    return tuple(m for m in MODALITIES if m in wanted)


MODELS = ("cross", "self")
"""The two models of every checkpoint, by what attends to what."""

MORE_MODELS = ("both", "gated")
"""What a checkpoint may hold beside them: the paper's Cross+Self, and one that mixes both kinds of streams by gates."""

EVERY_MODEL = MODELS + MORE_MODELS
"""All models by name, in the order in which they are displayed and stored."""

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
"""The folder of the models that the app loads."""


def subset_name(modalities: Subset) -> str:
    """What a set of modalities is called in files: "text+video"."""
    return "+".join(modalities)
