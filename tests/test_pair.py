"""The pair is trained twice: measured on parts that are held out, then from everything."""

import pytest
import torch
from miniature import save_fer2013, save_meld
from recordings import save_wav, speak

from core import LABELS
from core.checkpoint import load_checkpoint, save_face_encoder, save_pair
from core.expression import ExpressionNet
from core.features import FeatureExtractor, FeatureSettings
from core.training import pair
from core.training.batches import PairRecipe
from core.training.loop import Recipe


@pytest.fixture
def root(tmp_path):
    """All three corpora in miniature: one actor to learn from, one to validate on and one to test on."""
    spoken = speak("Dogs are sitting.", tmp_path / "spoken.wav", speed=200)
    for actor in ("01", "10", "05"):
        folder = tmp_path / "ravdess" / f"Actor_{actor}"
        folder.mkdir(parents=True)
        for emotion in ("01", "03", "04", "05", "06", "07", "08"):
            save_wav(spoken, folder / f"03-01-{emotion}-01-02-01-{actor}.wav", rate=16_000)
    for split, count in (("train", 28), ("validation", 14)):
        save_fer2013(tmp_path / "fer2013", split, count)
    for split, count in (("train", 28), ("dev", 14)):
        save_meld(tmp_path / "meld", split, count)
    return tmp_path


def test_the_measured_pair_lends_its_temperatures_to_the_final_one(root, monkeypatch):
    monkeypatch.setattr(pair, "VALIDATION_UTTERANCES", 28)
    monkeypatch.setattr(pair, "TEST_UTTERANCES", 35)
    recipe = PairRecipe(Recipe(epochs=1, learning_rate=1e-3, ema_decay=0.5, monitor=""), batch=8, steps=2, voiceless=8)
    extractor = FeatureExtractor(ExpressionNet(), FeatureSettings())
    given = (root, extractor, root / "cache", recipe, root / "runs")
    measured, held_out = pair.train_measured_pair(*given)
    assert held_out["text+video+audio"]["self"]["n"] == 35 and held_out["audio"]["cross"] is None
    assert measured.provenance["data"]["learned_from"]["ravdess"] == ["01"]

    final = pair.train_final_pair(*given, measured.temperature)
    assert final.temperature == measured.temperature
    data = final.provenance["data"]
    assert data["learned_from"] == {"ravdess": ["01", "05", "10"], "fer2013": ["train", "validation"],
                                    "meld": ["train", "dev"]}  # fmt: skip
    assert data["sequences"] == {"train": {"text": 42, "video": 42, "audio": 63}}  # a voice and two other recordings
    for name in ("cross", "self"):
        before, after = measured.fusion[name].state_dict(), final.fusion[name].state_dict()
        assert not torch.equal(before["classifier.weight"], after["classifier.weight"])

    save_face_encoder(root / "checkpoint", extractor.face_encoder, {})
    save_pair(root / "checkpoint", final)
    read = load_checkpoint(root / "checkpoint")
    assert read.label_frequencies["meld"] == pytest.approx([1 / len(LABELS)] * 7) and read.provenance["data"] == data
