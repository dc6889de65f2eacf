"""The protocol end to end on generated tasks with a known answer; killed, continued, in processes, on Ray."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import types
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from work import make_dying

from core.datasets.processes import BackendError, in_processes
from core.device import Device, choose_device
from core.experiment.backends import BACKENDS
from core.experiment.configurations import CONFIGURATIONS
from core.experiment.folds import Collator, Corpus, Examples, divide, statistics_of, thin
from core.experiment.protocol import Job, Settings, all_jobs, collator_of, fusion_config, run_protocol
from core.experiment.synthetic import synthetic_corpus
from core.experiment.tables import (
    COMPARISON_HEAD,
    PAPER,
    RESULT_HEAD,
    comparison_rows,
    comparisons_of,
    lines_of,
    result_rows,
    to_csv,
)  # fmt: skip
from core.fusion.model import LocalEncoder, TimeMixing
from core.fusion.pairs import CROSS, SELF

SMALL = {"width": 24, "heads": 2}
CPU = choose_device("cpu")
QUICK = Settings(epochs=1, local={"audio": LocalEncoder(5, 4)}, **SMALL)


def final_table(results: list[dict]) -> str:
    comparisons = comparison_rows(comparisons_of(results, 3))
    return to_csv(RESULT_HEAD, result_rows(lines_of(results))) + to_csv(COMPARISON_HEAD, comparisons)


def test_the_fourteen_configurations_of_the_paper():
    assert set(CONFIGURATIONS) == set(PAPER) and len(PAPER) == 14
    corpus = synthetic_corpus("relation", 40)
    for variant in ("masked", "reference"):
        for configuration in CONFIGURATIONS.values():
            config = fusion_config(configuration, corpus, Settings(variant))
            letters, attention, *_ = configuration.name.split("-")
            n = len(letters)
            assert len(config.pairs) == {"self": n, "cross": n * (n - 1), "both": n * n}[attention]
            assert {m for pair in config.pairs for m in pair} == set(configuration.modalities) == set(config.inputs)
            assert (config.pooling == "concatenation") == configuration.name.endswith("nosp")
    both = fusion_config(CONFIGURATIONS["avt-both"], corpus, Settings("reference"))
    assert set(both.pairs) == set(SELF) | set(CROSS) and both.local["audio"] == TimeMixing(1000, 500)
    assert both.width == 120 and both.heads == 6 and both.bottleneck == 60


@pytest.fixture(scope="module")
def relation(tmp_path_factory):
    """Cross and self on the task that is a relation between words and pictures: four folds of five."""
    settings = Settings(epochs=10, learning_rate=5e-3, patience=10, width=32, heads=2)
    opener = partial(synthetic_corpus, "relation", 600)
    jobs = all_jobs(["vt-self", "vt-cross"], 4, 1)
    return run_protocol(opener, jobs, settings, tmp_path_factory.mktemp("relation"), CPU)


def test_cross_wins_where_the_label_is_a_relation(relation):
    (comparison,) = comparisons_of(relation, 3)
    cross, self_ = (
        np.mean([r["accuracy"] for r in relation if r["configuration"] == f"vt-{a}"]) for a in ("cross", "self")
    )
    assert cross > 0.9 and self_ < 0.75
    for metric in ("accuracy", "balanced_accuracy"):
        assert comparison.tests[metric].interval[0] > 0 and comparison.adjusted[metric] < 0.01
        assert comparison.verdict(metric) == "cross is better"
    assert comparison.mcnemar.only_first > comparison.mcnemar.only_second and comparison.mcnemar_adjusted < 0.001


def test_neither_wins_where_evidence_adds_up(tmp_path):
    settings = Settings(epochs=3, learning_rate=5e-3, patience=3, **SMALL)
    opener = partial(synthetic_corpus, "additive", 900)
    results = run_protocol(opener, all_jobs(["vt-self", "vt-cross"], 5, 2), settings, tmp_path, CPU)
    assert min(r["accuracy"] for r in results) > 0.6  # learnt, well above a third
    (comparison,) = comparisons_of(results, 3, margin=0.05)
    for metric in ("accuracy", "balanced_accuracy"):
        assert comparison.adjusted[metric] > 0.05
        assert comparison.verdict(metric) == "equivalent within 5 points"
    assert comparison.mcnemar_adjusted > 0.05


def test_results_say_what_the_table_needs(relation):
    first = relation[0]
    assert (
        first["configuration"] == "vt-self" and len(first["truth"]) == len(first["predicted"]) == first["n_test"] == 120
    )
    assert first["accuracy"] == np.mean(np.equal(first["truth"], first["predicted"]))
    # The epoch that is kept is the first one with the highest validation accuracy.
    accuracies = [accuracy for _, accuracy in first["history"]]
    assert first["best_epoch"] == int(np.argmax(accuracies))


def quick_jobs() -> list[Job]:
    return all_jobs(["t-self", "vt-self", "vt-cross", "avt-both"], 3, 1)


OPENER = partial(synthetic_corpus, "additive", 60)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What nobody killed computes."""
    return run_protocol(OPENER, quick_jobs(), QUICK, tmp_path_factory.mktemp("calm"), CPU)


class Killed(BaseException):
    """As sudden as a signal."""


@pytest.mark.parametrize("when", ["before", "half", "written", "in place"])
def test_killed_at_any_point_of_any_write_it_gives_the_same_table(tmp_path, monkeypatch, undisturbed, when):
    """The process dies again and again, each time in the first write of a new result that it comes to."""
    replace_, deaths = os.replace, []

    def dying(source, target):
        if Path(target).name in [job.file for job in quick_jobs()] and Path(target).name not in deaths:
            deaths.append(Path(target).name)
            if when == "half":
                Path(source).write_bytes(Path(source).read_bytes()[:40])
            elif when == "in place":
                replace_(source, target)
            elif when == "before":
                Path(source).unlink()
            raise Killed
        replace_(source, target)

    monkeypatch.setattr("core.files.os.replace", dying)
    finished, results = [], None
    while results is None:
        try:
            results = run_protocol(OPENER, quick_jobs(), QUICK, tmp_path, CPU)
        except Killed:
            finished.append(len(list(tmp_path.glob("*_fold*.json"))))
    assert deaths == [job.file for job in quick_jobs()] and finished == sorted(finished)
    assert finished[-1] == (12 if when == "in place" else 11)  # what was finished stays
    assert final_table(results) == final_table(undisturbed)
    assert [r["predicted"] for r in results] == [r["predicted"] for r in undisturbed]


def run_until_killed(folder: Path) -> None:
    run_protocol(OPENER, quick_jobs(), QUICK, folder, CPU)


def test_killed_for_real_it_gives_the_same_table(tmp_path, undisturbed):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["core.experiment.protocol", "core.experiment.synthetic", __name__])
    process = context.Process(target=run_until_killed, args=(tmp_path,))
    process.start()
    while process.is_alive() and len(list(tmp_path.glob("*_fold*.json"))) < 3:
        time.sleep(0.002)
    process.kill()
    process.join()
    assert 3 <= len(list(tmp_path.glob("*_fold*.json"))) < 12
    killed = run_protocol(OPENER, quick_jobs(), QUICK, tmp_path, CPU)
    assert final_table(killed) == final_table(undisturbed)
    assert [r["predicted"] for r in killed] == [r["predicted"] for r in undisturbed]


def test_processes_give_the_results_of_one_and_every_device_gives_some(tmp_path, device):
    jobs = all_jobs(["vt-cross"], 2, 1)
    opener = partial(synthetic_corpus, "additive", 120)
    one, two = (run_protocol(opener, jobs, QUICK, tmp_path / str(n), device, workers=n) for n in (1, 2))
    assert [r["predicted"] for r in one] == [r["predicted"] for r in two]
    assert {r["device"].split()[0] for r in one + two} == {device.name}


def test_workers_end_when_their_parent_is_killed(tmp_path):
    here = Path(__file__).parent
    code = (
        f"import sys; sys.path[:0] = [{str(here)!r}]\n"
        "from pathlib import Path\n"
        "from work import SleepLong\n"
        "from core.datasets.processes import in_processes\n"
        f"if __name__ == '__main__': list(in_processes(SleepLong(Path({str(tmp_path)!r})), [1, 2], 2))\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, script], env={**os.environ, "PYTHONPATH": str(here.parent)})
    deadline = time.monotonic() + 180
    while len(list(tmp_path.glob("*.begun"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    children = [int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text("utf-8").split()]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    # Two workers and multiprocessing's resource tracker.
    assert len(children) >= 3 and not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_a_worker_that_dies_is_reported():
    with pytest.raises(BackendError, match="ended early"):
        list(in_processes(make_dying, [1, 2], 2))


def test_ray_is_optional(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    with pytest.raises(BackendError, match="pip install ray"):
        run_protocol(OPENER, quick_jobs(), QUICK, tmp_path, CPU, backend="ray")


def test_ray_workers_ask_for_the_gpu_they_use(monkeypatch):
    """Against a stand-in for Ray that records what is asked of it."""
    asked = []

    class Pool:
        def __init__(self, workers):
            asked.append(len(workers))

        def map_unordered(self, apply, jobs):
            return [job * 2 for job in jobs]

    def remote(**resources):
        asked.append(resources)
        return lambda kind: type("Remote", (), {"remote": staticmethod(object)})

    ray = types.SimpleNamespace(
        remote=remote, is_initialized=lambda: True, util=types.SimpleNamespace(ActorPool=Pool),
        cluster_resources=lambda: {"CPU": 16.0, "GPU": 2.0},
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "ray", ray)
    for name in ("cuda", "cpu"):
        assert list(BACKENDS["ray"](lambda: None, [1, 2, 3, 4], 1, Device(name, "float32"))) == [2, 4, 6, 8]
    assert asked == [{"num_cpus": 1, "num_gpus": 1}, 2, {"num_cpus": 1, "num_gpus": 0}, 4]


def test_a_folder_of_other_settings_is_refused(tmp_path):
    jobs = all_jobs(["t-self"], 1, 1)
    run_protocol(OPENER, jobs, QUICK, tmp_path, CPU)
    with pytest.raises(ValueError, match="other settings"):
        run_protocol(OPENER, jobs, Settings(epochs=2, **SMALL), tmp_path, CPU)
    with pytest.raises(ValueError, match="other settings"):
        run_protocol(partial(synthetic_corpus, "relation", 60), jobs, QUICK, tmp_path, CPU)
    assert json.loads((tmp_path / "settings.json").read_text("utf-8"))["corpus"] == "synthetic-additive"


def test_folds_share_no_group_and_cover_everything():
    corpus = synthetic_corpus("relation", 100)
    seen = []
    for open_fold in corpus.folds:
        fold = open_fold()
        parts = [
            {int(name.split("-")[1]) % 20 for name in part.ids} for part in (fold.train, fold.validation, fold.test)
        ]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert len(fold.train) + len(fold.validation) + len(fold.test) == 100
        seen += list(fold.test.ids)
    assert sorted(seen) == sorted(
        corpus.folds[0]().train.ids + corpus.folds[0]().validation.ids + corpus.folds[0]().test.ids
    )
    examples = corpus.folds[0]().train
    with pytest.raises(ValueError, match="groups"):
        divide(examples, ["one speaker"] * len(examples), 5)


def test_statistics_come_from_the_training_part_alone():
    values = [np.array([[1.0, 5.0], [3.0, 5.0]], np.float32), np.array([[5.0, 5.0]], np.float32)]
    statistics = statistics_of({"text": values})
    assert statistics.mean["text"].tolist() == [3.0, 5.0]
    assert statistics.apply("text", np.array([[5.0, 6.0]]))[0] == pytest.approx([2 / np.sqrt(8 / 3), 1.0])
    far = [np.array([[1e6, 1e6]], np.float32)]
    train, test = (Examples(np.zeros(1, int), {"text": v}, ["x"]) for v in (values, far))

    class OneFold:
        pass

    fold = OneFold()
    fold.train, fold.test = train, test
    assert collator_of(fold, Settings()).normalisation.mean["text"].tolist() == [3.0, 5.0]
    assert collator_of(fold, Settings("reference")).normalisation is None  # quirk 3: raw features


def test_the_reference_variant_is_refused_where_there_is_no_float64(tmp_path):
    with pytest.raises(ValueError, match="float64"):
        run_protocol(None, [], Settings("reference"), tmp_path / "jobs", Device("mps", "float32"))
    assert not (tmp_path / "jobs").exists()


def test_batches_of_both_variants():
    sequences = [np.ones((3, 2), np.float32), np.arange(14, dtype=np.float32).reshape(7, 2)]
    examples = Examples(np.zeros(2, int), {"text": sequences}, ["a", "b"])
    masked = Collator(None, {}, torch.float32).batch(examples, [0, 1], ("text",))["text"]
    assert masked.values.shape == (2, 7, 2) and masked.lengths.tolist() == [3, 7] and not masked.values[0, 3:].any()
    fixed = Collator(None, {"text": 5}, torch.float64).batch(examples, [0, 1], ("text",))["text"]
    assert fixed.values.shape == (2, 5, 2) and fixed.lengths.tolist() == [5, 5] and fixed.values.dtype == torch.float64
    assert thin(sequences[1], 3)[:, 0].tolist() == [0.0, 6.0, 12.0]


def test_seeds_and_folds_fill_a_table_with_holes():
    results = [
        {"configuration": c, "fold": f, "seed": s, "accuracy": a, "balanced_accuracy": a, "truth": [0, 1, 2, 2],
         "predicted": p, "n_train": 12, "n_test": 4}
        for c, f, s, a, p in (
            ("avt-self", 0, 0, 0.50, [0, 1, 0, 0]), ("avt-cross", 0, 0, 0.60, [0, 1, 2, 0]),
            ("avt-self", 0, 1, 0.60, [0, 1, 0, 0]), ("avt-cross", 0, 1, 0.80, [0, 1, 2, 0]),
            ("avt-self", 1, 0, 0.40, [0, 0, 0, 0]), ("avt-cross", 1, 0, 0.60, [0, 1, 2, 2]),
        )
    ]  # fmt: skip
    self_, cross = lines_of(results)
    assert self_.count == 3 and self_.percent("accuracy") == pytest.approx((50.0, 10.0))
    (comparison,) = comparisons_of(results, 3)
    # Fold differences: mean of 0.1 and 0.2, and 0.2: mean 0.175; error sqrt((1/2 + 1/3) * 0.00125).
    test = comparison.tests["accuracy"]
    assert test.difference == pytest.approx(0.175) and test.error == pytest.approx(np.sqrt(5 / 6 * 0.00125))
    assert (comparison.mcnemar.only_first, comparison.mcnemar.only_second) == (4, 0)  # one of fold 1, three of fold 2
    rows = result_rows([self_, cross])
    assert rows[0][:2] == ("A+V+T", "self") and rows[0][3:7] == (
        "50.0 ± 10.0",
        "58.7 ± 2.2",
        "50.0 ± 10.0",
        "64.2 ± 1.9",
    )


def test_a_corpus_with_one_fold_allows_no_inference_over_folds():
    corpus = synthetic_corpus("additive", 60)
    assert isinstance(corpus, Corpus)
    results = [
        {"configuration": c, "fold": 0, "seed": s, "accuracy": 0.5, "balanced_accuracy": 0.5, "truth": [0, 1],
         "predicted": [0, 0], "n_train": 4, "n_test": 2}
        for c in ("avt-self", "avt-cross") for s in (0, 1)
    ]  # fmt: skip
    (comparison,) = comparisons_of(results, 3)
    assert comparison.tests["accuracy"] is None and comparison.verdict("accuracy") == "one fold: no inference"
    assert comparison_rows([comparison])[0][-1] == "one fold: no inference"
