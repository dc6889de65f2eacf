"""MiniLM and what it learns about lines: the adapter changes its weights by what it says, and learns from MELD."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from miniature import save_meld

from core import CHECKPOINTS
from core.datasets.augment import masked_words
from core.datasets.clips import ClipFeatures
from core.datasets.composed import LINE_COPIES, text_bank
from core.datasets.sources import SOURCES
from core.encoders.features import FeatureSettings
from core.encoders.packaged import WeightsError
from core.encoders.words import WordAdapter, WordEncoder
from core.fusion.checkpoint import load_encoder, save_encoder
from core.training.loop import Recipe
from core.training.words import LineData, WordsRecipe, train_word_adapter

LINE = ["I", "am", "so", "happy", "for", "you!"]


def adapter_by_chance(rank: int = 2) -> WordAdapter:
    torch.manual_seed(1)
    adapter = WordAdapter(rank)
    for up in adapter.up:
        torch.nn.init.normal_(up, std=0.05)
    return adapter.half().float().requires_grad_(False)  # as precise as it is stored


def test_an_adapter_adds_its_product_to_each_weight_and_nothing_before_training():
    plain = WordEncoder((4, 6))
    np.testing.assert_array_equal(WordEncoder((4, 6), adapter=WordAdapter()).encode(LINE), plain.encode(LINE))
    adapter = adapter_by_chance()
    changed = WordEncoder((4, 6), adapter=adapter)
    before, after = (e.model.encoder.layer[3].intermediate.dense.weight for e in (plain, changed))
    torch.testing.assert_close(after - before, adapter.up[4][3] @ adapter.down[4][3], atol=1e-6, rtol=1e-4)
    assert len(adapter.weights(plain.model)) == 6 * 6
    assert np.abs(changed.encode(LINE) - plain.encode(LINE)).max() > 0.01
    # The same states come from lending the weights for one call, as training does.
    with torch.inference_mode():
        lent, _ = plain.states([LINE], adapter.weights(plain.model))
        torch.testing.assert_close(lent, changed.states([LINE])[0])


def test_the_nearest_adapter_holds_the_largest_part_of_a_change():
    torch.manual_seed(0)
    exact = adapter_by_chance(2)
    again = WordAdapter.nearest(exact.changes, 2)
    for change, same in zip(exact.changes, again.changes, strict=True):
        torch.testing.assert_close(same, change, atol=1e-5, rtol=1e-4)
    # Of a lower rank it misses what the smaller singular values hold, and no more.
    less = WordAdapter.nearest(exact.changes, 1)
    missed = torch.linalg.matrix_norm(exact.changes[0][0] - less.changes[0][0])
    torch.testing.assert_close(missed, torch.linalg.svdvals(exact.changes[0][0])[1], atol=1e-4, rtol=1e-4)


def test_training_changes_the_adapter_and_is_taken_up_where_it_was(tmp_path, device):
    for split, count in (("train", 28), ("dev", 14)):
        save_meld(tmp_path / "meld", split, count)
    recipe = WordsRecipe(Recipe(epochs=2, learning_rate=1e-3, ema_decay=0.5, monitor=""), rank=2, batch=7)
    data = LineData.read(tmp_path)
    assert {part: found["n"] for part, found in data.described.items()} == {"meld/train": 28, "meld/dev": 14}
    adapter, history = train_word_adapter(data, recipe, tmp_path / "run", device)
    assert [entry["epoch"] for entry in history] == [0, 1, 1] and all(0 <= e["meld_weighted_f1"] <= 1 for e in history)
    assert adapter.rank == history[-1]["rank"] == 2
    assert all(up.abs().max() > 0 for up in adapter.up) and not any(p.requires_grad for p in adapter.parameters())
    again, same = train_word_adapter(data, recipe, tmp_path / "run", device)
    assert same == history and all(torch.equal(a, b) for a, b in zip(adapter.up, again.up, strict=True))
    save_meld(tmp_path / "meld", "train", 35)
    for lines, how in ((data, replace(recipe, batch=14)), (LineData.read(tmp_path), recipe)):
        with pytest.raises(ValueError, match="another recipe or other data"):
            train_word_adapter(lines, how, tmp_path / "run", device)


def test_known_lines_are_read_with_masked_words_only(tmp_path):
    save_meld(tmp_path / "meld", "train", 14)
    records = SOURCES["meld"].records("lines", tmp_path / "meld", "train")
    plain, adapted = WordEncoder((4, 6)), WordEncoder((4, 6), adapter=adapter_by_chance())
    once = text_bank(records, adapted, tmp_path / "cache")
    copies = text_bank(records, adapted, tmp_path / "cache", known=True)
    assert len(once) == 14 and len(copies) == 14 * LINE_COPIES
    np.testing.assert_array_equal(copies.labels, np.repeat(once.labels, LINE_COPIES))
    np.testing.assert_array_equal(copies.groups, np.repeat(once.groups, LINE_COPIES))
    assert copies.label_frequencies() == pytest.approx(once.label_frequencies())
    first = [copies.sequence(i).astype(np.float32) for i in range(3 * LINE_COPIES)]
    same = [np.abs(copy - once.sequence(i // LINE_COPIES)).max() < 0.05 for i, copy in enumerate(first)]
    assert all(len(copy) == len(once.sequence(i // LINE_COPIES)) for i, copy in enumerate(first))
    assert not all(same)
    # MiniLM as it was published has learned from none of them.
    assert len(text_bank(records, plain, tmp_path / "cache", known=True)) == 14


def test_masking_hides_the_share_asked_for():
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(2000)]
    assert masked_words(words, 0.0, rng) == words and set(masked_words(words, 1.0, rng)) == {"[MASK]"}
    assert masked_words(words, 0.15, rng).count("[MASK]") == pytest.approx(300, abs=60)
    # The tokenizer knows the mask for one word among the others.
    _, batch = WordEncoder().states([["Oh", "[MASK]", "God!"]])
    assert batch.word_ids(0) == [None, 0, 1, 2, 2, None] and batch["input_ids"][0, 2] == 103


def test_an_adapter_is_kept_beside_the_other_weights(tmp_path):
    assert load_encoder(tmp_path, "words") is None
    adapter = adapter_by_chance()
    save_encoder(tmp_path, "words", adapter, {"command": "test"})
    read = load_encoder(tmp_path, "words")
    assert read.rank == 2 and all(torch.equal(a, b) for a, b in zip(adapter.down, read.down, strict=True))
    (tmp_path / "words.safetensors").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="SHA-256"):
        load_encoder(tmp_path, "words")


def test_the_experiment_reads_words_without_the_adapter():
    plain, adapted = (ClipFeatures(CHECKPOINTS, "heard", FeatureSettings(), adapted=a) for a in (False, True))
    assert plain.key()["adapted"] == {} and len(adapted.key()["adapted"]["words"]) == 64
