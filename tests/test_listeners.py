"""What listens for those who are live: a copy of the analyzer's listener, made at any time, replaced when it fails."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from recordings import speak

from core.analysis.listeners import SharedListener
from core.analysis.live import Live
from core.cancellation import cancellation_scope
from core.encoders.speech import Listener
from core.media.reader import SAMPLE_RATE, Waveform


@pytest.fixture(scope="module")
def fox(tmp_path_factory) -> np.ndarray:
    """A sentence whose words Whisper understands."""
    return speak("The quick brown fox is very happy today.", tmp_path_factory.mktemp("fox") / "fox.wav")


def test_a_listener_is_copied_while_it_decodes(fox):
    """Whisper's hooks and caches are in the model at that moment: a copy of them would fail for ever."""
    listener, inside, go_on, seen = Listener(), threading.Event(), threading.Event(), []

    def check():  # before the encoder, then before each word
        seen.append(None)
        if len(seen) == 6:
            inside.set()
            assert go_on.wait(60)

    def hear():
        with cancellation_scope(check):
            return listener.words(Waveform(fox))

    with ThreadPoolExecutor(1) as beside:
        words = beside.submit(hear)
        assert inside.wait(60)
        try:
            twin = listener.twin()
            heard = twin.words(Waveform(fox))
        finally:
            go_on.set()
        assert heard == words.result() and {"quick", "fox"} <= {word.text for word in heard}
    assert twin.model.encoder.encoder.conv1.weight is listener.model.encoder.encoder.conv1.weight, "weights are shared"
    assert twin.twin().words(Waveform(fox)) == heard


def test_a_call_that_was_broken_off_leaves_nothing_in_the_model(fox):
    """Whisper takes back its hooks for the times of words only if it comes to the end."""
    listener, calls = Listener(), []
    with cancellation_scope(lambda: calls.append(None)):
        listener.words(Waveform(fox))
    last = len(calls)  # before the times of words are found
    calls.clear()

    def check():
        calls.append(None)
        if len(calls) == last:
            raise InterruptedError

    with pytest.raises(InterruptedError), cancellation_scope(check):
        listener.words(Waveform(fox))
    assert [len(block.cross_attn._forward_hooks) for block in listener.model.decoder.blocks] == [0] * 4


class Sick:
    """A listener that has failed for good."""

    def intervals(self, voice):
        raise RuntimeError("Inference tensors cannot be saved")


def test_a_listener_that_fails_for_good_is_replaced_for_this_visitor_and_the_next(analyzer, fox, monkeypatch):
    monkeypatch.setattr("core.analysis.live.VOICE_MEMORY", 60.0)  # a busy machine reads for longer than a voice counts
    monkeypatch.setattr("core.analysis.listeners.FIRST_WAIT", 0.1)
    made = []
    shared = SharedListener(lambda: made.append(None) or (Sick() if len(made) == 1 else analyzer.extractor.listener))
    for live in (Live(analyzer, shared), Live(analyzer, shared)):
        try:
            live.hear(np.concatenate([fox, np.zeros(SAMPLE_RATE, np.float32)]))
            wait_until(lambda live=live: live.now().words)
            assert "fox" in live.now().words and not live.now().failing
        finally:
            live.close()
    assert len(made) == 2


def test_listeners_are_not_made_faster_than_they_may_be(monkeypatch):
    now, made = [0.0], []
    monkeypatch.setattr("core.analysis.listeners.time.monotonic", lambda: now[0])
    shared = SharedListener(lambda: made.append(now[0]) or Sick())
    for _ in range(6_000):  # ten minutes of failing
        shared.failed(shared.get())
        now[0] += 0.1
    assert len(made) < 18 and made[1] - made[0] == pytest.approx(1, abs=0.2)
    assert made[-1] - made[-2] == pytest.approx(60, abs=0.2)
    shared.worked(shared.get())
    shared.failed("an older one")
    assert shared.get() is shared.get(), "who comes late does not give up the new one"


def test_a_listener_that_cannot_be_made_is_tried_again(monkeypatch):
    now, fails = [0.0], [True]
    monkeypatch.setattr("core.analysis.listeners.time.monotonic", lambda: now[0])

    def make():
        if fails[0]:
            raise MemoryError
        return Sick()

    shared = SharedListener(make)
    with pytest.raises(MemoryError):
        shared.get()
    with pytest.raises(RuntimeError, match="no listener"):
        shared.get()
    now[0], fails[0] = 2.0, False
    assert isinstance(shared.get(), Sick)


def wait_until(true) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
