"""Training is resumable to the last digit, and its parts do what they say."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import LABELS, MODALITIES, MODELS, SUBSETS, subset_name
from core.corpora.layout import CorpusError
from core.datasets.augment import add_noise, altered_faces, change_speed, limit_band, other_recording, through_codec
from core.datasets.bank import build_bank, join_banks
from core.datasets.composed import compose
from core.datasets.multimodal import MultimodalClips
from core.device import Device, choose_device
from core.encoders.expression import ExpressionConfig, ExpressionNet, standardise
from core.encoders.features import FeatureSettings, pooled
from core.fusion.checkpoint import Checkpoint
from core.fusion.model import FusionConfig, FusionModel, LocalEncoder
from core.fusion.normalisation import Normalisation
from core.fusion.pairs import SELF
from core.media.reader import SAMPLE_RATE, Waveform
from core.metrics import classification_metrics, expected_calibration_error
from core.state_files import load_state
from core.training.ablation import Ablation, Change, columns, corpora_told_apart
from core.training.batches import NEUTRAL, PairRecipe, compose_batch
from core.training.calibration import fit_calibration, judge
from core.training.evaluation import LabelledUtterances, evaluate_subset
from core.training.face import FaceData, FaceRecipe, train_face_encoder
from core.training.leave_out import HeldOutPredictions, averaged, calibration_error, leave_out, together
from core.training.loop import Recipe, _learning_rate_factor, fit, overridden
from core.training.pair import PAIRS, batch_loss, train_fusion
from core.training.provenance import Run, provenance

CPU = choose_device("cpu")
WIDTHS = {"text": 8, "video": 9, "audio": 10}


def banks(seed: int, per_class: int = 12):
    """Three banks in which every modality tells the class, some more clearly than others."""
    chance = np.random.default_rng(seed)
    found = {}
    for modality, strength in zip(MODALITIES, (0.5, 1.0, 1.5), strict=True):
        labels = np.repeat(np.arange(7), per_class)
        signs = strength * np.eye(max(WIDTHS.values()))[:7, : WIDTHS[modality]]
        sequences = [chance.normal(0, 1, (chance.integers(2, 9), WIDTHS[modality])) + signs[c] for c in labels]
        found[modality] = build_bank(
            sequences, labels, [f"made/{i}" for i in range(len(labels))], np.zeros(len(labels)), 0
        )
    return found


NOTHING = Normalisation(
    {m: np.zeros(n, np.float32) for m, n in WIDTHS.items()}, {m: np.ones(n, np.float32) for m, n in WIDTHS.items()}
)
SMALL = PairRecipe(
    optimisation=Recipe(epochs=3, learning_rate=3e-3, ema_decay=0.9, monitor=""), batch=16, steps=6,
    local={"video": LocalEncoder(3), "audio": LocalEncoder(3, 2)}, voiceless=8,
    incongruent=0.1, noise=0.2, input_dropout={},
)  # fmt: skip


RECIPE = Recipe(epochs=4, learning_rate=0.01, monitor="accuracy")


def test_a_killed_run_ends_as_an_undisturbed_one(tmp_path, device):
    class Killed(Exception):
        pass

    def run(folder, die_in=None):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2))

        def batches(generator):
            for step in range(5):
                if die_in is not None and len(seen) == die_in * 5 + 2:
                    raise Killed
                seen.append(step)
                x = torch.randn(16, 4, generator=generator).to(device.name)
                yield x, (x[:, 0] > 0).long()

        seen: list[int] = []

        def loss(model, batch):
            return torch.nn.functional.cross_entropy(model(batch[0]), batch[1])

        def evaluate(model):
            x = torch.randn(64, 4, generator=torch.Generator().manual_seed(9)).to(device.name)
            return {"accuracy": float((model(x).argmax(1) == (x[:, 0] > 0)).float().mean())}

        return model, fit(model, replace(RECIPE, seed=3), batches, 5, loss, evaluate, folder, {"data": "x > 0"}, device)

    whole, history = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", die_in=2)
    resumed, history_resumed = run(tmp_path / "killed")
    assert history == history_resumed and len(history) == 4
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    lines = [json.loads(line) for line in (tmp_path / "killed" / "log.jsonl").read_text("utf-8").splitlines()]
    assert lines == history
    for recipe, data in ((Recipe(epochs=9, learning_rate=0.01), "x > 0"), (replace(RECIPE, seed=3), "x < 0")):
        with pytest.raises(ValueError, match="another recipe or other data"):
            fit(whole, recipe, None, 5, None, None, tmp_path / "whole", {"data": data}, device)
    # What ran is written down: seconds without interruptions, and every process that had a part in it.
    run = Run.read(tmp_path / "killed")
    assert run.seconds > 0 and [p["device"] for p in run.processes] == [str(device)]
    made = provenance(3, {"made": 5}, [tmp_path / "killed"])
    assert made["runs"]["killed"]["processes"] == run.processes and made["command"] == run.processes[-1]["command"]


def test_a_run_may_go_on_on_another_device_and_says_so(tmp_path):
    def go_on(epochs_before_it_dies, device):
        recipe, seen = Recipe(epochs=2, learning_rate=0.1, ema_decay=0.0, monitor=""), []

        def batches(generator):
            if len(seen) == epochs_before_it_dies:
                raise KeyboardInterrupt
            seen.append(1)
            yield torch.randn(4, 2, generator=generator)

        torch.manual_seed(0)
        model = torch.nn.Linear(2, 1)
        return fit(model, recipe, batches, 1, lambda m, x: m(x).square().mean(), lambda m: {}, tmp_path, {}, device)

    with pytest.raises(KeyboardInterrupt):
        go_on(1, Device("cpu", "bfloat16"))
    assert len(go_on(9, Device("cpu", "float32"))) == 2
    assert [p["device"].split(", ")[1] for p in Run.read(tmp_path).processes] == ["bfloat16", "float32"]


def test_both_models_learn_from_composed_utterances(tmp_path, device):
    train, held_out = banks(0), banks(1)
    validation = LabelledUtterances.composed(held_out, compose(held_out, 140, seed=0), NOTHING)
    models, calibration = {}, {}
    for name in ("cross", "self"):
        model, history = train_fusion(name, train, validation, NOTHING, SMALL, tmp_path / name, device)
        assert history[-1]["loss"] < history[0]["loss"]
        everything = validation.logits(model, MODALITIES).argmax(1)
        assert classification_metrics(validation.labels, everything)["balanced_accuracy"] > 2 / 7
        models[name], calibration[name] = model, fit_calibration(judge(model, {"held out": validation}))
        assert len(calibration[name]) == {"cross": 4, "self": 7}[name]
        assert all(found.temperature > 0 and 0 <= found.threshold <= 1 for found in calibration[name].values())
    checkpoint = Checkpoint(None, models, FeatureSettings(), NOTHING, calibration, {}, {})
    result = {subset_name(subset): evaluate_subset(checkpoint, validation, subset) for subset in SUBSETS}
    assert result["audio"]["cross"] is None and result["audio"]["agreement"] is None
    everything = result["text+video+audio"]
    assert everything["self"]["n"] == 140 and 0 <= everything["agreement"] <= 1
    assert all(figures["self"]["coverage"] >= 0.9 for figures in result.values()), "what the thresholds were fitted on"
    assert everything["self"]["balanced_accuracy"] > result["text"]["self"]["balanced_accuracy"]
    # A prior that leaves one class only.
    only_fear = np.log(np.where(np.arange(7) == 2, 1, 1e-300))
    assert evaluate_subset(checkpoint, validation, ("audio",), only_fear)["self"]["recall"]["fear"] == 1


def test_every_set_of_modalities_is_taught_what_its_members_say():
    chance, train = np.random.default_rng(0), banks(0)
    recipe = PairRecipe(batch=400, incongruent=0.5, neutral={"text": 0.5}, noise=0.0, smoothing=0.0)
    batch = compose_batch(train, NOTHING, list(SUBSETS), recipe, chance)
    assert all((batch.inputs[m].lengths > 0).all() for m in MODALITIES) and set(batch.targets) == set(SUBSETS)
    for target in batch.targets.values():
        torch.testing.assert_close(target.sum(1), torch.ones(len(target)))
    # The label of a set is the mean of what its members say: 1, or 2/3 and 1/3 with a stranger among three.
    alone = [batch.targets[(m,)] for m in MODALITIES]
    together = batch.targets[MODALITIES]
    torch.testing.assert_close(together, torch.stack(alone).mean(0))
    # Neutral words carry the label of the others, alone too.
    lines = train["text"]
    known = {lines.sequence(i)[0].tobytes() for i in np.flatnonzero(lines.labels == NEUTRAL)}
    neutral = [first.numpy().astype(np.float16).tobytes() in known for first in batch.inputs["text"].values[:, 0]]
    misleading = torch.tensor(neutral) & (batch.targets[("text",)].argmax(1) != NEUTRAL)
    assert 0.15 < misleading.float().mean() < 0.35
    shares = together.max(1).values
    assert ((shares - 1).abs().minimum((shares - 2 / 3).abs()) < 1e-6).all() and 0.3 < (shares < 1).float().mean() < 0.6


def test_what_people_disagree_about_is_taught_as_they_see_it():
    train = {"video": banks(0)["video"]}
    said = np.eye(7, dtype=np.float32)[train["video"].labels] * 0.6
    said[:, 2] += 0.4
    train = {"video": replace(train["video"], soft_labels=said)}
    recipe = replace(SMALL, batch=200, incongruent=0.0, neutral={}, calm=0.0, smoothing=0.0)
    batch = compose_batch(train, NOTHING, [("video",)], recipe, np.random.default_rng(0))
    target = batch.targets[("video",)]
    torch.testing.assert_close(target.sum(1), torch.ones(200))
    assert torch.allclose(target[:, 2].unique(), torch.tensor([0.4, 1.0])) and target.max(1).values.min() == 0.6
    # It stays with its sequence in a part of a bank, and is part of what a bank is.
    some = join_banks([train["video"], banks(1)["video"]]).select(np.arange(168) % 2 == 0)
    np.testing.assert_array_equal(some.soft_labels[:42], said[::2])
    np.testing.assert_array_equal(some.soft_labels[42:], np.eye(7)[some.labels[42:]])
    assert train["video"].fingerprint != banks(0)["video"].fingerprint


def test_who_is_left_out_is_met_by_neither_voice_nor_clip(tmp_path, monkeypatch):
    names = np.array(["acted/1", "acted/12", "other/1"])
    voices = banks(0)["audio"]
    train = banks(0) | {"audio": replace(voices, groups=names[np.arange(84) % 3])}
    clips = {m: [bank.sequence(i) for i in range(84)] for m, bank in banks(1).items()} | {
        "text": [np.zeros((0, 8))] * 84
    }
    moments = MultimodalClips(voices.labels, clips, names[np.arange(84) % 2])
    seen = {}

    def without_training(name, banks, validation, normalisation, recipe, folder, device, moments):
        seen[folder] = {
            "voices": set(banks["audio"].groups),
            "clips": set(moments.groups if moments else ()),
            "n": len(banks["text"]),
        }
        torch.manual_seed(0)
        return FusionModel(FusionConfig(PAIRS[name], WIDTHS)).eval(), []

    monkeypatch.setattr("core.training.leave_out.train_fusion", without_training)
    person = leave_out("acted/1", train, moments, FeatureSettings(), SMALL, tmp_path, CPU)
    corpus = leave_out("acted", train, moments, FeatureSettings(), SMALL, tmp_path, CPU)
    assert seen == {
        tmp_path / "acted-1" / m: {"voices": {"acted/12", "other/1"}, "clips": {"acted/12"}, "n": 84} for m in MODELS
    } | {tmp_path / "acted" / m: {"voices": {"other/1"}, "clips": set(), "n": 84} for m in MODELS}
    assert (len(person.clips), len(person.voices), len(corpus.clips), len(corpus.voices)) == (42, 28, 84, 56)
    assert (
        set(corpus.of_clips) == {("video",), ("audio",), ("video", "audio")}
        and "cross" not in corpus.of_clips["video",]
    )
    # A clip without a voice counts where it has what is asked for.
    clips["audio"][0] = clips["audio"][0][:0]
    muted = leave_out("acted/1", train, moments, FeatureSettings(), SMALL, tmp_path, CPU)
    assert np.isnan(muted.of_clips["video", "audio"]["self"]).all(1).tolist() == [True] + [False] * 41
    assert muted.of_set(("video",), "self") == person.of_set(("video",), "self")
    both = together([person, leave_out("acted/12", train, moments, FeatureSettings(), SMALL, tmp_path, CPU)])
    assert len(both.clips) == 84 and len(both.voices) == 56
    predicted = both.of_clips["video", "audio"]["cross"].argmax(1)
    expected = np.mean([np.mean(predicted[both.clips == c] == c) for c in range(7)])
    assert both.of_set(("video", "audio"), "cross") == pytest.approx(expected)
    assert both.of_set(("video",), "cross") is both.of_set(("text",), "self") is None


def test_several_trainings_say_the_mean_of_their_probabilities():
    shares = np.array([[[0.7, 0.1, 0.2]], [[0.2, 0.5, 0.3]]])  # [training, voice, class]
    subset = ("video", "audio")
    each = [
        HeldOutPredictions(
            np.array([0, 1]), np.array([2]),
            {subset: {"self": np.array([*np.log(of) + shift, [np.nan] * 3])}}, np.log(of) - shift,
        )
        for of, shift in zip(shares, (3.0, -1.0), strict=True)
    ]  # fmt: skip
    mean = averaged(each)
    np.testing.assert_allclose(np.exp(mean.of_voices), [[0.45, 0.3, 0.25]])
    np.testing.assert_allclose(np.exp(mean.of_clips[subset]["self"][0]), [0.45, 0.3, 0.25])
    assert np.isnan(mean.of_clips[subset]["self"][1]).all(), "a clip that lacks one of them still lacks it"
    assert mean.judged(subset, "self")[0].tolist() == [0] and mean.voices.tolist() == [2]


def test_how_sure_verdicts_on_a_person_may_be_is_what_fits_the_others():
    """Of equally sure verdicts the best temperature makes confidence the share that is right: here the other's."""

    def judged(right: int) -> HeldOutPredictions:
        labels = np.where(np.arange(20) < right, 2, 5)
        return HeldOutPredictions(
            labels, labels[:0], {("video", "audio"): {"self": np.tile(3.0 * np.eye(7)[2], (20, 1))}}, labels
        )

    people = [judged(17), judged(13)]
    assert calibration_error(people, ("video", "audio"), "self") == pytest.approx(0.85 - 0.65, abs=1e-3)
    assert calibration_error([people[0]] * 2, ("video", "audio"), "self") == pytest.approx(0, abs=1e-3)


def test_a_corpus_is_told_by_its_room_and_by_nothing_else():
    chance = np.random.default_rng(0)

    def recorded(room):
        steps = [chance.normal(0, 1, (12, 6)) for _ in range(240)]
        groups = [f"{'here' if i % 3 else 'there'}/{i % 24}" for i in range(240)]
        steps = [step + room * groups[i].startswith("here") for i, step in enumerate(steps)]
        return build_bank(steps, np.zeros(240, int), groups, np.zeros(240), 50)

    assert corpora_told_apart(recorded(room=2.0)) == 1
    assert 0.35 < corpora_told_apart(recorded(room=0.0)) < 0.65


def without(bank, label):
    """The bank without a class."""
    return bank.select(bank.labels != label)


def test_a_class_that_a_corpus_lacks_is_absent_and_divides_nothing_by_zero(tmp_path):
    disgust = LABELS.index("disgust")
    train = banks(0)
    train = {m: without(bank, disgust) if m != "audio" else bank for m, bank in train.items()}  # voices alone have it
    recipe = replace(SMALL, batch=300, incongruent=0.0, neutral={}, calm=0.0, noise=0.0, smoothing=0.0)
    with np.errstate(all="raise"):
        batch = compose_batch(train, NOTHING, list(SUBSETS), recipe, np.random.default_rng(0))
        assert np.isfinite(batch.log_share.numpy()).all()
        disgusted = batch.targets[("audio",)][:, disgust] == 1
        assert 0.05 < disgusted.float().mean() < 0.35
        for modality in ("text", "video"):
            assert ((batch.inputs[modality].lengths == 0) == disgusted).all()
        for subset in set(SUBSETS) - {("audio",)}:
            assert not batch.targets[subset][disgusted].any() and batch.targets[subset][~disgusted].any(1).all()
    torch.manual_seed(0)
    model = FusionModel(FusionConfig(SELF, WIDTHS))
    value = batch_loss(model, batch, recipe)
    value.backward()
    assert torch.isfinite(value) and all(torch.isfinite(p.grad).all() for p in model.parameters())
    utterances = compose(train, 60, seed=0)
    assert {u.label for u in utterances} == set(range(7)) - {disgust}
    nothing = {
        m: without(bank, disgust) if m == "audio" else bank.select(bank.labels == disgust)
        for m, bank in banks(0).items()
    }
    with pytest.raises(CorpusError, match="no class in common"):
        compose(nothing, 10, seed=0)


def test_corpora_are_drawn_equally_often_however_large_they_are():
    small, large = banks(0, per_class=2)["audio"], banks(1, per_class=40)["audio"]
    joined = join_banks([replace(small, groups=np.char.replace(small.groups, "made", "small")), large])
    assert [len(pools) for pools in joined.pools] == [2] * 7 and joined.has.all()
    train = banks(0) | {"audio": joined}
    drawn = [joined.corpora[u.indices["audio"]] for u in compose(train, 280, seed=0)]
    assert drawn.count("small") == 140
    recipe = replace(SMALL, batch=400, incongruent=0.0, noise=0.0)
    batch = compose_batch(train, NOTHING, list(SUBSETS), recipe, np.random.default_rng(0))
    firsts = {tuple(sequence[0].tolist()) for sequence in map(small.sequence, range(len(small)))}
    whole = [tuple(np.float16(v).tolist()) for v in batch.inputs["audio"].values[:, 0].numpy()]
    assert 0.2 < np.mean([row in firsts for row in whole]) < 0.6  # half of them, less those cut at their beginning


def test_n_modalities_are_taught_n_times_their_logits():
    recipe = PairRecipe(batch=6, noise=0.0, alone=3.0)
    torch.manual_seed(0)
    model = FusionModel(FusionConfig(SELF, WIDTHS)).eval()
    batch = compose_batch(banks(0), NOTHING, list(SUBSETS), recipe, np.random.default_rng(0))
    total, weights = 0.0, 0.0
    for subset in SUBSETS:
        logits = len(subset) * model({m: batch.inputs[m] for m in subset}).logits + batch.log_share
        weight = 3.0 if len(subset) == 1 else 1.0
        total -= weight * (batch.targets[subset] * logits.log_softmax(1)).sum(1).mean()
        weights += weight
    torch.testing.assert_close(batch_loss(model, batch, recipe), total / weights)
    whole = compose_batch(banks(0), NOTHING, [MODALITIES], replace(recipe, every_set=False), np.random.default_rng(0))
    expected = 3 * model(whole.inputs).logits + whole.log_share
    torch.testing.assert_close(
        batch_loss(model, whole, replace(recipe, every_set=False)),
        -(whole.targets[MODALITIES] * expected.log_softmax(1)).sum(1).mean(),
    )


def test_joined_banks_keep_their_sequences():
    one, other = banks(0)["audio"], banks(1)["audio"]
    joined = join_banks([one, other])
    assert len(joined) == len(one) + len(other) and joined.offsets[-1] == len(joined.values)
    assert np.array_equal(joined.sequence(3), one.sequence(3))
    assert np.array_equal(joined.sequence(len(one) + 5), other.sequence(5))
    assert joined.labels[len(one) + 5] == other.labels[5]


def test_a_finished_run_is_not_taken_for_one_on_other_data(tmp_path):
    short = overridden(SMALL, epochs=1)
    train_fusion("self", banks(0), None, NOTHING, short, tmp_path, CPU)
    train_fusion("self", banks(0), None, NOTHING, short, tmp_path, CPU)  # the same: read back
    for data, recipe in ((banks(1), short), (banks(0), replace(short, noise=0.1))):
        with pytest.raises(ValueError, match="other data"):
            train_fusion("self", data, None, NOTHING, recipe, tmp_path, CPU)


def test_validation_is_logged_and_the_last_epoch_kept(tmp_path):
    model, history = train_fusion("self", banks(0), None, NOTHING, SMALL, tmp_path, CPU)
    assert len(history) == SMALL.optimisation.epochs and set(history[0]) == {"epoch", "loss", "learning_rate"}
    watched = LabelledUtterances.composed(banks(1), compose(banks(1), 70, seed=0), NOTHING)
    same, seen = train_fusion("self", banks(0), watched, NOTHING, SMALL, tmp_path / "watched", CPU)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), same.parameters(), strict=True))
    assert set(seen[0]) - set(history[0]) == {"balanced_accuracy", *map(subset_name, SUBSETS)}
    state = load_state(tmp_path / "state.safetensors")
    averaged = {name.removeprefix("module."): value for name, value in state["averaged"].items()}
    assert all(torch.equal(value, averaged[name]) for name, value in model.state_dict().items())


def test_each_line_of_the_ablation_holds_out_actors_and_changes_what_it_says(tmp_path):
    chance, actors = np.random.default_rng(0), [f"made/{actor:02}" for actor in range(8)]
    each = [(actor, label, variant) for actor in actors for label in range(7) for variant in (0, 1)]
    steps = [chance.normal(label, 1, (3, 4)) for _, label, _ in each]
    voices = build_bank(steps, [e[1] for e in each], [e[0] for e in each], [e[2] for e in each], 12.5)
    published = replace(voices, values=voices.values[:, :3])
    unheard = frozenset({"made/01", "made/05"})
    ablation = Ablation({"own": voices, "published": published}, unheard, {}, {}, tmp_path, CPU)
    recipe = overridden(SMALL, epochs=1)
    change = Change("voice", "as published", recipe, hearing="published")
    parts = ablation._parts(change)
    train, held_out = parts["train"]["audio"], parts["validation"]["audio"]
    assert set(held_out.groups) == {"made/01", "made/05"} and not set(train.groups) & set(held_out.groups)
    assert train.variants.max() == held_out.variants.max() == 1 and list(parts["train"]) == ["audio"]
    heard = voices.select(np.isin(voices.groups, train.groups))
    assert np.array_equal(train.values, heard.values[:, :3])
    lines = replace(voices, values=np.zeros((1, 768), np.float16))
    assert columns(lines, [1]).values.shape[1] == 384
    figures = ablation.measure(change, seed=1)
    assert set(figures) == {"balanced accuracy", "re-recorded", "corpora told apart"}
    assert figures == ablation.measure(change, seed=1)


def test_pooled_steps_are_means_in_value_and_time():
    values, times = pooled(np.arange(10, dtype=np.float32)[:, None], np.arange(10) / 50, 4)
    assert values.ravel().tolist() == [1.5, 5.5, 8.5] and values.dtype == np.float32  # the last of two states
    np.testing.assert_allclose(times, [0.03, 0.11, 0.17])
    assert FeatureSettings(audio_pooling=4).audio_rate == 12.5


def test_composition_shares_the_class_and_spreads_over_the_corpus():
    train = banks(0)
    utterances = compose(train, 70, seed=4)
    for utterance in utterances:
        assert {int(train[m].labels[i]) for m, i in utterance.indices.items()} == {utterance.label}
    assert np.bincount([u.label for u in utterances]).tolist() == [10] * 7
    assert len({u.indices["audio"] for u in utterances}) == 70  # none twice before all once
    assert compose(train, 70, seed=4) == utterances


def test_metrics_by_hand():
    truth, predicted = np.array([0, 0, 0, 0, 3, 3]), np.array([0, 0, 0, 3, 3, 0])
    metrics = classification_metrics(truth, predicted)
    assert metrics["accuracy"] == pytest.approx(4 / 6)
    assert metrics["balanced_accuracy"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert metrics["recall"]["anger"] == 0.75 and metrics["recall"]["fear"] is None
    assert metrics["confusion"][0][:4] == [3, 0, 0, 1] and np.shape(metrics["confusion"]) == (7, 7)
    assert metrics["macro_f1"] == pytest.approx((0.75 + 0.5) / 2) and metrics["n"] == 6
    assert metrics["weighted_f1"] == pytest.approx((4 * 0.75 + 2 * 0.5) / 6)
    # A class that is only said takes from the F1 of those for which it is said, and has none of its own.
    odd = classification_metrics(np.array([0, 0, 3]), np.array([0, 2, 3]))
    assert odd["macro_f1"] == pytest.approx((2 / 3 + 1) / 2) and odd["weighted_f1"] == pytest.approx(
        (2 * 2 / 3 + 1) / 3
    )
    # Two bins: confidence 0.95 always right, 0.55 right half of the time.
    probabilities = np.zeros((4, 7))
    probabilities[:2, 0], probabilities[:2, 1] = 0.95, 0.05
    probabilities[2:, 0], probabilities[2:, 1] = 0.55, 0.45
    expected = (2 * 0.05 + 2 * 0.05) / 4
    assert expected_calibration_error(np.array([0, 0, 0, 1]), probabilities) == pytest.approx(expected)


def test_the_face_encoder_ignores_brightness_and_contrast_and_mirrors_agree():
    torch.manual_seed(0)
    network = ExpressionNet().eval()
    crops = torch.randint(40, 120, (4, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(network(crops), network(crops * 2 + 10), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(network.embed(crops), network.embed(crops.flip(2)))
    assert network.embed(crops).shape == (4, network.config.embedding)
    assert standardise(torch.full((1, 48, 48), 7)).abs().max() == 0


def test_the_face_encoder_learns_again_from_labels_and_its_teacher(tmp_path, device):
    chance = np.random.default_rng(0)
    (tmp_path / "fer2013").mkdir()
    for split, count in (("train", 64), ("validation", 21)):
        labels = np.arange(count) % 7
        images = chance.integers(0, 60, (count, 48, 48)) + 6 * labels[:, None, None] * (np.arange(48) > 24)
        np.savez(tmp_path / "fer2013" / f"{split}.npz", images=images.astype(np.uint8), labels=labels)
    data = FaceData.read(tmp_path)
    assert {part: found["n"] for part, found in data.described.items()} == {
        "fer2013/train": 64, "fer2013/validation": 21,
    }  # fmt: skip
    tiny = ExpressionConfig(widths=(4, 8), blocks=1)
    once = Recipe(epochs=1, learning_rate=0.02, optimiser="sgd", ema_decay=0.5, monitor="accuracy")
    recipe = FaceRecipe(tiny, once, (replace(once, epochs=2), replace(once, seed=1)), batch=16)
    run = tmp_path / "run"
    model, histories = train_face_encoder(data, recipe, run, device)
    assert {folder.name: len(h) for folder, h in histories.items()} == {
        "first": 1,
        "generation-2": 2,
        "generation-3": 1,
    }
    assert model.cpu().embed(torch.zeros(3, 48, 48)).shape == (3, 8)
    teachers = [load_state(run / f"generation-{n}" / "teacher.safetensors")["probabilities"] for n in (2, 3)]
    for teacher in teachers:
        assert teacher.shape == (64, 7)
        torch.testing.assert_close(teacher.sum(1), torch.ones(64))
    assert not torch.equal(*teachers)
    again, same = train_face_encoder(data, recipe, run, device)  # finished: nothing is trained
    assert same == histories
    assert all(torch.equal(a, b.cpu()) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    # One generation more goes on from there; other faces or another recipe do not.
    fewer = replace(recipe, generations=recipe.generations[:1])
    assert list(train_face_encoder(data, fewer, run, device)[1]) == list(histories)[:2]
    other = replace(data, described=data.described | {"fer2013/train": {"n": 64, "sha256": "another"}})
    for changed, how in ((other, recipe), (data, replace(recipe, smoothing=0.2))):
        with pytest.raises(ValueError, match="other data"):
            train_face_encoder(changed, how, run, device)
    # A teacher whose share is nothing leaves other targets.
    _, stubborn = train_face_encoder(data, replace(recipe, teacher_share=0.0), tmp_path / "stubborn", device)
    assert stubborn[tmp_path / "stubborn" / "first"] == histories[run / "first"]
    second, unmoved = histories[run / "generation-2"], stubborn[tmp_path / "stubborn" / "generation-2"]
    assert second[0]["loss"] != unmoved[0]["loss"]


def test_the_learning_rate_rises_falls_and_begins_anew():
    recipe = Recipe(epochs=30, learning_rate=1.0, warmup=0.1, restarts=(10,))
    factors = [_learning_rate_factor(epoch, recipe) for epoch in (0, 0.5, 1, 5.5, 10 - 1e-9, 10, 12, 21, 30)]
    assert factors == pytest.approx([0.01, 0.5, 1, 0.5, 0, 0.01, 1, 0.5, 0], abs=1e-6)


def test_augmented_faces_stay_faces():
    images = torch.randint(0, 255, (32, 48, 48), dtype=torch.uint8)
    altered = altered_faces(images, torch.Generator().manual_seed(0), erase=0.3)
    assert altered.shape == (32, 48, 48) and altered.min() >= 0 and altered.max() <= 255
    assert not torch.allclose(altered, images.float())
    assert torch.equal(altered, altered_faces(images, torch.Generator().manual_seed(0), erase=0.3))


def test_other_recordings_of_a_voice():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time)

    def level(samples, low, high):
        spectrum = np.abs(np.fft.rfft(samples)) ** 2
        frequency = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
        return spectrum[(frequency >= low) & (frequency < high)].sum()

    assert len(change_speed(tone, 1.1)) == pytest.approx(SAMPLE_RATE / 1.1, abs=2)
    noisy = add_noise(tone, 20.0, 1.0, np.random.default_rng(0))
    assert 10 * np.log10((tone**2).mean() / ((noisy - tone) ** 2).mean()) == pytest.approx(20, abs=0.1)
    muffled = limit_band(np.random.default_rng(0).standard_normal(SAMPLE_RATE), 300, 3400)
    assert level(muffled, 6000, 8000) < 0.1 * level(muffled, 1000, 3000)
    coded = through_codec(tone.astype(np.float32), 24_000)
    assert level(coded, 900, 1100) > 0.8 * level(coded, 0, 8000)
    for seed in range(8):
        other = other_recording(Waveform(tone.astype(np.float32)), np.random.default_rng(seed))
        assert other.samples.dtype == np.float32 and np.isfinite(other.samples).all()
        assert 0.01 < np.abs(other.samples).max() <= 1.2 and other.duration == pytest.approx(1, abs=0.2)
    assert LABELS[0] == "anger"
