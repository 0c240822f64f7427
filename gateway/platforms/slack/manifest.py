"""The app's manifest: all that Slack has to know of Hermes, and nothing that Hermes does not use."""

from collections.abc import Set as AbstractSet
from typing import Any

from gateway.platforms.slack.settings import Mode, SlackSettings

# Each scope with what it is for.
SCOPES = {
    "app_mentions:read": "hear what is meant for Hermes in channels",
    "assistant:write": "show in a thread that an answer is being prepared",
    "channels:history": "read public channels Hermes was invited to, and catch up after a pause",
    "channels:read": "know the names of public channels",
    "chat:write": "write",
    "commands": "the slash command",
    "files:read": "receive files",
    "files:write": "send files",
    "groups:history": "read private channels Hermes was invited to",
    "groups:read": "know the names of private channels",
    "im:history": "read direct messages",
    "im:read": "know the direct messages there are",
    "im:write": "write to somebody first",
    "mpim:history": "read group messages",
    "mpim:read": "know the group messages there are",
    "reactions:write": "acknowledge by reactions",
    "users:read": "know people's names",
}
EVENTS = (
    "app_mention",
    "assistant_thread_started",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
)


def manifest(settings: SlackSettings) -> dict[str, Any]:
    """Return the manifest to paste at api.slack.com/apps (Create New App, From a manifest)."""
    http = settings.mode is Mode.HTTP
    url = settings.http.url.rstrip("/") or f"https://your.domain{settings.http.path}"
    address = {"request_url": url} if http else {}
    command = {
        "command": settings.command,
        "description": "Speak to Hermes, or give it a command",
        "usage_hint": "status | help | what you want to say",
        "should_escape": False,
    }
    return {
        "display_information": {
            "name": "Hermes",
            "description": "Your agents within reach",
            "background_color": "#1f2933",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Hermes", "always_online": True},
            "slash_commands": [command | ({"url": url} if http else {})],
            "assistant_view": {"assistant_description": "Your agents within reach"},
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": address | {"bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True} | address,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not http,
            "token_rotation_enabled": False,
        },
    }


def missing(scopes: AbstractSet[str]) -> tuple[str, ...]:
    """Return a sentence for each scope the token lacks; where the server names none, nothing is known."""
    if not scopes:
        return ()
    return tuple(
        f"The bot token lacks the scope {scope}: {why}."
        for scope, why in SCOPES.items()
        if scope not in scopes
    )
