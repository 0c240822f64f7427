"""What exists on the fake Telegram: people, chats, topics, messages, files and button presses."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram_entities import Entity

Json = dict[str, Any]

BOT_ID = 4242
GENERAL_TOPIC = 1
SUPERGROUP_BASE = -1_000_000_000_000


class ApiError(Exception):
    """A refusal in the words of the Bot API: HTTP code, description and response parameters."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def wire(self) -> Json:
        """Return the error as the Bot API writes it."""
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        return body | ({"parameters": self.parameters} if self.parameters else {})


def bad_request(description: str, **parameters: Any) -> ApiError:
    """Return a 400 with Telegram's prefix."""
    return ApiError(400, f"Bad Request: {description}", parameters)


def forbidden(description: str) -> ApiError:
    """Return a 403 with Telegram's prefix."""
    return ApiError(403, f"Forbidden: {description}")


@dataclass(slots=True)
class User:
    """A person, or the bot."""

    id: int
    first_name: str
    username: str = ""
    is_bot: bool = False
    language_code: str = "en"

    def wire(self) -> Json:
        """Return the user as the Bot API writes it."""
        body: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        if not self.is_bot:
            body["language_code"] = self.language_code
        return body | ({"username": self.username} if self.username else {})


@dataclass(slots=True)
class Chat:
    """A private chat, group or supergroup, as the server knows it."""

    id: int
    type: str
    title: str = ""
    first_name: str = ""
    username: str = ""
    is_forum: bool = False
    topics: dict[int, str] = field(default_factory=dict[int, str])
    members: dict[int, str] = field(default_factory=dict[int, str])
    migrated_to: int | None = None
    bot_gone: bool = False
    bot_can_manage_topics: bool = True
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def wire(self) -> Json:
        """Return the chat as the Bot API writes it inside a message."""
        optional = {"title": self.title, "first_name": self.first_name, "username": self.username}
        body: Json = {"id": self.id, "type": self.type}
        body |= {name: value for name, value in optional.items() if value}
        return body | ({"is_forum": True} if self.is_forum else {})


@dataclass(slots=True)
class Message:
    """One message in its present state; `versions` keeps the texts it had before each edit."""

    id: int
    chat: Chat
    sender: User
    date: int
    text: str = ""
    entities: list[Entity] = field(default_factory=list[Entity])
    thread_id: int | None = None
    reply_markup: Json | None = None
    reply_to: "Message | None" = None
    media_group_id: str = ""
    content: Json = field(default_factory=dict[str, Any])
    source: str = ""
    silent: bool = False
    deleted: bool = False
    edit_date: int | None = None
    versions: list[str] = field(default_factory=list[str])
    reactions: list[str] = field(default_factory=list[str])

    @property
    def chat_id(self) -> int:
        """The id of its chat."""
        return self.chat.id

    @property
    def from_bot(self) -> bool:
        """Whether the bot wrote it."""
        return self.sender.is_bot

    @property
    def buttons(self) -> list[Json]:
        """The inline buttons, row by row in one list."""
        rows = (self.reply_markup or {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]

    @property
    def labels(self) -> list[str]:
        """The texts of the inline buttons."""
        return [button["text"] for button in self.buttons]

    @property
    def media(self) -> str:
        """The kind of file it carries, or an empty string."""
        return next((kind for kind in MEDIA_KINDS if kind in self.content), "")

    def wire(self, *, with_reply: bool = True) -> Json:
        """Return the message as the Bot API writes it."""
        body: Json = {
            "message_id": self.id,
            "from": self.sender.wire(),
            "chat": self.chat.wire(),
            "date": self.date,
            **self.content,
        }
        body |= self._texts() | self._placement()
        if self.reply_to is not None and with_reply:
            body["reply_to_message"] = self.reply_to.wire(with_reply=False)
        return body

    def _texts(self) -> Json:
        name, marks = ("caption", "caption_entities") if self.media else ("text", "entities")
        body: Json = {name: self.text} if self.text else {}
        if self.entities:
            body[marks] = [entity.wire() for entity in self.entities]
        return body

    def _placement(self) -> Json:
        optional = {
            "message_thread_id": self.thread_id,
            "is_topic_message": self.thread_id is not None,
            "reply_markup": self.reply_markup,
            "media_group_id": self.media_group_id,
            "edit_date": self.edit_date,
        }
        return {name: value for name, value in optional.items() if value}


MEDIA_KINDS = ("photo", "document", "voice", "audio", "video")


@dataclass(slots=True)
class StoredFile:
    """A file somebody uploaded."""

    id: str
    path: str
    data: bytes
    name: str
    mime: str
    size: int


@dataclass(slots=True)
class ButtonPress:
    """A callback query: what was pressed, and how the bot answered it."""

    id: str
    data: str
    user: User
    message: Message
    answered: bool = False
    text: str = ""
    alert: bool = False
    expired: bool = False


def now() -> int:
    """Return the wall clock in whole seconds, as messages carry it."""
    return int(time.time())


class World:
    """All state of the fake, without any network."""

    def __init__(self, *, username: str = "hermes_bot", topics_in_dms: bool = False) -> None:
        self.bot = User(BOT_ID, "Hermes", username, is_bot=True)
        self.has_topics_enabled = topics_in_dms
        self.reads_all_group_messages = False
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.history: dict[int, list[Message]] = {}
        self.files: dict[str, StoredFile] = {}
        self.presses: dict[str, ButtonPress] = {}
        self.commands: dict[str, list[Json]] = {}
        self._common_numbers = itertools.count(1)
        self._ids = itertools.count(1)
        self._threads = itertools.count(100)

    def next_id(self, prefix: str) -> str:
        """Return a new opaque id."""
        return f"{prefix}{next(self._ids):08d}"

    def user(self, user_id: int) -> User:
        """Return the person with this id, created on first use."""
        return self.users.setdefault(user_id, User(user_id, f"User{user_id}", f"user{user_id}"))

    def private_chat(self, user_id: int) -> Chat:
        """Return a person's chat with the bot, opened on first use."""
        person = self.user(user_id)
        chat = Chat(user_id, "private", first_name=person.first_name, username=person.username)
        chat.numbers = self._common_numbers
        return self.chats.setdefault(user_id, chat)

    def add_group(self, chat_id: int, title: str, *, members: tuple[int, ...] = ()) -> Chat:
        """Create a basic group with the bot in it."""
        group = Chat(chat_id, "group", title, numbers=self._common_numbers)
        return self._join(group, members)

    def add_supergroup(
        self, chat_id: int, title: str, *, forum: bool = False, members: tuple[int, ...] = ()
    ) -> Chat:
        """Create a supergroup, which numbers its messages by itself, with the bot in it."""
        group = Chat(chat_id, "supergroup", title, is_forum=forum, numbers=itertools.count(1))
        return self._join(group, members)

    def _join(self, chat: Chat, members: tuple[int, ...]) -> Chat:
        chat.members = dict.fromkeys(members, "member") | {BOT_ID: "administrator"}
        self.chats[chat.id] = chat
        return chat

    def chat(self, chat_id: int) -> Chat:
        """Return a chat the bot may write to, or raise the error Telegram gives."""
        chat = self.chats.get(chat_id)
        if chat is None:
            raise bad_request("chat not found")
        if chat.migrated_to is not None:
            raise bad_request(
                "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
            )
        if chat.bot_gone:
            where = {"private": "blocked by the user"}.get(chat.type, f"kicked from the {chat.type} chat")
            raise forbidden(f"bot was {where}")
        return chat

    def say(self, chat: Chat, sender: User, **fields: Any) -> Message:
        """Write a message into a chat's history."""
        message = Message(next(chat.numbers), chat, sender, now(), **fields)
        self.history.setdefault(chat.id, []).append(message)
        return message

    def find(self, chat_id: int, message_id: int | None) -> Message | None:
        """Return a message that still exists, or None."""
        messages = self.history.get(chat_id, [])
        return next((m for m in messages if m.id == message_id and not m.deleted), None)

    def has_topics(self, chat: Chat) -> bool:
        """Tell whether topics can be made in a chat."""
        return chat.is_forum or (chat.type == "private" and self.has_topics_enabled)

    def add_topic(self, chat: Chat, name: str, creator: User) -> int:
        """Create a topic with its service message; return its thread id."""
        thread = next(self._threads)
        chat.topics[thread] = name
        created = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        self.say(chat, creator, thread_id=thread, content=created)
        return thread

    def store_file(
        self, data: bytes, name: str, mime: str, *, folder: str, size: int | None = None
    ) -> StoredFile:
        """Keep an uploaded file; `size` may pretend to be larger than the data."""
        file_id = self.next_id("file")
        path = f"{folder}/{file_id}_{name}"
        stored = StoredFile(file_id, path, data, name, mime, len(data) if size is None else size)
        self.files[file_id] = stored
        return stored
