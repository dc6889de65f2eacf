"""What browsers' recorders write: pieces of a file that is never rewound, without a length, with uneven pictures."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from recordings import Pipe, portrait, resampled, speak

from core.media.reader import FRAME_RATE, SAMPLE_RATE, open_clip, read_frames

GAPS = (0.033, 0.033, 0.034, 0.067, 0.033, 0.1, 0.027)  # seconds from picture to picture, over and over
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
PORTRAIT = portrait(320, 240)


@dataclass(frozen=True)
class Recorder:
    """Container, codecs and rate of the sound that a browser chooses by itself."""

    container: str
    pictures: str
    sound: str
    rate: int = 48_000


RECORDERS = {
    "Safari, MP4": Recorder("mp4", "libx264", "aac", 44_100),
    "Safari, MP4 with HEVC": Recorder("mp4", "libx265", "aac"),
    "Safari, WebM": Recorder("webm", "libvpx", "libopus"),
    "Chrome, MP4": Recorder("mp4", "libx264", "libopus"),
    "Chrome, MP4 with VP9": Recorder("mp4", "libvpx-vp9", "libopus"),
    "Chrome, MP4 with AAC": Recorder("mp4", "libx264", "aac"),
    "Chrome, WebM": Recorder("webm", "libvpx-vp9", "libopus"),
    "Chrome, H.264 in Matroska": Recorder("matroska", "libx264", "libopus"),
    "Firefox, WebM": Recorder("webm", "libvpx", "libopus"),
}


def record(recorder: Recorder, path: Path, samples: np.ndarray) -> Path:
    """The portrait saying ``samples`` (16 kHz), as this recorder would write it."""
    end = len(samples) / SAMPLE_RATE
    voice = resampled(samples, recorder.rate)
    pipe = Pipe(path)
    options = FRAGMENTS if recorder.container == "mp4" else {}
    with av.open(pipe, "w", format=recorder.container, options=options) as container:
        pictures = container.add_stream(recorder.pictures, 30)
        pictures.width, pictures.height, pictures.pix_fmt = 320, 240, "yuv420p"
        pictures.codec_context.time_base = Fraction(1, 1000)
        pictures.codec_context.gop_size = 15
        quick = {
            "libx264": {"preset": "ultrafast", "tune": "zerolatency"},
            "libx265": {"preset": "ultrafast", "x265-params": "bframes=0"},
        }
        pictures.codec_context.options = quick.get(recorder.pictures, {"deadline": "realtime", "cpu-used": "8"})
        sound = container.add_stream(recorder.sound, recorder.rate, layout="mono")
        at, number, said = 0.0, 0, 0
        size = 1024 if recorder.sound == "aac" else 960
        while at < end:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(PORTRAIT, number % 7, 1)), "rgb24")
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            container.mux(pictures.encode(frame))
            at += GAPS[number % len(GAPS)]
            number += 1
            while said + size <= min(at * recorder.rate, len(voice)):
                part = av.AudioFrame.from_ndarray(voice[None, said : said + size], "fltp", "mono")
                part.sample_rate, part.pts, part.time_base = recorder.rate, said, Fraction(1, recorder.rate)
                container.mux(sound.encode(part))
                said += size
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))
    pipe.file.close()
    return path


def tone(seconds: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(np.float32)


def loudest(samples: np.ndarray) -> float:
    return np.abs(np.fft.rfft(samples)).argmax() * SAMPLE_RATE / len(samples)


@pytest.mark.parametrize("name", RECORDERS)
def test_pictures_and_sound_of_a_recorder(tmp_path, name):
    clip = open_clip(record(RECORDERS[name], tmp_path / "recording", tone(2)))
    assert clip.has_pictures and not clip.warnings
    assert clip.duration == pytest.approx(2.0, abs=0.15)
    assert loudest(clip.voice.samples) == pytest.approx(440, abs=2)
    times = [frame.time for frame in read_frames(clip.path, clock=clip.clock)]
    assert 17 <= len(times) <= 21 and times[0] < 0.05 and times[-1] > 1.8
    assert len({int((time + 1e-3) * FRAME_RATE) for time in times}) == len(times), "one of each tenth of a second"


def test_a_safari_recording_is_in_fragments_and_says_no_length(tmp_path):
    data = record(RECORDERS["Safari, MP4"], tmp_path / "recording.mp4", tone(2)).read_bytes()
    assert data.count(b"moof") >= 3 and data.index(b"moov") < data.index(b"moof") < data.index(b"mdat")
    at = data.index(b"mvhd") + 4
    assert int.from_bytes(data[at + 16 : at + 20], "big") == 0, "the movie's duration"


@pytest.mark.parametrize("name", ["Safari, MP4", "Chrome, MP4", "Chrome, WebM"])
def test_a_recording_that_broke_off_is_read_as_far_as_it_goes(tmp_path, name):
    whole = record(RECORDERS[name], tmp_path / "whole", tone(3)).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 2 // 3])
    clip = open_clip(tmp_path / "cut")
    assert clip.has_pictures and 1.2 < clip.duration < 2.9
    assert loudest(clip.voice.samples) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("name", ["Safari, MP4", "Chrome, MP4"])
def test_a_recording_goes_all_the_way(analyzer, tmp_path, name):
    spoken = speak("I am so happy to see you again, my friend.", tmp_path / "spoken.wav")
    analysis = analyzer.analyze(record(RECORDERS[name], tmp_path / "recording", spoken))
    assert analysis.present == ("text", "video", "audio") and analysis.warnings == ()
    assert {"happy", "friend"} <= {word.text.lower().strip(".,") for word in analysis.transcript.words}
    assert analysis.faces.found.mean() > 0.9
    assert analysis.duration == pytest.approx(len(spoken) / SAMPLE_RATE, abs=0.15)
