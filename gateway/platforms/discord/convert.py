"""From Discord's objects to ours; pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.platforms.discord.directory import THREADED, Channel, Directory, number
from kernel.messages import Address, Attachment, AttachmentKind, Inbound, InboundKind, Sender

Raw = Mapping[str, Any]

# https://discord.com/developers/docs/reference#snowflakes
EPOCH_MS = 1_420_070_400_000
DEFAULT, REPLY = 0, 19
FORWARD = 1
COMMAND = 2
VOICE_MESSAGE = 1 << 13
# Buttons of one message need different ids; equal values are told apart by these, which people never see.
INVISIBLE = "\u2063"


@dataclass(frozen=True, slots=True)
class View:
    """What converting depends on: the directory, and whether a mention opens a thread of its own."""

    directory: Directory
    auto_thread: bool = False

    @property
    def me(self) -> str:
        """The bot's user id."""
        return self.directory.me.id


def snowflake_ms(id: object) -> int:
    """Return the time in milliseconds at which an id was made; 0 for no id."""
    found = number(id)
    return (found >> 22) + EPOCH_MS if found else 0


def snowflake(ms: int) -> int:
    """Return the least id of a millisecond."""
    return max(0, ms - EPOCH_MS) << 22


def said(raw: Raw, channel: Channel, view: View) -> Inbound | None:
    """Return a new message, or ``None`` for one of ours, another bot's, a service message or an unreadable one."""
    author: Raw = raw["author"]
    if author.get("bot") or raw.get("webhook_id") or raw.get("type", DEFAULT) not in (DEFAULT, REPLY):
        return None
    id, mentioned = str(raw["id"]), mentions(raw, view.me)
    text, files = words(raw, view), attachments(raw)
    meant = channel.private or mentioned or channel.joined or answers(raw, view.me)
    if not text and not files and not meant:
        return None
    return Inbound(
        place(channel, id, view, mentioned=mentioned),
        key=f"m:{channel.id}:{id}",
        message_id=id,
        sender=sender(author, raw.get("member"), channel.guild),
        text=text,
        private=channel.private,
        addressed=meant,
        attachments=files,
        reply_to=replied(raw),
        sent_at=snowflake_ms(id),
    )


def place(channel: Channel, id: str, view: View, *, mentioned: bool) -> Address:
    """Return where a message is answered; a thread made from a message has the message's id."""
    address = view.directory.address(channel)
    if view.auto_thread and mentioned and channel.guild and channel.kind in THREADED:
        return address._replace(thread=id)
    return address


def changed(raw: Raw, channel: Channel, view: View) -> Inbound | None:
    """Return an edit; Discord also sends an update when a link's preview appears, which changes no words."""
    edited = raw.get("edited_timestamp")
    if not edited or "author" not in raw or "content" not in raw:
        return None
    inbound = said(raw, channel, view)
    if inbound is None:
        return None
    stamp = hashlib.sha256(str(edited).encode()).hexdigest()[:12]
    return replace(inbound, key=f"e:{channel.id}:{inbound.message_id}:{stamp}", kind=InboundKind.EDIT)


def deleted(original: Inbound) -> Inbound:
    """Return the deletion of a message; Discord does not say who deleted it, so it counts as its author."""
    return replace(original, key=f"d{original.key[1:]}", kind=InboundKind.DELETE, text="", attachments=())


def interaction(raw: Raw, channel: Channel, view: View) -> Inbound | None:
    """Return a slash command as a message, a pressed button, chosen option or sent form as a tap."""
    member: Raw = raw.get("member") or {}
    user: Raw = raw.get("user") or member["user"]
    id, data = str(raw["id"]), raw.get("data") or {}
    said_by = Inbound(
        view.directory.address(channel),
        key=f"i:{id}",
        message_id=id,
        sender=sender(user, member, channel.guild),
        private=channel.private,
        tap_id=id,
        sent_at=snowflake_ms(id),
    )
    match raw.get("type"):
        case 2:  # a slash command
            return replace(said_by, text=command(data))
        case 3 | 5:  # a button or menu, a form
            message: Raw = raw.get("message") or {}
            values: Sequence[Any] = data.get("values") or ()
            value = str(values[0]) if values else str(data["custom_id"])
            return replace(
                said_by,
                kind=InboundKind.TAP,
                message_id=str(message.get("id") or ""),
                tap=value.rstrip(INVISIBLE),
                text=filled_in(data.get("components")),
            )
        case _:
            return None


def command(data: Raw) -> str:
    """Return an application command as a person would type it."""
    options: Sequence[Raw] = data.get("options") or ()
    words = [str(data["name"]), *(str(option.get("value", "")) for option in options)]
    return "/" + " ".join(word for word in words if word)


def filled_in(components: object) -> str:
    """Return the text of a form's first field, however deep Discord wraps it."""
    for one in components if isinstance(components, list) else ():
        if not isinstance(one, Mapping):
            continue
        if "value" in one:
            return str(one["value"])
        inner = [one["component"]] if "component" in one else one.get("components")
        if text := filled_in(inner):
            return text
    return ""


def sender(user: Raw, member: Raw | None, guild: str) -> Sender:
    """Return who wrote, with the roles they have in the server; everybody there has the one named like the server."""
    nick = (member or {}).get("nick")
    name = str(nick or user.get("global_name") or user.get("username") or "")
    roles = (guild, *(str(role) for role in (member or {}).get("roles") or ())) if member and guild else ()
    return Sender(str(user["id"]), name, roles)


def mentions(raw: Raw, me: str) -> bool:
    """Tell whether a message names the bot, in its text or by a reply that pings."""
    return any(str(user.get("id")) == me for user in raw.get("mentions") or ())


def answers(raw: Raw, me: str) -> bool:
    """Tell whether a message replies to one of the bot's."""
    original: Raw = raw.get("referenced_message") or {}
    author: Raw = original.get("author") or {}
    return raw.get("type") == REPLY and str(author.get("id")) == me


def replied(raw: Raw) -> str:
    """Return the id of the message replied to."""
    if raw.get("type") != REPLY:
        return ""
    return str((raw.get("message_reference") or {}).get("message_id") or "")


def words(raw: Raw, view: View) -> str:
    """Return a message's text: without the bot's name in front, others' by name, what was forwarded marked as such."""
    text = _named(str(raw.get("content") or ""), raw, view.me)
    for snapshot in raw.get("message_snapshots") or ():
        inner: Raw = snapshot.get("message") or {}
        text = f"{text}\n[Forwarded]\n{inner.get('content') or ''}".strip()
    return text or note(raw)


def _named(text: str, raw: Raw, me: str) -> str:
    text = re.sub(rf"\A\s*<@!?{re.escape(me)}>[\s,:]*", "", text)
    for user in raw.get("mentions") or ():
        name = str(user.get("global_name") or user.get("username") or "")
        text = re.sub(rf"<@!?{re.escape(str(user.get('id')))}>", lambda _, name=name: f"@{name}", text)
    return text


def note(raw: Raw) -> str:
    """Say in brackets what a message without text or file holds; empty where there is nothing."""
    stickers: Sequence[Raw] = raw.get("sticker_items") or ()
    if stickers:
        return f"[sticker {stickers[0].get('name', '')}]"
    if raw.get("poll"):
        question: Raw = raw["poll"].get("question") or {}
        return f"[a poll: {question.get('text', '')}]"
    if raw.get("embeds") and not raw.get("content"):
        return "[an embed, which cannot be read here]"
    return ""


def attachments(raw: Raw) -> tuple[Attachment, ...]:
    """Return the files of a message and of what it forwards."""
    found: list[Attachment] = [_attachment(raw, file) for file in raw.get("attachments") or ()]
    for snapshot in raw.get("message_snapshots") or ():
        inner: Raw = snapshot.get("message") or {}
        found += [_attachment(raw, file) for file in inner.get("attachments") or ()]
    return tuple(found)


def _attachment(raw: Raw, file: Raw) -> Attachment:
    mime = str(file.get("content_type") or "application/octet-stream").partition(";")[0]
    voice = bool(int(raw.get("flags") or 0) & VOICE_MESSAGE)
    # Addresses expire within a day; behind the # stands where a new one can be asked for.
    where = f"{raw['channel_id']}/{raw['id']}/{file['id']}"
    return Attachment(
        AttachmentKind.VOICE if voice else _kind(mime),
        ref=f"{file['url']}#{where}",
        name=str(file.get("filename") or "file"),
        mime=mime,
        size=int(file.get("size") or 0),
    )


def _kind(mime: str) -> AttachmentKind:
    kinds = {"image": AttachmentKind.PHOTO, "audio": AttachmentKind.AUDIO, "video": AttachmentKind.VIDEO}
    return kinds.get(mime.partition("/")[0], AttachmentKind.DOCUMENT)
