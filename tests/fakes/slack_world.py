"""What a Slack workspace holds: people, channels, messages, files and views, without any protocol."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

BOT_USER, BOT_ID, APP_ID, TEAM_ID = "UHERMES01", "BHERMES01", "AHERMES01", "T0TEAM001"
SECTION, BUTTON_TEXT, BUTTON_VALUE, OPTION_VALUE = 3000, 75, 2000, 150
MOST_BLOCKS, MOST_ELEMENTS, OVERFLOW = 50, 25, 5


class SlackError(Exception):
    """A refusal in Slack's words."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.body = {"ok": False, "error": code, **more}


@dataclass(slots=True, eq=False)
class Message:
    """One message; ``history`` is what it said before its edits."""

    channel: str
    ts: str
    user: str
    text: str
    thread_ts: str = ""
    bot: bool = False
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    files: list[Json] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)
    broadcast: bool = False
    mrkdwn: bool = True
    edited: str = ""
    deleted: bool = False
    history: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """What people read: the blocks where there are some, and the three characters as they look."""
        sections = [b["text"]["text"] for b in self.blocks if b["type"] == "section"]
        text = "\n".join(sections) if sections else self.text
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    @property
    def elements(self) -> list[tuple[str, Json]]:
        """The interactive parts as (label, action), menus' options among them."""
        found: list[tuple[str, Json]] = []
        for block in self.blocks:
            for element in block.get("elements", ()):
                base = {"action_id": element["action_id"], "block_id": block["block_id"]}
                if element["type"] == "button":
                    found.append(
                        (element["text"]["text"], base | {"type": "button", "value": element["value"]})
                    )
                for option in element.get("options", ()):
                    chosen = base | {"type": element["type"], "selected_option": option}
                    found.append((option["text"]["text"], chosen))
        return found

    @property
    def labels(self) -> list[str]:
        """The labels of buttons and options."""
        return [label for label, _ in self.elements]

    def wire(self, *, metadata: bool = False) -> Json:
        """Return it as Slack writes it."""
        made: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text}
        if self.bot:
            made |= {"bot_id": BOT_ID, "app_id": APP_ID}
        made |= {"thread_ts": self.thread_ts} if self.thread_ts else {}
        made |= {"blocks": self.blocks} if self.blocks else {}
        made |= {"attachments": self.attachments} if self.attachments else {}
        made |= {"files": self.files} if self.files else {}
        made |= {"edited": {"user": self.user, "ts": self.edited}} if self.edited else {}
        made |= {"metadata": self.metadata} if metadata and self.metadata else {}
        return made


@dataclass(slots=True)
class Channel:
    """A channel, a direct message (``user`` is with whom) or a group message."""

    id: str
    name: str = ""
    kind: str = "channel"
    user: str = ""
    members: set[str] = field(default_factory=set)
    archived: bool = False
    messages: list[Message] = field(default_factory=list)

    def wire(self) -> Json:
        """Return it as Slack writes it."""
        made: Json = {"id": self.id, "is_archived": self.archived, "is_im": self.kind == "im"}
        return made | ({"user": self.user} if self.kind == "im" else {"name": self.name})


@dataclass(frozen=True, slots=True)
class Grid:
    """An organisation (Enterprise Grid) that has installed the app for all of its workspaces."""

    id: str = "E0GRID0001"
    name: str = "Acme Group"


class World:
    """A workspace with the app installed, or one of a ``grid`` that has installed it for all of them."""

    def __init__(self, grid: Grid | None = None) -> None:
        self.grid = grid
        self.people: dict[str, str] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, Json] = {}
        self.bytes: dict[str, bytes] = {}
        self.views: dict[str, Json] = {}
        self.ephemeral: list[Json] = []
        self.statuses: list[Json] = []
        self.triggers: dict[str, float] = {}
        self.blocked: set[str] = set()
        self.number = itertools.count(1)
        self._last = 0

    def tick(self) -> str:
        """Return a time that no other message has."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"

    def person(self, id: str, name: str = "") -> str:
        """Add somebody, with a direct message channel; return its id."""
        self.people[id] = name or id.title()
        channel = "D" + id[1:]
        self.channels.setdefault(channel, Channel(channel, kind="im", user=id, members={id, BOT_USER}))
        return channel

    def channel(self, id: str, name: str, *members: str, kind: str = "channel") -> Channel:
        """Add a channel."""
        self.channels[id] = Channel(id, name, kind, members=set(members))
        return self.channels[id]

    def place(self, id: str) -> Channel:
        """Return a channel by its id, or the direct messages of a person; raise what Slack says of others."""
        if id in self.people:
            id = "D" + id[1:]
        if id not in self.channels:
            raise SlackError("channel_not_found")
        return self.channels[id]

    def find(self, channel: str, ts: str) -> Message:
        """Return a message; raise what Slack says of one that is not there."""
        for message in self.place(channel).messages:
            if message.ts == ts and not message.deleted:
                return message
        raise SlackError("message_not_found")

    def add(self, channel: str, user: str, text: str, **more: Any) -> Message:
        """Put a message into a channel."""
        place = self.place(channel)
        message = Message(place.id, self.tick(), user, text, **more)
        place.messages.append(message)
        return message

    def post(self, given: Json) -> Message:
        """Post as the app."""
        place = self.place(str(given.get("channel", "")))
        if place.archived:
            raise SlackError("is_archived")
        if BOT_USER not in place.members or place.user in self.blocked:
            raise SlackError("cannot_dm_bot" if place.kind == "im" else "not_in_channel")
        content(given, longest=40_000)
        thread = str(given.get("thread_ts") or "")
        if thread and not any(m.ts == thread for m in place.messages):
            raise SlackError("thread_not_found")
        return self.add(
            place.id,
            BOT_USER,
            given.get("text") or "",
            bot=True,
            thread_ts=thread,
            blocks=given.get("blocks") or [],
            attachments=given.get("attachments") or [],
            metadata=given.get("metadata"),
            broadcast=bool(given.get("reply_broadcast")),
            mrkdwn=given.get("mrkdwn", True),
        )

    def update(self, given: Json) -> Message:
        """Change a message of the app."""
        message = self.find(str(given["channel"]), str(given["ts"]))
        if not message.bot:
            raise SlackError("cant_update_message")
        content(given, longest=4000)
        message.history.append(message.text)
        message.text, message.blocks = given.get("text") or "", given.get("blocks") or []
        # Slack keeps what an edit does not name.
        message.attachments = given.get("attachments", message.attachments)
        return message


def content(given: Json, *, longest: int) -> None:
    """Check a message's text and blocks as Slack does."""
    text, blocks = given.get("text") or "", given.get("blocks") or []
    if not text.strip() and not blocks:
        raise SlackError("no_text")
    if len(text) > longest:
        raise SlackError("msg_too_long")
    if len(blocks) > MOST_BLOCKS or not all(_fits(block) for block in blocks):
        raise SlackError("invalid_blocks")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) < len(ids):
        raise SlackError("invalid_blocks")


def _fits(block: Json) -> bool:
    if block["type"] == "section":
        return 0 < len(block["text"]["text"]) <= SECTION
    if block["type"] == "input":
        return 0 < len(block["label"]["text"]) <= 2000
    elements = block["elements"]
    unique = len({e["action_id"] for e in elements}) == len(elements)
    return 0 < len(elements) <= MOST_ELEMENTS and unique and all(map(_element_fits, elements))


def _element_fits(element: Json) -> bool:
    fits: Callable[[Json], bool] = lambda text: 0 < len(text["text"]) <= BUTTON_TEXT  # noqa: E731
    if element["type"] == "button":
        return fits(element["text"]) and len(element["value"]) <= BUTTON_VALUE
    most = OVERFLOW if element["type"] == "overflow" else 100
    options = element["options"]
    return 0 < len(options) <= most and all(
        fits(option["text"]) and len(option["value"]) <= OPTION_VALUE for option in options
    )
