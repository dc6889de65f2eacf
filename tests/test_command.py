"""How commands end: exit statuses, sentences instead of tracebacks, and text that any console can show."""

import errno
import io
import os
import sys
from pathlib import Path

import pytest

from core import __version__
from core.corpora.layout import CorpusError
from core.files import OutputError, prepare_folder, write_json
from core.media.reader import shown
from core.state_files import save_state
from scripts.command import run


def test_output_that_nobody_reads_ends_a_command_quietly(monkeypatch, capfd):
    read, write = os.pipe()
    monkeypatch.setattr(sys, "stdout", os.fdopen(write, "w"))

    def main():
        print("x" * 100)  # waits in a buffer
        os.close(read)
        return 0

    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == 141
    sys.stdout.close()  # as Python does when it ends: what waits goes nowhere
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("encoding", "written"), [
    ("ascii", rb"\u4e2d\u6587 a\udcff.wav"), ("cp1252", rb"\u4e2d\u6587 a\udcff.wav"),
    ("utf-8", "中文 a\\udcff.wav".encode()),
])  # fmt: skip
def test_every_console_shows_every_name(monkeypatch, encoding, written):
    console = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", console)
    with pytest.raises(SystemExit) as ended:
        run(lambda: print("中文 a\udcff.wav") or 0)
    assert ended.value.code == 0 and console.buffer.getvalue().rstrip() == written


@pytest.mark.parametrize(("raised", "status", "sentence"), [
    (KeyboardInterrupt(), 130, "\nInterrupted.\n"),
    (CorpusError("It is not there."), 2, "It is not there.\n"),
    (OutputError("out.csv cannot be written."), 2, "out.csv cannot be written.\n"),
    (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "/x cannot be used: Permission denied.\n"),
])  # fmt: skip
def test_a_command_ends_with_a_sentence(raised, status, sentence, capsys):
    def main():
        raise raised

    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == status and capsys.readouterr() == ("", sentence)


def test_what_nobody_expected_keeps_its_traceback():
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main)


@pytest.mark.parametrize("write", [
    lambda path: write_json(path, {}), lambda path: save_state(path, {}),
])  # fmt: skip
def test_what_cannot_be_written_is_named_and_no_temporary_file(tmp_path, write):
    with pytest.raises(OutputError) as raised:
        write(tmp_path / "missing" / "out.json")
    folder = tmp_path / "missing"
    assert str(raised.value) == f"{folder}/out.json cannot be written: the folder {folder} does not exist."
    folder.write_text("a file")
    with pytest.raises(OutputError, match=f"^{folder}/out.json cannot be written: {folder} is not a folder.$"):
        write(folder / "out.json")
    (tmp_path / "there").mkdir()
    with pytest.raises(OutputError, match=f"^{tmp_path}/there cannot be written: .*[Dd]irectory.*$"):
        write(tmp_path / "there")
    assert sorted(os.listdir(tmp_path)) == ["missing", "there"], "nothing stays beside"


def test_a_folder_for_results_is_tried_before_they_are_made(tmp_path):
    made = prepare_folder(tmp_path / "runs" / "paper")
    assert made.is_dir() and os.listdir(made) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Nothing can be written into .*/file: it is a file."):
        prepare_folder(tmp_path / "file")
    with pytest.raises(OutputError, match="Nothing can be written into .*/file/runs: Not a directory."):
        prepare_folder(tmp_path / "file" / "runs")


def test_sentences_on_clips_are_text_whatever_their_names_are():
    assert shown(Path(os.fsdecode(b"a\xff.wav"))) == "a\\xff.wav"
    assert shown(Path("a\ud800.wav")) == "a .wav" and shown(Path("a\n中.wav")) == "a 中.wav"


@pytest.mark.parametrize("script", [
    "ablation.py", "analyze.py", "benchmark.py", "evaluate.py", "held_out.py", "leave_out.py", "load.py", "paper.py",
    "silence.py", "step_time.py", "timeline.py", "train.py",
])  # fmt: skip
def test_each_command_says_its_version(command, monkeypatch, script):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "scripts")  # where a command's own modules are found
    assert command(script, "--version").stdout == f"{script} {__version__}\n"
