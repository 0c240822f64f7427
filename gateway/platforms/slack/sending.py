"""What we owe, delivered: texts, cards, edits and files; what may have arrived is looked for first."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.platforms.slack.blocks import Block, card, strip
from gateway.platforms.slack.failures import delivery_error, doubtful
from gateway.platforms.slack.files import Shelf
from gateway.platforms.slack.mrkdwn import TEXT_LIMIT, Piece, pieces, plain
from gateway.platforms.slack.replies import Replies
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api, CallFailed, Refused
from gateway.transport.halves import Halves
from kernel.clock import Clock
from kernel.errors import DeliveryRejected, DeliveryUncertain
from kernel.messages import Outbound, OutboundKind

ROOM = 3900
NOTIFICATION = 3000
EVENT = "hermes_outbox"
RESEND_MARK = "↻ "
DOUBTED_KEPT = 512
LOOKED_THROUGH = 1000
# A thread is read forwards, so from a time at which the first sending cannot have been yet.
THREAD_SECONDS = 86_400
PAGE = 100
# A file of ours by this name that is no older than this is the one whose receipt was lost.
FILE_SECONDS = 900.0
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
THREAD_GONE = frozenset({"thread_not_found", "cannot_reply_to_message"})
OUTSIDE = frozenset({"not_in_channel", "channel_not_found"})
# An answer to a slash command has no time that could be its id: it cannot be found again, nor edited.
ANSWERED = "response:"
NO_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "invalid_attachments"})
BLIND = frozenset({"missing_scope", "unknown_method", "not_allowed_token_type", "method_not_supported"})


@dataclass(frozen=True, slots=True)
class Step:
    """One of Slack's messages: a text, a card, or a file with its words."""

    number: int
    text: str = ""
    formatted: bool = True
    blocks: tuple[Block, ...] = ()
    strip: tuple[Block, ...] = ()
    file: bool = False


class Courier:
    """Delivers owed messages.

    Each of Slack's messages carries the nonce and its number as metadata, so that one without a receipt is found in
    the channel's history. What was sent of a message that failed in its middle is remembered under its nonce.
    """

    def __init__(
        self, settings: SlackSettings, api: Api, shelf: Shelf, replies: Replies, clock: Clock
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._api = api
        self._shelf = shelf
        self._replies = replies
        self._halves = Halves()
        self._doubted: OrderedDict[str, None] = OrderedDict()

    async def deliver(self, message: Outbound) -> tuple[str, ...]:
        """Send one message and return the ids it got; raise DeliveryError."""
        parts = steps(message)
        if not parts:
            raise DeliveryRejected("The message is empty.")
        if not re.fullmatch(r"[A-Z0-9]{2,}", message.address.chat):
            raise DeliveryRejected(f"{message.address.chat!r} is no id of Slack's.")
        sent = self._halves.of(message.nonce)
        try:
            known, mark = await self._arrived(message)
            for step in parts[len(sent) :]:
                sent.append(known.get(step.number) or await self._take(message, step, mark=mark))
                mark = ""
        finally:
            self._halves.keep(message.nonce, sent, len(parts))
            if len(sent) == len(parts):
                self._doubted.pop(message.nonce, None)
        return tuple(sent)

    async def _arrived(self, message: Outbound) -> tuple[Mapping[int, str], str]:
        """Return what of a doubtful message is in the channel, and a mark where that cannot be known."""
        if not message.nonce or not (message.resend or message.nonce in self._doubted):
            return {}, ""
        try:
            return await self._found(message), ""
        except Refused as error:
            if error.code in BLIND:
                return {}, RESEND_MARK
            raise delivery_error(error) from None
        except CallFailed as error:
            # Not knowing, nothing is sent: the next try asks again.
            raise delivery_error(error, repeatable=True) from None

    async def _found(self, message: Outbound) -> dict[int, str]:
        found: dict[int, str] = {}
        cursor, seen = "", 0
        while seen < LOOKED_THROUGH:
            page = await self._api.call(
                "conversations.replies" if message.address.thread else "conversations.history",
                channel=await self._shelf.channel(message.address.chat),
                ts=message.address.thread,
                oldest=self._since(message),
                limit=PAGE,
                include_all_metadata=True,
                cursor=cursor or None,
            )
            read = page.get("messages") or []
            seen += len(read) or PAGE
            found |= {n: str(m["ts"]) for m in read if (n := _number(m, message.nonce)) is not None}
            for brought in (m for m in read if self._brings(m, message)):
                found[0] = str(brought["ts"])
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return found

    def _since(self, message: Outbound) -> str | None:
        return f"{self._clock.now() / 1000 - THREAD_SECONDS:.6f}" if message.address.thread else None

    def _brings(self, said: Mapping[str, Any], message: Outbound) -> bool:
        """Tell whether a message brought the file we owe: files carry no metadata, but a name and a time."""
        if message.file is None or not said.get("bot_id"):
            return False
        recent = self._clock.now() / 1000 - float(said["ts"]) < FILE_SECONDS
        name = message.file_name or message.file.name
        return recent and any(name in (f.get("title"), f.get("name")) for f in said.get("files") or ())

    async def _take(self, message: Outbound, step: Step, *, mark: str) -> str:
        try:
            if step.file:
                return await self._shelf.share(message, step.text)
            if step.number == 0 and message.replaces and (edited := await self._edit(message, step)):
                return edited
            return await self._post(message, replace(step, text=mark + step.text))
        except CallFailed as error:
            if doubtful(error) and message.nonce:
                self._doubted[message.nonce] = None
                if len(self._doubted) > DOUBTED_KEPT:
                    self._doubted.popitem(last=False)
            raise delivery_error(error) from None

    async def _post(self, message: Outbound, step: Step) -> str:
        payload = {"nonce": message.nonce, "part": step.number}
        metadata = {"event_type": EVENT, "event_payload": payload} if message.nonce else None
        where = {
            "channel": message.address.chat,
            "metadata": metadata,
            "unfurl_links": self._settings.link_previews,
            "unfurl_media": self._settings.link_previews,
        }
        if thread := message.address.thread:
            inside = {"thread_ts": thread, "reply_broadcast": True if self._settings.broadcast else None}
            try:
                return _receipt(await self._shown("chat.postMessage", step, **inside, **where))
            except Refused as error:
                # Whoever deleted the thread's beginning still has the channel.
                if error.code not in THREAD_GONE:
                    raise
        try:
            return _receipt(await self._shown("chat.postMessage", step, **where))
        except Refused as error:
            if error.code not in OUTSIDE or not await self._replied(message, step):
                raise
        return f"{ANSWERED}{message.nonce}.{step.number}"

    async def _replied(self, message: Outbound, step: Step) -> bool:
        """Answer a slash command given where the app is not; what only shows progress is left out."""
        if not message.nonce:
            return False
        return await self._replies.answer(message.address.chat, step.text, list(step.blocks))

    async def _edit(self, message: Outbound, step: Step) -> str:
        """Edit in place and return the id; return nothing where there is no such message to edit any more."""
        if message.replaces.startswith(ANSWERED):
            return ""
        try:
            await self._shown(
                "chat.update",
                step,
                channel=await self._shelf.channel(message.address.chat),
                ts=message.replaces,
            )
        except Refused as error:
            if error.code in GONE:
                return ""
            raise delivery_error(error, repeatable=True) from None
        except CallFailed as error:
            raise delivery_error(error, repeatable=True) from None
        return message.replaces

    async def _shown(self, method: str, step: Step, **where: Any) -> dict[str, Any]:
        """Make a call with blocks, and with the bare text where a server cannot read the blocks."""
        content = {"text": step.text, "mrkdwn": step.formatted}
        # An edit takes away what it does not replace.
        bare: dict[str, Any] = {"blocks": [], "attachments": []} if method == "chat.update" else {}
        rich = {"blocks": list(step.blocks), "attachments": list(step.strip)}
        try:
            return await self._api.call(method, **content, **(rich if step.blocks else bare), **where)
        except Refused as error:
            if error.code not in NO_BLOCKS or not step.blocks:
                raise
        return await self._api.call(method, **content, **bare, **where)


def _receipt(made: Mapping[str, Any]) -> str:
    ts = made.get("ts")
    if not isinstance(ts, str) or not ts:
        raise DeliveryUncertain("Slack's receipt could not be understood.")
    return ts


def _number(message: Mapping[str, Any], nonce: str) -> int | None:
    """Return which part of the message with a nonce this is, where it is one."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") != EVENT or payload.get("nonce") != nonce:
        return None
    part = payload.get("part", 0)
    return part if isinstance(part, int) else None


def steps(message: Outbound) -> list[Step]:
    """Return the messages of Slack's that one of ours becomes: texts, a card, or a file with its words."""
    if message.kind is OutboundKind.FILE:
        if message.file is None:
            raise DeliveryRejected("There is no file in the message.")
        cut = pieces(message.text, TEXT_LIMIT)
        first = cut[0].mrkdwn if len(cut) == 1 else ""
        return [Step(0, first, file=True), *_texts(cut if len(cut) > 1 else [], 1)]
    cut = pieces(message.text, TEXT_LIMIT)
    if not cut:
        return []
    if any(message.buttons):
        return [
            Step(
                0,
                plain(message.text)[:NOTIFICATION],
                blocks=tuple(card(message)),
                strip=tuple(strip(message)),
            )
        ]
    return _texts(cut, 0)


def _texts(cut: list[Piece], start: int) -> list[Step]:
    return [Step(start + i, piece.mrkdwn, piece.formatted) for i, piece in enumerate(cut)]
