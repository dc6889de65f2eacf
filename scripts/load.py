#!/usr/bin/env python
"""Many visitors at once: starts the page, lets them analyse clips, go live and vanish, and says how it went.

Each visitor speaks to the server as the page does: a session with a heartbeat, an upload, a place in the page's queue.
Every clip has a length of its own, so that an answer to the wrong visitor is noticed.
"""

import argparse
import base64
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import av  # noqa: E402
import cv2  # noqa: E402
import httpx  # noqa: E402
import numpy as np  # noqa: E402

from core.media import open_clip, read_frames  # noqa: E402

EXAMPLES = ROOT / "demo" / "examples"
API = "gradio_api"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=20, help="at once (default: 20)")
    parser.add_argument("--analyses", type=int, default=200, help="together (default: 200)")
    parser.add_argument("--shortest", type=float, default=1.5, help="seconds of the first clip; each is longer")
    parser.add_argument(
        "--soak", type=float, default=0.0, help="seconds for which it goes on from the first clip again"
    )
    parser.add_argument("--curve", type=Path, help="CSV: seconds, analyses, megabytes of the server")
    parser.add_argument("--json", action="store_true", help="the summary as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(arguments, Path(folder))
    print(json.dumps(report) if arguments.json else "\n".join(f"{key:24} {value}" for key, value in report.items()))
    return int(bool(report["failed"] or report["wrong"] or report["left_on_disk"]))


def run(arguments, folder: Path) -> dict:
    clips = cut_clips(folder / "clips", arguments.analyses, arguments.shortest)
    cache = folder / "cache"
    begun = time.monotonic()
    with Server(cache) as server:
        report: dict = {"seconds_to_page": round(time.monotonic() - begun, 1)}
        Visitor(server.address).analyse(clips[0][0])
        curve = [(0.0, 0, server.megabytes())]
        failed, wrong, waits = [], [], []
        lock, begun = threading.Lock(), time.monotonic()

        def visit(task: tuple[Path, str]) -> None:
            clip, expected = task
            asked = time.monotonic()
            try:
                said = Visitor(server.address).analyse(clip)
            except (httpx.HTTPError, RuntimeError, OSError) as error:
                said = f"{type(error).__name__}: {error}"
            with lock:
                waits.append(time.monotonic() - asked)
                if "seconds of clip" not in said:
                    failed.append(said)
                elif expected not in said:
                    wrong.append(f"{said} instead of {expected}")
                curve.append((time.monotonic() - begun, len(waits), server.megabytes()))

        with ThreadPoolExecutor(arguments.visitors) as visitors:
            list(visitors.map(visit, clips))
            while time.monotonic() - begun < arguments.soak:
                list(visitors.map(visit, clips))
        report |= {
            "analyses": len(waits), "failed": failed[:5], "wrong": wrong[:5],
            "seconds_together": round(time.monotonic() - begun, 1), "longest_wait": round(max(waits), 1),
            "megabytes": {str(n): curve[n][2] for n in (0, 1, 5, 20, 50, 100, 200, len(curve) - 1) if n < len(curve)},
        }  # fmt: skip
        report["live"] = live(server.address)
        report["next_after_vanished"] = vanished(server.address, clips[0][0])
        report["left_on_disk"] = left_on_disk(cache)
        report["served"] = served(server.address)
        server.kill()
    report["left_by_kill"] = len(files_in(cache))
    with Server(cache):
        report["left_after_restart"] = left_on_disk(cache)
    report["console"] = server.console()
    if arguments.curve:
        rows = [f"{seconds:.1f},{count},{megabytes}" for seconds, count, megabytes in curve]
        arguments.curve.write_text("\n".join(["seconds,analyses,megabytes", *rows]) + "\n")
    return report


class Server:
    """The page in a process of its own."""

    def __init__(self, cache: Path):
        self._cache = cache
        self._log = cache.parent / "console.txt"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/"
        self._environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(cache)}

    def __enter__(self) -> "Server":
        log = self._log.open("a")
        command = [sys.executable, "app.py"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 240
        while True:
            try:
                httpx.get(self.address, timeout=5)
                return self
            except httpx.HTTPError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.console()) from None
                time.sleep(0.2)

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait(20)

    def kill(self) -> None:
        """As when the machine runs out of memory, in the middle of an analysis and of an upload."""
        visit = threading.Thread(target=_until_the_end, args=(Visitor(self.address), EXAMPLES / "moods.mp4"))
        visit.start()
        while not files_in(self._cache):
            time.sleep(0.05)
        with half_sent(self.address, EXAMPLES / "moods.mp4"):
            time.sleep(0.5)  # one clip is being read, the other one received
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(20)
        visit.join()

    def console(self) -> str:
        """What was written so far."""
        return self._log.read_text()

    def megabytes(self) -> int:
        """Memory that the server holds."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


class Visitor:
    """One page in a browser, without the browser."""

    def __init__(self, address: str):
        self._http = httpx.Client(base_url=address, timeout=600)
        self._session = secrets.token_hex(8)
        self._config = self._http.get("config").json()

    def part(self, name: str) -> int:
        """The id of a part of the page."""
        return next(c["id"] for c in self._config["components"] if c["props"].get("elem_id") == name)

    def upload(self, clip: Path) -> dict:
        """The file as the page names it afterwards."""
        with clip.open("rb") as file:
            answer = self._http.post(f"{API}/upload", files={"files": (clip.name, file)})
        answer.raise_for_status()
        return {"path": answer.json()[0], "orig_name": clip.name, "meta": {"_type": "gradio.FileData"}}

    def analyse(self, clip: Path, patience: float = np.inf) -> str:
        """What the status says after an upload, from a session that ends then; "" if patience ends first."""
        with self._http.stream("GET", f"{API}/heartbeat/{self._session}"):
            return self._ask(self.upload(clip), patience)

    def _ask(self, file: dict, patience: float) -> str:
        asked = time.monotonic()
        events = self._config["dependencies"]
        begin = next(e for e in events if [self.part("clip"), "upload"] in e["targets"])
        read = next(e for e in events if e.get("trigger_after") == begin["id"])
        self._send("run/predict", begin, [None, file, None])
        self._send("queue/join", read, [file, None, None, "cross", None, -1])
        with self._http.stream("GET", f"{API}/queue/data", params={"session_hash": self._session}) as answers:
            for line in answers.iter_lines():
                if time.monotonic() - asked > patience:
                    return ""
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(str(message["output"]))
                    return message["output"]["data"][read["outputs"].index(self.part("status"))]
        raise RuntimeError("no answer")

    def _send(self, route: str, event: dict, data: list) -> None:
        body = {"fn_index": event["id"], "data": data, "session_hash": self._session}
        self._http.post(f"{API}/{route}", json=body).raise_for_status()

    def live(self, name: str, data) -> dict:
        """A call of the Live tab."""
        body = {"component_id": self.part("live"), "fn_name": name, "data": data, "session_hash": self._session}
        answer = self._http.post(f"{API}/component_server", json=body)
        answer.raise_for_status()
        return answer.json()


def live(address: str) -> dict:
    """Steps a second and what was used, for a visitor who shows and says an example while a clip is analysed."""
    clip = EXAMPLES / "glad.mp4"
    voice = (open_clip(clip).voice.samples * 32767).astype("<i2")
    pictures = [cv2.imencode(".jpg", frame.image[:, :, ::-1])[1].tobytes() for frame in read_frames(clip)]
    guest, used, heard = Visitor(address), set(), False
    beside = threading.Thread(target=Visitor(address).analyse, args=(EXAMPLES / "moods.mp4",))
    beside.start()
    ticket = guest.live("live_begin", {})["ticket"]
    begun = time.monotonic()
    for i, picture in enumerate(pictures):
        said = {
            "ticket": ticket, "picture": base64.b64encode(picture).decode(), "rate": 16_000,
            "sound": base64.b64encode(voice[i * 1600 : (i + 1) * 1600].tobytes()).decode(),
        }  # fmt: skip
        answer = guest.live("live_step", said)
        used |= set(answer["used"])
        heard = heard or ("audio" in answer["used"] and beside.is_alive())
        time.sleep(max(0.0, begun + 0.1 * i - time.monotonic()))
    steps = len(pictures) / (time.monotonic() - begun)
    ending = time.monotonic()
    guest.live("live_end", ticket)
    took = time.monotonic() - ending
    beside.join()
    return {"steps_a_second": round(steps, 1), "used": sorted(used), "heard": heard, "seconds_to_leave": round(took, 2)}


def _until_the_end(visitor: "Visitor", clip: Path) -> None:
    """A visitor who is cut off by the end of the server."""
    with contextlib.suppress(httpx.HTTPError, RuntimeError):
        visitor.analyse(clip)


def vanished(address: str, clip: Path) -> float:
    """Seconds that the next visitor waits after one with a long clip has hung up in the middle."""
    Visitor(address).analyse(EXAMPLES / "moods.mp4", patience=0.5)
    begun = time.monotonic()
    Visitor(address).analyse(clip)
    return round(time.monotonic() - begun, 1)


def half_sent(address: str, clip: Path) -> socket.socket:
    """A connection over which half of a clip has been sent."""
    host, port = address.split("//")[1].rstrip("/").split(":")
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="half.mp4"\r\n\r\n' + clip.read_bytes()
    head = f"POST /{API}/upload HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(part) + 9}\r\n"
    wire = socket.create_connection((host, int(port)), timeout=10)
    wire.sendall(head.encode() + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + part[: len(part) // 2])
    return wire


def served(address: str) -> dict:
    """Answers to requests for what is not the page's to give."""
    asked = ["/etc/passwd", "app.py", "http://10.0.0.1/clip.mp4", "../../etc/passwd"]
    return {path: httpx.get(f"{address}{API}/file={path}").status_code for path in asked}


def files_in(cache: Path) -> list[str]:
    """Files of visitors."""
    return [str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]


def left_on_disk(cache: Path) -> list[str]:
    """Files of visitors that are there ten seconds after the last has left."""
    deadline = time.monotonic() + 10
    while files_in(cache) and time.monotonic() < deadline:
        time.sleep(0.1)
    return files_in(cache)


def cut_clips(folder: Path, count: int, shortest: float) -> list[tuple[Path, str]]:
    """Beginnings of the examples, each a tenth of a second longer than the one before, and what is said of them."""
    folder.mkdir(parents=True)
    made: dict[str, Path] = {}
    sources = {path: open_clip(path).duration for path in sorted(EXAMPLES.glob("*.mp4"))}
    seconds = shortest
    while len(made) < count:
        source = min((path for path in sources if sources[path] > seconds), key=sources.get, default=None)
        if source is None:
            break
        path = folder / f"{seconds:.1f}.mkv"
        with av.open(str(source)) as old, av.open(str(path), "w") as new:
            streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
            for packet in old.demux():
                if packet.dts is not None and packet.pts * packet.time_base < seconds:
                    packet.stream = streams[packet.stream.index]
                    new.mux(packet)
        made.setdefault(f"{open_clip(path).duration:.1f} seconds of clip", path)
        seconds += 0.1
    clips = [(path, said) for said, path in made.items()]
    return [clips[i % len(clips)] for i in range(count)]


if __name__ == "__main__":
    sys.exit(main())
