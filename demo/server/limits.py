"""What one visitor may ask of this server: every number that also stands in a sentence of the page."""

import os
from dataclasses import dataclass

from core.analysis.results import HOP as HOP
from core.analysis.results import WINDOW as WINDOW
from core.media.reader import FRAME_RATE as FRAME_RATE
from core.media.reader import MAX_CLIP_SECONDS as MAX_CLIP_SECONDS

MAX_FILE_BYTES = 200 * 1024**2  # bytes of an upload
MAX_REQUEST_BYTES = 4 * 1024**2  # bytes of any other request; a step of the Live tab may have two and a half million
MAX_CALL = 256 * 1024  # bytes of a request of which no step of the Live tab is part
MAX_VALUES = 10_000  # in JSON: a million empty lists in 4 MB would take seconds to read and 260 MB of memory
MAX_ANALYSIS_SECONDS = 300.0  # seconds
MAX_WAITING = 32  # clips in the queue
MAX_AT_ONCE = 20  # clips that a visitor may send together
MAX_UPLOADS_AT_ONCE = 24  # on their way from one address; a class may sit behind one
MAX_VISITORS = 3  # live at once; more would be too slow for everybody on two cores
LIVE_SHARE = max(2, MAX_VISITORS // 4)  # of these from one address
MAX_VISIT_SECONDS = 600.0  # seconds live
COME_BACK = min(float(os.environ.get("COME_BACK_SECONDS") or 60), 600.0)  # for which a visit outlives its page
HOUR = 3600.0  # seconds that a visit and its files may live
MAX_SESSIONS = 200  # pages that are open; a quarter of them from one address
MAX_KEPT = 256 * 1024**2  # bytes of all visitors' analyses together
MAX_UNFETCHED = 64 * 1024**2  # bytes of all answers that nobody has fetched yet
MAX_TOOL_CALLS = MAX_WAITING // 2  # of programs, at a time
UNFETCHED = 120.0  # seconds for which an answer that nobody fetches is kept
UNSURE = 0.35  # a highest probability below this is said to stand out from nothing


@dataclass(frozen=True)
class Share:
    """How many events may stand in one line: of one visit, of one address, of everybody. Unfetched answers count."""

    visit: int
    address: int
    everybody: int


MAX_EVENTS = 20 * MAX_WAITING  # in all lines together
QUARTER = max(2, MAX_WAITING // 4)
CLIPS, TURNS, EXPORTS = "clips", "turns", "exports"  # lines: clips to be read, the next of several, files to take home
SHARES = {
    CLIPS: Share(QUARTER, QUARTER, MAX_WAITING),
    TURNS: Share(2, QUARTER, MAX_WAITING),
    EXPORTS: Share(2, QUARTER, MAX_WAITING),
}
SHARE = Share(QUARTER, 2 * QUARTER, MAX_WAITING)  # in any other line
