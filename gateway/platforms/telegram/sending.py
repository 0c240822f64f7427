"""What we owe, delivered: texts, cards, edits and files."""

import asyncio
import html
import re
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, TelegramError

from gateway.platforms.telegram.failures import delivery_error
from gateway.platforms.telegram.request import ApiBot
from kernel.errors import DeliveryRejected, DeliveryUncertain
from kernel.messages import Address, Outbound, OutboundKind

RESEND_MARK = "↻ "
CAPTION_LIMIT = 1024
PHOTO_BYTES = 10 * 1024 * 1024
PHOTO_TYPES = {".jpg", ".jpeg", ".png", ".webp"}
HALVES_KEPT = 256
UPLOAD_SECONDS = 120.0


class Courier:
    """Delivers owed messages.

    A text that needs several messages may fail between two of them; what was sent by then is remembered under its
    nonce, so that the next try continues there.
    """

    def __init__(self, bot: ApiBot, *, link_previews: bool) -> None:
        self._bot = bot
        self._preview = LinkPreviewOptions(is_disabled=not link_previews)
        self._halves: OrderedDict[str, list[str]] = OrderedDict()

    async def deliver(self, message: Outbound) -> tuple[str, ...]:
        """Send one message and return the ids it got; raise DeliveryError, or ChatMigrated for a group that moved."""
        if message.resend:
            message = replace(message, text=RESEND_MARK + message.text)
        if message.kind is OutboundKind.FILE:
            return await self._file(message)
        return await self._text(message)

    async def _text(self, message: Outbound) -> tuple[str, ...]:
        pieces = render(message.text)
        if not pieces:
            raise DeliveryRejected("The message is empty.")
        sent = self._halves.setdefault(message.nonce, []) if message.nonce else []
        self._forget()
        for number in range(len(sent), len(pieces)):
            last = number == len(pieces) - 1
            sent.append(await self._piece(message, pieces[number], first=number == 0, last=last))
        self._halves.pop(message.nonce, None)
        return tuple(sent)

    def _forget(self) -> None:
        while len(self._halves) > HALVES_KEPT:
            self._halves.popitem(last=False)

    async def _piece(self, message: Outbound, markup: str, *, first: bool, last: bool) -> str:
        buttons = keyboard(message) if last else None
        if first and message.replaces:
            edited = await self._edit(message, markup, buttons)
            if edited:
                return edited
        return await self._new(message, markup, buttons, first=first)

    async def _edit(self, message: Outbound, markup: str, buttons: InlineKeyboardMarkup | None) -> str:
        """Edit in place and return the id; return nothing where there is no such message to edit any more."""
        try:
            await self._marked_up(
                self._bot.edit_message_text,
                markup,
                chat_id=chat_id(message.address),
                message_id=number(message.replaces),
                reply_markup=buttons,
                link_preview_options=self._preview,
            )
        except BadRequest as error:
            if "not modified" in error.message:
                return message.replaces
            if any(sign in error.message for sign in GONE):
                return ""
            raise delivery_error(error) from None
        except TelegramError as error:
            raise delivery_error(error, repeatable=True) from None
        return message.replaces

    async def _new(
        self, message: Outbound, markup: str, buttons: InlineKeyboardMarkup | None, *, first: bool
    ) -> str:
        where = {
            **target(message.address),
            "disable_notification": message.silent,
            "reply_parameters": reply(message) if first else None,
            "reply_markup": buttons,
        }
        return await self._sent(
            self._marked_up, self._bot.send_message, markup, link_preview_options=self._preview, **where
        )

    async def _sent(self, call: Any, *arguments: Any, **where: Any) -> str:
        """Make a call that sends and return the new message's id; a topic that is gone becomes its chat."""
        try:
            try:
                made = await call(*arguments, **where)
            except BadRequest as error:
                if "thread not found" not in error.message or not where.get("message_thread_id"):
                    raise
                made = await call(*arguments, **(where | {"message_thread_id": None}))
            return str(made.message_id)
        except TelegramError as error:
            raise delivery_error(error) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise DeliveryUncertain("Telegram's receipt could not be understood.") from None

    async def _marked_up(self, call: Any, markup: str, **arguments: Any) -> Any:
        """Make a call with formatted text, and with the bare text where Telegram cannot read the format."""
        try:
            return await call(text=markup, parse_mode=ParseMode.HTML, **arguments)
        except BadRequest as error:
            if "parse entities" not in error.message:
                raise
        return await call(text=bare(markup), **arguments)

    async def _file(self, message: Outbound) -> tuple[str, ...]:
        path = message.file
        if path is None:
            raise DeliveryRejected("There is no file in the message.")
        caption = plain(message.text)
        fits = len(caption.encode("utf-16-le")) // 2 <= CAPTION_LIMIT
        sent = await self._upload(message, path, caption if fits else "")
        if fits:
            return (sent,)
        rest = replace(message, kind=OutboundKind.TEXT, reply_to=sent, file=None, replaces="")
        return (sent, *await self._text(rest))

    async def _upload(self, message: Outbound, path: Path, caption: str) -> str:
        name = message.file_name or path.name
        where = {
            **target(message.address),
            "disable_notification": message.silent,
            "reply_parameters": reply(message),
            "caption": caption or None,
        }
        if await asyncio.to_thread(is_photo, path, name):
            try:
                return await self._sent(self._attach, self._bot.send_photo, "photo", path, name, **where)
            except DeliveryRejected as error:
                if "PHOTO" not in error.message.upper() and "IMAGE" not in error.message.upper():
                    raise
        return await self._sent(self._attach, self._bot.send_document, "document", path, name, **where)

    async def _attach(self, call: Any, kind: str, path: Path, name: str, **where: Any) -> Any:
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except OSError as error:
            raise DeliveryRejected(f"{name} cannot be read: {error.strerror}.") from None
        with file:
            upload = InputFile(file, filename=name, read_file_handle=False)
            return await call(
                **{kind: upload}, read_timeout=UPLOAD_SECONDS, write_timeout=UPLOAD_SECONDS, **where
            )


# The message is gone, has no text, or is too old to be edited: what is owed goes out as a new one.
GONE = (
    "message to edit not found",
    "message can't be edited",
    "no text in the message",
    "MESSAGE_ID_INVALID",
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


def keyboard(message: Outbound) -> InlineKeyboardMarkup | None:
    """Return the buttons as an inline keyboard."""
    rows = [[InlineKeyboardButton(b.label, callback_data=b.value) for b in row] for row in message.buttons]
    return InlineKeyboardMarkup(rows) if any(rows) else None


def bare(markup: str) -> str:
    """Return a rendered piece as people would read it."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def render(text: str) -> list[str]:
    """Return the text as one piece."""
    return [html.escape(text, quote=False)] if text.strip() else []


def plain(text: str) -> str:
    """Return the text without markup."""
    return text


def is_photo(path: Path, name: str) -> bool:
    """Tell whether Telegram shows a file as a picture."""
    if Path(name).suffix.lower() not in PHOTO_TYPES:
        return False
    return path.is_file() and path.stat().st_size <= PHOTO_BYTES


def moved(message: Outbound, chat: int) -> Outbound:
    """Return a message re-addressed to the supergroup its group became; message ids of the old chat mean nothing."""
    address = message.address._replace(chat=str(chat), thread=None)
    return replace(message, address=address, replaces="", reply_to="")
