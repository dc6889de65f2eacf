"""Whisper's encoder with the silence behind a voice taken from the mean over others."""

import numpy as np
import pytest
import recordings
import torch
from whisper.audio import N_FRAMES

from core.encoders.speech import Listener
from core.encoders.whisper_encoder import NEAR, STATES, Silence, prepare
from core.encoders.whisper_reader import encode, window
from core.encoders.whisper_weights import load_tiny_en
from core.media.reader import SAMPLE_RATE, Waveform
from core.training import silence as measuring

SENTENCE = "I am so happy that you came to see me today."


@pytest.fixture(scope="module")
def whole() -> Listener:
    return Listener(silence=None)


@pytest.fixture(scope="module")
def voice(tmp_path_factory) -> Waveform:
    return Waveform(recordings.speak(SENTENCE, tmp_path_factory.mktemp("voice") / "voice.wav"))


@torch.inference_mode()
def states_of(listener: Listener, voice: Waveform) -> tuple[torch.Tensor, torch.Tensor]:
    """The encoder's output [1, 1500, D], and the states [L + 1, 1500, D] of which ``Silence`` holds a mean."""
    mel = listener.spectrogram(voice)
    output, states = listener.encoder.hear(window(mel, 0, mel.shape[1] - N_FRAMES))
    return output, torch.cat([states[:-1], output])


def test_with_its_own_silence_a_voice_is_encoded_as_in_a_whole_window(whole, voice):
    output, states = states_of(whole, voice)
    own = prepare(load_tiny_en(), Silence(states, since=0))
    mel = whole.spectrogram(voice)
    frames = mel.shape[1] - N_FRAMES
    assert own.encoder.frames_for(frames) == 2 * (-(-frames // 2) + NEAR) < N_FRAMES / 3
    with torch.inference_mode():
        assert torch.allclose(encode(own, mel, 0, frames), output, atol=2e-3)


def test_the_mean_is_near_enough_for_the_same_words_at_the_same_times(whole, voice):
    output, _ = states_of(whole, voice)
    listener, mel = Listener(), whole.spectrogram(voice)
    frames = mel.shape[1] - N_FRAMES
    with torch.inference_mode():
        found = encode(listener.model, mel, 0, frames)
    said = slice(0, frames // 2)
    assert (found[:, said] - output[:, said]).norm() < 0.1 * output[:, said].norm()
    assert torch.equal(found[0, frames // 2 + NEAR + 1 :], listener.encoder.silence[frames // 2 + NEAR + 1 :])
    intervals = listener.intervals(voice)
    before, now = whole.words(voice, intervals), listener.words(voice, intervals)
    assert [word.text for word in now] == [word.text for word in before] == SENTENCE.split()
    assert np.allclose([word.start for word in now], [word.start for word in before], atol=0.05)


def test_in_half_precision_the_same_words_are_read_at_the_same_times(voice):
    listener, half = Listener(), Listener(half=True)
    intervals = listener.intervals(voice)
    before, now = listener.words(voice, intervals), half.words(voice, intervals)
    assert [word.text for word in now] == [word.text for word in before] == SENTENCE.split()
    assert np.allclose([word.start for word in now], [word.start for word in before], atol=0.05)
    assert np.allclose([word.probability for word in now], [word.probability for word in before], atol=0.02)
    kinds = {type(module): module.weight.dtype for module in half.model.modules() if hasattr(module, "weight")}
    assert {torch.float32} == {kind for name, kind in kinds.items() if issubclass(name, torch.nn.LayerNorm)}
    assert {torch.float16} == {kind for name, kind in kinds.items() if not issubclass(name, torch.nn.LayerNorm)}
    assert half.states(voice).dtype == np.float32


def test_what_leaves_little_silence_and_what_another_model_reads_is_encoded_whole(whole):
    assert whole.encoder.frames_for(300) == N_FRAMES
    encoder = Listener().encoder
    assert encoder.frames_for(1) == 2 * encoder.since
    assert encoder.frames_for(2700) == 2 * (1350 + NEAR) and encoder.frames_for(2800) == N_FRAMES


def test_the_mean_is_of_voices_that_are_over(whole, monkeypatch):
    monkeypatch.setattr(measuring, "ENOUGH", 2)
    tone = np.sin(np.arange(SAMPLE_RATE) / 9).astype(np.float32) / 4
    short, long = Waveform(tone), Waveform(np.tile(tone, 3))
    found = measuring.mean_silence(whole, [short, long])
    assert found.since == 150 + NEAR and found.states.shape == (5, STATES, 384)
    mean = (states_of(whole, short)[1] + states_of(whole, long)[1]) / 2
    assert torch.allclose(found.states[:, found.since :], mean[:, found.since :], atol=0.02)
    assert not found.states[:, : found.since].any()
    compared = measuring.compare(whole, whole, [(short, ""), (long, "nothing at all")])
    assert (compared.voices, compared.same, compared.said) == (2, 2, 3)
    assert compared.errors[0] == compared.errors[1] and compared.differing == ()
