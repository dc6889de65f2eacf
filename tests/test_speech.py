"""A real sentence is transcribed, silence is not, and the encoder runs once for both of its uses."""

import threading
from pathlib import Path

import gradio
import numpy as np
import pytest
import torch
from conftest import SENTENCE
from recordings import speak

from core.cancellation import cancellation_scope
from core.encoders import speech as speech_module
from core.encoders.voice import mfcc
from core.media.reader import SAMPLE_RATE, Waveform, open_clip

MEDIA = Path(gradio.__file__).parent / "media_assets" / "audio"
PAUSE = np.zeros(SAMPLE_RATE, np.float32)


@pytest.fixture(scope="module")
def listener(analyzer):
    return analyzer.extractor.listener


def letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c == " ")


def test_a_sentence_with_word_times(listener, tmp_path):
    spoken = speak(SENTENCE, tmp_path / "a.wav")
    speech = listener.listen(Waveform(np.concatenate([PAUSE, spoken])))
    assert letters(speech.transcript.text) == letters(SENTENCE)
    starts = [word.start for word in speech.transcript.words]
    assert starts == sorted(starts)
    assert all(word.start <= word.end and 0 <= word.probability <= 1 for word in speech.transcript.words)
    assert speech.intervals[0][0] == pytest.approx(1.0, abs=0.3)


def onset(samples: np.ndarray) -> float:
    """Seconds before a clean voice begins."""
    return float(np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())[0] / SAMPLE_RATE)


@pytest.mark.parametrize(("silence", "text"), [(1.0, SENTENCE), (2.0, SENTENCE), (2.0, "You never came.")])
def test_the_first_word_begins_when_somebody_speaks(listener, tmp_path, silence, text):
    spoken = speak(text, tmp_path / "a.wav")
    quiet = np.zeros(round(silence * SAMPLE_RATE), np.float32)
    speech = listener.listen(Waveform(np.concatenate([quiet, spoken, PAUSE])), with_states=False)
    words = speech.transcript.words
    assert words[0].start == pytest.approx(silence + onset(spoken), abs=0.1)
    assert words[0].start >= speech.intervals[0][0] and words[-1].end <= speech.intervals[-1][1]
    assert all(word.end - word.start >= 0.02 for word in words), "each has its time"


@pytest.mark.parametrize(("text", "times"), [("Leave me alone!", 5), ("I never lied to you. You ruined my life.", 8)])
def test_what_is_said_again_and_again_is_heard_as_often(listener, tmp_path, text, times):
    once = speak(text, tmp_path / "a.wav")
    speech = listener.listen(Waveform(np.tile(once, times)), with_states=False)
    assert letters(speech.transcript.text) == letters(" ".join([text] * times))
    assert all(word.start < word.end for word in speech.transcript.words)
    starts = [word.start for word in speech.transcript.words if word.text == text.split()[0]]
    np.testing.assert_allclose(starts, np.arange(times) * len(once) / SAMPLE_RATE, atol=0.25)


def test_a_word_for_long(listener, tmp_path):
    speech = listener.listen(Waveform(speak("No, " * 20 + "Stop it.", tmp_path / "a.wav")), with_states=False)
    words = letters(speech.transcript.text).split()
    assert words[-2:] == ["stop", "it"] and set(words[:-2]) == {"no"}
    assert 15 <= len(words) - 2 <= 22, "to a few: nobody counts them by ear"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("language", "foreign"),
    [
        ("de", "Gestern Abend sind wir zusammen ins Kino gegangen, um einen neuen Film zu sehen."),
        ("pl", "Wczoraj wieczorem poszliśmy razem do kina, żeby obejrzeć nowy film."),
    ],
)
def test_of_two_languages_the_one_that_is_understood_stays(listener, tmp_path, language, foreign, first):
    parts = [speak(SENTENCE, tmp_path / "a.wav"), speak(foreign, tmp_path / "b.wav", voice=language)]
    lengths = [len(part) / SAMPLE_RATE for part in parts]
    parts = parts if first else parts[::-1]
    words = listener.listen(Waveform(np.concatenate([parts[0], PAUSE[:8000], parts[1]])), with_states=False).transcript
    heard = letters(words.text).replace("im so", "i am so")
    assert heard == letters(SENTENCE)
    begin = 0.0 if first else lengths[1] + 0.5
    assert begin - 0.1 <= words.words[0].start and words.words[-1].end <= begin + lengths[0]


@pytest.mark.parametrize("kind", ["silence", "noise", "hum"])
def test_no_words_are_invented(listener, kind):
    time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    samples = {
        "silence": 0 * time,
        "noise": 0.01 * np.random.default_rng(0).standard_normal(len(time)),
        "hum": 0.1 * np.sin(2 * np.pi * 100 * time),
    }[kind]
    speech = listener.listen(Waveform(samples.astype(np.float32)))
    assert speech.intervals == () and speech.transcript.words == () and speech.states.shape == (4, 0, 384)


@pytest.fixture
def runs(listener):
    """The output of each run of Whisper's encoder."""
    seen = []
    last = listener.encoder.encoder.ln_post
    hook = last.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    yield seen
    hook.remove()


def test_the_encoder_runs_once_and_its_states_are_its_blocks_outputs(listener, tmp_path, runs):
    voice = Waveform(speak("Dogs are sitting by the door.", tmp_path / "b.wav"))
    speech = listener.listen(voice)
    assert len(runs) == 1 and "door" in speech.transcript.text.lower()
    (output,) = runs
    assert speech.states.shape == (4, -(-(len(voice.samples) // 160) // 2), 384)  # of two mel frames one state
    last = listener.encoder.encoder.ln_post(torch.from_numpy(speech.states[3]))
    torch.testing.assert_close(last, output[0, : len(last)], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(listener.states(voice), speech.states, atol=1e-5)


def test_one_spectrogram_serves_words_and_states(listener, tmp_path, monkeypatch, runs):
    """A graphics card and a processor, or two runs on one of them, make spectrograms that differ in the last digit."""
    made, original = [], speech_module.whisper_spectrogram

    def another(*arguments):
        mel = original(*arguments)
        made.append(mel + 1e-6 * torch.randn(mel.shape, generator=torch.Generator().manual_seed(len(made))))
        return made[-1]

    monkeypatch.setattr(speech_module, "whisper_spectrogram", another)
    speech = listener.listen(Waveform(speak("Dogs are sitting by the door.", tmp_path / "h.wav")))
    assert speech.transcript.words and speech.states.any()
    assert len(made) == len(runs) == 1


def test_more_than_one_window(listener, tmp_path, runs):
    spoken = speak("Kids are talking by the door.", tmp_path / "c.wav")
    long = np.zeros(40 * SAMPLE_RATE, np.float32)
    long[: len(spoken)] = spoken
    long[34 * SAMPLE_RATE : 34 * SAMPLE_RATE + len(spoken)] = spoken
    speech = listener.listen(Waveform(long))
    assert speech.states.shape == (4, 2000, 384) and len(runs) == 2
    assert speech.transcript.text.lower().count("door") == 2
    assert speech.transcript.words[-1].end == pytest.approx(34 + len(spoken) / SAMPLE_RATE, abs=1.5)


def test_shouted_clipped_and_noisy_speech_is_found(listener, tmp_path):
    spoken = speak(SENTENCE, tmp_path / "d.wav")
    noise = np.random.default_rng(0).standard_normal(len(spoken)).astype(np.float32)
    for heard in (
        np.clip(20 * spoken, -1, 1),
        spoken + spoken.std() * noise / 2,
        0.003 * spoken,
    ):
        assert listener.intervals(Waveform(heard.astype(np.float32)))


def test_a_second_look_finds_what_the_first_missed(listener, tmp_path, monkeypatch):
    voice = Waveform(speak(SENTENCE, tmp_path / "e.wav"))
    first = listener.intervals(voice)
    monkeypatch.setattr("silero_vad.get_speech_timestamps", lambda *_, **__: [])
    second = listener.intervals(voice)
    assert second[0][0] == pytest.approx(first[0][0], abs=0.3) and second[-1][1] == pytest.approx(first[-1][1], abs=0.3)
    assert all(start < end <= voice.duration for start, end in second)


@pytest.mark.parametrize("kind", ["tones", "chord", "melody", "loud noise", "beeps", "clicks", "band"])
def test_music_and_tones_are_no_speech(listener, kind):
    time, chance = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE, np.random.default_rng(0)
    notes = np.repeat([262, 294, 330, 349, 392, 440, 494, 523] * 2, len(time) // 16)
    phase = 2 * np.pi * np.cumsum(notes) / SAMPLE_RATE
    samples = {
        "tones": lambda: np.sin(phase),
        "chord": lambda: sum(np.sin(2 * np.pi * f * time) for f in (220, 277, 330)) / 3,
        "melody": lambda: sum(np.sin(n * phase) / n for n in range(1, 6)) * np.exp(-4 * (time % 0.375)),
        "loud noise": lambda: chance.standard_normal(len(time)) / 4,
        "beeps": lambda: np.sin(2 * np.pi * 1000 * time) * (time % 0.5 < 0.2),
        "clicks": lambda: 1.0 * (np.arange(len(time)) % 8000 == 0),
        "band": lambda: open_clip(MEDIA / "cantina.wav").audio.samples,
    }[kind]()
    assert listener.intervals(Waveform(np.clip(samples, -1, 1).astype(np.float32))) == ()


def test_a_saxophone_says_no_words(listener):
    assert listener.listen(open_clip(MEDIA / "sax.wav").audio).transcript.words == ()


def test_hearing_stops_in_the_middle_for_whoever_called_it_off_and_for_nobody_else(listener, tmp_path):
    voice = Waveform(np.tile(speak(SENTENCE, tmp_path / "f.wav"), 12))
    stopped, others = threading.Event(), []

    class Enough(Exception):
        pass

    def check() -> None:
        if stopped.is_set():
            raise Enough

    threading.Timer(0.5, stopped.set).start()
    with cancellation_scope(check), pytest.raises(Enough):
        listener.listen(voice)
    assert stopped.is_set()
    others.append(listener.words(Waveform(voice.samples[: 3 * SAMPLE_RATE])))
    assert others[0], "the listener is free again, and this caller has stopped nothing"


def test_a_twin_shares_weights_and_hears_the_same(listener, tmp_path):
    voice, twin = Waveform(speak("Dogs are sitting by the door.", tmp_path / "g.wav")), listener.twin()
    ours, theirs = listener.model.state_dict(), twin.model.state_dict()
    assert all(ours[name].data_ptr() == theirs[name].data_ptr() for name in ours if not ours[name].is_sparse)
    with listener._lock:  # the other one is busy
        heard = twin.listen(voice)
    assert heard.transcript == listener.listen(voice).transcript


def test_mfcc_have_the_papers_shape():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    features = mfcc(Waveform(np.sin(2 * np.pi * 300 * time).astype(np.float32)))
    assert features.shape == (100, 120) and features.dtype == np.float32
    assert np.abs(features[20:80, 40:80]).max() < 2  # a steady tone does not change
    assert mfcc(Waveform(np.zeros(400, np.float32))).shape == (3, 120)
    assert mfcc(Waveform(np.sin(time[:16000]).astype(np.float32)), hop=320).shape == (50, 120)


def test_words_have_the_context_of_their_sentence(analyzer):
    encoder = analyzer.extractor.word_encoder
    happy, sad = encoder.encode(["what", "a", "fine", "day"]), encoder.encode(["a", "fine", "of", "ten"])
    assert happy.shape == (4, encoder.width) and happy.dtype == np.float32
    assert not np.allclose(happy[2], sad[1])  # "fine" is not "fine"
    np.testing.assert_allclose(encoder.encode(["unbelievable!", "ok"])[1:].shape, (1, encoder.width))
    assert encoder.encode([]).shape == (0, encoder.width)
    assert encoder.encode(["word"] * 250).shape == (250, encoder.width)
