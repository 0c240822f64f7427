"""Downloads of what people sent."""

import asyncio
from pathlib import Path

from telegram.error import BadRequest, InvalidToken, TelegramError

from gateway.platforms.telegram.failures import platform_error, says
from gateway.platforms.telegram.request import ApiBot, ApiRequest
from gateway.transport.downloads import TooLarge, arriving, too_large
from kernel.errors import DeliveryRejected, PlatformUnavailable
from kernel.messages import Attachment

DOWNLOAD_SECONDS = 600.0
ALSO = " or than what Telegram hands to bots (20 MB)"


async def fetch(bot: ApiBot, request: ApiRequest, attachment: Attachment, target: Path, limit: int) -> int:
    """Write an attachment to ``target``, whole or not at all; return its size in bytes.

    Raises DeliveryRejected when it is larger than ``limit`` or gone, PlatformUnavailable when it may work later.
    """
    if attachment.size > limit:
        raise too_large(attachment, limit, ALSO)
    try:
        async with asyncio.timeout(DOWNLOAD_SECONDS), arriving(target) as part:
            return await request.download(await bot.file_address(attachment.ref), part, limit)
    except TooLarge:
        raise too_large(attachment, limit, ALSO) from None
    except BadRequest as error:
        if says(error, "too big"):
            raise too_large(attachment, limit, ALSO) from None
        raise DeliveryRejected(f"{attachment.name} is gone at Telegram.") from None
    except InvalidToken:
        raise DeliveryRejected(f"{attachment.name} is gone at Telegram.") from None
    except TelegramError as error:
        raise platform_error(error) from None
    except TimeoutError:
        raise PlatformUnavailable(f"{attachment.name} did not arrive within ten minutes.") from None
