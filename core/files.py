"""Files that are whole or not there, whenever the process is killed or the disk is full."""

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from safetensors import SafetensorError

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    fcntl = None  # type: ignore[assignment]


class OutputError(OSError):
    """A file or folder cannot be written; the message is one sentence that names it."""

    @classmethod
    def of(cls, path: Path, error: Exception) -> "OutputError":
        """What to say of ``path`` when writing it, or a temporary file beside it, raised ``error``."""
        reason = getattr(error, "strerror", None) or str(error)
        folder = path.parent
        if not folder.exists():
            reason = f"the folder {folder} does not exist"
        elif not folder.is_dir():
            reason = f"{folder} is not a folder"
        said = cls(f"{path} cannot be written: {reason}.")
        said.errno = getattr(error, "errno", None)
        return said


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Lets ``write`` write a file beside ``path`` and puts it in its place: a kill leaves the former one.

    Several processes may write the same path; the last one wins.

    Raises:
        OutputError: it cannot be written; the temporary file is gone.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        os.replace(partial, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError | SafetensorError):  # safetensors has errors of its own for a full disk
            raise OutputError.of(path, error) from error
        raise


def prepare_folder(folder: Path) -> Path:
    """Makes a folder, with those around it, and sees to it that files can be written there: asked before a work of
    hours whose results go there.

    Raises:
        OutputError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror or str(error)
        raise OutputError(f"Nothing can be written into {folder}: {reason}.") from error
    return folder


def lock(file: IO, wait: bool = False) -> bool:
    """Locks an open file until it is closed, however the process ends; False if another process has locked it.

    Args:
        wait: until nobody else has.

    Raises:
        OSError: the file system has no locks.
    """
    while True:
        try:
            if sys.platform != "win32" and fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            else:
                file.seek(0)
                # The first byte, which need not exist. Elsewhere than on Windows mypy knows of no such function.
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
            return True
        except (BlockingIOError, PermissionError):  # the latter from Windows
            if not wait:
                return False
        time.sleep(0.1)


@contextlib.contextmanager
def held_alone(path: Path) -> Iterator[None]:
    """Keeps other processes from holding ``path``, by a locked file beside it that goes when this one does.

    Raises:
        OutputError: another process holds it, or the file beside it cannot be made.
    """
    beside = path.with_name(f".{path.name}.lock")
    while True:
        try:
            file = beside.open("wb")
        except OSError as error:
            raise OutputError.of(path, error) from error
        alone = True
        with contextlib.suppress(OSError):  # a file system without locks
            alone = lock(file)
        if not alone:
            file.close()
            raise OutputError(f"Another process is writing {path}.")
        if beside.exists() and os.path.samestat(os.fstat(file.fileno()), os.stat(beside)):
            break
        file.close()  # whoever held it before has removed it meanwhile
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps what is open; an empty file stays there
            beside.unlink()
        file.close()


def write_text(path: Path, text: str) -> None:
    """Writes text as UTF-8 with its own ends of lines, the same bytes on every system.

    Lone surrogates, which names of files may hold, become escapes, as JSON has them too.
    """
    write_file(path, lambda partial: partial.write_text(text, "utf-8", "backslashreplace", newline=""))


def write_json(path: Path, value: dict | list, indent: int | None = None) -> None:
    """Writes JSON."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, whatever it is called and however large."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
