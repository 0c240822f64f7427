"""What Slack shows of an answer under way, and the titles of assistant threads; servers without either go without."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from gateway.platforms.slack.web import Api, CallFailed, Refused

STATUS = "is thinking…"
TITLE = 60
KEPT = 1000
# After one of these no later call can succeed either.
ABSENT = frozenset({"unknown_method", "missing_scope", "not_allowed_token_type", "method_not_supported"})


class Assistant:
    """Sets the status and the title of assistant threads; knows the threads that have no title yet."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._untitled: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._absent = False
        self._titling: set[asyncio.Task[None]] = set()

    async def think(self, channel: str, thread: str) -> None:
        """Show in a thread that an answer is being prepared; the answer ends it. Raises CallFailed."""
        if self._absent:
            return
        try:
            await self._api.call(
                "assistant.threads.setStatus", channel_id=channel, thread_ts=thread, status=STATUS
            )
        except Refused as error:
            # Not every thread is an assistant's.
            self._absent = error.code in ABSENT

    def begun(self, event: Mapping[str, Any]) -> None:
        """Hear of an assistant thread that was started."""
        thread = event.get("assistant_thread") or {}
        if not self._absent:
            self._note(str(thread.get("channel_id") or ""), str(thread.get("thread_ts") or ""))

    def said(self, event: Mapping[str, Any]) -> None:
        """Hear a message, and name its thread after it where that is an assistant's first."""
        if not self._absent and event.get("thread_ts"):
            self._title(str(event.get("channel")), str(event["thread_ts"]), str(event.get("text") or ""))

    def _note(self, channel: str, thread: str) -> None:
        self._untitled[channel, thread] = None
        if len(self._untitled) > KEPT:
            self._untitled.popitem(last=False)

    def _title(self, channel: str, thread: str, text: str) -> None:
        if (channel, thread) not in self._untitled or not text.strip():
            return
        del self._untitled[channel, thread]
        task = asyncio.create_task(self._name(channel, thread, text.strip()[:TITLE]))
        self._titling.add(task)
        task.add_done_callback(self._titling.discard)

    async def _name(self, channel: str, thread: str, title: str) -> None:
        try:
            await self._api.call(
                "assistant.threads.setTitle", channel_id=channel, thread_ts=thread, title=title
            )
        except CallFailed:
            # A thread without a title is no loss.
            return

    async def end(self) -> None:
        """Stop naming."""
        for task in tuple(self._titling):
            task.cancel()
        if self._titling:
            await asyncio.wait(tuple(self._titling))
