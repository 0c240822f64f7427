"""What people sent, downloaded: whole and durable or not at all, and never more than is allowed."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from pathlib import Path

from kernel.errors import DeliveryRejected
from kernel.messages import Attachment

CHUNK = 256 * 1024
MEGABYTE = 1024 * 1024


class TooLarge(Exception):
    """A download is longer than its limit."""


@asynccontextmanager
async def arriving(target: Path) -> AsyncGenerator[Path]:
    """Give a path to download to; once that is done it becomes ``target``, and where it fails it is removed."""
    part = target.with_name(target.name + ".part")
    try:
        yield part
        await asyncio.to_thread(_settle, part, target)
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)


def _settle(part: Path, target: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)


async def write(chunks: AsyncIterable[bytes], target: Path, limit: int) -> int:
    """Write what arrives to ``target`` and return its size in bytes; raise TooLarge beyond ``limit``."""
    size = 0
    with await asyncio.to_thread(target.open, "wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"longer than {limit} bytes")
            await asyncio.to_thread(file.write, chunk)
    return size


def too_large(attachment: Attachment, limit: int, why: str = "") -> DeliveryRejected:
    """Return what is said of an attachment beyond ``limit`` bytes; ``why`` follows what it is larger than."""
    return DeliveryRejected(f"{attachment.name} is larger than {limit / MEGABYTE:g} MB{why}.")
