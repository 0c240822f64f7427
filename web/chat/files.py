"""Files into and out of chats: uploads with a size cap and safe names, downloads that never leave their folder."""

import asyncio
import contextlib
import errno
import os
import re
import secrets
import stat
import unicodedata
from pathlib import Path
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from kernel.clock import Clock
from kernel.errors import InvalidInput, NotFound, StoreFull
from kernel.messages import Attachment
from web.chat.media import SHOWN, kind_of, mime_of
from web.chat.shapes import UploadView
from web.errors import TooLarge

UPLOAD = re.compile(r"[0-9a-f]{32}--[^/\x00]{1,200}")
UNSAFE = re.compile(r"[^\w .,()+@-]")
DAY = 24 * 3600.0

# What waits in the folder together may be this many times the largest file.
WAITING = 25

SANDBOX = "default-src 'none'; sandbox"


def safe_name(name: str) -> str:
    """Return a file's name without anything that means something to a file system or a terminal, 120 bytes at most."""
    text = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    text = UNSAFE.sub("_", text).strip(" .") or "file"
    stem, dot, suffix = text.rpartition(".")
    if not stem:
        stem, dot, suffix = text, "", ""
    suffix = suffix[:16]
    room = 120 - len(f"{dot}{suffix}".encode())
    return (stem.encode()[:room].decode(errors="ignore") + dot + suffix).rstrip(" .")


async def receive(request: Request, folder: Path, name: str, limit: int) -> UploadView:
    """Stream a request's body into ``folder``; raise TooLarge, StoreFull or InvalidInput, leaving nothing behind."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(name, limit)
    await asyncio.to_thread(_check_room, folder, limit)
    name = safe_name(name)
    upload = f"{secrets.token_hex(16)}--{name}"
    try:
        size = await _store(request, folder / upload, name, limit)
    except BaseException:
        with contextlib.suppress(OSError):
            (folder / upload).unlink()
        raise
    return UploadView(upload=upload, name=name, mime=mime_of(name), size=size)


async def _store(request: Request, target: Path, name: str, limit: int) -> int:
    size = 0
    try:
        descriptor = os.open(
            target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        with os.fdopen(descriptor, "wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise _too_large(name, limit)
                await asyncio.to_thread(file.write, chunk)
    except ClientDisconnect:
        raise InvalidInput(
            "The connection broke during the upload.", remedy="Upload the file again."
        ) from None
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFull("The disk is full; the file was not kept.", remedy="Free some space.") from error
        raise
    return size


def _too_large(name: str, limit: int) -> TooLarge:
    return TooLarge(
        f"{safe_name(name)} is larger than {_megabytes(limit)}.",
        remedy="Raise web.upload_limit, or send a smaller file.",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.3g} MB"


def _check_room(folder: Path, limit: int) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    waiting = sum(entry.stat().st_size for entry in folder.iterdir())
    if waiting > WAITING * limit:
        raise StoreFull(
            "Too many uploads wait for a message that names them.", remedy="They are removed after a day."
        )


def remove_old(folder: Path, clock: Clock) -> int:
    """Remove uploads that no message named within a day; return how many."""
    removed = 0
    for entry in folder.iterdir() if folder.is_dir() else ():
        if clock.now() / 1000 - entry.lstat().st_mtime > DAY:
            entry.unlink(missing_ok=True)
            removed += 1
    return removed


def attachment_of(folder: Path, view: UploadView) -> Attachment:
    """Return an upload as the attachment of a message; raise InvalidInput for a name that was not made here.

    An upload that is gone is no error here: the message may have been posted before, and the gateway says what lacks.
    """
    if not UPLOAD.fullmatch(view.upload):
        raise InvalidInput(
            "This is no upload of this chat.", remedy="Upload the file, and pass on what that answered."
        )
    path, name = folder / view.upload, view.upload.partition("--")[2]
    size = path.stat().st_size if path.is_file() else view.size
    return Attachment(kind_of(mime_of(name)), str(path), name, mime_of(name), size)


def download(file: Attachment, home: Path, *, shown: bool) -> Response:
    """Return a file of a message; raise NotFound where it is gone or no longer where the message put it."""
    path = _proven(Path(file.path), home)
    name = safe_name(file.name or path.name)
    mime = file.mime or mime_of(name)
    place = "inline" if shown and mime in SHOWN else "attachment"
    headers = {
        "content-disposition": f"{place}; filename*=UTF-8''{quote(name)}",
        "content-security-policy": SANDBOX,
        "cache-control": "private, max-age=3600",
    }
    return FileResponse(
        path, media_type=mime if mime in SHOWN else "application/octet-stream", headers=headers
    )


def _proven(path: Path, home: Path) -> Path:
    """Return the path of a regular file that no link leads elsewhere, and that is none of the home's own files."""
    found = path if path.is_absolute() else home / path
    gone = NotFound("This file is not there any more.")
    try:
        real = found.resolve(strict=True)
        regular = stat.S_ISREG(real.stat().st_mode)
    except (OSError, RuntimeError):
        raise gone from None
    parts = real.relative_to(home.resolve()).parts if real.is_relative_to(home.resolve()) else ("media",)
    moved = real != found.parent.resolve() / found.name
    if not regular or moved or ".." in found.parts or parts[0] not in {"media", "workspace"}:
        raise gone
    return real
