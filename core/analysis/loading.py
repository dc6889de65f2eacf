"""An ``Analyzer`` that is loaded when it is first asked for something, so that a page can be served before.

Nothing is imported here that needs PyTorch: that takes as long as all else on the way to the page.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from core.analysis.results import Analysis, First
from core.encoders.utterance import Progress

if TYPE_CHECKING:
    from core.analysis.analyzer import Analyzer

LOADING = "loading the models, once after the start"


class LoadingAnalyzer:
    """Stands in for an ``Analyzer``: as soon as somebody asks for something it is loaded, in a thread of its own, and
    all who ask wait for it.

    Args:
        load: makes the analyzer; what it raises is raised again for everybody who asks.
        heads, more_models: attention heads of its models, and names of those beside cross and self, which a page wants
            to know before they are there.
    """

    def __init__(self, load: Callable[[], "Analyzer"], heads: int, more_models: tuple[str, ...] = ()):
        self.heads, self.more_models = heads, more_models
        self._loaded: Future[Analyzer] = Future()
        self._thread = threading.Thread(target=self._load, args=(load,), name="loading the models", daemon=True)
        self._beginning = threading.Lock()

    def loaded(self) -> "Analyzer":
        """The analyzer, as soon as it is there."""
        with self._beginning:
            if self._thread.ident is None:
                self._thread.start()
        return self._loaded.result()

    def analyze(self, path: str | Path, progress: Progress | None = None, first: First | None = None) -> Analysis:
        """As ``Analyzer.analyze``; says so while it waits."""
        if progress and not self._loaded.done():
            progress(0.0, LOADING)
        return self.loaded().analyze(path, progress, first)

    def __getattr__(self, name: str):
        return getattr(self.loaded(), name)

    def _load(self, load: Callable[[], "Analyzer"]) -> None:
        try:
            self._loaded.set_result(load())
        except BaseException as error:  # raised again where somebody asks
            self._loaded.set_exception(error)
