"""Clips that the tests make: a voice from espeak-ng and the public-domain portrait of scikit-image."""

import subprocess
import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data

from core.media.reader import SAMPLE_RATE, read_frames

EXAMPLES = Path(__file__).parents[1] / "demo" / "examples"


class Pipe:
    """A file that cannot be rewound, as a browser's recorder writes."""

    def __init__(self, path: Path):
        self.file = path.open("wb")

    def write(self, data: bytes) -> int:
        """Bytes written."""
        return self.file.write(data)


def speak(text: str, path: Path, speed: int = 150, voice: str = "en-us") -> np.ndarray:
    """Speaks ``text`` with espeak-ng; float32 mono at 16 kHz in [-1, 1]."""
    raw = path.with_suffix(".spoken.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", str(raw), text], check=True)
    with av.open(str(raw)) as container:
        resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
        parts = [p.to_ndarray()[0] for f in container.decode(audio=0) for p in resampler.resample(f)]
        parts += [p.to_ndarray()[0] for p in resampler.resample(None)]
    raw.unlink()
    return np.concatenate(parts).astype(np.float32)


def save_wav(samples: np.ndarray, path: Path, rate: int = 48_000) -> Path:
    """Writes a 16 kHz mono waveform as 16-bit WAV at ``rate``, a multiple of 16 kHz."""
    upsampled = resampled(samples, rate)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((np.clip(upsampled, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """A 16 kHz waveform at ``rate``, linearly interpolated; float32."""
    positions = np.arange(len(samples) * rate // SAMPLE_RATE) * SAMPLE_RATE / rate
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)


def portrait(width: int = 640, height: int = 480) -> np.ndarray:
    """The astronaut, RGB uint8 [H, W, 3], face in the middle."""
    return cv2.resize(skimage.data.astronaut()[0:300, 25:425], (width, height))


def save_mjpeg(path: Path, seconds: float = 4.0, rate: int = 20) -> Path:
    """A camera for Chromium: the portrait, moving a little."""
    picture = cv2.cvtColor(portrait(), cv2.COLOR_RGB2BGR)
    with path.open("wb") as file:
        for i in range(round(seconds * rate)):
            moved = np.roll(picture, round(8 * np.sin(i / 5)), 1)
            file.write(cv2.imencode(".jpg", moved)[1].tobytes())
    return path


def save_clip(path: Path, samples: np.ndarray | None, face: bool = True, rate: int = 10, seconds: float = 0) -> Path:
    """A video of the portrait (or of nothing) with a voice; the suffix chooses the container (mp4 or webm)."""
    video_codec, audio_codec = ("libx264", "aac") if path.suffix == ".mp4" else ("libvpx", "libopus")
    seconds = seconds or len(samples) / SAMPLE_RATE
    with av.open(str(path), "w") as container:
        pictures = container.add_stream(video_codec, rate)
        pictures.width, pictures.height, pictures.pix_fmt = 320, 240, "yuv420p"
        sound = container.add_stream(audio_codec, 48_000, layout="mono") if samples is not None else None
        picture = portrait(320, 240) if face else np.full((240, 320, 3), 90, np.uint8)
        for i in range(round(seconds * rate)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(picture, i % 7, 1)), "rgb24")
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if sound is not None:
            upsampled = resampled(samples, 48_000)
            size = 960  # both codecs take it: Opus asks for 20 ms, AAC collects its own 1024
            for start in range(0, len(upsampled) - size, size):
                part = av.AudioFrame.from_ndarray(upsampled[None, start : start + size], "fltp", "mono")
                part.sample_rate, part.pts, part.time_base = 48_000, start, Fraction(1, 48_000)
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))
    return path


def save_pictures(path: Path, images: list[np.ndarray], rate: int = 10) -> Path:
    """A mute mp4 of pictures of one size, RGB uint8 [H, W, 3] with even sides."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate)
        pictures.height, pictures.width = images[0].shape[:2]
        pictures.pix_fmt = "yuv420p"
        for image in images:
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")))
        container.mux(pictures.encode(None))
    return path


def save_two_faces(path: Path) -> Path:
    """A mute mp4 of 1.2 seconds: a smile on the left and, a little smaller, a frown on the right."""
    smile, frown = (list(read_frames(EXAMPLES / f"{name}.mp4", rate=5))[2:8] for name in ("glad", "angry"))
    images = []
    for one, other in zip(smile, frown, strict=True):
        small = cv2.resize(other.image[:, 100:380], (252, 324), interpolation=cv2.INTER_AREA)
        images.append(np.hstack([one.image[:, 100:380], cv2.copyMakeBorder(small, 36, 0, 28, 0, cv2.BORDER_CONSTANT)]))
    return save_pictures(path, images, rate=5)
