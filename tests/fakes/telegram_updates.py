"""The queue of updates a bot has not confirmed, with the two ways to receive them: long poll and webhook."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from tests.fakes.telegram_world import ApiError, Json, now

POLL_LIMIT = 100
POLL_SECONDS = 50.0
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
WEBHOOK_RETRY_SECONDS = 0.05


@dataclass(slots=True)
class Webhook:
    """Where updates are posted, and how the last posts went."""

    url: str
    secret: str = ""
    last_error_date: int | None = None
    last_error_message: str = ""


@dataclass(slots=True)
class UpdateQueue:
    """Updates in order, each kept until a later poll's offset (or a 2xx of the webhook) confirms it."""

    changed: Callable[[], None]
    pending: deque[Json] = field(default_factory=deque[Json])
    dropped: list[int] = field(default_factory=list[int])
    delivered: dict[int, int] = field(default_factory=dict[int, int])
    confirmed: int = 0
    polls: int = 0
    waiting: int = 0
    allowed: frozenset[str] | None = None
    webhook: Webhook | None = None
    replays: list[Json] = field(default_factory=list[Json])
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))
    _poller: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, kind: str, payload: Json) -> int | None:
        """Queue an update of a kind the bot wants to see; return its id, or None."""
        unwanted = kind in NOT_BY_DEFAULT if self.allowed is None else kind not in self.allowed
        return None if unwanted else self.push_raw({kind: payload})

    def push_raw(self, update: Json) -> int:
        """Queue an update exactly as given, with an `update_id` of its own unless it has one."""
        update_id = update.get("update_id")
        if update_id is None:
            update_id = next(self._ids)
        self.pending.append({"update_id": update_id, **update})
        self._wake()
        return update_id

    def replay(self, update: Json) -> None:
        """Hand out an update once more with its old id, whatever the offset confirmed."""
        self.replays.append(update)
        self._wake()

    def drop(self) -> None:
        """Throw away what was not confirmed, as `drop_pending_updates` does."""
        self.dropped += [update["update_id"] for update in self.pending]
        self.pending.clear()

    def allow(self, kinds: list[str] | None) -> None:
        """Remember which kinds the bot wants; an empty list stands for the default."""
        if kinds is not None:
            self.allowed = frozenset(kinds) or None

    async def poll(self, offset: int, limit: int, seconds: float) -> list[Json]:
        """Confirm what lies before `offset`, then wait up to `seconds` for updates from it on."""
        self._take_over()
        self._confirm(offset)
        mine = self._poller
        self.waiting += 1
        self.changed()
        try:
            async with asyncio.timeout(min(seconds, POLL_SECONDS)):
                while not (self.pending or self.replays) and mine == self._poller:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pass
        finally:
            self.waiting -= 1
        self._still_mine(mine)
        return self._batch(limit)

    def _take_over(self) -> None:
        if self.webhook is not None:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self.polls += 1
        self._poller += 1
        self._wake()

    def _still_mine(self, mine: int) -> None:
        if mine != self._poller:
            raise ApiError(
                409,
                "Conflict: terminated by other getUpdates request; "
                "make sure that only one bot instance is running",
            )

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self.pending) > -offset:
                self.dropped.append(self.pending.popleft()["update_id"])
        while offset > 0 and self.pending and self.pending[0]["update_id"] < offset:
            self.confirmed = max(self.confirmed, self.pending.popleft()["update_id"])

    def _batch(self, limit: int) -> list[Json]:
        size = limit if 1 <= limit <= POLL_LIMIT else POLL_LIMIT
        batch = [*self.replays, *self.pending][:size]
        del self.replays[:size]
        for update in batch:
            self._count(update)
        return batch

    def _count(self, update: Json) -> None:
        update_id = update["update_id"]
        self.delivered[update_id] = self.delivered.get(update_id, 0) + 1

    def _wake(self) -> None:
        self._arrived.set()
        self.changed()

    def set_webhook(self, webhook: Webhook | None) -> None:
        """Switch between posting and polling; a waiting poll ends with a conflict."""
        self.webhook = webhook
        self._poller += 1
        self._wake()

    async def post_for_ever(self) -> None:
        """Post updates one at a time while a webhook is set, and again after a failure."""
        async with aiohttp.ClientSession() as client:
            while True:
                if self.webhook is None or not self.pending:
                    self._arrived.clear()
                    await self._arrived.wait()
                elif await self._post(client, self.webhook, self.pending[0]):
                    self.changed()
                else:
                    await asyncio.sleep(WEBHOOK_RETRY_SECONDS)

    async def _post(self, client: aiohttp.ClientSession, webhook: Webhook, update: Json) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret} if webhook.secret else {}
        self._count(update)
        try:
            async with client.post(webhook.url, json=update, headers=headers) as answer:
                problem = (
                    "" if answer.ok else f"Wrong response from the webhook: {answer.status} {answer.reason}"
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = f"Connection failed: {type(error).__name__}"
        if problem:
            webhook.last_error_date, webhook.last_error_message = now(), problem
            return False
        if self.pending and self.pending[0] is update:
            self.confirmed = max(self.confirmed, self.pending.popleft()["update_id"])
        return True
