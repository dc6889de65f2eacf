"""The example clips: made by the script that is here, and good enough to show something."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.media import open_clip
from demo import wording
from demo.clip import EXAMPLES

ROOT = Path(__file__).parents[1]
WORDS = {
    "glad": {"happy", "see", "wonderful", "day", "love"},
    "angry": {"leave", "alone", "hate", "lies", "sick"},
    "contradiction": {"dog", "died", "morning", "miss", "crying"},
}


@pytest.mark.parametrize("name", WORDS)
def test_an_example_has_a_face_a_voice_and_its_words(analyzer, name):
    utterance = analyzer.extract(EXAMPLES / f"{name}.mp4")
    assert utterance.faces.found.mean() > 0.9
    heard = {word.text.lower().strip(".,!?") for word in utterance.transcript.words}
    assert len(heard & WORDS[name]) >= 3, heard
    assert ("text", "video", "audio") in analyzer.predict(utterance)


def test_every_button_has_its_clip_and_one_is_long_enough_for_a_course():
    assert {path.stem for path in EXAMPLES.glob("*.mp4")} == set(wording.EXAMPLES)
    assert open_clip(EXAMPLES / "moods.mp4").duration > 20
    assert sum(path.stat().st_size for path in EXAMPLES.glob("*.mp4")) < 1_000_000


def test_the_script_makes_them(tmp_path):
    command = [sys.executable, "scripts/examples.py", str(tmp_path), "--only", "angry"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    made, shipped = (open_clip(folder / "angry.mp4") for folder in (tmp_path, EXAMPLES))
    assert made.duration == pytest.approx(shipped.duration, abs=0.5)
    assert made.has_pictures and not made.voice.silent
