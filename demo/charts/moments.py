"""What the browser needs to follow a clip while it plays: when each face, word and window is, as one hidden element."""

import json

from markupsafe import Markup

from core.analysis.results import Analysis
from demo.charts.html import render


def element(analysis: Analysis, example: str = "") -> Markup:
    """An element whose ``data-clip`` is JSON: faces ``[time, x, y, width, height]`` (seconds; shares of the picture),
    words ``[start, end, text]`` and windows ``{start, end, cross, self}`` (seven probabilities each, or null).

    Args:
        example: name of the example that this is, for links to it; nothing links to a visitor's own clip.
    """
    faces = analysis.faces
    clip = {
        "duration": round(analysis.duration, 3),
        "faces": [[round(float(v), 3) for v in (t, *box)] for t, box in zip(faces.times, faces.boxes, strict=True)],
        "words": [[round(w.start, 2), round(w.end, 2), w.text] for w in analysis.transcript.words],
        "windows": [
            {"start": w.start, "end": w.end}
            | {
                model: verdict and [round(float(p), 4) for p in verdict.probabilities]
                for model, verdict in w.prediction.verdicts().items()
            }
            for w in analysis.windows
        ],
    }
    said = json.dumps(clip, ensure_ascii=False, separators=(",", ":"))
    return render("panels", "moments", file=analysis.file, clip=said, example=example)
