"""Weights on disk: what is shipped loads, what was changed is refused, nothing is pickled."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import CHECKPOINTS, EVERY_MODEL, LABELS, MODELS
from core.encoders.packaged import ALL, Weight, WeightsError, locate
from core.encoders.whisper_weights import load_tiny_en
from core.encoders.words import WordAdapter
from core.fusion.checkpoint import load_checkpoint, save_encoder, save_pair
from core.fusion.config import ENCODERS, fingerprint


def test_the_shipped_checkpoint():
    checkpoint = load_checkpoint()
    assert tuple(checkpoint.fusion) in {MODELS, EVERY_MODEL}
    files = sorted(path.name for path in CHECKPOINTS.glob("*.safetensors"))
    assert files == sorted(f"{part}.safetensors" for part in ("face", "voice", "words", *checkpoint.fusion))
    assert sum((CHECKPOINTS / name).stat().st_size for name in files) < 70e6
    config = json.loads((CHECKPOINTS / "config.json").read_text("utf-8"))
    assert config["labels"] == list(LABELS)
    for part in (*(config[name]["provenance"] for name in ENCODERS if name in config), config["provenance"]):
        assert part["command"].startswith("python scripts/train.py") and {"seed", "commit", "data"} <= set(part)


def test_saving_and_loading_is_exact(tmp_path):
    checkpoint = load_checkpoint()
    encoders = checkpoint.encoders
    save_encoder(tmp_path, "face", encoders.face, {"command": "test"})
    save_encoder(tmp_path, "voice", encoders.voice, {"command": "test"})
    save_encoder(tmp_path, "words", encoders.words, {"command": "test"})
    save_pair(tmp_path, checkpoint)
    again = load_checkpoint(tmp_path)
    crops = torch.randint(0, 255, (3, 48, 48), dtype=torch.uint8)
    torch.testing.assert_close(again.encoders.face(crops), encoders.face(crops), rtol=0, atol=0)
    for name, tensor in encoders.voice.state_dict().items():
        assert torch.equal(again.encoders.voice.state_dict()[name], tensor)
    for ours, theirs in zip(encoders.words.up, again.encoders.words.up, strict=True):
        assert torch.equal(ours, theirs)
    assert again.settings == checkpoint.settings and again.calibration == checkpoint.calibration
    for name, model in checkpoint.fusion.items():
        assert again.fusion[name].config == model.config
        for key, tensor in model.state_dict().items():
            assert torch.equal(again.fusion[name].state_dict()[key], tensor)
    for modality, mean in checkpoint.normalisation.mean.items():
        np.testing.assert_array_equal(again.normalisation.mean[modality], mean)


def test_a_checkpoint_of_version_1_has_temperatures_and_names_one_label(tmp_path):
    shutil.copytree(CHECKPOINTS, tmp_path / "former")
    path = tmp_path / "former" / "config.json"
    config = json.loads(path.read_text("utf-8"))
    for name in EVERY_MODEL:
        found = config[name].pop("calibration")
        config[name]["temperature"] = {subset: calibration["temperature"] for subset, calibration in found.items()}
    path.write_text(json.dumps(config))
    now, former = load_checkpoint().calibration, load_checkpoint(path.parent).calibration
    assert former == {m: {s: replace(c, threshold=1.0) for s, c in of.items()} for m, of in now.items()}
    before = fingerprint(path.parent)
    config["self"]["temperature"]["text"] *= 2
    path.write_text(json.dumps(config))
    assert fingerprint(path.parent) != before


def test_a_pair_is_refused_beside_an_encoder_that_it_did_not_learn_from(tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.copytree(CHECKPOINTS, folder)
    save_encoder(folder, "words", WordAdapter(rank=2), {"command": "test"})
    with pytest.raises(WeightsError, match="train it again"):
        load_checkpoint(folder)


def test_a_changed_weight_is_refused(tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.copytree(CHECKPOINTS, folder)
    file = folder / "self.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(WeightsError, match="SHA-256"):
        load_checkpoint(folder)
    file.unlink()
    with pytest.raises(WeightsError, match="missing"):
        load_checkpoint(folder)
    with pytest.raises(WeightsError, match="no checkpoint"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("weight", ALL, ids=lambda weight: weight.package + "/" + weight.path)
def test_packaged_weights_are_the_tested_ones(weight):
    assert hashlib.sha256(locate(weight).read_bytes()).hexdigest() == weight.sha256


def test_other_packaged_weights_are_refused():
    with pytest.raises(WeightsError, match="SHA-256"):
        locate(Weight("silero_vad", "data/silero_vad.jit", "0" * 64, "", ""))
    with pytest.raises(WeightsError, match="not installed"):
        locate(Weight("no_such_package", "x", "0" * 64, "", ""))


def test_whisper_out_of_its_container():
    model = load_tiny_en()
    assert sum(p.numel() for p in model.parameters()) == 37_184_256
    assert model.alignment_heads.to_dense().sum() == 8
    assert not model.is_multilingual
