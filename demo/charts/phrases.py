"""A verdict a phrase, as a table whose words play the clip from there."""

from html import escape

from core.analysis.results import Analysis, Verdict
from demo.charts.palette import EMOTION, MODEL, percent


def table(analysis: Analysis) -> str:
    """Nothing for a clip of fewer than two phrases."""
    if not analysis.phrases:
        return ""
    rows = "".join(
        f'<tr><th scope="row"><button type="button" class="word" data-seconds="{phrase.start:.2f}">'
        f"{escape(phrase.text)}</button><small>{phrase.start:.1f}–{phrase.end:.1f} s</small></th>"
        + "".join(_cell(name, verdict) for name, verdict in phrase.prediction.verdicts().items())
        + "</tr>"
        for phrase in analysis.phrases
    )
    head = "".join(f'<th scope="col">{title}</th>' for title in MODEL.values())
    return (
        f'<section aria-label="Phrases"><table class="numbers" id="phrases">'
        f'<thead><tr><th scope="col">said</th>{head}</tr></thead><tbody>{rows}</tbody></table></section>'
    )


def _cell(model: str, verdict: Verdict | None) -> str:
    if verdict is None:
        return f'<td class="none" data-model="{model}">undefined</td>'
    return (
        f'<td data-model="{model}" data-label="{verdict.label}"><i class="swatch" aria-hidden="true" '
        f'style="background:{EMOTION[verdict.label]}"></i>{verdict.label} {percent(verdict.probability)}</td>'
    )
