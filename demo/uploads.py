"""Where visitors' files lie: every upload in a folder of its own, from its first byte until its last holder has gone.

Gradio would put equal uploads into one file, so that the first visitor to leave takes it from all others. Here an
upload's folder has a name that nobody can guess, and goes as a whole: when the upload breaks off, when the last session
that holds it ends, after an hour, and at the next start if this process is killed.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

import gradio as gr
from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from gradio import mcp as gradio_mcp
from gradio import processing_utils
from gradio import routes as gradio_routes
from gradio.route_utils import API_PREFIX, MultiPartException, upload_fn
from gradio.routes import file_upload_statuses
from starlette.routing import Route

from demo import wording
from demo.limits import HOUR, LARGEST_FILE

SWEEP = 300.0  # seconds between looks for files that are older
MOST_STORED = 20 * LARGEST_FILE  # bytes of all uploads together
PREFIX = "visit-"  # of the folder that a process makes for its visitors

_lock = threading.Lock()
_holders: Counter[Path] = Counter()  # folder of an upload -> sessions that hold it
_sweeps: list[Callable[[], None]] = []
_root: Path | None = None
_alive = None  # the locked file that tells other processes that this one lives


def prepare() -> Path:
    """Makes the folder of this process, clears away those of processes that were killed, and keeps it swept.

    Called before the page is built: gradio's parts ask for their folder when they are made.
    """
    global _root, _alive
    if _root is None:
        base = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "cross-or-self")
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (base / ".lock").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)  # no other process makes or clears a folder meanwhile
            clear_left_behind(base)
            _root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base)).resolve()
            _alive = _lock_of(_root)
        os.environ["GRADIO_TEMP_DIR"] = str(_root)
        threading.Thread(target=_keep_swept, name="sweeping uploads", daemon=True).start()
    return _root


def clear_left_behind(base: Path) -> None:
    """Deletes folders whose process is gone, however it went: a process holds a lock for as long as it lives."""
    for folder in base.glob(f"{PREFIX}*"):
        lock = _lock_of(folder)
        if lock:
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()


def sweep(older_than: float = HOUR) -> None:
    """Deletes what is older than so many seconds, whoever holds it."""
    for entry in _root.iterdir():
        try:
            if entry.name != ".lock" and time.time() - entry.lstat().st_mtime > older_than:
                _delete(entry)
        except FileNotFoundError:
            continue  # gone by itself


def also_sweep(what: Callable[[], None]) -> None:
    """Does ``what`` too, whenever files are swept."""
    _sweeps.append(what)


def hold(path: Path) -> bool:
    """Notes one more holder of an upload; False if this is none."""
    folder = _folder_of(path)
    if folder is None or not folder.exists():
        return False
    with _lock:
        _holders[folder] += 1
    return True


def release(path: Path) -> None:
    """One holder less; the last one takes the file along."""
    folder = _folder_of(path)
    with _lock:
        _holders[folder] -= 1
        last = _holders[folder] <= 0
        if last:
            del _holders[folder]
    if last:
        _delete(folder)


def copied(path: Path) -> Path:
    """A copy of a shipped file, as if the visitor had uploaded it."""
    return Path(shutil.copy(path, _new_folder()))


def routes() -> list[Route]:
    """For the server: takes the place of gradio's own upload."""
    return [Route(f"{API_PREFIX}/upload", _receive, methods=["POST"])]


def plain(part):
    """A part that hands on the path of its file; gradio's own way leaves an empty file beside each upload."""
    part.preprocess = lambda payload: payload and payload.path
    return part


async def _receive(request: Request) -> Response:
    """Answers with the paths of the files, as gradio does."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        return PlainTextResponse(wording.NO_LENGTH, 411)
    if int(length) > LARGEST_FILE + 64 * 1024:  # the form around the file
        return PlainTextResponse(wording.TOO_LARGE, 413)
    if _stored() + int(length) > MOST_STORED:
        return PlainTextResponse(wording.NO_ROOM, 503)
    upload_id = request.query_params.get("upload_id")
    folder = _new_folder()
    kept = False
    try:
        progress = file_upload_statuses if upload_id else None
        files, _, _ = await upload_fn(request, folder, LARGEST_FILE, upload_id, upload_progress=progress)
        kept = bool(files)
        return JSONResponse(files)
    except MultiPartException as error:
        return PlainTextResponse(error.message, 413 if "maximum allowed size" in error.message else 400)
    finally:
        if not kept:
            _delete(folder)


def _new_folder() -> Path:
    folder = _root / secrets.token_urlsafe(24)
    folder.mkdir(mode=0o700)
    return folder


def _folder_of(path: Path) -> Path | None:
    """The folder of an upload that ``path`` lies in, None for any other file."""
    path = Path(os.path.abspath(path))
    if _root is None or _root not in path.parents or path.parent == _root:
        return None
    return _root / path.relative_to(_root).parts[0]


def _stored() -> int:
    """Bytes of all uploads."""
    return sum(file.lstat().st_size for file in _root.rglob("*") if file.is_file())


def _delete(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


def _keep_swept() -> None:
    while True:
        time.sleep(SWEEP)
        for each in (sweep, *_sweeps):
            each()


def _lock_of(folder: Path):
    """The file that a living process keeps locked, locked; None if another process has it."""
    file = (folder / ".lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


async def _fetch_own(address: str, *_, **__) -> str:
    """The file behind an address of this page, whatever name the page goes by; nothing is fetched."""
    path = Path(unquote(urlparse(address).path.partition(f"{API_PREFIX}/file=")[2]))
    if _folder_of(path) is None or not path.is_file():
        raise gr.Error(wording.NO_ADDRESS, print_exception=False)
    return str(path)


async def _fetch_no_file(*_, **__) -> Response:
    raise HTTPException(403, wording.NO_ADDRESS)


class _Tools(gradio_mcp.GradioMCPServer):
    """Gradio's, but a file that is written out in a call is not put where nobody would delete it."""

    def convert_strings_to_filedata(self, value, filedata_positions):
        for name in (position[0] for position in filedata_positions):
            if str(value.get(name, "")).startswith("data:"):
                raise ValueError(wording.NO_ADDRESS)
        return super().convert_strings_to_filedata(value, filedata_positions)


# A program may name an address where a file belongs, and gradio would go and fetch it: nothing here asks other hosts.
processing_utils.async_ssrf_protected_download = _fetch_own
gradio_routes.secure_url_stream_response = _fetch_no_file
gradio_mcp.GradioMCPServer = _Tools
