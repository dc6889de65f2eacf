"""A verdict a phrase, as a table whose words play the clip from there."""

from markupsafe import Markup

from core.analysis.results import Analysis
from demo.charts.html import render


def table(analysis: Analysis) -> Markup:
    """Nothing for a clip of fewer than two phrases."""
    return render("tables", "phrases", phrases=analysis.phrases) if analysis.phrases else Markup()
