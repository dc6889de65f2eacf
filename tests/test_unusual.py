"""Healthy files with unusual instructions: what a player would show is what is read."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from boxes import with_edits, with_matrix
from film import Pictures, Sound, copied, film, number, numbered

from core import LABELS
from core.media.reader import SAMPLE_RATE, Clip, Frame, MediaError, open_clip, read_frames

EXAMPLES = Path(__file__).parents[1] / "demo/examples"
HISS = 10 ** (-66 / 20)
NOT_SAID = "nobody speaks on the first"


@dataclass(frozen=True)
class Shown:
    """What a player shows: seconds, pictures at ten a second, from when to when, and when the voice begins (None: none
    is heard); what is said about it."""

    duration: float
    pictures: int = 0
    first: float = 0.0
    last: float = 0.0
    voice: float | None = None
    says: tuple[str, ...] = ()


@cache
def example(name: str) -> tuple[Clip, list[Frame]]:
    """One of the example clips, read once."""
    clip = open_clip(EXAMPLES / f"{name}.mp4")
    return clip, list(read_frames(clip.path, clock=clip.clock))


@cache
def voice() -> np.ndarray:
    """What is said in ``glad``, float32 [N] at 16 kHz."""
    return example("glad")[0].audio.samples


@cache
def faces(height: int = 360, width: int = 480) -> tuple[np.ndarray, ...]:
    """The pictures of ``glad`` in another shape."""
    return tuple(cv2.resize(frame.image, (width, height)) for frame in example("glad")[1])


def edited(path: Path, name: str, *edits: tuple[float, float | None]) -> Path:
    """An example with an edit list: (seconds, second at which the media begin, None for nothing)."""
    path.write_bytes(with_edits((EXAMPLES / f"{name}.mp4").read_bytes(), *edits))
    return path


def later(seconds: float, kind: str = "") -> Callable:
    """Shifts packets, of one kind or all."""

    def change(packet) -> None:
        if kind in ("", packet.stream.type):
            packet.pts += round(seconds / packet.time_base)
            packet.dts += round(seconds / packet.time_base)

    return change


def decoding_order(packet) -> None:
    """Makes the time at which a picture is decoded that at which it is shown, as old writers of Matroska do."""
    if packet.stream.type == "video":
        packet.pts = packet.dts = packet.dts + round(0.2 / packet.time_base)


def glad(path: Path, *sounds: Sound, **pictures) -> Path:
    """The pictures of ``glad``, with other sound or in another way."""
    return film(path, Pictures(faces(), **pictures), *sounds)


def squeezed(path: Path, width: int, pixel: Fraction) -> Path:
    return film(path, Pictures(faces(360, width), pixel=pixel))


def noise(share: float) -> np.ndarray:
    return share * np.random.default_rng(0).uniform(-1, 1, len(voice())).astype(np.float32)


def thumbnail() -> Pictures:
    return Pictures([faces(120, 160)[0]], codec="mjpeg", form="yuvj420p")


def animated(path: Path) -> Path:
    """The pictures of ``glad`` as OpenCV writes an animation."""
    animation = cv2.Animation()
    animation.frames = [cv2.cvtColor(image, cv2.COLOR_RGB2BGR) for image in faces(180, 240)]
    animation.durations = np.full(len(faces()), 100)
    assert cv2.imwriteanimation(str(path), animation)
    return path


def first_words(samples: np.ndarray) -> Sound:
    return Sound(samples, "aac", 48_000)


FRAGMENTS = {"movflags": "frag_keyframe+delay_moov+default_base_moof"}
GREY = [np.full((360, 640, 3), 128, np.uint8)] * 44
TWO = "The file has two {}; the second was read, since {}."
# name -> (folder -> the file), what a player shows
CASES: dict[str, tuple[Callable[[Path], Path], Shown]] = {
    "2.5 s cut off by an edit list": (
        lambda d: edited(d / "x.mp4", "contradiction", (4.433, 2.5)), Shown(4.43, 43, 0, 4.25, 0.0)
    ),
    "4.5 s cut off by an edit list": (
        lambda d: edited(d / "x.mp4", "contradiction", (2.433, 4.5)), Shown(2.43, 23, 0, 2.25, 0.0)
    ),
    "8 s out of the middle by an edit list": (
        lambda d: edited(d / "x.mp4", "moods", (8.0, 9.3)), Shown(8.0, 80, 0, 7.92, 0.38)
    ),
    "parts in another order by an edit list": (
        lambda d: edited(d / "x.mp4", "contradiction", (1.0, 4.0), (2.0, 1.0)), Shown(3.0, 30, 0, 2.92, 0.0)
    ),
    "an edit list that promises more than there is": (
        lambda d: edited(d / "x.mp4", "contradiction", (20.0, 2.5)), Shown(4.43, 43, 0, 4.25, 0.0)
    ),
    "2.5 s cut off in a fragmented MP4": (
        lambda d: copied(EXAMPLES / "contradiction.mp4", d / "x.mp4", later(-2.5), FRAGMENTS),
        Shown(4.43, 43, 0, 4.25, 0.0),
    ),
    "begins at -3 s in MP4, which shows nothing before 0": (
        lambda d: copied(EXAMPLES / "contradiction.mp4", d / "x.mp4", later(-3)), Shown(3.93, 38, 0, 3.75, 0.0)
    ),
    "begins at -3 s in Matroska, which has no such rule": (
        lambda d: copied(EXAMPLES / "contradiction.mp4", d / "x.mkv", later(-3)), Shown(6.93, 68, 0, 6.75, 0.1)
    ),
    "pictures 3 s later than the sound": (
        lambda d: copied(EXAMPLES / "glad.mp4", d / "x.mp4", later(3, "video")), Shown(7.33, 43, 3.0, 7.25, 0.02)
    ),
    "sound 1.5 s later than the pictures": (
        lambda d: copied(EXAMPLES / "glad.mp4", d / "x.mp4", later(1.5, "audio")), Shown(5.87, 43, 0, 4.25, 1.52)
    ),
    "a transport stream whose clock turns over": (
        lambda d: copied(EXAMPLES / "glad.mp4", d / "x.ts", later(2**33 / 90_000 - 2)), Shown(4.37, 43, 0, 4.25, 0.02)
    ),
    "an AVI, which says when pictures are decoded alone": (
        lambda d: glad(d / "x.avi", Sound(voice()), options={"bf": "2", "b_strategy": "0"}),
        Shown(4.37, 43, 0, 4.2, 0.02),
    ),
    "a Matroska file that takes decoding for showing": (
        lambda d: copied(EXAMPLES / "glad.mp4", d / "x.mkv", decoding_order), Shown(4.37, 43, 0.03, 4.2, 0.02)
    ),
    "a program stream in which some pictures have no timestamp": (
        lambda d: glad(d / "x.mpg", Sound(voice(), "mp2", 48_000), rate=50, codec="mpeg2video", options={"bf": "2"}),
        Shown(4.39, 9, 0.01, 0.8, 0.03),
    ),
    "uneven pictures, some of them decoded before their turn": (
        lambda d: glad(d / "x.mp4", times=[i / 12 + (i >= 20) for i in range(43)],
                       options={"bf": "2", "b_strategy": "0"}), Shown(4.58, 36, 0, 4.5),
    ),
    "empty first sound track": (
        lambda d: glad(d / "x.mp4", Sound(0 * voice(), "aac", 48_000), first_words(voice())),
        Shown(4.37, 43, 0, 4.2, 0.02, (TWO.format("sound tracks", NOT_SAID),)),
    ),
    "noise of -66 dB on the first sound track": (
        lambda d: glad(d / "x.mkv", Sound(noise(HISS)), Sound(voice())),
        Shown(4.37, 43, 0, 4.2, 0.02, (TWO.format("sound tracks", NOT_SAID),)),
    ),
    "loud noise on the first sound track, which is the default": (
        lambda d: glad(d / "x.mkv", Sound(noise(0.3)), Sound(voice(), default=False)),
        Shown(4.37, 43, 0, 4.2, 0.02, (TWO.format("sound tracks", NOT_SAID),)),
    ),
    "the second sound track is the default": (
        lambda d: glad(d / "x.mkv", Sound(0 * voice(), default=False), Sound(voice())),
        Shown(4.37, 43, 0, 4.2, 0.02, (TWO.format("sound tracks", "the file marks it as the one to play"),)),
    ),
    "channels in opposite phase": (
        lambda d: glad(d / "x.mkv", Sound(np.stack([voice(), -voice()]))),
        Shown(4.37, 43, 0, 4.2, 0.02,
              ("Channels of the sound track are in opposite phase: they were turned over.",)),
    ),
    "a voice in one channel, nothing in the other": (
        lambda d: glad(d / "x.mkv", Sound(np.stack([0 * voice(), voice()]))), Shown(4.37, 43, 0, 4.2, 0.02)
    ),
    "a voice in one channel, a loud noise in the other": (
        lambda d: glad(d / "x.mkv", Sound(np.stack([noise(0.8), voice()]))),
        Shown(4.37, 43, 0, 4.2, 0.02, (
            "Of the sound track only the second channel was read: nobody is to be understood in all of them together.",
        )),
    ),
    "a voice in the centre of six channels": (
        lambda d: glad(d / "x.mkv", Sound(np.stack([voice() if i == 2 else 0 * voice() for i in range(6)]))),
        Shown(4.37, 43, 0, 4.2, 0.02),
    ),
    **{
        f"a thumbnail before the pictures in {suffix}": (
            lambda d, suffix=suffix: film(d / f"x{suffix}", thumbnail(), Pictures(faces()), first_words(voice())),
            Shown(4.37, 43, 0, 4.2, 0.02, (TWO.format("tracks of pictures", "its pictures move"),)),
        )
        for suffix in (".mov", ".mkv")
    },
    "a screen first, the camera is the default": (
        lambda d: film(d / "x.mkv", Pictures(GREY, default=False), Pictures(faces()), Sound(voice())),
        Shown(4.37, 43, 0, 4.2, 0.02, (TWO.format("tracks of pictures", "the file marks it as the one to show"),)),
    ),
    "pixels twice as wide as high": (lambda d: squeezed(d / "x.mp4", 240, Fraction(2)), Shown(4.3, 43, 0, 4.2)),
    "pixels twice as high as wide": (lambda d: squeezed(d / "x.mp4", 960, Fraction(1, 2)), Shown(4.3, 43, 0, 4.2)),
    "pixels of 4 to 3": (lambda d: squeezed(d / "x.mp4", 360, Fraction(4, 3)), Shown(4.3, 43, 0, 4.2)),
    "an animated WebP picture": (lambda d: animated(d / "x.webp"), Shown(4.3, 43, 0, 4.2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_player_shows(name, tmp_path, record_property):
    make, right = CASES[name]
    clip = open_clip(make(tmp_path))
    frames = list(read_frames(clip.path, clock=clip.clock))
    times = [frame.time for frame in frames]
    answer = f"{clip.duration:.2f} s, {len(frames)} pictures"
    answer += f" from {times[0]:.2f} to {times[-1]:.2f} s" if times else ""
    answer += "" if clip.audio is None else f", a voice from {begin(clip.audio.samples):.2f} s"
    record_property("answer", "; ".join([answer, *clip.warnings]))  # the table of docs/hostile.md is made of --junitxml
    assert clip.duration == pytest.approx(right.duration, abs=0.04)
    assert len(frames) == right.pictures
    assert (times[0], times[-1]) == pytest.approx((right.first, right.last), abs=0.02)
    assert times == sorted(times) and clip.warnings == right.says
    if right.voice is None:
        assert clip.audio is None
    else:
        assert begin(clip.audio.samples) == pytest.approx(right.voice, abs=0.03)


def begin(samples: np.ndarray) -> float:
    """Seconds at which something is to be heard."""
    loud = np.convolve(np.abs(samples), np.full(80, 1 / 80), "same") > 0.05 * np.abs(samples).max()
    return float(np.flatnonzero(loud)[0]) / SAMPLE_RATE


@pytest.mark.parametrize(("edits", "parts"), [
    ([(4.433, 2.5)], [(2.5, 6.9)]), ([(1.0, 4.0), (2.0, 1.0)], [(4.0, 5.0), (1.0, 3.0)]),
])  # fmt: skip
def test_sound_is_that_of_the_edits(tmp_path, edits, parts):
    """To a few samples for the first, to one packet of AAC for those behind it."""
    whole = example("contradiction")[0].audio.samples
    heard = open_clip(edited(tmp_path / "x.mp4", "contradiction", *edits)).audio.samples
    at = 0.0
    for number_, (start, end) in enumerate(parts):
        said = whole[round((start + 0.1) * SAMPLE_RATE) : round((end - 0.1) * SAMPLE_RATE)]
        begun = round((at + 0.1) * SAMPLE_RATE)
        moves = range(-400, 401) if number_ else range(-2, 3)
        parts_heard = [heard[begun + move : begun + move + len(said)] for move in moves]
        alike = [np.corrcoef(part, said[: len(part)])[0, 1] for part in parts_heard]
        assert max(alike) > 0.97
        at += end - start


@pytest.mark.parametrize("edits", [[(4.433, 2.5)], [(1.0, 4.0), (2.0, 1.0)]])
def test_pictures_are_those_of_the_edits(tmp_path, edits):
    clip = open_clip(edited(tmp_path / "x.mp4", "contradiction", *edits))
    whole = example("contradiction")[1]
    for frame in list(read_frames(clip.path, clock=clip.clock))[::4]:
        passed = 0.0
        for seconds, begun in edits:
            within = begun + frame.time - passed
            passed += seconds
            if frame.time < passed:
                break
        nearest = min(whole, key=lambda other: abs(other.time - within))
        assert np.abs(frame.image.astype(int) - nearest.image).mean() < 6


@pytest.mark.parametrize("name", ["channels in opposite phase", "noise of -66 dB on the first sound track",
                                  "a voice in one channel, a loud noise in the other"])  # fmt: skip
def test_the_voice_is_as_loud_as_alone(tmp_path, name):
    heard = open_clip(CASES[name][0](tmp_path)).audio.samples
    np.testing.assert_allclose(heard, voice()[: len(heard)], atol=2e-3)


@pytest.mark.parametrize("name", ["pixels twice as wide as high", "pixels twice as high as wide", "pixels of 4 to 3"])
def test_pictures_are_as_wide_as_they_were_filmed(tmp_path, name):
    images = [frame.image for frame in read_frames(CASES[name][0](tmp_path))]
    assert {image.shape for image in images} <= {(360, 480, 3), (480, 640, 3)}
    for image, right in zip(images[::10], faces()[::10], strict=True):
        assert np.abs(cv2.resize(image, (480, 360)).astype(int) - right).mean() < 8


@pytest.mark.parametrize("matrix", [
    (1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1), (0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0),
    (0, -1, -1, 0),
])  # fmt: skip
def test_display_matrices_turn_and_mirror(tmp_path, matrix):
    """The corners of a picture go where the matrix sends them."""
    a, b, c, d = matrix
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:32, :64], picture[:32, 64:], picture[32:, :64] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    path = film(tmp_path / "x.mp4", Pictures([picture] * 3))
    path.write_bytes(with_matrix(path.read_bytes(), *matrix))
    (frame, *_) = read_frames(path)
    width, height = (128, 64) if a else (64, 128)
    assert frame.image.shape == (height, width, 3)
    for x, y in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)):  # from the middle, in halves of a side
        u, v = a * x + c * y, b * x + d * y
        shown = frame.image[round((v + 1) * height / 2), round((u + 1) * width / 2)]
        right = picture[round((y + 1) * 32), round((x + 1) * 64)]
        assert np.abs(shown.astype(int) - right).max() < 60


@pytest.mark.parametrize("suffix", ["avi", "mp4", "mkv"])
def test_each_picture_has_its_own_time(tmp_path, suffix):
    """With pictures that are decoded before their turn, and more of them than are kept."""
    track = Pictures(numbered(80), rate=40, options={"bf": "3", "b_strategy": "0", "qp": "1"})
    frames = list(read_frames(film(tmp_path / f"x.{suffix}", track)))
    assert [number(frame.image) for frame in frames] == list(range(0, 80, 4))
    assert [frame.time for frame in frames] == pytest.approx([i / 10 for i in range(20)], abs=2e-3)


@pytest.mark.parametrize("codec", ["libx264", "mjpeg", "libvpx-vp9"])
def test_of_hundreds_of_pictures_a_second_the_right_ones_are_kept(tmp_path, codec, monkeypatch):
    """240 a second; those that nobody needs are not decoded."""
    options = {"libx264": {"bf": "3", "b_strategy": "0", "qp": "1"}, "libvpx-vp9": {"deadline": "realtime"}}
    form = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    track = Pictures(numbered(72), rate=240, codec=codec, form=form, options=options.get(codec, {}))
    path = film(tmp_path / "x.mkv", track)
    seen = []
    monkeypatch.setattr("core.media.pictures.decoded", lambda packet, damage: seen.extend(packet.decode()) or seen[-1:])
    frames = list(read_frames(path))
    assert [number(frame.image) for frame in frames] == [0, 24, 48]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2], abs=2e-3)
    if codec != "libvpx-vp9":  # whose pictures all need each other
        assert len(seen) < 30


def test_a_face_decides_where_nothing_else_does(tmp_path):
    """Screen and camera, both as the file's own choice; asked only where there are two tracks."""
    screen, camera = Pictures(GREY), Pictures(faces())
    asked = []

    def faced(image: np.ndarray) -> bool:
        asked.append(image)
        return image.shape == (360, 480, 3) and image.std() > 20

    clip = open_clip(film(tmp_path / "x.mkv", screen, camera), faced=faced)
    assert clip.warnings == (TWO.format("tracks of pictures", "it shows a face"),)
    assert next(read_frames(clip.path, clock=clip.clock)).image.shape == (360, 480, 3)
    assert 4 <= len(asked) <= 12
    asked.clear()
    assert open_clip(film(tmp_path / "y.mkv", screen), faced=faced).warnings == () and not asked


def test_a_voice_decides_where_levels_do_not(tmp_path):
    """Bursts of noise are as lively as a voice; a detector of speech is asked, where there are two tracks."""
    bursts = noise(0.5) * (np.arange(len(voice())) // 4000 % 2)
    path = film(tmp_path / "x.mkv", Sound(bursts), Sound(voice()))
    asked = []

    def voiced(samples: np.ndarray) -> float:
        asked.append(samples)
        return 3.0 * bool(np.corrcoef(samples, voice()[: len(samples)])[0, 1] > 0.9)

    assert open_clip(path).warnings == ("The file has two sound tracks; the first was read.",)
    clip = open_clip(path, voiced=voiced)
    assert clip.warnings == (TWO.format("sound tracks", NOT_SAID),)
    np.testing.assert_allclose(clip.audio.samples, voice(), atol=1e-3)
    asked.clear()
    open_clip(film(tmp_path / "y.mkv", Sound(voice())), voiced=voiced)
    assert not asked


def test_two_voices_are_mixed_as_ever(tmp_path):
    """Somebody on the left, somebody else on the right: both are heard."""
    other = example("contradiction")[0].audio.samples[: len(voice())]
    heard = open_clip(film(tmp_path / "x.wav", Sound(np.stack([voice(), other])))).audio.samples
    np.testing.assert_allclose(heard, (voice() + other) / 2, atol=1e-3)


def test_music_in_opposite_phase_does_not_hide_a_voice_in_the_middle(tmp_path):
    time = np.arange(len(voice())) / SAMPLE_RATE
    music = (0.5 * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
    clip = open_clip(film(tmp_path / "x.wav", Sound(np.stack([0.3 * voice() + music, 0.3 * voice() - music]))))
    np.testing.assert_allclose(clip.audio.samples, 0.3 * voice(), atol=1e-3)
    assert not clip.warnings


def test_short_packets_are_put_together(tmp_path):
    """Opus in packets of 2.5 ms, as live recorders write it."""
    track = Sound(voice(), "libopus", 48_000, options={"frame_duration": "2.5", "application": "lowdelay"})
    clip = open_clip(film(tmp_path / "x.webm", track))
    assert clip.duration == pytest.approx(len(voice()) / SAMPLE_RATE, abs=0.02)
    assert np.corrcoef(clip.audio.samples[: len(voice())], voice()[: len(clip.audio.samples)])[0, 1] > 0.98


def test_a_cut_animation_is_told(tmp_path):
    path = animated(tmp_path / "x.webp")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(MediaError, match="cut short") as caught:
        open_clip(path)
    assert caught.value.code == "truncated"


def test_the_pictures_of_an_animation_are_in_place(tmp_path):
    for frame, right in zip(read_frames(animated(tmp_path / "x.webp")), faces(180, 240), strict=True):
        assert np.abs(frame.image.astype(int) - right).mean() < 6


def test_a_trimmed_clip_goes_all_the_way(analyzer, tmp_path):
    """The sentence that is left, from its first word on, with the voice in which it is said."""
    analysis = analyzer.analyze(edited(tmp_path / "x.mp4", "contradiction", (4.433, 2.5)))
    words = analysis.transcript.words
    assert words[0].start < 0.1 and {"miss", "him", "crying"} <= {w.text.lower().strip(".,") for w in words}
    assert not {"dog", "died"} & {word.text.lower() for word in words}
    heard = analysis.predictions[("audio",)].self_ or analysis.predictions[("audio",)].cross
    assert LABELS[heard.probabilities.argmax()] == "neutral"
    assert analysis.faces.found.sum() == 43
