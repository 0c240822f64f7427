"""What was said while nobody listened: fetched from each chat's history after the last message that was committed."""

import asyncio
import json
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
# Threads looked into of one channel, those with the latest answers.
MOST_THREADS = 20
NOTE = "catch-up"
RETRY_SECONDS, LONGEST_RETRY = 0.5, 60.0
KINDS = "public_channel,private_channel,mpim,im"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gap:
    """A channel, or a thread in it, and the time of the last message known; ``threads`` have gaps of their own."""

    channel: str
    thread: str
    since: str
    threads: frozenset[str] = frozenset()


Times = dict[tuple[str, str], str]


class CatchUp:
    """Fetches what was missed; bounded in chats, messages and time.

    Live messages do not wait long for it and move the anchors on; so the times it began from are remembered until it
    has come to its end, and the next start begins from them again.
    """

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
            known = await self._hold(link)
            self._task = asyncio.create_task(self._all(link, known))
            await asyncio.wait([self._task], timeout=FIRST_SECONDS)

    async def end(self) -> None:
        """Stop fetching."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _hold(self, link: Link) -> Times:
        """Return the times to begin from, remembered before anything newer is committed."""
        try:
            noted = await link.recall(NOTE)
            known = merged(_times(await link.anchors()), _read(noted))
            latest = sorted(known.items(), key=lambda item: _time(item[1]), reverse=True)
            known = dict(latest[: self._settings.catch_up_chats])
            if known and (text := _written(known)) != noted:
                await link.remember(NOTE, text)
        except StoreError as error:
            log.warning("From where to fetch what was missed is not known: %s", error)
            return {}
        return known

    async def _all(self, link: Link, known: Times) -> None:
        try:
            gaps = await self._gaps(known)
            places = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as group:
                for gap in gaps:
                    group.create_task(self._guarded(link, gap, places))
            if known:
                await link.remember(NOTE, "")
        except* StoreError as errors:
            log.warning("What was missed could not be stored: %s", errors.exceptions[0])
        except* CallFailed as errors:
            log.warning("What was missed at Slack could not be fetched: %s", errors.exceptions[0])

    async def _gaps(self, known: Times) -> list[Gap]:
        """Return what to look at, the latest first: known chats and threads, and channels nothing is known of."""
        if not known:
            return []
        known = dict(known)
        floor = f"{self._clock.now() / 1000 - self._settings.catch_up_hours * 3600:.6f}"
        latest = max(known.values(), key=_time)
        for (channel, thread), ts in tuple(known.items()):
            # The first message of a thread stands in the channel too.
            if thread == ts:
                known[channel, ""] = max(known.get((channel, ""), "0.0"), ts, key=_time)
        for channel in await self._channels():
            known.setdefault((channel, ""), latest)
        ordered = sorted(known.items(), key=lambda item: (_time(item[1]), not item[0][1]), reverse=True)
        kept = dict(ordered[: self._settings.catch_up_chats])
        return [
            Gap(channel, thread, _later(ts, floor), frozenset(t for c, t in kept if t and c == channel))
            for (channel, thread), ts in kept.items()
        ]

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
        missed = await (self._thread(gap) if gap.thread else self._channel(gap))
        if missed:
            kind = "im" if gap.channel.startswith("D") else "channel"
            await self._intake.insist(link, [_parcel(m, gap.channel, kind) for m in missed])

    async def _channel(self, gap: Gap) -> list[Json]:
        """Return a channel's messages after a time and what was answered under messages of before, oldest first.

        Slack's history goes backwards from now. It is asked for without a beginning, so that the page in which the
        known messages begin shows which of them were answered meanwhile.
        """
        found: list[Json] = []
        answered: list[Json] = []
        cursor = ""
        while len(found) < self._settings.catch_up_messages:
            messages, cursor = await self._page(
                "conversations.history", channel=gap.channel, cursor=cursor or None
            )
            found += [m for m in messages if _after(m, gap)]
            answered += [m for m in messages if _answered(m, gap)]
            if not cursor or not all(_after(m, gap) for m in messages):
                break
        found = in_order(found)[-self._settings.catch_up_messages :]
        for first in sorted(answered, key=_last_answer, reverse=True)[:MOST_THREADS]:
            found += await self._thread(Gap(gap.channel, str(first["ts"]), gap.since))
        return in_order(found)

    async def _thread(self, gap: Gap) -> list[Json]:
        """Return a thread's messages after a time, oldest first."""
        found: list[Json] = []
        cursor = ""
        while len(found) < self._settings.catch_up_messages:
            messages, cursor = await self._page(
                "conversations.replies",
                channel=gap.channel,
                ts=gap.thread,
                oldest=gap.since,
                inclusive=False,
                cursor=cursor or None,
            )
            found += [m for m in messages if _after(m, gap)]
            if not cursor:
                break
        return in_order(found)[-self._settings.catch_up_messages :]

    async def _page(self, method: str, **arguments: Any) -> tuple[list[Json], str]:
        page = await self._patiently(method, limit=PAGE, **arguments)
        cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
        return list(page.get("messages") or ()), cursor

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


def _answered(message: Json, gap: Gap) -> bool:
    """Tell whether there are answers under a message that its own gap does not bring."""
    if message.get("ts") in gap.threads or not message.get("reply_count"):
        return False
    latest = str(message.get("latest_reply") or "")
    return _time(latest) > _time(gap.since) if _is_time(latest) else _after(message, gap)


def _last_answer(message: Json) -> tuple[int, str]:
    latest = str(message.get("latest_reply") or "")
    return _time(latest if _is_time(latest) else str(message["ts"]))


def merged(current: Times, noted: Times) -> Times:
    """Return the times to begin from: those of a catch-up that did not end, and none of what was new to it later."""
    if not noted:
        return current
    end = max(noted.values(), key=_time)
    return {place: min(ts, end, key=_time) for place, ts in current.items()} | noted


def _times(anchors: Mapping[Address, str]) -> Times:
    return {(a.chat, a.thread or ""): ts for a, ts in anchors.items() if _is_time(ts)}


def _written(known: Times) -> str:
    return json.dumps([[channel, thread, ts] for (channel, thread), ts in known.items()])


def _read(noted: str) -> Times:
    return {(channel, thread): ts for channel, thread, ts in json.loads(noted)} if noted else {}


def _parcel(message: Json, channel: str, kind: str) -> Parcel:
    event = {"type": "message", **message, "channel": channel, "channel_type": kind}
    return Parcel(happening, {"event": event})


def _is_time(ts: str) -> bool:
    seconds, dot, fraction = ts.partition(".")
    return bool(dot) and seconds.isdigit() and fraction.isdigit()


def _later(one: str, other: str) -> str:
    return max(one, other, key=_time)
