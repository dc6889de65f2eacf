"""Any file a browser, phone or camera makes -> frames with timestamps and a 16 kHz voice.

PyAV (FFmpeg's libraries) does the decoding. What a player shows is what is read: times are presentation timestamps,
never frame counts; what an edit list leaves out is left out; pictures are upright and as wide as they were filmed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.media.animation import Animation
from core.media.clock import Clock, PictureTrack, Stretch
from core.media.container import MAX_PIXELS, SUFFIXES, MediaError, check_file, opened, shown
from core.media.pictures import MAX_PIXELS_A_SECOND, MAX_SIDE, Frame, first_of_each, read_images, sample_images
from core.media.sound import SAMPLE_RATE, SILENCE, Waveform, choose_sound
from core.media.tracks import MAX_CLIP_SECONDS, SLOT, Measure, Track, choose_pictures, read_tracks

FRAME_RATE = 10.0  # at most so many frames a second are kept
SAMPLES_OF_PICTURES = 6  # of each track in which a face is looked for where there are several

__all__ = [
    "FRAME_RATE", "MAX_CLIP_SECONDS", "MAX_PIXELS", "MAX_SIDE", "SAMPLE_RATE", "SILENCE", "SUFFIXES", "Clip",
    "Contents", "Frame", "MediaError", "Waveform", "look_into", "open_clip", "read_frames", "shown",
]  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """What a file holds, before its pictures are decoded.

    Attributes:
        duration: seconds, from the latest timestamp of either stream (headers may lie or say nothing).
        audio: the sound track, or None if there is none.
        has_pictures: whether there are moving pictures (a cover image is none).
        cut: whether the file goes on behind what was read.
        damaged: whether parts of the sound could not be decoded and were passed over.
        clock: where each moment of the file lies in the clip.
        choices: sentences on which tracks and channels were read, where there was a choice.
        crowded: whether there are more pictures at once than are decoded.
    """

    path: Path
    duration: float
    audio: Waveform | None
    has_pictures: bool
    cut: bool
    damaged: bool
    clock: Clock
    choices: tuple[str, ...] = ()
    crowded: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what is not as it should be."""
        said = [*self.choices]
        if self.cut:
            said.append(f"Only the first {self.duration:{'.0f' if self.duration >= 10 else '.2g'}} seconds were read.")
        if self.crowded:
            said.append("There are more pictures at once than can be decoded: some were passed over.")
        if self.damaged:
            said.append("Parts of the sound track were damaged and passed over.")
        if self.clock.cut >= 0.5:
            said.append(f"The file's clock jumps: {_time(self.clock.cut)} without sound and pictures were cut out.")
        if self.clock.parted:
            said.append("The file's clock starts again on the way: its parts were laid one behind the other.")
        return tuple(said)


@dataclass(frozen=True)
class Contents:
    """What the packets of a file say, before its sound and pictures are decoded.

    Attributes:
        tracks: of sound and pictures; none of a file of moving pictures that is read as such, ``animation``.
        pictures: the track of pictures that is read; None if there is none.
        said: a sentence on it where there was a choice, else empty.
        stopped: whether the file goes on behind what was read.
    """

    path: Path
    tracks: tuple[Track, ...] = ()
    pictures: Track | None = None
    said: str = ""
    stopped: bool = False
    animation: Animation | None = None

    @property
    def has_pictures(self) -> bool:
        """Whether there are moving pictures (a cover image is none)."""
        return self.pictures is not None or self.animation is not None

    @property
    def has_sound(self) -> bool:
        """Whether there is a track of sound; nothing of it may be decodable."""
        return any(not track.pictures for track in self.tracks)

    @cached_property
    def clock(self) -> Clock | None:
        """Where each moment of the file lies in the clip; None while it is open which of several sound tracks counts.

        It is that of the clip, so that ``read_frames`` may begin before ``hear``.
        """
        if self.animation:
            duration = min(self.animation.duration, MAX_CLIP_SECONDS)
            return Clock((Stretch(0, 0.0, duration, 0.0),), False, 0.0)
        sounds = [track for track in self.tracks if not track.pictures]
        return None if len(sounds) > 1 else self._clock(sounds[0] if sounds else None)

    def hear(self, voiced: Measure | None = None) -> "Clip":
        """Decodes the sound; see ``open_clip``."""
        known = self.clock
        if self.animation and known:
            cut = self.animation.duration >= MAX_CLIP_SECONDS
            return Clip(self.path, known.duration, None, True, cut, False, known)
        sound, heard, also = choose_sound(self.path, self.tracks, lambda track: known or self._clock(track), voiced)
        clock, voice, pictures = known or self._clock(sound), heard.voice, self.pictures
        if voice and not heard.damaged:  # its packets may promise more than there is to be heard
            duration = max(voice.duration, clock.end_of(pictures.stamps) if pictures else 0.0)
        else:
            duration = max(clock.duration, voice.duration if voice else 0.0)
        if duration <= 0:
            if heard.damaged:
                raise MediaError("truncated", f"{shown(self.path)} is damaged: nothing in it could be decoded.")
            raise MediaError("zero_duration", f"{shown(self.path)} lasts zero seconds.")
        return Clip(
            path=self.path,
            duration=min(duration, MAX_CLIP_SECONDS),
            audio=voice,
            has_pictures=pictures is not None,
            cut=self.stopped or duration >= MAX_CLIP_SECONDS,
            damaged=heard.damaged,
            clock=clock,
            choices=tuple(filter(None, (self.said, *also))),
            crowded=pictures is not None and pictures.crowd * pictures.pixels > MAX_PIXELS_A_SECOND * SLOT,
        )

    def _clock(self, sound: Track | None) -> Clock:
        return _clock(self.tracks, self.pictures, sound)


def look_into(path: str | Path, faced: Measure | None = None) -> Contents:
    """Reads the timestamps of a file; see ``open_clip``, whose first half it is.

    Raises:
        MediaError: as ``open_clip``.
    """
    check_file(path)
    path = Path(path)
    if animation := Animation.of(path):
        if not animation.duration:
            raise MediaError("truncated", f"{shown(path)} is damaged: nothing in it could be decoded.")
        return Contents(path, animation=animation)
    tracks, stopped = _tracks(path)
    if not tracks:
        raise MediaError("no_streams", f"{shown(path)} holds neither sound nor moving pictures.")
    pictures, said = _choose_pictures(path, tracks, faced)
    if pictures and not 0 < pictures.pixels <= MAX_PIXELS and all(track.pictures for track in tracks):
        most = f"{MAX_PIXELS // 10**6} million pixels"
        raise MediaError("too_large", f"{shown(path)} has damaged pictures, or larger ones than {most}.")
    return Contents(path, tuple(tracks), pictures, said, stopped)


def open_clip(path: str | Path, voiced: Measure | None = None, faced: Measure | None = None) -> Clip:
    """Reads the sound track and the timestamps of a file; pictures are left to ``read_frames``.

    Args:
        voiced: seconds in which somebody speaks in samples float32 [N] at 16 kHz; asked where a file has several sound
            tracks, or channels that differ. Without it their levels decide.
        faced: whether a picture RGB uint8 [H, W, 3] shows a face; asked where a file has several tracks of pictures.

    Raises:
        MediaError: with the code ``not_found``, ``is_folder``, ``not_a_file``, ``empty``, ``unreadable``,
            ``not_media``, ``truncated``, ``no_streams``, ``too_large``, ``unsupported`` or ``zero_duration``.
    """
    return look_into(path, faced).hear(voiced)


def read_frames(
    path: str | Path,
    rate: float = FRAME_RATE,
    clock: Clock | None = None,
) -> Iterator[Frame]:
    """Yields upright RGB frames in order of time, at most ``rate`` a second, no side above 640 pixels.

    ``clock`` is that of the clip, read anew if it is not given. Damaged frames are passed over.
    """
    path = Path(path)
    if animation := Animation.of(path):
        images = zip(animation.times, animation.images(), strict=False)
        yield from first_of_each(images, rate)
        return
    if clock is None:
        tracks, _ = _tracks(path)
        sound = min((track for track in tracks if not track.pictures), key=lambda t: not t.default, default=None)
        clock = _clock(tracks, _choose_pictures(path, tracks, None)[0], sound)
    if clock.pictures is not None:
        yield from read_images(path, clock, rate)


def _tracks(path: Path) -> tuple[list[Track], bool]:
    with opened(path) as container:
        return read_tracks(container)


def _choose_pictures(path: Path, tracks: list[Track], faced: Measure | None) -> tuple[Track | None, str]:
    if faced is None:
        return choose_pictures(tracks)

    def faces(track: Track) -> float:
        return float(np.mean([faced(image) for image in sample_images(path, track, SAMPLES_OF_PICTURES)] or [0.0]))

    return choose_pictures(tracks, faces)


def _clock(tracks: Sequence[Track], pictures: Track | None, sound: Track | None) -> Clock:
    """The clock of the tracks that are read. It begins where the file does, be it with a track that is not read."""
    start = min((track.stamps.begin for track in tracks if track.stamps.begin is not None), default=None)
    read = [track.stamps for track in (pictures, sound) if track]
    if pictures is None:
        return Clock.of(read, start)
    known = PictureTrack(pictures.index, pictures.crowd, pictures.reordered or not pictures.delay)
    return Clock.of(read, start, known)


def _time(seconds: float) -> str:
    """For people: "40 seconds", "25 hours"."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
