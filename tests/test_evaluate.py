"""The evaluation command on miniature corpora in their official layouts, made here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from miniature import save_fer2013, save_meld
from recordings import save_clip, save_wav, speak

from core import LABELS
from core.checkpoint import load_checkpoint
from core.expression import ExpressionNet
from core.datasets.composed import face_bank

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("corpora")
    save_fer2013(root / "fer2013", "test", 21)
    save_meld(root / "meld", "test", 14)
    spoken = speak("Kids are talking by the door.", root / "spoken.wav")
    actor = root / "ravdess" / "Actor_01"
    actor.mkdir(parents=True)
    for emotion in ("01", "03", "04", "05", "06", "07", "08"):
        save_wav(spoken, actor / f"03-01-{emotion}-01-01-01-01.wav")
    (root / "emodb" / "wav").mkdir(parents=True)
    for letter in "WFL":  # boredom is left out
        save_wav(spoken, root / "emodb" / "wav" / f"03a01{letter}a.wav")
    (root / "crema-d" / "AudioWAV").mkdir(parents=True)
    (root / "crema-d" / "VideoFlash").mkdir()
    save_wav(spoken, root / "crema-d" / "AudioWAV" / "1001_DFA_ANG_XX.wav")
    save_clip(root / "clip.webm", spoken).rename(root / "crema-d" / "VideoFlash" / "1001_DFA_ANG_XX.flv")
    return root


def evaluate(corpora: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "scripts/evaluate.py", "--cache", str(corpora / "cache"), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_faces_the_encoder_learned_from_are_shown_altered_only(corpora, tmp_path):
    encoder = ExpressionNet().eval()
    unseen = face_bank(corpora / "fer2013", "test", encoder, 2, tmp_path)
    known = face_bank(corpora / "fer2013", "test", encoder, 2, tmp_path, known=True)
    assert len(unseen) == len(known) == 21 and unseen.values.shape == (63, 256) and known.values.shape == (42, 256)
    itself = face_bank(corpora / "fer2013", "test", encoder, 0, tmp_path)
    assert np.array_equal(unseen.values[::3], itself.values)
    assert not any(np.array_equal(known.sequence(i)[0], itself.sequence(i)[0]) for i in range(21))


@pytest.mark.parametrize(("corpus", "n", "used"), [
    ("fer2013", 21, ["video"]), ("meld", 14, ["text"]), ("ravdess", 7, ["audio"]), ("emodb", 2, ["audio"]),
])  # fmt: skip
def test_one_modality(corpora, corpus, n, used):
    run = evaluate(corpora, "--corpus", corpus, "--root", str(corpora / corpus), "--json")
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["modalities"] == used and result["cross"] is None and result["agreement"] is None
    found = result["self"]
    confusion = np.array(found["confusion"])
    assert found["n"] == n == confusion.sum() and found["undefined"] == 0
    assert found["accuracy"] == pytest.approx(np.trace(confusion) / n)
    recalls = [confusion[c, c] / confusion[c].sum() for c in range(7) if confusion[c].any()]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert {"macro_f1", "weighted_f1", "expected_calibration_error"} <= set(found)
    # The shipped pair says which parts, or which actors, it has learned from.
    seen = {"fer2013": {"train", "validation"}, "meld": {"train", "dev"}, "emodb": set()}
    if corpus in seen:
        assert set(result["learned_from"]) == seen[corpus]
    else:
        assert len(result["learned_from"]) == 20 and "01" not in result["learned_from"]


def test_whole_clips_go_through_both_models(corpora):
    run = evaluate(corpora, "--corpus", "crema-d", "--root", str(corpora / "crema-d"), "--json")
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["modalities"] == ["text", "video", "audio"]
    assert result["cross"]["n"] == result["self"]["n"] == 1 and result["agreement"] in (0.0, 1.0)


def test_composed(corpora):
    run = evaluate(corpora, "--corpus", "composed", "--root", str(corpora))
    assert run.returncode == 0, run.stderr
    assert "balanced accuracy" in run.stdout and "n 2800" in run.stdout and "agree" in run.stdout
    assert "figures prove nothing: ravdess 02, 03" in run.stdout


def test_the_prior_of_the_corpus(corpora):
    options = ["--corpus", "meld", "--root", str(corpora / "meld"), "--json"]
    balanced, corpus = (json.loads(evaluate(corpora, *options, "--prior", p).stdout) for p in ("balanced", "corpus"))
    frequencies = load_checkpoint().label_frequencies["meld"]
    assert sum(frequencies) == pytest.approx(1) and np.argmax(frequencies) == LABELS.index("neutral")

    def neutral(result):
        return np.array(result["self"]["confusion"])[:, LABELS.index("neutral")].sum()

    assert neutral(corpus) >= neutral(balanced)
    refused = evaluate(corpora, "--corpus", "emodb", "--root", str(corpora / "emodb"), "--prior", "corpus")
    assert refused.returncode == 2 and "not known" in refused.stderr and refused.stdout == ""


def test_what_is_not_there_is_said(corpora):
    nothing = evaluate(corpora, "--corpus", "ravdess", "--root", str(corpora / "nowhere"))
    assert nothing.returncode == 2 and "zenodo" in nothing.stderr
    wrong = evaluate(corpora, "--corpus", "fer2013", "--root", str(corpora / "fer2013"), "--modalities", "audio")
    assert wrong.returncode == 2 and "no audio" in wrong.stderr
