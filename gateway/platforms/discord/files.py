"""Downloads of what people sent."""

import asyncio
from pathlib import Path
from typing import Any

from gateway.platforms.discord.failures import Refused, RestError, platform_error
from gateway.platforms.discord.rest import Rest
from gateway.transport.downloads import CHUNK, TooLarge, arriving, too_large, write
from kernel.errors import DeliveryRejected, PlatformUnavailable
from kernel.messages import Attachment

DOWNLOAD_SECONDS = 600.0


async def fetch(rest: Rest, attachment: Attachment, target: Path, limit: int) -> int:
    """Write an attachment to ``target``, whole or not at all; return its size in bytes.

    Raises DeliveryRejected when it is larger than ``limit`` or gone, PlatformUnavailable when it may work later.
    """
    if attachment.size > limit:
        raise too_large(attachment, limit)
    url, _, where = attachment.ref.partition("#")
    try:
        async with asyncio.timeout(DOWNLOAD_SECONDS), arriving(target) as part:
            return await _fetched(rest, url, where, part, limit)
    except TooLarge:
        raise too_large(attachment, limit) from None
    except Refused:
        raise DeliveryRejected(f"{attachment.name} is gone at Discord.") from None
    except RestError as error:
        raise platform_error(error) from None
    except TimeoutError:
        raise PlatformUnavailable(f"{attachment.name} did not arrive within ten minutes.") from None


async def _fetched(rest: Rest, url: str, where: str, part: Path, limit: int) -> int:
    """Download from an address, or from a new one where Discord has let it expire."""
    if not url.startswith(("https://", "http://")):
        raise Refused(404)
    try:
        return await _download(rest, url, part, limit)
    except Refused:
        return await _download(rest, await _renewed(rest, where), part, limit)


async def _renewed(rest: Rest, where: str) -> str:
    """Return an attachment's address as it is now; raise Refused where it is gone."""
    channel, _, rest_of = where.partition("/")
    message, _, id = rest_of.partition("/")
    if not (channel.isdecimal() and message.isdecimal()):
        raise Refused(404)
    path = "/channels/{channel_id}/messages/{message_id}"
    raw: dict[str, Any] = await rest.call("GET", path, channel_id=channel, message_id=message)
    for file in raw.get("attachments") or ():
        if str(file["id"]) == id:
            return str(file["url"])
    raise Refused(404)


async def _download(rest: Rest, url: str, part: Path, limit: int) -> int:
    async with rest.download(url) as answer:
        return await write(answer.content.iter_chunked(CHUNK), part, limit)
