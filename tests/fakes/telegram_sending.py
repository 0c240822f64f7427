"""Bot API methods that write, change and remove messages, with Telegram's limits and refusals."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram_entities import Entity, EntityError, parse_html, utf16_length
from tests.fakes.telegram_params import Params, Upload
from tests.fakes.telegram_world import Chat, Json, Message, World, bad_request, now

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_CALLBACK_DATA = 64
# The reactions of https://core.telegram.org/bots/api#reactiontypeemoji, without variation selectors.
REACTIONS = frozenset(
    re.findall(
        r"\S+",
        "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 "
        "🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 "
        "🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡 ",
    )
)
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)

Method = Callable[[World, Params], Any]


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text as people will see it, with its entities."""

    text: str
    entities: list[Entity] = field(default_factory=list[Entity])
    source: str = ""


def formatted(params: Params, name: str, limit: int, mode: str | None = None) -> Formatted:
    """Parse a text parameter; its length is counted after the markup is gone."""
    source = params.text(name)
    shown = _parse(source, params.text("parse_mode") if mode is None else mode)
    given = params.value("caption_entities" if name == "caption" else "entities")
    if given and not shown.entities:
        marks = [
            Entity(e["type"], e["offset"], e["length"], e.get("url", ""), e.get("language", ""))
            for e in given
        ]
        shown = Formatted(shown.text, marks, source)
    if utf16_length(shown.text) > limit:
        raise bad_request("message caption is too long" if name == "caption" else "message is too long")
    return shown


def _parse(source: str, mode: str) -> Formatted:
    if not mode:
        return Formatted(source.strip(), source=source)
    if mode.lower() != "html":
        raise bad_request("unsupported parse_mode")
    try:
        text, entities = parse_html(source)
    except EntityError as error:
        raise bad_request(f"can't parse entities: {error}") from None
    return Formatted(text, entities, source)


def markup(params: Params) -> Json | None:
    """Return an inline keyboard that Telegram would accept, or None."""
    keyboard = params.value("reply_markup")
    if not keyboard or "inline_keyboard" not in keyboard:
        return None
    for button in (button for row in keyboard["inline_keyboard"] for button in row):
        if not button.get("text"):
            raise bad_request("can't parse inline keyboard button: Text buttons must have non-empty text")
        data = button.get("callback_data")
        if data is not None and not 1 <= len(data.encode()) <= MAX_CALLBACK_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    return keyboard if any(keyboard["inline_keyboard"]) else None


def thread_of(world: World, chat: Chat, params: Params) -> int | None:
    """Return the topic a message goes to; an unknown one is refused."""
    thread = params.integer("message_thread_id")
    if thread is None:
        return None
    if not world.has_topics(chat) or thread not in chat.topics:
        raise bad_request("message thread not found")
    return thread


def replied(world: World, chat: Chat, params: Params) -> Message | None:
    """Return the message replied to; a missing one is refused unless the call allows it."""
    wanted = params.value("reply_parameters") or {}
    message_id = wanted.get("message_id") or params.integer("reply_to_message_id")
    if message_id is None:
        return None
    found = world.find(chat.id, message_id)
    allowed = wanted.get("allow_sending_without_reply") or params.flag("allow_sending_without_reply")
    if found is None and not allowed:
        raise bad_request("message to be replied not found")
    return found


def write(world: World, chat: Chat, params: Params, shown: Formatted, **fields: Any) -> Message:
    """Put a message of the bot into a chat."""
    return world.say(
        chat,
        world.bot,
        text=shown.text,
        entities=shown.entities,
        source=shown.source,
        thread_id=thread_of(world, chat, params),
        reply_to=replied(world, chat, params),
        reply_markup=markup(params),
        silent=params.flag("disable_notification"),
        **fields,
    )


def send_message(world: World, params: Params) -> Json:
    """Serve `sendMessage`."""
    chat = world.chat(params.chat_id())
    shown = formatted(params, "text", MAX_TEXT)
    if not shown.text:
        raise bad_request("message text is empty")
    return write(world, chat, params, shown).wire()


def send_message_draft(world: World, params: Params) -> bool:
    """Serve `sendMessageDraft`: a preview in a private chat, kept only as a call."""
    chat = world.chat(params.chat_id())
    if chat.type != "private":
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    if not params.integer("draft_id"):
        raise bad_request("RANDOM_ID_INVALID")
    thread_of(world, chat, params)
    formatted(params, "text", MAX_TEXT)
    return True


def send_chat_action(world: World, params: Params) -> bool:
    """Serve `sendChatAction`."""
    thread_of(world, world.chat(params.chat_id()), params)
    if not re.fullmatch(r"typing|(?:upload|record)_\w+|choose_sticker|find_location", params.text("action")):
        raise bad_request("wrong parameter action in request")
    return True


def edit_message_text(world: World, params: Params) -> Json:
    """Serve `editMessageText`."""
    message = _own(world, params)
    if message.media:
        raise bad_request("there is no text in the message to edit")
    shown = formatted(params, "text", MAX_TEXT)
    if not shown.text:
        raise bad_request("message text is empty")
    keyboard = markup(params)
    if (shown.text, shown.entities, keyboard) == (message.text, message.entities, message.reply_markup):
        raise bad_request(NOT_MODIFIED)
    message.versions.append(message.text)
    message.text, message.entities, message.source = shown.text, shown.entities, shown.source
    message.reply_markup, message.edit_date = keyboard, now()
    return message.wire()


def edit_message_reply_markup(world: World, params: Params) -> Json:
    """Serve `editMessageReplyMarkup`."""
    message = _own(world, params)
    keyboard = markup(params)
    if keyboard == message.reply_markup:
        raise bad_request(NOT_MODIFIED)
    message.reply_markup = keyboard
    return message.wire()


def _own(world: World, params: Params) -> Message:
    message = world.find(world.chat(params.chat_id()).id, params.needed("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return message


def delete_message(world: World, params: Params) -> bool:
    """Serve `deleteMessage`."""
    message = world.find(world.chat(params.chat_id()).id, params.needed("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    message.deleted = True
    return True


def set_message_reaction(world: World, params: Params) -> bool:
    """Serve `setMessageReaction`: a bot sets at most one, of the standard emoji only."""
    message = world.find(world.chat(params.chat_id()).id, params.needed("message_id"))
    if message is None:
        raise bad_request("message to react not found")
    emoji = [reaction.get("emoji", "").replace("\ufe0f", "") for reaction in params.value("reaction") or []]
    if len(emoji) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if not REACTIONS.issuperset(emoji):
        raise bad_request("REACTION_INVALID")
    message.reactions = emoji
    return True


def answer_callback_query(world: World, params: Params) -> bool:
    """Serve `answerCallbackQuery`."""
    press = world.presses.get(params.text("callback_query_id"))
    if press is None or press.expired:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    press.answered, press.text, press.alert = True, params.text("text"), params.flag("show_alert")
    return True


def media_sender(kind: str) -> Method:
    """Return the method that sends one kind of file."""

    def send(world: World, params: Params) -> Json:
        chat = world.chat(params.chat_id())
        shown = formatted(params, "caption", MAX_CAPTION)
        content = media_content(world, kind, attached(params, params.text(kind), kind))
        return write(world, chat, params, shown, content=content).wire()

    return send


def attached(params: Params, reference: str, name: str) -> Upload | str:
    """Return the upload a parameter means, or the file id or address it holds."""
    upload = params.files.get(reference.removeprefix("attach://")) or params.files.get(name)
    if upload is not None and (not reference or reference.startswith("attach://")):
        return upload
    return reference


def media_content(world: World, kind: str, given: Upload | str) -> Json:
    """Store a file and return the part of a message that describes it."""
    if isinstance(given, str):
        if given not in world.files:
            raise bad_request("wrong file identifier/HTTP URL specified")
        stored = world.files[given]
    elif not given.data:
        raise bad_request("file must be non-empty")
    else:
        stored = world.store_file(given.data, given.name, given.mime, folder=f"{kind}s")
    return describe(kind, stored.id, stored.name, stored.mime, stored.size)


def describe(kind: str, file_id: str, name: str, mime: str, size: int) -> Json:
    """Return a file as a message carries it."""
    common: Json = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": size}
    if kind == "photo":
        small = common | {
            "file_id": f"{file_id}s",
            "file_unique_id": f"us{file_id}",
            "width": 90,
            "height": 90,
        }
        return {"photo": [small, common | {"width": 800, "height": 800}]}
    extra: dict[str, Json] = {
        "document": {"file_name": name, "mime_type": mime},
        "voice": {"duration": 3, "mime_type": mime},
        "audio": {"duration": 3, "file_name": name, "mime_type": mime},
        "video": {"duration": 3, "width": 640, "height": 360, "file_name": name, "mime_type": mime},
    }
    return {kind: common | extra[kind]}


def send_media_group(world: World, params: Params) -> list[Json]:
    """Serve `sendMediaGroup`: 2 to 10 files, one message each."""
    chat = world.chat(params.chat_id())
    items: list[Json] = params.value("media") or []
    if not 2 <= len(items) <= 10:
        raise bad_request("wrong number of media in the album; expected 2 to 10")
    group = world.next_id("album")
    sent: list[Json] = []
    for item in items:
        content = media_content(world, item["type"], attached(params, item["media"], item["media"]))
        shown = formatted(Params(item), "caption", MAX_CAPTION)
        sent.append(write(world, chat, params, shown, content=content, media_group_id=group).wire())
    return sent


METHODS: dict[str, Method] = {
    "sendMessage": send_message,
    "sendMessageDraft": send_message_draft,
    "sendChatAction": send_chat_action,
    "editMessageText": edit_message_text,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "setMessageReaction": set_message_reaction,
    "answerCallbackQuery": answer_callback_query,
    "sendMediaGroup": send_media_group,
    "sendPhoto": media_sender("photo"),
    "sendDocument": media_sender("document"),
    "sendVoice": media_sender("voice"),
    "sendAudio": media_sender("audio"),
    "sendVideo": media_sender("video"),
}
