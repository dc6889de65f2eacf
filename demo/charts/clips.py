"""Several clips as HTML: their table, what a row opens to, and how often both models are right."""

from collections.abc import Sequence

from markupsafe import Markup

from core import LABELS, MODELS, SUBSETS
from core.analysis.attribution import Attribution
from core.analysis.results import Analysis
from core.analysis.table import Row, set_of
from core.analysis.truth import Score, score
from demo import wording
from demo.charts import panels, phrases
from demo.charts.attribution import said_span
from demo.charts.attribution_figures import ORDER
from demo.charts.html import render
from demo.charts.pictures import data_uri

FACES = 8  # pictures of the face in an opened row


def table(
    rows: Sequence[Row], truth: Sequence[str | None], opened: dict[int, Markup], waiting: Sequence[str]
) -> Markup:
    """A row a clip, and below it the scores once any truth is known; nothing without clips.

    Args:
        truth: what is known of each row.
        opened: number of a row -> what it shows.
        waiting: names of the clips that are still to be read.
    """
    if not rows and not waiting:
        return Markup()
    shown = [
        row | {"verdicts": _verdicts(row, known), "truth": known or "", "why": _why(row)}
        for row, known in zip(rows, truth, strict=True)
    ]
    return render(
        "clips", "clips", rows=shown, waiting=waiting, opened=opened, known=any(truth), scores=_scores(rows, truth)
    )


def _verdicts(row: Row, known: str | None) -> list[dict]:
    """Each model with its class, "" where it says nothing, its probability, the others of its set, and whether it is
    right, None where that is not known."""
    return [
        {
            "model": model,
            "label": row[model],
            "probability": float(row[f"{model} {row[model]}"]) if row[model] else 0.0,
            "others": [label for label in set_of(row, model) if label != row[model]],
            "right": row[model] == known if known and row[model] else None,
        }
        for model in MODELS
    ]


def _why(row: Row) -> list[str]:
    """What the clip has none of, and why."""
    absent = [one.partition(": ") for one in row["missing"].split("; ") if one]
    return [
        f"{wording.MISSING[modality]}{wording.COLON}{wording.of_core(reason)}."
        for modality, _, reason in absent
        if modality in wording.MISSING
    ]


def _scores(rows: Sequence[Row], truth: Sequence[str | None]) -> dict | None:
    """What stands below the table, None where nothing was read."""
    found = score(rows, truth)
    if not found.read:
        return None
    return {
        "both": found.both,
        "agree": found.agree,
        "known": found.known,
        "read": found.read,
        "models": [
            {"model": model, "score": one, "rows": _confusion(one)} for model, one in found.models.items() if one
        ],
    }


def _confusion(one: Score) -> list[dict]:
    """A line a true class that occurs: its counts by said class."""
    return [
        {"label": label, "counts": [int(count) for count in counts], "right": i, "n": int(counts.sum())}
        for i, (label, counts) in enumerate(zip(LABELS, one.confusion, strict=True))
        if counts.sum()
    ]


def details(analysis: Analysis, worth: Attribution | None) -> Markup:
    """All that is said of one clip.

    Args:
        worth: what its modalities contributed; None where that cannot be measured.
    """
    everything = analysis.everything
    alone = [
        (" + ".join(wording.MODALITY[m] for m in used), list(analysis.predictions[used].verdicts().items()))
        for used in SUBSETS
        if used in analysis.predictions
    ]
    faces = [data_uri(picture) for _, picture in analysis.faces.spread_pictures(FACES, analysis.duration)]
    return render(
        "clips", "details",
        verdicts=[panels.verdict(name, v, None, wording.UNDEFINED) for name, v in everything.verdicts().items()],
        notes=panels.notes(analysis), alone=alone, faces=faces, phrases=phrases.table(analysis, playable=False),
        other=analysis.transcript.other, worth=_worth(analysis, worth),
    )  # fmt: skip


def _worth(analysis: Analysis, worth: Attribution | None) -> list[dict]:
    """For each model that says anything: its class, and what all of each modality adds to the class's probability."""
    rows = []
    for name in MODELS:
        found = worth.of(name, tuple(m for m in analysis.present if m in worth.parts)) if worth else None
        if found is None:
            continue
        best = int(found.probabilities.argmax())
        adds = [(wording.ALL_OF[m], float(found.marginal[m][best])) for m in ORDER if m in found.marginal]
        span = said_span((worth.start, worth.end)) if worth and analysis.windows else ""
        rows.append(
            {
                "model": name,
                "label": LABELS[best],
                "probability": float(found.probabilities[best]),
                "adds": adds,
                "span": span,
            }
        )
    return rows


def sentence(text: str) -> Markup:
    """One sentence in the place of more; nothing for ""."""
    return panels.paragraph(text, "note") if text else Markup()
