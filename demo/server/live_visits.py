"""Who is live at the moment: the browser sends a picture and the sound since the last one, and gets the verdicts back.

The browser asks for the next step only after the answer to the one before: a slow server means fewer
pictures, never a growing queue. Visitors are told apart by a secret that only their page knows.
"""

import base64
import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
from av import AudioFrame, AudioResampler

from core import MODALITIES, MODELS, Subset, subset_of
from core.analysis.baseline import Baseline
from core.analysis.listeners import SharedListener
from core.analysis.results import Prediction, Verdict
from core.analysis.steady import NOTHING, SteadyLabel
from core.encoders.native_output import without_lines
from core.media.reader import SAMPLE_RATE, SILENCE
from demo import wording
from demo.charts.panels import doubts
from demo.server.analyzers import AnyAnalyzer, live, loaded
from demo.server.limits import LIVE_SHARE, MAX_VISIT_SECONDS, MAX_VISITORS, UNSURE

if TYPE_CHECKING:
    from core.analysis.live import Live, LiveState

IDLE = 15.0  # seconds without a step after which a visitor is gone
NOTHING_SENSED = 60.0  # seconds without anything to see or hear after which a place is for somebody else
FLAT = 2.0  # grey levels; a picture that varies less shows nothing: a covered camera
OVER = "LIVE_OVER"  # name of the sentence for who is not known any more
MAX_ENDED = 64  # visits of which it is remembered why they ended
MAX_PICTURE_BYTES = 400_000  # bytes of JPEG
MAX_SIDE = 2000  # pixels of it
START_OF_SCAN, MAX_SCANS = b"\xff\xda", 20  # a JPEG may come in ten passes; thousands would keep a decoder busy
DAMAGED = re.compile(rb"Corrupt JPEG data|Premature end of JPEG file|Invalid ")  # what its decoder writes by itself
MAX_SOUND_SECONDS = 4.0  # seconds a step; the browser drops what is older

Point = tuple[float, float]

log = logging.getLogger(__name__)


@dataclass
class Guest:
    """One visitor's stream; ``lock`` keeps steps of one visitor in order.

    Attributes:
        begun, seen, sensed: times of the monotonic clock: of the beginning, of the last step, and of the last one with
            anything to see or hear.
        last_picture: hash of the last picture as it was sent; a picture that never changes shows nobody.
        labels: what each model's heading says.
        asked: the modalities that were wanted in the last step, and whether a baseline was taken off; None when a
            person was chosen.
    """

    live: "Live"
    begun: float = field(default_factory=time.monotonic)
    seen: float = field(default_factory=time.monotonic)
    sensed: float = field(default_factory=time.monotonic)
    last_picture: int = 0
    resampler: AudioResampler | None = None
    rate: int = 0
    baseline: Baseline | None = None
    measuring: bool = False
    labels: dict[str, SteadyLabel] = field(default_factory=dict)
    asked: tuple[Subset, bool] | None = None
    closed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def over(self, now: float) -> str:
        """Name of the sentence that says why the visit ends at this time of the monotonic clock; "" if it goes on."""
        if now - self.begun > MAX_VISIT_SECONDS:
            return "LIVE_LONG"
        if now - self.sensed > NOTHING_SENSED:
            return "LIVE_NOTHING"
        return "LIVE_OVER" if now - self.seen > IDLE else ""

    def close(self) -> None:
        """Waits for the step that runs, then lets go of everything."""
        with self.lock:
            self.closed = True
            self.live.close()


class Guests:
    """All who are live at the moment. Call ``let_go`` every few seconds: it ends the visits that are over."""

    def __init__(self, analyzer: AnyAnalyzer):
        self._analyzer = analyzer
        # Hears while a clip is analysed.
        self._listeners = SharedListener(lambda: loaded(analyzer).extractor.listener.twin())
        self._places: dict[str, str | None] = {}  # ticket -> address of who has a place, or is about to
        self._guests: dict[str, Guest] = {}
        self._ended: OrderedDict[str, str] = (
            OrderedDict()
        )  # ticket -> name of the sentence that says why, for those who come back
        self._lock = threading.Lock()

    def begin(self, address: str | None = None) -> dict:
        """A new visitor: ``{"ticket"}``, or ``{"error"}`` in one sentence when too many are here.

        Args:
            address: of the visitor, None where addresses do not tell visitors apart.
        """
        self.let_go()
        ticket = secrets.token_urlsafe(16)
        with self._lock:
            if len(self._places) >= MAX_VISITORS:
                return {"error": wording.LIVE_FULL}
            if address is not None and list(self._places.values()).count(address) >= LIVE_SHARE:
                return {"error": wording.LIVE_SHARED}
            self._places[ticket] = address
        try:
            # This takes a while, and others may be live meanwhile.
            guest = Guest(live(self._analyzer, self._listeners))
        except Exception as error:
            log.error("A live visit could not begin (%s)", type(error).__name__)
            with self._lock:
                del self._places[ticket]
            return {"error": wording.LIVE_BROKEN}
        with self._lock:
            self._guests[ticket] = guest
        return {"ticket": ticket}

    def step(self, sent: dict) -> dict:
        """The next picture and sound in, verdicts out; ``{"error"}`` in one sentence for anything else.

        ``sent`` holds ticket, picture (base64 JPEG), sound (base64 16-bit mono), rate (Hz), modalities, person: the
        point [x, y] of the last picture, as shares of it, where the one is who is to be followed from now on, and
        baseline: "measure" while this moment is one of the neutral ones, "use" if they are to be taken off, else "".
        """
        try:
            ticket = _field(sent, "ticket", str, "")
            picture, sound = _field(sent, "picture", str, ""), _field(sent, "sound", str, "")
            rate = _field(sent, "rate", (int, float), 0)
            modalities = _field(sent, "modalities", list, list(MODALITIES))
            wanted = subset_of(m for m in modalities if isinstance(m, str))
            baseline = _field(sent, "baseline", str, "")
            person = _point(_field(sent, "person", list, []))
        except ValueError:
            return {"error": wording.LIVE_BAD}
        with self._lock:
            guest, ended = self._guests.get(ticket), self._ended.get(ticket, OVER)
        if guest is None:
            return {"error": getattr(wording, ended)}
        if why := guest.over(time.monotonic()):
            self.end(ticket, why)
            return {"error": getattr(wording, why)}
        if not guest.lock.acquire(blocking=False):  # else one visitor's steps could wait in all of the server's threads
            return {"error": wording.LIVE_TWICE}
        try:
            return self._stepped(guest, picture, sound, rate, wanted, baseline, person)
        finally:
            guest.lock.release()

    def _stepped(
        self, guest: Guest, picture: str, sound: str, rate: float, wanted: Subset, baseline: str, person: Point | None
    ) -> dict:
        """The answer to one step, while the guest is locked."""
        if guest.closed:
            return {"error": wording.LIVE_OVER}
        guest.seen = time.monotonic()
        try:
            image = _picture(picture)
            samples = _sound(guest, sound, rate)
        except ValueError:
            return {"error": wording.LIVE_BAD}
        if _sensed(guest, picture, image, samples):
            guest.sensed = guest.seen
        try:
            guest.live.hear(samples)
            if person is not None:
                guest.live.follow(*person)
                guest.asked = None
            if image is not None:
                guest.live.see(image, guest.seen - guest.begun)
            moment = guest.live.now(wanted)
        except Exception as error:  # the visitor is told, and the next one is not asked to guess
            log.error("A live step failed (%s)", type(error).__name__)
            return {"error": wording.LIVE_BROKEN}
        prediction, neutral = _from_baseline(guest, moment, baseline)
        said = _said(guest, prediction, wanted, neutral)
        took = time.monotonic() - guest.seen
        return {
            "box": moment.box,
            "others": moment.others,
            "words": moment.words,
            "doing": wording.of_core(moment.doing),
            "failing": moment.failing,
            "neutral": neutral,
            "used": list(prediction.used),
            "milliseconds": round(took * 1000, 1),
            "behind": round(moment.behind, 2),
            "said": said,
            **{
                name: verdict and [round(float(p), 4) for p in verdict.probabilities]
                for name, verdict in prediction.verdicts().items()
            },
        }

    def end(self, ticket: str, why: str = OVER) -> None:
        """The visitor has pressed Stop or left, or the visit is over; ``why`` names what is said to another step."""
        ticket = str(ticket)
        with self._lock:
            guest = self._guests.pop(ticket, None)
            if guest is None:
                return
            self._ended[ticket] = why
            while len(self._ended) > MAX_ENDED:
                self._ended.popitem(last=False)
        try:
            guest.close()
        finally:  # the place is free when the thread has ended
            with self._lock:
                del self._places[ticket]

    def let_go(self) -> None:
        """Ends the visits that are over: nobody there, nothing to see or hear, or too long."""
        now = time.monotonic()
        with self._lock:
            over = {ticket: why for ticket, guest in self._guests.items() if (why := guest.over(now))}
        for ticket, why in over.items():
            self.end(ticket, why)


def _sensed(guest: Guest, picture: str, image: np.ndarray | None, samples: np.ndarray) -> bool:
    """Whether a step brings anything to see or hear: a picture neither flat nor the last one again, or sound."""
    changed = bool(picture) and hash(picture) != guest.last_picture
    guest.last_picture = hash(picture) if picture else guest.last_picture
    if changed and image is not None and image.std() > FLAT:
        return True
    return len(samples) > 0 and float(np.ptp(samples)) > 2 * SILENCE


def _from_baseline(guest: Guest, moment: "LiveState", asked: str) -> tuple[Prediction, bool]:
    """The prediction to show, and whether a baseline was taken off it. Measuring anew begins at nothing."""
    if asked == "measure":
        if guest.baseline is None or not guest.measuring:
            guest.baseline = Baseline()
        guest.baseline.add(moment.predictions)
    guest.measuring = asked == "measure"
    if asked != "use" or guest.baseline is None or not guest.baseline.covers(moment.prediction.used):
        return moment.prediction, False
    return guest.baseline.taken_off(moment.prediction), True


def _said(guest: Guest, prediction: Prediction, wanted: Subset, neutral: bool) -> dict[str, dict | None]:
    """What stands above each model's bars: the label that is shown, "" for none, and what is in doubt.

    Another question is answered at once: what was shown goes when other modalities or another person are wanted.
    """
    if guest.asked != (wanted, neutral):
        guest.asked, guest.labels = (wanted, neutral), {model: SteadyLabel() for model in MODELS}
    return {
        model: _heading(guest.labels[model].update(verdict, guest.seen, UNSURE if neutral else 0.0), verdict, neutral)
        for model, verdict in prediction.verdicts().items()
    }


def _heading(label: str | None, verdict: Verdict | None, neutral: bool) -> dict | None:
    if verdict is None or label is None:
        return None
    # Which classes are ruled out is known of verdicts as they are, not of what is left when a baseline is taken off.
    return {"label": label, "doubts": [] if neutral or label == NOTHING else doubts(verdict, label)}


def _point(sent: list) -> Point | None:
    """A point of a picture, as shares of width and height; None if none was sent.

    Raises:
        ValueError: it is no such point.
    """
    if not sent:
        return None
    if len(sent) != 2 or not all(type(one) in (int, float) and 0 <= one <= 1 for one in sent):
        raise ValueError("no point of a picture")
    return sent[0], sent[1]


def _field(sent: dict, name: str, kind: type | tuple[type, ...], default):
    """A field of what the browser sent; ``default`` if it is missing or null.

    Raises:
        ValueError: it is of another kind.
    """
    if not isinstance(sent, dict):
        raise ValueError("no fields")
    value = sent.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise ValueError(f"{name} is of the wrong kind")
    return value


def _picture(encoded: str) -> np.ndarray | None:
    """RGB uint8 of a base64 JPEG no larger than ``MAX_PICTURE_BYTES``; None if none was sent.

    Raises:
        ValueError: it is not such a picture.
    """
    if not encoded:
        return None
    if len(encoded) > MAX_PICTURE_BYTES * 4 // 3 + 4:
        raise ValueError("picture too large")
    data = base64.b64decode(encoded, validate=True)
    width, height = jpeg_size(data)
    if not 0 < max(width, height) <= MAX_SIDE or data.count(START_OF_SCAN) > MAX_SCANS:
        raise ValueError("picture too large")
    with without_lines(DAMAGED):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("not a picture")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height by a JPEG's header; nothing is decoded.

    Raises:
        ValueError: it is not a JPEG.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("not a JPEG")
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame, not one of the tables between
            height, width = int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")
            return width, height
        at += 2 + max(length, 2)
    raise ValueError("a JPEG without a frame")


def _sound(guest: Guest, encoded: str, rate: float) -> np.ndarray:
    """float32 at 16 kHz of base64 16-bit samples at ``rate``; the resampler goes on from step to step.

    Raises:
        ValueError: rate or length are out of bounds, or it is no sound.
    """
    if not encoded:
        return np.zeros(0, np.float32)
    if not 8_000 <= rate <= 192_000 or len(encoded) > MAX_SOUND_SECONDS * rate * 2 * 4 / 3 + 4:
        raise ValueError("sound out of bounds")
    samples = np.frombuffer(base64.b64decode(encoded, validate=True), "<i2")
    if not len(samples):
        return np.zeros(0, np.float32)
    rate = int(rate)
    if guest.resampler is None or guest.rate != rate:
        guest.resampler, guest.rate = AudioResampler("flt", "mono", SAMPLE_RATE), rate
    frame = AudioFrame.from_ndarray(samples[None], "s16", "mono")
    frame.sample_rate = rate
    parts = [part.to_ndarray()[0] for part in guest.resampler.resample(frame)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
