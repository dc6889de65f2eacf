"""What the browser needs to follow a clip while it plays, in one hidden element: when each face, word and segment is,
and where each word looks."""

import json

from markupsafe import Markup

from core.analysis.results import Analysis, Segment
from core.fusion.attention import most_attended
from demo import wording
from demo.charts.html import render

MAX_LETTERS = 26  # of a phrase that a line has room for
MAX_WORDS = 600  # whose looks are written out


def element(analysis: Analysis, example: str = "") -> Markup:
    """An element whose ``data-clip`` is JSON.

    It holds faces ``[time, x, y, width, height]`` (seconds; shares of the picture), words ``[start, end, text]``,
    ``segments`` ``{start, end, name, cross, self}`` (seven probabilities each, or null; the clip's phrases, or its
    windows where it has fewer than two) and ``looks`` (see ``looks_of``).

    Args:
        example: name of the example that this is, for links to it; nothing links to a visitor's own clip.
    """
    faces = analysis.faces
    clip = {
        "duration": round(analysis.duration, 3),
        "faces": [[round(float(v), 3) for v in (t, *box)] for t, box in zip(faces.times, faces.boxes, strict=True)],
        "words": [[round(w.start, 2), round(w.end, 2), w.text] for w in analysis.transcript.words],
        "segments": [_segment(segment) for segment in analysis.phrases or analysis.windows],
        "looks": looks_of(analysis),
    }
    said = json.dumps(clip, ensure_ascii=False, separators=(",", ":"))
    return render("panels", "moments", file=analysis.file, clip=said, example=example)


def looks_of(analysis: Analysis) -> list[dict[str, list[list[float]]]]:
    """For each word the moments that it attends to most: modality -> ``[seconds, even shares]``, the most first.

    "audio" and "video" are of cross-attention, "text" of self-attention, without the word itself. Empty where the
    clip has no words that the models read.
    """
    words, verdicts = analysis.transcript.words, analysis.everything.verdicts()
    maps = {
        key: verdict.attention["text", key]
        for key, verdict in (("audio", verdicts["cross"]), ("video", verdicts["cross"]), ("text", verdicts["self"]))
        if verdict and ("text", key) in verdict.attention
    }
    if any(map_.steps[0] != len(words) for map_ in maps.values()):  # a local encoder has mixed the words
        return []
    looks = []
    for step, word in enumerate(words[:MAX_WORDS] if maps else ()):
        found = {}
        for key, map_ in maps.items():
            apart = 0.0 if key == "text" else 0.4
            most = most_attended(map_, step, 4 if key == "text" else 3, apart)
            others = [look for look in most if key != "text" or abs(look[0] - word.middle) > 0.01]
            found[key] = [[round(time, 2), round(share, 2)] for time, share in others[:3]]
        looks.append(found)
    return looks


def _segment(segment: Segment) -> dict:
    name = f"{segment.start:.0f}–{segment.end:.0f} s"
    if segment.text:
        short = segment.text if len(segment.text) <= MAX_LETTERS else segment.text[: MAX_LETTERS - 1].rstrip() + "…"
        name = wording.QUOTED.format(text=short)
    return {"start": round(segment.start, 2), "end": round(segment.end, 2), "name": name} | {
        model: verdict and [round(float(p), 4) for p in verdict.probabilities]
        for model, verdict in segment.prediction.verdicts().items()
    }
