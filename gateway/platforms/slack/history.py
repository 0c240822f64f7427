"""What stands in a channel, and which channels there are, for whoever asks."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.adapter import Said
from gateway.platforms.slack import convert
from gateway.platforms.slack.catchup import KINDS, in_order
from gateway.platforms.slack.convert import Reading
from gateway.platforms.slack.web import Api
from kernel.messages import Address, Sender

PAGE = 200
MOST_PAGES = 20


async def read(api: Api, address: Address, since: int, limit: int, reading: Reading) -> Sequence[Said]:
    """Return up to ``limit`` messages after the millisecond ``since``, oldest first; raise CallFailed.

    With more than fit, those nearest to ``since`` are left out: what was said last is what people mean.
    """
    found: list[Mapping[str, Any]] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        page = await api.call(
            "conversations.replies" if address.thread else "conversations.history",
            channel=address.chat,
            ts=address.thread,
            oldest=f"{since / 1000:.6f}" if since > 0 else None,
            limit=min(PAGE, max(limit, 1)),
            cursor=cursor or None,
        )
        found += [m for m in page.get("messages") or () if m.get("type") == "message" and m.get("ts")]
        cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
        # A thread is read forwards, a channel backwards.
        if not cursor or (len(found) >= limit and not address.thread):
            break
    return [_said(message, address, reading) for message in in_order(found)[-limit:]]


def _said(message: Mapping[str, Any], address: Address, reading: Reading) -> Said:
    user = str(message.get("user") or message.get("bot_id") or "")
    name = message.get("username") or reading.name_of(user)
    text = convert.framed(message, convert.words(str(message.get("text") or ""), reading.me))
    ts = str(message["ts"])
    return Said(
        address,
        ts,
        Sender(user, convert.clean(str(name))),
        text,
        convert.milliseconds(ts),
        len(message.get("files") or ()),
    )


async def channels(api: Api, account: str, team: str, name_of: Any) -> Mapping[Address, str]:
    """Return the channels the app is in, with their names; raise CallFailed."""
    found: dict[Address, str] = {}
    cursor = ""
    for _ in range(MOST_PAGES):
        page = await api.call(
            "users.conversations",
            types=KINDS,
            limit=PAGE,
            exclude_archived=True,
            team_id=team or None,
            cursor=cursor or None,
        )
        for item in page.get("channels") or ():
            name = f"#{item['name']}" if item.get("name") else name_of(str(item.get("user") or item["id"]))
            found[Address("slack", account, str(item["id"]))] = convert.clean(str(name))
        cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            break
    return found
