"""Controls in the experiment: matched sizes, damaged test sets, attention that is measured, and the report on them."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from core.device import choose_device
from core.experiment.configurations import CONFIGURATIONS, CONTROLS, EVERY_CONFIGURATION, controls_of
from core.experiment.control_tables import SENSES, result_sentence
from core.experiment.damage import NOISE, damage_report, noisy, reordered, swapped
from core.experiment.faithfulness import _worths, entropies, faithfulness, spread
from core.experiment.folds import Examples, Fold
from core.experiment.protocol import Settings, all_jobs, count_parameters, fusion_config, run_protocol
from core.experiment.report import make_report, write_report
from core.experiment.synthetic import synthetic_corpus
from core.experiment.tables import comparisons_of, control_comparisons
from core.fusion.model import FusionConfig, FusionModel, LocalEncoder, Padded
from core.fusion.pairs import CROSS, SELF
from scripts.paper_figures import write_page

CPU = choose_device("cpu")
SMALL = Settings(epochs=1, width=12, heads=2, local={"audio": LocalEncoder(5, 4)}, probes=True)


def test_controls_have_as_many_parameters_as_what_they_are_compared_with():
    corpus = synthetic_corpus("relation", 40)
    for control in CONTROLS.values():
        own, against = (
            count_parameters(fusion_config(EVERY_CONFIGURATION[name], corpus, Settings()))
            for name in (control.name, control.against)
        )
        if control.sized_like:
            assert own == pytest.approx(against, rel=0.06), control.name
        elif control.attention != "both" and control.pooling == "statistics":
            assert own == against, control.name
    model = FusionModel(fusion_config(CONTROLS["avt-both-gated"], corpus, Settings()))
    assert sum(p.numel() for p in model.parameters()) == count_parameters(model.config)


def test_each_control_names_what_it_is_compared_with():
    assert not set(CONTROLS) & set(CONFIGURATIONS) and len(controls_of(("text", "video", "audio"))) == 19
    for control in CONTROLS.values():
        against = EVERY_CONFIGURATION[control.against]
        assert against.modalities == control.modalities and not against.said


def examples_of(labels: list[int]) -> Examples:
    chance = np.random.default_rng(0)
    sequences = {
        m: [np.concatenate([np.full((6, 1), label), chance.normal(size=(6, 2))], 1).astype(np.float32)
            for label in labels] for m in ("text", "audio")
    }  # fmt: skip
    return Examples(np.array(labels), sequences, [str(i) for i in range(len(labels))])


def test_time_is_shuffled_or_rotated_alike_at_every_reading():
    some = examples_of([0, 1, 2])
    for order in ("shuffled", "rotated"):
        changed = reordered(Fold(some, some, some), order, 3).test.sequences
        for modality, found in changed.items():
            for i in range(3):
                assert np.array_equal(found[i], found[i])
                before, after = some.sequences[modality][i], found[i]
                assert np.array_equal(np.sort(before[:, 1]), np.sort(after[:, 1]))
                if order == "rotated":
                    assert any(np.array_equal(np.roll(before, k, 0), after) for k in range(6))
        assert any(not np.array_equal(changed["text"][i], some.sequences["text"][i]) for i in range(3))
    assert reordered(Fold(some, some, some), "", 3).test is some


def test_who_follows_whom_is_counted():
    """A model that reads the class off the words follows the words, wherever the other modality comes from."""
    some = examples_of([0, 1, 2] * 4)
    mixed, odd = swapped(some, "text", 1)
    assert (odd != some.labels).all() and [int(v[0, 0]) for v in mixed.sequences["text"]] == odd.tolist()
    assert mixed.sequences["audio"] is some.sequences["audio"]

    def ask(given: Examples) -> np.ndarray:
        if "text" not in given.sequences:
            return np.full((len(given), 3), np.nan)
        return np.eye(3)[[int(v[:, 0].mean().round().clip(0, 2)) for v in given.sequences["text"]]]

    std = {m: np.ones(3, np.float32) for m in some.sequences}
    report = damage_report(ask, some, std, 3, seed=1)
    assert report["incongruent"]["text"] == {"odd": 1.0, "others": 0.0, "neither": 0.0}
    assert report["incongruent"]["audio"] == {"odd": 0.0, "others": 1.0, "neither": 0.0}
    assert report["missing"] == {"text": None, "audio": 1.0}
    assert report["noise"]["audio"] == [1.0] * (1 + len(NOISE)) and report["noise"]["text"][-1] < 1
    assert report["noise"]["all"] == report["noise"]["text"] or report["noise"]["all"][0] == 1.0
    assert damage_report(ask, some, std, 3, seed=1) == report
    with pytest.raises(ValueError, match="same class"):
        swapped(examples_of([1, 1]), "text", 0)


def test_noise_is_as_large_as_it_says():
    some = Examples(np.zeros(1, int), {"text": [np.zeros((4000, 2), np.float32)]}, ["x"])
    values = noisy(some, ("text",), {"text": np.array([1.0, 3.0], np.float32)}, 0.5, 0).sequences["text"][0]
    assert values.std(0) == pytest.approx([0.5, 1.5], rel=0.05)


class Reader:
    """Makes batches of utterances for a model."""

    def __call__(self, utterances):
        return {m: Padded.of([torch.from_numpy(u[m]) for u in utterances]) for m in utterances[0]}


def test_attention_that_finds_what_matters_is_told_from_attention_that_does_not():
    """A model whose verdict is the mean of what it attends to: looking at the moment that decides is faithful."""
    torch.manual_seed(0)
    config = FusionConfig(SELF[:1], {"text": 4}, width=4, heads=1, classes=2, attention_dropout=0.0)
    model = FusionModel(config).eval()

    class Direct(torch.nn.Module):
        """In the place of the encoder: the features as they are."""

        def forward(self, x, lengths):
            return x

    model.global_encoder["text"] = Direct()
    block = model.attention["text_text"]
    utterances = []
    for i in range(6):
        values = np.zeros((6, 4), np.float32)
        values[:, 3] = 1  # what every query asks with
        values[i, 0] = 1  # the moment that speaks for the second class
        utterances.append({"text": values})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        block.in_proj_weight[8, 0] = 4.0  # value: the moment's
        block.in_proj_weight[0, 3] = 1.0  # query
        block.out_proj.weight[0, 0] = 1.0
        model.bottleneck.weight[0, 4] = 1.0  # the mean over streams
        model.classifier.weight[1, 0] = 5.0
    found = {}
    for name, sharpness in (("looks there", 4.0), ("looks away", -4.0)):
        with torch.no_grad():
            block.in_proj_weight[4, 0] = sharpness  # key
        found[name] = faithfulness(model, utterances, np.ones(6, int), Reader())
    there, away = (found[name]["modalities"]["text"] for name in ("looks there", "looks away"))
    assert there["rank_correlation"] > 0.6 > 0 > away["rank_correlation"]
    assert there["worth_of_top"] > there["worth_of_all"] > away["worth_of_top"]
    assert there["against"] == 0.0
    assert np.allclose(there["deletion"]["attention"], there["deletion"]["leave one out"])
    assert np.mean(there["deletion"]["attention"]) < np.mean(there["deletion"]["random"])
    assert np.mean(there["insertion"]["attention"]) > np.mean(there["insertion"]["random"])
    assert np.mean(away["deletion"]["attention"]) > np.mean(away["deletion"]["random"])
    assert found["looks there"]["heads"]["text->text"][0]["loss_if_even"] > 0.01, "it lost what it looked at"
    assert found["looks away"]["heads"]["text->text"][0]["loss_if_even"] < -0.01
    assert found["looks there"]["heads"]["text->text"][0]["entropy"] < 0.95
    head, mean = found["looks there"]["heads"]["text->text"][0], found["looks there"]["means"]["text->text"]
    assert mean == {name: head[name] for name in mean} and mean["asked"] == 6, "with one head the mean is that head"
    assert mean["worth_of_top"] == pytest.approx(there["worth_of_top"], abs=1e-5)


def test_how_far_the_worth_of_what_is_looked_at_is_known():
    (head, mean) = _worths([[0.3, 0.1, 0.1], [0.1, 0.1, 0.1], [0.2, 0.4, 0.1]])
    assert head == {"worth_of_top": 0.2, "worth_of_all": 0.1, "worth_error": pytest.approx(0.1 / 3**0.5), "asked": 3}
    assert mean["worth_of_top"] == 0.2 and mean["worth_error"] == pytest.approx(np.std([0, 0, 0.3], ddof=1) / 3**0.5)
    assert _worths([[0.3, 0.1, 0.1]])[0]["worth_error"] is None, "one clip does not say how far"


@pytest.mark.parametrize("pairs", [SELF, CROSS])
def test_a_head_made_even_is_computed_as_written(pairs):
    """Against a model whose every head is even because its queries are nothing."""
    torch.manual_seed(0)
    inputs = {"text": 5, "audio": 7}
    chosen = tuple(p for p in pairs if set(p) <= set(inputs))
    model = FusionModel(FusionConfig(chosen, inputs, {"audio": LocalEncoder(3, 2)}, width=12, heads=1)).eval()
    chance = np.random.default_rng(0)
    utterances = [
        {m: chance.normal(size=(n, inputs[m])).astype(np.float32) for m, n in (("text", 4 + i), ("audio", 9 - i))}
        for i in range(3)
    ]
    labels = np.array([0, 1, 2])
    with torch.no_grad():
        for block in model.attention.values():
            block.in_proj_weight[:24] *= 8  # so that attention is not even
    found = faithfulness(model, utterances, labels, Reader())
    batch = Reader()(utterances)
    before = torch.nn.functional.cross_entropy(model(batch).logits, torch.from_numpy(labels)).item()
    for query, key in chosen:
        block = model.attention[f"{query}_{key}"]
        kept = block.in_proj_weight.detach().clone(), block.in_proj_bias.detach().clone()
        with torch.no_grad():
            block.in_proj_weight[:12], block.in_proj_bias[:12] = 0, 0
            after = torch.nn.functional.cross_entropy(model(batch).logits, torch.from_numpy(labels)).item()
            block.in_proj_weight.copy_(kept[0])
            block.in_proj_bias.copy_(kept[1])
        (head,) = found["heads"][f"{query}->{key}"]
        assert head["loss_if_even"] == pytest.approx(after - before, abs=2e-6) and abs(after - before) > 1e-5


def test_entropy_is_one_where_attention_is_even():
    weights = torch.tensor([[[[0.25, 0.25, 0.25, 0.25], [1.0, 0, 0, 0]], [[0.5, 0.5, 0, 0], [0, 0, 0, 0]]]])
    queries = torch.tensor([[True, True]])
    assert entropies(weights, queries, torch.tensor([4])).tolist() == pytest.approx([0.5, 0.25])
    assert entropies(weights, torch.tensor([[True, False]]), torch.tensor([4])).tolist() == pytest.approx([1.0, 0.5])
    assert spread(3).tolist() == [0, 1, 2] and len(spread(1000)) == 24


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """Some controls of words and face, and two models of all three: two folds. ``test_iemocap`` runs all of them."""
    names = ["vt-self", "vt-cross", "vt-self-even", "vt-cross-even", "vt-both-gated", "vt-self-wide", "vt-together"]
    names += ["avt-cross", "avt-cross-dropped"]
    opener = partial(synthetic_corpus, "relation", 60)
    return run_protocol(opener, all_jobs(names, 2, 1), SMALL, tmp_path_factory.mktemp("controls"), CPU)


def test_every_model_is_asked(probed):
    by_name = {r["configuration"]: r for r in probed}
    for name, result in by_name.items():
        damage = result["damage"]
        assert set(damage["incongruent"]) == set(EVERY_CONFIGURATION[name].modalities)
        assert all(sum(s.values()) == pytest.approx(1, abs=1e-4) for s in damage["incongruent"].values())
        assert ("attention" in result) == (EVERY_CONFIGURATION[name].attention != "together")
        assert 0 <= result["calibration_error"] <= 1
    assert by_name["vt-cross"]["damage"]["missing"] == {"text": None, "video": None}, "cross needs two"
    assert None not in by_name["vt-self"]["damage"]["missing"].values()
    assert None not in by_name["avt-cross"]["damage"]["missing"].values()
    assert (
        set(by_name["vt-both-gated"]["gates"]) == {"text->video", "video->text"} and "gates" not in by_name["vt-cross"]
    )
    heads = by_name["vt-cross"]["attention"]["heads"]["text->video"]
    assert len(heads) == 2 and all(0 < head["entropy"] <= 1 for head in heads)


def test_the_report_holds_all_of_it_and_says_the_result(probed, tmp_path):
    corpus = synthetic_corpus("relation", 60)
    report = make_report(probed, corpus, SMALL, 0.02)
    text = write_report(report, SMALL, tmp_path)
    write_page(report, tmp_path)
    assert [s.title for s in report.sections] == [
        "Results", "Cross against self", "Controls", "Incongruent and damaged", "Does attention tell the truth?",
    ]  # fmt: skip
    assert text.splitlines()[2] == report.sentence and "cross-attention less self-attention is" in report.sentence
    assert "| V+T, no attention | cross | 2 |" in text and "| V+T, gated: cross + self | balanced accuracy |" in text
    for name, table in report.tables.items():
        assert table.rows and all(len(row) == len(table.head) for row in table.rows), name
        assert (tmp_path / f"{name}.csv").exists()
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("Plotly.newPlot") == 7 and "most looked-at spoke against" in page
    assert all(f"noise on {said}" in page for said in SENSES.values())
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))["results"]
    assert {"damage", "calibration_error", "parameters"} <= set(results[0])


def test_controls_are_corrected_apart_from_the_papers_comparisons(probed):
    plain, controls = comparisons_of(probed, 3), control_comparisons(probed, 3)
    assert [c.modalities for c in plain] == ["V+T"], "cross and self of all three were not both run"
    said = [c.modalities for c in controls]
    assert "V+T, no attention: cross" in said and "V+T, no attention: cross less self" in said
    assert plain[0].adjusted["accuracy"] == plain[0].tests["accuracy"].p, "one set: nothing to correct for"
    better = next(c for c in controls if c.modalities == "V+T, wider: self")
    test = replace(better.tests["accuracy"], difference=-0.1)
    won = replace(better, tests={"accuracy": test}, adjusted={"accuracy": 0.01}, equivalence={"accuracy": 0.9})
    assert won.verdict("accuracy") == "plain cross is better"


def test_the_sentence_of_result_is_made_of_the_numbers(probed):
    (comparison,) = comparisons_of(probed, 3)
    test = comparison.tests["balanced_accuracy"]
    said = result_sentence([comparison], "a corpus")
    assert said.startswith("On a corpus (V+T, 2 folds)") and f"{100 * test.difference:+.1f} points" in said
    assert f"{100 * test.interval[0]:+.1f} to {100 * test.interval[1]:+.1f}" in said
    assert result_sentence([], "a corpus") == ""
    alone = replace(comparison, tests=dict.fromkeys(comparison.tests))
    assert result_sentence([alone], "a corpus").endswith("one fold, which allows no inference.")
