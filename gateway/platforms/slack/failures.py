"""What Slack's errors mean for whoever called."""

from gateway.platforms.slack.web import CallFailed, Flooded, Refused, ServerFailed, Unreachable
from kernel.errors import (
    DeliveryDeferred,
    DeliveryError,
    DeliveryRejected,
    DeliveryUncertain,
    PlatformError,
    PlatformUnauthorised,
    PlatformUnavailable,
)

BOT_TOKEN, APP_TOKEN = "bot token", "app-level token"
UNAVAILABLE_SECONDS = 5.0
UNAUTHORISED_SECONDS = 60.0
# After these words a call may have had its effect all the same (docs of chat.postMessage).
HALF_DONE = frozenset({"fatal_error", "internal_error", "request_timeout"})
PASSING = HALF_DONE | {"service_unavailable", "team_added_to_org", "accesslimited", "message_limit_exceeded"}
TOKEN = {
    "invalid_auth": "The token is not valid",
    "not_authed": "There is no token",
    "account_inactive": "The app was uninstalled or its workspace deleted",
    "token_revoked": "The token was revoked",
    "token_expired": "The token has expired",
    "not_allowed_token_type": "The token is of the wrong kind",
    "no_permission": "The token lacks a permission",
    "org_login_required": "The workspace is moving to another organisation",
    "ekm_access_denied": "An administrator has suspended the app",
    "team_access_not_granted": "The app was not given this workspace",
    "app_missing_action_url": "The app is not set up completely",
}
REMEDIES = {
    "not_in_channel": "Invite the app to the channel: /invite @Hermes.",
    "channel_not_found": "Invite the app to the channel, or check the address.",
    "is_archived": "The channel is archived.",
    "missing_scope": "Add the scope to the app and install it again; `hermes setup slack --manifest` lists them all.",
    "unknown_method": "This server speaks Slack's protocol without it.",
    "msg_too_long": "The message is too long for Slack.",
}


def describe(error: CallFailed) -> str:
    """Say in a few words what went wrong, without an address or a token in them."""
    if isinstance(error, Refused) and error.needed:
        return f"{error.code} ({error.needed})"
    return str(error)


def delivery_error(error: CallFailed, *, repeatable: bool = False) -> DeliveryError:
    """Return what a failed call means for the message; a ``repeatable`` one may simply be made again."""
    said = describe(error)
    match error:
        case Flooded():
            return DeliveryDeferred("Slack asks to wait.", retry_after=error.retry_after)
        case Refused() if error.code in TOKEN:
            return DeliveryDeferred(f"Slack refuses the bot token: {said}.", retry_after=UNAUTHORISED_SECONDS)
        case Refused() if error.code in HALF_DONE and not repeatable:
            return DeliveryUncertain(f"Slack failed on the way: {said}.")
        case Refused() if error.code in PASSING:
            return DeliveryDeferred(f"Slack has trouble: {said}.", retry_after=UNAVAILABLE_SECONDS)
        case Refused():
            return DeliveryRejected(
                f"Slack refuses the message: {said}.", remedy=REMEDIES.get(error.code, "")
            )
        case Unreachable() if error.sent and not repeatable:
            return DeliveryUncertain(f"Slack took the message and gave no receipt: {said}.")
        case _:
            return DeliveryDeferred(f"Slack cannot be reached: {said}.", retry_after=UNAVAILABLE_SECONDS)


def doubtful(error: CallFailed) -> bool:
    """Tell whether the call may have had its effect though it has to be made again."""
    if isinstance(error, ServerFailed):
        return True
    return isinstance(delivery_error(error), DeliveryUncertain)


def platform_error(error: CallFailed, which: str = BOT_TOKEN) -> PlatformError:
    """Return what a failed call means for the connection."""
    said = describe(error)
    match error:
        case Flooded():
            return PlatformUnavailable("Slack asks to wait.", retry_after=error.retry_after)
        case Refused() if error.code in TOKEN:
            return PlatformUnauthorised(
                f"Slack refuses the {which}: {TOKEN[error.code]} ({said}).",
                remedy="Take a valid one from api.slack.com/apps.",
            )
        case Refused() if error.code == "missing_scope":
            return PlatformUnauthorised(
                f"The {which} lacks a scope: {said}.",
                remedy="Add it, install the app again and take the new token.",
            )
        case _:
            return PlatformUnavailable(f"Slack cannot be reached: {said}.")
