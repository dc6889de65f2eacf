"""What was it worth: games by hand, parts that are truly gone, even attention, and what a file keeps of it."""

import json
import time
from copy import copy, deepcopy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made import analysis
from torch import nn

from core import LABELS, MODALITIES, SUBSETS, subset_name
from core.analysis.analyzer import Analyzer
from core.analysis.attribution import Attribution, spans
from core.analysis.attributor import MAX_PARTS, even_stream, measure, parts_of
from core.analysis.shapley import shapley, synergy
from core.encoders.transcript import Transcript, Word
from core.encoders.utterance import FeatureSequence
from core.experiment.folds import thin
from core.fusion.attention import AttentionMap, received
from core.fusion.model import FusionConfig, FusionModel, LocalEncoder, Padded, with_steps
from core.fusion.normalisation import Normalisation
from core.fusion.pairs import CROSS, SELF
from core.fusion.prediction_sets import Calibration
from core.fusion.reference import STEPS, reference_config

WIDTHS = {"text": 5, "video": 6, "audio": 7}
LOCAL = {"video": LocalEncoder(3), "audio": LocalEncoder(5, 2)}


def test_a_game_of_three_by_hand():
    # Voice alone is worth 0.3, words alone 0.1, a face nothing; face and words together 0.2 more than each alone.
    game = {
        (): 0.1, ("text",): 0.2, ("video",): 0.1, ("audio",): 0.4, ("text", "video"): 0.4, ("text", "audio"): 0.5,
        ("video", "audio"): 0.4, ("text", "video", "audio"): 0.7,
    }  # fmt: skip
    game = {players: np.array([value]) for players, value in game.items()}
    worth = shapley(game, MODALITIES)
    assert {m: w[0] for m, w in worth.items()} == pytest.approx({"text": 0.2, "video": 0.1, "audio": 0.3})
    assert sum(worth.values())[0] == pytest.approx(0.7 - 0.1)
    together = {pair: v[0] for pair, v in synergy(game, MODALITIES).items()}
    assert together == pytest.approx(
        {("text", "video"): 0.2, ("text", "audio"): 0.0, ("video", "audio"): 0.0}, abs=1e-9
    )


def test_a_game_of_two_and_of_one_by_hand():
    game = {(): np.array([0.1]), ("a",): np.array([0.5]), ("b",): np.array([0.2]), ("a", "b"): np.array([0.4])}
    assert {p: w[0] for p, w in shapley(game, ("a", "b")).items()} == pytest.approx({"a": 0.3, "b": 0.0})
    assert synergy(game, ("a", "b"))["a", "b"][0] == pytest.approx(0.4 - 0.5 - 0.2 + 0.1)
    assert shapley(game, ("a",))["a"][0] == pytest.approx(0.4) and synergy(game, ("a",)) == {}


def test_even_attention_by_hand():
    attention = nn.MultiheadAttention(2, 1, batch_first=True)
    with torch.no_grad():
        attention.in_proj_weight.copy_(torch.cat([torch.randn(4, 2), torch.eye(2)]))
        attention.in_proj_bias.copy_(torch.tensor([7.0, 7, 7, 7, 0, 1]))
        attention.out_proj.weight.copy_(2 * torch.eye(2))
        attention.out_proj.bias.copy_(torch.tensor([0.5, 0]))
        key = Padded(torch.tensor([[[1.0, 2], [3, 4], [99, 99]]]), torch.tensor([2]))
        assert even_stream(attention, key).tolist() == [[4.5, 8.0]]  # the mean (2, 3), (2, 4) as a value, doubled


def test_attention_received_by_hand():
    weights = np.array([[[0.7, 0.3], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]]], np.float32)  # two heads
    times = np.array([0.1, 0.2])
    maps = {("audio", "text"): AttentionMap("audio", "text", weights, times, times)}
    found = received(maps, "text")
    np.testing.assert_allclose(found[1], [2 * 0.55, 2 * 0.45], rtol=1e-6)
    assert received(maps, "audio") is None


@pytest.fixture(scope="module")
def tiny() -> Analyzer:
    """Both models with widths of a few, chance weights, and none of what reads a clip."""
    torch.manual_seed(3)
    analyzer = Analyzer.__new__(Analyzer)
    analyzer.device = "cpu"
    analyzer.models = {
        name: FusionModel(FusionConfig(pairs, WIDTHS, LOCAL, width=12, heads=3, bottleneck=4)).eval()
        for name, pairs in (("cross", CROSS), ("self", SELF))
    }
    for model in analyzer.models.values():  # verdicts that differ, and attention far from even
        model.classifier.weight.data *= 20
        for attention in model.attention.values():
            attention.in_proj_weight.data *= 4
    analyzer.checkpoint = SimpleNamespace(
        normalisation=Normalisation(
            {m: np.full(w, 0.3, np.float32) for m, w in WIDTHS.items()},
            {m: np.full(w, 1.5, np.float32) for m, w in WIDTHS.items()},
        ),
        calibration={
            name: {subset_name(s): Calibration(1 + 0.1 * i, 0.2) for i, s in enumerate(SUBSETS)}
            for name in analyzer.models
        },
    )
    return analyzer


def read(analyzer: Analyzer, counts: dict[str, int], duration: float = 4.0, **changes):
    """An analysis of chance sequences with so many steps, as if a clip had been read."""
    chance = np.random.default_rng(5)
    widths = {m: len(mean) for m, mean in analyzer.checkpoint.normalisation.mean.items()}
    sequences = {
        m: FeatureSequence(
            chance.standard_normal((n, widths[m])).astype(np.float32), (np.arange(n) + 0.5) * duration / n
        )
        for m, n in counts.items()
    }
    words = tuple(Word(f"w{i}", float(t) - 0.1, float(t) + 0.1, 1.0) for i, t in enumerate(sequences["text"].times))
    return replace(
        analysis(duration=duration),
        sequences=sequences, transcript=Transcript(words), predictions=analyzer.predict_from(sequences), **changes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tiny):
    """A clip of four words, twenty faces and forty steps of voice, and what everything in it is worth."""
    made = read(tiny, {"text": 4, "video": 20, "audio": 40})
    return made, measure(tiny, made)


def test_leaving_out_equals_analysing_without(tiny, whole):
    made, worth = whole
    assert {m: len(p.steps) for m, p in worth.parts.items()} == {"text": 4, "video": 8, "audio": 8}
    for modality, row in (("text", 0), ("text", 3), ("video", 7), ("audio", 0), ("audio", 5), ("audio", 7)):
        sequence = made.sequences[modality]
        kept = worth.parts[modality].owners != row
        assert kept.sum() == len(kept) - worth.parts[modality].steps[row]
        fewer = FeatureSequence(sequence.values[kept], sequence.times[kept])
        alone = tiny.predict_from({**made.sequences, modality: fewer})
        for used in SUBSETS:
            if modality not in used:
                continue
            for model, verdict in alone[used].verdicts().items():
                found = worth.of(model, used)
                if verdict is None:
                    assert model == "cross" and len(used) == 1 and found is None
                    continue
                np.testing.assert_allclose(found.occluded[modality][row], verdict.probabilities, atol=1e-6)
                before = made.predictions[used].verdicts()[model].probabilities
                np.testing.assert_allclose(
                    found.effect(modality)[row], before - verdict.probabilities, atol=1e-6
                )  # positive: it spoke for the class
    assert np.abs(worth.of("cross", MODALITIES).effect("text")).max() > 1e-3, "something is worth something"


def test_what_is_left_out_is_never_read(tiny, whole):
    made, worth = whole
    spoilt = made.sequences["text"].values.copy()
    spoilt[2] = np.nan
    broken = replace(made, sequences={**made.sequences, "text": FeatureSequence(spoilt, made.sequences["text"].times)})
    found = measure(tiny, broken).of("cross", MODALITIES).occluded["text"]
    np.testing.assert_allclose(found[2], worth.of("cross", MODALITIES).occluded["text"][2], atol=1e-6)
    assert np.isnan(found[0]).all(), "the others did read it"


def test_the_only_part_of_a_modality_takes_it_along(tiny):
    made = read(tiny, {"text": 1, "video": 20, "audio": 40})
    worth = measure(tiny, made)
    without = worth.of("cross", MODALITIES).occluded["text"][0]
    np.testing.assert_allclose(without, made.predictions["video", "audio"].cross.probabilities, atol=1e-12)
    assert np.isnan(worth.of("cross", ("text", "video")).occluded["text"]).all(), "one modality says nothing there"
    np.testing.assert_allclose(worth.of("self", ("text",)).occluded["text"][0], 1 / 7), "nothing left: the baseline"


def test_even_attention_is_that_of_a_model_whose_scores_are_all_equal(tiny, whole):
    made, worth = whole
    even = deepcopy(tiny)
    for model in even.models.values():
        for attention in model.attention.values():
            attention.in_proj_weight.data[: 2 * 12] = 0  # queries and keys: every score is 0
            attention.in_proj_bias.data[: 2 * 12] = 0
    predictions = even.predict_from(made.sequences)
    for used in SUBSETS:
        for model, verdict in predictions[used].verdicts().items():
            if verdict:
                np.testing.assert_allclose(worth.of(model, used).uniform_attention, verdict.probabilities, atol=1e-6)
    found = worth.of("self", MODALITIES)
    assert np.abs(found.uniform_attention - found.probabilities).max() > 1e-3


def test_modalities_share_the_verdict_and_cross_invents_no_value(whole):
    made, worth = whole
    for used in SUBSETS:
        found = worth.of("self", used)
        np.testing.assert_allclose(sum(found.shapley.values()), found.probabilities - 1 / 7, atol=1e-12)
        rest = {m: tuple(o for o in used if o != m) for m in used}
        for m, others in rest.items():
            before = made.predictions[others].self_.probabilities if others else 1 / 7
            np.testing.assert_allclose(found.marginal[m], found.probabilities - before, atol=1e-12)
        crossed = worth.of("cross", used)
        if len(used) == 1:
            assert crossed is None
            continue
        assert crossed.shapley is None and crossed.synergy is None
        assert set(crossed.marginal) == (set(MODALITIES) if len(used) == 3 else set())
    crossed = worth.of("cross", MODALITIES)
    pair = made.predictions["text", "audio"].cross.probabilities
    np.testing.assert_allclose(crossed.marginal["video"], crossed.probabilities - pair, atol=1e-12)


def test_all_of_a_modality_is_left_out_as_its_parts_are(tiny, whole):
    """Attribution and table of modalities tell one story: both hold the verdict less the one without."""
    made, worth = whole
    for model, used in (("self", MODALITIES), ("cross", MODALITIES), ("self", ("text", "video"))):
        found = worth.of(model, used)
        for m in used:
            rest = made.predictions[tuple(o for o in used if o != m)].verdicts()[model]
            np.testing.assert_allclose(found.effect_of_all(m), found.probabilities - rest.probabilities, atol=1e-12)
    assert np.isnan(worth.of("cross", ("text", "video")).effect_of_all("text")).all(), "undefined, not 0"
    one = measure(tiny, read(tiny, {"text": 4, "video": 2, "audio": 40}, duration=0.4)).of("self", MODALITIES)
    np.testing.assert_allclose(one.effect("video")[0], one.effect_of_all("video"), atol=1e-12)


def test_looked_at_is_attention_received_and_the_difference_of_the_models(whole):
    made, worth = whole
    for model in ("cross", "self"):
        found = worth.of(model, MODALITIES)
        verdict = made.everything.verdicts()[model]
        np.testing.assert_allclose(found.attention_received["text"], received(verdict.attention, "text")[1], atol=1e-12)
        times, shares = received(verdict.attention, "audio")  # every second step, half seconds
        first = shares[times < 0.5].mean()
        assert found.attention_received["audio"][0] == pytest.approx(first)
    difference = worth.cross_minus_self("video", MODALITIES)
    by_model = [worth.of(model, MODALITIES).attention_received["video"] for model in ("cross", "self")]
    np.testing.assert_allclose(difference, by_model[0] - by_model[1])
    assert worth.cross_minus_self("video", ("video",)) is None
    assert worth.cross_minus_self("video", ("text", "audio")) is None


def test_parts_are_words_half_seconds_and_faces_and_never_too_many():
    times = np.array([0.1, 0.4, 0.6, 1.6])
    voice = parts_of("audio", FeatureSequence(np.zeros((4, 1), np.float32), times))
    assert voice.starts.tolist() == [0, 0.5, 1.5] and voice.ends.tolist() == [0.5, 1, 2]
    assert voice.steps.tolist() == [2, 1, 1] and voice.names[0] == "0.0–0.5 s"
    face = parts_of("video", FeatureSequence(np.zeros((4, 1), np.float32), times))
    assert face.names == voice.names and face.steps.tolist() == voice.steps.tolist(), "a face by half seconds too"
    words = tuple(Word(f"w{i}", i, i + 0.5, 1.0) for i in range(120))
    many = FeatureSequence(np.zeros((120, 1), np.float32), np.arange(120) + 0.25)
    text = parts_of("text", many, words)
    assert len(text.names) == MAX_PARTS and text.steps.sum() == 120 and set(text.steps) == {2, 3}
    assert " ".join(text.names).split() == [w.text for w in words] and text.ends[-1] == 119.5
    for modality in ("video", "audio"):
        found = parts_of(modality, many)
        assert len(found.steps) <= MAX_PARTS and found.steps.sum() == 120 and (found.ends > found.starts).all()


def test_a_long_clip_is_asked_about_window_by_window(tiny):
    short = read(tiny, {"text": 30, "video": 60, "audio": 120}, duration=24.0)
    windows = tuple(
        SimpleNamespace(start=float(start), end=float(min(start + 10, 24))) for start in (0, 5, 10, 15)
    )  # fmt: skip
    made = replace(short, windows=windows)
    assert spans(made) == ((0, 10), (5, 15), (10, 20), (15, 24)) and spans(short) == ((0, 24),)
    worth = measure(tiny, made, (5.0, 15.0))
    assert (worth.start, worth.end) == (5, 15)
    cut = {m: s.times[(s.times >= 5) & (s.times < 15)] for m, s in made.sequences.items()}
    assert {m: p.steps.sum() for m, p in worth.parts.items()} == {m: len(times) for m, times in cut.items()}
    assert worth.parts["text"].names[0] == next(w.text for w in made.transcript.words if w.start + 0.1 >= 5)


def test_it_survives_json(whole):
    _, worth = whole
    restored = Attribution.from_json(json.loads(json.dumps(worth.to_json())))
    assert set(restored.measured) == set(worth.measured) and restored.to_json() == worth.to_json()
    for model in ("cross", "self"):
        before, after = worth.of(model, MODALITIES), restored.of(model, MODALITIES)
        for modality in MODALITIES:
            np.testing.assert_allclose(after.effect(modality), before.effect(modality), atol=2e-6)
            np.testing.assert_allclose(
                after.attention_received[modality], before.attention_received[modality], atol=1e-6
            )
            assert restored.parts[modality].names == worth.parts[modality].names
    with pytest.raises(ValueError, match="other labels"):
        Attribution.from_json(worth.to_json() | {"labels": list(LABELS[:3])})


def test_undefined_survives_json(tiny):
    worth = measure(tiny, read(tiny, {"text": 1, "video": 4, "audio": 8}))
    restored = Attribution.from_json(json.loads(json.dumps(worth.to_json())))
    assert np.isnan(restored.of("cross", ("text", "video")).occluded["text"]).all()


def test_an_analysis_stored_without_sequences_says_so(tiny):
    with pytest.raises(ValueError, match="nothing here"):
        measure(tiny, analysis())


def test_the_shipped_models_answer_quickly(analyzer):
    """Measured beside one prediction of the same clip: the machine may be shared."""
    made = read(analyzer, {"text": 12, "video": 50, "audio": 62}, duration=5.0)
    ratios = []
    for _ in range(3):
        started = time.perf_counter()
        analyzer.predict_from(made.sequences)
        between = time.perf_counter()
        worth = measure(analyzer, made)
        ratios.append((time.perf_counter() - between) / (between - started))
    assert {m: len(p.steps) for m, p in worth.parts.items()} == {"text": 12, "video": 10, "audio": 10}
    assert min(ratios) < 60, ratios


def test_a_checkpoint_of_the_reference_variant_is_analysed(tiny):
    variant = copy(tiny)
    torch.manual_seed(4)
    variant.models = {
        name: FusionModel(reference_config(pairs, WIDTHS, width=12, heads=3, bottleneck=4)).eval()
        for name, pairs in (("cross", CROSS), ("self", SELF))
    }
    made = read(variant, {"text": 4, "video": 20, "audio": 1500})  # fewer pictures and more voice than it has steps
    everything = made.predictions[MODALITIES]
    assert {len(found.attention) for found in everything.verdicts().values()} == {6, 3}
    map_ = everything.cross.attention["video", "audio"]
    assert map_.weights.shape == (3, 25, 500) and map_.steps == (25, 500)
    video, audio = made.sequences["video"].times, made.sequences["audio"].times
    np.testing.assert_allclose(map_.query_times, np.linspace(video[0], video[-1], 25))
    np.testing.assert_allclose(map_.key_times, np.linspace(audio[0], audio[-1], 500))
    # The same as of sequences that were made of the fixed lengths by hand.
    values = {m: variant.padded(m, [s]).values[0].numpy() for m, s in made.sequences.items()}
    values["video"] = np.concatenate([values["video"], np.zeros((STEPS["video"] - 20, WIDTHS["video"]), np.float32)])
    values["audio"] = thin(values["audio"], STEPS["audio"])
    batch = {m: Padded(torch.from_numpy(v)[None], torch.tensor([len(v)])) for m, v in values.items()}
    for name, model in variant.models.items():
        with torch.inference_mode():
            output = model(batch)
        expected = variant.probabilities(name, output.streams, output.exists, MODALITIES)[0]
        np.testing.assert_allclose(everything.verdicts()[name].probabilities, expected, atol=1e-6)
    assert np.isfinite(measure(variant, made).of("self", MODALITIES).effect("audio")).all()


def test_sequences_of_any_length_are_given_the_fixed_one():
    x = torch.arange(14.0).reshape(2, 7, 1)
    made = with_steps(x, torch.tensor([7, 2]), 4)[:, :, 0]
    assert made.tolist() == [[0, 2, 4, 6], [7, 8, 0, 0]]
