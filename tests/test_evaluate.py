"""Measuring a checkpoint on miniature corpora in their official layouts, made here; and the command that does it."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from made import QuickListener
from miniature import save_fer2013, save_meld, save_ravdess
from recordings import save_clip, save_wav, speak

from core import CHECKPOINTS, LABELS
from core.corpora.fer2013 import read_fer2013
from core.corpora.layout import CorpusError
from core.datasets.composed import face_bank
from core.device import choose_device
from core.encoders.expression import ExpressionNet
from core.fusion.checkpoint import load_checkpoint
from core.training.evaluation_sets import label_frequencies, measure
from scripts.evaluate import as_text

CPU = choose_device("cpu")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("corpora")
    save_fer2013(root / "fer2013", "test", 21)
    save_meld(root / "meld", "test", 14)
    save_ravdess(root / "ravdess", ("01",))
    spoken = speak("Kids are talking by the door.", root / "spoken.wav")
    (root / "emodb" / "wav").mkdir(parents=True)
    for letter in "WFL":  # boredom is left out
        save_wav(spoken, root / "emodb" / "wav" / f"03a01{letter}a.wav")
    (root / "crema-d" / "AudioWAV").mkdir(parents=True)
    (root / "crema-d" / "VideoFlash").mkdir()
    save_wav(spoken, root / "crema-d" / "AudioWAV" / "1001_DFA_ANG_XX.wav")
    save_clip(root / "clip.webm", spoken).rename(root / "crema-d" / "VideoFlash" / "1001_DFA_ANG_XX.flv")
    return root


def measured(corpora: Path, corpus: str, folder: str = "", modalities=None, prior="balanced", device=CPU) -> dict:
    """``measure`` with the shipped checkpoint."""
    root = corpora / (corpus if corpus != "composed" else folder)
    return measure(corpus, root, None, modalities, prior, CHECKPOINTS, corpora / "cache", 1, device)


def test_faces_the_encoder_learned_from_are_shown_altered_only(corpora, tmp_path, device):
    encoder, faces = ExpressionNet().eval(), read_fer2013(corpora / "fer2013", "test")
    unseen, known, itself = (
        face_bank(faces, "fer2013/test", encoder, device, copies, tmp_path, known)
        for copies, known in ((2, False), (2, True), (0, False))
    )
    assert len(unseen) == len(known) == 21 and unseen.values.shape == (63, 309) and known.values.shape == (42, 309)
    assert not unseen.values[:, 256:].any(), "noise is no face: no blendshapes, and that is said"
    assert np.array_equal(unseen.values[::3], itself.values)
    assert not any(np.array_equal(known.sequence(i)[0], itself.sequence(i)[0]) for i in range(21))
    assert itself.groups[3] == "fer2013/test/3" and set(itself.corpora) == {"fer2013"}


@pytest.mark.parametrize(("corpus", "n", "used"), [
    ("fer2013", 21, ["video"]), ("meld", 14, ["text"]), ("ravdess", 7, ["audio"]), ("emodb", 2, ["audio"]),
])  # fmt: skip
def test_one_modality(corpora, monkeypatch, corpus, n, used, device):
    if corpus == "ravdess":  # emodb is heard by Whisper itself
        QuickListener.hears(monkeypatch)
    result = measured(corpora, corpus, device=device)
    assert result["modalities"] == used and result["cross"] is None and result["agreement"] is None
    assert result["device"] == str(device)
    found = result["self"]
    confusion = np.array(found["confusion"])
    assert found["n"] == n == confusion.sum() and found["undefined"] == 0
    assert found["accuracy"] == pytest.approx(np.trace(confusion) / n)
    recalls = [confusion[c, c] / confusion[c].sum() for c in range(7) if confusion[c].any()]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert {"macro_f1", "weighted_f1", "expected_calibration_error"} <= set(found)
    # The shipped pair says which parts, or which actors, it has learned from.
    learned = load_checkpoint().provenance["data"]["learned_from"]
    assert result["learned_from"] == learned.get(corpus, []) and bool(learned.get(corpus)) == (corpus != "emodb")


def test_whole_clips_go_through_both_models(corpora):
    result = measured(corpora, "crema-d")
    assert result["modalities"] == ["video", "audio"], "the robot's words are not understood"
    assert result["cross"]["n"] == result["self"]["n"] == 1 and result["agreement"] in (0.0, 1.0)


def test_photographs_are_read_as_a_visitors_clip_is(corpora):
    """A woman's photograph, and one in which nobody is seen."""
    face = cv2.cvtColor(skimage.data.astronaut()[:300, 80:380], cv2.COLOR_RGB2GRAY)
    (corpora / "jaffe").mkdir()
    cv2.imwrite(str(corpora / "jaffe" / "KA.HA1.29.tiff"), face)
    cv2.imwrite(str(corpora / "jaffe" / "KA.NE1.26.tiff"), np.full((256, 256), 90, np.uint8))
    result = measured(corpora, "jaffe")
    assert result["modalities"] == ["video"] and result["cross"] is None and result["learned_from"] == []
    assert result["self"]["n"] == 1 and result["self"]["confusion"][LABELS.index("happiness")] != [0] * 7


def test_composed(corpora, monkeypatch):
    QuickListener.hears(monkeypatch)
    monkeypatch.setattr("core.training.evaluation_sets.COMPOSED_UTTERANCES", 70)
    result = measured(corpora, "composed")
    assert result["split"] == "meld test, fer2013 test, ravdess all" and result["self"]["n"] == 70
    assert 0 <= result["agreement"] <= 1 and set(result["learned_from"]) >= {"ravdess", "fer2013", "meld"}


def test_the_prior_of_the_corpus(corpora):
    balanced, corpus = (measured(corpora, "meld", prior=prior) for prior in ("balanced", "corpus"))
    frequencies = load_checkpoint().label_frequencies["meld"]
    assert sum(frequencies) == pytest.approx(1) and np.argmax(frequencies) == LABELS.index("neutral")

    def neutral(result):
        return np.array(result["self"]["confusion"])[:, LABELS.index("neutral")].sum()

    assert neutral(corpus) >= neutral(balanced)
    with pytest.raises(CorpusError, match="not known"):
        measured(corpora, "emodb", prior="corpus")


def test_the_prior_of_a_corpus_that_nothing_was_learned_from_is_that_of_its_training_part(tmp_path):
    save_meld(tmp_path, "train", 10)  # three labels twice
    shares = label_frequencies("meld", tmp_path, replace(load_checkpoint(), label_frequencies={}))
    assert shares.sum() == pytest.approx(1) and sorted(shares) == pytest.approx([0.1] * 4 + [0.2] * 3)


def test_what_is_not_there_is_said(corpora):
    with pytest.raises(CorpusError, match="zenodo"):
        measured(corpora / "nowhere", "ravdess")
    with pytest.raises(CorpusError, match="no audio"):
        measured(corpora, "fer2013", modalities=["audio"])


def test_figures_as_text_name_both_accuracies(corpora):
    shown = as_text(measured(corpora, "meld", prior="corpus"))
    assert "  accuracy " in shown and "balanced accuracy" in shown and "n 14" in shown and "undefined" in shown
    assert "figures prove nothing: " in shown and "corpus prior" in shown


def test_the_command_prints_one_object_or_one_sentence(corpora, command):
    asked = ("evaluate.py", "--cache", str(corpora / "cache"), "--json")
    run = command(*asked, "--corpus", "fer2013", "--root", str(corpora / "fer2013"), "--device", "cpu")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["self"]["n"] == 21
    refused = command(*asked, "--corpus", "ravdess", "--root", str(corpora / "nowhere"))
    assert refused.returncode == 2 and "zenodo" in refused.stderr and refused.stdout == ""
