"""What the page may be given to analyse clips with, and what is asked of the models behind it.

PyTorch and whatever needs it are imported when somebody first asks: the page is served without them.
"""

from typing import TYPE_CHECKING

from core.analysis.attribution import Attribution
from core.analysis.listeners import SharedListener
from core.analysis.loading import LoadingAnalyzer
from core.analysis.results import Analysis
from demo.server.zerogpu import BorrowingAnalyzer

if TYPE_CHECKING:
    from core.analysis.analyzer import Analyzer
    from core.analysis.live import Live

    AnyAnalyzer = Analyzer | LoadingAnalyzer | BorrowingAnalyzer
    """All have ``heads``, ``more_models`` and ``analyze``; see ``loaded`` for the rest."""
else:
    AnyAnalyzer = object


def loaded(analyzer: AnyAnalyzer) -> "Analyzer":
    """The analyzer itself, behind what stands in for it; waits for it where it is still being loaded."""
    return analyzer.loaded() if isinstance(analyzer, LoadingAnalyzer | BorrowingAnalyzer) else analyzer


def measure(analyzer: AnyAnalyzer, analysis: Analysis, span: tuple[float, float]) -> Attribution:
    """See ``core.analysis.attributor.measure``."""
    from core.analysis import attributor

    return attributor.measure(loaded(analyzer), analysis, span)


def live(analyzer: AnyAnalyzer, listeners: SharedListener) -> "Live":
    """The stream of one who is live."""
    from core.analysis.live import Live

    return Live(loaded(analyzer), listeners)
