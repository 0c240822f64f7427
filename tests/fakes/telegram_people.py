"""What people do on the fake Telegram: write, attach, edit, press, react, block, found groups."""

import re
from collections.abc import Sequence
from typing import Any

from tests.fakes.loopback import Loopback
from tests.fakes.telegram_entities import detected
from tests.fakes.telegram_sending import describe
from tests.fakes.telegram_updates import UpdateQueue
from tests.fakes.telegram_world import BOT_ID, ButtonPress, Chat, Json, Message, User, World, now

MIME = {
    "photo": "image/jpeg",
    "document": "text/plain",
    "voice": "audio/ogg",
    "audio": "audio/mpeg",
    "video": "video/mp4",
}


class People(Loopback):
    """The users' side of the server: each act changes the world and queues the update a bot gets for it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.updates = UpdateQueue(self.changed)
        self._sources: dict[int, Json] = {}

    def add_group(self, chat_id: int, title: str = "Group", *, members: Sequence[int] = ()) -> Chat:
        """Found a basic group with the bot in it."""
        return self.world.add_group(chat_id, title, members=tuple(members))

    def add_supergroup(
        self, chat_id: int, title: str = "Supergroup", *, forum: bool = False, members: Sequence[int] = ()
    ) -> Chat:
        """Found a supergroup, with topics where `forum` is set, with the bot in it."""
        return self.world.add_supergroup(chat_id, title, forum=forum, members=tuple(members))

    def add_topic(self, chat: int, name: str, *, user: int | None = None) -> int:
        """Have a person open a topic; return its thread id."""
        where, who = self._place(chat, user)
        thread = self.world.add_topic(where, name, who)
        self._tell("message", self.world.history[where.id][-1])
        return thread

    def delete_topic(self, chat: int, thread: int) -> None:
        """Delete a topic with its messages."""
        place, _ = self._place(chat, None)
        del place.topics[thread]
        for message in self.world.history.get(chat, []):
            message.deleted = message.deleted or message.thread_id == thread

    def user_says(
        self,
        chat: int,
        text: str,
        *,
        user: int | None = None,
        thread: int | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        """Have a person write `text`; `user` defaults to the chat's person or the group's first member."""
        where, who = self._place(chat, user)
        message = self.world.say(
            where, who, text=text, entities=detected(text), thread_id=thread, reply_to=reply_to
        )
        return self._spoken(message)

    def user_sends(
        self,
        chat: int,
        kind: str,
        data: bytes,
        *,
        name: str = "",
        mime: str = "",
        caption: str = "",
        user: int | None = None,
        thread: int | None = None,
        album: str = "",
        size: int | None = None,
    ) -> Message:
        """Have a person attach a photo, document, voice, audio or video; `size` may lie about its length."""
        where, who = self._place(chat, user)
        name, mime = name or f"{kind}.bin", mime or MIME[kind]
        stored = self.world.store_file(data, name, mime, folder=f"{kind}s", size=size)
        message = self.world.say(
            where,
            who,
            text=caption,
            content=describe(kind, stored.id, name, mime, stored.size),
            thread_id=thread,
            media_group_id=album,
        )
        return self._spoken(message)

    def user_sends_album(
        self, chat: int, photos: Sequence[bytes], *, caption: str = "", user: int | None = None
    ) -> list[Message]:
        """Have a person send several photos as one album; the caption is on the first."""
        album = self.world.next_id("album")
        return [
            self.user_sends(chat, "photo", data, caption=caption if i == 0 else "", album=album, user=user)
            for i, data in enumerate(photos)
        ]

    def user_shares(self, chat: int, content: Json, *, user: int | None = None) -> Message:
        """Have a person send any other kind of message, e.g. `{"location": {…}}`."""
        where, who = self._place(chat, user)
        return self._spoken(self.world.say(where, who, content=content))

    def user_edits(self, message: Message, text: str) -> Message:
        """Have the writer of a message change it."""
        message.versions.append(message.text)
        message.text, message.entities, message.edit_date = text, detected(text), now()
        self._tell("edited_message", message)
        return message

    def user_deletes(self, message: Message) -> None:
        """Have a person delete a message, of which Telegram tells no bot."""
        message.deleted = True

    def user_reacts(self, message: Message, emoji: str, *, user: int | None = None) -> int | None:
        """Have a person react; return the update id, None where the bot did not ask for reactions."""
        _, who = self._place(message.chat_id, user)
        reaction = [{"type": "emoji", "emoji": emoji}]
        return self.updates.push(
            "message_reaction",
            {
                "chat": message.chat.wire(),
                "message_id": message.id,
                "user": who.wire(),
                "date": now(),
                "old_reaction": [],
                "new_reaction": reaction if emoji else [],
            },
        )

    def tap(self, message: Message, button: str, *, user: int | None = None) -> ButtonPress:
        """Have a person press the button with this text, which must be on the message now."""
        pressed = next((b for b in message.buttons if b["text"] == button), None)
        if pressed is None:
            raise LookupError(f"no button {button!r} on the message, only {message.labels}")
        return self.tap_data(message, pressed["callback_data"], user=user)

    def tap_data(self, message: Message, data: str, *, user: int | None = None) -> ButtonPress:
        """Have a person press a button the message may no longer show."""
        _, who = self._place(message.chat_id, user)
        press = ButtonPress(self.world.next_id("query"), data, who, message)
        self.world.presses[press.id] = press
        query: Json = {
            "id": press.id,
            "from": who.wire(),
            "chat_instance": str(message.chat_id),
            "data": data,
            "message": message.wire(),
        }
        self.updates.push("callback_query", query)
        return press

    def expire_presses(self) -> None:
        """Make every button press so far too old to be answered."""
        for press in self.world.presses.values():
            press.expired = True

    def block(self, chat: int) -> None:
        """Have a person block the bot, or a group remove it."""
        self._membership(chat, gone=True)

    def unblock(self, chat: int) -> None:
        """Undo `block`."""
        self._membership(chat, gone=False)

    def _membership(self, chat: int, *, gone: bool) -> None:
        where, who = self._place(chat, None)
        where.bot_gone = gone
        bot = self.world.bot.wire()
        out, inside = {"user": bot, "status": "kicked", "until_date": 0}, {"user": bot, "status": "member"}
        change: Json = {"chat": where.wire(), "from": who.wire(), "date": now()}
        before, after = (inside, out) if gone else (out, inside)
        self.updates.push("my_chat_member", change | {"old_chat_member": before, "new_chat_member": after})

    def migrate(self, chat: int, new_id: int) -> Chat:
        """Turn a group into a supergroup, with both service messages."""
        old, who = self._place(chat, None)
        members = tuple(member for member in old.members if member != BOT_ID)
        new = self.world.add_supergroup(new_id, old.title, members=members)
        old.migrated_to = new_id
        self._tell("message", self.world.say(old, who, content={"migrate_to_chat_id": new_id}))
        self._tell("message", self.world.say(new, who, content={"migrate_from_chat_id": old.id}))
        return new

    def push_raw(self, update: Json) -> int:
        """Queue an update exactly as given."""
        return self.updates.push_raw(update)

    def push_malformed(self) -> int:
        """Queue an update with a message no client library can read."""
        return self.updates.push_raw({"message": {"message_id": "?", "date": "never", "chat": []}})

    def duplicate(self, message: Message, *, times: int = 1, same_update: bool = True) -> None:
        """Hand out a message's update again, with its old update id or with a new one."""
        update = self._sources[id(message)]
        for _ in range(times):
            if same_update:
                self.updates.replay(update)
            else:
                self.updates.push_raw({k: v for k, v in update.items() if k != "update_id"})

    def _place(self, chat: int, user: int | None) -> tuple[Chat, User]:
        where = self.world.private_chat(chat) if chat > 0 else self.world.chats[chat]
        if user is None:
            user = chat if chat > 0 else next((m for m in where.members if m != BOT_ID), 1)
        if where.type != "private":
            where.members.setdefault(user, "member")
        return where, self.world.user(user)

    def _spoken(self, message: Message) -> Message:
        if message.chat.type == "private" or self._visible(message):
            self._tell("message", message)
        return message

    def _visible(self, message: Message) -> bool:
        """Apply the privacy mode of groups: only what is addressed to the bot reaches it."""
        if self.world.reads_all_group_messages:
            return True
        name = re.escape(self.world.bot.username)
        command = re.match(rf"/\w+(?:@{name}\b|(?!\w*@))", message.text)
        mention = re.search(rf"(?<!\w)@{name}\b", message.text)
        answered = message.reply_to is not None and message.reply_to.from_bot
        return bool(command or mention or answered)

    def _tell(self, kind: str, message: Message) -> None:
        payload: dict[str, Any] = message.wire()
        update_id = self.updates.push(kind, payload)
        if update_id is not None:
            self._sources[id(message)] = {"update_id": update_id, kind: payload}
