"""Two takes of one sentence beside each other, a challenge, and what a picture of the verdicts to send on says."""

import json

from markupsafe import Markup

from core import LABELS, MODALITIES
from core.analysis.results import Analysis, Verdict
from core.analysis.takes import Change, Take, aligned, changes, same
from demo import wording
from demo.charts.html import render
from demo.charts.palette import EMOTION, percent, signed

LEAST = 0.005  # a change that rounds to no percentage point is none
MOST = 2  # labels whose change is named
CARD_FILE = "cross-or-self.png"


def element(analysis: Analysis, first: Take | None = None, challenged: bool = False) -> Markup:
    """Everything below the verdicts that takes a clip further.

    Args:
        first: an earlier clip that this one is set beside.
        challenged: whether face and voice are to disagree.
    """
    take = Take.of(analysis)
    return render(
        "takes", "takes", challenge=_answer(take) if challenged else "",
        compared=compared(first, take) if first is not None else "",
        card=json.dumps(card(take, first), ensure_ascii=False, separators=(",", ":")),
    )  # fmt: skip


def waiting(first: Take) -> Markup:
    """The first take is kept, and the second one is waited for."""
    return render("takes", "waiting", said=first.text)


def asked() -> Markup:
    """What is to be said so that face and voice disagree."""
    return render("takes", "asked")


def compared(first: Take, second: Take) -> Markup:
    """A and B: both models, each modality alone, what changed, and the words below each other."""
    both = changes(first, second)
    alone = [change for change in both if change.name in MODALITIES]
    most = max(alone, key=lambda change: change.size)
    rows = [{"name": name_of(change.name), "change": change, "said": said(change)} for change in both]
    pairs = [{"first": one, "second": other, "same": same(one, other)} for one, other in aligned(first, second)]
    summary = wording.MOST_CHANGED[most.name] if most.size >= LEAST else wording.NOTHING_CHANGED
    return render("takes", "compared", rows=rows, most=summary, pairs=pairs)


def name_of(name: str) -> str:
    """ "cross" -> "Cross-attention", "video" -> "face alone"."""
    return wording.MODEL.get(name) or wording.ALONE[name]


def said(change: Change) -> list[str]:
    """The labels that gained or lost most, each with its percentage points; none where nothing can be compared."""
    differences = change.differences
    if differences is None:
        return []
    order = sorted(range(len(LABELS)), key=lambda i: -abs(differences[i]))
    named = [
        f"{wording.LABEL[LABELS[i]]} {signed(float(differences[i]) * 100)}"
        for i in order[:MOST]
        if abs(differences[i]) >= LEAST
    ]
    return named or [wording.UNCHANGED]


def _answer(take: Take) -> str:
    """Whether face and voice disagree."""
    face, voice = take.alone("video"), take.alone("audio")
    if face is None or voice is None:
        return wording.CHALLENGE_NEEDS_BOTH
    sentence = wording.CHALLENGE_LOST if face.label == voice.label else wording.CHALLENGE_WON
    return sentence.format(face=_with_percent(face), voice=_with_percent(voice))


def _with_percent(verdict: Verdict) -> str:
    return f"{wording.LABEL[verdict.label]} ({percent(verdict.probability)})"


def card(second: Take, first: Take | None) -> dict:
    """What the browser draws as a picture: a line a verdict, each with that of the first take if there is one."""
    lines = []
    for change in changes(first or second, second):
        verdicts = [change.first, change.second] if first else [change.second]
        lines.append({"name": name_of(change.name), "takes": [_drawn(verdict) for verdict in verdicts]})
    return {
        "title": wording.TITLE, "said": second.text, "lines": lines, "limits": wording.LIMITS_SHORT,
        "none": wording.CARD_NONE, "file": CARD_FILE, "quoted": wording.QUOTED, "names": wording.TAKES_COLUMNS[1:3],
    }  # fmt: skip


def _drawn(verdict: Verdict | None) -> dict | None:
    """Label, its probability as a share and in words, and its colour."""
    if verdict is None:
        return None
    said = percent(verdict.probability)
    return {
        "label": wording.LABEL[verdict.label],
        "share": round(verdict.probability, 4),
        "said": said,
        "colour": EMOTION[verdict.label],
    }
