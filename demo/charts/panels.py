"""The parts of the page that are text: verdicts, transcript, face strip, the table of all subsets.

Whatever comes from a clip (words, file names) is escaped. Colours always stand beside a name.
"""

from html import escape

import numpy as np

from core import LABELS, MODALITIES, SUBSETS, Subset
from core.analysis.results import Analysis, Prediction, Verdict
from demo import wording
from demo.charts.palette import EMOTION, MODALITY, MODEL, percent
from demo.charts.pictures import data_uri
from demo.server.limits import UNSURE


def verdict(name: str, verdict: Verdict | None, baseline: Verdict | None, why: str) -> str:
    """A panel: the label in words with its probability, seven bars, and all seven in words for screen readers.

    Args:
        baseline: what was said with everything on, if not everything is: drawn as outlines.
        why: there is no verdict.
    """
    head = f"<h3>{MODEL[name]}</h3>"
    if verdict is None:
        return f'<div class="verdict" data-model="{name}" data-label="">{head}<p class="none">{escape(why)}</p></div>'
    remarks = [wording.NOT_SURE] if verdict.probability < UNSURE else []
    if baseline is not None:
        before = float(baseline.probabilities[LABELS.index(verdict.label)])
        difference = verdict.probability - before
        arrow = "▲" if difference > 0.005 else "▼" if difference < -0.005 else "="
        said = f", which said {baseline.label}" if baseline.label != verdict.label else ""
        remarks.append(f"{arrow} {percent(before)} with everything on{said}")
    return (
        f'<div class="verdict" data-model="{name}" data-label="{verdict.label}" '
        f'data-probability="{verdict.probability:.6f}"{" data-part" if baseline else ""}>{head}'
        f'<p class="label">{_swatch(verdict.label)}{verdict.label} <b>{percent(verdict.probability)}</b></p>'
        f'<p class="remark hint">{"; ".join(remarks)}</p>{bars(verdict, baseline)}'
        f'<p class="sr-only">{MODEL[name]}, all seven: {in_words(verdict)}.</p></div>'
    )


def bars(verdict: Verdict, baseline: Verdict | None = None) -> str:
    """Seven horizontal bars on a scale of 0 to 1; around them, as outlines, those of ``baseline``."""
    rows = []
    for index, label in enumerate(LABELS):
        share, hover, outline = float(verdict.probabilities[index]), "", ""
        if baseline is not None:
            before = float(baseline.probabilities[index])
            outline = f'<s style="width:{before:.4%}"></s>'
            hover = f", {change_in_words(share - before)} than with everything on"
        top = ' class="bar top"' if label == verdict.label else ' class="bar"'
        rows.append(
            f'<div{top} data-label="{label}" title="{label} {share:.3f}{hover}"><span>{label}</span>'
            f'<div><i style="width:{share:.4%};background:{EMOTION[label]}"></i>{outline}</div>'
            f"<b>{percent(share)}</b></div>"
        )
    return f'<div class="bars" aria-hidden="true">{"".join(rows)}</div>'


def change_in_words(difference: float) -> str:
    """0.1 -> "0.100 more"."""
    return f"{abs(difference):.3f} {'more' if difference >= 0 else 'less'}"


def in_words(verdict: Verdict) -> str:
    """All seven, most probable first: "anger 51 %, fear 20 %, …"."""
    order = np.argsort(-np.asarray(verdict.probabilities), kind="stable")
    return ", ".join(f"{LABELS[i]} {percent(float(verdict.probabilities[i]))}" for i in order)


def agreement(prediction: Prediction) -> str:
    """One line above the panels: whether the two models say the same."""
    cross, own = prediction.cross, prediction.self_
    if own is None:
        return f'<p class="agreement none">{wording.ALL_OFF}</p>'
    if cross is None:
        return f'<p class="agreement none">Only self-attention can answer: {own.label}.</p>'
    if cross.label == own.label:
        return f'<p class="agreement same">Both say <b>{cross.label}</b>.</p>'
    return (
        '<p class="agreement differs"><b>They disagree.</b> Cross-attention says '
        f"{_swatch(cross.label)}<b>{cross.label}</b>, "
        f"self-attention says {_swatch(own.label)}<b>{own.label}</b>.</p>"
    )


def notes(analysis: Analysis) -> str:
    """What was absent and what should be known about the clip."""
    absent = [f"{wording.MISSING[m]}: {escape(reason)}." for m, reason in analysis.missing.items()]
    sentences = absent + [escape(w) for w in analysis.warnings]
    return "".join(f'<p class="note">{sentence}</p>' for sentence in sentences)


def transcript(analysis: Analysis) -> str:
    """The words, each a button that plays the clip from there."""
    words = analysis.transcript.words
    if not words:
        return '<section aria-label="Transcript"><h3>Words</h3><p class="hint">No words were heard.</p></section>'
    buttons = " ".join(
        f'<button type="button" class="word"{" data-unsure" if w.probability < 0.5 else ""} '
        f'data-seconds="{w.start:.2f}" title="{w.start:.1f}–{w.end:.1f} s, Whisper is {percent(w.probability)} sure">'
        f"{escape(w.text)}</button>"
        for w in words
    )
    return f'<section aria-label="Transcript"><h3>Words</h3><p id="transcript">{buttons}</p></section>'


def face_strip(analysis: Analysis) -> str:
    """Some of the faces that were used, in order of time, and how much of the clip had one."""
    faces = analysis.faces
    total, found = len(faces.frame_times), int(np.sum(faces.found))
    if not found:
        return '<section aria-label="Faces"><h3>Face</h3><p class="hint">No face was found.</p></section>'
    pictures = "".join(
        f'<button type="button" class="face" data-seconds="{time:.2f}"><img width="56" height="56" '
        f'src="{data_uri(picture)}" alt="face at {time:.1f} s"></button>'
        for time, picture in faces.spread_pictures(10, analysis.duration)
    )
    return (
        '<section aria-label="Faces"><h3>Face</h3>'
        f'<p id="faces" data-found="{found}" data-frames="{total}">{pictures}</p>'
        f'<p class="hint">Found in {found} of {total} frames.</p></section>'
    )


def matrix(analysis: Analysis, on: Subset) -> str:
    """All seven subsets for both models as a table; the row that is switched on is marked."""
    everything, body = analysis.everything, []
    for subset in SUBSETS:
        name = " + ".join(MODALITY[m] for m in subset)
        found = analysis.predictions.get(subset)
        if found is None:
            absent = [MODALITY[m] for m in subset if m in analysis.missing]
            cells = f'<td colspan="2" class="none">no {" and no ".join(absent)} in this clip</td>'
        else:
            cells = _cell("cross", found.cross, everything.cross) + _cell("self", found.self_, everything.self_)
        here = ' aria-current="true"' if subset == on else ""
        body.append(f'<tr data-subset="{"+".join(subset)}"{here}><th scope="row">{name}</th>{cells}</tr>')
    return (
        '<table id="matrix"><caption class="sr-only">Verdicts of both models for all seven combinations</caption>'
        '<thead><tr><th scope="col">using</th><th scope="col">Cross-attention</th>'
        f'<th scope="col">Self-attention</th></tr></thead><tbody>{"".join(body)}</tbody></table>'
    )


def _cell(model: str, verdict: Verdict | None, everything: Verdict | None) -> str:
    if verdict is None:
        return f'<td class="none" data-model="{model}">needs two</td>'
    strip = "".join(
        f'<i style="width:{p * 100:.2f}%;background:{EMOTION[label]}" title="{label} {percent(p)}"></i>'
        for label, p in zip(LABELS, map(float, verdict.probabilities), strict=True)
    )
    target = ""
    if everything is not None and everything.label != verdict.label:
        share = float(verdict.probabilities[LABELS.index(everything.label)])
        target = f"<small>{everything.label} {percent(share)}</small>"
    return (
        f'<td data-model="{model}" data-label="{verdict.label}" data-probability="{verdict.probability:.6f}">'
        f"<span>{_swatch(verdict.label)}{verdict.label} {percent(verdict.probability)}</span> {target}"
        f'<span class="strip" aria-hidden="true">{strip}</span></td>'
    )


def attention_summary(shown: str, spread: float, steps: int) -> str:
    """One sentence under the heatmap: how sharp the attention is."""
    return (
        f'<p class="hint" id="sharpness">{escape(shown)}: on average a row spreads its attention over '
        f"<b>{spread:.1f}</b> of {steps} moments{' – nearly evenly' if spread > 0.85 * steps else ''}.</p>"
    )


def pair_name(pair: tuple[str, str]) -> str:
    """("text", "video") -> "words → face"."""
    return f"{MODALITY[pair[0]]} → {MODALITY[pair[1]]}"


def legend() -> str:
    """The seven classes with their colours, for the table of strips."""
    return '<p class="legend">' + " ".join(f"<span>{_swatch(label)}{label}</span>" for label in LABELS) + "</p>"


def _swatch(label: str) -> str:
    return f'<i class="swatch" style="background:{EMOTION[label]}" aria-hidden="true"></i>'


assert set(MODALITY) == set(MODALITIES)
