#!/usr/bin/env python
"""Feeds changed files to the readers of media and of Whisper's container, guided by what new code they reach.

Anything but a right answer or the reader's own error ends it, and leaves the input as a file to look at.
"""

import contextlib
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import atheris

READERS = ("media", "clock", "container", "boxes", "tracks", "sound", "pictures", "animation", "whisper_weights")
with atheris.instrument_imports(include=[f"core.{name}" for name in READERS]):
    from core.encoders.packaged import WeightsError
    from core.encoders.whisper_weights import read_container
    from core.media.reader import MediaError, open_clip, read_frames

import av
import cv2
import numpy as np

from scripts.arguments import parser_of

MAX_INPUT_BYTES = 20_000  # bytes of an input


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("reader", choices=("media", "weights"))
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"), help="where an input that breaks it is put")
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    av.logging.set_level(None)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        seeds = {"media": media_seeds, "weights": weight_seeds}[arguments.reader]
        seeds(corpus)
        scratch = Path(folder) / "input"

        def media(data: bytes) -> None:
            scratch.write_bytes(data)
            try:
                clip = open_clip(scratch)
                for _, _frame in zip(range(3), read_frames(scratch, clock=clip.clock), strict=False):
                    pass
            except MediaError as error:
                if "\n" in str(error):
                    raise RuntimeError("an error of several lines") from error

        def weights(data: bytes) -> None:
            with contextlib.suppress(WeightsError):
                read_container(data)

        options = [f"-runs={arguments.runs}", f"-seed={arguments.seed}", f"-max_len={MAX_INPUT_BYTES}", "-timeout=20"]
        options += [f"-artifact_prefix={arguments.keep}/", "-rss_limit_mb=4000", "-print_final_stats=1"]
        target = {"media": media, "weights": weights}[arguments.reader]
        atheris.Setup([sys.argv[0], *options, str(corpus)], target)
        atheris.Fuzz()  # ends the process
    return 0


def media_seeds(corpus: Path) -> None:
    """The smallest whole files of several containers."""
    tone = (np.sin(np.arange(1600) / 3) * 9000).astype("<i2")
    for suffix, voice_codec, picture_codec in (
        ("wav", "pcm_s16le", None), ("flac", "flac", None), ("mkv", "pcm_s16le", "mjpeg"),
        ("avi", "pcm_s16le", "mjpeg"),
        ("mov", "pcm_s16le", "mjpeg"), ("ts", "mp2", "mpeg1video"), ("gif", None, "gif"), ("ogg", "libopus", None),
    ):  # fmt: skip
        with av.open(str(corpus / f"seed.{suffix}"), "w") as container:
            voice = None
            if voice_codec:
                voice = container.add_stream(voice_codec, 48_000 if voice_codec == "libopus" else 16_000, layout="mono")
            if picture_codec:
                pictures = container.add_stream(picture_codec, 25)
                assert isinstance(pictures, av.VideoStream)
                pictures.width, pictures.height = 32, 24
                form = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(picture_codec, "yuv420p")
                pictures.pix_fmt = form
                for _ in range(3):
                    frame = av.VideoFrame.from_ndarray(np.zeros((24, 32, 3), np.uint8), "rgb24")
                    container.mux(pictures.encode(frame.reformat(format=form)))
                container.mux(pictures.encode(None))
            if isinstance(voice, av.AudioStream):
                sound = av.AudioFrame.from_ndarray(tone[None], "s16", "mono")
                sound.sample_rate = 16_000
                context = voice.codec_context
                resampler = av.AudioResampler(voice.format, "mono", voice.rate, context.frame_size or 400)
                for part in [*resampler.resample(sound), *resampler.resample(None)]:
                    container.mux(voice.encode(part))
                container.mux(voice.encode(None))

    animation = cv2.Animation()
    animation.frames, animation.durations = [np.full((24, 32, 3), 60 * i, np.uint8) for i in range(3)], [100] * 3
    cv2.imwriteanimation(str(corpus / "seed.webp"), animation)
    with av.open(str(corpus / "tracks.mkv"), "w") as container:
        voices = [container.add_stream("pcm_s16le", 16_000, layout="stereo") for _ in range(2)]
        for voice in voices:
            sound = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[None], "s16", "stereo")
            sound.sample_rate = 16_000
            container.mux(voice.encode(sound))


def weight_seeds(corpus: Path) -> None:
    """A container of two variables."""

    def string(text: str) -> bytes:
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    variables = b"".join(
        string(name) + struct.pack("<BIIBI", 2, 2, 3, kind, 6 * size) + bytes(6 * size)
        for name, kind, size in (("a/weight", 0, 4), ("b/weight", 4, 2))
    )
    head = struct.pack("<I", 6) + string("WhisperSpec") + struct.pack("<II", 3, 2)
    (corpus / "seed").write_bytes(head + variables + struct.pack("<I", 0))


if __name__ == "__main__":
    sys.exit(main())
