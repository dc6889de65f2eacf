"""Many clips as one table, and the command that writes it."""

import csv
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from made import analysis, window

from core import LABELS, MODALITIES
from core.analysis import Analyzer
from core.media import MediaError
from core.table import COLUMNS, appending, failed, read_rows, row_of

ROOT = Path(__file__).parent.parent


def test_a_line_holds_what_was_said_of_a_clip():
    made = analysis(missing={"video": "no face was found"}, seed=3)
    row = row_of("a.mp4", made)
    assert tuple(row) == COLUMNS and row["file"] == "a.mp4" and row["error"] == ""
    assert row["used"] == "text+audio" and row["cross"] == made.everything.cross.label
    said = [float(row[f"self {label}"]) for label in LABELS]
    np.testing.assert_allclose(said, made.everything.self_.probabilities, atol=1e-6)
    alone = row_of("a.mp4", made, ("audio",))
    assert alone["used"] == "audio" and alone["cross"] == alone["cross anger"] == "" and alone["self"]


def test_a_table_that_was_cut_off_goes_on_without_the_broken_line(tmp_path):
    path = tmp_path / "table.csv"
    odd = "a\u2028b, “c”\n.mp4"
    with appending(path) as (done, writer):
        assert done == set()
        writer.writerow(row_of(odd, analysis()))
        writer.writerow(failed("bad.mp4", "It is broken."))
        assert len(read_rows(path)) == 2, "a line is on the disk as soon as it is written"
    path.write_text(path.read_text() + 'third.mp4,"half a sen')
    with appending(path) as (done, writer):
        assert done == {odd, "bad.mp4"}
        writer.writerow(failed("third.mp4", "No."))
    rows = read_rows(path)
    assert [row["file"] for row in rows] == [odd, "bad.mp4", "third.mp4"]
    assert [row["error"] for row in rows] == ["", "It is broken.", "No."]
    path.write_text("name,age\nAda,36\n")
    with pytest.raises(ValueError, match="another table"), appending(path):
        pass
    assert path.read_text() == "name,age\nAda,36\n"


class Clips:
    """Stands in for the analyzer: knows what is good by its name, and how often it was asked."""

    def __init__(self):
        self.asked = []

    def analyze(self, path, progress):
        self.asked.append(path.name)
        if "bad" in path.name:
            raise MediaError("not_media", f"{path.name} is not a media file that can be read.")
        return analysis(file=path.name, duration=12.0, windows=(window(0.0, 10.0), window(5.0, 12.0)))


@pytest.fixture
def command(monkeypatch):
    """Runs scripts/analyze.py in this process, with ``Clips`` in the place of the models."""
    spec = importlib.util.spec_from_file_location("analyze_command", ROOT / "scripts" / "analyze.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)
    clips = Clips()
    monkeypatch.setattr(Analyzer, "load", classmethod(lambda *_: clips))

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["analyze.py", *map(str, arguments)])
        return module.main()

    run.clips = clips
    return run


def test_a_folder_becomes_a_table_and_a_bad_file_a_sentence_in_it(command, tmp_path, capsys):
    folder, table = tmp_path / "clips", tmp_path / "out.csv"
    (folder / "deeper").mkdir(parents=True)
    for name in ("one.mp4", "bad.WAV", "deeper/two.webm", "notes.txt"):
        (folder / name).write_bytes(b"x")
    assert command(folder, "--csv", table) == 1, "one is bad"
    assert command.clips.asked == ["bad.WAV", "two.webm", "one.mp4"]
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["file"]).name for row in rows] == ["bad.WAV", "two.webm", "one.mp4"]
    assert rows[0]["error"] == "bad.WAV is not a media file that can be read." and rows[0]["cross"] == ""
    assert rows[1]["error"] == "" and rows[1]["cross"] in LABELS and rows[1]["used"] == "+".join(MODALITIES)
    (folder / "three.mp4").write_bytes(b"x")
    assert command(folder, "--csv", table) == 0
    assert command.clips.asked[3:] == ["three.mp4"], "what stands in the table is not read again"
    assert len(read_rows(table)) == 4
    out, err = capsys.readouterr()
    assert out == "" and "not a media file" in err


def test_a_folder_without_media_and_another_table_are_said_in_a_sentence(command, tmp_path, capsys):
    assert command(tmp_path) == 0
    assert f"{tmp_path} holds no sound or video." in capsys.readouterr().err
    other = tmp_path / "other.csv"
    other.write_text("name\nAda\n")
    assert command(tmp_path, "--csv", other) == 2
    assert "another table" in capsys.readouterr().err and other.read_text() == "name\nAda\n"


def test_json_stays_json_beside_a_table(command, tmp_path, capsys):
    clip = tmp_path / "one.mp4"
    clip.write_bytes(b"x")
    assert command(clip, "--json", "--csv", tmp_path / "out.csv") == 0
    assert json.loads(capsys.readouterr().out)["file"] == "one.mp4"
    assert len(read_rows(tmp_path / "out.csv")) == 1
