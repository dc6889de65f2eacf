"""What would end a training of hours is found before it begins; whoever is held out is measured, however few."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from made import QuickListener
from miniature import save_fer2013, save_meld, save_ravdess
from test_training import NOTHING, SMALL, WIDTHS, banks

from core import LABELS, MODELS, SUBSETS, subset_name
from core.corpora.layout import CorpusError
from core.datasets.composed import BankMaker, compose
from core.datasets.multimodal import MultimodalClips
from core.device import choose_device
from core.encoders.expression import ExpressionNet
from core.encoders.features import Encoders, FeatureSettings
from core.experiment.corpora import Request, open_stored, prepare_corpus
from core.fusion.checkpoint import Checkpoint, load_checkpoint
from core.fusion.model import FusionConfig, FusionModel
from core.fusion.pairs import BOTH
from core.fusion.prediction_sets import Calibration
from core.training import pair
from core.training.ablation import Ablation, Change
from core.training.batches import PairRecipe
from core.training.calibration import evaluate_strangers, fit_calibration, judge
from core.training.evaluation import LabelledUtterances, evaluate_subset
from core.training.face import FaceData
from core.training.leave_out import HeldOutPredictions, calibration_error, leave_out
from core.training.loop import Recipe
from core.training.voice import VoiceData, evaluate_voices
from core.training.words import LineData
from scripts.train import said_of

CPU = choose_device("cpu")
TINY = PairRecipe(Recipe(epochs=1, learning_rate=1e-3, ema_decay=0.5, monitor=""), batch=8, steps=1, voiceless=8)
PEOPLE = {"nobody": (), "one": ("javased/03",), "both": ("javased/03", "javased/08"), "nobody else": ("javased/01",)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three corpora in miniature: one actor to learn from, one to validate on and one to test on."""
    root = tmp_path_factory.mktemp("root")
    save_ravdess(root / "ravdess", ("01", "10", "05"))
    for split, count in (("train", 28), ("validation", 14)):
        save_fer2013(root / "fer2013", split, count)
    for split, count in (("train", 28), ("dev", 14)):
        save_meld(root / "meld", split, count)
    return root


@pytest.fixture(scope="module")
def maker(root) -> BankMaker:
    """Encoders take seconds to load, features are extracted once."""
    return BankMaker(root, Encoders(ExpressionNet()), FeatureSettings(), CPU, root / "cache")


@pytest.fixture
def quick(monkeypatch):
    """Little is composed, and no voice is heard by Whisper."""
    monkeypatch.setattr(pair, "VALIDATION_UTTERANCES", 14)
    monkeypatch.setattr(pair, "TEST_UTTERANCES", 14)
    QuickListener.hears(monkeypatch)
    monkeypatch.setattr("core.training.voice.Listener", QuickListener)


def moments(widths: dict[str, int], people: tuple[str, ...], lacking: str = "text") -> MultimodalClips:
    """A clip of each class of everybody, all without one modality."""
    chance = np.random.default_rng(0)
    labels = np.tile(np.arange(7), len(people))
    clips = {m: [chance.normal(0, 1, (0 if m == lacking else 4, n)) for _ in labels] for m, n in widths.items()}
    return MultimodalClips(labels, clips, np.repeat(np.array(people, str), 7))


@pytest.mark.parametrize("who", ["nobody", "one", "both"])
def test_however_few_are_held_out_the_pair_is_trained_and_measured(root, maker, quick, who):
    met, unmet = (moments(maker.widths, PEOPLE[name]) for name in ("nobody else", who))
    trained, figures = pair.train_measured_pair(maker, TINY, root / who, met, unmet)
    assert set(trained.calibration["self"]) == {subset_name(subset) for subset in SUBSETS}
    assert figures["composed"]["text+video+audio"]["self"]["n"] == 14
    of_everybody = {f"{kind}/ravdess" for kind in ("composed", "neutral words", "spoken")} | {
        "composed",
        "neutral words",
    }
    if who == "nobody":
        assert set(figures) == of_everybody
    else:
        assert set(figures) == of_everybody | {"people", *PEOPLE[who]}
        people = figures["people"]
        assert set(people) == {"video", "audio", "video+audio"}
        assert people["video+audio"]["cross"]["n"] == people["audio"]["self"]["n"] == 7 * len(PEOPLE[who])
        assert people["video+audio"]["cross"]["undefined"] == 0 and people["audio"]["cross"] is None


def test_each_group_is_judged_as_sure_as_fits_the_others():
    torch.manual_seed(0)
    models = {name: FusionModel(FusionConfig(pairs, WIDTHS)).eval() for name, pairs in pair.PAIRS.items()}
    made = banks(1)
    composed = LabelledUtterances.composed(made, compose(made, 35, 1), NOTHING)
    clips = LabelledUtterances.normalised(moments(WIDTHS, PEOPLE["one"]), NOTHING)
    calibration = {name: fit_calibration(judge(model, {"composed": composed})) for name, model in models.items()}
    checkpoint = Checkpoint(None, models, FeatureSettings(), NOTHING, calibration, {}, {})
    strangers = {"composed": composed, "javased/03": clips}
    judged = {name: judge(model, strangers) for name, model in models.items()}
    found = evaluate_strangers(judged, {"people": ["javased/03"], "nobody": []})
    subset = ("video", "audio")
    assert found["people"] == found["javased/03"] and "nobody" not in found
    assert found["people"]["video+audio"] == evaluate_subset(checkpoint, clips, subset)
    assert set(found["people"]) == {"video", "audio", "video+audio"}, "the clips have no words"
    none = clips.select(np.zeros(7, bool))
    assert none.logits(models["self"], subset).shape == (0, 7)
    assert fit_calibration(judge(models["self"], {"composed": composed, "nobody": none})) == calibration["self"]
    # Where nobody has been judged nothing is ruled out.
    assert fit_calibration(judge(models["self"], {"nobody": none}))["audio"] == Calibration(1.0, 0.0)


def test_strangers_tell_how_sure_verdicts_may_be_and_nobody_tells_of_himself():
    """Three groups: one that the model knows, and two kinds of one stranger's utterances."""
    right = np.eye(7) * 4
    known, stranger = (right, np.arange(7)), (np.roll(right, 1, 0), np.arange(7))
    judged = {"self": {"audio": {"composed/known": known, "composed/new/a": stranger, "neutral words/new/a": stranger}}}
    of_model, new = judged["self"], ["composed/new/a", "neutral words/new/a"]
    sure, doubtful = (fit_calibration(of_model, {"audio": by})["audio"] for by in (["composed/known"], new))
    assert sure.temperature == pytest.approx(0.1, abs=0.01) and doubtful.temperature == pytest.approx(10, abs=0.1)
    found = evaluate_strangers(judged, {"new": new}, {subset_name(subset): new for subset in SUBSETS})
    wrong_by = {name: found[name]["audio"]["self"]["expected_calibration_error"] for name in ("composed/known", "new")}
    assert wrong_by["composed/known"] == pytest.approx(1 - np.exp(0.4) / (np.exp(0.4) + 6), abs=0.01)
    assert wrong_by["new"] == pytest.approx(1, abs=0.01), "only who is known is left to tell of the stranger"


def test_beside_face_or_voice_neutral_words_tell_how_sure_verdicts_may_be():
    speakers, people = ["composed/emovo/f1", "neutral words/emovo/f1"], ["javased/03"]
    telling = pair._telling(speakers, people)
    assert set(telling) == {subset_name(subset) for subset in SUBSETS}
    for used in ("text", "video", "audio", "video+audio"):
        assert telling[used] == [*speakers, *people]
    for used in ("text+video", "text+audio", "text+video+audio"):
        assert telling[used] == ["neutral words/emovo/f1", *people]


def test_what_cannot_be_measured_is_not_trained(root, maker, quick, monkeypatch):
    began = []
    monkeypatch.setattr(pair, "_train_each", lambda *_: began.append(True))

    def broken(*_):
        raise KeyError("a fault of the last step")

    monkeypatch.setattr(pair, "evaluate_strangers", broken)
    with pytest.raises(KeyError, match="last step"):
        pair.train_measured_pair(maker, TINY, root / "broken", None, moments(maker.widths, PEOPLE["both"]))
    assert began == []


def test_the_command_trains_where_nobody_is_held_out(root, quick, command, monkeypatch, tmp_path):
    """The whole of ``train.py pair``, on a corpus of clips without the people who are held out."""
    monkeypatch.setattr("core.training.batches.PairRecipe", lambda: TINY)
    monkeypatch.setattr("core.datasets.multimodal.training_clips", lambda _: (["clips"], set(PEOPLE["both"])))
    monkeypatch.setattr(BankMaker, "moments", lambda maker, *_: moments(maker.widths, PEOPLE["nobody else"]))
    monkeypatch.setattr("core.fusion.config.learned_voices", lambda _: [])  # the shipped encoder has met the actor
    ran = command("train.py", "pair", "--root", root, "--runs", tmp_path, "--cache", root / "cache", "--device", "cpu")
    assert ran.returncode == 0 and ran.stdout.startswith(
        "No clip shows anybody who is held out (javased/03, javased/08): the pair is measured on composed utterances"
    )
    figures = json.loads((tmp_path / "checkpoint" / "held_out.json").read_text("utf-8"))
    kinds = ("composed", "neutral words", "spoken")
    assert set(figures) == {"composed", "neutral words"} | {f"{kind}/ravdess" for kind in kinds}
    final = load_checkpoint(tmp_path / "checkpoint")
    assert final.provenance["data"]["learned_from"]["ravdess"] == ["01", "05", "10"]
    assert final.provenance["data"]["clips"] == {"javased/01": 7}
    # More models are added later; the pair is read back as it was.
    trained = {name: (tmp_path / "final" / name / "state.safetensors").stat().st_mtime_ns for name in MODELS}
    ran = command("train.py", "pair", "--root", root, "--runs", tmp_path, "--cache", root / "cache", "--device", "cpu",
                  "--models", "gated", "both")  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert {n: (tmp_path / "final" / n / "state.safetensors").stat().st_mtime_ns for n in MODELS} == trained
    more = load_checkpoint(tmp_path / "checkpoint")
    assert list(more.fusion) == ["cross", "self", "both", "gated"] == list(more.provenance["runs"])
    assert more.fusion["gated"].config.gated and more.fusion["both"].config.pairs == BOTH
    assert {name: more.calibration[name] for name in MODELS} == final.calibration
    for name in MODELS:
        for key, tensor in final.fusion[name].state_dict().items():
            assert torch.equal(more.fusion[name].state_dict()[key], tensor), key
    assert set(more.calibration["gated"]) == {subset_name(subset) for subset in SUBSETS}, "it answers from one modality"
    figures = json.loads((tmp_path / "checkpoint" / "held_out.json").read_text("utf-8"))
    assert set(figures["composed"]["text"]) == {"cross", "self", "both", "gated", "agreement"}
    assert load_checkpoint(tmp_path / "measured" / "checkpoint").calibration == more.calibration
    # The measured pair can be what is installed, with its own figures beside it.
    ran = command("train.py", "pair", "--root", root, "--runs", tmp_path, "--cache", root / "cache", "--device", "cpu",
                  "--measured-only", "--install", "--target", tmp_path / "installed")  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    installed = load_checkpoint(tmp_path / "installed")
    assert list(installed.fusion) == ["cross", "self"]
    beside = json.loads((tmp_path / "installed" / "held_out.json").read_text("utf-8"))
    assert beside["composed"]["text"]["self"] == figures["composed"]["text"]["self"]


def test_whom_a_pair_is_measured_on_is_said():
    said = [said_of(moments(WIDTHS, PEOPLE[who]), set(PEOPLE["both"])) for who in ("one", "both")]
    assert said == [
        (
            "Measured on 7 clips of people who are held out: javased/03. "
            "How sure verdicts on a single person may be is told by composed utterances."
        ),
        "Measured on 14 clips of people who are held out: javased/03, javased/08.",
    ]


def test_voices_are_there_to_learn_from_and_a_corpus_to_leave_out(root, quick, tmp_path, caplog):
    with pytest.raises(CorpusError, match="no corpus tesss of voices .* only ravdess"):
        VoiceData.read(root, tmp_path, without="tesss")
    with pytest.raises(CorpusError, match="no voices to learn from"):
        VoiceData.read(root, tmp_path, without="ravdess")
    save_ravdess(tmp_path / "few" / "ravdess", ("01",))
    data = VoiceData.read(tmp_path / "few", tmp_path)
    assert (len(data.train), len(data.held_out)) == (7, 0) and "held out: what is learned cannot" in caplog.text
    assert evaluate_voices(None, data.held_out, CPU) == {}, "nothing is measured, nothing fails"


def test_parts_without_faces_or_lines_are_named(tmp_path):
    save_fer2013(tmp_path / "fer2013", "train", 7)
    save_fer2013(tmp_path / "fer2013", "validation", 0)
    with pytest.raises(CorpusError, match="fer2013: the part validation in .* holds no face"):
        FaceData.read(tmp_path)
    save_meld(tmp_path / "meld", "train", 7)
    save_meld(tmp_path / "meld", "dev", 0)
    with pytest.raises(CorpusError, match="meld: the part dev in .* holds no line"):
        LineData.read(tmp_path)


def test_who_lacks_a_modality_does_not_end_the_table():
    labels = np.arange(7)
    both = HeldOutPredictions(labels, labels[:0], {("video", "audio"): {"self": np.eye(7)}}, np.zeros((0, 7)))
    face = replace(both, of_clips={("video",): {"self": np.eye(7)}})
    assert calibration_error([both, both, face], ("video", "audio"), "self") == pytest.approx(
        calibration_error([both, both], ("video", "audio"), "self")
    )
    assert calibration_error([both, face], ("video", "audio"), "self") is None


def test_the_only_corpus_of_voices_cannot_be_left_out(tmp_path):
    with pytest.raises(CorpusError, match="Without made there is no voice"):
        leave_out("made", banks(0), moments(WIDTHS, ("made/1",)), FeatureSettings(), SMALL, tmp_path, CPU)
    assert list(tmp_path.iterdir()) == []


def test_a_line_of_the_ablation_that_cannot_be_measured_is_found_first(tmp_path):
    voices = banks(0)["audio"]
    ablation = partial(Ablation, {"own": voices}, lines={}, faces={}, folder=tmp_path, device=CPU)
    with pytest.raises(CorpusError, match="no voices of those that validate"):
        ablation(unheard=frozenset({"made/nobody"})).try_out(Change("voice", "base"))
    with pytest.raises(CorpusError, match="no voices to learn from"):
        ablation(unheard=frozenset(voices.groups)).try_out(Change("voice", "base"))
    angry = {m: bank.select(bank.labels == 0) for m, bank in banks(1).items()}
    sad = banks(1)["text"].select(banks(1)["text"].labels == LABELS.index("sadness"))
    sad = replace(sad, values=np.zeros((len(sad.values), 768), np.float16))
    lines = {True: {"train": sad, "validation": sad}}
    faces = {"train": angry["video"], "validation": angry["video"]}
    made = Ablation({"own": voices}, frozenset(voices.groups[:12]), lines, faces, tmp_path, CPU)
    with pytest.raises(CorpusError, match="no class in common"):
        made.try_out(Change("together", "base"))


def test_a_corpus_without_its_test_part_is_named(tmp_path):
    index = {"name": "meld", "classes": ["a"], "features": "", "split": "", "ids": ["x"], "files": ["x"],
             "labels": [0], "groups": ["x"], "parts": ["train"], "modalities": []}  # fmt: skip
    (tmp_path / "meld.json").write_text(json.dumps(index))
    with pytest.raises(CorpusError, match="meld: no utterance of the part validation can be used"):
        open_stored(tmp_path / "meld.json", 5)


def test_folds_that_cannot_be_are_said_before_features_are_extracted(root, monkeypatch):
    monkeypatch.setattr("core.experiment.corpora.extract_corpus", None)
    for folds, said in ((2, "at least 3 folds"), (4, "there are 3 groups")):
        with pytest.raises(CorpusError, match=said):
            prepare_corpus("ravdess", Request(root / "ravdess", CPU, folds, cache=root / "paper"))


@pytest.mark.parametrize(("options", "said"), [
    (("train.py", "pair", "--root", ".", "--runs", "{}/runs"), "Nothing can be written into {}/runs: Not a directory."),
    (("paper.py", "--corpus", "synthetic-additive", "--out", "{}"), "Nothing can be written into {}: it is a file."),
    (("paper.py", "--corpus", "synthetic-additive", "--out", "{}-out", "--backend", "ray"), "Ray is not installed"),
    (("ablation.py", "--root", ".", "--runs", "{}"), "Nothing can be written into {}: it is a file."),
    (("leave_out.py", "people", "--root", ".", "--runs", "{}"), "Nothing can be written into {}: it is a file."),
    (("train.py", "words", "--root", ".", "--install"), "--install goes with pair"),
])  # fmt: skip
def test_a_command_says_before_it_begins_what_would_end_it(command, monkeypatch, tmp_path, options, said):
    (tmp_path / "file").touch()
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    ran = command(*(option.format(tmp_path / "file") for option in options))
    assert ran.returncode == 2 and said.format(tmp_path / "file") in ran.stderr and "Traceback" not in ran.stderr
