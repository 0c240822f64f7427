"""What we owe, delivered: texts, cards, edits and files, each of Discord's messages at most once."""

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.platforms.discord.convert import INVISIBLE
from gateway.platforms.discord.directory import Directory, number
from gateway.platforms.discord.failures import Code, Refused, RestError, delivery_error
from gateway.platforms.discord.markdown import EMBED_LIMIT, TEXT_LIMIT, pieces
from gateway.platforms.discord.rest import Rest, Upload
from gateway.platforms.discord.threads import Threads
from gateway.transport.halves import Halves
from kernel.errors import DeliveryRejected
from kernel.messages import Address, Button, Outbound, OutboundKind

Raw = Mapping[str, Any]

# Long texts are cut by their source, to which Discord's marks and backslashes are added.
ROOM = 1_900
NONCE_LENGTH = 25
RECEIPTS_KEPT = 2_000
LOOK_BACK = 50
HEADLINE_LIMIT = 300

BUTTONS_IN_A_ROW, ROWS, BUTTON_LABEL = 5, 5, 80
OPTIONS_IN_A_MENU, OPTION_LABEL = 25, 100
SECONDARY, SUCCESS, DANGER = 2, 3, 4
STYLES = {"✅": SUCCESS, "❌": DANGER}
COLOURS = {
    "low": 0x3B_A5_5C,
    "medium": 0xFA_A6_1A,
    "high": 0xED_42_45,
    "task": 0x58_65_F2,
    "closed": 0x74_7F_8D,
}
SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS = 1 << 2, 1 << 12
ROW, BUTTON, MENU = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Step:
    """One of Discord's messages: text, a frame's text, or a file with text beside it."""

    content: str
    framed: str = ""
    file: bool = False
    first: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Looks:
    """How messages look: cards in frames, links with previews."""

    embeds: bool
    link_previews: bool


class Courier:
    """Delivers owed messages.

    A message that needs several of Discord's may fail between two of them; what was sent by then is remembered under
    its nonce, so that the next try continues there.
    """

    def __init__(self, rest: Rest, directory: Directory, threads: Threads, looks: Looks) -> None:
        self._rest = rest
        self._directory = directory
        self._threads = threads
        self._looks = looks
        self._halves = Halves()
        self._receipts: OrderedDict[str, None] = OrderedDict()

    async def deliver(self, message: Outbound) -> tuple[str, ...]:
        """Send one message and return the ids it got; raise DeliveryError."""
        parts = steps(message, framed=self._looks.embeds)
        if not parts:
            raise DeliveryRejected("The message is empty.")
        sent = self._halves.of(message.nonce)
        try:
            for at, step in enumerate(parts[len(sent) :], len(sent)):
                sent.append(await self._take(message, step, at))
        except RestError as error:
            raise delivery_error(error) from None
        finally:
            self._halves.keep(message.nonce, sent, len(parts))
        return tuple(sent)

    async def _take(self, message: Outbound, step: Step, at: int) -> str:
        body = payload(message, step, self._looks)
        if step.first and message.replaces and (edited := await self._edit(message, body)):
            return edited
        name = short_nonce(message.nonce, at)
        if name:
            body |= {"nonce": name, "enforce_nonce": True}
        place = await self._threads.place(message.address)
        if message.resend and name and (found := await self._arrived(message, place.channel, name, body)):
            return found
        if place.instead_of:
            # The thread cannot be: the answer goes where the question was asked, and points at it.
            body["message_reference"] = reference(place.instead_of)
        made = await self._posted(message, place.channel, body, upload=step.file)
        if message.transient:
            return made
        self._receipts[made] = None
        if len(self._receipts) > RECEIPTS_KEPT:
            self._receipts.popitem(last=False)
        return made

    async def _posted(self, message: Outbound, channel: str, body: Raw, *, upload: bool) -> str:
        try:
            return await self._post(message, channel, body, upload=upload)
        except Refused as error:
            again = await self._threads.mended(message.address, channel, error)
            if again is None:
                raise
        instead = {**body, "message_reference": reference(again.instead_of)} if again.instead_of else body
        return await self._post(message, again.channel, instead, upload=upload)

    async def _post(self, message: Outbound, channel: str, body: Raw, *, upload: bool) -> str:
        path = "/channels/{channel_id}/messages"
        if not upload:
            made = await self._rest.call("POST", path, body=body, channel_id=channel)
            return str(made["id"])
        name = message.file_name or (message.file.name if message.file else "file")
        with await opened(message, name) as file:
            made = await self._rest.call(
                "POST", path, body=body, upload=Upload(file, name), channel_id=channel
            )
        return str(made["id"])

    async def _edit(self, message: Outbound, body: Raw) -> str:
        """Edit in place and return the id; return nothing where there is no such message of ours any more."""
        channel, id = channel_id(message.address), snowflake_of(message.replaces)
        change = {name: body[name] for name in ("content", "embeds", "components", "allowed_mentions")}
        path = "/channels/{channel_id}/messages/{message_id}"
        for reopened in (False, True):
            try:
                await self._rest.call("PATCH", path, body=change, channel_id=channel, message_id=id)
            except Refused as error:
                if error.gone or error.code == Code.NOT_OURS:
                    return ""
                if reopened or error.code != Code.ARCHIVED or not await self._threads.reopen(channel):
                    raise delivery_error(error, repeatable=True) from None
            except RestError as error:
                raise delivery_error(error, repeatable=True) from None
            else:
                break
        return message.replaces

    async def _arrived(self, message: Outbound, channel: str, nonce: str, body: Raw) -> str:
        """Return the id under which an uncertain message arrived, or nothing.

        Discord itself knows the nonce for some minutes. Later the last message of ours that has no receipt is it,
        where it says the same: messages of a chat are sent one after the other.
        """
        found = await self._rest.call(
            "GET", "/channels/{channel_id}/messages", query={"limit": LOOK_BACK}, channel_id=channel
        )
        ours = [raw for raw in found if str(raw["author"]["id"]) == self._directory.me.id]
        for raw in sorted(ours, key=lambda raw: -number(raw["id"])):
            if str(raw.get("nonce") or "") == nonce:
                return str(raw["id"])
            if raw["id"] in self._receipts or number(raw["id"]) <= number(message.after):
                return ""
            if same(raw, body):
                return str(raw["id"])
        return ""


def short_nonce(nonce: str, at: int) -> str:
    """Return a nonce of at most 25 characters for the part ``at`` of a message; the same every time."""
    if not nonce:
        return ""
    digest = hashlib.sha256(f"{nonce}\n{at}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:NONCE_LENGTH]


def same(raw: Raw, body: Raw) -> bool:
    """Tell whether a message of the history says what we are about to send."""
    return (
        str(raw.get("content") or "") == body["content"]
        and [e.get("description") for e in raw.get("embeds") or () if e.get("type", "rich") == "rich"]
        == [e["description"] for e in body["embeds"]]
        and _ids(raw.get("components") or ()) == _ids(body["components"])
        and [a.get("filename") for a in raw.get("attachments") or ()]
        == [a["filename"] for a in body.get("attachments", ())]
        and (raw.get("message_reference") or {}).get("message_id")
        == (body.get("message_reference") or {}).get("message_id")
    )


def _ids(components: Sequence[Raw]) -> list[str]:
    return [str(inner.get("custom_id")) for row in components for inner in row.get("components") or ()]


def steps(message: Outbound, *, framed: bool) -> list[Step]:
    """Return the messages of Discord's that one of ours becomes."""
    if message.kind is OutboundKind.FILE:
        if message.file is None:
            raise DeliveryRejected("There is no file in the message.")
        first, *rest = pieces(message.text, TEXT_LIMIT) or [""]
        parts = [Step(first, file=True), *map(Step, rest)]
    elif framed and message.card:
        parts = _card(message.text)
    else:
        parts = [Step(piece) for piece in pieces(message.text, TEXT_LIMIT)]
    if parts:
        parts[0] = replace(parts[0], first=True)
        parts[-1] = replace(parts[-1], last=True)
    return parts


def _card(text: str) -> list[Step]:
    """Return a card: its first paragraph as the text that a phone's notification shows, the rest in the frame."""
    head, _, rest = text.strip().partition("\n\n")
    if not rest.strip() or "```" in head or len(head) > HEADLINE_LIMIT:
        head, rest = "", text
    lines = pieces(head, TEXT_LIMIT)
    frames = pieces(rest, EMBED_LIMIT)
    return [Step("" if at or not lines else lines[0], framed=frame) for at, frame in enumerate(frames)]


def payload(message: Outbound, step: Step, looks: Looks) -> dict[str, Any]:
    """Return Discord's message: nobody is pinged, whatever the text says."""
    embeds = [{"description": step.framed, "color": COLOURS.get(message.card, 0)}] if step.framed else []
    flags = SUPPRESS_NOTIFICATIONS if message.silent else 0
    if not looks.link_previews and not embeds:
        flags |= SUPPRESS_EMBEDS
    body: dict[str, Any] = {
        "content": step.content,
        "embeds": embeds,
        "components": components(message.buttons) if step.last else [],
        "allowed_mentions": {"parse": [], "replied_user": False},
        "flags": flags,
    }
    # A thread made from a message shows it at its top already.
    if step.first and message.reply_to and message.reply_to != message.address.thread:
        body["message_reference"] = reference(message.reply_to)
    if step.file:
        name = message.file_name or (message.file.name if message.file else "file")
        body["attachments"] = [{"id": 0, "filename": name}]
    return body


def reference(message_id: str) -> dict[str, Any]:
    """Return what a message answers; where that is gone, it is sent all the same."""
    return {"message_id": snowflake_of(message_id), "fail_if_not_exists": False}


def components(rows: Sequence[Sequence[Button]]) -> list[dict[str, Any]]:
    """Return buttons as rows of buttons, or as menus where they are too many."""
    buttons = [button for row in rows for button in row]
    if len(buttons) > BUTTONS_IN_A_ROW * ROWS:
        return _menus(buttons)
    fits = len(rows) <= ROWS and all(len(row) <= BUTTONS_IN_A_ROW for row in rows)
    shown = [row for row in rows if row] if fits else list(_chunks(buttons, BUTTONS_IN_A_ROW))
    used: set[str] = set()
    return [{"type": ROW, "components": [_button(button, used) for button in row]} for row in shown]


def _button(button: Button, used: set[str]) -> dict[str, Any]:
    return {
        "type": BUTTON,
        "style": STYLES.get(button.label[:1], SECONDARY),
        "label": button.label[:BUTTON_LABEL] or "…",
        "custom_id": _unique(button.value, used),
    }


def _menus(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """Return up to five menus of 25; what is more than that is in the text, and can be answered in words."""
    used: set[str] = set()
    return [
        {
            "type": ROW,
            "components": [
                {
                    "type": MENU,
                    "custom_id": f"menu:{at}",
                    "placeholder": f"{part[0].label} … {part[-1].label}"[:150],
                    "options": [
                        {"label": one.label[:OPTION_LABEL] or "…", "value": _unique(one.value, used)}
                        for one in part
                    ],
                }
            ],
        }
        for at, part in enumerate(list(_chunks(buttons, OPTIONS_IN_A_MENU))[:ROWS])
    ]


def _unique(value: str, used: set[str]) -> str:
    while value in used:
        value += INVISIBLE
    used.add(value)
    return value


def _chunks(buttons: Sequence[Button], size: int) -> list[Sequence[Button]]:
    return [buttons[at : at + size] for at in range(0, len(buttons), size)]


async def opened(message: Outbound, name: str) -> Any:
    """Open the file that is to be sent; raise DeliveryRejected where it is not there."""
    try:
        return await asyncio.to_thread(message.file.open, "rb") if message.file else None
    except OSError as error:
        raise DeliveryRejected(f"{name} cannot be read: {error.strerror}.") from None


def channel_id(address: Address) -> str:
    """Return the id of the channel or thread that messages to an address go to."""
    return snowflake_of(address.thread or address.chat)


def snowflake_of(text: str) -> str:
    """Return an id; raise DeliveryRejected where it is none of Discord's."""
    if not text.isascii() or not text.isdecimal():
        raise DeliveryRejected(f"{text!r} is no id of Discord's.")
    return text
