"""What makes it quick changes nothing that is said, and memory does not grow with the square of a clip's length."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
import whisper
from conftest import SENTENCE
from recordings import speak
from torch import nn
from whisper.audio import FRAMES_PER_SECOND, N_FRAMES, N_SAMPLES

from core import MODALITIES
from core.attention import MOST_STEPS
from core.device import share_of_cores
from core.expression import ExpressionNet, folded
from core.features import Sequence
from core.media import SAMPLE_RATE, Voice
from core.speech import LONGEST_WINDOW, SLACK, positions_of, windows


@pytest.fixture(scope="module")
def listener(analyzer):
    return analyzer.extractor.listener


@pytest.fixture(scope="module")
def spoken(tmp_path_factory) -> np.ndarray:
    return speak(SENTENCE, tmp_path_factory.mktemp("spoken") / "spoken.wav")


def test_folded_normalisations_change_nothing():
    torch.manual_seed(0)
    model = ExpressionNet()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    model.eval()
    quick = folded(model)
    crops = torch.randint(0, 255, (8, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(quick.embed(crops), model.embed(crops), rtol=1e-5, atol=1e-5)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules()), "the model itself stays as it is"
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in quick.modules())


def test_a_window_is_heard_as_with_all_of_its_padding(listener, spoken):
    """The block outputs that fusion uses, and the words, against the whole window of 30 s."""
    mel = whisper.log_mel_spectrogram(spoken, padding=N_SAMPLES)[:, :-N_FRAMES]
    window = whisper.pad_or_trim(mel, N_FRAMES)[None]
    steps = -(-mel.shape[1] // 2)
    with listener._listening():
        output, states = listener.encoder.hear(window)
        assert states.shape[1] == steps + SLACK and output.shape == (1, 1500, 384)
        quick = whisper.transcribe(listener.model, spoken, word_timestamps=True, temperature=0.0, fp16=False)
        assert listener.encoder.widen(window)
        wide = listener.encoder(window)
        whole = whisper.transcribe(listener.model, spoken, word_timestamps=True, temperature=0.0, fp16=False)
        _, all_states = listener.encoder._run(window, 1500)
    assert not torch.equal(wide, output)
    for block, most in ((0, 0.01), (1, 0.03), (2, 0.08)):
        expected, found = all_states[block, :steps], states[block, :steps]
        assert (found - expected).norm() / (expected - expected.mean(0)).norm() < most
    said, meant = ([w for s in r["segments"] for w in s["words"]] for r in (quick, whole))
    assert [w["word"] for w in said] == [w["word"] for w in meant] and len(said) == len(SENTENCE.split())
    for word, same in zip(said, meant, strict=True):
        assert word["start"] == pytest.approx(same["start"], abs=0.1)
        assert word["end"] == pytest.approx(same["end"], abs=0.1)


def test_a_window_that_leads_astray_is_decoded_once_more_with_all_of_it(listener, spoken, monkeypatch):
    decoded, decode = [], whisper.decode

    def repetitive(model, mel, options):
        result = replace(decode(model, mel, options), compression_ratio=5.0)
        decoded.append(model.encoder(mel[None]))
        return result

    monkeypatch.setattr(whisper, "decode", repetitive)
    monkeypatch.setattr("core.speech.windows", lambda frames, intervals: [(0, frames)])
    words = listener.words(Voice(spoken))
    assert len(words) >= len(SENTENCE.split())
    assert len(decoded) >= 2 and not torch.equal(decoded[0], decoded[1]), "the second time from the whole window"
    assert len(decoded) <= 2 * 2, "at most once more a window, and a second window behind the last word"


def test_a_long_voice_is_cut_in_its_longest_pauses():
    second = FRAMES_PER_SECOND
    assert windows(20 * second, ()) == [(0, 20 * second)]
    speech = ((0, 9), (9.2, 18), (20, 24.0), (24.2, 40.0), (40.3, 60.0))
    spans = windows(60 * second, speech)
    assert spans == [(0, 1950), (1950, 4016), (4016, 6000)]
    assert all(start % 2 == 0 and end - start <= LONGEST_WINDOW for start, end in spans)
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]] and spans[-1][1] == 60 * second
    assert windows(70 * second, ((0, 70),))[0] == (0, LONGEST_WINDOW), "nobody pauses"


def test_a_share_of_the_cores_is_given_back():
    before, seen = torch.get_num_threads(), {}

    def beside(name):
        seen[name] = torch.get_num_threads()

    def look(name):
        thread = threading.Thread(target=beside, args=(name,))
        thread.start()
        thread.join()

    with share_of_cores(1_000):
        assert torch.get_num_threads() == 1
        with share_of_cores(1):
            pass
    assert torch.get_num_threads() == before
    look("afterwards")
    assert seen["afterwards"] == before


@pytest.fixture(scope="module")
def five_minutes(analyzer, utterance):
    """A synthetic utterance of five minutes: 3,750 steps of voice, 1,500 faces, 700 words."""
    chance = np.random.default_rng(0)
    steps = {"text": 700, "video": 1_500, "audio": 3_750}
    made = {
        m: Sequence(
            chance.standard_normal((count, utterance[m].values.shape[1])).astype(np.float32),
            (np.arange(count) + 0.5) * 300 / count,
        )
        for m, count in steps.items()
    }
    return replace(utterance, duration=300.0, **made)


def test_maps_of_five_minutes_are_bounded_and_written_in_bins(analyzer, five_minutes):
    everything = analyzer.predict(five_minutes)[MODALITIES]
    maps = [m for verdict in everything.verdicts().values() for m in verdict.attention.values()]
    assert len(maps) == 9
    assert sum(m.weights.nbytes for m in maps) < 10e6
    voice = everything.self_.attention["audio", "audio"]
    assert voice.weights.shape == (analyzer.heads, MOST_STEPS, MOST_STEPS) and voice.steps == (3_750, 3_750)
    rows, columns = voice.counts
    assert rows.sum() == columns.sum() == 3_750
    np.testing.assert_allclose((voice.weights * columns).sum(2), 1, atol=1e-4)  # no attention is lost in bins
    assert len(voice.key_times) == MOST_STEPS and 0 < voice.key_times[0] < voice.key_times[-1] < 300
    written = voice.to_json()
    assert written["binned"] is True and (written["query_steps"], written["key_steps"]) == voice.steps
    assert np.shape(written["weights"]) == (analyzer.heads, MOST_STEPS, MOST_STEPS)


def test_computing_maps_in_parts_changes_nothing(analyzer, five_minutes):
    part = five_minutes.window(0.0, 60.0)  # 750 steps of voice: in bins as well
    binned = analyzer.predict(part)[MODALITIES]
    inputs = {m: analyzer._padded(m, [part[m]]) for m in MODALITIES}
    with torch.inference_mode():
        whole = {name: model(inputs) for name, model in analyzer.models.items()}
    for name, verdict in binned.verdicts().items():
        temperature = analyzer.checkpoint.temperature[name]["+".join(MODALITIES)]
        expected = (whole[name].logits[0].double() / temperature).softmax(0)
        np.testing.assert_allclose(verdict.probabilities, expected, atol=1e-6)
    weights = whole["self"].attention["audio", "audio"][0].numpy()
    map_ = binned.self_.attention["audio", "audio"]
    rows, columns = (np.concatenate([[0], np.cumsum(n)]) for n in map_.counts)
    for i, j in ((0, 0), (80, 3), (159, 159)):
        cell = weights[:, rows[i] : rows[i + 1], columns[j] : columns[j + 1]].mean((1, 2))
        np.testing.assert_allclose(map_.weights[:, i, j], cell, atol=1e-7)


def test_silence_is_not_padding():
    """Trailing digital silence is part of a voice; only what Whisper pads is left out."""
    voice = np.zeros(4 * SAMPLE_RATE, np.float32)
    voice[: SAMPLE_RATE // 2] = np.sin(np.arange(SAMPLE_RATE // 2) / 10)
    mel = whisper.log_mel_spectrogram(voice, padding=N_SAMPLES)[:, :-N_FRAMES]
    assert positions_of(whisper.pad_or_trim(mel, N_FRAMES)[None]) == 200 + SLACK
    assert positions_of(torch.zeros(1, 80, N_FRAMES)) == SLACK
