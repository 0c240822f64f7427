"""Bot API methods about the bot itself, chats, topics, commands, files and the webhook."""

import re
from typing import Any

from tests.fakes.telegram_params import Params
from tests.fakes.telegram_sending import Method
from tests.fakes.telegram_updates import UpdateQueue, Webhook
from tests.fakes.telegram_world import BOT_ID, Chat, Json, World, bad_request

MAX_DOWNLOAD = 20 * 1024 * 1024
MAX_TOPIC_NAME = 128
ADMIN_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_manage_topics",
)


def get_me(world: World, _params: Params) -> Json:
    """Serve `getMe`."""
    return world.bot.wire() | {
        "can_join_groups": True,
        "can_read_all_group_messages": world.reads_all_group_messages,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": world.has_topics_enabled,
    }


def get_chat(world: World, params: Params) -> Json:
    """Serve `getChat`."""
    gifts = (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    )
    chat = world.chat(params.chat_id())
    return chat.wire() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, True),
    }


def get_chat_member(world: World, params: Params) -> Json:
    """Serve `getChatMember`, with the fields each status must carry."""
    chat = world.chat(params.chat_id())
    user_id = params.needed("user_id")
    user = world.bot if user_id == BOT_ID else world.user(user_id)
    status = "member" if chat.type == "private" else chat.members.get(user_id, "left")
    return {"user": user.wire(), "status": status} | _rights(status)


def _rights(status: str) -> Json:
    if status == "creator":
        return {"is_anonymous": False}
    if status == "kicked":
        return {"until_date": 0}
    if status != "administrator":
        return {}
    return dict.fromkeys(ADMIN_RIGHTS, True)


def _topic_name(params: Params) -> str:
    name = params.text("name").strip()
    if not 1 <= len(name) <= MAX_TOPIC_NAME:
        raise bad_request("TOPIC_TITLE_EMPTY" if not name else "topic name is too long")
    return name


def _topic_chat(world: World, params: Params) -> Chat:
    chat = world.chat(params.chat_id())
    if not world.has_topics(chat):
        raise bad_request("the chat is not a forum")
    if not chat.bot_can_manage_topics:
        raise bad_request("not enough rights to create a topic")
    return chat


def create_forum_topic(world: World, params: Params) -> Json:
    """Serve `createForumTopic`."""
    chat = _topic_chat(world, params)
    name = _topic_name(params)
    thread = world.add_topic(chat, name, world.bot)
    return {"message_thread_id": thread, "name": name, "icon_color": 7322096}


def edit_forum_topic(world: World, params: Params) -> bool:
    """Serve `editForumTopic`."""
    chat = _topic_chat(world, params)
    thread = params.needed("message_thread_id")
    if thread not in chat.topics:
        raise bad_request("TOPIC_ID_INVALID")
    if params.text("name"):
        if chat.topics[thread] == _topic_name(params):
            raise bad_request("TOPIC_NOT_MODIFIED")
        chat.topics[thread] = _topic_name(params)
    return True


def _scope(params: Params) -> str:
    scope: Json = params.value("scope") or {"type": "default"}
    return ":".join([*map(str, scope.values()), params.text("language_code")])


def set_my_commands(world: World, params: Params) -> bool:
    """Serve `setMyCommands`."""
    commands: list[Json] = params.value("commands") or []
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    world.commands[_scope(params)] = commands
    return True


def get_my_commands(world: World, params: Params) -> list[Json]:
    """Serve `getMyCommands`."""
    return world.commands.get(_scope(params), [])


def get_file(world: World, params: Params) -> Json:
    """Serve `getFile`."""
    stored = world.files.get(params.text("file_id").removesuffix("s"))
    if stored is None:
        raise bad_request("invalid file_id")
    if stored.size > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": stored.id,
        "file_unique_id": f"u{stored.id}",
        "file_size": stored.size,
        "file_path": stored.path,
    }


def set_webhook(queue: UpdateQueue, params: Params) -> bool:
    """Serve `setWebhook`; unlike the public server it takes plain HTTP, on loopback only."""
    url, secret = params.text("url"), params.text("secret_token")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    if url and not re.match(r"https://|http://127\.0\.0\.1[:/]", url):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    _drop(queue, params)
    queue.allow(params.value("allowed_updates"))
    queue.set_webhook(Webhook(url, secret) if url else None)
    return True


def delete_webhook(queue: UpdateQueue, params: Params) -> bool:
    """Serve `deleteWebhook`."""
    _drop(queue, params)
    if queue.webhook is not None:
        queue.set_webhook(None)
    return True


def _drop(queue: UpdateQueue, params: Params) -> None:
    if params.flag("drop_pending_updates"):
        queue.drop()


def get_webhook_info(queue: UpdateQueue, _params: Params) -> Json:
    """Serve `getWebhookInfo`."""
    hook = queue.webhook or Webhook("")
    info: Json = {
        "url": hook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(queue.pending),
    }
    if queue.allowed is not None:
        info["allowed_updates"] = sorted(queue.allowed)
    if hook.last_error_date is not None:
        info |= {"last_error_date": hook.last_error_date, "last_error_message": hook.last_error_message}
    return info


def _accept(_world: World, _params: Params) -> Any:
    return True


METHODS: dict[str, Method] = {
    "getMe": get_me,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "createForumTopic": create_forum_topic,
    "editForumTopic": edit_forum_topic,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "getFile": get_file,
    "logOut": _accept,
    "close": _accept,
}
QUEUE_METHODS = {
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
}
