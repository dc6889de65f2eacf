"""The pair is trained twice, measured on parts that are held out, then from everything; and installed when complete."""

import json

import pytest
import torch
from made import QuickListener
from miniature import save_fer2013, save_meld, save_ravdess

from core import CHECKPOINTS, LABELS
from core.datasets.composed import BankMaker
from core.encoders.expression import ExpressionNet
from core.encoders.features import Encoders, FeatureSettings
from core.encoders.packaged import WeightsError
from core.fusion.checkpoint import copy_encoders, install, load_checkpoint, save_encoder, save_pair
from core.training import pair
from core.training.batches import PairRecipe
from core.training.loop import Recipe


@pytest.fixture
def root(tmp_path):
    """All three corpora in miniature: one actor to learn from, one to validate on and one to test on."""
    save_ravdess(tmp_path / "ravdess", ("01", "10", "05"))
    for split, count in (("train", 28), ("validation", 14)):
        save_fer2013(tmp_path / "fer2013", split, count)
    for split, count in (("train", 28), ("dev", 14)):
        save_meld(tmp_path / "meld", split, count)
    return tmp_path


def test_the_measured_pair_lends_its_calibration_to_the_final_one(root, monkeypatch, device):
    monkeypatch.setattr(pair, "VALIDATION_UTTERANCES", 28)
    monkeypatch.setattr(pair, "TEST_UTTERANCES", 35)
    QuickListener.hears(monkeypatch)
    recipe = PairRecipe(Recipe(epochs=1, learning_rate=1e-3, ema_decay=0.5, monitor=""), batch=8, steps=2, voiceless=8)
    maker = BankMaker(root, Encoders(ExpressionNet()), FeatureSettings(), device, root / "cache")
    # As another process does beside: what it has finished is read back.
    pair.train_some(maker, recipe, root / "runs" / "measured", None, ["self"], held_out=True)
    pair.train_some(maker, recipe, root / "runs" / "final", None, ["self"], held_out=False)
    logs = [root / "runs" / name / "self" / "log.jsonl" for name in ("measured", "final")]
    beside = [(log.stat().st_mtime_ns, log.read_text("utf-8")) for log in logs]
    measured, held_out = pair.train_measured_pair(maker, recipe, root / "runs")
    assert (
        held_out["composed"]["text+video+audio"]["self"]["n"] == 35 and held_out["composed"]["audio"]["cross"] is None
    )
    data = measured.provenance["data"]
    assert data["learned_from"] == {"ravdess": ["01"], "fer2013": ["train"], "meld": ["train"]}
    assert data["sequences"]["validation"] == {"text": {"meld": 7}, "video": {"fer2013": 7}, "audio": {"ravdess": 7}}
    assert data["sequences"]["test"]["audio"] == {"ravdess": 7}, "no altered copies are judged"
    assert set(measured.provenance["runs"]) == {"cross", "self"}
    assert measured.provenance["runs"]["self"]["processes"][0]["device"] == str(device)

    final = pair.train_final_pair(maker, recipe, root / "runs", measured.calibration)
    assert final.calibration == measured.calibration
    assert [(log.stat().st_mtime_ns, log.read_text("utf-8")) for log in logs] == beside
    data = final.provenance["data"]
    assert data["learned_from"] == {"ravdess": ["01", "05", "10"], "fer2013": ["train", "validation"],
                                    "meld": ["dev", "train"]}  # fmt: skip
    assert data["sequences"] == {  # a voice and another recording of it
        "train": {"text": {"meld": 42}, "video": {"fer2013": 42}, "audio": {"ravdess": 42}}
    }
    for name in ("cross", "self"):
        before, after = measured.fusion[name].state_dict(), final.fusion[name].state_dict()
        assert not torch.equal(before["classifier.weight"], after["classifier.weight"])

    save_encoder(root / "checkpoint", "face", maker.encoders.face, {})
    save_pair(root / "checkpoint", final)
    read = load_checkpoint(root / "checkpoint")
    assert read.label_frequencies["meld"] == pytest.approx([1 / len(LABELS)] * 7)
    assert read.provenance["data"] == json.loads(json.dumps(data))


def test_a_checkpoint_is_installed_when_complete_and_the_card_stays(tmp_path):
    run, shipped = tmp_path / "runs" / "checkpoint", tmp_path / "checkpoints"
    shipped.mkdir()
    for name, content in (("README.md", "the card"), ("config.json", "{}"), ("old.safetensors", "x")):
        (shipped / name).write_text(content)
    copy_encoders(CHECKPOINTS, run)
    with pytest.raises(WeightsError, match="lacks cross, self"):
        install(run, shipped)
    assert (shipped / "config.json").read_text("utf-8") == "{}", "what is shipped stays until there is a whole one"
    save_pair(run, load_checkpoint(CHECKPOINTS))
    # Killed between its two renames, it is taken up again.
    shipped.rename(tmp_path / "checkpoints.old")
    install(run, shipped)
    assert load_checkpoint(shipped).calibration == load_checkpoint(CHECKPOINTS).calibration
    assert (shipped / "README.md").read_text("utf-8") == "the card" and not (shipped / "old.safetensors").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "runs"]
