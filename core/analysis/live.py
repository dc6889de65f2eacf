"""A clip that never ends: what a camera and a microphone show right now, for one visitor.

Pictures are read as they come. A thread of its own hears the voice about once a second and reads the words
when a phrase ends, so that slow listening never holds up the face.
"""

import logging
import threading
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from core import LABELS, MODALITIES
from core.analysis.analyzer import Analyzer
from core.analysis.listeners import SharedListener
from core.analysis.results import Prediction, Predictions, choose
from core.cancellation import cancellation_scope
from core.device import one_thread
from core.encoders.face_track import no_faces
from core.encoders.faces import Face, FaceFinder, track_of
from core.encoders.following import Box, Follower
from core.encoders.speech import NO_SPEECH, Listener, Speech
from core.encoders.transcript import Transcript, within
from core.encoders.utterance import FeatureSequence, Missing, Utterance
from core.media.reader import SAMPLE_RATE, Frame, Waveform

FACE_MEMORY = 1.5  # seconds of faces that a verdict rests on, fewer where the face has changed:
CHANGE, MIN_CHANGE = 0.5, 3  # the newest are asked about alone: so many seconds, and so many pictures at least
CHANGED_BY = 0.3  # of probability, by which their label must lead what all pictures say to have the older ones let go
VOICE_MEMORY = 6.0  # seconds of voice
PHRASE_MEMORY = 12.0  # seconds a phrase counts after its end
PHRASE_END = 0.6  # seconds of silence that end a phrase
MAX_PHRASE_SECONDS = 9.0  # seconds after which a phrase is read although it goes on
LISTEN_EVERY = 1.0  # seconds
DEAF = "listening has failed, only the face is read"
SLOW = "listening cannot keep up, only the face is read"
MUTE = "no sound comes from the microphone"

log = logging.getLogger(__name__)


class _Closed(Exception):
    """The visitor has left while something was being heard."""


@dataclass(frozen=True)
class LiveState:
    """What is known right now.

    Attributes:
        predictions: of every set of what is there.
        prediction: from what is wanted and there; uses nothing while neither face nor voice nor words are.
        box: x, y, width, height of the face that is followed as shares of the last picture, None if it is not in it.
        others: boxes of the other faces in that picture.
        words: of the last phrase.
        doing: in a few words, what is being listened to.
        behind: seconds between the newest sound and the newest sound that was heard.
        failing: whether ``doing`` says that something does not work.
    """

    predictions: Predictions
    prediction: Prediction
    box: Box | None
    others: tuple[Box, ...]
    words: str
    doing: str
    behind: float
    failing: bool


class Live:
    """One visitor's camera and microphone. Close it: it holds a thread and a face finder.

    Args:
        listeners: what hears the voice, shared with others who are live; one of its own if none is given. The
            analyzer's is busy while a clip is analysed.
    """

    def __init__(self, analyzer: Analyzer, listeners: SharedListener | None = None):
        self._analyzer = analyzer
        self._extractor = analyzer.extractor
        self._listeners = listeners or SharedListener(self._extractor.listener.twin)
        self._held = ExitStack()
        self._finder = self._held.enter_context(FaceFinder())
        self._faces: deque[tuple[float, Face | None, np.ndarray | None]] = deque()  # of the one who is followed
        self._follower = Follower()
        self._lock = threading.Lock()  # guards everything below, which both threads touch
        self._sound = np.zeros(0, np.float32)  # the last seconds
        self._heard_until = self._sound_end = 0.0  # seconds since the start
        self._sound_came = time.monotonic()
        self._audio: FeatureSequence | Missing = Missing("nothing heard yet")
        self._text: FeatureSequence | Missing = Missing("no phrase has ended yet")
        self._transcript = Transcript()
        self._read_until = 0.0
        self._doing = "waiting for a voice"
        self._closed = threading.Event()
        self._listening = threading.Thread(target=self._listen_on, name="live listening", daemon=True)
        self._listening.start()

    def see(self, image: np.ndarray, at: float) -> None:
        """Reads the next picture, RGB uint8 [H, W, 3], of the time ``at`` in seconds since the start."""
        with one_thread():
            if self._follower.see(self._finder.find(Frame(at, image)), at):
                self._faces.clear()  # two persons' faces make no verdict together
            face = self._follower.face
            embedding = self._extractor.face_features(face.crop[None], face.blendshapes[None])[0] if face else None
        self._faces.append((at, face, embedding))
        while self._faces and self._faces[0][0] < at - FACE_MEMORY:
            self._faces.popleft()

    def follow(self, x: float, y: float) -> None:
        """Follows the person at a point of the last picture, as shares of its width and height; nobody: no change."""
        if self._follower.choose(x, y):
            self._faces.clear()

    def hear(self, samples: np.ndarray) -> None:
        """Takes the next sound, float32 [N] at 16 kHz; it is heard by the thread that listens."""
        with self._lock:
            self._sound = np.concatenate([self._sound, samples])[-round((MAX_PHRASE_SECONDS + 2) * SAMPLE_RATE) :]
            self._sound_end += len(samples) / SAMPLE_RATE
            if len(samples):
                self._sound_came = time.monotonic()

    def now(self, modalities: tuple[str, ...] = MODALITIES) -> LiveState:
        """Both verdicts on the last seconds, from what was seen and heard so far."""
        with self._lock:
            audio, text, transcript = self._audio, self._text, self._transcript
            doing, behind, end = self._doing, self._sound_end - self._heard_until, self._sound_end
            mute = time.monotonic() - self._sound_came
        if behind > VOICE_MEMORY:
            audio = Missing("what was heard last is too old")
            doing = SLOW if self._listening.is_alive() and doing != DEAF else DEAF
        if mute > VOICE_MEMORY:
            audio, doing = Missing("no sound has come lately"), DEAF if doing == DEAF else MUTE
        if transcript.words and end - transcript.words[-1].end + mute > PHRASE_MEMORY:
            text, transcript = Missing("no phrase lately"), Transcript()
        with one_thread():
            predictions = self._analyzer.predict(self._utterance(audio, text, transcript), attention=False)
            if self._changed(predictions):
                predictions = self._analyzer.predict(self._utterance(audio, text, transcript), attention=False)
        box = self._follower.face.box if self._follower.face else None
        found, failing = choose(predictions, modalities), doing in (DEAF, SLOW, MUTE)
        others = self._follower.others
        return LiveState(predictions, found, box, others, transcript.text, doing, behind, failing)

    def close(self) -> None:
        """Ends the thread, in the middle of a word if need be, and lets go of everything."""
        self._closed.set()
        self._listening.join(10)
        self._held.close()
        self._faces.clear()
        self._follower = Follower()

    def _changed(self, predictions: Predictions) -> bool:
        """Lets go of the older pictures where the newest ones alone clearly say something else; whether it has."""
        said = predictions.get(("video",))
        if said is None or said.self_ is None:
            return False
        seen = [(at, embedding) for at, _, embedding in self._faces if embedding is not None]
        recent = [(at, embedding) for at, embedding in seen if at > self._faces[-1][0] - CHANGE]
        recent = recent if len(recent) >= MIN_CHANGE else seen[-MIN_CHANGE:]
        if len(recent) < MIN_CHANGE or len(recent) == len(seen):
            return False
        sequence = FeatureSequence(np.stack([found for _, found in recent]), np.array([at for at, _ in recent]))
        alone = self._analyzer.predict_from({"video": sequence}, attention=False, models=("self",))["video",].self_
        assert alone is not None
        if alone.probability - alone.probabilities[LABELS.index(said.self_.label)] < CHANGED_BY:
            return False
        while self._faces[0][0] < recent[0][0]:
            self._faces.popleft()
        return True

    def _utterance(self, audio, text, transcript: Transcript) -> Utterance:
        seen = [(at, face, found) for at, face, found in self._faces if face is not None and found is not None]
        frame_times = np.array([at for at, _, _ in self._faces])
        video: FeatureSequence | Missing
        if seen:
            times = np.array([at for at, _, _ in seen])
            video = FeatureSequence(np.stack([embedding for _, _, embedding in seen]), times)
            found = np.array([face is not None for _, face, _ in self._faces])
            track = track_of([face for _, face, _ in seen], times, frame_times, found)
        else:
            video, track = Missing("no face is in the picture"), no_faces(frame_times)
        return Utterance("live", self._sound_end, text, video, audio, transcript, track, None, {}, ())

    def _listen_on(self) -> None:
        with cancellation_scope(self._stop_if_closed):
            while not self._closed.is_set():
                begun = time.monotonic()
                try:
                    listener = self._listeners.get()
                    with self._lock:
                        sound, end = self._sound, self._sound_end
                    if end - self._heard_until >= 0.5 * LISTEN_EVERY:
                        self._listen_once(listener, sound, end)
                except _Closed:
                    return
                except Exception as error:  # the next look may succeed; until then the page says so
                    log.error("Listening failed (%s)", type(error).__name__)
                    with self._lock:
                        self._audio, self._doing = Missing("listening failed"), DEAF
                self._closed.wait(max(0.05, LISTEN_EVERY - (time.monotonic() - begun)))

    def _listen_once(self, listener: Listener, sound: np.ndarray, end: float) -> None:
        try:
            with one_thread():
                self._listen(listener, sound, end)
        except _Closed:
            raise
        except Exception:  # whatever it is, it may have left the model in a state in which it fails for ever
            self._listeners.failed(listener)
            raise
        self._listeners.worked(listener)

    def _stop_if_closed(self) -> None:
        if self._closed.is_set():
            raise _Closed

    def _listen(self, listener: Listener, sound: np.ndarray, end: float) -> None:
        """Voice features of the last seconds; words too if a phrase has just ended."""
        recent = Waveform(sound[-round(VOICE_MEMORY * SAMPLE_RATE) :])
        start = end - recent.duration
        spans = listener.intervals(recent)
        audio: FeatureSequence | Missing
        if spans:
            states = NO_SPEECH.states if self._extractor.voice_encoder else listener.states(recent)
            speech = Speech(spans, Transcript(), states)
            found = self._extractor.voice_features(recent, speech)
            audio = FeatureSequence(found.values, found.times + start)
        else:
            audio = Missing("nobody has spoken lately")
        with self._lock:
            self._audio, self._heard_until = audio, end
            self._doing = "hearing a voice" if spans and spans[-1][1] + start > end - 1.0 else "waiting for a voice"
        self._read(listener, sound, end)

    def _read(self, listener: Listener, sound: np.ndarray, end: float) -> None:
        unread = min(end - self._read_until, len(sound) / SAMPLE_RATE)
        if unread < PHRASE_END:
            return
        phrase = Waveform(sound[-round(unread * SAMPLE_RATE) :])
        spans = listener.intervals(phrase)
        if not spans:
            if unread > 2 * PHRASE_END:
                self._read_until = end - PHRASE_END  # silence need not be looked at again
            return
        # A pause may already lie behind the next phrase: looks come once a second, pauses are shorter.
        pauses = [
            (stop, next_) for (_, stop), (next_, _) in zip(spans, (*spans[1:], (phrase.duration, 0)), strict=True)
        ]
        ends = [stop + PHRASE_END / 2 for stop, next_ in pauses if next_ - stop >= PHRASE_END]
        if not ends and unread < MAX_PHRASE_SECONDS:
            return
        with self._lock:
            self._doing = "reading a phrase"
        start = end - phrase.duration
        whole = Waveform(phrase.samples[: round(ends[-1] * SAMPLE_RATE)] if ends else phrase.samples)
        words = tuple(
            replace(word, start=word.start + start, end=word.end + start)
            for word in listener.words(whole, within(spans, 0.0, whole.duration))
        )
        self._read_until = start + whole.duration
        if words:
            values = self._extractor.word_encoder.encode([word.text for word in words])
            with self._lock:
                self._transcript = Transcript(words)
                self._text = FeatureSequence(values, np.array([word.middle for word in words]))
