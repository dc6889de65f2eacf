"""What other processes do in tests. It imports little: every process that is started imports it anew."""

import os
import time
from pathlib import Path


class SleepLong:
    """Makes work that says in a folder that it has begun, and stands still."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __call__(self):
        return self._sleep

    def _sleep(self, item: int) -> None:
        (self.folder / f"{item}.begun").touch()
        time.sleep(600)


def make_dying():
    """Work that ends its process."""
    return os._exit
