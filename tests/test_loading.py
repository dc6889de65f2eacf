"""A page is there before its models: who asks for them waits, and hears why."""

import threading

import pytest

from core.analysis.loading import LOADING, LoadingAnalyzer
from core.encoders.packaged import WeightsError


class Loaded:
    def analyze(self, path, progress):
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

    def progress(share, stage):
        said.append((share, stage))
        allowed.set()

    assert analyzer.analyze("clip", progress) == "analysis of clip"
    assert said == [(0.0, LOADING)]
    assert analyzer.predict("it") == "prediction of it"
    assert analyzer.analyze("clip", progress) == "analysis of clip" and len(said) == 1


def test_what_fails_while_loading_is_raised_for_who_asks():
    def load():
        raise WeightsError("a weight is missing")

    analyzer = LoadingAnalyzer(load, heads=6)
    for ask in (analyzer.loaded, lambda: analyzer.analyze("clip"), lambda: analyzer.models):
        with pytest.raises(WeightsError, match="a weight is missing"):
            ask()
