"""The live tab's server side: what it answers, what it refuses, who sees what."""

import base64
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from recordings import EXAMPLES, portrait, resampled, save_two_faces, speak

from core import LABELS
from core.analysis.baseline import Baseline
from core.analysis.listeners import SharedListener
from core.analysis.live import DEAF, MUTE, VOICE_MEMORY, Live
from core.analysis.results import Prediction, Verdict
from core.media.reader import SAMPLE_RATE, Waveform, read_frames
from demo import wording
from demo.server import live_visits
from demo.server.limits import LIVE_SHARE, MAX_VISIT_SECONDS, MAX_VISITORS
from demo.server.live_visits import NOTHING_SENSED, Guests
from demo.server.sweeper import Sweeper

RATE = 48_000


def jpeg(image: np.ndarray) -> str:
    """Base64 JPEG of RGB uint8, as a browser's canvas sends it."""
    return base64.b64encode(cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()).decode()


def own_listener(analyzer) -> SharedListener:
    """The analyzer's, which is warm."""
    return SharedListener(lambda: analyzer.extractor.listener)


def pcm(samples: np.ndarray) -> str:
    """Base64 16-bit samples."""
    return base64.b64encode((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()).decode()


@pytest.fixture
def guests(analyzer):
    made = Guests(analyzer)
    yield made
    for ticket in list(made._guests):
        made.end(ticket)


def test_a_face_has_a_box_and_both_models_need_what_they_need(guests):
    ticket = guests.begin()["ticket"]
    answer = guests.step({"ticket": ticket, "picture": jpeg(portrait(400, 300)), "sound": "", "rate": 0})
    x, y, w, h = answer["box"]
    assert 0.3 < x + w / 2 < 0.7 and 0.2 < y + h / 2 < 0.7 and w > 0.1
    assert answer["used"] == ["video"]
    assert answer["cross"] is None, "cross-attention needs two modalities"
    assert len(answer["self"]) == len(LABELS) and sum(answer["self"]) == pytest.approx(1, abs=1e-3)
    empty = guests.step({"ticket": ticket, "picture": jpeg(np.full((300, 400, 3), 90, np.uint8)), "modalities": []})
    assert empty["box"] is None and empty["self"] is None and empty["used"] == []


def test_a_heading_says_what_is_in_doubt_and_stays(guests, monkeypatch):
    ticket = guests.begin()["ticket"]
    step, live = {"ticket": ticket, "picture": jpeg(portrait(400, 300))}, guests._guests[ticket].live
    first = guests.step(step)
    label = LABELS[int(np.argmax(first["self"]))]
    assert first["said"]["self"]["label"] == label and first["said"]["cross"] is None
    real, other = live.now, LABELS[(LABELS.index(label) + 1) % 7]

    def turned(modalities):
        """A moment at which another label is a little ahead, and a third one not ruled out."""
        probabilities = np.full(7, 0.02)
        probabilities[[LABELS.index(label), LABELS.index(other)]] = 0.43, 0.47
        verdict = Verdict("self", probabilities, {}, 0.4)
        return replace(real(modalities), prediction=Prediction(("video",), None, verdict))

    monkeypatch.setattr(live, "now", turned)
    assert guests.step(step)["said"]["self"] == {"label": label, "doubts": [wording.not_ruled_out([other])]}
    asked_anew = guests.step(step | {"modalities": ["video"]})
    assert asked_anew["said"]["self"] == {"label": other, "doubts": [wording.not_ruled_out([label])]}, "at once"


def test_a_face_that_changes_is_said_although_older_pictures_are_remembered(analyzer):
    """By a second and a half of pictures alone it took as long."""
    glad, angry = ([frame.image for frame in read_frames(EXAMPLES / f"{name}.mp4", 7)] for name in ("glad", "angry"))
    live, said = Live(analyzer, own_listener(analyzer)), []
    try:
        for i, picture in enumerate([*glad[:12], *angry[:6]]):
            live.see(picture, i / 7)
            said.append(live.now().prediction.self_.label)
    finally:
        live.close()
    assert said[11] == "happiness" and said[-1] == "anger", said


def test_a_person_is_chosen_by_a_tap(guests, tmp_path):
    (picture, *_) = read_frames(save_two_faces(tmp_path / "two.mp4"), rate=5)
    ticket = guests.begin()["ticket"]
    step = {"ticket": ticket, "picture": jpeg(picture.image)}
    before = guests.step(step)
    assert len(before["others"]) == 1 and before["box"][0] < before["others"][0][0], "the larger one is on the left"
    x, y, w, h = before["others"][0]
    after = guests.step(step | {"person": [x + w / 2, y + h / 2]})
    assert after["box"] == pytest.approx(before["others"][0], abs=0.03)
    assert after["self"] != pytest.approx(before["self"], abs=0.05), "a frown, not a smile"
    assert guests.step(step)["box"] == pytest.approx(after["box"], abs=0.03), "and so it stays"
    for point in ([0.5], [0.5, 2], ["0.5", 0.5], [0.5, float("nan")], [True, 0.5], 5):
        assert guests.step(step | {"person": point}) == {"error": wording.LIVE_BAD}


def test_a_phrase_is_heard_and_read_when_it_ends(analyzer, tmp_path, monkeypatch):
    monkeypatch.setattr("core.analysis.live.VOICE_MEMORY", 60.0)  # a busy machine reads for longer than a voice counts
    spoken = speak("I am so happy that you came to see me today.", tmp_path / "happy.wav")
    analyzer.extractor.listener.words(Waveform(spoken))  # the first call compiles, for longer than a phrase counts
    live = Live(analyzer, own_listener(analyzer))
    try:
        live.hear(np.concatenate([np.zeros(SAMPLE_RATE // 4, np.float32), spoken]))
        live.hear(np.zeros(SAMPLE_RATE, np.float32))
        deadline = time.monotonic() + 90
        while not live.now().words:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        moment = live.now()
        assert "happy" in moment.words.lower()
        assert set(moment.prediction.used) == {"text", "audio"}
        assert moment.prediction.cross is not None and moment.box is None
        live.hear(np.zeros(13 * SAMPLE_RATE, np.float32))
        assert live.now().words == "", "a phrase does not count for ever"
    finally:
        live.close()
    assert not live._listening.is_alive()


def test_a_phrase_is_read_although_the_next_one_has_begun(analyzer, tmp_path):
    first = speak("The quick brown fox is very happy today.", tmp_path / "first.wav")
    second = speak("Nobody knows where", tmp_path / "second.wav")
    live = Live(analyzer, own_listener(analyzer))
    try:
        live.hear(np.concatenate([first, np.zeros(round(0.8 * SAMPLE_RATE), np.float32), second]))
        deadline = time.monotonic() + 90
        while not live.now().words:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "happy" in live.now().words.lower()
        assert "nobody" not in live.now().words.lower(), "that phrase has not ended"
    finally:
        live.close()


def test_what_is_not_a_picture_with_sound_is_refused(guests):
    ticket = guests.begin()["ticket"]
    bad = [
        {"picture": base64.b64encode(b"no picture").decode()},
        {"picture": "A" * 2_000_000},
        {"picture": "", "sound": pcm(np.zeros(RATE * 60, np.float32)), "rate": RATE},
        {"picture": "", "sound": pcm(np.zeros(100, np.float32)), "rate": 1},
    ]
    for sent in bad:
        assert guests.step({"ticket": ticket, **sent}) == {"error": wording.LIVE_BAD}
    assert "error" not in guests.step({"ticket": ticket, "picture": jpeg(portrait(200, 150))})


PNG = cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes()
SMALL = base64.b64decode(jpeg(portrait(64, 48)))
HOLLOW = SMALL[: SMALL.index(b"\xff\xda")]  # the header alone


def resized(width: int, height: int) -> bytes:
    """A small JPEG whose header says that it is large."""
    at = SMALL.index(b"\xff\xc0") + 5
    return SMALL[:at] + struct.pack(">HH", height, width) + SMALL[at + 4 :]


MALFORMED = [
    *({"picture": base64.b64encode(data).decode()} for data in (
        PNG, resized(20_000, 20_000), resized(2_001, 48), resized(0, 0), HOLLOW, SMALL[:3], b"\xff\xd8", b"GIF89a",
        b"x", SMALL[:4] + 30 * b"\xff\xda" + SMALL[4:],
    )),
    *({"picture": value} for value in ("=", "A", "not base 64!", "ü", 5, 1.5, True, [], ["a"], {}, {"a": 1})),
    *({"sound": value, "rate": RATE} for value in ("A", "AA==", "%%%%", 5, [], {}, True)),
    *({"sound": "AAAA", "rate": rate} for rate in (
        0, -1, 1, 7_999, 192_001, 1e300, float("inf"), float("-inf"), float("nan"), "48000", [48_000], {},
    )),
    *({"modalities": value} for value in ("video", 5, {"video": 1}, True)),
]  # fmt: skip


@pytest.mark.parametrize("sent", MALFORMED, ids=lambda sent: str(sent)[:60])
def test_whatever_is_malformed_gets_the_one_sentence_at_once(guest, sent):
    guests, ticket = guest
    begun = time.monotonic()
    assert guests.step({"ticket": ticket, **sent}) == {"error": wording.LIVE_BAD}
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("sent", [None, [], "x", 5, True])
def test_what_has_no_fields_gets_it_too(guest, sent):
    assert guest[0].step(sent) == {"error": wording.LIVE_BAD}


@pytest.mark.parametrize("ticket", ["", "x", None, "a" * 10_000])
def test_nobody_gets_in_by_guessing(guest, ticket):
    assert guest[0].step({"ticket": ticket}) == {"error": wording.LIVE_OVER}


@pytest.fixture(scope="module")
def guest(analyzer):
    """One visitor for all that is malformed."""
    guests = Guests(analyzer)
    ticket = guests.begin()["ticket"]
    yield guests, ticket
    guests.end(ticket)


def test_after_all_of_it_the_visit_goes_on(guest):
    guests, ticket = guest
    assert "error" not in guests.step({"ticket": ticket, "picture": jpeg(portrait(200, 150))})


def test_live_visitors_are_heard_while_a_clip_is_analysed(guests, analyzer, tmp_path):
    spoken = speak("The quick brown fox is very happy today.", tmp_path / "fox.wav")
    ticket = guests.begin()["ticket"]
    with analyzer.extractor.listener._lock:  # a clip is being heard
        guests._guests[ticket].live.hear(spoken)
        deadline = time.monotonic() + 60
        while "audio" not in guests.step({"ticket": ticket})["used"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_leaving_ends_the_listening_in_the_middle_of_a_phrase(analyzer, tmp_path):
    live = Live(analyzer, own_listener(analyzer))
    live.hear(np.tile(speak("Nobody knows where they went.", tmp_path / "went.wav"), 5)[: 9 * SAMPLE_RATE])
    deadline = time.monotonic() + 60
    while live.now().doing != "reading a phrase":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    begun = time.monotonic()
    live.close()
    assert not live._listening.is_alive() and time.monotonic() - begun < 3


def test_a_listener_that_fails_says_so_and_its_voice_expires(analyzer, tmp_path):
    class Failing:
        def __init__(self):
            self.real, self.broken = analyzer.extractor.listener, False

        def __getattr__(self, name):
            if self.broken:
                raise MemoryError
            return getattr(self.real, name)

    spoken = speak("The quick brown fox is very happy today.", tmp_path / "fox.wav")
    failing = Failing()
    live = Live(analyzer, SharedListener(lambda: failing))
    try:
        live.hear(spoken)
        wait_until(lambda: "audio" in live.now().prediction.used)
        failing.broken = True
        live.hear(spoken)
        wait_until(lambda: live.now().doing == DEAF)
        assert "audio" not in live.now().prediction.used
        failing.broken = False
        live.hear(spoken)
        wait_until(lambda: "audio" in live.now().prediction.used)
        live._closed.set()
        live._listening.join(20)
        live.hear(np.zeros(round((VOICE_MEMORY + 1) * SAMPLE_RATE), np.float32))
        assert "audio" not in live.now().prediction.used and live.now().doing == DEAF
    finally:
        live.close()


def test_a_microphone_that_falls_silent_takes_its_voice_along(analyzer, tmp_path, monkeypatch):
    live = Live(analyzer, own_listener(analyzer))
    try:
        live.hear(speak("The quick brown fox is very happy today.", tmp_path / "fox.wav"))
        wait_until(lambda: "audio" in live.now().prediction.used)
        assert not live.now().failing
        monkeypatch.setattr("core.analysis.live.VOICE_MEMORY", 0.2)
        live.hear(np.zeros(0, np.float32))
        wait_until(lambda: live.now().doing == MUTE)
        assert "audio" not in live.now().prediction.used and live.now().failing
    finally:
        live.close()


def test_a_step_that_fails_says_so_and_the_next_one_may_succeed(guests, monkeypatch):
    ticket = guests.begin()["ticket"]
    picture = jpeg(portrait(200, 150))
    with monkeypatch.context() as broken:
        broken.setattr(guests._guests[ticket].live, "see", lambda *_: 1 / 0)
        assert guests.step({"ticket": ticket, "picture": picture}) == {"error": wording.LIVE_BROKEN}
    assert guests.step({"ticket": ticket, "picture": picture})["used"] == ["video"]


def test_neutral_seconds_are_taken_off(guests):
    ticket, picture = guests.begin()["ticket"], jpeg(portrait(200, 150))
    step = {"ticket": ticket, "picture": picture}
    before = guests.step(step)
    assert not before["neutral"] and guests.step(step | {"baseline": "use"})["neutral"] is False, "nothing was measured"
    for _ in range(3):
        measured = guests.step(step | {"baseline": "measure"})
    assert not measured["neutral"] and max(measured["self"]) > 0.2
    after = guests.step(step | {"baseline": "use"})
    assert after["neutral"] and after["self"] == pytest.approx([1 / 7] * 7, abs=0.02), "nothing has changed since"
    assert guests.step(step)["self"] == pytest.approx(before["self"], abs=0.05), "and without it all is as it was"
    assert guests.step({"ticket": ticket, "modalities": [], "baseline": "use"})["neutral"] is False
    assert guests.step(step | {"baseline": 5}) == {"error": wording.LIVE_BAD}


def test_a_baseline_subtracts_logarithms_for_each_model_and_set():
    def saying(*probabilities):
        verdict = Verdict("self", np.array(probabilities), {})
        return {("video",): Prediction(("video",), None, verdict)}

    baseline = Baseline()
    baseline.add(saying(0.5, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05))
    baseline.add(saying(0.125, 0.1, 0.1, 0.1, 0.1, 0.2375, 0.2375))
    later = saying(0.5, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05)["video",]
    found = baseline.taken_off(later).self_.probabilities
    middle = (0.05 * 0.2375) ** 0.5
    expected = np.array(
        [0.5 / 0.25, 1, 1, 1, 1, 0.05 / middle, 0.05 / middle]
    )  # means of logarithms: 0.25 of 0.5, 0.125
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-9)
    assert baseline.covers(("video",)) and not baseline.covers(("audio",))
    other = Prediction(("audio",), None, later.self_)
    assert baseline.taken_off(other) == other


def test_live_work_keeps_to_one_thread(analyzer, monkeypatch):
    """More of them wait for each other as soon as something else runs, a browser on the same machine say."""
    seen = []
    real = analyzer.extractor.face_features
    monkeypatch.setattr(
        analyzer.extractor, "face_features", lambda *of: seen.append(torch.get_num_threads()) or real(*of)
    )
    live, before = Live(analyzer, own_listener(analyzer)), torch.get_num_threads()
    try:
        live.see(portrait(400, 300), 0.1)
        assert seen == [1] and torch.get_num_threads() == before
    finally:
        live.close()


def wait_until(true) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_tickets_keep_visitors_apart_and_are_few(guests):
    tickets = [guests.begin()["ticket"] for _ in range(MAX_VISITORS)]
    assert len(set(tickets)) == MAX_VISITORS
    assert guests.begin() == {"error": wording.LIVE_FULL}
    guests.step({"ticket": tickets[0], "picture": jpeg(portrait(400, 300))})
    assert guests.step({"ticket": tickets[1], "picture": ""})["used"] == [], "another visitor's face"
    guests.end(tickets[0])
    assert guests.step({"ticket": tickets[0], "picture": ""}) == {"error": wording.LIVE_OVER}
    assert guests.step({"ticket": None}) == {"error": wording.LIVE_OVER}
    assert "ticket" in guests.begin()


def test_a_visitor_who_falls_silent_is_let_go(guests, monkeypatch):
    monkeypatch.setattr("demo.server.live_visits.IDLE", 0.2)
    ticket = guests.begin()["ticket"]
    sweeper = Sweeper()
    sweeper.every(0.1, guests.let_go)
    wait_until(lambda: not guests._guests and not guests._places)
    assert guests.step({"ticket": ticket, "picture": ""}) == {"error": wording.LIVE_OVER}


NOISE = np.random.default_rng(0).integers(0, 255, (150, 200, 3), np.uint8)
NOTHING = {
    "empty steps": lambda i: {},
    "black pictures": lambda i: {"picture": jpeg(np.full((150, 200, 3), i % 2, np.uint8))},
    "one picture again and again": lambda i: {"picture": jpeg(NOISE)},
    "silence": lambda i: {"sound": pcm(np.zeros(1600)), "rate": SAMPLE_RATE},
}
SOMETHING = {
    "pictures": lambda i: {"picture": jpeg(np.roll(NOISE, i, 1))},
    "sound": lambda i: {"sound": pcm(0.01 * np.sin(np.arange(1600))), "rate": SAMPLE_RATE},
}


@pytest.mark.parametrize("sent", [*NOTHING, *SOMETHING])
def test_who_shows_and_says_nothing_leaves_the_place_to_others(guests, monkeypatch, sent):
    """A step each eight seconds held a place for ever, whatever was in it."""
    ticket, seconds, clock = guests.begin()["ticket"], 0, time.monotonic
    monkeypatch.setattr(live_visits.time, "monotonic", lambda: clock() + seconds)
    answers = []
    while seconds < 1.5 * NOTHING_SENSED and not (answers and "error" in answers[-1]):
        answers.append(guests.step({"ticket": ticket, **(NOTHING | SOMETHING)[sent](len(answers))}))
        seconds += 8
        guests.let_go()
    if sent in SOMETHING:
        assert "error" not in answers[-1] and guests._guests
    else:
        assert answers[-1] == {"error": wording.LIVE_NOTHING} and seconds <= NOTHING_SENSED + 17
        assert not guests._guests and not guests._places


def test_a_visit_ends_after_its_longest_time_and_another_may_begin(guests, monkeypatch):
    ticket, seconds, clock = guests.begin()["ticket"], 0, time.monotonic
    monkeypatch.setattr(live_visits.time, "monotonic", lambda: clock() + seconds)
    while "error" not in (answer := guests.step({"ticket": ticket, **SOMETHING["sound"](0)})):
        seconds += 10
    assert answer == {"error": wording.LIVE_LONG} and MAX_VISIT_SECONDS <= seconds <= MAX_VISIT_SECONDS + 10
    assert guests.step({"ticket": ticket}) == answer, "and so it is said to who comes back"
    assert "ticket" in guests.begin()


def test_one_address_never_has_all_places(guests):
    tickets = [guests.begin("203.0.113.5") for _ in range(LIVE_SHARE + 3)]
    assert [answer.get("error") for answer in tickets] == [None] * LIVE_SHARE + [wording.LIVE_SHARED] * 3
    assert LIVE_SHARE < MAX_VISITORS and "ticket" in guests.begin("203.0.113.6")
    guests.end(tickets[0]["ticket"])
    assert "ticket" in guests.begin("203.0.113.5")


def test_places_that_addresses_do_not_tell_apart_are_for_all(guests):
    assert all("ticket" in guests.begin(None) for _ in range(MAX_VISITORS))
    assert guests.begin(None) == {"error": wording.LIVE_FULL}


def test_three_hundred_beginnings_make_threads_for_three_visitors(guests):
    """Two each: one listens, one is MediaPipe's. There was a timer for each beginning, refused ones too."""
    guests.end(guests.begin()["ticket"])
    before = threading.active_count()
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: guests.begin(), range(300)))
    assert sum("ticket" in answer for answer in answers) == MAX_VISITORS
    assert sum(answer == {"error": wording.LIVE_FULL} for answer in answers) == 300 - MAX_VISITORS
    assert threading.active_count() <= before + 2 * MAX_VISITORS
    assert len(guests._places) == MAX_VISITORS
    for ticket in list(guests._places):
        guests.end(ticket)
    assert threading.active_count() == before


def test_a_place_is_free_again_if_the_visit_cannot_begin(guests, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(live_visits, "live", lambda *_: 1 / 0)
        assert guests.begin() == {"error": wording.LIVE_BROKEN}
    assert guests._places == {} and "ticket" in guests.begin()


def test_a_visitors_steps_never_wait_in_line_for_each_other(guests, monkeypatch):
    """Each would wait in a thread of the server, of which there are forty for everybody."""
    ticket = guests.begin()["ticket"]
    reached, released = threading.Event(), threading.Event()
    monkeypatch.setattr(guests._guests[ticket].live, "hear", lambda _: reached.set() or released.wait(20))
    with ThreadPoolExecutor(1) as first:
        answer = first.submit(guests.step, {"ticket": ticket})
        assert reached.wait(20)
        assert guests.step({"ticket": ticket}) == {"error": wording.LIVE_TWICE}
        released.set()
        assert "error" not in answer.result()


def test_why_visits_ended_is_remembered_of_some_only(guests, monkeypatch):
    monkeypatch.setattr(live_visits, "MAX_ENDED", 2)
    monkeypatch.setattr(live_visits, "live", lambda *_: type("Quick", (), {"close": lambda self: None})())
    for _ in range(5):
        guests.end(guests.begin()["ticket"])
    assert len(guests._ended) == 2 and guests._places == {}


def test_sound_of_any_rate_arrives_at_sixteen_kilohertz(guests):
    ticket = guests.begin()["ticket"]
    tone = np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32) * 0.5
    for part in np.array_split(resampled(tone, RATE), 5):
        guests.step({"ticket": ticket, "picture": "", "sound": pcm(part), "rate": RATE})
    sound = guests._guests[ticket].live._sound
    assert len(sound) == pytest.approx(SAMPLE_RATE, rel=0.02)
    spectrum = np.abs(np.fft.rfft(sound))
    assert spectrum.argmax() * SAMPLE_RATE / len(sound) == pytest.approx(440, abs=3)
