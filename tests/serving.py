"""The page served in the test's own process, for tests that speak to it as a program or a hostile client would."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import made
import pytest

from core.media.reader import MediaError
from demo.page import build, launch_options
from demo.server import uploads
from demo.server.gate import close_on_silence

API = "/gradio_api"


class Quick:
    """An analyzer that answers at once and knows what it was loaded for and how often it was asked."""

    heads = made.HEADS
    more_models = ()

    def __init__(self, device: str):
        self.device = device
        self.asked = 0

    def analyze(self, path, progress=None, first=None):
        self.asked += 1
        if "bad" in str(path):
            raise MediaError("not_media", "This is no clip.")
        return made.analysis(file=f"on {self.device}")


@contextmanager
def served(folder: Path, analyzer, **options) -> Iterator["Served"]:
    """The page while it is served, with its visitors' files in a folder of the test's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        for name in ("_root", "_alive"):
            patch.setattr(uploads, name, None)
        page = build(analyzer)
        page.queue().launch(prevent_thread_lock=True, quiet=True, **launch_options() | options)
        close_on_silence(page.server, seconds=1.0)
        try:
            yield Served(page, analyzer)
        finally:
            page.close()


class Served:
    """A page that is served, and one client of it."""

    def __init__(self, page, analyzer):
        self.page, self.analyzer = page, analyzer
        self.address = page.local_url
        self.port = page.server_port
        self.http = httpx.Client(base_url=self.address, timeout=20)
        self._config = self.http.get("/config").json()

    def part(self, name: str) -> int:
        """The id of a part of the page."""
        return next(c["id"] for c in self._config["components"] if c["props"].get("elem_id") == name)

    def has_part(self, name: str) -> bool:
        return any(c["props"].get("elem_id") == name for c in self._config["components"])

    def event(self, part: str, kind: str) -> dict:
        """What happens first when something is done to a part."""
        return next(e for e in self._config["dependencies"] if [self.part(part), kind] in e["targets"])

    def after(self, event: dict) -> dict:
        """What happens next."""
        return next(e for e in self._config["dependencies"] if e.get("trigger_after") == event["id"])

    def upload(self, data: bytes = b"clip", name: str = "clip.webm") -> str:
        """The path of a new upload."""
        answer = self.http.post(f"{API}/upload", files={"files": (name, data)})
        assert answer.status_code == 200, answer.text
        return answer.json()[0]

    def ask(
        self, event: dict, data: list, session: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[bool, str]:
        """Whether an event succeeds, and its answer as text."""
        session = session or secrets.token_hex(8)
        body = {"fn_index": event["id"], "data": data, "session_hash": session}
        joined = self.http.post(f"{API}/queue/join", json=body, headers=headers)
        assert joined.status_code == 200, joined.text
        with self.http.stream("GET", f"{API}/queue/data", params={"session_hash": session}) as answers:
            for line in answers.iter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    return message["success"], json.dumps(message["output"])
        raise AssertionError("no answer")


def file(path, **more) -> dict:
    """A file as the page names it."""
    return {"path": str(path), "orig_name": "clip.webm", "meta": {"_type": "gradio.FileData"}} | more
