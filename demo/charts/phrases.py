"""A verdict a phrase, as a table whose words play the clip from there."""

from markupsafe import Markup

from core.analysis.results import Analysis
from demo.charts.html import render
from demo.charts.palette import MODEL_TITLE


def table(analysis: Analysis) -> Markup:
    """Nothing for a clip of fewer than two phrases."""
    if not analysis.phrases:
        return Markup()
    return render("tables", "phrases", phrases=analysis.phrases, models=[MODEL_TITLE[m] for m in analysis.models])
