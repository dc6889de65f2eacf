"""The encoder that hears the voice alone, the spectrograms it hears, and how it is trained."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import whisper
from miniature import save_ravdess

from core.datasets.augment import altered_voices
from core.datasets.bank import build_bank
from core.datasets.cache import cached_sequences
from core.datasets.voices import padded, voice_bank
from core.encoders.features import spoken
from core.encoders.packaged import WeightsError
from core.encoders.voice import VoiceConfig, VoiceEncoder, equal_windows, levelled, spectrogram
from core.encoders.whisper_weights import load_tiny_en
from core.fusion.checkpoint import load_encoder, save_encoder
from core.media.reader import SAMPLE_RATE, Voice
from core.state_files import load_state
from core.training.loop import Recipe
from core.training.voice import VoiceData, VoiceRecipe, VoiceSampler, settled, train_members, train_voice_encoder

SMALL = VoiceConfig(blocks=1, outputs=(0,))


@pytest.fixture(scope="module")
def whisper_model():
    return load_tiny_en().eval()


@pytest.fixture(scope="module")
def encoder(whisper_model):
    return VoiceEncoder.published(whisper_model)


def sound(seconds: float, seed: int = 0) -> Voice:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.random.default_rng(seed).standard_normal(len(time))
    tone = 0.2 * np.sin(2 * np.pi * 200 * time) * np.sin(2 * np.pi * 3 * time)
    return Voice((tone + 0.01 * noise).astype(np.float32))


def test_a_spectrogram_is_whispers_before_its_scaling():
    voice = sound(1.5)
    log = spectrogram(voice)
    assert log.shape == (150, 80) and log.dtype == np.float32
    ours = (np.maximum(log, log.max() - 8) + 4) / 4
    np.testing.assert_allclose(ours.T, whisper.log_mel_spectrogram(voice.samples).numpy(), atol=1e-5)
    assert spectrogram(Voice(voice.samples[:10])).shape[0] == 1, "a click is a spectrum"


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
    quiet = Voice(sound(1.0).samples * 0.01)
    np.testing.assert_allclose(encoder.encode(spectrogram(quiet)), encoder.encode(log.numpy()), atol=0.02)


def test_a_long_voice_is_heard_in_equal_windows(encoder):
    assert equal_windows(400) == [(0, 400)] and equal_windows(401) == [(0, 200), (200, 401)]
    assert equal_windows(1000) == [(0, 334), (334, 666), (666, 1000)] and equal_windows(1) == [(0, 1)]
    log = spectrogram(sound(9.01))
    found = encoder.encode(log)
    assert found.shape == (451, 768) and np.isfinite(found).all()
    first, _ = equal_windows(len(log))[0], None
    np.testing.assert_allclose(found[: first[1] // 2], encoder.encode(log[: first[1]]), atol=0.02)


def test_what_is_spoken_has_a_margin_within_the_recording():
    voice = sound(3.0)
    assert spoken(voice, ((0.1, 1.0), (1.5, 2.0))) == (0, round(2.2 * SAMPLE_RATE))
    assert spoken(voice, ((1.0, 2.95),)) == (round(0.8 * SAMPLE_RATE), 3 * SAMPLE_RATE)


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


def test_the_encoder_that_is_kept_lies_between_whispers_and_what_it_became():
    published = VoiceEncoder.published(load_tiny_en(), SMALL)
    learned = VoiceEncoder(SMALL)
    learned.load_state_dict({name: tensor + 1 for name, tensor in published.state_dict().items()})
    for name, tensor in settled(learned, 0.75).state_dict().items():
        torch.testing.assert_close(tensor, published.state_dict()[name] + 0.75)


def test_voices_are_drawn_evenly_and_no_class_that_a_corpus_lacks_is_spoken_against():
    chance = np.random.default_rng(0)
    voices = [chance.normal(size=(120, 80)) for _ in range(40)]
    labels = [0, 1] * 19 + [2, 2]  # a large corpus of two classes, a small one of a third
    groups = ["large/1"] * 38 + ["small/1", "small/2"]
    sampler = VoiceSampler(build_bank(voices, labels, groups, [0] * 40, 100), VoiceRecipe(batch=200))
    batch = sampler.draw(torch.Generator().manual_seed(0))
    assert np.bincount(batch.targets.argmax(1), minlength=3)[2] == pytest.approx(100, abs=30)
    torch.testing.assert_close(batch.targets.sum(1), torch.ones(200), check_dtype=False)
    small = batch.possible[:, 2]
    assert [batch.possible[rows].sum(1).unique().tolist() for rows in (small, ~small)] == [[1], [2]]
    assert batch.spectra.shape == (200, int(batch.lengths.max()), 80) and batch.spectra.max() <= 1.3


def test_training_goes_on_from_one_corpus_to_all_speakers(tmp_path, device):
    save_ravdess(tmp_path / "ravdess", ("01", "05"))
    recipe = VoiceRecipe(SMALL, Recipe(1, 1e-3, ema_decay=0.5, monitor="", fresh=("classifier",)), batch=4, steps=1)
    recipe = replace(recipe, onward=replace(recipe.optimisation, fresh=()))
    data = VoiceData.read(tmp_path, tmp_path / "cache")
    assert set(data.train.groups) == {"ravdess/01"} and set(data.held_out.groups) == {"ravdess/05"}
    model, worth, folders = train_members(data, recipe, tmp_path / "run", device)
    assert set(worth) == {"balanced_accuracy", "ravdess"}
    first, second = (load_state(folder / "state.safetensors")["best"] for folder in folders)
    assert not torch.equal(first["classifier.weight"], second["classifier.weight"])
    for name, tensor in model.state_dict().items():  # members and average are halved for storage
        torch.testing.assert_close(tensor, (first[name] + second[name]).cpu() / 2, rtol=2e-3, atol=1e-4)
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
