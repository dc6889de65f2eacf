"""Makes the example clips of the page and what the models say of them: python scripts/examples.py [--only NAME ...].

``--results`` leaves the clips as they are and lets the models in ``checkpoints/`` answer anew: to be done whenever
these have changed. The results lie beside the clips, so that the page shows an example without running a model.

The face is a public-domain portrait (NASA, Eileen Collins; shipped in scikit-image) whose brows, lids, mouth
and jaw are moved by a smooth warp; the voice is espeak-ng's; the sentences are ours. Nothing in the clips was
felt by anybody: they show what the page does, not how well. Needs requirements-dev.txt and espeak-ng.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.analysis.analyzer import Analyzer
from demo.server import stored

WIDTH, HEIGHT, RATE = 480, 360, 12  # pixels, pictures a second
VOICE_RATE = 48_000  # Hz
POINTS = {  # of the face in the portrait, in pixels of 640 x 480
    "mouth left": (283, 223), "mouth right": (352, 225), "upper lip": (318, 226), "lower lip": (316, 248),
    "teeth top": (318, 230), "teeth bottom": (317, 240), "chin": (314, 285),
    "brow left inner": (304, 143), "brow left": (276, 139), "brow left outer": (260, 145),
    "brow right inner": (338, 145), "brow right": (367, 143), "brow right outer": (383, 152),
    "lid left": (284, 157), "lid right": (357, 161), "under eye left": (287, 167), "under eye right": (353, 170),
    "nose": (317, 209), "cheek left": (265, 192), "cheek right": (373, 197),
}  # fmt: skip
STILL = [(200, 60), (320, 40), (440, 60), (190, 160), (450, 160), (210, 260), (430, 260), (320, 330), (0, 0), (639, 0),
         (0, 479), (639, 479), (320, 479), (0, 240), (639, 240), (320, 185), (302, 166), (338, 168)]  # fmt: skip
MOVES = {  # expression -> point -> pixels right, down
    "smile": {"mouth left": (-6, -5), "mouth right": (6, -5), "cheek left": (-2, -4), "cheek right": (2, -4),
              "under eye left": (0, -2), "under eye right": (0, -2)},
    "frown": {"mouth left": (16, 15), "mouth right": (-16, 15), "teeth top": (0, 4), "teeth bottom": (0, -3),
              "upper lip": (0, 3), "lower lip": (0, -1), "brow left inner": (10, 16), "brow right inner": (-10, 16),
              "brow left": (5, 11), "brow right": (-5, 11), "lid left": (0, 3), "lid right": (0, 3),
              "cheek left": (4, 5), "cheek right": (-4, 5)},
    "fury": {"mouth left": (20, 8), "mouth right": (-20, 8), "teeth top": (0, -4), "teeth bottom": (0, 7),
             "upper lip": (0, -8), "lower lip": (0, 8), "nose": (0, -6), "brow left inner": (10, 17),
             "brow right inner": (-10, 17), "brow left": (4, 11), "brow right": (-4, 11), "brow left outer": (0, 3),
             "brow right outer": (0, 3), "under eye left": (0, -4), "under eye right": (0, -4)},
    "grief": {"mouth left": (11, 20), "mouth right": (-11, 20), "teeth top": (0, 6), "teeth bottom": (0, -7),
              "upper lip": (0, 3), "lower lip": (0, -7), "brow left inner": (6, -13), "brow right inner": (-6, -13),
              "brow left": (0, -1), "brow right": (0, -1), "brow left outer": (-3, 8), "brow right outer": (3, 8),
              "lid left": (0, 6), "lid right": (0, 6)},
    "surprise": {"brow left inner": (0, -11), "brow right inner": (0, -11), "brow left": (0, -13),
                 "brow right": (0, -13), "brow left outer": (0, -10), "brow right outer": (0, -10),
                 "lid left": (0, -4), "lid right": (0, -4), "mouth left": (23, 7), "mouth right": (-23, 7),
                 "teeth bottom": (0, 19), "lower lip": (0, 20), "chin": (0, 16)},
}  # fmt: skip
JAW = {"teeth bottom": (0, 7), "lower lip": (0, 8), "chin": (0, 6)}  # of a loud voice


@dataclass(frozen=True)
class Line:
    """What is said: ``pitch`` 0 to 99, ``speed`` in words a minute, ``loudness`` 0 to 200, and with which face."""

    text: str
    face: str
    pitch: int = 50
    speed: int = 150
    loudness: int = 100


EXAMPLES = {
    "glad": [Line("I am so happy to see you! What a wonderful day, I love it!", "smile", 75, 165)],
    "angry": [Line("Leave me alone! I hate this, and I am sick of your lies!", "frown", 40, 175, 190)],
    "contradiction": [
        Line("My dog died this morning. I miss him so much that I cannot stop crying.", "smile", 25, 125, 60),
    ],
    "moods": [
        Line("I am so glad that you came! This is the best day of my whole life!", "smile", 75, 165),
        Line("Oh my god! What is that? I cannot believe it! What a surprise!", "surprise", 85, 175, 130),
        Line("He broke my window, and he lied about it! I am furious! I hate him!", "fury", 40, 175, 190),
        Line(
            "Now everybody has gone, and I am alone again. It makes me so sad. I cannot stop crying.", "grief",
            20, 120, 60,
        ),
    ],
}  # fmt: skip


def speak(line: Line) -> np.ndarray:
    """float32 [N] mono at 48 kHz, with a short pause behind it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        options = ["-v", "en-us", "-p", line.pitch, "-s", line.speed, "-a", line.loudness, "-w", path]
        subprocess.run(["espeak-ng", *map(str, options), line.text], check=True)
        with av.open(str(path)) as container:
            resampler = av.AudioResampler("flt", "mono", VOICE_RATE)
            parts = [p.to_ndarray()[0] for f in container.decode(audio=0) for p in resampler.resample(f)]
            parts += [p.to_ndarray()[0] for p in resampler.resample(None)]
    return np.concatenate([*parts, np.zeros(VOICE_RATE // 3, np.float32)])


def warp(portrait: np.ndarray, moves: dict[str, tuple[float, float]]) -> np.ndarray:
    """The portrait with some points moved and all between them following smoothly (thin-plate spline)."""
    moved = np.array([moves.get(name, (0, 0)) for name in POINTS], float)
    targets = np.concatenate([np.array(list(POINTS.values())) + moved, np.array(STILL, float)])
    shifts = np.concatenate([moved, np.zeros((len(STILL), 2))])
    spline = RBFInterpolator(targets, shifts, smoothing=1.0)
    columns, rows = np.meshgrid(np.arange(0, 640, 8), np.arange(0, 480, 8))
    coarse = spline(np.stack([columns.ravel(), rows.ravel()], 1)).reshape(60, 80, 2).astype(np.float32)
    shift = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(640, dtype=np.float32), np.arange(480, dtype=np.float32))
    return cv2.remap(portrait, x - shift[..., 0], y - shift[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def picture(portrait: np.ndarray, face: str, strength: float, loudness: float, time: float) -> np.ndarray:
    """One frame: an expression of a strength in [0, 1], the jaw as open as the voice is loud, the head swaying."""
    moves = {name: (strength * dx, strength * dy) for name, (dx, dy) in MOVES[face].items()}
    for name, (dx, dy) in JAW.items():
        x, y = moves.get(name, (0, 0))
        moves[name] = (x + loudness * dx, y + loudness * dy)
    turned = cv2.getRotationMatrix2D((320, 300), 1.5 * np.sin(1.3 * time), 1 + 0.01 * np.sin(0.9 * time))
    swayed = cv2.warpAffine(warp(portrait, moves), turned, (640, 480), borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(swayed, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def write(path: Path, lines: list[Line], portrait: np.ndarray) -> None:
    """Speaks the lines with their faces into an mp4 (H.264 and AAC, which every browser plays)."""
    voices = [speak(line) for line in lines]
    voice = np.concatenate(voices)
    ends = np.cumsum([len(v) for v in voices]) / VOICE_RATE
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        pictures = container.add_stream("libx264", RATE, options={"crf": "28", "preset": "slow"})
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", VOICE_RATE, layout="mono")
        sound.bit_rate = 48_000
        for index in tqdm(range(int(ends[-1] * RATE)), path.name, leave=False):
            time = index / RATE
            which = int(np.searchsorted(ends, time, "right"))
            begun = time - (ends[which - 1] if which else 0)
            heard = voice[max(0, int((time - 0.04) * VOICE_RATE)) : int((time + 0.04) * VOICE_RATE)]
            loudness = min(1.0, 6 * float(np.sqrt(np.mean(heard**2)))) if len(heard) else 0.0
            image = picture(portrait, lines[which].face, min(1.0, 0.3 + 1.5 * begun), loudness, time)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(pictures.encode(None))
        frame = av.AudioFrame.from_ndarray(voice[None], "fltp", "mono")
        frame.sample_rate = VOICE_RATE
        resampler = av.AudioResampler("fltp", "mono", VOICE_RATE, frame_size=1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))


def main() -> None:
    import skimage.data

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "demo" / "examples")
    parser.add_argument("--only", choices=EXAMPLES, nargs="+", default=list(EXAMPLES))
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--clips", action="store_true", help="only the clips")
    alone.add_argument("--results", action="store_true", help="only the results; the clips stay as they are")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    clips = [options.folder / f"{name}.mp4" for name in options.only]
    results = [] if options.clips else [clip.with_suffix(".npz") for clip in clips]
    if not options.results:
        portrait = cv2.resize(skimage.data.astronaut()[0:300, 25:425], (640, 480), interpolation=cv2.INTER_CUBIC)
        for clip in clips:
            write(clip, EXAMPLES[clip.stem], portrait)
    if results:
        analyzer = Analyzer.load(device="cpu", exact=True)
        for clip, result in zip(clips, results, strict=True):
            stored.save(analyzer.analyze(clip), result)
    for path in (*clips, *results):
        print(path, path.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main()
