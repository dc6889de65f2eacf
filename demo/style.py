"""The style sheet and the script of the page, read once."""

from pathlib import Path

HERE = Path(__file__).parent
CSS = (HERE / "style.css").read_text()
SCRIPT = "\n".join((HERE / name).read_text() for name in ("page.js", "player.js", "tour.js"))
