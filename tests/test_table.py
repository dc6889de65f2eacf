"""Many clips as one table, and the command that writes it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from made import analysis, window

from core import LABELS, MODALITIES
from core.analysis import Analyzer
from core.media import MediaError
from core.table import COLUMNS, appending, failed, read_rows, row_of


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
def clips(monkeypatch) -> Clips:
    """In the place of the models."""
    instead = Clips()
    monkeypatch.setattr(Analyzer, "load", classmethod(lambda *_: instead))
    return instead


def test_a_folder_becomes_a_table_and_a_bad_file_a_sentence_in_it(command, clips, tmp_path):
    folder, table = tmp_path / "clips", tmp_path / "out.csv"
    (folder / "deeper").mkdir(parents=True)
    for name in ("one.mp4", "bad.WAV", "deeper/two.webm", "notes.txt"):
        (folder / name).write_bytes(b"x")
    ran = command("analyze.py", folder, "--csv", table)
    assert ran.returncode == 1 and ran.stdout == "" and "not a media file" in ran.stderr
    assert clips.asked == ["bad.WAV", "two.webm", "one.mp4"]
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["file"]).name for row in rows] == ["bad.WAV", "two.webm", "one.mp4"]
    assert rows[0]["error"] == "bad.WAV is not a media file that can be read." and rows[0]["cross"] == ""
    assert rows[1]["error"] == "" and rows[1]["cross"] in LABELS and rows[1]["used"] == "+".join(MODALITIES)
    (folder / "three.mp4").write_bytes(b"x")
    again = command("analyze.py", folder, "--csv", table)
    assert again.returncode == 0 and again.stdout == ""
    assert clips.asked[3:] == ["three.mp4"], "what stands in the table is not read again"
    assert len(read_rows(table)) == 4


def test_a_folder_without_media_and_another_table_are_said_in_a_sentence(command, clips, tmp_path):
    ran = command("analyze.py", tmp_path)
    assert ran.returncode == 0 and f"{tmp_path} holds no sound or video." in ran.stderr
    other = tmp_path / "other.csv"
    other.write_text("name\nAda\n")
    refused = command("analyze.py", tmp_path, "--csv", other)
    assert refused.returncode == 2 and "another table" in refused.stderr and other.read_text() == "name\nAda\n"


def test_json_stays_json_beside_a_table(command, clips, tmp_path):
    clip = tmp_path / "one.mp4"
    clip.write_bytes(b"x")
    ran = command("analyze.py", clip, "--json", "--csv", tmp_path / "out.csv")
    assert ran.returncode == 0 and json.loads(ran.stdout)["file"] == "one.mp4"
    assert len(read_rows(tmp_path / "out.csv")) == 1
