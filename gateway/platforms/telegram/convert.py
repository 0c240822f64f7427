"""From Telegram's updates to ours; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from telegram import CallbackQuery, Chat, Message, MessageEntity, MessageOrigin, Update

from gateway.platforms.telegram import content
from kernel.messages import Address, Inbound, InboundKind, Sender

GENERAL_TOPIC = 1


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is: ``id`` from the token, the rest from ``getMe``."""

    id: int
    username: str = ""
    reads_groups: bool = False
    topics: bool = False
    joins_groups: bool = True


def inbound(update: Update, me: Me) -> Inbound | None:
    """Return what an update says to us, or ``None`` for one that is only to be acknowledged."""
    if update.callback_query:
        return tap(update.callback_query, me)
    if message := update.message or update.channel_post:
        return migration(message, me) or said(message, me)
    if edited := update.edited_message or update.edited_channel_post:
        return changed(edited, me)
    return None


def needs_name(update: Update) -> bool:
    """Tell whether the bot's username decides what an update means."""
    message = update.effective_message
    if not isinstance(message, Message):
        return False
    text = message.text or message.caption or ""
    return "@" in text and (message.chat.type != Chat.PRIVATE or text.startswith("/"))


def address(chat: int, thread: int | None, me: Me) -> Address:
    """Return a chat's address; the General topic of a forum is the chat itself."""
    named = None if thread in {None, GENERAL_TOPIC} else str(thread)
    return Address("telegram", str(me.id), str(chat), named)


def place(message: Message, me: Me) -> Address:
    """Return where a message stands; outside topics, Telegram's thread id only groups replies."""
    thread = message.message_thread_id if message.is_topic_message else None
    return address(message.chat.id, thread, me)


def said(message: Message, me: Me) -> Inbound | None:
    """Return a new message, or ``None`` for a service message."""
    files = content.attachments(message)
    text = clean(message.text or message.caption or "")
    if not files and not text:
        text = content.note(message)
        if not text:
            return None
    words = list(marks(message, text))
    private = message.chat.type == Chat.PRIVATE
    return Inbound(
        place(message, me),
        key=f"m:{message.chat.id}:{message.message_id}",
        message_id=str(message.message_id),
        sender=sender(message),
        text=framed(message, without_name(text, words, me)),
        private=private,
        addressed=private or addressed(message, words, me),
        attachments=files,
        reply_to=replied(message),
        group=message.media_group_id or "",
        sent_at=int(message.date.timestamp() * 1000),
    )


def changed(message: Message, me: Me) -> Inbound | None:
    """Return an edit; its key holds the time of the edit, as one message may be edited often."""
    inbound = said(message, me)
    if inbound is None or message.edit_date is None:
        return None
    at = int(message.edit_date.timestamp())
    key = f"e:{message.chat.id}:{message.message_id}:{at}"
    return replace(inbound, kind=InboundKind.EDIT, key=key, sent_at=at * 1000)


def tap(query: CallbackQuery, me: Me) -> Inbound | None:
    """Return a pressed button; the card may be too old for Telegram to show it, but its place is known."""
    card = query.message
    if card is None or query.data is None:
        return None
    where = place(card, me) if isinstance(card, Message) else address(card.chat.id, None, me)
    return Inbound(
        where,
        key=f"c:{query.id}",
        message_id=str(card.message_id),
        sender=Sender(str(query.from_user.id), clean(query.from_user.full_name)),
        kind=InboundKind.TAP,
        private=card.chat.type == Chat.PRIVATE,
        tap=clean(query.data),
        tap_id=query.id,
    )


def migration(message: Message, me: Me) -> Inbound | None:
    """Return a group's move to a new id, of which both chats tell with one key."""
    if message.migrate_to_chat_id:
        return migrated(message.chat.id, message.migrate_to_chat_id, me)
    if message.migrate_from_chat_id:
        return migrated(message.migrate_from_chat_id, message.chat.id, me)
    return None


def migrated(old: int, new: int, me: Me) -> Inbound:
    """Return the news that a group became a supergroup; ``text`` is the new chat id."""
    return Inbound(
        address(old, None, me),
        key=f"g:{old}:{new}",
        message_id="",
        sender=Sender(str(me.id), "Telegram"),
        kind=InboundKind.MIGRATE,
        text=str(new),
        private=False,
        addressed=False,
    )


def sender(message: Message) -> Sender:
    """Return who wrote.

    A channel, or an administrator who hides behind the group, writes as a chat; chats' ids are negative, so that
    none of them is ever taken for a person.
    """
    if message.sender_chat:
        return Sender(str(message.sender_chat.id), clean(message.sender_chat.effective_name or ""))
    if message.from_user:
        return Sender(str(message.from_user.id), clean(message.from_user.full_name))
    return Sender(str(message.chat.id), clean(message.chat.effective_name or ""))


@dataclass(frozen=True, slots=True)
class MarkedWord:
    """A part of a text that may name the bot; ``start`` counts in UTF-16 units."""

    kind: str
    text: str
    start: int
    user: int | None = None


NAMING = {MessageEntity.MENTION, MessageEntity.TEXT_MENTION, MessageEntity.BOT_COMMAND}


def marks(message: Message, text: str) -> Iterator[MarkedWord]:
    """Yield the mentions and commands of a message in order."""
    entities = [e for e in (*message.entities, *message.caption_entities) if e.type in NAMING]
    if not entities:
        return
    units = text.encode("utf-16-le")
    for entity in entities:
        start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
        word = units[max(start, 0) : max(end, 0)].decode("utf-16-le", "replace")
        yield MarkedWord(entity.type, word, entity.offset, entity.user.id if entity.user else None)


def names(word: MarkedWord, me: Me) -> bool:
    """Tell whether a mention or command means the bot; a command without a name means every bot."""
    mine = me.username.casefold()
    if word.kind == MessageEntity.TEXT_MENTION:
        return word.user == me.id
    _, at, named = word.text.casefold().partition("@")
    if not at:
        return word.kind == MessageEntity.BOT_COMMAND and word.start == 0
    return bool(mine) and named == mine


def addressed(message: Message, words: list[MarkedWord], me: Me) -> bool:
    """Tell whether a message in a group is meant for the bot: named, commanded or replied to."""
    if message.from_user and message.from_user.is_bot and not message.sender_chat:
        return False
    first = words[0] if words else None
    if first and first.kind == MessageEntity.BOT_COMMAND and first.start == 0:
        return names(first, me)
    if any(names(word, me) for word in words):
        return True
    answered = message.reply_to_message
    return bool(replied(message) and answered and answered.from_user and answered.from_user.id == me.id)


def replied(message: Message) -> str:
    """Return the id of the message replied to; a topic's every message replies to the topic's beginning."""
    answered = message.reply_to_message
    if answered is None or answered.forum_topic_created:
        return ""
    return str(answered.message_id)


def without_name(text: str, words: list[MarkedWord], me: Me) -> str:
    """Return the text without the bot's name where it only says who is meant."""
    if not words or words[0].start != 0 or not names(words[0], me):
        return text
    word = words[0]
    if word.kind == MessageEntity.BOT_COMMAND:
        return word.text.partition("@")[0] + text[len(word.text) :]
    return text[len(word.text) :].lstrip(" ,:\n") or text


def framed(message: Message, text: str) -> str:
    """Return the text with what others wrote marked as theirs, so that it cannot pass for the sender's words."""
    if message.forward_origin:
        text = f"[Forwarded from {origin(message.forward_origin)}]\n{text}"
    if message.quote and message.quote.text:
        quoted = "\n".join(f"> {line}" for line in clean(message.quote.text).splitlines())
        text = f"{quoted}\n\n{text}"
    return text


def origin(source: MessageOrigin) -> str:
    """Return the name of whoever a forwarded message came from."""
    user = getattr(source, "sender_user", None)
    chat = getattr(source, "sender_chat", None) or getattr(source, "chat", None)
    if user:
        return clean(user.full_name)
    if chat:
        return clean(chat.effective_name or "a chat")
    return clean(getattr(source, "sender_user_name", "") or "somebody")


def clean(text: str) -> str:
    """Return text that can be encoded: a lone surrogate, which JSON can carry, becomes a replacement character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
