"""Home channels and the chats Hermes has seen."""

import json
from dataclasses import dataclass

from kernel.messages import Address, Heard
from store import marks
from store.units import Query, Unit

HOMES = "SELECT platform, account, chat, thread FROM home_channel ORDER BY set_at"
HOME = "SELECT platform, account, chat, thread FROM home_channel WHERE platform = ?"
SET_HOME = """
INSERT INTO home_channel (platform, account, chat, thread, set_by, set_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (platform) DO UPDATE SET account = excluded.account, chat = excluded.chat, thread = excluded.thread,
    set_by = excluded.set_by, set_at = excluded.set_at
"""
SEEN = """
INSERT INTO chat (platform, account, chat, title, private, seen_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (platform, account, chat) DO UPDATE SET seen_at = excluded.seen_at
"""
CHATS = "SELECT * FROM chat ORDER BY seen_at DESC LIMIT ?"
ACCOUNT = "SELECT account FROM chat WHERE platform = ? AND chat = ? ORDER BY seen_at DESC LIMIT 1"
MIGRATE = (
    (
        "UPDATE inbox SET chat = :new WHERE platform = :platform AND account = :account AND chat = :old "
        "AND state IN ('received', 'queued', 'running')"
    ),
    (
        "UPDATE outbox SET chat = :new WHERE platform = :platform AND account = :account AND chat = :old "
        "AND state IN ('pending', 'sending', 'uncertain')"
    ),
    "UPDATE session SET chat = :new WHERE platform = :platform AND account = :account AND chat = :old",
    "UPDATE home_channel SET chat = :new WHERE platform = :platform AND account = :account AND chat = :old",
    (
        "INSERT INTO chat (platform, account, chat, title, private, moved_to, seen_at) "
        "VALUES (:platform, :account, :old, '', 0, :new, :now) "
        "ON CONFLICT (platform, account, chat) DO UPDATE SET moved_to = excluded.moved_to"
    ),
)
# Names that people gave to chats are marks: small, few, and kept for good.
NICKNAME = "channel:"
NICKNAMES = "SELECT name, value FROM mark WHERE substr(name, 1, 8) = 'channel:' ORDER BY name"
OWN = """
SELECT 1 FROM inbox WHERE platform = ? AND account = ? AND chat = ? AND private = 1 AND sender = ? LIMIT 1
"""
PRIVATE = "SELECT private FROM chat WHERE platform = ? AND account = ? AND chat = ?"
HISTORY = """
SELECT coalesce(nullif(sender_name, ''), sender) AS author, text, sent_at AS at,
    json_array_length(attachments) AS files, 0 AS ours, id
FROM inbox WHERE platform = :platform AND account = :account AND chat = :chat AND kind = 'message' AND state <> 'dead'
    AND (:thread IS NULL OR thread = :thread) AND sent_at > :since
UNION ALL
SELECT '', text, created_at, kind = 'file', 1, id FROM outbox
WHERE platform = :platform AND account = :account AND chat = :chat
    AND state = 'sent' AND (:thread IS NULL OR thread = :thread) AND created_at > :since
ORDER BY at DESC, ours DESC, id DESC LIMIT :limit
"""
BINDINGS = "SELECT key, session_id FROM binding WHERE key LIKE ? || '%'"
REKEY = "UPDATE OR IGNORE binding SET key = ? WHERE key = ?"


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat Hermes has seen."""

    address: Address
    title: str
    private: bool
    seen_at: int


def homes(q: Query) -> dict[str, Address]:
    """Return the home channel of every platform that has one, in the order they were set."""
    return {row["platform"]: Address(*row) for row in q.all(HOMES)}


def home(q: Query, platform: str) -> Address | None:
    """Return a platform's home channel."""
    row = q.one(HOME, (platform,))
    return Address(*row) if row else None


def set_home(tx: Unit, address: Address, *, actor: str) -> None:
    """Make an address the home channel of its platform."""
    tx.run(SET_HOME, (*address, actor, tx.now))
    tx.emit("home.set", address.platform, actor=actor, chat=address.chat)


def set_first_home(tx: Unit, address: Address, *, actor: str) -> bool:
    """Make an address the home channel unless its platform has one; tell whether it did."""
    if home(tx, address.platform) is not None:
        return False
    set_home(tx, address, actor=actor)
    return True


def seen(tx: Unit, address: Address, title: str, *, private: bool) -> None:
    """Remember a chat."""
    tx.run(SEEN, (*address[:3], title, private, tx.now))


def chats(q: Query, limit: int = 100) -> list[Chat]:
    """Return the chats seen last."""
    return [
        Chat(
            Address(row["platform"], row["account"], row["chat"]),
            row["title"],
            bool(row["private"]),
            row["seen_at"],
        )
        for row in q.all(CHATS, (limit,))
    ]


def account_of(q: Query, platform: str, chat: str) -> str:
    """Return the account through which a chat was seen last, or an empty string."""
    row = q.one(ACCOUNT, (platform, chat))
    return row["account"] if row else ""


def nicknames(q: Query) -> dict[str, Address]:
    """Return the names that people gave to chats."""
    found = {row["name"].removeprefix(NICKNAME): row["value"] for row in q.all(NICKNAMES)}
    return {name: Address(*json.loads(value)) for name, value in found.items()}


def named(q: Query, name: str) -> Address | None:
    """Return the chat that people call so."""
    value = marks.get(q, NICKNAME + name)
    return Address(*json.loads(value)) if value else None


def give_name(tx: Unit, name: str, address: Address, *, actor: str) -> None:
    """Call a chat by a name; whatever was called so before is not any more."""
    marks.put(tx, NICKNAME + name, json.dumps(address))
    tx.emit("channel.name", name, actor=actor, platform=address.platform, chat=address.chat)


def take_name(tx: Unit, name: str, *, actor: str) -> bool:
    """Forget a name; tell whether there was one."""
    if not marks.take(tx, NICKNAME + name):
        return False
    tx.emit("channel.unname", name, actor=actor)
    return True


def wrote_privately(q: Query, chat: Address, sender: str) -> bool:
    """Tell whether a chat is somebody's own conversation with Hermes."""
    return q.one(OWN, (*chat[:3], sender)) is not None


def is_private(q: Query, chat: Address) -> bool:
    """Tell whether a chat is known as one between Hermes and one person."""
    row = q.one(PRIVATE, chat[:3])
    return bool(row and row["private"])


def history(q: Query, address: Address, since: int, limit: int) -> list[Heard]:
    """Return the latest messages that were exchanged in a chat, or in one thread of it, oldest first.

    Those of Hermes have no author.
    """
    values = dict(zip(Address._fields, address, strict=True)) | {"since": since, "limit": limit}
    rows = q.all(HISTORY, values)
    return [Heard(row["at"], row["author"], row["text"], row["files"]) for row in reversed(rows)]


def migrate(tx: Unit, old: Address, chat: str, old_prefix: str, new_prefix: str) -> None:
    """Re-address everything that is open when a platform gave a chat a new id.

    The prefixes are what the keys of the old and the new chat begin with.
    """
    values = {"platform": old.platform, "account": old.account, "old": old.chat, "new": chat, "now": tx.now}
    for sql in MIGRATE:
        tx.run(sql, values)
    for row in tx.all(BINDINGS, (old_prefix,)):
        tx.run(REKEY, (new_prefix + row["key"][len(old_prefix) :], row["key"]))
    tx.emit("chat.migrate", old.chat, platform=old.platform, account=old.account, chat=chat)
