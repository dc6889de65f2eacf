"""The Live tab: the browser sends a picture and the sound since the last one, and gets the verdicts back.

The browser asks for the next step only after the answer to the one before: a slow server means fewer
pictures, never a growing queue. Visitors are told apart by a secret that only their page knows.
"""

import base64
import logging
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import gradio as gr
import numpy as np
from av import AudioFrame, AudioResampler

from core import LABELS, MODALITIES, subset_of
from core.analysis import Analyzer, Prediction
from core.baseline import Baseline
from core.live import Live, Moment
from core.media import SAMPLE_RATE
from core.native_output import without_lines
from core.speech import Listener
from demo import wording
from demo.limits import MOST_VISITORS, UNSURE
from demo.palette import EMOTION, MODEL

IDLE = 15.0  # seconds without a picture after which a visitor is gone
LARGEST_PICTURE = 400_000  # bytes of JPEG
LONGEST_SIDE = 2000  # pixels of it
START_OF_SCAN, MOST_SCANS = b"\xff\xda", 20  # a JPEG may come in ten passes; thousands would keep a decoder busy
DAMAGED = re.compile(rb"Corrupt JPEG data|Premature end of JPEG file|Invalid ")  # what its decoder writes by itself
LONGEST_SOUND = 4.0  # seconds a step; the browser drops what is older
SCRIPT = (Path(__file__).parent / "live.js").read_text()

log = logging.getLogger(__name__)


@dataclass
class Guest:
    """One visitor's stream; ``lock`` keeps steps of one visitor in order."""

    live: Live
    begun: float = field(default_factory=time.monotonic)
    seen: float = field(default_factory=time.monotonic)
    resampler: AudioResampler | None = None
    rate: int = 0
    baseline: Baseline | None = None
    measuring: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Guests:
    """All who are live at the moment; those who have gone are let go when somebody else calls."""

    def __init__(self, analyzer: Analyzer):
        self._analyzer = analyzer
        self._listener: Listener | None = None  # made for the first visitor: the models may still be loading
        self._guests: dict[str, Guest] = {}
        self._lock = threading.Lock()

    def begin(self, _=None) -> dict:
        """A new visitor: ``{"ticket"}``, or ``{"error"}`` in one sentence when too many are here."""
        self._let_go()
        with self._lock:
            if len(self._guests) >= MOST_VISITORS:
                return {"error": wording.LIVE_FULL}
            if self._listener is None:
                self._listener = self._analyzer.extractor.listener.twin()  # nobody is deaf while a clip is analysed
            ticket = secrets.token_urlsafe(16)
            self._guests[ticket] = Guest(Live(self._analyzer, self._listener))
        self._look_again()
        return {"ticket": ticket}

    def step(self, sent: dict) -> dict:
        """The next picture and sound in, verdicts out; ``{"error"}`` in one sentence for anything else.

        ``sent`` holds ticket, picture (base64 JPEG), sound (base64 16-bit mono), rate (Hz), modalities, and baseline:
        "measure" while this moment is one of the neutral ones, "use" if they are to be taken off, else "".
        """
        try:
            ticket = _field(sent, "ticket", str, "")
            picture, sound = _field(sent, "picture", str, ""), _field(sent, "sound", str, "")
            rate = _field(sent, "rate", (int, float), 0)
            modalities = _field(sent, "modalities", list, list(MODALITIES))
            wanted = subset_of(m for m in modalities if isinstance(m, str))
            baseline = _field(sent, "baseline", str, "")
        except ValueError:
            return {"error": wording.LIVE_BAD}
        with self._lock:
            guest = self._guests.get(ticket)
        if guest is None:
            return {"error": wording.LIVE_OVER}
        with guest.lock:
            guest.seen = time.monotonic()
            try:
                image = _picture(picture)
                sound = _sound(guest, sound, rate)
            except ValueError:
                return {"error": wording.LIVE_BAD}
            try:
                guest.live.hear(sound)
                if image is not None:
                    guest.live.see(image, guest.seen - guest.begun)
                moment = guest.live.now(wanted)
            except Exception as error:  # the visitor is told, and the next one is not asked to guess
                log.error("A live step failed (%s)", type(error).__name__)
                return {"error": wording.LIVE_BROKEN}
            prediction, neutral = _from_baseline(guest, moment, baseline)
            took = time.monotonic() - guest.seen
        return {
            "box": moment.box,
            "words": moment.words,
            "doing": moment.doing,
            "failing": moment.failing,
            "neutral": neutral,
            "used": list(prediction.used),
            "milliseconds": round(took * 1000, 1),
            "behind": round(moment.behind, 2),
            **{
                name: verdict and [round(float(p), 4) for p in verdict.probabilities]
                for name, verdict in prediction.verdicts().items()
            },
        }

    def end(self, ticket: str) -> None:
        """The visitor has pressed Stop or left."""
        with self._lock:
            guest = self._guests.pop(str(ticket), None)
        if guest:
            with guest.lock:
                guest.live.close()

    def _let_go(self) -> None:
        now = time.monotonic()
        with self._lock:
            gone = [ticket for ticket, guest in self._guests.items() if now - guest.seen > IDLE]
            waiting = len(self._guests) > len(gone)
        for ticket in gone:
            self.end(ticket)
        if waiting:
            self._look_again()

    def _look_again(self) -> None:
        """Somebody may close the page without a word."""
        timer = threading.Timer(IDLE, self._let_go)
        timer.daemon = True
        timer.start()


def _from_baseline(guest: Guest, moment: Moment, asked: str) -> tuple[Prediction, bool]:
    """The prediction to show, and whether a baseline was taken off it. Measuring anew begins at nothing."""
    if asked == "measure":
        if not guest.measuring:
            guest.baseline = Baseline()
        guest.baseline.add(moment.predictions)
    guest.measuring = asked == "measure"
    if asked != "use" or guest.baseline is None or not guest.baseline.covers(moment.prediction.used):
        return moment.prediction, False
    return guest.baseline.taken_off(moment.prediction), True


def tab(analyzer: Analyzer) -> None:
    """The contents of the tab."""
    guests = Guests(analyzer)

    def live_begin(_):
        return guests.begin()

    def live_step(sent):
        return guests.step(sent)

    def live_end(ticket):
        return guests.end(ticket)

    gr.HTML(
        _markup(), js_on_load=SCRIPT, elem_id="live", server_functions=[live_begin, live_step, live_end],
        apply_default_css=False,
    )  # fmt: skip


def _markup() -> str:
    panels = "".join(
        f'<section class="live-panel" id="live-{name}" aria-label="{title}"><h3>{title}</h3>'
        '<p class="label" aria-live="off">–</p>' + "".join(map(_bar, LABELS)) + "</section>"
        for name, title in MODEL.items()
    )
    courses = "".join(
        f'<p class="hint">{title}</p><canvas id="live-{name}-course" role="img" width="600" height="64" '
        f'aria-label="{title}: nothing yet"></canvas>'
        for name, title in MODEL.items()
    )
    switches = "".join(
        f'<label><input type="checkbox" value="{m}" checked> {wording.SWITCH[m]}</label>'
        for m in ("video", "audio", "text")
    )
    colours = ",".join(EMOTION[label] for label in LABELS)
    return (
        f'<div class="live" data-labels="{",".join(LABELS)}" data-colours="{colours}" data-unsure="{UNSURE}">'
        f'<p class="hint">{wording.LIVE_HINT}</p>'
        '<div class="live-columns"><div><div class="live-view">'
        '<video playsinline muted aria-label="Your camera"></video><div class="live-box" hidden></div></div>'
        f'<p id="live-note" class="error" role="alert" hidden></p><div class="level" hidden aria-hidden="true">'
        '<div class="bar"><i></i></div><span></span></div>'
        '<p><button type="button" class="live-start">Start</button> '
        f'<button type="button" class="live-neutral" hidden>{wording.NEUTRAL}</button></p>'
        f'<p class="live-neutral-note hint" role="status" hidden>{wording.NEUTRAL_HINT}</p>'
        '<p class="live-failing error" role="alert" hidden></p>'
        '<p class="live-doing hint" role="status">Not running.</p><p class="live-words"></p></div>'
        f'<div><fieldset class="live-switches"><legend>{wording.SWITCHES}</legend>{switches}</fieldset>'
        f'<div class="live-panels">{panels}</div>'
        f'<section class="live-course" aria-label="The last minute" hidden><h3>The last minute</h3>{courses}'
        f'<p class="live-legend legend"></p><p class="hint">{wording.LIVE_COURSE}</p></section></div></div></div>'
    )


def _bar(label: str) -> str:
    colour = EMOTION[label]
    return f'<div class="live-bar"><span>{label}</span><div><i style="background:{colour}"></i></div><b></b></div>'


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
    """RGB uint8 of a base64 JPEG no larger than ``LARGEST_PICTURE``; None if none was sent.

    Raises:
        ValueError: it is not such a picture.
    """
    if not encoded:
        return None
    if len(encoded) > LARGEST_PICTURE * 4 // 3 + 4:
        raise ValueError("picture too large")
    data = base64.b64decode(encoded, validate=True)
    width, height = jpeg_size(data)
    if not 0 < max(width, height) <= LONGEST_SIDE or data.count(START_OF_SCAN) > MOST_SCANS:
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
    if not 8_000 <= rate <= 192_000 or len(encoded) > LONGEST_SOUND * rate * 2 * 4 / 3 + 4:
        raise ValueError("sound out of bounds")
    samples = np.frombuffer(base64.b64decode(encoded, validate=True), "<i2")
    if not len(samples):
        return np.zeros(0, np.float32)
    rate = int(rate)
    if guest.rate != rate:
        guest.resampler, guest.rate = AudioResampler("flt", "mono", SAMPLE_RATE), rate
    frame = AudioFrame.from_ndarray(samples[None], "s16", "mono")
    frame.sample_rate = rate
    parts = [part.to_ndarray()[0] for part in guest.resampler.resample(frame)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
