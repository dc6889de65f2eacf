"""The encoder that hears the voice alone, the spectrograms it hears, and how it is trained."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import whisper
from miniature import save_ravdess
from recordings import save_wav, speak
from whisper.audio import N_SAMPLES

from core import LABELS
from core.corpora.layout import ClipRecord
from core.datasets.augment import altered_voices
from core.datasets.bank import build_bank
from core.datasets.cache import cached_sequences
from core.datasets.voices import padded, spectrogram_bank, voice_bank
from core.encoders.mel import whisper_spectrogram
from core.encoders.packaged import WeightsError
from core.encoders.speech import NO_SPEECH, Speech
from core.encoders.transcript import Transcript
from core.encoders.voice import (
    PAUSE_MARGIN,
    VoiceConfig,
    VoiceEncoder,
    equal_windows,
    levelled,
    spectrogram,
    spoken_spectrogram,
    spoken_stretches,
)
from core.encoders.whisper_weights import load_tiny_en
from core.fusion.checkpoint import load_encoder, save_encoder
from core.media.reader import SAMPLE_RATE, Waveform, open_clip
from core.training.loop import Recipe
from core.training.voice import (
    VoiceData,
    VoiceRecipe,
    VoiceSampler,
    train_voice_encoder,
)
from demo.server import stored

SMALL = VoiceConfig(blocks=1, states=512, heads=8, outputs=(0,))  # of Whisper base


@pytest.fixture(scope="module")
def whisper_model():
    return load_tiny_en().eval()


@pytest.fixture(scope="module")
def encoder(whisper_model):
    return VoiceEncoder.published(whisper_model)


def sound(seconds: float, seed: int = 0) -> Waveform:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.random.default_rng(seed).standard_normal(len(time))
    tone = 0.2 * np.sin(2 * np.pi * 200 * time) * np.sin(2 * np.pi * 3 * time)
    return Waveform((tone + 0.01 * noise).astype(np.float32))


def test_a_spectrogram_is_whispers_before_its_scaling():
    voice = sound(1.5)
    log = spectrogram(voice)
    assert log.shape == (150, 80) and log.dtype == np.float32
    ours = (np.maximum(log, log.max() - 8) + 4) / 4
    np.testing.assert_allclose(ours.T, whisper.log_mel_spectrogram(voice.samples).numpy(), atol=1e-5)
    assert spectrogram(Waveform(voice.samples[:10])).shape[0] == 1, "a click is a spectrum"


@pytest.mark.parametrize("seconds", [0.001, 1.5, 29.995, 61.0])
@pytest.mark.parametrize("bands", [80, 128])
def test_a_spectrogram_in_parts_is_whispers_to_the_last_digit(seconds, bands):
    voice = sound(seconds)
    whole = whisper.log_mel_spectrogram(voice.samples, bands, padding=N_SAMPLES)
    assert torch.equal(whisper_spectrogram(voice, bands), whole)


def test_the_encoder_computes_what_whispers_first_blocks_compute(encoder, whisper_model):
    mel = whisper.log_mel_spectrogram(sound(1.5).samples)  # [80, F]
    with torch.inference_mode():
        ours, lengths = encoder(mel.T[None], torch.tensor([150]))
        front = whisper_model.encoder
        x = torch.nn.functional.gelu(front.conv2(torch.nn.functional.gelu(front.conv1(mel[None])))).mT
        x = x + front.positional_embedding[: x.shape[1]]
        outputs = [x := block(x) for block in front.blocks[:3]]
    assert lengths.tolist() == [75] and ours.shape == (1, 75, 768)
    torch.testing.assert_close(ours, torch.cat(outputs[1:], 2), atol=0.02, rtol=1e-3)


def test_padding_is_not_heard_and_loudness_says_nothing(encoder):
    log = torch.from_numpy(spectrogram(sound(1.0)))
    level = levelled(log, log.max())
    longer = torch.cat([level, torch.full((60, 80), level.min())])
    with torch.inference_mode():
        alone, _ = encoder(level[None], torch.tensor([100]))
        beside, lengths = encoder(torch.stack([longer, longer]), torch.tensor([100, 160]))
    assert lengths.tolist() == [50, 80]
    torch.testing.assert_close(alone[0], beside[0, :50], atol=1e-3, rtol=1e-3)
    assert (alone[0] - beside[1, :50]).abs().max() > 0.01, "were it there, it would be heard"
    quiet = Waveform(sound(1.0).samples * 0.01)
    np.testing.assert_allclose(encoder.encode(spectrogram(quiet)), encoder.encode(log.numpy()), atol=0.02)


def test_a_long_voice_is_heard_in_equal_windows(encoder):
    assert equal_windows(400) == [(0, 400)] and equal_windows(401) == [(0, 200), (200, 401)]
    assert equal_windows(1000) == [(0, 334), (334, 666), (666, 1000)] and equal_windows(1) == [(0, 1)]
    log = spectrogram(sound(9.01))
    found = encoder.encode(log)
    assert found.shape == (451, 768) and np.isfinite(found).all()
    first, _ = equal_windows(len(log))[0], None
    np.testing.assert_allclose(found[: first[1] // 2], encoder.encode(log[: first[1]]), atol=0.02)


def test_what_is_spoken_has_a_margin_within_the_recording_and_no_long_pause():
    voice = sound(3.0)
    assert spoken_stretches(voice, ((0.1, 1.0), (1.5, 2.0))) == ((0, round(2.2 * SAMPLE_RATE)),)
    assert spoken_stretches(voice, ((1.0, 2.95),)) == ((round(0.8 * SAMPLE_RATE), 3 * SAMPLE_RATE),)
    parts = spoken_stretches(sound(9.0), ((0.5, 1.0), (1.7, 2.0), (5.0, 6.0), (6.8, 8.0)))
    (first, second), unit = parts, 1280
    assert first[0] == round(0.3 * SAMPLE_RATE) and 0 <= first[1] - round(2.3 * SAMPLE_RATE) < unit
    assert (first[1] - first[0]) % unit == 0, "whole steps"
    assert second == (round(4.7 * SAMPLE_RATE), round(8.2 * SAMPLE_RATE))
    many = tuple((2.0 * i, 2.0 * i + 0.5) for i in range(20))
    edges = np.array(spoken_stretches(sound(40.0), many))
    assert edges.shape == (20, 2) and (np.diff(edges.ravel()) > 0).all() and edges[-1, 1] <= 40 * SAMPLE_RATE


def test_times_leap_over_a_pause():
    speech = ((0.5, 1.0), (5.0, 6.0))
    spectra, times = spoken_spectrogram(sound(7.0), speech)
    assert spectra.shape == (len(times), 80) and (np.diff(times) > 0).all()
    gaps = np.flatnonzero(np.diff(times) > 0.011)
    assert len(gaps) == 1 and (gaps[0] + 1) % 8 == 0, "no step of audio is half before and half behind it"
    assert times[0] == pytest.approx(0.3) and times[gaps[0]] == pytest.approx(1.3, abs=0.08)
    assert times[gaps[0] + 1] == pytest.approx(4.7) and times[-1] == pytest.approx(6.2, abs=0.02)
    parts = spoken_stretches(sound(7.0), speech)
    alone = [spectrogram(Waveform(sound(7.0).samples[start:end])) for start, end in parts]
    np.testing.assert_array_equal(spectra, np.concatenate(alone))


def chord(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (sum(np.sin(2 * np.pi * f * time) for f in (220, 277, 330)) / 10).astype(np.float32)


@pytest.fixture
def verdict(analyzer):
    """What self-attention says of a voice alone, and the times of its steps."""

    def say(*parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        voice = Waveform(np.concatenate(parts))
        speech = Speech(analyzer.extractor.listener.intervals(voice), Transcript(), NO_SPEECH.states)
        audio = analyzer.extractor.voice_features(voice, speech)
        return analyzer.predict_from({"audio": audio}, attention=False)["audio",].self_.probabilities, audio.times

    return say


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def test_a_pause_is_no_sadness(verdict, tmp_path):
    sentences = "I waited for you all night.", "You never came."  # together they fit one window
    parts = [speak(text, tmp_path / "a.wav") for text in sentences]
    short = verdict(parts[0], quiet(0.3), parts[1])[0]
    expected, times = verdict(parts[0], quiet(2 * PAUSE_MARGIN), parts[1])  # as much as is kept of a longer one
    for between in (quiet(2), quiet(6), quiet(20), np.concatenate([quiet(0.2), chord(8), quiet(0.2)])):
        found, longer = verdict(parts[0], between, parts[1])
        np.testing.assert_allclose(found, expected, atol=0.15)  # a robot's voice, between two classes
        sadness = LABELS.index("sadness")
        assert found[sadness] < min(expected[sadness], short[sadness]) + 0.05
        assert len(longer) == pytest.approx(len(times), abs=4)
        assert longer[-1] - times[-1] == pytest.approx(len(between) / SAMPLE_RATE - 2 * PAUSE_MARGIN, abs=0.1)


@pytest.mark.parametrize("name", ["glad", "angry"])
def test_an_example_with_a_pause_inside_is_what_it_was(verdict, analyzer, name):
    samples = open_clip(stored.clip_of(name)).audio.samples
    (_, first), (second, _), *_ = analyzer.extractor.listener.intervals(Waveform(samples))
    middle = round((first + second) / 2 * SAMPLE_RATE)
    without, _ = verdict(samples)
    short, _ = verdict(samples[:middle], quiet(1), samples[middle:])
    found, _ = verdict(samples[:middle], quiet(6), samples[middle:])
    np.testing.assert_allclose(found, short, atol=0.05)
    assert found.argmax() == without.argmax()


def test_training_and_use_take_the_same_of_a_voice(analyzer, tmp_path):
    spoken = speak("I waited for you.", tmp_path / "a.wav")
    path = save_wav(np.concatenate([spoken, quiet(3), spoken]), tmp_path / "pause.wav")
    record = ClipRecord("a", 3, "somebody", voice=path)
    bank = spectrogram_bank([record], analyzer.extractor.listener, tmp_path / "cache")
    voice = open_clip(path).audio
    speech = Speech(analyzer.extractor.listener.intervals(voice), Transcript(), NO_SPEECH.states)
    used = analyzer.extractor.voice_features(voice, speech)
    assert len(used.times) * 0.08 < voice.duration - 2
    learned = voice_bank(bank, analyzer.extractor.voice_encoder, 4, 0, tmp_path / "cache").sequence(0)
    np.testing.assert_allclose(learned, used.values, atol=0.05)


def test_altered_voices_are_finite_of_another_length_and_the_same_for_a_seed():
    spectra, lengths = padded([torch.from_numpy(spectrogram(sound(s, 7))) for s in (1.0, 1.5, 2.0, 0.3)] * 8)
    once = altered_voices(spectra, lengths, torch.Generator().manual_seed(0))
    again = altered_voices(spectra, lengths, torch.Generator().manual_seed(0))
    assert torch.equal(once[0], again[0]) and torch.equal(once[1], again[1])
    altered, changed = once
    assert altered.isfinite().all() and len(altered) == 32 and altered.shape[1] == changed.max()
    ratio = changed / lengths
    assert 0.8 < ratio.min() < 0.99 < 1.01 < ratio.max() < 1.2 and (ratio == 1).any()
    assert not torch.equal(altered_voices(spectra, lengths, torch.Generator().manual_seed(1))[0], altered)


def test_sequences_come_back_from_the_cache_whatever_their_layout(tmp_path):
    transposed = np.arange(12, dtype=np.float32).reshape(3, 4).T
    for _ in range(2):
        (found,) = cached_sequences([{"a": 1}], lambda _: [transposed], tmp_path, "test")
        np.testing.assert_array_equal(found, transposed)


def test_a_bank_holds_each_voice_and_its_copies(encoder, tmp_path):
    voices = [spectrogram(sound(s, seed)) for seed, s in enumerate((0.5, 0.8, 1.1))]
    spectrograms = build_bank(voices, [0, 1, 2], ["a/1", "a/2", "b/1"], [0] * 3, 100)
    bank = voice_bank(spectrograms, encoder, 4, 1, tmp_path)
    assert bank.labels.tolist() == [0, 0, 1, 1, 2, 2] and bank.variants.tolist() == [0, 1] * 3 and bank.rate == 12.5
    clean = encoder.encode(spectrograms.sequence(1))
    np.testing.assert_allclose(bank.sequence(2)[0], clean[:4].mean(0), atol=0.01)
    assert not np.array_equal(bank.sequence(2)[0], bank.sequence(3)[0])
    # Those that the encoder has learned from are never shown as it knows them.
    known = voice_bank(spectrograms, encoder, 4, 2, tmp_path, known=True)
    assert known.labels.tolist() == [0, 0, 1, 1, 2, 2] and not known.variants.any()
    firsts = [bank.sequence(i)[0] for i in (0, 2, 4)]
    assert min(np.abs(known.sequence(i)[0] - first).max() for i in range(6) for first in firsts) > 0.01


def test_voices_are_drawn_evenly_and_no_class_that_a_corpus_lacks_is_spoken_against():
    chance = np.random.default_rng(0)
    voices = [chance.normal(size=(120, 80)) for _ in range(40)]
    labels = [0, 1] * 19 + [2, 2]  # a large corpus of two classes, a small one of a third
    groups = ["large/1"] * 38 + ["small/1", "small/2"]
    sampler = VoiceSampler(build_bank(voices, labels, groups, [0] * 40, 100), VoiceRecipe(batch=200, mixup=0.0))
    batch = sampler.draw(torch.Generator().manual_seed(0))
    assert np.bincount(batch.targets.argmax(1), minlength=3)[2] == pytest.approx(100, abs=30)
    torch.testing.assert_close(batch.targets.sum(1), torch.ones(200), check_dtype=False)
    small = batch.possible[:, 2]
    assert [batch.possible[rows].sum(1).unique().tolist() for rows in (small, ~small)] == [[1], [2]]
    assert batch.spectra.shape == (200, int(batch.lengths.max()), 80) and batch.spectra.max() <= 1.3


def test_a_mixture_is_of_two_voices_what_both_say_and_what_either_corpus_has():
    chance = np.random.default_rng(0)
    voices = [chance.normal(size=(100 + i, 80)) for i in range(40)]
    bank = build_bank(voices, [0, 1] * 20, ["one/1"] * 20 + ["two/1"] * 20, [0] * 40, 100)
    plain, mixed = (
        VoiceSampler(bank, VoiceRecipe(batch=60, altered=0.0, hidden=(0, 0), smoothing=0.0, mixup=mixup)).draw(
            torch.Generator().manual_seed(0)
        )
        for mixup in (0.0, 0.4)
    )
    assert (plain.lengths.diff() >= 0).all() and torch.equal(plain.lengths, mixed.lengths)
    changed = 0
    for i in range(59):
        share = (mixed.targets[i] @ plain.targets[i].float()).item()
        other = plain.spectra[i + 1]
        if torch.equal(plain.targets[i], plain.targets[i + 1]):
            continue  # nothing tells the share
        torch.testing.assert_close(mixed.spectra[i], share * plain.spectra[i] + (1 - share) * other, atol=1e-5, rtol=0)
        assert share in (0.0, 1.0) or 0.1 <= share <= 0.9, "hardly a mixture is none"
        changed += share < 1
    assert changed > 5
    torch.testing.assert_close(mixed.targets.sum(1), torch.ones(60))
    assert ((mixed.targets > 0) <= mixed.possible).all()


def test_features_of_several_blocks_are_normalised_and_averaged():
    torch.manual_seed(0)
    config = VoiceConfig(blocks=2, states=64, heads=2, outputs=(0, 1), mixed=True)
    model, apart = VoiceEncoder(config).eval(), VoiceEncoder(replace(config, mixed=False)).eval()
    assert (config.width, apart.config.width) == (64, 128)
    apart.load_state_dict(model.state_dict(), strict=False)
    with torch.no_grad():
        model.mixture[:] = torch.tensor([0.0, 1.0])
    spectra, lengths = torch.randn(2, 60, 80), torch.tensor([60, 31])
    with torch.inference_mode():
        mixed, steps = model(spectra, lengths)
        first, second = apart(spectra, lengths)[0].chunk(2, 2)
    expected = [
        (x - x.mean(2, keepdim=True)) / (x.var(2, keepdim=True, unbiased=False) + 1e-5).sqrt() for x in (first, second)
    ]
    weights = np.exp([0, 1]) / np.exp([0, 1]).sum()
    wanted = weights[0] * expected[0] + weights[1] * expected[1]
    torch.testing.assert_close(mixed[0], wanted[0].float(), atol=1e-5, rtol=0)
    torch.testing.assert_close(mixed[1, :16], wanted[1, :16].float(), atol=1e-5, rtol=0)
    assert steps.tolist() == [30, 16]


def test_training_goes_on_from_one_corpus_to_all_speakers(tmp_path, device):
    save_ravdess(tmp_path / "ravdess", ("01", "05"))
    recipe = VoiceRecipe(SMALL, Recipe(1, 1e-3, ema_decay=0.5, monitor="", fresh=("classifier",)), batch=4, steps=1)
    recipe = replace(recipe, onward=replace(recipe.optimisation, fresh=()))
    data = VoiceData.read(tmp_path, tmp_path / "cache")
    assert set(data.train.groups) == {"ravdess/01"} and set(data.held_out.groups) == {"ravdess/05"}
    model, history = train_voice_encoder(data, recipe, tmp_path / "run", device)
    assert {"balanced_accuracy", "ravdess"} <= set(history[-1])
    everything = VoiceData.read(tmp_path, tmp_path / "cache", everything=True)
    assert set(everything.train.groups) == {"ravdess/01", "ravdess/05"}
    onward, _ = train_voice_encoder(everything, recipe, tmp_path / "onward", device, model)
    save_encoder(tmp_path, "voice", onward.encoder, {"command": "test"})
    read = load_encoder(tmp_path, "voice")
    assert read.config == SMALL
    assert all(torch.equal(a, b) for a, b in zip(read.parameters(), onward.encoder.parameters(), strict=True))
    (tmp_path / "voice.safetensors").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="SHA-256"):
        load_encoder(tmp_path, "voice")
