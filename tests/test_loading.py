"""A page is there before its models: who asks for them waits, and hears why."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from core.analysis.loading import LOADING, LoadingAnalyzer
from core.encoders.packaged import WeightsError
from core.memory import as_if_not_installed

ROOT = Path(__file__).parents[1]


class Loaded:
    def analyze(self, path, progress, first=None):
        return f"analysis of {path}"

    def predict(self, utterance):
        return f"prediction of {utterance}"


def test_who_asks_waits_and_is_told():
    allowed, said = threading.Event(), []

    def load():
        assert allowed.wait(10)
        return Loaded()

    analyzer = LoadingAnalyzer(load, heads=6)
    assert analyzer.heads == 6 and not allowed.is_set()
    assert "loading the models" not in {thread.name for thread in threading.enumerate()}, "nobody has asked yet"

    def progress(share, stage):
        said.append((share, stage))
        allowed.set()

    assert analyzer.analyze("clip", progress) == "analysis of clip"
    assert said == [(0.0, LOADING)]
    assert analyzer.predict("it") == "prediction of it"
    assert analyzer.analyze("clip", progress) == "analysis of clip" and len(said) == 1


def test_the_page_is_made_without_pytorch():
    """Importing it, and all that needs it, takes half as long as everything else on the way to the page."""
    lines = (
        "import sys, app",
        "late = ('torch', 'mediapipe', 'transformers', 'whisper', 'librosa', 'scipy', 'sklearn', 'matplotlib')",
        "print([name for name in late if name in sys.modules], len(app.demo.fns) > 20)",
    )
    program = [sys.executable, "-c", "\n".join(lines)]
    answer = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.stdout == "[] True\n", answer.stderr


def test_what_fails_while_loading_is_raised_for_who_asks():
    def load():
        raise WeightsError("a weight is missing")

    analyzer = LoadingAnalyzer(load, heads=6)
    for ask in (analyzer.loaded, lambda: analyzer.analyze("clip"), lambda: analyzer.models):
        with pytest.raises(WeightsError, match="a weight is missing"):
            ask()


def test_what_is_not_there_for_a_while_can_be_imported_afterwards(monkeypatch):
    monkeypatch.delitem(sys.modules, "sched", raising=False)
    with pytest.raises(ModuleNotFoundError), as_if_not_installed("sched"):
        import sched
    import sched

    with as_if_not_installed("sched"):
        assert sys.modules["sched"] is sched, "what has been imported stays"
    assert sys.modules["sched"] is sched


@pytest.mark.skipif(torch.cuda.is_available(), reason="what compiles for GPUs may be wanted there")
def test_without_a_gpu_nothing_that_compiles_for_one_is_loaded(analyzer):
    assert analyzer.extractor.word_encoder and "triton" not in sys.modules
