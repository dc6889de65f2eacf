"""Many clips as one table, and the command that writes it."""

import csv
import errno
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import analysis, window

from core import CHECKPOINTS, LABELS, MODALITIES
from core.analysis.analyzer import Analyzer
from core.analysis.results import Prediction
from core.analysis.table import ADDED, BEFORE, COLUMNS, appending, content_of, failed, read_rows, row_of, table_text
from core.csv_cells import escaped_cell, plain_cell
from core.experiment.tables import to_csv
from core.files import OutputError
from core.media.reader import MediaError, open_clip
from core.paths import NamedFile, escaped, unescaped
from demo.charts import report


def test_a_line_holds_what_was_said_of_a_clip():
    made = analysis(missing={"video": "no face was found"}, seed=3)
    row = row_of("a.mp4", made)
    assert tuple(row) == COLUMNS and row["file"] == "a.mp4" and row["error"] == ""
    assert row["used"] == "text+audio" and row["cross"] == made.everything.cross.label
    said = [float(row[f"self {label}"]) for label in LABELS]
    np.testing.assert_allclose(said, made.everything.self_.probabilities, atol=1e-6)
    unsure = replace(
        made.everything.self_, probabilities=np.array([0.5, 0.05, 0.3, 0.05, 0.02, 0.05, 0.03]), threshold=0.2
    )
    doubtful = replace(
        made, predictions=made.predictions | {("text", "audio"): Prediction(("text", "audio"), None, unsure)}
    )
    assert row_of("a.mp4", doubtful)["self set"] == "anger+fear" and row_of("a.mp4", doubtful)["cross set"] == ""
    alone = row_of("a.mp4", made, ("audio",))
    assert alone["used"] == "audio" and alone["cross"] == alone["cross anger"] == "" and alone["self"]


def test_a_line_says_what_is_not_used_and_why():
    made = analysis(missing={"video": "no face was found"})
    assert row_of("a.mp4", made)["missing"] == "video: no face was found"
    assert row_of("a.mp4", made, ("audio",))["missing"] == "text: switched off; video: no face was found"


def file_in(folder: Path, name: str, content: bytes = b"x") -> NamedFile:
    (folder / name).write_bytes(content)
    return NamedFile(folder / name, escaped(name))


def test_a_table_that_was_cut_off_goes_on_without_the_broken_line(tmp_path):
    path = tmp_path / "table.csv"
    odd, bad, third = (file_in(tmp_path, name) for name in ("a\u2028b, “c”\n.mp4", "bad.mp4", "third.mp4"))
    with appending(path) as table:
        assert odd not in table
        table.write(odd, row_of("odd", analysis()), "0" * 16)
        table.write(bad, failed("bad", "It is broken.\nReally."), content_of(bad.path))
        assert len(read_rows(path)) == 2, "a line is on the disk as soon as it is written"
    path.write_text(path.read_text("utf-8") + 'third.mp4,"half\na sen')
    with appending(path, files=[bad, third]) as table:
        assert bad in table and third not in table
        table.write(third, failed("third", "No."), "")
    rows = read_rows(path)
    assert [row["file"] for row in rows] == ["a\\u2028b, “c”\\n.mp4", "bad.mp4", "third.mp4"]
    assert [row["error"] for row in rows] == ["", "It is broken.\nReally.", "No."]


@pytest.mark.parametrize("since", range(len(ADDED)))
def test_a_table_of_an_earlier_version_is_gone_on_with(tmp_path, since):
    path = tmp_path / "old.csv"
    old = [column for column in COLUMNS if column not in sum(ADDED[since:], ())]
    path.write_text(",".join(old) + "\n" + ",".join(f"{i}" for i in range(len(old))) + "\n")
    with appending(path, settings=str(len(old) - 1)):
        pass
    (row,) = read_rows(path)
    assert tuple(row) == COLUMNS and row["self set"] == "" and row["settings"] == str(len(old) - 1)
    assert path.read_text("utf-8-sig").splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize(("content", "said"), [
    (b"name,age\nAda,36\n", "is another table"),
    (b"\x89PNG\r\n\x1a\n\x00\xff", "is another table"),
    (",".join(BEFORE).encode() + b"\n", "of an earlier version"),
    (";".join(COLUMNS).encode() + b"\n", "other separators than commas"),
])  # fmt: skip
def test_another_table_is_refused_and_left_as_it_is(tmp_path, content, said):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said), appending(path):
        pass
    assert path.read_bytes() == content and os.listdir(tmp_path) == ["other.csv"]


def test_a_table_that_a_spreadsheet_saved_goes_on(tmp_path):
    path, one = tmp_path / "table.csv", file_in(tmp_path, "one.mp4")
    with appending(path, "s") as table:
        table.write(one, row_of("", analysis()), content_of(one.path))
    plain = read_rows(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    with appending(path, "s", [one]) as table:
        assert one in table
    assert read_rows(path) == plain and b"\r" not in path.read_bytes()


def test_two_processes_do_not_write_one_table(tmp_path):
    with appending(tmp_path / "table.csv"), pytest.raises(OutputError, match="Another process is writing .*table.csv"):
        with appending(tmp_path / "table.csv"):
            pass
    (tmp_path / ".table.csv.lock").touch()  # of one that was killed
    with appending(tmp_path / "table.csv"):
        pass
    assert os.listdir(tmp_path) == ["table.csv"]


def test_a_full_disk_leaves_whole_lines(tmp_path, monkeypatch):
    path, one, two = tmp_path / "table.csv", file_in(tmp_path, "one.mp4"), file_in(tmp_path, "two.mp4")

    class Full:
        """Takes ten bytes of a line."""

        def __init__(self, stream):
            self.stream, self.taken = stream, 0

        def write(self, data):
            if self.taken:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.taken = self.stream.write(data[:10])
            return self.taken

        def __getattr__(self, name):
            return getattr(self.stream, name)

    with pytest.raises(OutputError, match="table.csv cannot be written: No space left on device."):
        with appending(path) as table:
            table.write(one, failed("", "No."), "")
            table._stream = Full(table._stream)
            table.write(two, failed("", "No."), "")
    assert [row["file"] for row in read_rows(path)] == ["one.mp4"] and path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("text", [
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\rx", "\nx", "  =1", "'=1", "''=1", "＝1+1", "- Hello",
])  # fmt: skip
def test_no_cell_is_a_formula_and_what_is_read_back_is_the_same(text):
    assert escaped_cell(text) == "'" + text and plain_cell(escaped_cell(text)) == text


@pytest.mark.parametrize("text", ["-0.5", "+3", "-1e-05", "", "-", "'tis", "a=b", "1.2 ± 0.1", "“-x”", -0.25])
def test_numbers_and_plain_text_stay(text):
    assert escaped_cell(text) == str(text) == plain_cell(escaped_cell(text))


def test_every_table_is_written_so(tmp_path):
    made = replace(analysis(words=["=1+1", "now"]), windows=(), phrases=(replace(window(0, 1), text="@now"),))
    assert list(csv.reader(io.StringIO(table_text([row_of("-a.mp4", made)]))))[1][0] == "'-a.mp4"
    assert read_back(tmp_path, table_text([row_of("-a.mp4", made)]))["text"] == "=1+1 now"
    assert ",phrase,'@now," in report.as_csv(made).splitlines()[-1]
    assert to_csv(("a", "b"), [("=x", "-1.5")]) == "a,b\n'=x,-1.5\n"


def read_back(folder: Path, text: str) -> dict:
    (folder / "t.csv").write_text(text)
    return read_rows(folder / "t.csv")[0]


class Clips:
    """Stands in for the analyzer: knows what is good by its name, and how often it was asked."""

    def __init__(self):
        self.asked = []

    def analyze(self, path, progress, first=None):
        self.asked.append(path.name)
        if "bad" in path.name:
            raise MediaError("not_media", f"{path.name} is not a media file that can be read.")
        if "strange" in path.name:
            raise ZeroDivisionError("a fault of ours")
        if "stop" in path.name:
            raise KeyboardInterrupt
        return analysis(file=path.name, duration=12.0, windows=(window(0.0, 10.0), window(5.0, 12.0)))


@pytest.fixture
def clips(monkeypatch) -> Clips:
    """In the place of the models."""
    instead = Clips()
    monkeypatch.setattr(Analyzer, "load", classmethod(lambda *_, **__: instead))
    return instead


@pytest.fixture
def folder(tmp_path) -> Path:
    """Of files for which ``clips`` stands in."""
    (tmp_path / "clips").mkdir()
    return tmp_path / "clips"


def save(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(name))


def test_a_folder_becomes_a_table_and_a_bad_file_a_sentence_in_it(command, clips, folder, tmp_path):
    table = tmp_path / "out.csv"
    save(folder, "one.mp4", "bad.WAV", "deeper/two.webm", "notes.txt")
    ran = command("analyze.py", folder, "--csv", table)
    assert ran.returncode == 1 and ran.stdout == ""
    assert ran.stderr == "bad.WAV is not a media file that can be read.\n"
    assert clips.asked == ["bad.WAV", "two.webm", "one.mp4"]
    assert str(tmp_path) not in table.read_text("utf-8")
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == ["bad.WAV", "deeper/two.webm", "one.mp4"]
    assert rows[0]["error"] == "bad.WAV is not a media file that can be read." and rows[0]["cross"] == ""
    assert rows[1]["error"] == "" and rows[1]["cross"] in LABELS and rows[1]["used"] == "+".join(MODALITIES)
    assert tuple(rows[0])[:20] == BEFORE[:20], "columns keep their names and order"
    save(folder, "three.mp4")
    again = command("analyze.py", folder, "--csv", table)
    assert again.returncode == 0 and again.stdout == ""
    assert clips.asked[3:] == ["three.mp4"], "what stands in the table is not read again"
    assert len(read_rows(table)) == 4


@pytest.mark.parametrize("as_named", [str, os.path.relpath, lambda path: f"{path}/../clips/."])
def test_a_file_is_the_same_however_it_is_named(command, clips, folder, tmp_path, monkeypatch, as_named):
    monkeypatch.chdir(folder)
    save(folder, "one.mp4", "deeper/two.mp4")
    (tmp_path / "link").symlink_to(folder)
    command("analyze.py", folder, "--csv", "../out.csv")
    for again in (as_named(folder), folder / "one.mp4", "one.mp4", "deeper", tmp_path / "link"):
        assert command("analyze.py", again, "--csv", tmp_path / "out.csv").returncode == 0
    assert clips.asked == ["two.mp4", "one.mp4"]
    assert [row["file"] for row in read_rows(tmp_path / "out.csv")] == ["deeper/two.mp4", "one.mp4"]


def test_other_content_under_the_same_name_is_read_again(command, clips, folder, tmp_path):
    table = tmp_path / "out.csv"
    save(folder, "one.mp4", "two.mp4")
    command("analyze.py", folder, "--csv", table)
    (folder / "one.mp4").write_bytes(b"something else")
    os.utime(folder / "two.mp4", (0, 0))  # copied, but the same
    assert command("analyze.py", folder, "--csv", table).returncode == 0
    assert clips.asked == ["one.mp4", "two.mp4", "one.mp4"]
    rows = {row["file"]: row for row in read_rows(table)}
    assert len(read_rows(table)) == 2 and rows["one.mp4"]["content"] == content_of(folder / "one.mp4")


def test_files_of_one_name_in_several_folders_have_a_line_each(command, clips, folder, tmp_path):
    other, table = tmp_path / "other", tmp_path / "out.csv"
    save(folder, "one.mp4")
    save(other, "one.mp4", "deeper/one.mp4")
    (other / "one.mp4").write_bytes(b"different")
    command("analyze.py", folder, "--csv", table)
    command("analyze.py", other, "--csv", table)
    names = [row["file"] for row in read_rows(table)]
    assert names == ["one.mp4", "deeper/one.mp4", "other/one.mp4"]
    command("analyze.py", folder, other, "--csv", table)
    assert len(clips.asked) == 3 and [row["file"] for row in read_rows(table)] == names
    command("analyze.py", folder, other, "--csv", tmp_path / "both.csv")
    assert [row["file"] for row in read_rows(tmp_path / "both.csv")] == [
        "clips/one.mp4", "other/deeper/one.mp4", "other/one.mp4",
    ]  # fmt: skip


def test_a_folder_that_was_moved_with_its_table_goes_on(command, clips, folder, tmp_path):
    save(folder, "one.mp4", "deeper/two.mp4")
    command("analyze.py", folder, "--csv", folder / "out.csv")
    folder.rename(tmp_path / "elsewhere")
    save(tmp_path / "elsewhere", "three.mp4")
    command("analyze.py", tmp_path / "elsewhere", "--csv", tmp_path / "elsewhere" / "out.csv")
    assert clips.asked == ["two.mp4", "one.mp4", "three.mp4"]
    assert len(read_rows(tmp_path / "elsewhere" / "out.csv")) == 3


@pytest.mark.parametrize("option", [("--modalities", "audio"), ("--whisper", "small.en"), ("--checkpoint",)])
def test_a_table_of_other_settings_is_refused(command, clips, folder, tmp_path, option):
    table = tmp_path / "out.csv"
    save(folder, "one.mp4")
    if option == ("--checkpoint",):
        other = json.loads((CHECKPOINTS / "config.json").read_text("utf-8"))
        other["self"]["calibration"]["text"]["temperature"] = 9.0
        (tmp_path / "config.json").write_text(json.dumps(other))
        option = ("--checkpoint", tmp_path)
    command("analyze.py", folder, "--csv", table)
    before = table.read_bytes()
    save(folder, "two.mp4")
    refused = command("analyze.py", folder, "--csv", table, *option)
    assert refused.returncode == 2 and refused.stdout == "" and refused.stderr.count("\n") == 1
    assert "was made with other settings" in refused.stderr and "name another table" in refused.stderr
    assert option[0].strip("-") + "=" in refused.stderr
    assert clips.asked == ["one.mp4"] and table.read_bytes() == before
    assert command("analyze.py", folder, "--csv", table).returncode == 0 and clips.asked[1:] == ["two.mp4"]


def test_an_unexpected_error_is_a_line_and_the_next_file_is_read(command, clips, folder, tmp_path, caplog):
    table = tmp_path / "out.csv"
    save(folder, "one.mp4", "strange.mp4", "two.mp4")
    for number in (1, 2):
        ran = command("analyze.py", folder, "--csv", table)
        assert ran.returncode == 1 and "Traceback" not in ran.stderr + caplog.text
        assert [r.getMessage() for r in caplog.records] == ["strange.mp4: ZeroDivisionError: a fault of ours"] * number
        rows = {row["file"]: row["error"] for row in read_rows(table)}
        assert rows.pop("strange.mp4") == (
            "strange.mp4 could not be analysed: an unexpected error (ZeroDivisionError)."
        )
        assert rows == {"one.mp4": "", "two.mp4": ""}
    assert clips.asked == ["one.mp4", "strange.mp4", "two.mp4", "strange.mp4"]
    ran = command("analyze.py", folder, "--json", "--verbose")
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["file"] for line in found] == ["one.mp4", "strange.mp4", "two.mp4"]
    assert found[1]["error"]["code"] == "unexpected" and "in analyze" in caplog.text


def test_ctrl_c_leaves_the_table_whole(command, clips, folder, tmp_path):
    table = tmp_path / "out.csv"
    save(folder, "one.mp4", "stop.mp4", "two.mp4")
    ran = command("analyze.py", folder, "--csv", table)
    assert ran.returncode == 130 and ran.stderr == "\nInterrupted.\n" and ran.stdout == ""
    assert [row["file"] for row in read_rows(table)] == ["one.mp4"]
    assert sorted(os.listdir(tmp_path)) == ["clips", "out.csv"]


def test_names_that_are_no_text(command, clips, folder, tmp_path):
    save(folder, b"a\xff.wav", b"bad\xfe.wav", "z.wav")
    ran = command("analyze.py", folder, "--csv", tmp_path / "out.csv")
    assert ran.returncode == 1
    rows = read_rows(tmp_path / "out.csv")
    assert [row["file"] for row in rows] == ["a\\xff.wav", "bad\\xfe.wav", "z.wav"]
    assert [os.fsencode(unescaped(row["file"])) for row in rows] == [b"a\xff.wav", b"bad\xfe.wav", b"z.wav"]
    (tmp_path / "out.csv").read_bytes().decode("utf-8")
    assert command("analyze.py", folder, "--csv", tmp_path / "out.csv").returncode == 0, "they are known again"
    ran = command("analyze.py", folder, "--json")
    assert [json.loads(line)["file"] for line in ran.stdout.splitlines()] == [row["file"] for row in rows]
    assert ran.stdout.isascii() or ran.stdout.encode("utf-8")
    ran = command("analyze.py", folder)
    assert ran.stdout.startswith("a\\xff.wav  12.0 s") and "\nz.wav  12.0 s" in ran.stdout


def test_odd_but_healthy_names_have_a_line_each(command, clips, folder, tmp_path):
    odd = [
        "two\nlines.wav", "\x1b[31mred.wav", 'quo"te,\'s.wav', "-leading.wav", "=1+1.wav", "back\\xff.wav", "🎬.wav",
        "re\u202everse.wav", "cafe\u0301.wav", "caf\u00e9.wav", "x" * 250 + ".wav", "中文.wav", " .wav", "'=.wav",
    ]  # fmt: skip
    save(folder, *odd, b"back\xff.wav")
    assert command("analyze.py", folder, "--csv", tmp_path / "out.csv").returncode == 0
    rows = read_rows(tmp_path / "out.csv")
    assert sorted(unescaped(row["file"]) for row in rows) == sorted([*odd, os.fsdecode(b"back\xff.wav")])
    assert all("\n" not in row["file"] and "\x1b" not in row["file"] for row in rows)
    assert command("analyze.py", folder, "--csv", tmp_path / "out.csv").returncode == 0
    assert len(clips.asked) == len(odd) + 1
    ran = command("analyze.py", folder)
    assert "\x1b" not in ran.stdout and "two\\nlines.wav  12.0 s" in ran.stdout


def test_what_systems_leave_behind_is_passed_over(command, clips, folder, tmp_path):
    save(folder, "clip.wav", "._clip.wav", ".hidden/a.wav", "__MACOSX/._clip.wav", "@eaDir/clip.wav/b.wav")
    assert command("analyze.py", folder, "--csv", tmp_path / "out.csv").returncode == 0
    assert clips.asked == ["clip.wav"]
    command("analyze.py", folder / "._clip.wav")
    assert clips.asked[1:] == ["._clip.wav"], "unless it is named"


def test_circles_of_links_end_and_links_out_are_followed(command, clips, folder, tmp_path):
    save(folder, "a/one.wav")
    save(tmp_path / "elsewhere", "two.wav")
    (folder / "a" / "up").symlink_to("..")
    (folder / "self").symlink_to("self")
    (folder / "again").symlink_to("a")
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    (folder / "gone.wav").symlink_to("nowhere")
    (folder / "above").symlink_to(tmp_path)
    assert command("analyze.py", folder, "--csv", tmp_path / "out.csv").returncode == 0
    assert [row["file"] for row in read_rows(tmp_path / "out.csv")] == ["a/one.wav", "out/two.wav"]


def test_a_folder_without_media_and_another_table_are_said_in_a_sentence(command, clips, tmp_path):
    ran = command("analyze.py", tmp_path)
    assert ran.returncode == 0 and f"{tmp_path} holds no sound or video." in ran.stderr
    other = tmp_path / "other.csv"
    other.write_text("name\nAda\n")
    refused = command("analyze.py", tmp_path, "--csv", other)
    assert refused.returncode == 2 and "another table" in refused.stderr and other.read_text("utf-8") == "name\nAda\n"


def test_a_folder_that_cannot_be_read_is_said(command, clips, folder, monkeypatch):
    save(folder, "one.wav", "closed/two.wav")
    scandir = os.scandir

    def closed(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("core.paths.os.scandir", closed)
    ran = command("analyze.py", folder)
    assert ran.returncode == 1 and ran.stderr == f"{folder}/closed cannot be read.\n" and clips.asked == ["one.wav"]


@pytest.mark.parametrize(("out", "reason"), [
    ("missing/out.csv", "the folder {}/missing does not exist"),
    ("clips/one.wav/out.csv", "{}/clips/one.wav is not a folder"),
    ("clips", "it is not a file"),
])  # fmt: skip
def test_a_place_where_no_table_can_be_is_named(command, clips, folder, tmp_path, out, reason):
    save(folder, "one.wav")
    ran = command("analyze.py", folder, "--csv", tmp_path / out)
    assert ran.returncode == 2 and clips.asked == []
    assert ran.stderr == f"{tmp_path / out} cannot be written: {reason.format(tmp_path)}.\n"


def test_a_file_that_disappears_meanwhile_is_a_line(command, folder, tmp_path, monkeypatch):
    save(folder, "one.wav", "two.wav")

    class Real(Clips):
        def analyze(self, path, progress, first=None):
            open_clip(path) if path.name == "two.wav" else (folder / "two.wav").unlink()
            return super().analyze(path, progress)

    monkeypatch.setattr(Analyzer, "load", classmethod(lambda *_, **__: Real()))
    assert command("analyze.py", folder, "--csv", tmp_path / "out.csv").returncode == 1
    assert [row["error"] for row in read_rows(tmp_path / "out.csv")] == ["", "two.wav does not exist."]


def test_json_stays_json_beside_a_table(command, clips, tmp_path):
    clip = tmp_path / "one.mp4"
    clip.write_bytes(b"x")
    ran = command("analyze.py", clip, "--json", "--csv", tmp_path / "out.csv")
    assert ran.returncode == 0 and json.loads(ran.stdout)["file"] == "one.mp4"
    assert len(read_rows(tmp_path / "out.csv")) == 1
