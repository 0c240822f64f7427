"""A chat's history as one list: what was said to us and what we said, from the inbox and the outbox.

Each side is in the order of its own row ids, whatever the clock did; between the sides the time decides. These queries
are for the surfaces of this process only, whose rows have an index of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kernel.messages import Attachment, AttachmentKind, Button, InboundKind
from kernel.states import State
from store.inbox import InboxRow
from store.inbox import row_of as inbox_row
from store.outbox import OutboxRow
from store.outbox import row_of as outbox_row
from store.units import Query

# The index is partial, and SQLite uses it only where the query says so in these words.
LOCAL = "platform IN ('web', 'terminal')"
# A chat's messages are those said in it, and those of the session it continues, which may have begun elsewhere.
HERE = f"{LOCAL} AND platform = :platform AND chat = :chat"
SESSION = """
session_id IN (SELECT id FROM session WHERE platform = :platform AND chat = :chat AND closed_at IS NULL)
"""
REMEMBERED = (
    "(session_id IS NULL OR session_id NOT IN (SELECT id FROM session WHERE forgotten_at IS NOT NULL))"
)
PAGE = """
SELECT * FROM {table} WHERE id IN (
    SELECT id FROM (SELECT id FROM {table} WHERE {here} AND {shown} AND id < :before ORDER BY id DESC LIMIT :limit)
    UNION
    SELECT id FROM (SELECT id FROM {table} WHERE {session} AND {shown} AND id < :before ORDER BY id DESC LIMIT :limit)
) ORDER BY id DESC LIMIT :limit
"""
IN_PAGE = PAGE.format(table="inbox", here=HERE, session=SESSION, shown=f"kind = 'message' AND {REMEMBERED}")
OUT_PAGE = PAGE.format(
    table="outbox", here=HERE, session=SESSION, shown=f"state <> 'cancelled' AND {REMEMBERED}"
)
EDITS = f"""
SELECT * FROM outbox WHERE {LOCAL} AND platform = ? AND chat = ? AND id >= ?
    AND json_extract(extra, '$.replaces') <> '' ORDER BY id
"""  # noqa: S608 - our own text
BY_KEY = f"SELECT * FROM outbox WHERE {LOCAL} AND platform = ? AND chat = ? AND dedup_key = ?"  # noqa: S608 - our own text
ONE = "SELECT * FROM {table} WHERE id = :id AND (({here}) OR {session}) AND {remembered}"
IN_ONE = ONE.format(table="inbox", here=HERE, session=SESSION, remembered=REMEMBERED)
OUT_ONE = ONE.format(table="outbox", here=HERE, session=SESSION, remembered=REMEMBERED)
HEAD = "SELECT coalesce(max(seq), 0) AS seq FROM event"
SINCE = """
SELECT seq, kind, subject FROM event WHERE seq > ? AND seq <= ? AND (kind LIKE 'inbox.%' OR kind LIKE 'outbox.%')
"""
CHATS_OF_INBOX = f"SELECT DISTINCT platform, chat FROM inbox WHERE id IN (%s) AND {LOCAL}"  # noqa: S608 - our own text
CHATS_OF_OUTBOX = f"SELECT DISTINCT platform, chat FROM outbox WHERE id IN (%s) AND {LOCAL}"  # noqa: S608 - our own text
CHATS = """
SELECT chat, id, title, active_at FROM session
WHERE platform = :platform AND forgotten_at IS NULL AND substr(chat, 1, length(:prefix)) = :prefix
UNION ALL
SELECT departed.chat, session.id, iif(title = '', 'A chat', title) || ' ↪ ' || session.platform, departed.left_at
FROM departed JOIN session ON session.id = departed.session_id
WHERE departed.platform = :platform AND forgotten_at IS NULL
    AND substr(departed.chat, 1, length(:prefix)) = :prefix
    AND NOT (session.platform = departed.platform AND session.chat = departed.chat)
ORDER BY active_at DESC, id LIMIT 500
"""

NEWEST = 2**62

# A stream this many events behind reads the history again instead.
SPAN = 20_000

Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat; ``row`` is its row in the inbox (``in``) or outbox (``out``), ``at`` in milliseconds.

    ``platform`` and ``chat`` are where it was said, which is elsewhere for what a conversation has brought along.
    """

    row: int
    direction: Direction
    message_id: str
    session_id: str
    text: str
    state: State
    at: int
    buttons: tuple[tuple[Button, ...], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    reply_to: str = ""
    error: str = ""
    edited: bool = False
    replaces: str = ""
    platform: str = ""
    chat: str = ""

    @property
    def id(self) -> str:
        """The message's id over both directions, such as ``"in-12"``."""
        return f"{self.direction}-{self.row}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a history: the lowest rows of both sides that were already read."""

    inbox: int = NEWEST
    outbox: int = NEWEST


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of history, oldest first; ``older`` continues before it, ``seq`` is the snapshot's last event."""

    messages: tuple[Message, ...]
    older: Cursor | None
    seq: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in a chat up to the event ``seq``; ``reset`` says that it was too much to list."""

    messages: tuple[Message, ...]
    seq: int
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat with the title of its latest session."""

    chat: str
    session_id: str
    title: str
    active_at: int


def _of_inbox(row: InboxRow) -> Message:
    return Message(
        row.id,
        "in",
        row.inbound.message_id,
        row.session_id,
        row.inbound.text,
        row.state,
        row.received_at,
        attachments=row.inbound.attachments,
        reply_to=row.inbound.reply_to,
        error=row.error,
        platform=row.inbound.address.platform,
        chat=row.inbound.address.chat,
    )


def _of_outbox(row: OutboxRow) -> Message:
    message = row.message
    files: tuple[Attachment, ...] = ()
    if message.file is not None:
        name = message.file_name or message.file.name
        files = (Attachment(AttachmentKind.DOCUMENT, "", name, path=str(message.file)),)
    return Message(
        row.id,
        "out",
        row.receipt[0] if row.receipt else row.key,
        row.session_id,
        message.text,
        row.state,
        row.created_at,
        buttons=message.buttons,
        attachments=files,
        reply_to=message.reply_to,
        error=row.error,
        replaces=message.replaces,
        platform=message.address.platform,
        chat=message.address.chat,
    )


def history(q: Query, platform: str, chat: str, before: Cursor, limit: int) -> Page:
    """Return the ``limit`` messages before a cursor."""
    asked = {"platform": platform, "chat": chat, "limit": limit + 1}
    said = [_of_inbox(inbox_row(row)) for row in q.all(IN_PAGE, {**asked, "before": before.inbox})]
    sent = [_of_outbox(outbox_row(row)) for row in q.all(OUT_PAGE, {**asked, "before": before.outbox})]
    newest_first = _merge(said, sent)
    taken = newest_first[:limit]
    older = _cursor(before, taken) if len(newest_first) > limit else None
    return Page(tuple(_edited(q, platform, chat, taken[::-1])), older, head(q))


def _merge(said: Sequence[Message], sent: Sequence[Message]) -> list[Message]:
    """Join both sides, newest first, each in its own order; at the same time the answer is the newer one."""
    merged: list[Message] = []
    i = j = 0
    while i < len(said) and j < len(sent):
        if sent[j].at >= said[i].at:
            merged.append(sent[j])
            j += 1
        else:
            merged.append(said[i])
            i += 1
    return [*merged, *said[i:], *sent[j:]]


def _cursor(before: Cursor, taken: Iterable[Message]) -> Cursor:
    lowest = {"in": before.inbox, "out": before.outbox}
    for message in taken:
        lowest[message.direction] = message.row
    return Cursor(lowest["in"], lowest["out"])


def _edited(q: Query, platform: str, chat: str, messages: Sequence[Message]) -> list[Message]:
    """Put the text of later edits into the messages they replace, and leave the edits themselves out."""
    first = min((message.row for message in messages if message.direction == "out"), default=None)
    if first is None:
        return list(messages)
    edits = {
        edit.replaces: edit
        for row in q.all(EDITS, (platform, chat, first))
        if (edit := _of_outbox(outbox_row(row))).replaces
    }
    kept = [message for message in messages if not _target(q, platform, chat, message)]
    return [_apply(message, edits.get(message.message_id)) for message in kept]


def _target(q: Query, platform: str, chat: str, message: Message) -> Message | None:
    """Return the owed message that an edit replaces; what replaces a passing draft is a message of its own."""
    if not message.replaces:
        return None
    row = q.one(BY_KEY, (platform, chat, message.replaces))
    return _of_outbox(outbox_row(row)) if row else None


def _apply(message: Message, edit: Message | None) -> Message:
    if edit is None or edit.row == message.row or message.direction == "in":
        return message
    return replace(message, text=edit.text, buttons=edit.buttons, edited=True)


def head(q: Query) -> int:
    """Return the number of the newest event."""
    row = q.one(HEAD)
    return row["seq"] if row else 0


def since(q: Query, platform: str, chat: str, seq: int) -> Changes:
    """Return the messages of a chat that changed after an event, each as it is now."""
    newest = head(q)
    if newest - seq > SPAN or newest < seq:
        return Changes((), newest, reset=True)
    rows = q.all(SINCE, (seq, newest))
    ids = dict.fromkeys((row["kind"].partition(".")[0], row["subject"]) for row in rows)
    found = [_one(q, platform, chat, table, int(subject)) for table, subject in ids if subject.isdecimal()]
    messages = {message.id: message for message in found if message is not None}
    return Changes(tuple(messages.values()), newest)


def _one(q: Query, platform: str, chat: str, table: str, row_id: int) -> Message | None:
    """Return a changed row's message as it is now; an edit's is the message that it replaces."""
    if table == "inbox":
        row = _inbox_one(q, platform, chat, row_id)
        return _of_inbox(row) if row and row.inbound.kind is InboundKind.MESSAGE else None
    message = one(q, platform, chat, "out", row_id)
    if message is None:
        return None
    target = _target(q, platform, chat, message)
    return _apply(target, message) if target else _edited(q, platform, chat, [message])[0]


def one(q: Query, platform: str, chat: str, direction: Direction, row_id: int) -> Message | None:
    """Return one message of a chat as it was written."""
    if direction == "in":
        said = _inbox_one(q, platform, chat, row_id)
        return _of_inbox(said) if said else None
    row = q.one(OUT_ONE, {"platform": platform, "chat": chat, "id": row_id})
    return _of_outbox(outbox_row(row)) if row else None


def _inbox_one(q: Query, platform: str, chat: str, row_id: int) -> InboxRow | None:
    row = q.one(IN_ONE, {"platform": platform, "chat": chat, "id": row_id})
    return inbox_row(row) if row else None


def touched(q: Query, inbox_ids: Sequence[int], outbox_ids: Sequence[int]) -> set[tuple[str, str]]:
    """Return the (platform, chat) of each of the given rows that belongs to a surface of this process."""
    found: set[tuple[str, str]] = set()
    for sql, ids in ((CHATS_OF_INBOX, inbox_ids), (CHATS_OF_OUTBOX, outbox_ids)):
        if ids:
            found |= {(row["platform"], row["chat"]) for row in q.all(sql % ",".join("?" * len(ids)), ids)}
    return found


def chats(q: Query, platform: str, prefix: str = "") -> list[Chat]:
    """Return the chats whose name starts with ``prefix``, the latest first.

    One whose conversation has left is there too; its title says where to.
    """
    found: dict[str, Chat] = {}
    for row in q.all(CHATS, {"platform": platform, "prefix": prefix}):
        chat = Chat(row["chat"], row["id"], row["title"], row["active_at"])
        known = found.setdefault(row["chat"], chat)
        if not known.title and chat.title:
            found[row["chat"]] = replace(known, title=chat.title)
    return list(found.values())
