"""What was said while nobody listened: fetched from each chat's history after the last message that was committed."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from gateway.adapter import Link
from gateway.platforms.slack.convert import happening
from gateway.platforms.slack.intake import Intake, Parcel
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api, CallFailed, Flooded, Refused
from kernel.clock import Clock
from kernel.errors import StoreError
from kernel.messages import Address

log = logging.getLogger(__name__)

# Live events wait for so long at most, for Slack waits three seconds for each acknowledgement.
FIRST_SECONDS = 1.5
PAGE = 100
AT_ONCE = 4
RETRY_SECONDS, LONGEST_RETRY = 0.5, 60.0
KINDS = "public_channel,private_channel,mpim,im"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gap:
    """A channel, or a thread in it, and the time of the last message known."""

    channel: str
    thread: str
    since: str


class CatchUp:
    """Fetches what was missed; bounded in chats, messages and time."""

    def __init__(self, settings: SlackSettings, api: Api, intake: Intake, clock: Clock) -> None:
        self._settings = settings
        self._api = api
        self._intake = intake
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def begin(self, link: Link) -> None:
        """Start, and wait a moment for the end, so that what is older is committed first where that is quick."""
        await self.end()
        if self._settings.catch_up_chats:
            self._task = asyncio.create_task(self._all(link))
            await asyncio.wait([self._task], timeout=FIRST_SECONDS)

    async def end(self) -> None:
        """Stop fetching."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _all(self, link: Link) -> None:
        try:
            gaps = await self._gaps(await link.anchors())
            places = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as group:
                for gap in gaps:
                    group.create_task(self._guarded(link, gap, places))
        except* StoreError as errors:
            log.warning("What was missed could not be stored: %s", errors.exceptions[0])
        except* CallFailed as errors:
            log.warning("What was missed at Slack could not be fetched: %s", errors.exceptions[0])

    async def _gaps(self, anchors: Mapping[Address, str]) -> list[Gap]:
        """Return what to look at, the latest first: known chats and threads, and channels nothing is known of."""
        known = {(a.chat, a.thread or ""): ts for a, ts in anchors.items() if _is_time(ts)}
        if not known:
            return []
        floor = f"{self._clock.now() / 1000 - self._settings.catch_up_hours * 3600:.6f}"
        latest = max(known.values(), key=_time)
        for (channel, thread), ts in tuple(known.items()):
            # The first message of a thread stands in the channel too.
            if thread == ts:
                known[channel, ""] = max(known.get((channel, ""), "0.0"), ts, key=_time)
        for channel in await self._channels():
            known.setdefault((channel, ""), latest)
        gaps = [Gap(channel, thread, _later(ts, floor)) for (channel, thread), ts in known.items()]
        gaps.sort(key=lambda gap: (_time(gap.since), not gap.thread), reverse=True)
        return gaps[: self._settings.catch_up_chats]

    async def _channels(self) -> list[str]:
        """Return the channels the app is in, also those nobody wrote in before; without the scope none."""
        try:
            found = await self._api.call(
                "users.conversations",
                types=KINDS,
                limit=PAGE * 2,
                exclude_archived=True,
                team_id=self._settings.team_id or None,
            )
        except CallFailed as error:
            log.info("Slack does not list the channels: %s", error)
            return []
        return [str(item["id"]) for item in found.get("channels") or () if "id" in item]

    async def _guarded(self, link: Link, gap: Gap, places: asyncio.Semaphore) -> None:
        """Fetch one gap, as often as it takes: once newer messages are stored, nothing else remembers it."""
        for attempt in count():
            try:
                async with places:
                    await self._one(link, gap)
            except Refused as error:
                log.info("The history of %s cannot be read: %s", gap.channel, error)
                return
            except CallFailed as error:
                log.warning("What was missed in %s could not be fetched yet: %s", gap.channel, error)
                await asyncio.sleep(min(RETRY_SECONDS * 2.0**attempt, LONGEST_RETRY))
            else:
                return

    async def _one(self, link: Link, gap: Gap) -> None:
        missed = await self._history(gap)
        for message in missed if not gap.thread else ():
            if message.get("reply_count") and message.get("ts") == message.get("thread_ts"):
                thread = Gap(gap.channel, str(message["thread_ts"]), gap.since)
                missed = [*missed, *await self._history(thread)]
        if missed:
            kind = "im" if gap.channel.startswith("D") else "channel"
            await self._intake.insist(link, [_parcel(m, gap.channel, kind) for m in in_order(missed)])

    async def _history(self, gap: Gap) -> list[Json]:
        """Return the messages after a time, oldest first.

        Slack's history goes backwards from now: the pages are read until they end or hold as much as is wanted.
        """
        method = "conversations.replies" if gap.thread else "conversations.history"
        found: list[Json] = []
        cursor = ""
        while len(found) < self._settings.catch_up_messages:
            page = await self._patiently(
                method,
                channel=gap.channel,
                ts=gap.thread or None,
                oldest=gap.since,
                inclusive=False,
                limit=PAGE,
                cursor=cursor or None,
            )
            found += [m for m in page.get("messages") or () if _after(m, gap)]
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return in_order(found)[-self._settings.catch_up_messages :]

    async def _patiently(self, method: str, **arguments: Any) -> Json:
        while True:
            try:
                return await self._api.call(method, **arguments)
            except Flooded as error:
                await asyncio.sleep(error.retry_after)


def in_order(messages: Iterable[Json]) -> list[Json]:
    """Return messages by their time, each once."""
    by_time = {str(message["ts"]): message for message in messages}
    return sorted(by_time.values(), key=lambda message: _time(str(message["ts"])))


def _time(ts: str) -> tuple[int, str]:
    seconds, _, fraction = ts.partition(".")
    return int(seconds), fraction


def _after(message: Json, gap: Gap) -> bool:
    """Tell whether a message is news; a thread's history begins with its first message, whatever was asked for."""
    ts = message.get("ts")
    return isinstance(ts, str) and _is_time(ts) and _time(ts) > _time(gap.since)


def _parcel(message: Json, channel: str, kind: str) -> Parcel:
    event = {"type": "message", **message, "channel": channel, "channel_type": kind}
    return Parcel(happening, {"event": event})


def _is_time(ts: str) -> bool:
    seconds, dot, fraction = ts.partition(".")
    return bool(dot) and seconds.isdigit() and fraction.isdigit()


def _later(one: str, other: str) -> str:
    return max(one, other, key=_time)
