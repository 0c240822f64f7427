"""Slack through an incoming webhook alone: Hermes can be heard there, and nobody can answer."""

import asyncio

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient

from gateway.adapter import Capabilities, Closes, Identity, Link
from gateway.platforms.slack.failures import delivery_error
from gateway.platforms.slack.mrkdwn import TEXT_LIMIT, pieces
from gateway.platforms.slack.sending import ROOM
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import (
    CONNECT_SECONDS,
    CallFailed,
    Flooded,
    Refused,
    ServerFailed,
    Unreachable,
    bounded,
    silence,
)
from kernel.clock import Clock
from kernel.errors import DeliveryRejected
from kernel.messages import Address, Outbound, OutboundKind, Receipt

CHAT = "webhook"
OK, TOO_MANY, FAILED = 200, 429, 500
MUTE = (
    "Slack can show what Hermes says but nobody can answer there: only the webhook is set. "
    "Decide on another platform or by `hermes approvals`; with SLACK_BOT_TOKEN and SLACK_APP_TOKEN it answers."
)


class SlackOutlet:
    """One incoming webhook; what it is given to say is said in the channel it was made for."""

    def __init__(self, settings: SlackSettings, clock: Clock) -> None:
        silence(settings.secrets)
        self._settings = settings
        self._clock = clock
        self._identity = Identity("slack", settings.installation)
        self._session: aiohttp.ClientSession | None = None

    @property
    def identity(self) -> Identity:
        """The webhook's workspace and app, read from its address."""
        return self._identity

    @property
    def home(self) -> Address:
        """The one chat there is."""
        return Address("slack", self._identity.account, CHAT)

    @property
    def capabilities(self) -> Capabilities:
        """Text, and nothing else."""
        return Capabilities(
            text_limit=ROOM,
            remote=False,
            lasting=False,
            per_second=1.0,
            per_chat=1.0,
            per_group_minute=60.0,
            abilities=frozenset({Closes}),
        )

    async def run(self, link: Link) -> None:
        """Say that nobody can answer, and wait until cancelled."""
        link.connected()
        link.degraded(MUTE)
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, message: Outbound) -> Receipt:
        """Say one message; raise DeliveryDeferred, DeliveryRejected or DeliveryUncertain."""
        if message.kind is OutboundKind.FILE:
            raise DeliveryRejected("A webhook takes no files.")
        cut = pieces(message.text, TEXT_LIMIT)
        if not cut:
            raise DeliveryRejected("The message is empty.")
        mark = "↻ " if message.resend else ""
        try:
            for piece in cut:
                await self._post(mark + piece.mrkdwn)
        except CallFailed as error:
            raise delivery_error(error) from None
        return Receipt(())

    async def _post(self, text: str) -> None:
        if self._session is None or self._session.closed:
            wait = aiohttp.ClientTimeout(total=self._settings.request_seconds, connect=CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=wait)
        client = AsyncWebhookClient(
            self._settings.webhook_url.get_secret_value().strip(),
            session=self._session,
            proxy=self._settings.proxy or None,
            retry_handlers=[],
        )
        try:
            answer = await client.send(
                text=text,
                unfurl_links=self._settings.link_previews,
                unfurl_media=self._settings.link_previews,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(type(error).__name__, sent=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(type(error).__name__, sent=True) from None
        if answer.status_code == TOO_MANY:
            raise Flooded(bounded(answer.headers.get("Retry-After")))
        if answer.status_code >= FAILED:
            raise ServerFailed(answer.status_code)
        if answer.status_code != OK:
            raise Refused(answer.body.strip()[:80] or f"HTTP {answer.status_code}")
