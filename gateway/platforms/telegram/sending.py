"""What we owe, delivered: texts, cards, edits and files."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, TelegramError

from gateway.platforms.telegram.failures import delivery_error, says
from gateway.platforms.telegram.pieces import CAPTION_LIMIT, TEXT_LIMIT, Piece, pieces
from gateway.platforms.telegram.request import ApiBot
from gateway.transport.halves import Halves
from kernel.errors import DeliveryRejected, DeliveryUncertain
from kernel.messages import Address, Outbound, OutboundKind

# A second sending is marked, so what is sent first must leave room for the mark.
RESEND_MARK = "↻ "
ROOM = TEXT_LIMIT - len(RESEND_MARK)
PHOTO_BYTES = 10 * 1024 * 1024
PHOTO_TYPES = {".jpg", ".jpeg", ".png", ".webp"}
UPLOAD_SECONDS = 120.0

Call = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One of Telegram's messages: a piece of text, or a file with it as caption."""

    piece: Piece | None
    file: Path | None = None
    first: bool = False
    last: bool = False


class Courier:
    """Delivers owed messages.

    A message that needs several of Telegram's may fail between two of them; what was sent by then is remembered under
    its nonce, so that the next try continues there.
    """

    def __init__(self, bot: ApiBot, *, link_previews: bool) -> None:
        self._bot = bot
        self._preview = LinkPreviewOptions(is_disabled=not link_previews)
        self._halves = Halves()

    async def deliver(self, message: Outbound) -> tuple[str, ...]:
        """Send one message and return the ids it got; raise DeliveryError, or ChatMigrated for a group that moved."""
        parts = steps(message)
        if not parts:
            raise DeliveryRejected("The message is empty.")
        sent = self._halves.of(message.nonce)
        try:
            for step in parts[len(sent) :]:
                sent.append(
                    await self._take(message, step, marked=message.resend and step is parts[len(sent)])
                )
        finally:
            self._halves.keep(message.nonce, sent, len(parts))
        return tuple(sent)

    async def _take(self, message: Outbound, step: Step, *, marked: bool) -> str:
        if marked and step.piece:
            step = replace(step, piece=Piece(RESEND_MARK + step.piece.html, RESEND_MARK + step.piece.text))
        if step.file:
            return await self._upload(message, step)
        if step.first and message.replaces and (edited := await self._edit(message, step)):
            return edited
        return await self._sent(
            self._marked_up,
            self._bot.send_message,
            step.piece,
            "text",
            reply_markup=keyboard(message) if step.last else None,
            link_preview_options=self._preview,
            **placement(message, step),
        )

    async def _edit(self, message: Outbound, step: Step) -> str:
        """Edit in place and return the id; return nothing where there is no such message to edit any more."""
        try:
            await self._marked_up(
                self._bot.edit_message_text,
                step.piece,
                "text",
                chat_id=chat_id(message.address),
                message_id=number(message.replaces),
                reply_markup=keyboard(message) if step.last else None,
                link_preview_options=self._preview,
            )
        except ChatMigrated:
            raise
        except TelegramError as error:
            if says(error, *GONE):
                return ""
            if not says(error, "not modified"):
                raise delivery_error(error, repeatable=True) from None
        return message.replaces

    async def _sent(self, call: Call, *arguments: Any, **where: Any) -> str:
        """Make a call that sends and return the new message's id."""
        try:
            made = await self._placed(call, *arguments, **where)
            return str(made.message_id)
        except ChatMigrated:
            raise
        except TelegramError as error:
            raise delivery_error(error) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise DeliveryUncertain("Telegram's receipt could not be understood.") from None

    async def _placed(self, call: Call, *arguments: Any, **where: Any) -> Any:
        """Make a call; where its topic is gone, make it for the chat."""
        try:
            return await call(*arguments, **where)
        except BadRequest as error:
            if not says(error, "thread not found") or not where["message_thread_id"]:
                raise
        return await call(*arguments, **(where | {"message_thread_id": None}))

    async def _marked_up(self, call: Call, piece: Piece | None, field: str, **arguments: Any) -> Any:
        """Make a call with formatted text, and with the bare text where Telegram cannot read the format."""
        if piece is None:
            return await call(**arguments)
        try:
            return await call(**{field: piece.html}, parse_mode=ParseMode.HTML, **arguments)
        except BadRequest as error:
            if not says(error, "parse entities"):
                raise
        return await call(**{field: piece.text}, **arguments)

    async def _upload(self, message: Outbound, step: Step) -> str:
        path = step.file or Path()
        name = message.file_name or path.name
        if await asyncio.to_thread(is_photo, path, name):
            try:
                return await self._attached(message, step, "photo", name)
            except DeliveryRejected as error:
                if not re.search("photo|image", error.message, re.IGNORECASE):
                    raise
        return await self._attached(message, step, "document", name)

    async def _attached(self, message: Outbound, step: Step, kind: str, name: str) -> str:
        method = self._bot.send_photo if kind == "photo" else self._bot.send_document

        async def attach(**arguments: Any) -> Any:
            with await opened(step.file or Path(), name) as file:
                upload = InputFile(file, filename=name, read_file_handle=False)
                limits = {"read_timeout": UPLOAD_SECONDS, "write_timeout": UPLOAD_SECONDS}
                return await method(**{kind: upload}, **limits, **arguments)

        buttons = keyboard(message) if step.last else None
        where = placement(message, step)
        return await self._sent(self._marked_up, attach, step.piece, "caption", reply_markup=buttons, **where)


def steps(message: Outbound) -> list[Step]:
    """Return the messages of Telegram's that one of ours becomes: pieces of text, or a file with its caption."""
    if message.kind is not OutboundKind.FILE:
        parts = [Step(piece) for piece in shown(message.text)]
    else:
        if message.file is None:
            raise DeliveryRejected("There is no file in the message.")
        caption = pieces(message.text, CAPTION_LIMIT - len(RESEND_MARK))
        fits = len(caption) <= 1
        rest = [] if fits else shown(message.text)
        parts = [Step(caption[0] if fits and caption else None, message.file), *map(Step, rest)]
    if parts:
        parts[0] = replace(parts[0], first=True)
        parts[-1] = replace(parts[-1], last=True)
    return parts


async def opened(path: Path, name: str) -> BinaryIO:
    """Open a file that is to be sent; raise DeliveryRejected where it is not there."""
    try:
        return await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise DeliveryRejected(f"{name} cannot be read: {error.strerror}.") from None


# The message is gone, has no text, or is too old to be edited: what is owed goes out as a new one.
GONE = (
    "message to edit not found",
    "message can't be edited",
    "no text in the message",
    "message_id_invalid",
)


def target(address: Address) -> dict[str, Any]:
    """Return where a message goes, as the Bot API's arguments."""
    return {
        "chat_id": chat_id(address),
        "message_thread_id": number(address.thread) if address.thread else None,
    }


def chat_id(address: Address) -> int | str:
    """Return a chat's id, or the public name of a channel; raise DeliveryRejected for anything else."""
    return address.chat if address.chat.startswith("@") else number(address.chat)


def number(text: str) -> int:
    """Read an id; raise DeliveryRejected where it is none of Telegram's."""
    try:
        return int(text)
    except ValueError:
        raise DeliveryRejected(f"{text!r} is no id of Telegram's.") from None


def reply(message: Outbound) -> ReplyParameters | None:
    """Return what a message answers; where that is gone, it is sent all the same."""
    if not message.reply_to:
        return None
    return ReplyParameters(number(message.reply_to), allow_sending_without_reply=True)


def placement(message: Outbound, step: Step) -> dict[str, Any]:
    """Return where and how a message is put into a chat."""
    where = target(message.address)
    return where | {
        "disable_notification": message.silent,
        "reply_parameters": reply(message) if step.first else None,
    }


def keyboard(message: Outbound) -> InlineKeyboardMarkup | None:
    """Return the buttons as an inline keyboard."""
    rows = [[InlineKeyboardButton(b.label, callback_data=b.value) for b in row] for row in message.buttons]
    return InlineKeyboardMarkup(rows) if any(rows) else None


def shown(text: str) -> list[Piece]:
    """Return Markdown as messages that leave room for a mark; nothing visible gives none."""
    return pieces(text, ROOM)


def is_photo(path: Path, name: str) -> bool:
    """Tell whether Telegram shows a file as a picture."""
    if Path(name).suffix.lower() not in PHOTO_TYPES:
        return False
    return path.is_file() and path.stat().st_size <= PHOTO_BYTES


def moved(message: Outbound, chat: int) -> Outbound:
    """Return a message re-addressed to the supergroup its group became; message ids of the old chat mean nothing."""
    address = message.address._replace(chat=str(chat), thread=None)
    return replace(message, address=address, replaces="", reply_to="")
