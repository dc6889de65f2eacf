"""A guess first: the question about an example, and what face, voice and words alone and both models say of it."""

from markupsafe import Markup

from core import MODALITIES
from core.analysis.results import Analysis
from core.experiment.published import read_comparison
from demo import wording
from demo.charts.html import render
from demo.charts.palette import percent

ANSWERS = {"contradiction": ("happiness", "sadness", "neutral")}  # labels, by example


def element(name: str, analysis: Analysis) -> Markup:
    """The question about an example with its answers, hidden from when it was answered or skipped; "" if it has none,
    or if the example lacks what it asks about."""
    asked = wording.GUESSES.get(name)
    both = analysis.everything
    if asked is None or both.cross is None or both.self_ is None:
        return Markup()
    labels = dict.fromkeys(verdict.label for verdict in (both.cross, both.self_))
    return render(
        "guess", "guess", question=asked, answers=ANSWERS[name], labels=list(labels),
        revealed=revealed(analysis), answer=wording.answer_in_short(read_comparison()),
    )  # fmt: skip


def revealed(analysis: Analysis) -> str:
    """What each modality says alone, what the models say of all together, and whose side that is."""
    alone = {m: analysis.predictions[m,].self_ for m in MODALITIES if (m,) in analysis.predictions}
    each = [(m, v.label, percent(v.probability)) for m, v in alone.items() if v]
    said = {m: v for m, v in analysis.everything.verdicts().items() if v}
    sides = {model: [m for m, v in alone.items() if v and v.label == said[model].label] for model in said}
    if len({verdict.label for verdict in said.values()}) == 1:
        both = [percent(verdict.probability) for verdict in said.values()]
        won = wording.guess_same(next(iter(said.values())).label, both, sides["self"])
    else:
        won = wording.guess_different([(m, v.label, percent(v.probability), sides[m]) for m, v in said.items()])
    return f"{wording.guess_alone(each)} {won}"
