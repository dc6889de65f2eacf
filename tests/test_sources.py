"""The registry: what is read of any corpus bears its name, is divided without overlap and cached by its content."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from made import QuickListener
from miniature import save_fer2013, save_meld, save_ravdess
from test_before_training import TINY, moments

from core import CHECKPOINTS, MODALITIES
from core.corpora.layout import CorpusError
from core.corpora.ravdess import read_ravdess
from core.datasets import sources
from core.datasets.composed import BankMaker
from core.datasets.sources import SOURCES, Official, Source, Speakers, training_sources
from core.device import choose_device
from core.encoders.expression import ExpressionNet
from core.encoders.features import Encoders, FeatureSettings
from core.encoders.voice import BASE_FRONT, VoiceConfig, VoiceEncoder
from core.experiment.corpora import CORPORA
from core.fusion.checkpoint import load_encoder
from core.fusion.config import learned_voices
from core.training.evaluation_sets import TEST_SETS, measure
from core.training.voice import VoiceRecipe

CPU = choose_device("cpu")


@pytest.fixture
def hear_quickly(monkeypatch):
    """No voice is heard by Whisper."""
    QuickListener.hears(monkeypatch)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """RAVDESS, FER2013 and MELD in miniature, and a corpus whose actors and files have the same names as RAVDESS's."""
    root = tmp_path_factory.mktemp("root")
    for name in ("ravdess", "twin"):
        save_ravdess(root / name, ("01", "10", "05"))
    for split, count in (("train", 28), ("validation", 14)):
        save_fer2013(root / "fer2013", split, count)
    for split, count in (("train", 28), ("dev", 14)):
        save_meld(root / "meld", split, count)
    return root


@pytest.fixture
def twin(monkeypatch):
    """A second corpus of voices and clips: one entry in the registry."""
    entry = Source("twin", "none", Speakers(("05",), ("01",)), voices=read_ravdess, clips=read_ravdess)
    monkeypatch.setitem(SOURCES, "twin", entry)
    return entry


def maker(root, cache) -> BankMaker:
    return BankMaker(root, Encoders(load_encoder(CHECKPOINTS, "face")), FeatureSettings(), CPU, cache)


def test_every_source_has_a_name_a_licence_a_reader_and_parts():
    for name, source in SOURCES.items():
        assert source.name == name and source.licence
        assert any((source.voices, source.lines, source.clips, source.faces))
        assert isinstance(source.split, Official) or not source.faces
        if isinstance(source.split, Official):
            assert len(set(source.split.parts)) == 3
        else:
            assert not set(source.split.validation) & set(source.split.test)
    assert {source.name for source in sources.sources_of("clips")} <= set(CORPORA)
    assert set(SOURCES) < set(TEST_SETS)


def test_ids_and_groups_begin_with_their_corpus(root, twin):
    own, other = (SOURCES[name].records("voices", root / name) for name in ("ravdess", "twin"))
    assert not {r.id for r in own} & {r.id for r in other} and not {r.group for r in own} & {r.group for r in other}
    assert {r.group for r in own} == {"ravdess/01", "ravdess/05", "ravdess/10"}
    lines = SOURCES["meld"].records("lines", root / "meld", "dev")
    assert lines[0].id == "meld/dev/dia0_utt0" and lines[0].group == "meld/dev/dia0"


def test_one_entry_is_all_that_training_needs_to_know_of_a_corpus(root, twin, hear_quickly, tmp_path):
    parts = maker(root, tmp_path).parts()
    groups = {part: set(by["audio"].groups) for part, by in parts.items()}
    assert groups == {
        "train": {"ravdess/01", "twin/10"},
        "validation": {"ravdess/10", "twin/05"},
        "test": {"ravdess/05", "twin/01"},
    }
    assert parts["train"]["audio"].variants.max() > 0
    assert all(parts[part][m].variants.max() == 0 for part in ("validation", "test") for m in MODALITIES)
    early, late = set(parts["validation"]["text"].groups), set(parts["test"]["text"].groups)
    assert early == {"meld/dev/dia0"} and late == {"meld/dev/dia1"}
    everything = maker(root, tmp_path).everything()
    assert set(everything["audio"].corpora) == {"ravdess", "twin"} and len(everything["audio"]) == 2 * 21 * 2
    assert set(everything["text"].corpora) == {"meld"} and len(everything["text"]) == 42


def test_whom_the_voice_encoder_has_not_met_is_heard_as_he_is(root, twin, monkeypatch, tmp_path):
    """Voices that an encoder knows are shown altered only; those of one corpus, which it does not know, as they are."""
    asked = {}
    monkeypatch.setattr(BankMaker, "voices", lambda _, records, **how: asked.update({records[0].group[:4]: how}))
    monkeypatch.setattr("core.datasets.composed.join_banks", lambda found: found)
    monkeypatch.setattr(BankMaker, "faces", lambda *_: None)
    monkeypatch.setattr(BankMaker, "lines", lambda *_: None)
    knows = replace(maker(root, tmp_path), encoders=Encoders(ExpressionNet(), VoiceEncoder(BASE_FRONT)))
    knows.everything()
    assert asked == {"ravd": {"copies": 2, "known": True}, "twin": {"copies": 2, "known": True}}
    knows.everything(unmet="twin")
    assert asked == {"ravd": {"copies": 2, "known": True}, "twin": {"copies": 1, "known": False}}


def test_each_corpus_is_left_out_of_the_voice_encoder_too(root, twin, hear_quickly, monkeypatch, command, tmp_path):
    small = partial(VoiceRecipe, VoiceConfig(1, 512, 8, outputs=(0,)), TINY.optimisation, batch=4, steps=1)
    monkeypatch.setattr("core.training.voice.VoiceRecipe", small)
    monkeypatch.setattr("core.training.voice.Listener", QuickListener)
    monkeypatch.setattr("core.training.batches.PairRecipe", lambda: TINY)
    clips = moments({"text": 768, "video": 309, "audio": 512}, ("twin/01",))
    monkeypatch.setattr("core.datasets.multimodal.training_clips", lambda _: (["clips"], set()))
    monkeypatch.setattr(BankMaker, "moments", lambda *_: clips)
    run = partial(
        command, "leave_out.py", "corpora", "--root", root, "--runs", tmp_path, "--cache", tmp_path / "cache",
        "--device", "cpu", "--seeds", "2",
    )  # fmt: skip
    ran = run()
    assert ran.returncode == 0, ran.stderr
    _, _, *lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in ran.stdout.splitlines()
        if line.startswith("|")
    ]
    found = {(name, seed): (clips, voices) for name, seed, clips, *_, voices, _ in lines}
    assert found == {("ravdess", seed): ("0", "21") for seed in ("0", "1", "average")} | {
        ("twin", seed): ("7", "21") for seed in ("0", "1", "average")
    }
    speakers = ("01", "05", "10")
    for name, other in (("ravdess", "twin"), ("twin", "ravdess")):
        heard = learned_voices(tmp_path / f"voices-without-{name}" / "encoders")
        assert heard == [f"{other}/{speaker}" for speaker in speakers]
    trained = (tmp_path / "seed-0" / "twin" / "self" / "state.safetensors").stat().st_mtime_ns
    again = run("--only", "twin").stdout.splitlines()
    assert again[-3:] == ran.stdout.splitlines()[-3:], "what is finished is read back"
    assert (tmp_path / "seed-0" / "twin" / "self" / "state.safetensors").stat().st_mtime_ns == trained
    wrong = run("--only", "twins")
    assert (wrong.returncode, wrong.stderr.strip()) == (2, f"There is no twins in {root}, only ravdess, twin.")


def test_and_all_that_measuring_needs(root, twin, hear_quickly, tmp_path):
    figures = measure("twin", root / "twin", "05,10", None, "balanced", CHECKPOINTS, tmp_path, 1, CPU)
    assert figures["self"]["n"] == 14 and figures["modalities"] == ["audio"] and figures["learned_from"] == []
    with pytest.raises(CorpusError, match="No speaker 99"):
        measure("twin", root / "twin", "99", None, "balanced", CHECKPOINTS, tmp_path, 1, CPU)


def test_what_only_measures_is_never_learned_from(root, twin, monkeypatch):
    monkeypatch.setitem(SOURCES, "twin", replace(twin, trains=False))
    assert [source.name for source in training_sources("voices", root)] == ["ravdess"]


def test_a_missing_kind_of_corpus_is_named(tmp_path):
    with pytest.raises(CorpusError, match="No corpus of voices .* ravdess/"):
        training_sources("voices", tmp_path)


def test_a_cache_holds_what_a_recording_holds_not_where_it_lies(root, hear_quickly, tmp_path):
    """Moved, it is found again; with other content, settings or alterations it is made anew."""
    made = []
    made_by = replace(maker(root, tmp_path / "cache"), settings=FeatureSettings(voice_alone=False))
    heard = made_by.extractor.voice_features

    def hear(voice, speech):
        made.append(len(voice.samples))
        return heard(voice, speech)

    made_by.extractor.voice_features = hear
    records = SOURCES["ravdess"].records("voices", root / "ravdess")[:2]
    first = made_by.voices(records)
    assert len(made) == 2
    moved = tmp_path / "elsewhere.wav"
    moved.write_bytes(records[0].voice.read_bytes())
    again = made_by.voices([replace(records[0], voice=moved, id="other/x"), records[1]])
    assert len(made) == 2 and np.array_equal(first.values, again.values) and first.fingerprint == again.fingerprint
    moved.write_bytes(records[1].voice.read_bytes()[:-200])
    changed = made_by.voices([replace(records[0], voice=moved), records[1]])
    assert len(made) == 3 and changed.fingerprint != first.fingerprint
    made_by.voices(records, copies=1)
    assert len(made) == 5, "the unaltered ones are known"
