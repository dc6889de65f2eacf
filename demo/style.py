"""The style sheet and the script of the page, read once."""

from pathlib import Path

HERE = Path(__file__).parent
CSS = (HERE / "style.css").read_text()
SCRIPT = (HERE / "page.js").read_text()
