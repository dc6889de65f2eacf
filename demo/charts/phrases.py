"""A verdict a phrase, as a table whose words play the clip from there."""

from markupsafe import Markup

from core.analysis.results import Analysis
from demo import wording
from demo.charts.html import render


def table(analysis: Analysis, playable: bool = True) -> Markup:
    """Nothing for a clip of fewer than two phrases; ``playable``: whether the clip is there to be played."""
    if not analysis.phrases:
        return Markup()
    models = [wording.MODEL_TITLE[m] for m in analysis.models]
    return render("tables", "phrases", phrases=analysis.phrases, models=models, playable=playable)
