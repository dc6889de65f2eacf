"""Readers of corpora, on miniature trees in the official layouts."""

from pathlib import Path

import pytest

from core import LABELS
from core.corpora.ased import read_ased
from core.corpora.crema_d import read_crema_d
from core.corpora.dailydialog import read_dailydialog
from core.corpora.emodb import read_emodb
from core.corpora.emospeech import read_emospeech
from core.corpora.emotiontts import read_emotiontts
from core.corpora.emovo import read_emovo
from core.corpora.goemotions import read_goemotions
from core.corpora.jaffe import read_jaffe
from core.corpora.javased import read_javased
from core.corpora.layout import CorpusError, plain_text
from core.corpora.meld import read_meld
from core.corpora.nemo import read_nemo
from core.corpora.ravdess import read_ravdess
from core.corpora.tess import read_tess
from core.corpora.urdu import read_urdu
from core.corpora.xed import read_xed

MELD_HEAD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"RIFF")


def test_ravdess_joins_the_versions_of_an_utterance(tmp_path):
    one, two = tmp_path / "Actor_01", tmp_path / "Actor_02"
    touch(one / "01-01-05-02-01-01-01.mp4", one / "02-01-05-02-01-01-01.mp4", one / "03-01-05-02-01-01-01.wav")
    touch(two / "02-01-02-01-02-02-02.mp4", two / "03-01-02-01-02-02-02.flac", two / "03-01-08-01-01-01-02.wav")
    touch(two / "03-02-03-01-01-01-02.wav", two / ".DS_Store", two / "notes.txt")  # sung, and no recordings
    records = {record.id: record for record in read_ravdess(tmp_path)}
    assert set(records) == {"01-05-02-01-01-01", "01-02-01-02-02-02", "01-08-01-01-01-02"}
    angry, calm, surprised = (records[name] for name in ("01-05-02-01-01-01", "01-02-01-02-02-02", "01-08-01-01-01-02"))
    assert LABELS[angry.label] == "anger" and angry.group == "01"
    assert angry.voice == angry.pictures == one / "01-01-05-02-01-01-01.mp4"
    assert angry.text == "Kids are talking by the door." and calm.text == "Dogs are sitting by the door."
    assert LABELS[calm.label] == "neutral" and calm.voice.suffix == ".flac" and calm.pictures.name.startswith("02")
    assert LABELS[surprised.label] == "surprise" and surprised.pictures is None


def test_emodb_leaves_boredom_out(tmp_path):
    touch(
        tmp_path / "wav/03a01Fa.wav",
        tmp_path / "wav/03a01La.wav",
        tmp_path / "wav/16b10Wb.flac",
        tmp_path / "wav/x.txt",
    )
    happy, angry = read_emodb(tmp_path)
    assert (happy.id, LABELS[happy.label], happy.group) == ("03a01Fa", "happiness", "03")
    assert (LABELS[angry.label], angry.group) == ("anger", "16") and angry.text.startswith("Die wird")


def test_tess_knows_two_women_and_a_slip_of_the_release(tmp_path):
    touch(tmp_path / "OAF_back_angry.wav", tmp_path / "OAF_angry" / "OA_bite_ps.wav", tmp_path / "YAF_dog_sad.opus")
    touch(tmp_path / "notes.txt", tmp_path / "._YAF_dog_sad.opus")
    bite, angry, sad = read_tess(tmp_path)
    assert [LABELS[record.label] for record in (bite, angry, sad)] == ["surprise", "anger", "sadness"]
    assert [record.group for record in (bite, angry, sad)] == ["OAF", "OAF", "YAF"]
    assert angry.text == "Say the word back." and angry.id == "OAF_back_angry"
    touch(tmp_path / "YAF_dog_bored.wav")
    with pytest.raises(CorpusError, match="does not define"):
        read_tess(tmp_path)


def test_voices_of_other_languages(tmp_path):
    touch(tmp_path / "nemo/samples/WR0_surprised_64.opus", tmp_path / "nemo/samples/EB0_neutral_13.wav")
    (tmp_path / "nemo/data.tsv").write_text(
        "file_id\temotion\traw_text\nEB0_neutral_13.wav\tneutral\tInteresuje mnie.\n"
    )
    neutral, surprised = read_nemo(tmp_path / "nemo")
    assert (LABELS[neutral.label], neutral.group, neutral.text) == ("neutral", "EB0", "Interesuje mnie.")
    assert (LABELS[surprised.label], surprised.group, surprised.text) == ("surprise", "WR0", "")
    touch(tmp_path / "ased/05Angry/a5-03-01-02-50.opus", tmp_path / "ased/04Sad/S4-01-01-01-50.wav")
    sad, angry = read_ased(tmp_path / "ased")
    assert [LABELS[r.label] for r in (sad, angry)] == ["sadness", "anger"]
    assert [r.group for r in (sad, angry)] == ["50", "50"], "the code of the sex slips, the number does not"
    touch(tmp_path / "urdu/Angry/SM4_F25_A077.wav", tmp_path / "urdu/Sad/SF1_F2_S1.wav", tmp_path / "urdu/Sad/x.txt")
    assert [(LABELS[r.label], r.group) for r in read_urdu(tmp_path / "urdu")] == [("anger", "SM4"), ("sadness", "SF1")]


def test_javased_has_voices_and_clips_of_one_moment(tmp_path):
    touch(
        tmp_path / "voices/01-02-06_01.opus", tmp_path / "voices/01-02-06_02.opus", tmp_path / "clips/01-02-06_01.mp4"
    )
    voices, (clip,) = read_javased(tmp_path, "voices"), read_javased(tmp_path, "clips")
    assert [r.id for r in voices] == ["01-02-06_01", "01-02-06_02"] and voices[0].pictures is None
    assert LABELS[clip.label] == "anger" and clip.group == "01" and clip.voice == clip.pictures
    touch(tmp_path / "clips/01-02-07_01.mp4")
    with pytest.raises(CorpusError, match="does not define"):
        read_javased(tmp_path, "clips")


def test_more_voices_of_other_languages(tmp_path):
    touch(tmp_path / "emovo/f1/pau-f1-b1.opus", tmp_path / "emovo/m2/gio-m2-d1.wav", tmp_path / "emovo/m2/notes.txt")
    fear, joy = read_emovo(tmp_path / "emovo")
    assert (fear.id, LABELS[fear.label], fear.group) == ("pau-f1-b1", "fear", "f1")
    assert LABELS[joy.label] == "happiness" and joy.group == "m2"
    touch(*(tmp_path / "emotiontts/ema" / f"ema00{digit}01.opus" for digit in range(4)))
    found = read_emotiontts(tmp_path / "emotiontts")
    assert [LABELS[r.label] for r in found] == ["neutral", "happiness", "anger", "sadness"]
    assert {r.group for r in found} == {"ema"}
    touch(tmp_path / "emospeech/a1.opus", tmp_path / "emospeech/b2.opus", tmp_path / "emospeech/c3.opus")
    table = tmp_path / "emospeech/voices.tsv"
    lines = ("a1.opus\tcalm\ts1", "b2.opus\tangry\ts2", "gone.opus\thappy\ts1")  # c3 has no label, one no recording
    table.write_text("\n".join(("file\temotion\tspeaker", *lines)))
    calm, angry = read_emospeech(tmp_path / "emospeech")
    assert (calm.id, LABELS[calm.label], calm.group) == ("a1", "neutral", "s1") and LABELS[angry.label] == "anger"
    table.write_text("name\temotion\n")
    with pytest.raises(CorpusError, match="lacks one of the columns"):
        read_emospeech(tmp_path / "emospeech")


def test_jaffe_is_of_photographs(tmp_path):
    touch(tmp_path / "KA.AN1.39.tiff", tmp_path / "YM.SU3.60.tiff", tmp_path / "README.txt")
    angry, surprised = read_jaffe(tmp_path)
    assert (angry.id, LABELS[angry.label], angry.group, angry.voice) == ("KA.AN1.39", "anger", "KA", None)
    assert LABELS[surprised.label] == "surprise" and surprised.pictures == tmp_path / "YM.SU3.60.tiff"
    touch(tmp_path / "KA.XX1.39.tiff")
    with pytest.raises(CorpusError, match="does not define"):
        read_jaffe(tmp_path)


def test_lines_of_other_corpora_are_mapped_to_the_seven_classes(tmp_path):
    (tmp_path / "labels.txt").write_text("annoyance\ncuriosity\nneutral\n")
    (tmp_path / "ekman_mapping.json").write_text('{"anger": ["annoyance"], "surprise": ["curiosity"]}')
    (tmp_path / "test.tsv").write_text("Stop it\t0\ta1\nReally?\t1\ta2\nBoth\t0,1\ta3\nI see\t2\ta4\n")
    lines = read_goemotions(tmp_path, "test")
    assert [(LABELS[r.label], r.id, r.text) for r in lines] == [
        ("anger", "test/a1", "Stop it"), ("surprise", "test/a2", "Really?"), ("neutral", "test/a4", "I see"),
    ]  # fmt: skip
    (tmp_path / "test.tsv").write_text("Stop it\t7\ta1\n")
    with pytest.raises(CorpusError, match="line 1"):
        read_goemotions(tmp_path, "test")

    (tmp_path / "dialogues_test.txt").write_text("Hi . __eou__ Go away ! __eou__\nOne __eou__ two __eou__\n")
    (tmp_path / "dialogues_emotion_test.txt").write_text("0 1 \n4 \n")
    lines = read_dailydialog(tmp_path, "test")  # the second dialogue lacks a label
    assert [(LABELS[r.label], r.group, r.text) for r in lines] == [
        ("neutral", "test/0", "Hi ."), ("anger", "test/0", "Go away !"),
    ]  # fmt: skip

    (tmp_path / "en-annotated.tsv").write_text("Run !\t4\nTrust me .\t8\nNo !\t1, 4\n" + "Ha .\t5\n" * 2)
    (tmp_path / "neu_en.txt").write_text("9\tTwo pair.\n")
    parts = {part: read_xed(tmp_path, part) for part in ("train", "dev", "test")}
    found = sorted((r.text, LABELS[r.label]) for records in parts.values() for r in records)
    assert found == [("Ha .", "happiness")] * 2 + [("Run !", "fear"), ("Two pair.", "neutral")]
    assert any(sum(r.text == "Ha ." for r in records) == 2 for records in parts.values()), "a line is in one part only"


def test_crema_d_pairs_sound_and_pictures(tmp_path):
    touch(tmp_path / "AudioWAV/1001_DFA_ANG_XX.wav", tmp_path / "VideoFlash/1001_DFA_ANG_XX.flv")
    touch(tmp_path / "VideoFlash/1002_IEO_SAD_HI.flv")
    angry, sad = read_crema_d(tmp_path)
    assert LABELS[angry.label] == "anger" and angry.voice.suffix == ".wav" and angry.pictures.suffix == ".flv"
    assert angry.text == "Don't forget a jacket."
    assert LABELS[sad.label] == "sadness" and sad.voice == sad.pictures and sad.group == "1002"


def test_crema_d_refuses_git_lfs_pointers(tmp_path):
    touch(tmp_path / "AudioWAV/1001_DFA_ANG_XX.wav")
    (tmp_path / "AudioWAV/1001_DFA_ANG_XX.wav").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"
    )
    with pytest.raises(CorpusError, match="git lfs pull"):
        read_crema_d(tmp_path)


def test_meld_with_and_without_clips(tmp_path):
    (tmp_path / "dev_sent_emo.csv").write_text(
        MELD_HEAD
        + '1,"I don\x92t, ‘cause…",Ross,joy,positive,0,0,4,7,"00:00:01,000","00:00:02,000"\n'
        + '2,Olé!,All,surprise,positive,0,1,4,7,"00:00:02,000","00:00:03,000"\n',
        encoding="utf-8",
    )
    first, second = read_meld(tmp_path, "dev")
    assert first.text == "I don't, 'cause..." and second.text == "Olé!"
    assert [LABELS[record.label] for record in (first, second)] == ["happiness", "surprise"]
    assert first.id == "dev/dia0_utt0" and first.split == "dev" and first.voice is None
    with pytest.raises(CorpusError, match="dev_splits_complete"):
        read_meld(tmp_path, "dev", clips=True)
    touch(tmp_path / "dev_splits_complete/dia0_utt1.mp4", tmp_path / "dev_splits_complete/._dia0_utt0.mp4")
    first, second = read_meld(tmp_path, "dev", clips=True)
    assert first.pictures is None and second.voice == second.pictures == tmp_path / "dev_splits_complete/dia0_utt1.mp4"


def test_meld_refuses_another_csv(tmp_path):
    (tmp_path / "test_sent_emo.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CorpusError, match="Utterance_ID"):
        read_meld(tmp_path, "test")


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (read_ravdess, "zenodo"),
        (read_emodb, "emodb"),
        (read_crema_d, "CREMA-D"),
        (read_tess, "TESS"),
        (read_nemo, "nEMO"),
        (read_ased, "ASED"),
        (read_urdu, "URDU"),
        (lambda r: read_javased(r, "clips"), "Java-SED"),
        (lambda r: read_goemotions(r, "dev"), "GoEmotions"),
        (lambda r: read_dailydialog(r, "train"), "DailyDialog"),
        (lambda r: read_xed(r, "train"), "XED"),
        (lambda r: read_meld(r, "dev"), "affective"),
    ],
)
def test_an_empty_folder_says_what_is_missing_and_where_to_get_it(tmp_path, reader, words):
    with pytest.raises(CorpusError, match=words) as error:
        reader(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("don’t", "don't"), ("don\x92t", "don't"), ("donâ€™t", "don't"), ("either—Ooh", "either - Ooh"),
        ("853-5…   That", "853-5... That"), ("“Hi”", '"Hi"'), ("OlÃ©", "Olé"), ("Château", "Château"),
        ("a\xa0b", "a b"),
    ],
)  # fmt: skip
def test_plain_text(written, plain):
    assert plain_text(written) == plain
