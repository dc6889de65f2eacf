"""The routes through which files come in and go out, in the place of gradio's own."""

import asyncio
import json
import mimetypes
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from demo import wording
from demo.server import client_files, uploads
from demo.server.gradio_compat.requests import (
    API_PREFIX,
    XSS_SAFE_MIMETYPES,
    path_for,
    receive_files,
)
from demo.server.limits import LARGEST_FILE, MOST_UPLOADS_AT_ONCE

MOST_FILES = 100  # in one form; those beyond ``MOST_AT_ONCE`` are told that they are left out
LONGEST_ID = 100  # characters of the name under which a client asks for progress
MOST_PROGRESS = 256  # uploads whose progress is remembered, those that have ended included
APPEARS_WITHIN = 3.0  # seconds: the page asks for the progress of an upload when it begins to send it
LOOK_EVERY = 0.1  # seconds


def routes() -> list[Route]:
    """For the server; they come before gradio's."""
    return [
        Route(f"{API_PREFIX}/upload", _receive, methods=["POST"]),
        Route(f"{API_PREFIX}/upload_progress", _tell_progress),
        Route(f"{API_PREFIX}/file={{path:path}}", _serve),
    ]


class Progress:
    """What has come in of one upload; an ``UploadProgress``."""

    def __init__(self):
        self.received: dict[str, int] = {}  # name of a file -> bytes that nobody was told of yet
        self.ended = False

    def append(self, upload_id: str, filename: str, message_bytes: bytes) -> None:
        self.received[filename] = self.received.get(filename, 0) + len(message_bytes)

    def set_done(self, upload_id: str) -> None:
        self.ended = True


_progress: OrderedDict[str, Progress] = OrderedDict()  # by the name that the client gave, the oldest first
_coming: Counter[str] = Counter()  # address of a client -> its uploads that are on their way


async def _receive(request: Request) -> Response:
    """Answers with the paths of the files, as gradio does."""
    client = request.client.host if request.client else ""
    if _coming[client] >= MOST_UPLOADS_AT_ONCE:
        return PlainTextResponse(wording.TOO_MANY_UPLOADS, 429)
    progress = _begin_progress(request.query_params.get("upload_id", ""))
    _coming[client] += 1
    try:
        with uploads.room_for(int(request.headers["content-length"])) as room:
            return await _taken_in(request, room, progress)
    except uploads.NoRoom:
        return PlainTextResponse(wording.NO_ROOM, 503)
    finally:
        progress.ended = True
        _coming[client] -= 1
        if not _coming[client]:
            del _coming[client]


async def _taken_in(request: Request, room: uploads.Room, progress: Progress) -> Response:
    folder = await run_in_threadpool(uploads.new_folder)
    kept = False
    try:
        files = await receive_files(request, folder, MOST_FILES, LARGEST_FILE, progress)
        paths = await run_in_threadpool(_put_in_place, folder, files)
        if paths:
            room.keep(paths)
            kept = True
            return Response(json.dumps([str(path) for path in paths]), media_type="application/json")
        return PlainTextResponse(wording.NO_FILE, 400)
    except MultiPartException as error:
        return PlainTextResponse(error.message, 413 if "maximum allowed size" in error.message else 400)
    except (ValueError, KeyError):  # a name that is none, a form without a type or with an odd boundary
        return PlainTextResponse(wording.NO_FORM, 400)
    except ClientDisconnect:
        return PlainTextResponse(wording.NO_FORM, 400)  # to nobody
    finally:
        if not kept:
            await run_in_threadpool(uploads.discard, folder)


def _put_in_place(folder: Path, files: list[UploadFile]) -> list[Path]:
    """Gives what came in the names that it was sent with.

    Raises:
        ValueError: a name cannot be that of a file.
    """
    paths = []
    for number, file in enumerate(files):
        own = folder / str(number)  # two files may have the same name
        path = path_for(own, Path(file.filename or "clip").name)
        file.file.close()
        own.mkdir(mode=0o700)
        Path(file.file.name).rename(path)
        paths.append(path)
    return paths


def _begin_progress(upload_id: str) -> Progress:
    progress = Progress()
    if upload_id and len(upload_id) <= LONGEST_ID:
        _progress[upload_id] = progress
        while len(_progress) > MOST_PROGRESS:
            _progress.popitem(last=False)
    return progress


async def _tell_progress(request: Request) -> Response:
    """Events as gradio's page expects them; 404 for an upload that is not there."""
    upload_id = request.query_params.get("upload_id", "")
    for _ in range(round(APPEARS_WITHIN / LOOK_EVERY)):
        if upload_id in _progress:
            return StreamingResponse(_events(_progress[upload_id]), media_type="text/event-stream")
        await asyncio.sleep(LOOK_EVERY)
    return PlainTextResponse(wording.NO_UPLOAD, 404)


async def _events(progress: Progress) -> AsyncIterator[str]:
    while True:
        ended = progress.ended
        received, progress.received = progress.received, {}
        for name, size in received.items():
            yield f"data: {json.dumps({'msg': 'update', 'orig_name': name, 'chunk_size': size})}\n\n"
        if ended:
            yield f"data: {json.dumps({'msg': 'done'})}\n\n"
            return
        await asyncio.sleep(LOOK_EVERY)


async def _serve(request: Request) -> Response:
    """A visitor's own file, or a shipped one; for the browser's player, hence with ranges."""
    path = uploads.find(request.path_params["path"]) or client_files.shipped(request.path_params["path"])
    if path is None:
        return PlainTextResponse(wording.NOT_SERVED, 404)
    kind = mimetypes.guess_type(path.name)[0]
    shown = kind in XSS_SAFE_MIMETYPES
    return FileResponse(
        path, media_type=kind if shown else "application/octet-stream", filename=path.name,
        content_disposition_type="inline" if shown else "attachment", headers={"X-Content-Type-Options": "nosniff"},
    )  # fmt: skip
