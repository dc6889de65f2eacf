"""How a command speaks and ends: one sentence instead of a traceback, and the exit status that shells expect."""

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

# The rest takes seconds to import: until ``run``, Ctrl-C ends a command without the traceback of half an import.
_started = getattr(sys.modules["__main__"], "__file__", None)
_is_command = _started and Path(_started).resolve().parent == Path(__file__).resolve().parent
if _is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from core.corpora.layout import CorpusError
from core.datasets.processes import BackendError
from core.encoders.packaged import WeightsError
from core.files import OutputError

INTERRUPTED, NOBODY_READS = 128 + signal.SIGINT, 128 + 13  # the latter that of SIGPIPE, which Windows does not know
REFUSED = 2


def run(main: Callable[[], int]) -> NoReturn:
    """Runs a command and exits with what it returns: 2 with a sentence where it cannot be done, 130 after Ctrl-C, 141
    where nobody reads its output any more (``| head``).

    Text that the console's encoding lacks, such as names of files that are no text, is written as escapes.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:
        status = NOBODY_READS
        # Python would try once more when it ends, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (CorpusError, WeightsError, BackendError, OutputError) as error:
        print(error, file=sys.stderr)
        status = REFUSED
    except OSError as error:
        if error.filename is None:
            raise
        print(f"{os.fsdecode(error.filename)} cannot be used: {error.strerror}.", file=sys.stderr)
        status = REFUSED
    sys.exit(status)
