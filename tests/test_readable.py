"""A recording that cannot be read is left out with a sentence, one that is there twice counts once: in every corpus."""

import json
import shutil
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from made import QuickListener
from miniature import save_fer2013, save_meld, save_ravdess
from recordings import save_wav

from core import CHECKPOINTS
from core.corpora.layout import ClipRecord, CorpusError
from core.corpora.tess import read_tess
from core.datasets.clips import as_one_file
from core.datasets.composed import BankMaker
from core.datasets.multimodal import read_moments
from core.datasets.readable import without
from core.datasets.sources import SOURCES
from core.device import choose_device
from core.encoders.expression import ExpressionNet
from core.encoders.features import Encoders, FeatureSettings
from core.encoders.utterance import Missing
from core.experiment.corpora import Request, prepare_corpus
from core.files import OutputError
from core.media.reader import SAMPLE_RATE, MediaError, open_clip
from core.training.evaluation_sets import measure
from core.training.voice import VoiceData
from scripts.evaluate import as_text

CPU = choose_device("cpu")
MODALITIES = ("text", "video", "audio")


def tone(number: int, seconds: float = 0.5) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return 0.3 * np.sin(2 * np.pi * (100 + 15 * number) * time)


def save_crema_d(root: Path) -> list[Path]:
    """24 recordings of two actors, two lines and six emotions."""
    (root / "AudioWAV").mkdir(parents=True)
    names = [f"{a}_{line}_{e}_XX" for a in (1001, 1002) for line in ("DFA", "IEO")
             for e in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")]  # fmt: skip
    return [save_wav(tone(i), root / "AudioWAV" / f"{name}.wav", SAMPLE_RATE) for i, name in enumerate(names)]


@pytest.fixture
def hear_quickly(monkeypatch):
    QuickListener.hears(monkeypatch)
    monkeypatch.setattr("core.training.voice.Listener", QuickListener)


def beheaded(path: Path) -> None:
    """Leaves the header of a recording alone."""
    path.write_bytes(path.read_bytes()[:44])


def test_one_empty_recording_is_left_out_and_said(tmp_path, hear_quickly, command, caplog):
    files = save_crema_d(tmp_path)
    beheaded(files[3])
    asked = ("evaluate.py", "--corpus", "crema-d", "--root", tmp_path, "--cache", tmp_path / "c", "--json")
    ran = command(*asked)
    assert ran.returncode == 0
    result = json.loads(ran.stdout)
    assert result["self"]["n"] == 23 and result["left_out"] == 1
    assert [record.getMessage() for record in caplog.records] == [
        (
            f"crema-d: 1 of 24 recordings cannot be used: crema-d/{files[3].stem} "
            f"({files[3].name} lasts zero seconds). It is left out."
        )
    ]
    assert "recordings that cannot be used and are left out: 1" in as_text(result)


@pytest.mark.parametrize(("spoil", "why"), [
    (lambda path: save_wav(np.zeros(8000), path, SAMPLE_RATE), "is silent"),
    (lambda path: path.write_bytes(b"no sound at all"), "is not a media file that can be read"),
    (lambda path: path.write_bytes(b""), "is empty"),
    (lambda path: path.unlink() or path.symlink_to("nowhere"), "No such file or directory"),
    (lambda path: path.unlink() or path.mkdir(), "Is a directory"),
])  # fmt: skip
@pytest.mark.parametrize("own", [True, False])
def test_what_holds_nothing_is_no_voice(tmp_path, hear_quickly, caplog, spoil, why, own):
    files = save_crema_d(tmp_path)
    spoil(files[5])
    settings = FeatureSettings(voice_alone=own)
    maker = BankMaker(tmp_path, Encoders(ExpressionNet()), settings, CPU, tmp_path / "cache")
    records = SOURCES["crema-d"].records("voices", tmp_path)[5:8]
    bank = maker.voices(records, copies=1)
    assert len(bank) == 4 and bank.variants.tolist() == [0, 1, 0, 1]
    assert bank.labels.tolist() == [records[1].label] * 2 + [records[2].label] * 2
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("crema-d: 1 of 3 recordings cannot be used: crema-d/") and why in said


def test_more_broken_than_whole_recordings_are_an_error(tmp_path, hear_quickly):
    for path in save_crema_d(tmp_path)[:13]:
        beheaded(path)
    with pytest.raises(CorpusError, match=r"crema-d: 13 of 24 recordings cannot be used: .*; and 10 more\.$"):
        measure("crema-d", tmp_path, None, None, "balanced", CHECKPOINTS, tmp_path / "cache", 1, CPU)


def test_the_numbers_that_are_an_error():
    records = [ClipRecord(f"made/{i}", 0, "made/x") for i in range(4)]
    assert without({}, records) == records
    assert without({"made/0": "it is empty.", "made/3": "so is this"}, records) == records[1:3]
    with pytest.raises(CorpusError, match="made: 3 of 4 recordings cannot be used"):
        without(dict.fromkeys(("made/0", "made/1", "made/2"), "x"), records)


def test_a_full_disk_is_not_the_recordings_fault(tmp_path, hear_quickly, monkeypatch):
    save_crema_d(tmp_path)
    maker = BankMaker(tmp_path, Encoders(ExpressionNet()), FeatureSettings(), CPU, tmp_path / "cache")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.files.os.replace", full)
    with pytest.raises(OutputError, match="cannot be written: No space left on device"):
        maker.voices(SOURCES["crema-d"].records("voices", tmp_path))


def test_nor_is_it_where_a_clip_is_cut_out(tmp_path, monkeypatch):
    (pictures := tmp_path / "dialog.avi").touch()
    record = ClipRecord("made/x", 0, "made/x", pictures=pictures, span=(0.0, 1.0))
    for error, raised in ((OSError(28, "No space left"), OSError), (OSError(5, "Input/output error"), MediaError)):
        monkeypatch.setattr("core.datasets.clips.av.open", Mock(side_effect=error))
        with pytest.raises(raised), as_one_file(record):
            pass


def test_training_leaves_it_out_too(tmp_path, hear_quickly, caplog):
    save_ravdess(tmp_path / "ravdess", ("01", "10", "05"))
    for split, count in (("train", 28), ("validation", 14)):
        save_fer2013(tmp_path / "fer2013", split, count)
    for split, count in (("train", 28), ("dev", 14)):
        save_meld(tmp_path / "meld", split, count)
    for actor in ("01", "05"):
        beheaded(tmp_path / "ravdess" / f"Actor_{actor}" / f"03-01-03-01-02-01-{actor}.wav")
    maker = BankMaker(tmp_path, Encoders(ExpressionNet()), FeatureSettings(), CPU, tmp_path / "cache")
    assert {part: len(banks["audio"]) for part, banks in maker.parts().items()} == {
        "train": 12, "validation": 7, "test": 6,
    }  # fmt: skip
    data = VoiceData.read(tmp_path, tmp_path / "cache")
    assert (len(data.train), len(data.held_out)) == (6, 13)
    assert caplog.text.count("ravdess/01-03-01-02-01-05 (03-01-03-01-02-01-05.wav lasts zero seconds)") == 2


class Reads:
    """Stands in for ``ClipFeatures``: opens the file and finds a face and a voice, if anything."""

    def key(self):
        return {"made": "by hand"}

    def __call__(self):
        def extract(record):
            open_clip(record.voice)
            return {m: Missing("no words") if m == "text" else np.full((3, 2), len(record.id)) for m in MODALITIES}

        return extract


def test_clips_leave_it_out_too(tmp_path, caplog, capfd, monkeypatch):
    files = save_crema_d(tmp_path)
    beheaded(files[0])
    records = SOURCES["crema-d"].records("voices", tmp_path)
    moments = read_moments(records, Reads(), dict.fromkeys(MODALITIES, 2), tmp_path / "cache", 1)
    assert len(moments) == 23 and moments.labels.tolist() == [r.label for r in records[1:]]
    assert "crema-d: 1 of 24 recordings cannot be used" in caplog.text and capfd.readouterr().out == ""
    for path in files[:13]:
        beheaded(path)
    with pytest.raises(CorpusError, match="crema-d: 13 of 24 recordings"):
        read_moments(records, Reads(), dict.fromkeys(MODALITIES, 2), tmp_path / "other", 1)
    # And the experiment.
    monkeypatch.setattr("core.experiment.corpora.ClipFeatures", lambda *_, **__: Reads())
    monkeypatch.setattr("core.experiment.corpora._divided", lambda *_: None)  # two actors are too few for folds
    with pytest.raises(CorpusError, match="crema-d: 13 of 24 recordings"):
        prepare_corpus("crema-d", Request(tmp_path, CPU, cache=tmp_path / "paper"))


def save_tess(root: Path) -> None:
    root.mkdir(parents=True)
    for i, name in enumerate(("OAF_back_angry", "OAF_back_sad", "YAF_dog_happy", "YAF_dog_fear")):
        save_wav(tone(i), root / f"{name}.wav", SAMPLE_RATE)


def test_a_corpus_inside_its_own_folder_counts_once(tmp_path, hear_quickly, caplog):
    save_tess(tmp_path / "TESS")
    shutil.copytree(tmp_path / "TESS", tmp_path / "TESS" / "TESS")
    records = SOURCES["tess"].records("voices", tmp_path / "TESS")
    assert [record.id for record in records] == [
        "tess/OAF_back_angry", "tess/OAF_back_sad", "tess/YAF_dog_fear", "tess/YAF_dog_happy",
    ]  # fmt: skip
    assert {record.voice.parent for record in records} == {tmp_path / "TESS"}
    assert [record.getMessage() for record in caplog.records] == [
        "tess: 4 recordings are there more than once, under the same name; each counts once."
    ]
    found = measure("tess", tmp_path / "TESS", None, None, "balanced", CHECKPOINTS, tmp_path / "cache", 1, CPU)
    assert found["self"]["n"] == 4 and found["left_out"] == 0


def test_hidden_recordings_are_no_part_of_a_corpus(tmp_path):
    save_tess(tmp_path / "TESS")
    for folder in (".Trash", "__MACOSX"):
        shutil.copytree(tmp_path / "TESS", tmp_path / folder)
    shutil.copy(tmp_path / "TESS" / "OAF_back_angry.wav", tmp_path / "TESS" / "._OAF_back_angry.wav")
    (tmp_path / "TESS" / "around").symlink_to(tmp_path)
    assert len(read_tess(tmp_path)) == 4


def test_lines_that_share_a_name_all_count(tmp_path):
    save_meld(tmp_path, "dev", 7)
    table = tmp_path / "dev_sent_emo.csv"
    table.write_text(table.read_text("utf-8") + "another line,joy,0,0\n")
    assert len(SOURCES["meld"].records("lines", tmp_path, "dev")) == 8
