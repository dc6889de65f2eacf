"""More models than cross and self: kept in a checkpoint, asked on request, and carried by name through all results."""

import itertools
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from test_worth import LOCAL, WIDTHS, read

from core import CHECKPOINTS, EVERY_MODEL, MODALITIES, MODELS, MORE_MODELS, SUBSETS, subset_name
from core.analysis.analyzer import Analyzer, _utterance_of
from core.analysis.attribution import Attribution
from core.analysis.attributor import measure
from core.analysis.baseline import Baseline
from core.analysis.table import appending, columns_of, read_rows, row_of
from core.encoders.packaged import WeightsError
from core.fusion.checkpoint import Checkpoint, load_checkpoint, save_pair
from core.fusion.config import fingerprint, more_models
from core.fusion.model import FusionConfig, FusionModel
from core.fusion.normalisation import Normalisation
from core.fusion.prediction_sets import Calibration
from core.paths import NamedFile
from core.training.evaluation import LabelledUtterances, evaluate_subset
from core.training.pair import PAIRS
from demo import wording
from demo.server.sessions import Session
from demo.tabs import more, view
from demo.tabs.components import Parts
from demo.tabs.view import Choice


def fusion(name: str, **sizes) -> FusionModel:
    """A model with chance weights, whose verdicts differ and whose attention is far from even."""
    config = FusionConfig(PAIRS[name], WIDTHS, LOCAL, gated=name == "gated", **sizes)
    model = FusionModel(config).eval()
    model.classifier.weight.data *= 20
    for attention in model.attention.values():
        attention.in_proj_weight.data *= 4
    return model


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    """All four models with widths of a few."""
    torch.manual_seed(3)
    return Checkpoint(
        encoders=SimpleNamespace(),
        fusion={name: fusion(name, width=12, heads=3, bottleneck=4) for name in EVERY_MODEL},
        settings=load_checkpoint().settings,
        normalisation=Normalisation(
            {m: np.full(w, 0.3, np.float32) for m, w in WIDTHS.items()},
            {m: np.full(w, 1.5, np.float32) for m, w in WIDTHS.items()},
        ),
        calibration={
            name: {subset_name(s): Calibration(1 + 0.1 * i, 0.2) for i, s in enumerate(SUBSETS)} for name in EVERY_MODEL
        },
        label_frequencies={},
        provenance={},
    )


@pytest.fixture(scope="module")
def analyzer(checkpoint) -> Analyzer:
    """Without what reads a clip."""
    made = Analyzer.__new__(Analyzer)
    made.device, made.checkpoint, made.models = "cpu", checkpoint, checkpoint.fusion
    return made


@pytest.fixture(scope="module")
def clip(analyzer):
    """An analysis by cross and self, with its windows and phrases."""
    made = read(analyzer, {"text": 6, "video": 24, "audio": 60}, duration=14.0)
    utterance = _utterance_of(made)
    return replace(made, windows=analyzer._windows(utterance), phrases=analyzer._phrases(utterance))


def test_nobody_pays_for_what_was_not_asked(analyzer, clip):
    assert analyzer.more_models == MORE_MODELS and clip.models == MODELS
    asked = []
    kept = {name: model.forward for name, model in analyzer.models.items()}
    for name, model in analyzer.models.items():
        model.forward = lambda *given, name=name: asked.append(name) or kept[name](*given)
    try:
        analyzer.predict_from(clip.sequences)
        assert asked == list(MODELS)
        asked.clear()
        analyzer.with_more(clip)
        assert set(asked) == set(MORE_MODELS)
    finally:
        for model in analyzer.models.values():
            del model.forward


def test_more_models_answer_beside_the_two_from_what_was_kept(analyzer, clip):
    more = analyzer.with_more(clip)
    assert more.models == EVERY_MODEL and analyzer.with_more(more) is more
    alone = analyzer.predict_from(clip.sequences, models=EVERY_MODEL)
    for used, before in clip.predictions.items():
        found = more.predictions[used]
        assert found.cross is before.cross and found.self_ is before.self_, "what was said stays"
        for name in MORE_MODELS:
            said = alone[used].verdicts()[name]
            np.testing.assert_allclose(found.more[name].probabilities, said.probabilities, atol=1e-6)
            within = {pair for pair in PAIRS[name] if set(pair) <= set(used)}
            assert set(found.more[name].attention) == within
    for which in ("windows", "phrases"):
        before, after = getattr(clip, which), getattr(more, which)
        assert len(before) == len(after) > 1
        assert all(set(segment.prediction.verdicts()) == set(EVERY_MODEL) for segment in after)
        assert all(a.prediction.cross is b.prediction.cross for a, b in zip(after, before, strict=True))
    back = more.without_more()
    assert back.models == MODELS and back.everything.cross is clip.everything.cross
    assert all(segment.prediction.more == {} for segment in (*back.windows, *back.phrases))
    with pytest.raises(ValueError, match="not kept"):
        analyzer.with_more(replace(clip, sequences={}))


def test_a_gate_says_how_much_of_a_stream_comes_from_the_other_modality(analyzer, clip):
    """The verdict is that of streams mixed by hand with the gates that are told."""
    more = analyzer.with_more(clip)
    verdict, model = more.everything.more["gated"], analyzer.models["gated"]
    crossed = [pair for pair in PAIRS["gated"] if pair[0] != pair[1]]
    assert list(verdict.gates) == crossed and all(0 < share < 1 for share in verdict.gates.values())
    assert len({round(share, 4) for share in verdict.gates.values()}) > 1
    output = analyzer.run([clip.sequences], ("gated",))["gated"]
    stream = dict(zip(PAIRS["gated"], output.streams[0], strict=True))
    mixed = torch.stack([s * stream[q, k] + (1 - s) * stream[q, q] for (q, k), s in verdict.gates.items()])
    with torch.inference_mode():
        pooled = model.pooling.inner(mixed[None], torch.ones(1, len(crossed), dtype=torch.bool))
        logits = model.classifier(model.bottleneck(pooled))[0].double()
    temperature = analyzer.checkpoint.calibration["gated"]["text+video+audio"].temperature
    np.testing.assert_allclose((logits / temperature).softmax(0), verdict.probabilities, atol=1e-5)
    assert set(more.predictions["text", "audio"].more["gated"].gates) == {("text", "audio"), ("audio", "text")}
    assert more.predictions["audio",].more["gated"].gates == {}, "there is nothing to mix"
    assert more.everything.more["both"].gates == {} and more.everything.cross.gates == {}
    told = more.to_json()["gated"]["gates"]
    assert told == {f"{q}->{k}": round(share, 6) for (q, k), share in verdict.gates.items()}


def test_json_and_tables_carry_every_model_by_its_name(analyzer, clip, tmp_path):
    more = analyzer.with_more(clip)
    told = more.to_json(attention=True)
    for where in (told, told["subsets"]["video"], told["windows"][0], told["phrases"][0], told["attention"]):
        assert set(EVERY_MODEL) <= set(where)
    assert len(told["attention"]["both"]) == len(told["attention"]["gated"]) == 9
    assert not set(MORE_MODELS) & set(clip.to_json()), "nothing changes for who did not ask"
    row = row_of("a.mp4", more)
    assert tuple(row) == columns_of(EVERY_MODEL) and row["gated"] == more.everything.more["gated"].label
    said = [float(row[f"both {label}"]) for label in told["labels"]]
    np.testing.assert_allclose(said, more.everything.more["both"].probabilities, atol=1e-6)
    path, columns = tmp_path / "table.csv", columns_of(EVERY_MODEL)
    file = NamedFile(tmp_path / "a.mp4", "a.mp4")
    with appending(path, columns=columns) as table:
        table.write(file, row, "x")
    assert read_rows(path, columns)[0]["gated"] == row["gated"]
    with pytest.raises(ValueError, match="another table"):
        read_rows(path)


def test_what_contributed_is_measured_for_every_model_that_was_asked(analyzer):
    made = read(analyzer, {"text": 4, "video": 6, "audio": 12}, duration=3.0)
    worth = measure(analyzer, analyzer.with_more(made))
    again = Attribution.from_json(json.loads(json.dumps(worth.to_json())))
    whole = ("text", "video", "audio")
    assert set(again.measured[whole]) == set(EVERY_MODEL) and set(again.measured["audio",]) == {"self", *MORE_MODELS}
    assert set(measure(analyzer, made).measured[whole]) == set(MODELS)
    for name in MORE_MODELS:  # they answer from one modality, so that Shapley values add up to the verdict
        found = worth.of(name, whole)
        np.testing.assert_allclose(sum(found.shapley.values()), found.probabilities - 1 / 7, atol=1e-9)
    assert worth.of("cross", whole).shapley is None
    assert worth.of("cross", ("text", "audio")).marginal == {}


def test_a_baseline_is_taken_off_every_model(analyzer, clip):
    baseline = Baseline()
    predictions = analyzer.with_more(clip).predictions
    baseline.add(predictions)
    for verdict in baseline.taken_off(predictions["text", "audio"]).verdicts().values():
        np.testing.assert_allclose(verdict.probabilities, 1 / 7, atol=1e-12)


def test_a_checkpoint_holds_two_models_or_more(tmp_path, checkpoint):
    """Beside the shipped encoders; what is named as more is read without loading."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(CHECKPOINTS, folder)
    shipped = load_checkpoint(folder)
    two = replace(
        shipped,
        fusion={name: shipped.fusion[name] for name in MODELS},
        calibration={name: shipped.calibration[name] for name in MODELS},
    )
    before = fingerprint(folder)
    torch.manual_seed(0)
    more = {
        name: FusionModel(replace(two.fusion["cross"].config, pairs=PAIRS[name], gated=name == "gated"))
        for name in MORE_MODELS
    }
    wider = replace(
        two,
        fusion=two.fusion | {name: model.eval() for name, model in more.items()},
        calibration=two.calibration | dict.fromkeys(MORE_MODELS, two.calibration["self"]),
    )
    save_pair(folder, wider)
    read_again = load_checkpoint(folder)
    assert list(read_again.fusion) == list(EVERY_MODEL) and more_models(folder) == MORE_MODELS
    assert read_again.fusion["gated"].config == more["gated"].config
    for key, tensor in more["gated"].state_dict().items():
        assert torch.equal(read_again.fusion["gated"].state_dict()[key], tensor)
    assert fingerprint(folder) == before, "stored results of the two stay what they were"
    assert fingerprint(folder, EVERY_MODEL) != before
    weights = folder / "gated.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WeightsError, match="SHA-256"):
        load_checkpoint(folder)
    save_pair(folder, two)  # trained anew without the others
    assert list(load_checkpoint(folder).fusion) == list(MODELS) and not weights.exists() and more_models(folder) == ()


def test_every_model_of_a_checkpoint_is_evaluated(checkpoint):
    chance = np.random.default_rng(0)
    labels = np.arange(14) % 7
    sequences = {m: [chance.standard_normal((5, w)).astype(np.float32) for _ in labels] for m, w in WIDTHS.items()}
    utterances = LabelledUtterances(labels, sequences)
    found = evaluate_subset(checkpoint, utterances, ("text", "audio"))
    assert set(found) == {*EVERY_MODEL, "agreement"} and all(found[name]["n"] == 14 for name in EVERY_MODEL)
    two = replace(checkpoint, fusion={name: checkpoint.fusion[name] for name in MODELS})
    assert found["agreement"] == evaluate_subset(two, utterances, ("text", "audio"))["agreement"]
    alone = evaluate_subset(checkpoint, utterances, ("audio",))
    assert alone["cross"] is None and alone["agreement"] is None and alone["gated"]["n"] == 14


def test_the_page_shows_what_was_asked_and_no_more(analyzer, clip):
    two, wider = view.new_clip(clip, Choice()), view.new_clip(analyzer.with_more(clip), Choice())
    assert not two["more-models"] and not two["more-panels"]["visible"] and "gated-verdict" not in two
    assert [name for _, name in two["model"]["choices"]] == list(MODELS)
    assert wider["more-models"] and wider["more-panels"]["visible"]
    assert [name for _, name in wider["model"]["choices"]] == list(EVERY_MODEL)
    for part in ("cross-verdict", "self-verdict", "agreement"):
        assert part == "agreement" or two[part] == wider[part], "the two are shown as before"
    assert 'data-model="gated"' in wider["gated-verdict"] and "gates" not in wider["both-verdict"]
    verdict = analyzer.with_more(clip).everything.more["gated"]
    told = re.findall(r'data-pair="([a-z]+)-([a-z]+)" data-share="([0-9.]+)"', wider["gated-verdict"])
    assert {(q, k): float(share) for q, k, share in told} == pytest.approx(verdict.gates, abs=1e-4) and len(told) == 6
    for part in ("matrix-table", "map-grid", "phrase-table"):
        assert "Gated" in wider[part] and "Cross + self" in wider[part] and "Gated" not in two[part], part
    assert wider["map-grid"].count('class="map-row"') == 9 + 18
    course = wider["course-chart"]
    assert {line.meta["model"] for line in course.data} == set(EVERY_MODEL)
    domains = [course.layout[axis].domain for axis in ("yaxis", "yaxis2", "yaxis3", "yaxis4")]
    assert all(upper[0] > lower[1] for upper, lower in itertools.pairwise(domains)) and domains[-1][0] == pytest.approx(
        0
    )
    assert two["course-chart"].layout.yaxis.domain == pytest.approx((0.56, 1))


def test_a_map_of_another_model_is_enlarged_while_that_model_is_there(analyzer, clip):
    wider, chosen = analyzer.with_more(clip), Choice("gated", "text-audio", 1)
    assert "Gated, words → voice, head 2" in view.looked(wider, MODALITIES, chosen)["sharpness-note"]
    assert "Cross-attention, words → voice, head 2" in view.looked(clip, MODALITIES, chosen)["sharpness-note"]
    alone = view.switched(wider, ("audio",), chosen)
    assert "Gated, voice → voice" in alone["sharpness-note"] and "gates" not in alone["gated-verdict"]
    assert "Undefined" in alone["cross-verdict"] and 'data-label="' in alone["both-verdict"]
    off = view.switched(wider, (), chosen)
    assert wording.ALL_OFF in off["gated-verdict"] and 'data-label=""' in off["gated-verdict"]


def test_a_visit_asks_for_more_and_sends_them_away_again(analyzer, clip):
    session = Session(clip)
    session.attributions[0.0, 14.0] = "of two models"
    assert session.answered(analyzer) is clip
    session.more = True
    assert session.answered(analyzer).models == EVERY_MODEL == session.analysis.models
    assert session.attributions == {}, "what contributed is measured anew, for all"
    assert session.answered(analyzer) is session.analysis
    session.more = False
    assert session.answered(analyzer).models == MODELS == session.analysis.models
    session.analysis, session.more = replace(clip, sequences={}), True
    with pytest.raises(ValueError, match="not kept"):
        session.answered(analyzer)
    other = Session()
    other.take_over(session)
    assert other.more, "a page that is loaded again shows what it showed"


def test_the_switch_is_there_where_the_checkpoint_holds_more():
    with gr.Blocks():
        parts = Parts({})
        more.contents(parts, ())
        assert not parts
        more.contents(parts, MORE_MODELS)
    assert set(parts) == {"more-models", "more-panels", "both-verdict", "gated-verdict"}
    assert parts["more-models"].value is False and not parts["more-panels"].visible
