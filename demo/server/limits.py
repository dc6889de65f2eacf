"""What one visitor may ask of this server, and how the page says it: every number that also stands in a sentence."""

from dataclasses import dataclass

from core.analysis.results import HOP, WINDOW
from core.media.reader import FRAME_RATE, LONGEST_CLIP

LARGEST_FILE = 200 * 1024**2  # bytes of an upload
LARGEST_REQUEST = 4 * 1024**2  # bytes of any other request; a step of the Live tab may have two and a half million
LARGEST_CALL = 256 * 1024  # bytes of a request of which no step of the Live tab is part
MOST_VALUES = 10_000  # in JSON: a million empty lists in 4 MB would take seconds to read and 260 MB of memory
LONGEST_ANALYSIS = 300.0  # seconds
MOST_WAITING = 32  # clips in the queue
MOST_AT_ONCE = 20  # clips that a visitor may send together
MOST_UPLOADS_AT_ONCE = 24  # on their way from one address; a class may sit behind one
MOST_VISITORS = 3  # live at once; more would be too slow for everybody on two cores
LIVE_SHARE = max(2, MOST_VISITORS // 4)  # of these from one address
LONGEST_VISIT = 600.0  # seconds live
HOUR = 3600.0  # seconds that a visit and its files may live
MOST_SESSIONS = 200  # pages that are open; a quarter of them from one address
MOST_KEPT = 256 * 1024**2  # bytes of all visitors' analyses together
MOST_UNFETCHED = 64 * 1024**2  # bytes of all answers that nobody has fetched yet
MOST_TOOL_CALLS = MOST_WAITING // 2  # of programs, at a time
UNFETCHED = 120.0  # seconds for which an answer that nobody fetches is kept
UNSURE = 0.35  # a highest probability below this is said to stand out from nothing


@dataclass(frozen=True)
class Share:
    """How many events may stand in one line: of one visit, of one address, of everybody. Unfetched answers count."""

    visit: int
    address: int
    everybody: int


MOST_EVENTS = 20 * MOST_WAITING  # in all lines together
QUARTER = max(2, MOST_WAITING // 4)
CLIPS, TURNS, EXPORTS = "clips", "turns", "exports"  # lines: clips to be read, the next of several, files to take home
SHARES = {
    CLIPS: Share(QUARTER, QUARTER, MOST_WAITING),
    TURNS: Share(2, QUARTER, MOST_WAITING),
    EXPORTS: Share(2, QUARTER, MOST_WAITING),
}
SHARE = Share(QUARTER, 2 * QUARTER, MOST_WAITING)  # in any other line

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def in_words(number: float) -> str:
    """3 -> "three"; what is no whole number up to ten stays a figure."""
    return WORDS[int(number)] if number in range(len(WORDS)) else f"{number:g}"


SAID = {
    "megabytes": f"{LARGEST_FILE / 1024**2:.0f} MB",
    "clip_minutes": f"{in_words(LONGEST_CLIP / 60)} minutes",
    "analysis_minutes": f"{in_words(LONGEST_ANALYSIS / 60)} minutes",
    "waiting": f"{MOST_WAITING}",
    "at_once": f"{MOST_AT_ONCE}",
    "visitors": in_words(MOST_VISITORS),
    "live_share": in_words(LIVE_SHARE),
    "live_minutes": f"{in_words(LONGEST_VISIT / 60)} minutes",
    "window": in_words(WINDOW),
    "hop": in_words(HOP),
    "rate": in_words(FRAME_RATE),
    "unsure": f"{UNSURE:.0%}".replace("%", " %"),
}
"""Name of a limit -> how the page says it."""
