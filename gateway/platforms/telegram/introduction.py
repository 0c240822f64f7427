"""Who the bot is, learnt in the background so that the first poll need not wait for it."""

import asyncio
from itertools import count

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from gateway.platforms.telegram.convert import Me

RETRY_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
PATIENCE_SECONDS = 5.0


class Introduction:
    """Asks ``getMe`` until it is answered once."""

    def __init__(self, account: int) -> None:
        self.me = Me(account)
        self._known = asyncio.Event()
        self._patience_ends = 0.0
        self._task: asyncio.Task[None] | None = None

    def begin(self, bot: Bot) -> None:
        """Start asking, unless that is under way or done."""
        if self._task is None:
            self._patience_ends = asyncio.get_running_loop().time() + PATIENCE_SECONDS
            self._task = asyncio.create_task(self._ask(bot))

    async def wait(self, seconds: float) -> bool:
        """Wait until the answer is there; return whether it is."""
        try:
            async with asyncio.timeout(seconds):
                await self._known.wait()
        except TimeoutError:
            return False
        return True

    async def soon(self) -> bool:
        """Wait for the answer within the first seconds after asking began; later, not at all."""
        return await self.wait(max(0.0, self._patience_ends - asyncio.get_running_loop().time()))

    async def end(self) -> None:
        """Stop asking; a later ``begin`` starts again where no answer came."""
        task, self._task = self._task, self._task if self._known.is_set() else None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _ask(self, bot: Bot) -> None:
        for attempt in count():
            try:
                await self.learn(bot)
            except InvalidToken:
                return
            except TelegramError:
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            else:
                return

    async def learn(self, bot: Bot) -> Me:
        """Ask once; raise TelegramError."""
        user = await bot.get_me()
        self.me = Me(
            self.me.id,
            user.username or "",
            reads_groups=bool(user.can_read_all_group_messages),
            topics=bool(user.has_topics_enabled),
            joins_groups=bool(user.can_join_groups),
        )
        self._known.set()
        return self.me
