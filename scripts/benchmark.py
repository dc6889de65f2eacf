#!/usr/bin/env python
"""Times everything a visitor waits for, in one run, with the machine it ran on.

The clips are made of an example of the page: its face at 640x480 and 30 pictures a second, its voice, repeated.
Times on a machine that others use as well mean little; the ratio to Whisper, measured in pairs, means more.
"""

import argparse
import base64
import json
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.arguments import parser_of
from scripts.benchmark_records import compare, flat, record

PAIRED = 5  # seconds of the clip whose analysis is compared with a transcription
RATE = 30  # pictures a second
VOICE_RATE = 48_000  # Hz
EXAMPLES = {"short": ROOT / "demo/examples/glad.mp4", "long": ROOT / "demo/examples/moods.mp4"}
PACKAGES = ("torch", "openai-whisper", "mediapipe", "numpy", "av", "transformers", "gradio")


def make_clip(path: Path, seconds: float) -> Path:
    """An mp4 of a talking face; up to ten seconds one sentence and silence behind it, else several, repeated."""
    import av
    import cv2
    import numpy as np

    from core.datasets.readable import voice_in
    from core.media.reader import SAMPLE_RATE, read_frames

    source = EXAMPLES["short" if seconds <= 10 else "long"]
    voice = voice_in(source).samples
    pictures: list[np.ndarray] = [
        cv2.resize(f.image, (640, 480), interpolation=cv2.INTER_CUBIC) for f in read_frames(source, 12)
    ]
    samples = round(seconds * SAMPLE_RATE)
    voice = np.resize(voice, samples) if seconds > 10 else np.pad(voice, (0, samples))[:samples]
    voice = np.repeat(voice, VOICE_RATE // SAMPLE_RATE)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", RATE, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt = 640, 480, "yuv420p"
        sound = container.add_stream("aac", VOICE_RATE, layout="mono")
        for i in range(round(seconds * RATE)):
            image = np.roll(pictures[i * 12 // RATE % len(pictures)], round(4 * np.sin(i / 9)), 1)
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")))
        container.mux(video.encode(None))
        for start in range(0, len(voice) - 1024, 1024):
            part = av.AudioFrame.from_ndarray(voice[None, start : start + 1024], "fltp", "mono")
            part.sample_rate, part.pts, part.time_base = VOICE_RATE, start, Fraction(1, VOICE_RATE)
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    return path


def cost(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds that a call takes, and seconds that the processor works meanwhile, all threads together."""
    start, busy = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - start, time.process_time() - busy


def time_pairs(folder: Path, pairs: int, device: str) -> dict:
    """The whole analysis of five seconds against a bare transcription of their sound, in turn."""
    import numpy as np
    import whisper

    from core.analysis.analyzer import Analyzer
    from core.datasets.readable import voice_in
    from core.encoders.warping import whispers_medians, whispers_path
    from core.encoders.whisper_weights import load_tiny_en

    begun = time.perf_counter()
    analyzer = Analyzer.load(device=device)
    loading = time.perf_counter() - begun
    clip, bare = make_clip(folder / "pair.mp4", PAIRED), load_tiny_en().to(device)
    voice = voice_in(clip).samples

    def transcribe():
        with patch.multiple(whisper.timing, dtw_cpu=whispers_path, median_filter=whispers_medians):
            whisper.transcribe(bare, voice, language="en", fp16=False, word_timestamps=True)

    first = cost(lambda: analyzer.analyze(clip))[0]
    transcribe()
    found = np.array([(*cost(lambda: analyzer.analyze(clip)), *cost(transcribe)) for _ in range(pairs)])
    ratios = found[:, 0] / found[:, 2]
    whole, busy, bare_whole, bare_busy = np.median(found, 0).tolist()
    return {
        "pairs": pairs, "clip (s)": PAIRED, "models loaded (s)": loading, "first analysis (s)": first,
        "analysis (s)": whole, "processor time (s)": busy, "idle share": idle_share(whole, busy),
        "transcription (s)": bare_whole, "transcription, processor time (s)": bare_busy,
        "ratio": float(np.median(ratios)), "ratio, least": float(ratios.min()), "ratio, most": float(ratios.max()),
        "ratio of processor time": busy / bare_busy, "peak with both (MB)": peak_memory(),
    }  # fmt: skip


def time_stages(folder: Path, runs: int, device: str) -> dict:
    """Stages of the analysis of five seconds: how long each lasts within it, while others work beside it, and what it
    costs alone, with one thread of torch."""
    import numpy as np

    from core.analysis.analyzer import Analyzer
    from core.device import one_thread
    from core.encoders.persons import follow_faces
    from core.media.reader import open_clip, read_frames

    analyzer, clip = Analyzer.load(device=device), make_clip(folder / "stages.mp4", PAIRED)
    extractor = analyzer.extractor
    analyzer.analyze(clip)
    within: list[dict[str, float]] = []
    found = [cost(lambda: within.append(analyzer.analyze(clip).timings)) for _ in range(runs)]
    whole, busy = np.median(found, 0).tolist()
    opened, frames, utterance = open_clip(clip), list(read_frames(clip)), analyzer.extract(clip)
    voice, track = opened.audio, utterance.faces
    assert voice is not None
    speech = extractor.listener.listen(voice, with_states=extractor.voice_encoder is None)
    texts = [word.text for word in speech.transcript.words]
    stages = {
        "opening": lambda: open_clip(clip),
        "decoding": lambda: list(read_frames(clip)),
        "finding faces": lambda: follow_faces(lambda: frames),
        "embedding faces": lambda: extractor.face_features(track.crops, track.blendshapes),
        "detecting speech": lambda: extractor.listener.intervals(voice),
        "hearing words": lambda: extractor.listener.words(voice, speech.intervals),
        "voice": lambda: extractor.voice_features(voice, speech),
        "reading words": lambda: extractor.word_encoder.encode(texts),
        "both models": lambda: analyzer.predict(utterance),
    }
    with one_thread():
        alone = {name: np.median([cost(run) for _ in range(runs)], 0).tolist() for name, run in stages.items()}
    return {
        "clip (s)": PAIRED, "analysis (s)": whole, "processor time (s)": busy, "idle share": idle_share(whole, busy),
        "within it (s)": {name: float(np.median([each[name] for each in within])) for name in within[0]},
        "alone (s)": {name: seconds for name, (seconds, _) in alone.items()},
        "alone, processor time (s)": {name: seconds for name, (_, seconds) in alone.items()},
    }  # fmt: skip


def idle_share(seconds: float, busy: float) -> float:
    """Which share of all cores' time nothing was computed in; others may have used it."""
    return 1 - busy / (seconds * (os.cpu_count() or 1))


def peak_memory() -> float:
    """Megabytes that this process held at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_length(folder: Path, seconds: float, device: str) -> dict:
    """One clip in a process of its own: seconds, the process's peak of memory, what a visit keeps of it, and the size
    of the JSON with attention."""
    from core.analysis.analyzer import Analyzer
    from core.analysis.kept import nbytes

    clip = make_clip(folder / "length.mp4", seconds) if not (folder / "length.mp4").exists() else folder / "length.mp4"
    analyzer = Analyzer.load(device=device)
    analyzer.analyze(EXAMPLES["short"])
    start, busy = time.perf_counter(), time.process_time()
    analysis = analyzer.analyze(clip)
    took, busy = time.perf_counter() - start, time.process_time() - busy
    peak = peak_memory()
    text = len(json.dumps(analysis.to_json(attention=True)))
    return {"length (s)": seconds, "analysis (s)": took, "a second of clip (s)": took / seconds,
            "processor time (s)": busy, "idle share": idle_share(took, busy), "peak (MB)": peak,
            "kept for a visit (MB)": nbytes(analysis) / 1e6, "JSON with attention (MB)": text / 1e6}  # fmt: skip


def time_live(folder: Path, seconds: float, device: str) -> dict:
    """A visitor who sends a picture and the sound since the last one as soon as there is an answer.

    The processor's time a verdict, listening included, means something on a machine that others use as well, too.
    """
    import cv2
    import numpy as np

    from core.analysis.analyzer import Analyzer
    from core.datasets.readable import voice_in
    from core.media.reader import SAMPLE_RATE, read_frames
    from demo.server.live_visits import Guests

    voice = (np.tile(voice_in(EXAMPLES["short"]).samples, 8) * 32767).astype("<i2")
    pictures = [cv2.imencode(".jpg", f.image[:, :, ::-1])[1].tobytes() for f in read_frames(EXAMPLES["short"])]
    guests = Guests(Analyzer.load(device=device))
    ticket = guests.begin()["ticket"]

    def verdicts(seconds: float) -> float:
        begun, sent, answers = time.monotonic(), 0, 0
        while (now := time.monotonic() - begun) < seconds:
            upto = round(now * SAMPLE_RATE)
            step = {"ticket": ticket, "picture": base64.b64encode(pictures[answers % len(pictures)]).decode(),
                    "sound": base64.b64encode(voice[sent:upto].tobytes()).decode(), "rate": SAMPLE_RATE}  # fmt: skip
            sent, answers = upto, answers + (guests.step(step).get("self") is not None)
        return answers / seconds

    verdicts(3.0)  # first calls are slow
    busy = time.process_time()
    found = verdicts(seconds)
    busy = time.process_time() - busy
    guests.end(ticket)
    return {"verdicts a second": found, "processor time a verdict (s)": busy / max(1.0, found * seconds)}


def time_browser(folder: Path, seconds: float, *_) -> dict:
    """The Live tab in Chromium on this machine (requirements-dev.txt): verdicts a second, as the page counts them."""
    import cv2
    from playwright.sync_api import sync_playwright

    from core.media.reader import read_frames

    with (folder / "face.mjpeg").open("wb") as camera:
        for frame in read_frames(EXAMPLES["long"]):
            camera.write(cv2.imencode(".jpg", cv2.resize(frame.image[:, :, ::-1], (640, 480)))[1].tobytes())
    voice_of(EXAMPLES["long"], folder / "voice.wav")
    flags = [
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--no-sandbox", "--disable-gpu",
        f"--use-file-for-fake-video-capture={folder / 'face.mjpeg'}",
        f"--use-file-for-fake-audio-capture={folder / 'voice.wav'}",
    ]  # fmt: skip
    with served(folder) as (address, process), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_context(permissions=["camera", "microphone"]).new_page()
        page.goto(address)
        page.get_by_role("tab", name="Live").click()
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_selector('.live[data-used*="audio"]', timeout=120_000)
        steps, busy, begun = _steps(page), busy_seconds(process.pid), time.monotonic()
        page.wait_for_timeout(seconds * 1000)
        took, steps = time.monotonic() - begun, _steps(page) - steps
        busy = busy_seconds(process.pid) - busy
        browser.close()
    return {
        "verdicts a second in the page": steps / took,
        "server's processor time a verdict (s)": busy / max(1, steps),
    }


def _steps(page) -> int:
    return int(page.locator(".live").get_attribute("data-steps"))


def busy_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def voice_of(clip: Path, path: Path) -> None:
    """The sound of a clip as a WAV for a microphone."""
    import numpy as np

    from core.datasets.readable import voice_in
    from core.media.reader import SAMPLE_RATE

    samples = np.repeat(voice_in(clip).samples, VOICE_RATE // SAMPLE_RATE)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, VOICE_RATE, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """The page's address as soon as it answers, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        while True:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("app.py ended before it served a page") from None
                time.sleep(0.05)
        yield address, process
    finally:
        process.terminate()
        process.wait(20)


def time_start(folder: Path, *_) -> dict:
    """From the command to a page that takes a clip, and to models behind it."""
    start = time.perf_counter()
    with served(folder):
        return {"page (s)": time.perf_counter() - start}


def plot(found: dict, path: Path) -> None:
    """Cost by length, drawn: seconds and peak of memory over seconds of clip."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    lengths = [measured["length (s)"] for measured in found["length"]]
    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for axis, name, unit, share in zip(axes, ("analysis (s)", "peak (MB)"), ("seconds", "GB"), (1, 1000), strict=True):
        axis.plot(lengths, [measured[name] / share for measured in found["length"]], "o-", color="#5050c8")
        axis.set(xlabel="seconds of clip", ylabel=unit, ylim=(0, None), title=name.split(" (")[0])
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def plot_soak(curve: Path, path: Path) -> None:
    """The CSV that scripts/load.py --curve writes, drawn: memory of the server over analyses."""
    import matplotlib
    import numpy as np

    matplotlib.use("svg")
    from matplotlib import pyplot

    seconds, analyses, megabytes = np.loadtxt(curve, delimiter=",", skiprows=1).T
    figure, axis = pyplot.subplots(figsize=(8, 2.6), layout="constrained")
    axis.plot(analyses, megabytes / 1000, ".", color="#5050c8", markersize=3)
    title = f"{analyses[-1]:.0f} analyses in {seconds[-1] / 60:.0f} minutes"
    axis.set(xlabel="analyses", ylabel="GB", ylim=(0, None), title=title)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


PARTS = {
    "start": time_start, "pairs": time_pairs, "stages": time_stages, "live": time_live, "browser": time_browser,
    "length": time_length,
}  # fmt: skip


def apart(part: str, number: float, folder: Path, device: str) -> dict:
    """A part in a process of its own, so that none profits or suffers from what another one left in memory."""
    command = [sys.executable, __file__, "--part", part, "--number", str(number), "--folder", str(folder)]
    command += ["--device", device]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{part}: {run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def machine(device: str) -> dict:
    """What the times depend on, and which code took them."""
    import torch

    from core.device import processor
    from core.training.provenance import code_commit

    capabilities = torch.cpu.get_capabilities()
    return {
        "commit": code_commit(), "device": device, "processor": processor(), "cores": os.cpu_count(),
        "torch threads": torch.get_num_threads(),
        "features": " ".join(name for name, there in capabilities.items() if there is True),
        "load before": round(os.getloadavg()[0], 2), "system": platform.platform(), "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }  # fmt: skip


def main() -> int:
    parser = parser_of(__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--pairs", type=int, default=8, help="analyses against transcriptions; the median counts")
    parser.add_argument("--lengths", type=float, nargs="*", default=[5, 15, 60, 300], help="seconds of clip")
    parser.add_argument("--live", type=float, default=10.0, help="seconds of live")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--json", type=Path, help="a file for all numbers")
    parser.add_argument("--record", action="store_true", help="writes them to docs/benchmarks, under the commit")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("OLD", "NEW"), help="says what got worse, no more")
    parser.add_argument("--plot", type=Path, help="an SVG of cost by length")
    parser.add_argument("--soak", type=Path, nargs=2, metavar=("CSV", "SVG"), help="draws a curve of load.py, no more")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        number = int(options.number) if options.part in ("pairs", "stages") else options.number
        print(json.dumps(PARTS[options.part](options.folder, number, options.device)))
        return 0
    if options.compare:
        lines, worse = compare(*(json.loads(path.read_text("utf-8")) for path in options.compare))
        print("\n".join(lines))
        return 1 if worse else 0
    if options.soak:
        plot_soak(*options.soak)
        return 0
    facts = machine(options.device)
    found: dict = {"machine": facts}
    show("machine", facts)
    numbers = {
        "start": [0],
        "pairs": [options.pairs],
        "stages": [options.pairs],
        "live": [options.live],
        "browser": [options.live],
        "length": options.lengths,
    }
    for part in [part for part in numbers if part in options.only]:
        for number in numbers[part]:
            with tempfile.TemporaryDirectory() as folder:
                if part == "length":
                    make_clip(Path(folder) / "length.mp4", number)  # what encodes it must not count as memory
                measured = apart(part, number, Path(folder), options.device)
            found.setdefault(part, []).append(measured)
            show(part, measured)
    if options.plot and "length" in found:
        plot(found, options.plot)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.record:
        print(f"recorded: {record(found)}")
    return 0


def show(part: str, measured: dict) -> None:
    cells = (f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in flat(measured))
    print(f"{part}: " + ", ".join(cells), flush=True)


if __name__ == "__main__":
    sys.exit(main())
