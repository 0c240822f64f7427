"""Interactions: slash commands, buttons, menus and forms, each answered within the three seconds Discord waits."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.adapter import Form
from gateway.platforms.discord.convert import COMMAND
from gateway.platforms.discord.failures import RestError, delivery_error
from gateway.platforms.discord.rest import Rest
from kernel.errors import DeliveryRejected

Raw = Mapping[str, Any]

# Discord forgets an interaction that is not answered in three seconds, and its token after fifteen minutes.
DEFER_SECONDS = 2.0
KEPT = 1_000
TOAST_LIMIT = 300
TITLE_LIMIT = 45
PRESET_LIMIT = 4_000
EPHEMERAL = 1 << 6
# Kinds of answer: a message, "thinking …", nothing to see, a form.
MESSAGE, THINKING, SILENT, FORM = 4, 5, 6, 9
SHORT, PARAGRAPH = 1, 2
FIELD = "answer"


@dataclass(slots=True)
class _Pending:
    """An interaction that waits; ``answered`` once the first answer was decided on."""

    token: str
    command: bool
    came_at: float
    answered: bool = False
    deferred: bool = False


class Interactions:
    """Remembers what waits for an answer; after a restart nothing does, and Discord says so to whoever tapped."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._deferring: set[asyncio.Task[None]] = set()
        self.application = ""

    def note(self, raw: Raw) -> None:
        """Remember an interaction as it comes."""
        id, token = raw.get("id"), raw.get("token")
        if not id or not token:
            return
        self.application = str(raw.get("application_id") or self.application)
        now = asyncio.get_running_loop().time()
        self._pending[str(id)] = _Pending(str(token), raw.get("type") == COMMAND, now)
        while len(self._pending) > KEPT:
            self._pending.popitem(last=False)

    def committed(self, id: str) -> None:
        """Hear that an interaction is stored: from now on Discord may be told to wait, should the answer take long."""
        pending = self._pending.get(id)
        if pending is None or pending.answered:
            return
        task = asyncio.create_task(self._defer_in_time(id, pending))
        self._deferring.add(task)
        task.add_done_callback(self._deferring.discard)

    async def _defer_in_time(self, id: str, pending: _Pending) -> None:
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, pending.came_at + DEFER_SECONDS - now))
        if pending.answered:
            return
        pending.answered = pending.deferred = True
        try:
            await self._answer(id, pending, _waiting(pending))
        except RestError:
            # Too late, or Discord cannot be reached: whoever tapped sees that it failed, and the tap is stored.
            return

    async def close(self) -> None:
        """Stop waiting."""
        tasks = tuple(self._deferring)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def acknowledge(self, id: str, text: str) -> None:
        """End an interaction's waiting state and show ``text`` to whoever caused it; one too old is fine."""
        pending = self._pending.pop(id, None)
        if pending is None:
            return
        first, pending.answered = not pending.answered, True
        try:
            if pending.command:
                await self._end_command(id, pending, text, first=first)
            else:
                await self._end_tap(id, pending, text, first=first)
        except RestError as error:
            failed = delivery_error(error, repeatable=True)
            if not isinstance(failed, DeliveryRejected):
                raise failed from None

    async def _end_tap(self, id: str, pending: _Pending, text: str, *, first: bool) -> None:
        if first:
            await self._answer(id, pending, _said(text) if text else {"type": SILENT})
        elif text:
            await self._call("POST", "", pending, _said(text)["data"])

    async def _end_command(self, id: str, pending: _Pending, text: str, *, first: bool) -> None:
        """Take the waiting reply away, as the command's own is a message; or put what went wrong in its place."""
        if first and text:
            await self._answer(id, pending, _said(text))
            return
        if first:
            await self._answer(id, pending, _waiting(pending))
        if text:
            await self._call("PATCH", "/messages/@original", pending, {"content": text[:TOAST_LIMIT]})
        else:
            await self._call("DELETE", "/messages/@original", pending, None)

    async def open_form(self, id: str, form: Form) -> bool:
        """Show a form; tell whether it was still possible.

        Discord takes a form as the first answer only, and a preset it would cut is not shown: nobody may approve
        less than they read.
        """
        pending = self._pending.get(id)
        if pending is None or pending.answered or len(form.preset) > PRESET_LIMIT:
            return False
        pending.answered = True
        try:
            await self._answer(id, pending, {"type": FORM, "data": modal(form)})
        except RestError:
            return False
        return True

    async def _answer(self, id: str, pending: _Pending, body: Raw) -> None:
        path = "/interactions/{webhook_id}/{webhook_token}/callback"
        await self._rest.call("POST", path, body=body, webhook_id=id, webhook_token=pending.token)

    async def _call(self, method: str, rest: str, pending: _Pending, body: Raw | None) -> None:
        path = "/webhooks/{webhook_id}/{webhook_token}" + rest
        await self._rest.call(
            method, path, body=body, webhook_id=self.application, webhook_token=pending.token
        )


def _waiting(pending: _Pending) -> dict[str, Any]:
    return {"type": THINKING, "data": {"flags": EPHEMERAL}} if pending.command else {"type": SILENT}


def _said(text: str) -> dict[str, Any]:
    quiet: dict[str, Any] = {"parse": []}
    data = {"content": text[:TOAST_LIMIT], "flags": EPHEMERAL, "allowed_mentions": quiet}
    return {"type": MESSAGE, "data": data}


def modal(form: Form) -> dict[str, Any]:
    """Return a form as Discord's modal with one field."""
    field: dict[str, Any] = {
        "type": 4,
        "custom_id": FIELD,
        "style": PARAGRAPH if form.multiline else SHORT,
        "label": form.label[:TITLE_LIMIT] or "Answer",
        "required": form.required,
        "max_length": PRESET_LIMIT,
    }
    if form.preset:
        field["value"] = form.preset
    return {
        "custom_id": form.value,
        "title": form.title[:TITLE_LIMIT] or "Answer",
        "components": [{"type": 1, "components": [field]}],
    }
