"""Updates as Telegram writes them, for tables."""

from typing import Any

from telegram import Update

from gateway.platforms.telegram import convert
from gateway.platforms.telegram.convert import Me
from kernel.messages import Inbound

Json = dict[str, Any]

ME = Me(4242, "hermes_bot")
ANN: Json = {"id": 7, "is_bot": False, "first_name": "Ann", "last_name": "Lee"}
BOT: Json = {"id": 4242, "is_bot": True, "first_name": "Hermes", "username": "hermes_bot"}
PRIVATE: Json = {"id": 7, "type": "private", "first_name": "Ann"}
GROUP: Json = {"id": -100, "type": "supergroup", "title": "Team"}
FORUM: Json = GROUP | {"is_forum": True}
AT = 1_700_000_000


def message(text: str | None = None, /, **fields: Any) -> Json:
    """Return a message; its chat is private unless given."""
    body: Json = {"message_id": 5, "date": AT, "chat": PRIVATE, "from": ANN}
    if text is not None:
        body["text"] = text
    return body | fields


def entity(kind: str, offset: int, length: int, **fields: Any) -> Json:
    """Return an entity; it counts in UTF-16 units."""
    return {"type": kind, "offset": offset, "length": length, **fields}


def convert_update(kind: str, payload: Json, me: Me = ME) -> Inbound | None:
    """Parse an update as the SDK does, and convert it."""
    return convert.inbound(Update.de_json({"update_id": 1, kind: payload}, None), me)


def converted(payload: Json, me: Me = ME, kind: str = "message") -> Inbound:
    """Convert a message that means something."""
    found = convert_update(kind, payload, me)
    assert found is not None
    return found
