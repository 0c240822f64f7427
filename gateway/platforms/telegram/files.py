"""Downloads of what people sent."""

import asyncio
import os
from pathlib import Path

from telegram.error import BadRequest, InvalidToken, TelegramError

from gateway.platforms.telegram.failures import platform_error, says
from gateway.platforms.telegram.request import ApiBot, ApiRequest, TooLarge
from kernel.errors import DeliveryRejected, PlatformUnavailable
from kernel.messages import Attachment

DOWNLOAD_SECONDS = 600.0
MEGABYTE = 1024 * 1024


async def fetch(bot: ApiBot, request: ApiRequest, attachment: Attachment, target: Path, limit: int) -> int:
    """Write an attachment to ``target``, whole or not at all; return its size in bytes.

    Raises DeliveryRejected when it is larger than ``limit`` or gone, PlatformUnavailable when it may work later.
    """
    if attachment.size > limit:
        raise _too_large(attachment, limit)
    part = target.with_name(target.name + ".part")
    try:
        async with asyncio.timeout(DOWNLOAD_SECONDS):
            size = await request.download(await bot.file_address(attachment.ref), part, limit)
        await asyncio.to_thread(_keep, part, target)
    except TooLarge:
        raise _too_large(attachment, limit) from None
    except BadRequest as error:
        if says(error, "too big"):
            raise _too_large(attachment, limit) from None
        raise DeliveryRejected(f"{attachment.name} is gone at Telegram.") from None
    except InvalidToken:
        raise DeliveryRejected(f"{attachment.name} is gone at Telegram.") from None
    except TelegramError as error:
        raise platform_error(error) from None
    except TimeoutError:
        raise PlatformUnavailable(f"{attachment.name} did not arrive within ten minutes.") from None
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)
    return size


def _keep(part: Path, target: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)


def _too_large(attachment: Attachment, limit: int) -> DeliveryRejected:
    return DeliveryRejected(
        f"{attachment.name} is larger than {limit / MEGABYTE:g} MB or than what Telegram hands to bots (20 MB)."
    )
