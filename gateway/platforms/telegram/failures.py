"""What Telegram's errors mean for whoever called."""

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
)

from gateway.platforms.telegram.request import Flooded, ServerFailed
from kernel.errors import (
    DeliveryDeferred,
    DeliveryError,
    DeliveryRejected,
    DeliveryUncertain,
    PlatformConflict,
    PlatformError,
    PlatformUnauthorised,
    PlatformUnavailable,
)

# Nothing of the request had been written when these were raised.
NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
GATEWAY_TIMEOUT = 504
UNAVAILABLE_SECONDS = 5.0
UNAUTHORISED_SECONDS = 60.0


def unsent(error: TelegramError) -> bool:
    """Tell whether the request certainly had no effect."""
    if isinstance(error, ServerFailed):
        return error.status != GATEWAY_TIMEOUT
    if isinstance(error, BadRequest | Flooded | Forbidden | InvalidToken | Conflict):
        return True
    return isinstance(error.__cause__, NOT_SENT)


def says(error: TelegramError, *signs: str) -> bool:
    """Tell whether Telegram's description holds one of ``signs``, in lower case; the library changes its letters."""
    text = error.message.casefold()
    return any(sign in text for sign in signs)


def describe(error: TelegramError) -> str:
    """Say in a few words what went wrong, without an address or a token in them."""
    if isinstance(error.__cause__, httpx.HTTPError):
        return type(error.__cause__).__name__
    return error.message.removeprefix("Forbidden: ")


def delivery_error(error: TelegramError, *, repeatable: bool = False) -> DeliveryError:
    """Return what a failed call means for the message; a ``repeatable`` one may simply be made again."""
    said = describe(error)
    match error:
        case Flooded():
            return DeliveryDeferred("Telegram asks to wait.", retry_after=error.retry_after)
        case InvalidToken():
            return DeliveryDeferred("Telegram refuses the bot token.", retry_after=UNAUTHORISED_SECONDS)
        case ChatMigrated():
            return DeliveryRejected("The group became a supergroup with another id.")
        case BadRequest() | Forbidden():
            return DeliveryRejected(f"Telegram refuses the message: {said}.")
        case _ if repeatable or unsent(error):
            return DeliveryDeferred(f"Telegram cannot be reached: {said}.", retry_after=UNAVAILABLE_SECONDS)
        case _:
            return DeliveryUncertain(f"Telegram took the message and gave no receipt: {said}.")


def platform_error(error: TelegramError) -> PlatformError:
    """Return what a failed call means for the connection."""
    said = describe(error)
    match error:
        case Flooded():
            return PlatformUnavailable("Telegram asks to wait.", retry_after=error.retry_after)
        case InvalidToken() | Forbidden():
            return PlatformUnauthorised(
                f"Telegram refuses the bot token: {said}.", remedy="Take a new one from @BotFather."
            )
        case Conflict() if says(error, "webhook"):
            return PlatformConflict(
                "Telegram posts this bot's updates to a webhook that somebody set, so they cannot be polled.",
                remedy="Remove that webhook, or set take_over for Telegram.",
            )
        case Conflict():
            return PlatformConflict(
                "Another program receives with the same bot token.",
                remedy="Stop it, or give each program a bot of its own.",
            )
        case NetworkError() | _:
            return PlatformUnavailable(f"Telegram cannot be reached: {said}.")
