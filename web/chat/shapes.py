"""What the chat endpoints take and give."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from kernel.messages import Button
from store.messages import Message
from web.chat.media import mime_of
from web.chat.names import Place

TEXT_LIMIT = 1_000_000
FILES_LIMIT = 10


class UploadView(BaseModel):
    """An uploaded file that waits for the message that names it."""

    upload: str = Field(max_length=300)
    name: str = Field(max_length=200)
    mime: str = Field(default="", max_length=200)
    size: int = Field(default=0, ge=0)


class Said(BaseModel):
    """A message of a person; ``key`` is the client's own, new for each message."""

    model_config = ConfigDict(extra="forbid")

    key: str
    text: str = Field(default="", max_length=TEXT_LIMIT)
    attachments: list[UploadView] = Field(default=[], max_length=FILES_LIMIT)
    reply_to: str = Field(default="", max_length=200)


class Tapped(BaseModel):
    """A pressed button; ``value`` is the button's, ``message_id`` that of its message."""

    model_config = ConfigDict(extra="forbid")

    key: str
    value: str = Field(max_length=200)
    message_id: str = Field(default="", max_length=200)


class Accepted(BaseModel):
    """What was said is committed."""

    key: str


class UploadQuery(BaseModel):
    """The file's name."""

    name: str = Field(default="file", max_length=500)


class HistoryQuery(BaseModel):
    """How much, and before which cursor; ``view=page`` adds HTML."""

    limit: int = Field(default=50, ge=1, le=200)
    before: str = ""
    view: str = ""


class StreamQuery(BaseModel):
    """The event to continue after; without it, and without Last-Event-ID, the stream begins now."""

    since: int | None = Field(default=None, ge=0)
    view: str = ""


class FileView(BaseModel):
    """A file of a message; ``problem`` says why it is not there."""

    name: str
    mime: str
    size: int
    kind: str
    url: str
    problem: str


class MessageView(BaseModel):
    """One message of a chat; ``at`` is in milliseconds since the epoch, ``html`` only there when asked for.

    ``here`` is false for what was said elsewhere and came along with its conversation.
    """

    id: str
    direction: str
    message_id: str
    session_id: str
    text: str
    buttons: list[list[Button]]
    attachments: list[FileView]
    state: str
    sentence: str
    error: str
    reply_to: str
    edited: bool
    at: int
    here: bool = True
    html: str | None = None


class HistoryView(BaseModel):
    """A stretch of history, oldest first; ``older`` continues before it, ``seq`` is where the stream continues."""

    messages: list[MessageView]
    older: str | None
    seq: int


class ChatView(BaseModel):
    """A chat with the title of its latest session."""

    chat: str
    session_id: str
    title: str
    active_at: int


class ChatList(BaseModel):
    """Chats, the latest first."""

    chats: list[ChatView]


class CommandView(BaseModel):
    """A slash command."""

    name: str
    summary: str


class CommandList(BaseModel):
    """The slash commands."""

    commands: list[CommandView]


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event; ``seq`` is set on those that a reconnecting client continues after."""

    event: str
    data: str
    seq: int | None = None


def message_view(place: Place, message: Message) -> MessageView:
    """Return a message as clients see it."""
    return MessageView(
        id=message.id,
        direction=message.direction,
        message_id=message.message_id,
        session_id=message.session_id,
        text=message.text,
        buttons=[list(row) for row in message.buttons],
        attachments=[
            FileView(
                name=file.name or file.kind.value,
                mime=file.mime or mime_of(file.name),
                size=file.size,
                kind=file.kind.value,
                url=f"{place.url}/files/{message.id}-{index}" if file.path else "",
                problem=file.problem,
            )
            for index, file in enumerate(message.attachments)
        ],
        state=message.state.value,
        sentence=message.state.sentence,
        error=message.error,
        reply_to=message.reply_to,
        edited=message.edited,
        at=message.at,
        here=(message.platform, message.chat) == (place.platform, place.chat),
    )
