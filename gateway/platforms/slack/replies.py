"""Where slash commands may be answered: also in channels that the app is not in, for half an hour and five times."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient

from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api, ServerFailed, Unreachable
from kernel.clock import Clock

# https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
SECONDS, TIMES = 1800.0, 5
KEPT = 1000
OK = 200


@dataclass(slots=True)
class Reply:
    """One address, when it ends (monotonic seconds), and how often it may still be used."""

    url: str
    until: float
    left: int = TIMES


class Replies:
    """Keeps the latest slash command's address of each channel."""

    def __init__(self, settings: SlackSettings, api: Api, clock: Clock) -> None:
        self._settings = settings
        self._api = api
        self._clock = clock
        self._known: OrderedDict[str, Reply] = OrderedDict()

    def note(self, channel: str, url: str) -> None:
        """Remember where a command in a channel may be answered."""
        allowed = ("https://", "http://") if self._settings.local else ("https://",)
        if not channel or not url.startswith(allowed):
            return
        self._known[channel] = Reply(url, self._clock.monotonic() + SECONDS)
        self._known.move_to_end(channel)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)

    async def answer(self, channel: str, text: str, blocks: list[dict[str, Any]]) -> bool:
        """Answer whoever gave the command, and nobody else; return whether that was possible.

        Raises ServerFailed or Unreachable.
        """
        reply = self._known.get(channel)
        if reply is None or not reply.left or self._clock.monotonic() > reply.until:
            return False
        reply.left -= 1
        client = AsyncWebhookClient(
            reply.url, session=self._api.session, proxy=self._settings.proxy or None, retry_handlers=[]
        )
        try:
            made = await client.send(text=text, blocks=blocks or None, response_type="ephemeral")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(type(error).__name__, sent=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(type(error).__name__, sent=True) from None
        if made.status_code != OK:
            raise ServerFailed(made.status_code)
        return True
