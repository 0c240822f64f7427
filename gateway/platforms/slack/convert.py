"""What Slack hands over as messages of ours; nothing here asks or waits."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from gateway.platforms.slack import mrkdwn
from gateway.platforms.slack.blocks import ANSWER
from gateway.platforms.slack.settings import Threading
from kernel.messages import Address, Attachment, AttachmentKind, Inbound, InboundKind, Sender

Json = Mapping[str, Any]

SAID = frozenset({"", "file_share", "thread_broadcast", "me_message"})
SLACKBOT = "USLACKBOT"
UNSEEN_FILES = frozenset({"tombstone", "hidden_by_limit"})
KINDS = {"image": AttachmentKind.PHOTO, "audio": AttachmentKind.AUDIO, "video": AttachmentKind.VIDEO}


@dataclass(frozen=True, slots=True)
class Me:
    """Who the app is: ``account`` from the settings, the rest from ``auth.test``.

    ``organisation`` says that it is installed for all of an organisation's workspaces at once (Enterprise Grid).
    """

    account: str
    user: str = ""
    bot: str = ""
    app: str = ""
    name: str = ""
    team: str = ""
    enterprise: str = ""
    organisation: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How things are read: who we are, when answers go into threads, and the words that are commands."""

    me: Me
    threading: Threading = Threading.IN_THREAD
    commands: frozenset[str] = frozenset()
    name_of: Callable[[str], str] = field(default=str)


class Tap(NamedTuple):
    """What answering a tap takes; ``trigger`` opens a form within three seconds."""

    trigger: str
    channel: str
    user: str
    message: str = ""
    thread: str = ""

    def __str__(self) -> str:
        """Return it as an ``Inbound.tap_id``."""
        return " ".join(part or "-" for part in self)


def tap_of(text: str) -> Tap | None:
    """Read a ``tap_id``; anything else is ``None``."""
    parts = text.split(" ")
    if len(parts) != len(Tap._fields):
        return None
    return Tap(*("" if part == "-" else part for part in parts))


def happening(payload: Json, reading: Reading) -> Inbound | None:
    """Return what the event in a payload says to us, or ``None`` for one that is only to be acknowledged."""
    return event(payload["event"], reading)


def event(given: Json, reading: Reading) -> Inbound | None:
    """Return a message, its edit or its deletion."""
    if given["type"] not in {"message", "app_mention"}:
        return None
    match given.get("subtype") or "":
        case "message_changed":
            return changed(given, reading)
        case "message_deleted":
            return deleted(given, reading)
        case subtype if subtype in SAID:
            return said(given, reading)
        case _:
            return None


def place(given: Json, reading: Reading) -> Address:
    """Return where a message stands; the first message of a thread stands in the channel."""
    ts, thread = given["ts"], given.get("thread_ts") or ""
    named = thread if thread != ts else ""
    mine = given.get("parent_user_id") == reading.me.user
    if not private(given) and reading.threading is not Threading.IN_THREAD:
        always = reading.threading is Threading.ALWAYS
        named = (named or ts) if always else (named if mine else "")
    return Address("slack", reading.me.account, given["channel"], named or None)


def private(given: Json) -> bool:
    """Tell whether nobody else reads the channel."""
    return given.get("channel_type") == "im" or str(given["channel"]).startswith("D")


def by_bot(given: Json, me: Me) -> bool:
    """Tell whether a program wrote, ourselves among them."""
    user = given.get("user")
    return bool(given.get("bot_id")) or not user or user in {me.user, SLACKBOT}


def said(given: Json, reading: Reading) -> Inbound | None:
    """Return a new message; ``app_mention`` and ``message`` tell of the same one under one key."""
    if by_bot(given, reading.me):
        return None
    files = attachments(given)
    raw = str(given.get("text") or "")
    text = framed(given, words(raw, reading.me))
    if not text.strip() and not files:
        return None
    where = place(given, reading)
    ts, alone = str(given["ts"]), private(given)
    return Inbound(
        where,
        key=f"m:{where.chat}:{ts}",
        message_id=ts,
        sender=sender(given, reading),
        text=text,
        private=alone,
        addressed=alone or addressed(given, raw, reading.me),
        attachments=files,
        sent_at=milliseconds(ts),
    )


def sender(given: Json, reading: Reading) -> Sender:
    """Return who wrote: an id that starts with U, or with W on Enterprise Grid."""
    profile = given.get("user_profile") or {}
    user = str(given["user"])
    name = profile.get("display_name") or profile.get("real_name") or reading.name_of(user)
    return Sender(user, clean(str(name)))


def addressed(given: Json, raw: str, me: Me) -> bool:
    """Tell whether a message in a channel is meant for the app: it is named, or the thread is its own."""
    named = bool(me.user) and (f"<@{me.user}>" in raw or f"<@{me.user}|" in raw)
    mine = bool(me.user) and given.get("parent_user_id") == me.user
    return given["type"] == "app_mention" or named or mine


def words(raw: str, me: Me) -> str:
    """Return the text without the app's name where it only says who is meant."""
    if me.user:
        raw = re.sub(rf"^\s*<@{re.escape(me.user)}(?:\|[^<>]*)?>[\s,:]*", "", raw)
        raw = re.sub(rf"<@{re.escape(me.user)}(?:\|[^<>]*)?>", f"@{me.name or 'Hermes'}", raw)
    text = clean(mrkdwn.read(raw))
    # People put a space before a slash, so that Slack does not take the command for one of its own.
    return text.lstrip() if text.lstrip().startswith("/") else text


def framed(given: Json, text: str) -> str:
    """Return the text with what others wrote marked as theirs, so that it cannot pass for the sender's words."""
    shared = [
        item for item in given.get("attachments") or () if item.get("is_share") or item.get("is_msg_unfurl")
    ]
    for item in shared:
        author = clean(str(item.get("author_name") or item.get("author_id") or "somebody"))
        body = clean(mrkdwn.read(str(item.get("text") or item.get("fallback") or "")))
        quoted = "\n".join(f"> {line}" for line in body.splitlines())
        text = f"{text}\n\n[Shared message of {author}]\n{quoted}".lstrip("\n")
    return text


def attachments(given: Json) -> tuple[Attachment, ...]:
    """Return the files of a message."""
    files = [item for item in given.get("files") or () if item.get("mode") not in UNSEEN_FILES]
    return tuple(attachment(item) for item in files)


def attachment(item: Json) -> Attachment:
    """Return a file; one of another organisation (Slack Connect) is known by its id alone."""
    mime = str(item.get("mimetype") or "")
    kind = KINDS.get(mime.partition("/")[0], AttachmentKind.DOCUMENT)
    if item.get("subtype") == "slack_audio":
        kind = AttachmentKind.VOICE
    ref = item.get("url_private_download") or item.get("url_private") or item["id"]
    name = clean(str(item.get("name") or item.get("title") or ""))
    size = item.get("size")
    return Attachment(kind, str(ref), name, mime, size if isinstance(size, int) else 0)


def changed(given: Json, reading: Reading) -> Inbound | None:
    """Return an edit; Slack tells of previews and threads in the same way, which change no words."""
    new, old = given["message"], given.get("previous_message") or {}
    if new.get("subtype") == "tombstone" or (new.get("subtype") or "") not in SAID:
        return None
    if new.get("text") == old.get("text") and _files(new) == _files(old):
        return None
    around = {name: given[name] for name in ("channel", "channel_type") if name in given}
    message = said({"type": "message", **new, **around}, reading)
    if message is None:
        return None
    edit = str((new.get("edited") or {}).get("ts") or given.get("event_ts") or given.get("ts"))
    key = f"e:{message.address.chat}:{message.message_id}:{edit}"
    return replace(message, kind=InboundKind.EDIT, key=key, sent_at=milliseconds(edit))


def _files(message: Json) -> list[str]:
    return [str(item.get("id")) for item in message.get("files") or ()]


def deleted(given: Json, reading: Reading) -> Inbound | None:
    """Return a deletion of somebody's message."""
    old = given.get("previous_message") or {}
    if by_bot(old, reading.me):
        return None
    around = {name: given[name] for name in ("channel", "channel_type") if name in given}
    ts = str(given["deleted_ts"])
    gone = {"type": "message", **old, **around, "ts": ts}
    where = place(gone, reading)
    return Inbound(
        where,
        key=f"d:{where.chat}:{ts}",
        message_id=ts,
        sender=sender(gone, reading),
        kind=InboundKind.DELETE,
        private=private(gone),
        addressed=False,
        sent_at=milliseconds(str(given.get("event_ts") or ts)),
    )


def pressed(payload: Json, reading: Reading) -> Inbound | None:
    """Return a tap; its time makes each press one of its own, and the same press handed over again the same."""
    action = payload["actions"][0]
    value = action.get("value") or (action.get("selected_option") or {}).get("value")
    channel = (payload.get("channel") or {}).get("id") or (payload.get("container") or {}).get("channel_id")
    if not value or not channel:
        return None
    box, message = payload.get("container") or {}, payload.get("message") or {}
    ts = str(message.get("ts") or box.get("message_ts") or "")
    thread = str(message.get("thread_ts") or box.get("thread_ts") or "")
    thread = thread if thread != ts else ""
    user = payload["user"]
    handle = Tap(str(payload.get("trigger_id") or ""), str(channel), str(user["id"]), ts, thread)
    at = str(action.get("action_ts") or payload.get("trigger_id"))
    key = f"b:{channel}:{ts}:{user['id']}:{action.get('action_id', '')}:{at}"
    return _tap(reading, handle, user, key, clean(str(value)))


def filled(payload: Json, reading: Reading) -> Inbound | None:
    """Return a form's answer as the tap it was opened by; a view is submitted once."""
    view = payload["view"]
    origin = json.loads(view["private_metadata"])
    answer = view["state"]["values"][ANSWER][ANSWER].get("value") or ""
    user = payload["user"]
    trigger = str(payload.get("trigger_id") or view["id"])
    handle = Tap(
        trigger, origin["channel"], str(user["id"]), origin.get("message", ""), origin.get("thread", "")
    )
    made = _tap(reading, handle, user, f"v:{view['id']}", str(origin["value"]))
    return replace(made, text=clean(str(answer)))


def _tap(reading: Reading, handle: Tap, user: Json, key: str, value: str) -> Inbound:
    name = user.get("name") or user.get("username") or reading.name_of(str(user["id"]))
    return Inbound(
        Address("slack", reading.me.account, handle.channel, handle.thread or None),
        key=key,
        message_id=handle.message,
        sender=Sender(handle.user, clean(str(name))),
        kind=InboundKind.TAP,
        private=handle.channel.startswith("D"),
        tap=value,
        tap_id=str(handle),
    )


def command(payload: Json, reading: Reading) -> Inbound | None:
    """Return a slash command: a known word after it is a command, anything else a message."""
    text = clean(mrkdwn.read(str(payload.get("text") or ""))).strip()
    first = text.partition(" ")[0].casefold()
    if not text:
        text = "/help"
    elif first in reading.commands:
        text = f"/{text}"
    channel, user = str(payload["channel_id"]), str(payload["user_id"])
    alone = channel.startswith("D")
    unique = payload.get("trigger_id") or json.dumps(dict(payload), sort_keys=True)
    return Inbound(
        Address("slack", reading.me.account, channel),
        key=f"s:{channel}:{user}:{unique}",
        message_id="",
        sender=Sender(user, clean(str(payload.get("user_name") or reading.name_of(user)))),
        text=text,
        private=alone,
        addressed=True,
    )


def people(payload: Json) -> str:
    """Return the id of who wrote an event without their name, where somebody did."""
    given = payload.get("event")
    if (
        not isinstance(given, dict)
        or given.get("type") not in {"message", "app_mention"}
        or given.get("bot_id")
    ):
        return ""
    return "" if given.get("user_profile") else str(given.get("user") or "")


def milliseconds(ts: str) -> int:
    """Read Slack's time."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1000 + int((fraction + "000")[:3])


def clean(text: str) -> str:
    """Return text that can be encoded: a lone surrogate, which JSON can carry, becomes a replacement character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
