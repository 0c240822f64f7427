"""Telegram as the gateway sees it."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from telegram import BotCommand, WebhookInfo
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from gateway.adapter import (
    Bubbles,
    Capabilities,
    Closes,
    Drafts,
    Fetches,
    Identity,
    Link,
    Mark,
    MenuEntry,
    Menus,
    Probe,
    Probes,
    Reactions,
    Streaming,
    Taps,
    Threads,
    Typing,
)
from gateway.platforms.telegram import convert, files, sending
from gateway.platforms.telegram.failures import delivery_error, platform_error, says
from gateway.platforms.telegram.introduction import Introduction
from gateway.platforms.telegram.polling import Polling
from gateway.platforms.telegram.request import ApiBot, ApiRequest, Flooded, connect, silence
from gateway.platforms.telegram.settings import Mode, TelegramSettings
from gateway.platforms.telegram.webhook import Webhook
from gateway.transport.downloads import MEGABYTE
from kernel.clock import Clock
from kernel.errors import ConfigError, DeliveryRejected, StoreError
from kernel.messages import Address, Attachment, Outbound, Receipt

CLIENT_SPLIT = 4000
# Progress is one message whatever becomes of its format; what is new stands at its end.
BUBBLE_LIMIT = 3500
TOAST_LIMIT = 200
MENU_LIMIT = 100
MENU_SUMMARY = 256
TOPIC_NAME = 128
NAME_SECONDS = 5.0
SIGNS = {Mark.SEEN: "👀", Mark.DONE: "👍", Mark.FAILED: "👎"}
ALWAYS = frozenset({Bubbles, Typing, Taps, Fetches, Menus, Threads, Closes, Probes})


class TelegramAdapter:
    """One bot: polls or listens for updates, sends, and shows progress."""

    def __init__(self, settings: TelegramSettings, clock: Clock) -> None:
        if not settings.account:
            raise ConfigError(
                "The Telegram bot token does not look like one (123456:ABC…).",
                remedy="Copy it again from @BotFather.",
            )
        silence(settings.token.get_secret_value().strip())
        self._settings = settings
        self._clock = clock
        self._identity = Identity("telegram", settings.account)
        self._introduction = Introduction(int(settings.account))
        self._polling = Polling(settings, self._introduction)
        self._link: Link | None = None
        self._drafts = settings.drafts
        self._draftless: set[str] = set()

    @cached_property
    def _request(self) -> ApiRequest:
        return ApiRequest(self._settings, self._settings.connections, self._settings.request_seconds)

    @cached_property
    def _bot(self) -> ApiBot:
        return connect(self._settings, self._request)

    @cached_property
    def _courier(self) -> sending.Courier:
        return sending.Courier(self._bot, link_previews=self._settings.link_previews)

    @property
    def identity(self) -> Identity:
        """The bot's id, read from its token."""
        return self._identity

    @property
    def capabilities(self) -> Capabilities:
        """Telegram's limits, and the abilities that are switched on; drafts go when the server does not know them."""
        wanted = {Drafts: self._drafts, Reactions: self._settings.reactions}
        return Capabilities(
            text_limit=sending.ROOM,
            length_unit="utf16",
            client_split=CLIENT_SPLIT,
            streaming=Streaming.DRAFT if self._drafts else Streaming.EDIT,
            edit_interval=self._settings.edit_interval,
            buttons=True,
            files=True,
            file_limit=self._settings.file_megabytes * MEGABYTE,
            threads=True,
            reactions=self._settings.reactions,
            per_second=30.0,
            per_chat=1.0,
            per_group_minute=20.0,
            abilities=ALWAYS | {kind for kind, on in wanted.items() if on},
        )

    async def run(self, link: Link) -> None:
        """Receive until cancelled.

        Raises PlatformUnavailable, PlatformConflict or PlatformUnauthorised.
        """
        self._link = link
        try:
            if self._settings.mode is Mode.WEBHOOK:
                await Webhook(self._settings, self._introduction).run(link, self._bot)
            else:
                await self._polling.run(link, self._bot)
        finally:
            self._link = None
            await self._introduction.end()

    async def close(self) -> None:
        """Close the connections; nothing can be sent afterwards."""
        await self._introduction.end()
        if "_request" in self.__dict__:
            await self._request.shutdown()

    async def send(self, message: Outbound) -> Receipt:
        """Deliver one message; raise DeliveryDeferred, DeliveryRejected or DeliveryUncertain."""
        try:
            return Receipt(await self._courier.deliver(message))
        except ChatMigrated as moved:
            await self._tell_move(message.address, moved.new_chat_id)
            return Receipt(await self._courier.deliver(sending.moved(message, moved.new_chat_id)))

    async def _tell_move(self, old: Address, new: int) -> None:
        if self._link is None:
            return
        try:
            await self._link.receive((convert.migrated(int(old.chat), new, self._introduction.me),))
        except StoreError:
            # The next message to the old chat is refused in the same way, and the move told again.
            return

    async def draft(self, address: Address, draft_id: int, text: str) -> None:
        """Show the answer as far as it is written; only private chats have drafts."""
        if not self._drafts or address.chat in self._draftless or address.chat.startswith(("-", "@")):
            raise DeliveryRejected("Telegram shows no drafts in this chat.")
        shown = sending.shown(text)
        where = sending.target(address)
        try:
            await self._bot.send_message_draft(
                draft_id=draft_id, text=shown[-1].html if shown else None, parse_mode=ParseMode.HTML, **where
            )
        except InvalidToken as error:
            # The Bot API answers 404 to a method it does not know, and 401 to a revoked token.
            self._drafts = not says(error, "not found")
            raise delivery_error(error, repeatable=True) from None
        except BadRequest as error:
            self._draftless.add(address.chat)
            raise delivery_error(error) from None
        except TelegramError as error:
            raise delivery_error(error, repeatable=True) from None

    async def bubble(self, address: Address, message_id: str, text: str) -> str:
        """Send or edit a transient, silent message; return its id."""
        receipt = await self.send(Outbound(address, text[-BUBBLE_LIMIT:], replaces=message_id, silent=True))
        return receipt.message_ids[0]

    async def burst(self, address: Address, message_id: str) -> None:
        """Delete a transient message."""
        try:
            await self._bot.delete_message(sending.chat_id(address), sending.number(message_id))
        except BadRequest:
            return
        except TelegramError as error:
            raise delivery_error(error, repeatable=True) from None

    async def typing(self, address: Address) -> None:
        """Show "typing" for the five seconds Telegram keeps it."""
        await self._passing(self._bot.send_chat_action(action="typing", **sending.target(address)))

    async def react(self, address: Address, message_id: str, mark: Mark) -> None:
        """Put a reaction on a message, in place of an earlier one."""
        await self._passing(
            self._bot.set_message_reaction(sending.chat_id(address), sending.number(message_id), SIGNS[mark])
        )

    async def acknowledge(self, tap_id: str, text: str) -> None:
        """End a button's waiting state and show a short text."""
        try:
            await self._bot.answer_callback_query(tap_id, text[:TOAST_LIMIT] or None)
        except BadRequest:
            return
        except TelegramError as error:
            raise delivery_error(error, repeatable=True) from None

    async def _passing(self, call: Any) -> None:
        try:
            await call
        except TelegramError as error:
            raise delivery_error(error, repeatable=True) from None

    async def fetch(self, attachment: Attachment, target: Path, limit: int) -> int:
        """Download an attachment; raise DeliveryRejected or PlatformUnavailable."""
        return await files.fetch(self._bot, self._request, attachment, target, limit)

    async def menu(self, entries: Sequence[MenuEntry]) -> None:
        """Make the command menu equal to ``entries``."""
        commands = [BotCommand(e.name, e.summary[:MENU_SUMMARY]) for e in entries[:MENU_LIMIT]]
        try:
            await self._bot.set_my_commands(commands)
        except TelegramError as error:
            raise platform_error(error) from None

    async def create_thread(self, parent: Address, name: str) -> Address | None:
        """Open a topic in a forum, or in a private chat where the bot's topics are switched on."""
        if not parent.chat.startswith("-") and not await self._has_topics():
            return None
        try:
            topic = await self._bot.create_forum_topic(
                int(parent.chat), name.strip()[:TOPIC_NAME] or "Hermes"
            )
        except (BadRequest, Forbidden):
            return None
        except Flooded as error:
            raise delivery_error(error) from None
        except TelegramError as error:
            raise platform_error(error) from None
        return parent._replace(thread=str(topic.message_thread_id))

    async def _has_topics(self) -> bool:
        self._introduction.begin(self._bot)
        return await self._introduction.wait(NAME_SECONDS) and self._introduction.me.topics

    async def probe(self) -> Probe:
        """Ask Telegram who the bot is; raise PlatformUnauthorised or PlatformUnavailable."""
        try:
            me = await self._introduction.learn(self._bot)
            hook = await self._bot.get_webhook_info()
        except TelegramError as error:
            raise platform_error(error) from None
        return Probe(f"@{me.username}", tuple(self._warnings(me, hook)))

    def _warnings(self, me: convert.Me, hook: WebhookInfo) -> list[str]:
        found: list[str] = []
        if not me.reads_groups:
            found.append(
                "Privacy mode is on: in groups the bot sees commands, mentions and replies to it only."
            )
        if not me.joins_groups:
            found.append("The bot may not be added to groups (@BotFather, /setjoingroups).")
        if hook.url and (self._settings.mode is Mode.POLLING or hook.url != self._settings.webhook.url):
            found.append(f"A webhook is set elsewhere ({hook.url}), so updates do not come here.")
        if hook.last_error_message and hook.url == self._settings.webhook.url:
            found.append(f"Telegram's last post to the webhook failed: {hook.last_error_message}.")
        return found
