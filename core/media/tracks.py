"""Which of a file's tracks are read: the voice and the face are looked for where they are, not where they come first.

Recorders write one sound track a device, of which the first may be empty; a screen beside the camera; a thumbnail
before the pictures. All of that is decided here, and said in a sentence where there was a choice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import av
import numpy as np

from core.media.clock import Stamps
from core.media.container import MAX_PACKETS, MAX_PIXELS, begins_at_zero, packets

MAX_TRACKS = 6  # of sound, and as many of pictures, that are looked at
LONGEST_CLIP = 300.0  # seconds; what lies behind is not read
SLOT = 0.1  # seconds in which pictures are counted
SKIPPED = 10  # bytes that say how many samples at a packet's begin and end are not to be heard
HALF = 0.5  # of the most that any track holds of what is looked for; so much is enough for one that is preferred
ENOUGH = 0.2  # of the clip in which somebody speaks: no other track is listened to

# What sounds like speech where no detector is at hand: pieces of sound that stand out from the track's own noise.
PIECE = 0.05  # seconds
AUDIBLE = -55.0  # dB of full scale
ABOVE_NOISE = 10.0  # dB

COVER = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")

Measure = Callable[[np.ndarray], float]
"""Seconds in which somebody speaks in samples float32 [N] at 16 kHz; or whether an image RGB uint8 [H, W, 3] shows a
face, 0 or 1."""


@dataclass
class Track:
    """What the packets of one track say; nothing is decoded.

    Attributes:
        index: of the stream in its file.
        number: among the tracks of its kind, from 0.
        pictures: whether it holds pictures; else sound.
        default: whether the file calls it the one to be played.
        pixels: of a picture, in the file.
        count: packets that are shown or heard.
        crowd: most packets within ``SLOT``.
        reordered: whether timestamps say that pictures are shown in another order than they are stored.
        delay: pictures by which the decoder's order and the order of showing differ at most.
        begins_at_zero: whether what lies before 0 s is not shown.
        read: packets up to which the track is read.
    """

    index: int
    number: int
    pictures: bool
    default: bool
    pixels: int = 0
    delay: int = 0
    begins_at_zero: bool = False
    read: int = 0
    stamps: Stamps = field(default_factory=Stamps)
    count: int = 0
    crowd: int = 0
    reordered: bool = False
    _slot: tuple[int, int] = (0, 0)
    _latest: float = -np.inf
    _skip: float = 0.0

    def add(self, packet: av.Packet) -> None:
        """Notes a packet; one that is only decoded, not shown, counts for nothing."""
        self.read += 1
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None:
            return
        base = packet.time_base
        up, down = base.numerator, base.denominator
        start, end = stamp * up / down, (stamp + max(packet.duration or 0, 0)) * up / down
        decoded = start if packet.dts is None else packet.dts * up / down
        nothing = packet.is_discard or (self.begins_at_zero and start < 0 >= end)
        if not self.pictures:
            start, end = self._heard(packet, start, end)
            nothing = nothing or start >= end > stamp * up / down
        elif start < self._latest:
            self.reordered = True
        if nothing:
            return
        self._latest = start
        self.count += 1
        slot = int(start / SLOT)
        self._slot = slot, 1 + self._slot[1] * (slot == self._slot[0])
        self.crowd = max(self.crowd, self._slot[1])
        self.stamps.add(start, end, decoded)

    def _heard(self, packet: av.Packet, start: float, end: float) -> tuple[float, float]:
        """When a packet of sound begins and ends without the samples that only wind the decoder up or fill the last."""
        rate = packet.stream.codec_context.sample_rate
        if packet.has_sidedata("skip_samples") and rate > 0:
            said = bytes(packet.get_sidedata("skip_samples"))[:SKIPPED]
            self._skip += int.from_bytes(said[:4], "little") / rate
            end = max(start, end - int.from_bytes(said[4:8], "little") / rate)
        skipped = min(self._skip, end - start)
        self._skip -= skipped
        return start + skipped, end


def read_tracks(container) -> tuple[list[Track], bool]:
    """The tracks that can be decoded, by their packets; and whether there were too many to read them all."""
    found: list[Track] = []
    for streams in (container.streams.video, container.streams.audio):
        able = [s for s in streams if s.codec_context and not s.disposition & COVER]
        for number, stream in enumerate(able[:MAX_TRACKS]):
            default = bool(stream.disposition & av.stream.Disposition.default)
            track = Track(
                stream.index, number, stream.type == "video", default, begins_at_zero=begins_at_zero(container)
            )
            if track.pictures:
                track.pixels = max(stream.width * stream.height, 0)
                track.delay = stream.codec_context.reorder_depth
            found.append(track)
    by_index = {track.index: track for track in found}
    stopped = False
    listed = packets(container, [container.streams[index] for index in by_index], []) if found else ()
    for count, packet in enumerate(listed, 1):
        track = by_index[packet.stream.index]  # the last packets, which close the tracks, have no number
        track.add(packet)
        stopped = track.stamps.full or count >= MAX_PACKETS
        if stopped or all(each.stamps.covered > LONGEST_CLIP for each in found):
            break
    for track in found:
        track.stamps.finish()
        track.read = track.read if stopped else MAX_PACKETS
    return found, stopped


def choose_pictures(tracks: Sequence[Track], faces: Callable[[Track], float] | None = None) -> tuple[Track | None, str]:
    """The track of pictures that is read, and a sentence if there was a choice.

    Those that move come before stills and thumbnails, those that show a face before those that do not, then what the
    file calls its default, then larger pictures, then more of them.

    Args:
        faces: share of some pictures of a track that show a face.
    """
    tracks = [track for track in tracks if track.pictures]
    left, reason = list(tracks), ""

    def keep(measure: Callable[[Track], float], because: str) -> None:
        nonlocal left, reason
        if len(left) > 1:
            values = [measure(track) for track in left]
            best = [
                track for track, value in zip(left, values, strict=True) if value > 0 and value >= HALF * max(values)
            ]
            if best and len(best) < len(left):
                left, reason = best, because

    keep(lambda track: 0 < track.pixels <= MAX_PIXELS, "its pictures can be read")
    keep(lambda track: track.count > 1, "its pictures move")
    keep(lambda track: track.stamps.covered, "it lasts longer")
    if faces:
        keep(faces, "it shows a face")
    keep(lambda track: track.default, "the file marks it as the one to show")
    keep(lambda track: track.pixels, "its pictures are larger")
    keep(lambda track: track.count, "it has more pictures")
    if len(tracks) < 2:
        return tracks[0] if tracks else None, ""
    return left[0], chosen_sentence("tracks of pictures", len(tracks), left[0].number, reason if left[0].number else "")


def ordinal(number: int) -> str:
    """0 -> "first", 6 -> "7th"."""
    return ORDINALS[number] if number < len(ORDINALS) else f"{number + 1}th"


def chosen_sentence(what: str, count: int, number: int, reason: str) -> str:
    """Which of several tracks was read: its number from 0, and why where it was not the first."""
    since = f", since {reason}" if reason else ""
    many = NUMBERS[count] if count < len(NUMBERS) else f"{count}"
    return f"The file has {many} {what}; the {ordinal(number)} was read{since}."


def speech_like(samples: np.ndarray) -> float:
    """Seconds of samples float32 [N] at 16 kHz that stand out from their own noise as a voice does; hum, hiss and
    silence do not."""
    size = round(PIECE * 16_000)
    pieces = samples[: len(samples) // size * size].reshape(-1, size)
    if not len(pieces):
        return 0.0
    levels = 10 * np.log10(np.square(pieces).mean(1) + 1e-12)
    return float((levels > max(AUDIBLE, np.percentile(levels, 10) + ABOVE_NOISE)).sum() * PIECE)
