"""The console: a line for each analysis, without names or contents, and nothing of the libraries."""

import faulthandler
import logging
import os
import sys

LINE = "%(asctime)s %(message)s"


def tidy() -> None:
    """Sets up the log of this process and closes the console to what the libraries in C++ write there by themselves."""
    console = os.fdopen(os.dup(2), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # MediaPipe writes five lines for each clip, whatever it is told
    sys.stderr = console
    faulthandler.enable(console)
    logging.basicConfig(stream=console, format=LINE, datefmt="%Y-%m-%d %H:%M:%S", force=True)
    for own in ("core", "demo"):
        logging.getLogger(own).setLevel(logging.INFO)
