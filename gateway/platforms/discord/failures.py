"""What Discord's answers mean for whoever called."""

from enum import IntEnum
from http import HTTPStatus

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

UNAVAILABLE_SECONDS = 5.0
UNAUTHORISED_SECONDS = 60.0
RETRY_BOUNDS = (1.0, 3600.0)
RETRY_UNNAMED = 5.0


class Code(IntEnum):
    """The JSON error codes of https://discord.com/developers/docs/topics/opcodes-and-status-codes that we act on."""

    UNKNOWN_CHANNEL = 10003
    UNKNOWN_MESSAGE = 10008
    UNKNOWN_WEBHOOK = 10015
    UNKNOWN_INTERACTION = 10062
    ALREADY_ANSWERED = 40060
    NO_ACCESS = 50001
    NOT_OURS = 50005
    NO_PERMISSION = 50013
    ARCHIVED = 50083
    THREAD_EXISTS = 160004


class RestError(Exception):
    """A call that did not succeed."""


class Refused(RestError):
    """Discord answered with an error; ``code`` is its own (0: none given)."""

    def __init__(self, status: int, code: int = 0, text: str = "") -> None:
        super().__init__(f"HTTP {status}: {text or 'no reason given'}")
        self.status = status
        self.code = code
        self.text = text or f"HTTP {status}"

    @property
    def gone(self) -> bool:
        """Whether what the call was about does not exist."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def forbidden(self) -> bool:
        """Whether the bot may not do that."""
        return self.status == HTTPStatus.FORBIDDEN


class Flooded(RestError):
    """Too many calls; ``retry_after`` seconds must pass."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Too many calls, wait {retry_after:g} s")
        self.retry_after = retry_after


class NoAnswer(RestError):
    """There was no answer; ``sent`` says that the call may have had its effect all the same."""

    def __init__(self, what: str, *, sent: bool) -> None:
        super().__init__(what)
        self.what = what
        self.sent = sent


def bounded(seconds: object) -> float:
    """Read a platform's wish to wait; what is missing or no sensible number becomes one."""
    try:
        wished = float(seconds)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return RETRY_UNNAMED
    low, high = RETRY_BOUNDS
    return min(max(wished, low), high) if wished == wished else RETRY_UNNAMED  # noqa: PLR0124 - NaN


def delivery_error(error: RestError, *, repeatable: bool = False) -> DeliveryError:
    """Return what a failed call means for the message; a ``repeatable`` one may simply be made again."""
    match error:
        case Flooded():
            return DeliveryDeferred("Discord asks to wait.", retry_after=error.retry_after)
        case Refused(status=HTTPStatus.UNAUTHORIZED):
            return DeliveryDeferred("Discord refuses the bot token.", retry_after=UNAUTHORISED_SECONDS)
        case Refused(status=HTTPStatus.GATEWAY_TIMEOUT) if not repeatable:
            return DeliveryUncertain("Discord took the message and gave no receipt: HTTP 504.")
        case Refused(status=status) if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return DeliveryDeferred(f"Discord has trouble: HTTP {status}.", retry_after=UNAVAILABLE_SECONDS)
        case Refused():
            return DeliveryRejected(f"Discord refuses the message: {error.text.rstrip('.')}.")
        case NoAnswer(sent=True) if not repeatable:
            return DeliveryUncertain(f"Discord took the message and gave no receipt: {error.what}.")
        case _:
            return DeliveryDeferred(f"Discord cannot be reached: {error}.", retry_after=UNAVAILABLE_SECONDS)


def platform_error(error: RestError) -> PlatformError:
    """Return what a failed call means for the connection."""
    match error:
        case Flooded():
            return PlatformUnavailable("Discord asks to wait.", retry_after=error.retry_after)
        case Refused(status=HTTPStatus.UNAUTHORIZED):
            return unauthorised()
        case _:
            return PlatformUnavailable(f"Discord cannot be reached: {error}.")


def unauthorised() -> PlatformUnauthorised:
    """Return the error of a token that Discord does not take."""
    return PlatformUnauthorised(
        "Discord refuses the bot token.",
        remedy="Reset it under Bot at discord.com/developers/applications and set DISCORD_BOT_TOKEN anew.",
    )


AUTHENTICATION_FAILED = 4004
INVALID_SHARD = 4010
SHARDING_REQUIRED = 4011
INVALID_INTENTS = 4013
DISALLOWED_INTENTS = 4014

CONTENT_REFUSED = (
    "Discord does not show this bot the text of messages: I hear mentions and direct messages only. Switch on"
    " Message Content Intent under Bot at discord.com/developers/applications, then `/platforms pause discord` and"
    " `/platforms resume discord`; or set platforms.discord.message_content to false."
)


def closure(code: int | None) -> PlatformError:
    """Return what a close code of the gateway means; see *Gateway Close Event Codes* in Discord's documentation."""
    match code:
        case 4004:
            return unauthorised()
        case 4014 | 4013:
            return PlatformUnauthorised(
                "Discord refuses the intents that this bot asks for.",
                remedy="Switch on Message Content Intent at discord.com/developers/applications.",
            )
        case 4010 | 4011:
            return PlatformConflict(
                "Discord wants this bot's connections divided in another way.",
                remedy="Set platforms.discord.shards to 0, which takes what Discord recommends.",
            )
        case _:
            return PlatformUnavailable(f"Discord closed the connection with code {code}.")
