"""However many packets and pictures a small file holds: the work has bounds, and ends as soon as it is called off."""

import time
import tracemalloc

import av
import numpy as np
import pytest
from film import Pictures, Sound, film
from floods import many_pictures, mp4, one_byte_packets, tables
from matroska import block, cluster, matroska, picture_track, sound_track

from core.cancellation import cancellation_scope
from core.media import clock, container, pictures
from core.media.clock import MAX_GAP_SECONDS, Clock, Spans, Stamps
from core.media.reader import SAMPLE_RATE, MediaError, open_clip, read_frames


class CalledOff(Exception):
    """What ends the work in these tests."""


class Checks:
    """Counts how often the work asks, and calls it off at the ``last`` time."""

    def __init__(self, last: int = 0):
        self.asked = 0
        self.last = last
        self.times: list[float] = []

    def __call__(self) -> None:
        self.asked += 1
        self.times.append(time.monotonic())
        if self.asked == self.last:
            raise CalledOff


def read(path) -> int:
    """Opens a clip and reads all of its pictures; how many there are."""
    clip = open_clip(path)
    return sum(1 for _ in read_frames(path, clock=clip.clock))


@pytest.fixture(scope="module")
def small_packets(tmp_path_factory):
    path = tmp_path_factory.mktemp("bounds") / "small.mkv"
    path.write_bytes(one_byte_packets(25_600))
    return path


def test_every_packet_asks(small_packets):
    checks = Checks()
    with cancellation_scope(checks):
        assert open_clip(small_packets).duration == pytest.approx(1.6, abs=0.01)
    assert checks.asked > 2 * 25_600, "once for its time and once for its sound"


@pytest.mark.parametrize("last", [1, 2, 7, 100, 20_000, 30_000, 50_000])
def test_called_off_ends_there(small_packets, last):
    checks = Checks(last)
    with pytest.raises(CalledOff), cancellation_scope(checks):
        open_clip(small_packets)
    assert checks.asked == last


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_pictures_ask_too(tmp_path, share):
    path = film(tmp_path / "x.mp4", Pictures([np.zeros((48, 64, 3), np.uint8)] * 60, rate=30))
    with cancellation_scope(whole := Checks()):
        read(path)
    with cancellation_scope(opening := Checks()):
        clip = open_clip(path)
    last = opening.asked + round(share * (whole.asked - opening.asked))
    assert whole.asked - opening.asked > 2 * 60, "each packet and each picture"
    with pytest.raises(CalledOff), cancellation_scope(checks := Checks(last - opening.asked)):
        list(read_frames(path, clock=clip.clock))
    assert checks.asked == last - opening.asked


def test_what_nobody_reads_asks_as_well(tmp_path):
    """Packets of a track that is passed over inside FFmpeg: while its bytes are read."""
    rubbish = cluster(0, *(block(bytes(200), track=2) for _ in range(20_000)))
    hidden = b"\xae" + picture_track(2, b"V_UNKNOWN", 64, 48)[1:]
    path = tmp_path / "x.mkv"
    path.write_bytes(matroska([sound_track(), hidden], [cluster(0, block(bytes(160))), rubbish]))
    with cancellation_scope(checks := Checks()):
        open_clip(path)
    assert checks.asked > path.stat().st_size / container.PIECE


def test_a_clip_ends_where_its_packets_are_too_many(small_packets, monkeypatch):
    assert container.MAX_PACKETS >= 300 * 2_000, "what five minutes of a healthy clip have room for"
    for module in ("container", "tracks"):
        monkeypatch.setattr(f"core.media.{module}.MAX_PACKETS", 8_000)
    clip = open_clip(small_packets)
    assert clip.duration == pytest.approx(0.5, abs=0.02) and clip.cut
    assert clip.warnings == ("Only the first 0.5 seconds were read.",)


def test_little_is_kept_of_many_packets(small_packets):
    """Of 25,600 packets less than the samples themselves."""
    open_clip(small_packets)
    tracemalloc.start()
    open_clip(small_packets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 * SAMPLE_RATE * 4 + 2_000_000, "room for the longest clip, and little else"


def merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same by sorting all."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if found and begin - found[-1][1] <= MAX_GAP_SECONDS:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_spans_in_any_order_are_those_of_sorted_ones(seed):
    chance = np.random.default_rng(seed)
    begins = chance.uniform(0, 400, 300)
    spans = [(float(b), float(b + d)) for b, d in zip(begins, chance.uniform(0, 1.0, 300), strict=True)]
    together = Spans()
    for span in spans:
        together.add(*span)
    assert list(zip(together.begins, together.ends, strict=True)) == merged(spans)


@pytest.mark.parametrize("step", [0.001, 3.0, -1.5, -0.5])
def test_stamps_stay_few(step):
    """Whatever timestamps say, a stream that is full holds no more spans than it may, and its clock is soon made."""
    stamps, count = Stamps(), 0
    while not stamps.full and count < 50_000:
        stamps.add(count * step, count * step + 0.001, count * step)
        count += 1
    stamps.finish()
    assert sum(map(len, stamps.parts)) <= clock.MAX_SPANS + 2 and len(stamps.parts) <= clock.MAX_PARTS + 1
    assert stamps.full == (abs(step) > 1) and len(Clock.of([stamps]).stretches) <= clock.MAX_SPANS + 2


@pytest.mark.parametrize("far", [True, False])
def test_every_packet_at_a_time_of_its_own(tmp_path, far):
    """Three seconds behind the last one, or before it."""
    path = tmp_path / "x.mkv"
    steps = range(0, 3000 * 5000, 3000)
    times = steps if far else reversed(steps)
    path.write_bytes(matroska([sound_track()], (cluster(at, block(b"\x90")) for at in times)))
    begun = time.process_time()
    clip = open_clip(path)
    assert time.process_time() - begun < 1.0
    assert clip.cut and clip.duration <= 300


def counted(monkeypatch) -> list[int]:
    """How many pictures were decoded."""
    seen, decode = [], pictures.decoded
    monkeypatch.setattr(pictures, "decoded", lambda packet, damage: seen.append(packet.size) or decode(packet, damage))
    return seen


def test_pictures_that_cannot_be_kept_are_not_decoded(tmp_path, monkeypatch):
    """Three thousand within three milliseconds: one can be kept."""
    path = tmp_path / "x.mkv"
    path.write_bytes(many_pictures(3000))
    seen = counted(monkeypatch)
    assert read(path) == 1 and len(seen) <= 2


def test_pictures_that_others_need_are_decoded_within_bounds(tmp_path, monkeypatch):
    """One more half a second later, which needs them all."""
    path = tmp_path / "x.mkv"
    path.write_bytes(many_pictures(3000, later=500))
    seen = counted(monkeypatch)
    assert read(path) == 2 and len(seen) > 3000, "small ones are all decoded"
    seen.clear()
    monkeypatch.setattr(pictures, "MAX_PIXELS_A_SECOND", 320 * 240 * 100)
    monkeypatch.setattr("core.media.reader.MAX_PIXELS_A_SECOND", 320 * 240 * 100)
    clip = open_clip(path)
    assert len(list(read_frames(path, clock=clip.clock))) == 1 and len(seen) <= 60
    assert clip.warnings == ("There are more pictures at once than can be decoded: some were passed over.",)


def test_healthy_pictures_are_within_the_bounds():
    """8K at 60 a second, 4K at 240 and a telephone's slow motion, 1080p at 960."""
    for width, height, rate in ((7680, 4320, 60), (3840, 2160, 240), (1920, 1080, 960)):
        allowed = pictures._Allowance()
        for i in range(3 * rate):
            allowed.reach(i / rate)
            assert not allowed.spent
            allowed.spend(width * height)


def test_many_tracks_share_what_opening_may_decode(tmp_path, monkeypatch):
    """FFmpeg decodes a picture of each track to know it: sixty of 8K would be three gigabytes."""
    path = tmp_path / "x.mkv"
    tracks = [picture_track(i, b"V_MJPEG", 64, 48) for i in range(1, 61)]
    path.write_bytes(matroska(tracks, [cluster(0, block(b"\xff\xd8\xff\xd9", track=1))]))
    other = film(tmp_path / "y.mkv", Pictures([np.zeros((48, 64, 3), np.uint8)] * 3))
    allowed, open_ = [], av.open

    def opening(*arguments, **keywords):
        allowed.append(int(keywords["options"]["max_pixels"]))
        return open_(*arguments, **keywords)

    monkeypatch.setattr(av, "open", opening)
    open_clip_or_not(path)
    assert max(allowed) == container.MAX_LARGE * container.MAX_PIXELS // 60
    open_clip_or_not(other)
    assert max(allowed) == container.MAX_PIXELS


def open_clip_or_not(path) -> str:
    try:
        return str(open_clip(path).duration)
    except MediaError as error:
        return error.code


@pytest.mark.parametrize("data", [
    mp4(*tables(50_000_000)), mp4(*tables(0), fragments=20), b"ID3\4\0\0\0\0\0\0" + mp4(*tables(0), fragments=20),
])  # fmt: skip
def test_tables_that_list_millions_of_pictures_are_refused_unopened(tmp_path, monkeypatch, data):
    """FFmpeg would take gigabytes for a kilobyte of them."""
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    monkeypatch.setattr(av, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(MediaError, match="lists more than") as caught:
        open_clip(path)
    assert caught.value.code == "too_large" and len(data) < 5_000


@pytest.mark.parametrize("kind", ["sound", "fragments", "pictures"])
def test_tables_of_healthy_files_are_not(tmp_path, kind):
    """Uncompressed sound, of which each sample is listed, among them."""
    frames = Pictures([np.zeros((48, 64, 3), np.uint8)] * 30)
    path = {
        "sound": lambda: film(tmp_path / "x.mov", Sound(np.zeros(3_000_000, np.float32))),
        "fragments": lambda: film(tmp_path / "x.mp4", frames, options={"movflags": "frag_every_frame+empty_moov"}),
        "pictures": lambda: film(tmp_path / "x.mp4", frames),
    }[kind]()
    assert open_clip(path).duration == pytest.approx(187.5 if kind == "sound" else 3.0, abs=0.11)


def test_a_single_packet_of_sound_has_bounds(tmp_path):
    """Two million samples in one are none of a healthy file: passed over, and said."""
    path = tmp_path / "x.mkv"
    clusters = [cluster(0, block(b"\x90" * 16_000)), cluster(1000, block(bytes(2_000_000)))]
    path.write_bytes(matroska([sound_track()], clusters))
    clip = open_clip(path)
    assert clip.damaged and clip.audio.duration == pytest.approx(1.0)
