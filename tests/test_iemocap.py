"""Both kinds of IEMOCAP, as miniature trees in the official layouts, from extraction to the report."""

import csv
import json
import multiprocessing
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from recordings import portrait, save_wav, speak

from core import CHECKPOINTS
from core.corpora.iemocap import CLASSES, read_iemocap
from core.corpora.iemocap_folds import COUNTS, name_classes, read_fold_part
from core.corpora.layout import ClipRecord, CorpusError
from core.datasets.clips import as_one_file, clip_file, extract_corpus, save_features
from core.device import choose_device
from core.encoders.utterance import Missing
from core.experiment.configurations import CONFIGURATIONS, controls_of
from core.experiment.corpora import Request, open_stored, prepare_corpus
from core.experiment.protocol import Settings, all_jobs, run_protocol
from core.experiment.report import make_report, write_report
from core.media.reader import SAMPLE_RATE, MediaError, open_clip, read_frames
from scripts import paper
from scripts.paper_figures import write_page

LINES = {
    "neu": "Where are you going now?",
    "ang": "I told you not to do that again.",
}
SECONDS, RATE = 6, 10
CPU = choose_device("cpu")


def save_dialog(path: Path, speaker_left: bool) -> None:
    """Two people side by side at 720 x 480: a portrait, and in the other half a plain grey wall."""
    path.parent.mkdir(parents=True, exist_ok=True)
    face, wall = portrait(360, 480), np.full((480, 360, 3), 128, np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", RATE, options={"qscale": "3"})
        stream.width, stream.height, stream.pix_fmt = 720, 480, "yuv420p"
        for i in range(SECONDS * RATE):
            picture = np.hstack([face, wall] if speaker_left else [wall, face]).copy()
            cv2.rectangle(picture, (0, 0), (719, 20), (i * 3, i * 3, i * 3), -1)  # the time, as a shade of grey
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    """The original release: five sessions, in each one dialog with an utterance of two classes and one to ignore."""
    root = tmp_path_factory.mktemp("iemocap")
    voices = {code: speak(line, root / f"{code}.wav", speed=190) for code, line in LINES.items()}
    for k in range(1, 6):
        session, seen, speaker = root / f"Session{k}", "FM"[k % 2], "FM"[k // 2 % 2]
        dialog = f"Ses0{k}{seen}_impro01"
        labels, said = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""], []
        for i, code in enumerate(LINES):
            name, start = f"{dialog}_{speaker}{i:03}", 0.5 + 2.4 * i
            labels += [
                f"[{start:.4f} - {start + 2:.4f}]\t{name}\t{code}\t[2.5000, 2.5000, 2.5000]",
                "C-E2:\tNeutral;\t()",
                "",
            ]
            said.append(f"{name} [00{start:.4f}-00{start + 2:.4f}]: {LINES[code]}")
            wav = session / "sentences" / "wav" / dialog / f"{name}.wav"
            wav.parent.mkdir(parents=True, exist_ok=True)
            save_wav(voices[code], wav, SAMPLE_RATE)
        labels.append(f"[5.5000 - 5.9000]\t{dialog}_{speaker}009\txxx\t[2.5000, 2.5000, 2.5000]")
        for folder, content in (("EmoEvaluation", labels), ("transcriptions", said)):
            path = session / "dialog" / folder / f"{dialog}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(content) + "\n")
        save_dialog(session / "dialog" / "avi" / "DivX" / f"{dialog}.avi", speaker_left=seen == speaker)
    return root


def test_the_original_release_is_read(release):
    records = read_iemocap(release)
    assert len(records) == 10 and {r.group for r in records} == {f"Session{k}" for k in range(1, 6)}
    first = records[0]  # Ses01M_...: the man is in the left half; k = 1: the woman speaks
    assert first.id == "Ses01M_impro01_F000" and first.half == "right" and first.span == (0.5, 2.5)
    assert CLASSES[first.label] == "neutral" and first.text == "Where are you going now?"
    assert records[2].id == "Ses02F_impro01_M000" and records[2].half == "right"
    assert records[4].id == "Ses03M_impro01_M000" and records[4].half == "left"


def test_a_line_that_is_no_label_and_missing_parts_are_named(release, tmp_path):
    with pytest.raises(CorpusError, match="Session1.*sail.usc.edu"):
        read_iemocap(tmp_path)
    for k in range(1, 6):
        (tmp_path / f"Session{k}" / "dialog" / "EmoEvaluation").mkdir(parents=True)
        (tmp_path / f"Session{k}" / "dialog" / "transcriptions").mkdir(parents=True)
        (tmp_path / f"Session{k}" / "dialog" / "transcriptions" / "Ses01F_impro01.txt").write_text("")
    labels = tmp_path / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    labels.write_text("[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5, 2.5, 2.5]\n")
    with pytest.raises(CorpusError, match="Ses01F_impro01_F000.wav"):
        read_iemocap(tmp_path)
    labels.write_text("[6.2901 8.2357] Ses01F_impro01_F000 neu\n")
    with pytest.raises(CorpusError, match="not a line"):
        read_iemocap(tmp_path)


def test_an_utterance_is_cut_out_of_its_dialog(release):
    record = read_iemocap(release)[1]  # 2.9 to 4.9 s, right half
    with as_one_file(record) as path:
        clip, frames = open_clip(path), list(read_frames(path))
    assert frames[0].image.shape == (480, 360, 3) and frames[0].image[100:].std() > 30  # the face, not the wall
    assert len(frames) == 20 and frames[0].time == pytest.approx(0, abs=0.051)
    shades = [frame.image[5:15, 50:300].mean() for frame in frames]
    assert shades[0] == pytest.approx(29 * 3, abs=4) and shades[-1] == pytest.approx(48 * 3, abs=4)
    assert clip.audio.duration == pytest.approx(open_clip(record.voice).audio.duration, abs=0.01)
    assert np.abs(clip.audio.samples - open_clip(record.voice).audio.samples)[:8000].max() < 1e-3
    assert not path.exists()


def test_from_the_release_to_the_report(release, tmp_path):
    request = Request(release, CPU, cache=tmp_path / "cache", checkpoint=CHECKPOINTS)
    opener = prepare_corpus("iemocap", request)
    corpus = opener()
    assert corpus.classes == CLASSES and len(corpus.folds) == 5
    sessions = []
    for open_fold in corpus.folds:
        fold = open_fold()
        parts = [{name[:5] for name in part.ids} for part in (fold.train, fold.validation, fold.test)]
        assert [len(part) for part in parts] == [3, 1, 1] and len(set.union(*parts)) == 5
        sessions += parts[2]
    assert sorted(sessions) == [f"Ses0{k}" for k in range(1, 6)]
    features = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.safetensors")}
    prepare_corpus("iemocap", request)
    assert len(features) == 10 and all(path.stat().st_mtime_ns == then for path, then in features.items())
    settings = Settings(epochs=2)
    results = run_protocol(opener, all_jobs(["avt-self", "avt-cross"], 5, 1), settings, tmp_path / "out" / "jobs", CPU)
    made = make_report(results, corpus, settings, 0.02)
    report = write_report(made, settings, tmp_path / "out")
    write_page(made, tmp_path / "out")
    assert results[0]["device"] in report and "1 thread" in report
    assert "session" in report and "| A+V+T | cross | 5 |" in report and "balanced accuracy (paper: W.Acc)" in report
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("Plotly.newPlot") >= 5 and '<script src="http' not in page and "frustrated" in page
    rows = list(csv.reader((tmp_path / "out" / "table.csv").read_text("utf-8").splitlines()))
    assert rows[1][:3] == ["A+V+T", "self", "5"] and rows[1][4] == "58.7 ± 2.2"
    assert r"\begin{tabular}" in (tmp_path / "out" / "comparison.tex").read_text("utf-8")


@pytest.fixture(scope="module")
def folds(tmp_path_factory) -> Path:
    """Two pre-processed folds of generated arrays; the first utterance of each part has no picture."""
    root, chance = tmp_path_factory.mktemp("yoon"), np.random.default_rng(0)
    for fold in ("fold01", "fold02"):
        folder = root / "folds" / fold
        folder.mkdir(parents=True)
        np.save(folder / "W_embedding.npy", chance.normal(size=(40, 300)).astype(np.float32))
        for part, n in (("train", 9), ("dev", 5), ("test", 5)):
            tokens = np.zeros((n, 128), np.int64)
            tokens[:, :3] = chance.integers(1, 40, (n, 3))
            arrays = {
                "audio_mfcc": chance.normal(size=(n, 1000, 120)).astype(np.float16), "audio_seqN": np.full(n, 60),
                "video": chance.normal(size=(n, 32, 2048)).astype(np.float16),
                "video_seqN": np.array([0] + [14] * (n - 1)),
                "nlp_trans": tokens, "label": np.arange(n) % 7, "audio_prosody": np.zeros((n, 35)),
            }  # fmt: skip
            for name, array in arrays.items():
                np.save(folder / f"{part}_{name}.npy", array)
    return root


def test_the_prepared_folds_are_read_lazily_and_text_is_built(folds):
    part = read_fold_part(folds, 1, "train")
    assert part.labels.tolist() == [1, 2, 3, 4, 5, 6, 0, 1] and part.dropped == 1
    shapes = {m: values[0].shape for m, values in part.sequences.items()}
    assert shapes == {"text": (3, 300), "video": (14, 2048), "audio": (60, 120)}
    embedding = np.load(folds / "folds/fold01/W_embedding.npy")
    tokens = np.load(folds / "folds/fold01/train_nlp_trans.npy")
    assert np.array_equal(part.sequences["text"][0], embedding[tokens[1, :3]])  # row 0 was dropped
    assert isinstance(part.sequences["audio"].array, np.memmap)
    padded = read_fold_part(folds, 1, "train", padded=True)
    assert {m: values[0].shape for m, values in padded.sequences.items()} == {
        "text": (128, 300), "video": (32, 2048), "audio": (1000, 120),
    }  # fmt: skip
    assert np.array_equal(padded.sequences["text"][0][3], embedding[0])  # the padding token has a vector too


def test_labels_of_the_folds_are_named_by_their_counts(folds, tmp_path):
    assert name_classes(folds) == tuple(f"class {i}" for i in range(7))
    (tmp_path / "fold01").mkdir()
    labels = np.repeat(np.arange(7), list(COUNTS))
    divided = np.split(np.random.default_rng(0).permutation(labels), [5000, 6000])
    for part, chosen in zip(("train", "dev", "test"), divided, strict=True):
        np.save(tmp_path / "fold01" / f"{part}_label.npy", chosen)
    assert name_classes(tmp_path) == (*CLASSES[:4], "frustrated", "surprise", "neutral")


def test_incomplete_folds_are_refused(folds, tmp_path):
    with pytest.raises(CorpusError, match="david-yoon"):
        read_fold_part(tmp_path, 1, "train")
    (tmp_path / "fold01").mkdir()
    np.save(tmp_path / "fold01/train_label.npy", np.zeros(3))
    with pytest.raises(CorpusError, match="train_audio_mfcc.npy is missing"):
        read_fold_part(tmp_path, 1, "train")
    np.save(tmp_path / "fold01/train_audio_mfcc.npy", np.zeros((3, 750, 120)))
    with pytest.raises(CorpusError, match=r"expected the shape \[n, 1000, 120\], found \[3, 750, 120\]"):
        read_fold_part(tmp_path, 1, "train")


@pytest.mark.parametrize("variant", ["masked", "reference"])
def test_from_the_folds_to_the_report(folds, tmp_path, variant, device):
    opener = prepare_corpus("iemocap-folds", Request(folds, device, variant=variant))
    corpus, settings = opener(), Settings(variant, epochs=1)
    jobs = all_jobs(["avt-self", "avt-cross"], len(corpus.folds), 1)
    results = run_protocol(opener, jobs, settings, tmp_path / "jobs", device)
    assert len(results) == 4 and all(r["n_train"] == 8 and r["n_test"] == 4 for r in results)
    # The reference's self model: three GRUs, two convolutions, three attention blocks, two linear layers.
    if variant == "reference":
        grus = sum(2 * (180 * (width + 60) + 360) for width in (300, 2048, 120))
        attention = 3 * (4 * 120 * 120 + 4 * 120)
        assert (
            results[0]["parameters"] == grus + (32 * 25 + 25) + (1000 * 500 + 500) + attention + 240 * 60 + 60 + 7 * 61
        )
    assert "## Cross against self" in write_report(make_report(results, corpus, settings, 0.02), settings, tmp_path)


def test_one_command_runs_every_configuration_and_control(folds, tmp_path, monkeypatch, capsys):
    """What IEMOCAP's holder runs, on a miniature tree: all models, damaged test sets, what attention was worth."""
    command = ["paper.py", "--corpus", "iemocap-folds", "--root", str(folds), "--controls", "--folds", "1"]
    command += ["--seeds", "1", "--epochs", "1", "--width", "12", "--heads", "2", "--device", "cpu"]
    monkeypatch.setattr("sys.argv", [*command, "--out", str(tmp_path)])
    assert paper.main() == 0
    text = capsys.readouterr().out
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))["results"]
    assert {r["configuration"] for r in results} == set(CONFIGURATIONS) | set(controls_of(("text", "video", "audio")))
    assert all("damage" in r and r["parameters"] > 0 for r in results)
    assert "there is one fold, which allows no inference" in text and "| A+V+T, gated | cross + self | 1 |" in text
    for heading in ("## Controls", "## Incongruent and damaged", "## Does attention tell the truth?"):
        assert heading in text
    assert paper.main() == 0, "the same command goes on where it was: nothing is left to do"


def count_letters(record: ClipRecord) -> dict:
    if record.id == "bad":
        raise MediaError("damaged", "bad.avi is damaged.")
    values = np.full((2, 3), len(record.id), np.float32)
    return {"text": values, "video": Missing("no face was found") if record.id == "dark" else values, "audio": values}


def make_count_letters():
    return count_letters


RECORDS = [ClipRecord(name, 0, "") for name in ("bad", "dark", *(f"train/{'x' * n}" for n in range(1, 20)))]


def extract_and_wait_for_the_end(folder: Path, reached, never) -> None:
    """Extracts six clips, says so, and stands still in the seventh."""
    done = []

    def make():
        def slow(record):
            if len(done) == 6:
                reached.set()
                never.wait()
            done.append(record)
            return count_letters(record)

        return slow

    extract_corpus(RECORDS, make, folder)


def test_extraction_survives_a_kill_and_writes_down_what_failed(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["core.datasets.clips", __name__])
    reached, never = context.Event(), context.Event()
    process = context.Process(target=extract_and_wait_for_the_end, args=(tmp_path, reached, never))
    process.start()
    assert reached.wait(300)
    process.kill()
    process.join()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.safetensors")}
    assert len(kept) == 5 and len(list(tmp_path.glob("*.failed.json"))) == 1
    manifest = extract_corpus(RECORDS, make_count_letters, tmp_path)
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())
    assert manifest.done == [r.id for r in RECORDS[2:]] and manifest.waiting == {}
    assert manifest.failed == {"bad": "bad.avi is damaged."} and manifest.missing == {
        "dark": {"video": "no face was found"}
    }
    assert json.loads((tmp_path / "manifest.json").read_text("utf-8"))["failed"] == manifest.failed


def test_a_lack_of_memory_or_disk_is_not_the_clips_fault(tmp_path):
    lacking = [MemoryError("too large"), OSError(28, "No space left on device")]

    def make():
        def extract(record):
            if lacking:
                raise lacking.pop()
            return count_letters(record)

        return extract

    records = RECORDS[2:5]
    first = extract_corpus(records, make, tmp_path)
    assert first.done == ["train/xxx"] and first.failed == {} and set(first.waiting) == {"train/x", "train/xx"}
    assert "No space left" in first.waiting["train/x"]
    assert extract_corpus(records, make, tmp_path).done == [record.id for record in records]


def test_features_belong_to_what_a_clip_holds(tmp_path):
    """Another recording under the same name, or another part of it, is another file."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    for folder, content in (("one", b"a"), ("two", b"b")):
        (tmp_path / folder / "x.wav").write_bytes(content)
    record = ClipRecord("ravdess/x", 0, "ravdess/01", voice=tmp_path / "one" / "x.wav")
    names = {
        clip_file(tmp_path, r).name
        for r in (
            record, replace(record, voice=tmp_path / "two" / "x.wav"), replace(record, span=(0.0, 1.0)),
            replace(record, half="left"), replace(record, text="Hello."),
        )
    }  # fmt: skip
    assert len(names) == 5 and all(name.startswith("ravdess--x.") for name in names)
    assert clip_file(tmp_path, replace(record, label=3, group="ravdess/02")) == clip_file(tmp_path, record)


def test_extraction_in_processes(tmp_path):
    records = [ClipRecord(name, 0, "") for name in ("a", "bad", "ccc")]
    assert extract_corpus(records, partial(make_count_letters), tmp_path, workers=2).done == ["a", "ccc"]


def test_a_stored_corpus_with_official_parts_has_one_fold(tmp_path):
    names = [f"{part}/{i}" for part in ("train", "validation", "test") for i in range(3)]
    files = [f"{name.replace('/', '--')}.safetensors" for name in names]
    for name, file in zip(names, files, strict=True):
        save_features(tmp_path / file, {m: np.full((2, 4), len(name)) for m in ("text", "video", "audio")})
    index = {
        "name": "meld", "classes": ["a", "b"], "features": "generated", "split": "official", "ids": names,
        "files": files, "labels": [0, 1, 0] * 3, "groups": names, "parts": [name.split("/")[0] for name in names],
    }  # fmt: skip
    (tmp_path / "meld.json").write_text(json.dumps(index))
    corpus = open_stored(tmp_path / "meld.json", 5)
    assert len(corpus.folds) == 1 and corpus.widths == {"text": 4, "video": 4, "audio": 4}
    fold = corpus.folds[0]()
    parts = [part.ids[0] for part in (fold.train, fold.validation, fold.test)]
    assert parts == ["train/0", "validation/0", "test/0"]
    assert fold.test.sequences["video"][1].tolist() == [[6.0] * 4] * 2
    index["parts"] = [""] * 9
    index["groups"] = ["the only speaker"] * 9
    (tmp_path / "meld.json").write_text(json.dumps(index))
    with pytest.raises(CorpusError, match="groups"):
        open_stored(tmp_path / "meld.json", 5)
