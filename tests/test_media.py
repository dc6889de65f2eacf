"""Files as browsers, phones and cameras make them; and files that are none."""

import gc
import struct
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from recordings import EXAMPLES, Pipe, save_clip, save_wav

from core.media.reader import FRAME_RATE, MAX_SIDE, SAMPLE_RATE, MediaError, open_clip, read_frames

TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)


def loudest_frequency(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()])


def pictures(path, size=(64, 48), times=(0.0, 0.1, 0.2), codec="libx264", picture=None):
    """A silent video with frames at ``times`` seconds; left half red, right half blue unless told otherwise."""
    if picture is None:
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[:, : size[0] // 2, 0] = picture[:, size[0] // 2 :, 2] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 1000)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for time in times:
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = round(time * 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "m4a"])
def test_sound_files(tmp_path, suffix):
    path = tmp_path / f"tone.{suffix}"
    codec = {"wav": "pcm_s16le", "flac": "flac", "mp3": "libmp3lame", "ogg": "libopus", "m4a": "aac"}[suffix]
    with av.open(str(path), "w") as container:
        rate = 48_000 if suffix == "ogg" else 44_100
        stream = container.add_stream(codec, rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([TONE, TONE]), "fltp", "stereo")
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(stream.format, "stereo", rate, stream.codec_context.frame_size or 960)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    clip = open_clip(path)
    assert not clip.has_pictures and not clip.damaged
    assert clip.audio.samples.dtype == np.float32 and clip.audio.samples.ndim == 1
    assert clip.duration == pytest.approx(2.0, abs=0.1)
    assert loudest_frequency(clip.audio.samples) == pytest.approx(440, abs=2)
    assert np.abs(clip.audio.samples[4000:-4000]).max() == pytest.approx(0.3, abs=0.05)
    assert list(read_frames(path)) == []


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mkv", "mov", "avi"])
def test_videos(tmp_path, suffix):
    made = save_clip(tmp_path / ("clip.mp4" if suffix in ("mp4", "mov") else "clip.webm"), TONE, rate=25)
    path = tmp_path / f"copy.{suffix}"
    if suffix == "avi":
        path = pictures(path, times=np.arange(0, 2, 0.04), codec="mpeg4")
    else:
        remux(made, path)
    clip = open_clip(path)
    assert clip.has_pictures
    assert clip.duration == pytest.approx(2.0, abs=0.1)
    frames = list(read_frames(path))
    gaps = np.diff([frame.time for frame in frames])
    assert 18 <= len(frames) <= 21 and gaps.min() > 0.05
    assert all(frame.image.dtype == np.uint8 and frame.image.shape[2] == 3 for frame in frames)


@pytest.mark.parametrize(("channels", "codec", "samples"), [
    (1, "pcm_u8", "u8"), (2, "pcm_s24le", "s32"), (6, "pcm_f32le", "flt"), (8, "pcm_s16le", "s16"), (8, "flac", "s16"),
    (8, "wavpack", "fltp"), (8, "aac", "fltp"), (16, "pcm_f64le", "dbl"),
])  # fmt: skip
def test_any_number_of_channels_is_their_mean(tmp_path, channels, codec, samples):
    """The tone is in one channel only, so that the mean says how many there are."""
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1", 16: "hexadecagonal"}[channels]
    path = tmp_path / f"tone.{ {'flac': 'flac', 'aac': 'm4a', 'wavpack': 'wv'}.get(codec, 'wav') }"
    together = np.zeros((len(TONE), channels), np.float32)
    together[:, 0] = 2 * TONE
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, SAMPLE_RATE, layout=layout)
        frame = av.AudioFrame.from_ndarray(together.reshape(1, -1), "flt", layout)
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(samples, layout, SAMPLE_RATE, stream.codec_context.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    heard = open_clip(path).audio.samples
    assert loudest_frequency(heard) == pytest.approx(440, abs=1)
    assert np.abs(heard[2000:-2000]).max() == pytest.approx(0.6 / channels, rel=0.15)


def test_more_channels_than_any_layout_has_a_name_for(tmp_path):
    with wave.open(str(tmp_path / "many.wav"), "wb") as file:
        file.setparams((255, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((np.repeat(TONE[:, None], 255, 1) * 32767).astype("<i2").tobytes())
    heard = open_clip(tmp_path / "many.wav").audio.samples
    np.testing.assert_allclose(heard[100:-100], TONE[100:-100], atol=1e-3)


def remux(source, target):
    """The same packets in another container; through a pipe-like writer webm gets no duration."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        streams = {s: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                new.mux(packet)


def test_a_browser_recording_without_duration(tmp_path):
    whole, path = save_clip(tmp_path / "whole.webm", TONE), tmp_path / "recording.webm"
    with av.open(str(whole)) as old, av.open(Pipe(path), "w", format="webm") as new:
        streams = {s: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                new.mux(packet)
    with av.open(str(path)) as container:
        assert container.duration is None
    assert open_clip(path).duration == pytest.approx(2.0, abs=0.1)
    assert len(list(read_frames(path))) == pytest.approx(20, abs=1)


def test_times_are_timestamps(tmp_path):
    times = [0.0, 0.03, 0.13, 0.5, 0.52, 1.4, 1.65]
    frames = list(read_frames(pictures(tmp_path / "varying.mkv", times=times)))
    # Of each tenth of a second the first frame is kept.
    assert [round(frame.time, 2) for frame in frames] == [0.0, 0.13, 0.5, 1.4, 1.65]
    assert len(list(read_frames(pictures(tmp_path / "fast.mkv", times=np.arange(0, 1, 1 / 60))))) <= FRAME_RATE + 1


def test_late_sound_keeps_its_time(tmp_path):
    made = save_clip(tmp_path / "clip.mp4", TONE)
    path = tmp_path / "late.mkv"
    with av.open(str(made)) as old, av.open(str(path), "w") as new:
        streams = {s: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                if packet.stream.type == "audio":
                    packet.pts += round(0.5 / packet.time_base)
                    packet.dts += round(0.5 / packet.time_base)
                packet.stream = streams[packet.stream]
                new.mux(packet)
    samples = open_clip(path).audio.samples
    assert np.abs(samples[: int(0.4 * SAMPLE_RATE)]).max() < 0.01
    assert np.abs(samples[int(0.6 * SAMPLE_RATE) :]).max() > 0.2


def test_large_frames_are_scaled_down(tmp_path):
    (frame, *_) = read_frames(pictures(tmp_path / "large.mp4", size=(1920, 1080)))
    assert frame.image.shape == (360, MAX_SIDE, 3)


@pytest.mark.parametrize(("degrees", "matrix", "red_side"), [
    (90, (0, 1, -1, 0), "top"), (180, (-1, 0, 0, -1), "right"), (270, (0, -1, 1, 0), "bottom"),
])  # fmt: skip
def test_phones_rotate(tmp_path, degrees, matrix, red_side):
    """The display matrix of an mp4 (clockwise ``degrees``) is applied: red was left before."""
    path = pictures(tmp_path / "phone.mp4", size=(128, 64))
    data = bytearray(path.read_bytes())
    a, b, c, d = matrix
    identity = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    at = data.index(identity, data.index(b"tkhd"))
    data[at : at + 36] = turned
    path.write_bytes(data)
    (frame, *_) = read_frames(path)
    height, width = frame.image.shape[:2]
    assert (width, height) == ((128, 64) if degrees == 180 else (64, 128))
    spot = {
        "top": (height // 4, width // 2), "bottom": (3 * height // 4, width // 2),
        "right": (height // 2, 3 * width // 4),
    }[red_side]  # fmt: skip
    red, _, blue = frame.image[spot]
    assert red > 180 and blue < 80


def test_a_cover_image_is_no_video(tmp_path):
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", 16_000, layout="mono")
        cover = container.add_stream("mjpeg", 1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        frame = av.AudioFrame.from_ndarray(TONE[None], "fltp", "mono")
        frame.sample_rate = SAMPLE_RATE
        for part in av.AudioResampler("fltp", "mono", 16_000, 1024).resample(frame):
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    clip = open_clip(path)
    assert not clip.has_pictures and clip.audio is not None


def test_silence_is_not_a_quiet_room(tmp_path):
    assert open_clip(save_wav(np.zeros(SAMPLE_RATE), tmp_path / "muted.wav")).audio.silent
    assert not open_clip(save_wav(0.01 * TONE, tmp_path / "quiet.wav")).audio.silent


def test_bad_files_get_one_sentence_and_a_code(tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("this is no video")
    whole = save_clip(tmp_path / "whole.mp4", TONE).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # the index of an mp4 stands at its end
    (tmp_path / "folder").mkdir()
    with wave.open(str(tmp_path / "zero.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
    expected = {
        "empty.mp4": "empty", "text.mp4": "not_media", "cut.mp4": "truncated", "folder": "is_folder",
        "gone.mp4": "not_found", "zero.wav": "zero_duration",
    }  # fmt: skip
    for name, code in expected.items():
        with pytest.raises(MediaError) as caught:
            open_clip(tmp_path / name)
        assert caught.value.code == code, name
        message = str(caught.value)
        assert name in message and message.endswith(".") and "\n" not in message and "Errno" not in message


def test_a_truncated_webm_is_read_as_far_as_it_goes(tmp_path):
    whole = save_clip(tmp_path / "whole.webm", TONE).read_bytes()
    (tmp_path / "cut.webm").write_bytes(whole[: len(whole) * 2 // 3])
    clip = open_clip(tmp_path / "cut.webm")
    assert 0.2 < clip.duration < 1.9


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted by Linux")
def test_pictures_that_were_read_leave_no_threads_and_no_frames_behind():
    """A cycle would hold each picture, and the threads that scaled it, until the garbage collector comes by."""
    gc.collect()
    gc.disable()
    try:
        before = len(list(Path("/proc/self/task").iterdir()))
        read = sum(1 for _ in read_frames(EXAMPLES / "glad.mp4"))
        after = len(list(Path("/proc/self/task").iterdir()))
    finally:
        gc.enable()
    assert read == 43 and after < before + 10
