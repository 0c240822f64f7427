"""Slack as the gateway sees it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.adapter import (
    Bubbles,
    Capabilities,
    Closes,
    Fetches,
    Form,
    Forms,
    Identity,
    Link,
    Mark,
    MenuEntry,
    Menus,
    Names,
    Probe,
    Probes,
    Reactions,
    Reads,
    Said,
    Streaming,
    Taps,
    Threads,
    Typing,
)
from gateway.platforms.slack import blocks, history, manifest
from gateway.platforms.slack.assistant import Assistant
from gateway.platforms.slack.catchup import CatchUp
from gateway.platforms.slack.convert import tap_of
from gateway.platforms.slack.failures import APP_TOKEN, delivery_error, describe, platform_error
from gateway.platforms.slack.files import Shelf
from gateway.platforms.slack.http_mode import HttpMode
from gateway.platforms.slack.intake import Intake
from gateway.platforms.slack.introduction import Introduction
from gateway.platforms.slack.mrkdwn import escape
from gateway.platforms.slack.replies import Replies
from gateway.platforms.slack.routes import Routes
from gateway.platforms.slack.sending import ROOM, Courier
from gateway.platforms.slack.settings import Mode, SlackSettings
from gateway.platforms.slack.socket_mode import SocketMode
from gateway.platforms.slack.web import Api, CallFailed, Refused, silence
from gateway.transport.downloads import MEGABYTE
from kernel.clock import Clock
from kernel.errors import DeliveryRejected
from kernel.messages import Address, Attachment, Outbound, Receipt

# Progress is one message whatever becomes of its format; what is new stands at its end.
BUBBLE_LIMIT = 3000
TOAST_LIMIT = 3000
THREAD_NAME = 250
SIGNS = {Mark.SEEN: "eyes", Mark.DONE: "white_check_mark", Mark.FAILED: "x"}
NO_WORKSPACE = (
    "The app is installed for a whole organisation: name the workspace whose channels it should know in"
    " platforms.slack.team_id."
)
DONE_ALREADY = frozenset({"already_reacted", "no_reaction", "message_not_found", "too_many_reactions"})
NO_FORM = frozenset({"expired_trigger_id", "invalid_trigger_id", "trigger_exchanged", "exchanged_trigger_id"})
ALWAYS = frozenset({Bubbles, Typing, Taps, Fetches, Menus, Threads, Closes, Forms, Reads, Names, Probes})


class SlackAdapter:
    """One installed app: receives by socket or by posts, sends, and shows progress."""

    def __init__(self, settings: SlackSettings, clock: Clock) -> None:
        silence(settings.secrets)
        self._settings = settings
        self._identity = Identity("slack", settings.installation)
        self._api = Api(settings, clock)
        self._introduction = Introduction(settings.installation)
        self._assistant = Assistant(self._api)
        self._intake = Intake(settings, self._api, self._introduction)
        self._replies = Replies(settings, self._api, clock)
        self._routes = Routes(settings, self._introduction, self._assistant, self._replies)
        self._catch_up = CatchUp(settings, self._api, self._intake, clock)
        self._shelf = Shelf(settings, self._api)
        self._courier = Courier(settings, self._api, self._shelf, self._replies, clock)
        self.http = HttpMode(
            settings, self._api, self._routes, self._intake, self._catch_up, self._introduction
        )

    @property
    def identity(self) -> Identity:
        """The installation, read from its token."""
        return self._identity

    @property
    def capabilities(self) -> Capabilities:
        """Slack's limits, and the abilities that are switched on."""
        return Capabilities(
            text_limit=ROOM,
            streaming=Streaming.EDIT,
            edit_interval=self._settings.edit_interval,
            buttons=True,
            files=True,
            file_limit=self._settings.file_megabytes * MEGABYTE,
            threads=True,
            reactions=self._settings.reactions,
            reconciles=True,
            per_second=10.0,
            per_chat=1.0,
            per_group_minute=60.0,
            abilities=ALWAYS | ({Reactions} if self._settings.reactions else frozenset[type]()),
        )

    async def run(self, link: Link) -> None:
        """Receive until cancelled.

        Raises PlatformUnavailable, PlatformConflict or PlatformUnauthorised.
        """
        try:
            await self._introduction.learn(self._api)
        except CallFailed as error:
            raise platform_error(error) from None
        try:
            if self._settings.mode is Mode.HTTP:
                await self.http.run(link)
            else:
                socket = SocketMode(self._settings, self._api, self._routes, self._intake, self._catch_up)
                await socket.run(link)
        finally:
            await self._assistant.end()

    async def close(self) -> None:
        """Close the connections; nothing can be sent afterwards."""
        await self._api.close()

    async def send(self, message: Outbound) -> Receipt:
        """Deliver one message; raise DeliveryDeferred, DeliveryRejected or DeliveryUncertain."""
        return Receipt(await self._courier.deliver(message))

    async def bubble(self, address: Address, message_id: str, text: str) -> str:
        """Send or edit a transient message; return its id."""
        receipt = await self.send(Outbound(address, text[-BUBBLE_LIMIT:], replaces=message_id, silent=True))
        return receipt.message_ids[0]

    async def burst(self, address: Address, message_id: str) -> None:
        """Delete a transient message."""
        await self._passing("chat.delete", channel=address.chat, ts=message_id)

    async def typing(self, address: Address) -> None:
        """Show in a thread that an answer is being prepared; elsewhere Slack lets no app show it."""
        if address.thread is None:
            return
        try:
            await self._assistant.think(address.chat, address.thread)
        except CallFailed as error:
            raise delivery_error(error, repeatable=True) from None

    async def react(self, address: Address, message_id: str, mark: Mark) -> None:
        """Put a reaction on a message, in place of an earlier one."""
        where = {"channel": address.chat, "timestamp": message_id}
        await self._passing("reactions.add", name=SIGNS[mark], **where)
        if mark is not Mark.SEEN:
            await self._passing("reactions.remove", name=SIGNS[Mark.SEEN], **where)

    async def acknowledge(self, tap_id: str, text: str) -> None:
        """Show a sentence to the one who tapped; the button itself was acknowledged with its envelope."""
        tap = tap_of(tap_id)
        if tap is None or not text.strip():
            return
        try:
            await self._api.call(
                "chat.postEphemeral",
                channel=tap.channel,
                user=tap.user,
                thread_ts=tap.thread or None,
                text=escape(text[:TOAST_LIMIT]),
            )
        except Refused:
            # The sentence is a courtesy: somebody who left the channel, or a server without it, goes without.
            return
        except CallFailed as error:
            raise delivery_error(error, repeatable=True) from None

    async def open_form(self, tap_id: str, form: Form) -> bool:
        """Show the form to whoever tapped; tell whether the tap was fresh enough and the server knows forms."""
        tap = tap_of(tap_id)
        if tap is None or not tap.trigger:
            return False
        origin = {"channel": tap.channel, "message": tap.message, "thread": tap.thread}
        try:
            await self._api.call("views.open", trigger_id=tap.trigger, view=blocks.modal(form, origin))
        except CallFailed:
            # Too late, or a server that has no forms: the gateway asks in words.
            return False
        return True

    async def _passing(self, method: str, **arguments: Any) -> None:
        try:
            await self._api.call(method, **arguments)
        except Refused as error:
            if error.code not in DONE_ALREADY:
                raise delivery_error(error, repeatable=True) from None
        except CallFailed as error:
            raise delivery_error(error, repeatable=True) from None

    async def fetch(self, attachment: Attachment, target: Path, limit: int) -> int:
        """Download an attachment; raise DeliveryRejected or PlatformUnavailable."""
        return await self._shelf.fetch(attachment, target, limit)

    async def menu(self, entries: Sequence[MenuEntry]) -> None:
        """Learn which words after the slash command are commands; Slack keeps no menu of them."""
        self._intake.commands = frozenset(entry.name.casefold() for entry in entries)

    async def create_thread(self, parent: Address, name: str) -> Address | None:
        """Open a thread under a first message that bears its name."""
        title = " ".join(name.split())[:THREAD_NAME] or "Hermes"
        try:
            made = await self._api.call(
                "chat.postMessage", channel=parent.chat, text=f"*{escape(title).replace('*', '')}*"
            )
        except Refused:
            return None
        except CallFailed as error:
            raise platform_error(error) from None
        channel, ts = str(made.get("channel") or parent.chat), str(made.get("ts") or "")
        return parent._replace(chat=channel, thread=ts) if ts else None

    async def read_channel(self, address: Address, since: int, limit: int) -> Sequence[Said]:
        """Return what was said; raise DeliveryRejected where the app may not read, PlatformUnavailable."""
        try:
            return await history.read(self._api, address, since, limit, self._intake.reading)
        except Refused as error:
            raise DeliveryRejected(f"Slack does not let me read there: {describe(error)}.") from None
        except CallFailed as error:
            raise platform_error(error) from None

    async def channels(self) -> Mapping[Address, str]:
        """Return the channels the app is in; raise PlatformUnavailable or PlatformUnauthorised."""
        try:
            return await history.channels(
                self._api, self._identity.account, self._settings.team_id, self._introduction.name
            )
        except CallFailed as error:
            raise platform_error(error) from None

    async def probe(self) -> Probe:
        """Ask Slack who the app is and what it may do; raise PlatformUnauthorised or PlatformUnavailable."""
        try:
            me = await self._introduction.learn(self._api)
        except CallFailed as error:
            raise platform_error(error) from None
        warnings = manifest.missing(self._introduction.scopes)
        if me.organisation and not self._settings.team_id:
            warnings += (NO_WORKSPACE,)
        if self._settings.mode is Mode.SOCKET:
            warnings += await self._probe_socket()
        elif not self._settings.signing_secret.get_secret_value().strip():
            warnings += ("HTTP mode needs platforms.slack.signing_secret.",)
        return Probe(f"@{me.name}", warnings)

    async def _probe_socket(self) -> tuple[str, ...]:
        token = self._settings.app_token.get_secret_value().strip()
        if not token:
            return ("Socket Mode needs the app-level token (SLACK_APP_TOKEN).",)
        try:
            await self._api.call("apps.connections.open", token=token)
        except CallFailed as error:
            return (platform_error(error, APP_TOKEN).message,)
        return ()
