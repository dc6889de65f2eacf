"""What a stranger may try on the page, each in some seconds; ``load.py`` runs them all and reports what came of them.

Every function is given the server and says with numbers what it found: statuses, seconds, bytes, threads.
"""

import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import av
import httpx
import numpy as np
from visitors import API, EXAMPLES, Server, Visitor, file_data, head

STRANGER, OTHER = "203.0.113.7", "198.51.100.9"  # addresses for documentation: nobody's
# An analysis without a clip, which stands in line like any other.
NOTHING = [None, None, None, "cross", None, -1, "weights", False]
EVIL = "http://evil.example"
LARGE = 200 * 1024**2  # bytes announced


def attacks(server: Server, folder: Path) -> dict:
    """What came of each."""
    found = {}
    for attack in (crowding, live_places, beginnings, announced, oversize, foreign, deleting):
        begun = time.monotonic()
        found[attack.__name__] = attack(server)
        found[attack.__name__]["took"] = round(time.monotonic() - begun, 1)
    clip = hostile(folder / "hostile.mkv")
    found["stopping"] = stopping(server, clip)
    return found


def statuses(answers: list[httpx.Response]) -> dict[str, int]:
    """How often each status was answered."""
    return dict(Counter(str(answer.status_code) for answer in answers))


def crowding(server: Server) -> dict:
    """One visit, one address and everybody join the line forty times each; a file to take home is asked for then."""
    with ExitStack() as visits:
        one, taker, several, long = (Visitor(server.address) for _ in range(4))
        for visitor in (taker, several, long):
            visits.enter_context(visitor.here())
        taker.predict(taker.event("example-glad", "click"), [None, "cross", None, -1, "weights", False])
        sending = several.event("many-files", "upload")
        several.join(sending, [[several.upload(EXAMPLES / "glad.mp4")], None, 0]).raise_for_status()
        several.answer()
        reading = one.reading()
        long.begin(long.upload(EXAMPLES / "moods.mp4"))  # the line does not move meanwhile
        time.sleep(0.5)
        found: dict = {"visit": statuses([one.join(reading, NOTHING) for _ in range(40)])}
        found["sentence"] = one.join(reading, NOTHING).json()["detail"]
        strangers = Visitor(server.address, STRANGER)
        found["address"] = statuses([strangers.again().join(reading, NOTHING) for _ in range(40)])
        found["everybody"] = statuses([one.again().join(reading, NOTHING) for _ in range(40)])
        found["several"] = several.join(several.event(sending["inputs"][2], "change"), [None, 1]).status_code
        begun = time.monotonic()
        taker.join(taker.event("download-html", "click"), [None]).raise_for_status()
        found["export_bytes"] = len(taker.answer()["data"][0]["text"])
        found["export_seconds"] = round(time.monotonic() - begun, 1)
    return found


def live_places(server: Server) -> dict:
    """One address begins to be live five times, another one then once."""
    stranger, other = Visitor(server.address, STRANGER), Visitor(server.address, OTHER)
    answers = [stranger.live("live_begin", {}) for _ in range(5)]
    others = other.live("live_begin", {})
    for answer in (*answers, others):
        if "ticket" in answer:
            other.live("live_end", answer["ticket"])
    sentences = {answer["error"] for answer in answers if "error" in answer}
    return {
        "address": sum("ticket" in answer for answer in answers), "others": int("ticket" in others),
        "sentences": sorted(sentences),
    }  # fmt: skip


def beginnings(server: Server) -> dict:
    """Three hundred beginnings of a live visit."""
    visitor = Visitor(server.address)
    visitor.live("live_end", visitor.live("live_begin", {})["ticket"])
    before = server.threads()
    answers = [visitor.live("live_begin", {}) for _ in range(300)]
    after = server.threads()
    tickets = [answer["ticket"] for answer in answers if "ticket" in answer]
    for ticket in tickets:
        visitor.live("live_end", ticket)
    return {"admitted": len(tickets), "threads_before": before, "threads_after": after}


def announced(server: Server) -> dict:
    """Thirty uploads announce 200 MB each and send next to nothing; then somebody uploads a clip."""
    wires = [server.wire() for _ in range(30)]
    begin = b'--x\r\nContent-Disposition: form-data; name="files"; filename="x.mp4"\r\n\r\n'
    for wire in wires:
        wire.sendall(head(server, "upload", LARGE) + begin)
    refused = Counter(status for wire in wires if (status := _status(wire, 0.1)))
    for wire in wires:
        wire.close()
    return {"refused": dict(refused), "afterwards": _uploaded(server)}


def _uploaded(server: Server) -> int:
    """Status of an upload, tried for a few seconds."""
    visitor, status = Visitor(server.address), 0
    with visitor.here():
        for _ in range(20):
            try:
                visitor.predict(visitor.event("clip", "upload"), [None, visitor.upload(EXAMPLES / "glad.mp4"), None])
                return 200
            except httpx.HTTPStatusError as error:
                status = error.response.status_code
                time.sleep(0.2)
    return status


def oversize(server: Server) -> dict:
    """A body of 200 MB is announced to a route whose path ends like that of uploads."""
    before = server.megabytes()
    with server.wire() as wire:
        wire.sendall(head(server, "call/upload", LARGE))
        status = _status(wire, 2.0)
    return {"status": status, "megabytes": server.megabytes() - before}


def _status(wire: socket.socket, patience: float) -> str:
    """Of an answer that comes before the request is complete; "" if none does."""
    wire.settimeout(patience)
    try:
        return wire.recv(12)[9:12].decode()
    except OSError:
        return ""


def foreign(server: Server) -> dict:
    """What another site may have a visitor's browser send, and who goes by another host's name."""
    there = httpx.Client(base_url=server.address, timeout=20)
    visitor = Visitor(server.address)
    part = visitor.part("live")
    said = f'{{"component_id": {part}, "fn_name": "live_begin", "data": {{}}, "session_hash": "x"}}'
    origin, plain = {"Origin": EVIL}, {"Content-Type": "text/plain"}
    form = {"files": ("x.mp4", b"x")}
    return {
        "host": there.get("config", headers={"Host": "evil.example"}).status_code,
        "host_mcp": there.post(f"{API}/mcp/", json={}, headers={"Host": "evil.example"}).status_code,
        "upload": there.post(f"{API}/upload", files=form, headers=origin).status_code,
        "live": there.post(f"{API}/component_server", content=said, headers=origin | plain).status_code,
        "cross_site": there.post(
            f"{API}/component_server", content=said, headers={"Sec-Fetch-Site": "cross-site"} | plain
        ).status_code,
        "join": there.post(f"{API}/queue/join", json={}, headers=origin).status_code,
        "mcp": there.post(f"{API}/mcp/", json={}, headers=origin).status_code,
        "own": there.get("config", headers={"Origin": server.address.rstrip("/")}).status_code,
    }


def deleting(server: Server) -> dict:
    """Files that are nobody's are given to *Several*, which deletes what it has read."""
    own, visitor = Visitor(server.address), Visitor(server.address)
    with own.here():
        sent = own.upload(EXAMPLES / "glad.mp4")
        own.predict(own.event("clip", "upload"), [None, sent, None])
    folder = Path(sent["path"]).relative_to(server.cache).parts[0]  # an upload's answer tells it
    targets = {"example": EXAMPLES / "glad.mp4", "lock": server.cache / folder / ".lock"}
    found = {}
    for name, target in targets.items():
        kept = target.read_bytes() if target.exists() else None
        for paths in ([file_data(str(target))], []):
            visitor.join(visitor.event("many-files", "upload"), [paths, None, 0])
            _outcome(lambda: visitor.answer(5.0))
        found[name] = kept is None or target.exists()
        if not found[name]:
            target.write_bytes(kept)  # the attack has succeeded: the next run needs the file
    return found


def hostile(path: Path, packets: int = 600_000) -> Path:
    """A matroska file of 5 MB in which every packet holds one sample: reading it takes many times its length."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("pcm_u8", 8000, layout="mono")
        for at in range(2):
            frame = av.AudioFrame.from_ndarray(np.full((1, 1), 128, np.uint8), "u8", "mono")
            frame.sample_rate, frame.pts = 8000, at
            container.mux(stream.encode(frame))
    data = path.read_bytes()
    cluster = data.index(b"\x1f\x43\xb6\x75")
    block = data.index(b"\xa3\x85", cluster)  # a simple block of five bytes: track, time, flags, one sample
    inside = data[cluster + 4 + _width(data[cluster + 4]) : block] + packets * data[block : block + 7]
    segment = data.index(b"\x18\x53\x80\x67")
    start = segment + 4 + _width(data[segment + 4])
    unknown = b"\x01" + 7 * b"\xff"  # size
    path.write_bytes(data[: segment + 4] + unknown + data[start:cluster] + b"\x1f\x43\xb6\x75" + unknown + inside)
    return path


def _width(first: int) -> int:
    """Bytes of a number in matroska, by the first of them."""
    return 9 - first.bit_length()


def stopping(server: Server, clip: Path) -> dict:
    """Seconds that an analysis goes on after Stop, and that the next visitor waits after one has hung up."""
    visitor = Visitor(server.address)
    with visitor.here(), ThreadPoolExecutor(1) as beside:
        reading = beside.submit(visitor.read, visitor.upload(clip))
        time.sleep(1.5)
        begun = time.monotonic()
        visitor.predict(visitor.event("stop", "click"), [None])
        said = _outcome(reading.result)
        stopped = time.monotonic() - begun
    gone = Visitor(server.address)
    _outcome(lambda: gone.analyse(clip, patience=1.0))
    begun = time.monotonic()
    Visitor(server.address).analyse(EXAMPLES / "glad.mp4")
    return {
        "bytes": clip.stat().st_size, "seconds_after_stop": round(stopped, 1), "said": said,
        "next_waited": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def _outcome(ask: Callable) -> str:
    """What was said, or refused."""
    try:
        return str(ask())
    except (RuntimeError, httpx.HTTPError) as error:
        return str(error)
