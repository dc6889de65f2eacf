"""The console: a line for each analysis and for each failure, without names or contents of what visitors sent."""

import faulthandler
import logging
import sys
import threading
import traceback
from pathlib import Path

from demo.server.gradio_compat.requests import report_failures

LINE = "%(asctime)s %(message)s"
CALLS = 3  # how many calls a line about a failure shows, the innermost first
QUOTING = ("mcp", "python_multipart")  # libraries whose messages may hold what a client sent

log = logging.getLogger(__name__)


def tidy() -> None:
    """Sets up the log of this process: lines with a time, and nothing of what visitors sent."""
    faulthandler.enable()
    logging.basicConfig(format=LINE, datefmt="%Y-%m-%d %H:%M:%S", force=True)
    for own in ("core", "demo"):
        logging.getLogger(own).setLevel(logging.INFO)
    shorten_failures()


def shorten_failures() -> None:
    """Lets each failure be one line that says its kind and where in the code it happened.

    What an exception says of itself may hold what a client sent, so that neither its text nor a traceback is written.
    """
    logging.setLogRecordFactory(_one_line)
    threading.excepthook = lambda failed: log.error("A thread failed: %s", described(failed.exc_value))
    report_failures(_print_one_line)


def described(error: BaseException | None) -> str:
    """Kind of an exception and its innermost calls, not its text: "KeyError at demo/page.py:12, gradio/blocks.py:3".

    Of several that were raised together, the first one.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is None:
        return "no exception"
    frames = traceback.extract_tb(error.__traceback__)[: -CALLS - 1 : -1]
    places = ", ".join(f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places or 'an unknown place'}"


def _one_line(*arguments, **options) -> logging.LogRecord:
    """A record in one line, with an exception as ``described`` and nothing that a client sent."""
    record = logging.LogRecord(*arguments, **options)
    failed = record.exc_info and record.exc_info[1]
    quotes = record.name.partition(".")[0] in QUOTING
    if failed or quotes:
        said = f"{record.name}:{record.lineno}" if quotes else record.getMessage().strip().partition("\n")[0]
        record.msg, record.args = f"{said}: {described(failed)}" if failed else said, ()
        record.exc_info = record.exc_text = None
    return record


def _print_one_line() -> None:
    log.error("A request failed: %s", described(sys.exception()))
