"""Where visitors' files lie, whose they are, and when they go. Nothing else on the page deletes a visitor's file.

Gradio would put equal uploads into one file, so that the first visitor to leave takes it from all others. Here an
upload lies in a folder whose name nobody can guess: who knows the path of a file in it has sent it or was given it.
A file goes when its upload breaks off, when the last session that holds it lets go, after an hour, and at the next
start if this process is killed. What lies anywhere else is nobody's: it is neither held nor deleted.
"""

import logging
import os
import secrets
import shutil
import stat
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.files import lock
from demo.server.limits import HOUR, MAX_FILE_BYTES
from demo.server.sweeper import sweeper

FORM = 64 * 1024  # bytes that the form around an upload's files may have
MAX_STORED = 20 * (MAX_FILE_BYTES + FORM)  # bytes of all uploads together, those that are coming in included
MAX_FILES = 20_000  # of them, however small
SWEEP = 300.0  # seconds between looks for files that are older
PREFIX = "visit-"  # of the folder that a process makes for its visitors
FILES = "files"  # the part of it that uploads lie in; the process's lock lies outside, where no path of a client leads

log = logging.getLogger(__name__)

_lock = threading.Lock()  # of the three that follow
_holders: Counter[Path] = Counter()  # file -> sessions that hold it
_sizes: dict[Path, dict[Path, int]] = {}  # folder of an upload -> its files -> bytes
_totals: Counter[str] = Counter()  # "files" and "bytes" of them all, and bytes "announced" that are coming in
_root: Path | None = None
_alive = None  # the locked file that tells other processes that this one lives


class NoRoom(Exception):
    """All uploads together would be more than ``MAX_STORED`` bytes or ``MAX_FILES`` files."""


@dataclass
class Room:
    """Bytes that were announced and are on their way; see ``room_for``."""

    size: int

    def keep(self, paths: list[Path]) -> None:
        """Counts the files that have come in, in the place of what was announced.

        Raises:
            NoRoom: they are more than was announced, and there is no room for that.
        """
        sizes = {path: path.lstat().st_size for path in paths}
        with _lock:
            _totals["announced"] -= self.size
            try:
                _check(sum(sizes.values()), len(sizes))
            except NoRoom:
                _totals["announced"] += self.size
                raise
            self.size = 0
            for path, size in sizes.items():
                _sizes.setdefault(_folder_of(path), {})[path] = size
                _totals.update(files=1, bytes=size)


def prepare() -> Path:
    """Makes the folder of this process, clears away those of processes that were killed, and keeps it swept.

    Called before the page is built: gradio's parts ask for their folder when they are made.
    """
    global _root, _alive
    if _root is None:
        base = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "cross-or-self")
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (base / ".lock").open("wb") as starting:
            lock(starting, wait=True)  # no other process makes or clears a folder meanwhile
            clear_left_behind(base)
            own = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base)).resolve()
            _alive = _lock_of(own)
            _root = own / FILES
            _root.mkdir(mode=0o700)
        os.environ["GRADIO_TEMP_DIR"] = str(_root)
        sweeper.every(SWEEP, sweep)
    return _root


def clear_left_behind(base: Path) -> None:
    """Deletes folders whose process is gone, however it went: a process holds a lock for as long as it lives."""
    for folder in base.glob(f"{PREFIX}*"):
        locked = _lock_of(folder)
        if locked:
            locked.close()  # before: Windows deletes no open file
            shutil.rmtree(folder, ignore_errors=True)


def sweep(older_than: float = HOUR) -> None:
    """Deletes what is older than so many seconds, whoever holds it."""
    for entry in list(_root.iterdir()) if _root is not None and _root.is_dir() else []:
        try:
            if time.time() - entry.lstat().st_mtime > older_than:
                discard(entry)
        except FileNotFoundError:
            continue  # gone by itself
        except OSError as error:  # the others go all the same
            log.error("An old file could not be deleted: %s", type(error).__name__)


def find(path: str | Path) -> Path | None:
    """The upload that a client names by this path, None for anything else.

    An upload is a regular file in a folder of ``new_folder`` or in a folder of that, and no part of its path is a link.
    """
    parts = _within(path)
    if parts is None or _root is None:
        return None
    try:
        modes = [_root.joinpath(*parts[: i + 1]).lstat().st_mode for i in range(len(parts))]
    except OSError:
        return None  # it is not there, or not any more
    return Path(path) if stat.S_ISREG(modes[-1]) and all(map(stat.S_ISDIR, modes[:-1])) else None


def is_gone(path: str | Path) -> bool:
    """Whether an upload may have been at this path, and nothing is there now."""
    return _within(path) is not None and not os.path.lexists(path)


def hold(path: Path) -> bool:
    """Notes one more holder of an upload; False if this is none."""
    with _lock:
        held = find(path) is not None
        if held:
            _holders[Path(path)] += 1
    return held


def release(path: Path) -> None:
    """One holder less; the last one takes the file along. Of a file that nobody holds, nothing happens."""
    path = Path(path)
    with _lock:
        if path not in _holders:
            return
        _holders[path] -= 1
        if _holders[path] > 0:
            return
        del _holders[path]
        _forget(path)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if _root not in folder.parents or not _is_removed(folder):
                return


def discard(entry: Path) -> None:
    """Deletes a file or folder directly within the folder of all uploads, whoever holds what is in it."""
    with _lock:
        for path in list(_sizes.get(entry, ())):
            _forget(path)
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


@contextmanager
def room_for(size: int) -> Iterator[Room]:
    """Keeps room for so many bytes while they come in, and gives it back if they are not kept.

    Raises:
        NoRoom: there is none.
    """
    with _lock:
        _check(size, 1)
        _totals["announced"] += size
    room = Room(size)
    try:
        yield room
    finally:
        with _lock:
            _totals["announced"] -= room.size


def announced() -> int:
    """Bytes for which room is kept."""
    return _totals["announced"]


def stored() -> int:
    """Bytes of all uploads that have come in."""
    return _totals["bytes"]


def copied(path: Path) -> Path:
    """A copy of a shipped file, as if the visitor had uploaded it.

    Raises:
        NoRoom: there is none for it.
        OSError: the file cannot be read.
    """
    with room_for(path.stat().st_size) as room:
        folder = new_folder()
        try:
            copy = Path(shutil.copyfile(path, folder / path.name))
            room.keep([copy])
        except BaseException:
            discard(folder)
            raise
    return copy


def new_folder() -> Path:
    """For one upload."""
    root = prepare()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)  # systems clear their temporary folders
    folder = root / secrets.token_urlsafe(24)
    folder.mkdir(mode=0o700)
    return folder


def _within(path: str | Path) -> tuple[str, ...] | None:
    """The parts of a path below the folder of all uploads, if an upload may lie there."""
    path = Path(path)
    if _root is None or "\0" in str(path) or ".." in path.parts or not path.is_relative_to(_root):
        return None
    parts = path.relative_to(_root).parts
    return parts if len(parts) in (2, 3) else None


def _folder_of(path: Path) -> Path:
    """The folder of ``new_folder`` that an upload lies in."""
    if _root is None or not path.is_relative_to(_root):
        return path.parent
    return _root / path.relative_to(_root).parts[0]


def _check(size: int, files: int) -> None:
    """Whether so much may be added; the lock is held.

    Raises:
        NoRoom: it may not.
    """
    if _totals["bytes"] + _totals["announced"] + size > MAX_STORED or _totals["files"] + files > MAX_FILES:
        raise NoRoom


def _forget(path: Path) -> None:
    """Counts a file no longer; the lock is held."""
    folder = _folder_of(path)
    size = _sizes.get(folder, {}).pop(path, None)
    if size is not None:
        _totals.subtract({"files": 1, "bytes": size})
    if not _sizes.get(folder, True):
        del _sizes[folder]


def _is_removed(folder: Path) -> bool:
    """Removes an empty folder."""
    try:
        folder.rmdir()
    except OSError:
        return False  # other files of the same upload are in it
    return True


def _lock_of(folder: Path):
    """The file that a living process keeps locked, locked; None if another process has it."""
    file = (folder / ".lock").open("wb")
    if lock(file):
        return file
    file.close()
    return None
