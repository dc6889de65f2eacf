"""What the page may be given to analyse clips with."""

from core.analysis.analyzer import Analyzer
from core.analysis.loading import LoadingAnalyzer
from demo.server.zerogpu import BorrowingAnalyzer

AnyAnalyzer = Analyzer | LoadingAnalyzer | BorrowingAnalyzer
"""All have ``heads``, ``more_models`` and ``analyze``; see ``loaded`` for the rest."""


def loaded(analyzer: AnyAnalyzer) -> Analyzer:
    """The analyzer itself, behind what stands in for it; waits for it where it is still being loaded."""
    return analyzer.loaded() if isinstance(analyzer, LoadingAnalyzer | BorrowingAnalyzer) else analyzer
