"""One sentence beside an enlarged map: whether what its head looks at most was worth more than other moments."""

import logging
from functools import lru_cache

from markupsafe import Markup

from core.analysis.head_figures import HeadFigures
from core.encoders.packaged import WeightsError
from core.fusion.config import load_faithfulness
from core.fusion.pairs import Pair
from demo import wording
from demo.charts.html import render

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def measured() -> HeadFigures | None:
    """What was measured of the models in ``checkpoints/``; None where nothing was, or the file was changed."""
    try:
        found = load_faithfulness()
    except WeightsError as error:
        log.warning("Nothing is said of single heads: %s", error)
        return None
    return HeadFigures.from_json(found) if found else None


def sentence(model: str, pair: Pair, head: int | None) -> Markup:
    """Of one map; nothing where nothing was measured.

    Args:
        head: counted from 0, None for the mean of all.
    """
    figures = measured()
    found = figures and figures.worths.get((model, pair, head))
    if not figures or not found:
        return Markup()
    said = wording.HEAD_WORTH["mean" if head is None else "head", found.above]
    text = said.format(clips=found.clips, top=f"{100 * found.top:.1f}", all=f"{100 * found.all:.1f}")
    source = wording.HEAD_WORTH_SOURCE.format(corpus=figures.corpus, date=figures.date)
    return render("panels", "head_worth", text=text, source=source)
