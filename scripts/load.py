#!/usr/bin/env python
"""Many visitors at once: starts the page, lets them analyse clips, go live, vanish and attack it, and says how it went.

Each visitor speaks to the server as the page does: a session with a heartbeat, an upload, a place in the page's queue.
Every clip has a length of its own, so that an answer to the wrong visitor is noticed.
"""

import base64
import contextlib
import json
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import av
import cv2
import httpx
from attacks import attacks
from visitors import API, EXAMPLES, Server, Visitor, files_in, half_sent, left_on_disk

from core.datasets.readable import voice_in
from core.media.reader import open_clip, read_frames
from scripts.arguments import parser_of


def main() -> int:
    parser = parser_of(__doc__)
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
        report["attacks"] = attacks(server, folder)
        report["left_by_attacks"] = left_on_disk(cache)
        kill(server)
    report["left_by_kill"] = len(files_in(cache))
    with Server(cache):
        report["left_after_restart"] = left_on_disk(cache)
    report["console"] = server.console()
    if arguments.curve:
        rows = [f"{seconds:.1f},{count},{megabytes}" for seconds, count, megabytes in curve]
        arguments.curve.write_text("\n".join(["seconds,analyses,megabytes", *rows]) + "\n", "utf-8")
    return report


def live(address: str) -> dict:
    """Steps a second, what was used and read, for a visitor who shows and says an example while a clip is analysed."""
    clip = EXAMPLES / "glad.mp4"
    voice = (voice_in(clip).samples * 32767).astype("<i2")
    pictures = [cv2.imencode(".jpg", frame.image[:, :, ::-1])[1].tobytes() for frame in read_frames(clip)]
    guest, used, heard, words, failing = Visitor(address), set(), False, "", False
    done = threading.Event()
    beside = threading.Thread(target=_analyse_until, args=(done, Visitor(address)))
    beside.start()
    time.sleep(3.0)  # Whisper is listening to that clip when this visit begins
    ticket = guest.live("live_begin", {})["ticket"]
    begun, steps = time.monotonic(), 0
    while steps < len(pictures) or (not words and steps < 40 * 10):  # a phrase is read when it has ended
        said = {
            "ticket": ticket, "picture": base64.b64encode(pictures[min(steps, len(pictures) - 1)]).decode(),
            "rate": 16_000,
            "sound": base64.b64encode(voice[steps * 1600 : (steps + 1) * 1600].tobytes() or bytes(3200)).decode(),
        }  # fmt: skip
        answer = guest.live("live_step", said)
        if "error" in answer:
            words = answer["error"]
            break
        used |= set(answer["used"])
        heard = heard or "audio" in answer["used"]
        failing = failing or answer["failing"]
        words = words or answer["words"]
        steps += 1
        time.sleep(max(0.0, begun + 0.1 * steps - time.monotonic()))
    rate = steps / (time.monotonic() - begun)
    ending = time.monotonic()
    guest.live("live_end", ticket)
    took = time.monotonic() - ending
    done.set()
    beside.join()
    return {
        "steps_a_second": round(rate, 1), "used": sorted(used), "heard": heard, "words": words,
        "failing": failing, "seconds_to_leave": round(took, 2),
    }  # fmt: skip


def _analyse_until(done: threading.Event, visitor: Visitor) -> None:
    """Analyses a clip, and again, until something else is done."""
    while not done.is_set():
        visitor.again().analyse(EXAMPLES / "moods.mp4", until=done)


def kill(server: Server) -> None:
    """As when the machine runs out of memory, in the middle of an analysis and of an upload."""
    visit = threading.Thread(target=_until_the_end, args=(Visitor(server.address), EXAMPLES / "moods.mp4"))
    visit.start()
    while not files_in(server.cache):
        time.sleep(0.05)
    with half_sent(server, EXAMPLES / "moods.mp4"):
        time.sleep(0.5)  # one clip is being read, the other one received
        server.process.kill()
        server.process.wait(20)
    visit.join()


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


def served(address: str) -> dict:
    """Answers to requests for what is not the page's to give."""
    asked = ["/etc/passwd", "app.py", "http://10.0.0.1/clip.mp4", "../../etc/passwd"]
    return {path: httpx.get(f"{address}{API}/file={path}").status_code for path in asked}


def cut_clips(folder: Path, count: int, shortest: float) -> list[tuple[Path, str]]:
    """Beginnings of the examples, each a tenth of a second longer than the one before, and what is said of them."""
    folder.mkdir(parents=True)
    made: dict[str, Path] = {}
    sources = {path: open_clip(path).duration for path in sorted(EXAMPLES.glob("*.mp4"))}
    seconds = shortest
    while len(made) < count:
        source = min(
            (path for path in sources if sources[path] > seconds), key=lambda path: sources[path], default=None
        )
        if source is None:
            break
        path = folder / f"{seconds:.1f}.mkv"
        with av.open(str(source)) as old, av.open(str(path), "w") as new:
            streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
            for packet in old.demux():
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue
                if packet.pts * packet.time_base < seconds:
                    packet.stream = streams[packet.stream.index]
                    new.mux(packet)
        made.setdefault(f"{open_clip(path).duration:.1f} seconds of clip", path)
        seconds += 0.1
    clips = [(path, said) for said, path in made.items()]
    return [clips[i % len(clips)] for i in range(count)]


if __name__ == "__main__":
    sys.exit(main())
