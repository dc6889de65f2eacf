"""Every model of the experiment by name: the paper's fourteen, and controls that change one thing each."""

from collections.abc import Iterator
from dataclasses import dataclass

from core import MODALITIES
from core.fusion.pairs import BOTH, CROSS, SELF, TOGETHER

PAIRS = {"self": SELF, "cross": CROSS, "both": BOTH, "together": TOGETHER}
SETS = {
    "a": ("audio",), "v": ("video",), "t": ("text",), "av": ("video", "audio"), "at": ("text", "audio"),
    "vt": ("text", "video"), "avt": MODALITIES,
}  # fmt: skip
TOKENS = 4  # as many as Nagrani et al. (2021) found enough


@dataclass(frozen=True)
class Configuration:
    """One line of a table of results.

    Attributes:
        attention: "self", "cross", "both" (the paper's Cross+Self) or "together" (one sequence of all modalities).
        pooling, weights, tokens, gated: as in ``FusionConfig``.
        order: of the time steps of each modality, in training and test: "" as they are, "shuffled", or "rotated", which
            leaves each modality its own order but not its place beside the others.
        left_out: share of the training utterances that lack one modality.
        said: what makes it differ, for tables; "" for the plain models.
        against: name of the configuration that it is compared with; "" for the paper's own lines.
        sized_like: name of the configuration whose number of parameters it has, as nearly as its width allows.
    """

    name: str
    modalities: tuple[str, ...]
    attention: str
    pooling: str = "statistics"
    weights: str = "learned"
    tokens: int = 0
    gated: bool = False
    order: str = ""
    left_out: float = 0.0
    said: str = ""
    against: str = ""
    sized_like: str = ""


def _paper() -> Iterator[Configuration]:
    for letters, modalities in SETS.items():
        for attention in ("self",) if len(letters) == 1 else ("self", "cross"):
            yield Configuration(f"{letters}-{attention}", modalities, attention)
    for attention in ("self", "cross"):
        yield Configuration(f"avt-{attention}-nosp", MODALITIES, attention, "concatenation", said="noSP")
    yield Configuration("avt-both", MODALITIES, "both")


def _controls(letters: str) -> Iterator[Configuration]:
    modalities, self_, cross = SETS[letters], f"{letters}-self", f"{letters}-cross"

    def control(name: str, attention: str, said: str, against: str = cross, **changes) -> Configuration:
        changes = {"sized_like": against} | changes
        return Configuration(f"{letters}-{name}", modalities, attention, said=said, against=against, **changes)

    for attention, plain in (("self", self_), ("cross", cross)):
        yield control(f"{attention}-even", attention, "no attention", plain, weights="even")
        yield control(f"{attention}-shuffled", attention, "time shuffled", plain, order="shuffled", sized_like="")
        yield control(f"{attention}-rotated", attention, "time rotated", plain, order="rotated", sized_like="")
        if len(modalities) > 2:
            yield control(
                f"{attention}-dropped", attention, "trained with gaps", plain, left_out=0.5, sized_like=""
            )  # fmt: skip
        else:  # the paper has these with all three modalities only
            said, pooling = "noSP", "concatenation"
            yield control(f"{attention}-nosp", attention, said, plain, pooling=pooling, sized_like="")
    if len(modalities) < 3:
        yield Configuration(f"{letters}-both", modalities, "both", against=cross)
    yield control("self-wide", "self", "wider")
    yield control("self-late", "self", "late fusion", self_, pooling="late")
    yield control("self-concatenated", "self", "late concatenation", self_, pooling="concatenation", weights="even")
    yield control("together", "together", "early concatenation", self_)
    yield control("cross-tokens", "cross", f"{TOKENS} tokens", tokens=TOKENS)
    yield control("both-gated", "both", "gated", gated=True)


CONFIGURATIONS: dict[str, Configuration] = {c.name: c for c in _paper()}
"""All fourteen of the paper, by name: ``a-self`` ... ``avt-cross``, ``avt-self-nosp``, ``avt-both``."""

CONTROLS: dict[str, Configuration] = {c.name: c for letters in SETS if len(letters) > 1 for c in _controls(letters)}
"""The controls of every set of at least two modalities: ``avt-cross-even``, ``av-both-gated``, ..."""

EVERY_CONFIGURATION = CONFIGURATIONS | CONTROLS


def controls_of(modalities: tuple[str, ...]) -> list[str]:
    """Names of the controls of just these modalities, after the paper's models of the same."""
    return [c.name for c in EVERY_CONFIGURATION.values() if set(c.modalities) == set(modalities)]


def configurations_for(modalities: tuple[str, ...], controls: bool) -> list[str]:
    """Names of what a corpus with these modalities is asked: the paper's, and with ``controls`` those of all of them.

    Names of the paper's that use other modalities are among them, so that what is left out can be said.
    """
    return list(dict.fromkeys([*CONFIGURATIONS, *(controls_of(modalities) if controls else [])]))
