"""What several test files need: the shipped analyzer and one clip with a face and a spoken sentence."""

from pathlib import Path

import pytest
from recordings import save_clip, speak

from core.analysis import Analyzer

SENTENCE = "I am so happy to see you again, my friend."


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    """The checkpoints that the app loads, on the CPU."""
    return Analyzer.load(device="cpu")


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """An mp4 of the portrait, saying ``SENTENCE``."""
    folder = tmp_path_factory.mktemp("clip")
    return save_clip(folder / "hello.mp4", speak(SENTENCE, folder / "hello.wav"))


@pytest.fixture(scope="session")
def utterance(analyzer, clip):
    """``clip``, extracted once for all tests."""
    return analyzer.extract(clip)
