"""The style sheet and the script of the page, read once."""

from pathlib import Path

HERE = Path(__file__).parent / "static"
CSS = (HERE / "style.css").read_text("utf-8")
FILES = (
    "page.js", "guess.js", "files.js", "player.js", "maps.js", "looks.js", "dock.js", "view.js", "tour.js",
    "several.js", "recorder.js", "card.js",
)  # fmt: skip
SCRIPT = "\n".join((HERE / name).read_text("utf-8") for name in FILES)
