"""What was measured of single heads: it ships with the models that it was measured of, and the page says it in a
sentence."""

import json
import shutil

import numpy as np
import pytest
from test_more_models import checkpoint  # noqa: F401 a fixture
from test_worth import WIDTHS

from core import CHECKPOINTS, EVERY_MODEL
from core.analysis.head_figures import HeadFigures, HeadWorth
from core.device import choose_device
from core.encoders.packaged import WeightsError
from core.experiment.heads import measure_heads
from core.fusion.checkpoint import load_checkpoint, save_faithfulness, save_pair
from core.fusion.config import fingerprint, load_faithfulness
from core.training.evaluation import LabelledUtterances
from core.training.pair import PAIRS
from demo.charts import head_figures


@pytest.mark.parametrize(
    ("top", "error", "above"), [(0.05, 0.01, 1), (0.03, 0.01, 0), (0.01, 0.02, 0), (-0.02, 0.01, -1)]
)
def test_what_cannot_be_told_apart_is_no_more(top, error, above):
    assert HeadWorth(100, top, 0.02, error).above == above


def test_every_head_of_every_model_is_measured(checkpoint):  # noqa: F811
    chance = np.random.default_rng(0)
    labels = np.arange(9) % 7
    sequences = {m: [chance.standard_normal((6, w)).astype(np.float32) for _ in labels] for m, w in WIDTHS.items()}
    for i in (0, 4, 8):
        sequences["video"][i] = sequences["video"][i][:0]  # no face
    found = measure_heads(checkpoint, LabelledUtterances(labels, sequences), 5, choose_device("cpu"))
    assert found["clips"] == 5 and set(found["models"]) == set(EVERY_MODEL)
    assert json.loads(json.dumps(found)) == found
    figures = HeadFigures.from_json(found | {"corpus": "ravdess", "date": "2026-11-29"})
    of_models = {model: {pair for name, pair, _ in figures.worths if name == model} for model in EVERY_MODEL}
    assert of_models["cross"] | of_models["self"] == of_models["gated"] == of_models["both"]
    assert of_models["gated"] >= {p for p in PAIRS["gated"] if "video" not in p}
    # Asked about is every second of the nine, and two of these show a face: elsewhere no face looks, or is looked at.
    counts = {pair: figures.worths["both", pair, None].clips for pair in PAIRS["both"]}
    assert counts == {pair: 2 if "video" in pair else 5 for pair in PAIRS["both"]}
    for model in EVERY_MODEL:
        asked = {head for name, pair, head in figures.worths if name == model and pair == next(iter(of_models[model]))}
        assert asked == {0, 1, 2, None}


def test_figures_of_heads_go_with_the_models_and_are_refused_when_changed(tmp_path):
    folder = tmp_path / "checkpoint"
    shutil.copytree(CHECKPOINTS, folder)
    before = fingerprint(folder)
    save_faithfulness(folder, {"clips": 100})
    assert load_faithfulness(folder) == {"clips": 100} and fingerprint(folder) == before
    (folder / "faithfulness.json").write_text('{"clips": 101}')
    with pytest.raises(WeightsError, match="SHA-256"):
        load_faithfulness(folder)
    (folder / "faithfulness.json").unlink()
    assert load_faithfulness(folder) is None
    save_faithfulness(folder, {"clips": 100})
    save_pair(folder, load_checkpoint(folder))  # trained again
    assert load_faithfulness(folder) is None and not (folder / "faithfulness.json").exists()


def test_one_sentence_says_it_and_nothing_is_said_without_figures(monkeypatch):
    pair = ("text", "audio")
    worths = {
        ("cross", pair, 0): HeadWorth(100, 0.02, 0.02, 0.01),
        ("cross", pair, None): HeadWorth(98, 0.051, 0.02, 0.01),
    }
    monkeypatch.setattr(head_figures, "measured", lambda: HeadFigures("composed", "2026-11-29", worths))
    said = head_figures.sentence("cross", pair, 0)
    assert "In 100 clips the moments that this head looks at most were worth no more than others." in said
    assert "composed, 2026-11-29" in said
    said = head_figures.sentence("cross", pair, None)
    assert (
        "In 98 clips" in said and "by 5.1 points" in said and "by 2.0 on average" in said and "more than others" in said
    )
    assert head_figures.sentence("cross", pair, 1) == "" == head_figures.sentence("self", ("text", "text"), 0)
    monkeypatch.setattr(head_figures, "measured", lambda: None)
    assert head_figures.sentence("cross", pair, 0) == ""


def test_the_page_does_without_a_file_that_was_changed(monkeypatch, caplog):
    def changed():
        raise WeightsError("it is not the file that was tested")

    monkeypatch.setattr(head_figures, "load_faithfulness", changed)
    head_figures.measured.cache_clear()
    try:
        assert head_figures.measured() is None and "Nothing is said of single heads" in caplog.text
    finally:
        head_figures.measured.cache_clear()
