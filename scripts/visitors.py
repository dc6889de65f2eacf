"""The page in a process of its own, and visitors to it: what a browser sends, without the browser."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from threading import Event

import httpx
import numpy as np

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "demo" / "examples"
API = "gradio_api"


class Server:
    """The page in a process of its own."""

    def __init__(self, cache: Path):
        self.cache = cache
        self._log = cache.parent / "console.txt"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/"
        self._environment = os.environ | {
            "GRADIO_SERVER_PORT": str(self.port),
            "GRADIO_TEMP_DIR": str(cache),
            "COME_BACK_SECONDS": "2",  # what stays of visitors is looked for soon after they have left
        }

    def __enter__(self) -> "Server":
        log = self._log.open("a", encoding="utf-8")
        command = [sys.executable, "app.py"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 240
        while True:
            try:
                httpx.get(self.address, timeout=5)
                return self
            except httpx.HTTPError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.console()) from None
                time.sleep(0.2)

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(20)

    def console(self) -> str:
        """What was written so far."""
        return self._log.read_text("utf-8")

    def megabytes(self) -> int:
        """Memory that the server holds."""
        return self._status("VmRSS") // 1024

    def threads(self) -> int:
        """Threads that the server has."""
        return self._status("Threads")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

    def wire(self) -> socket.socket:
        """A connection for what no client would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


class Visitor:
    """One page in a browser.

    Args:
        address: that a proxy on this machine, which the server believes, would say the visitor has.
    """

    def __init__(self, server: str, address: str | None = None):
        headers = {"X-Forwarded-For": address} if address else {}
        self._http = httpx.Client(base_url=server, timeout=600, headers=headers)
        self._session = secrets.token_hex(8)
        self._config = self._http.get("config").json()
        self.events = self._config["dependencies"]

    def again(self) -> "Visitor":
        """Another visit from the same address."""
        other = copy(self)
        other._session = secrets.token_hex(8)
        return other

    def part(self, name: str) -> int:
        """The id of a part of the page."""
        return next(c["id"] for c in self._config["components"] if c["props"].get("elem_id") == name)

    def event(self, part: str | int, trigger: str) -> dict:
        """The first event of a part, by its name or its id."""
        target = [part if isinstance(part, int) else self.part(part), trigger]
        return next(e for e in self.events if target in e["targets"])

    def reading(self) -> dict:
        """The event that reads a clip."""
        begin = self.event("clip", "upload")
        return next(e for e in self.events if e.get("trigger_after") == begin["id"])

    @contextmanager
    def here(self) -> Iterator[None]:
        """A visit, which ends as when a page is closed."""
        with self._http.stream("GET", f"{API}/heartbeat/{self._session}"):
            yield

    def upload(self, clip: Path) -> dict:
        """The file as the page names it afterwards."""
        with clip.open("rb") as file:
            answer = self._http.post(f"{API}/upload", files={"files": (clip.name, file)})
        answer.raise_for_status()
        return file_data(answer.json()[0])

    def analyse(self, clip: Path, patience: float = np.inf, until: Event | None = None) -> str:
        """What the status says after an upload, from a session that ends then; "" if patience ends first, or ``until``
        is set."""
        with self.here():
            return self.read(self.upload(clip), patience, until)

    def read(self, file: dict, patience: float = np.inf, until: Event | None = None) -> str:
        """``analyse``, of an upload, in a session that goes on."""
        self.begin(file)
        output = self.answer(patience, until)
        return output["data"][self.reading()["outputs"].index(self.part("status"))] if output else ""

    def begin(self, file: dict) -> None:
        """Asks for the analysis of an upload."""
        self.predict(self.event("clip", "upload"), [None, file, None])
        self.join(self.reading(), [file, None, None, "cross", None, -1, "weights", False]).raise_for_status()

    def answer(self, patience: float = np.inf, until: Event | None = None) -> dict | None:
        """The output of the next event that is completed; None if patience ends first, or ``until`` is set.

        Raises:
            RuntimeError: it failed, or the server hung up.
        """
        asked = time.monotonic()
        with self._http.stream("GET", f"{API}/queue/data", params={"session_hash": self._session}) as answers:
            for line in answers.iter_lines():
                if time.monotonic() - asked > patience or (until and until.is_set()):
                    return None
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(str(message["output"]))
                    return message["output"]
        raise RuntimeError("no answer")

    def join(self, event: dict, data: list) -> httpx.Response:
        """What the line says to who joins it."""
        return self._send("queue/join", event, data)

    def predict(self, event: dict, data: list) -> dict:
        """What is answered to an event that has no line."""
        answer = self._send("run/predict", event, data)
        answer.raise_for_status()
        return answer.json()

    def _send(self, route: str, event: dict, data: list) -> httpx.Response:
        body = {"fn_index": event["id"], "data": data, "session_hash": self._session}
        return self._http.post(f"{API}/{route}", json=body)

    def live(self, name: str, data) -> dict:
        """A call of the Live tab."""
        body = {"component_id": self.part("live"), "fn_name": name, "data": data, "session_hash": self._session}
        answer = self._http.post(f"{API}/component_server", json=body)
        answer.raise_for_status()
        return answer.json()


def file_data(path: str) -> dict:
    """A path as the page sends it."""
    return {"path": path, "orig_name": Path(path).name, "meta": {"_type": "gradio.FileData"}}


@contextmanager
def half_sent(server: Server, clip: Path) -> Iterator[None]:
    """While it lasts, half of a clip has been sent."""
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="half.mp4"\r\n\r\n' + clip.read_bytes()
    with server.wire() as wire:
        wire.sendall(head(server, "upload", len(part) + 9) + part[: len(part) // 2])
        yield


def head(server: Server, route: str, length: int) -> bytes:
    """The head of a request that brings a form of so many bytes."""
    return (
        f"POST /{API}/{route} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {length}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    ).encode()


def files_in(cache: Path) -> list[str]:
    """Files of visitors."""
    return [str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]


def left_on_disk(cache: Path) -> list[str]:
    """Files of visitors that are there ten seconds after the last has left."""
    deadline = time.monotonic() + 10
    while files_in(cache) and time.monotonic() < deadline:
        time.sleep(0.1)
    return files_in(cache)
