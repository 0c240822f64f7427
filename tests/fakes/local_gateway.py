"""A gateway in miniature for the local surfaces: the real store and adapter, and a script instead of an agent."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gateway.adapter import Mark
from gateway.local import LocalAdapter
from kernel.messages import Address, Button, Inbound, InboundKind, Outbound, OutboundKind
from kernel.transitions import INBOX
from store import inbox, outbox, sessions
from store.database import Database
from store.inbox import InboxRow, Verdict
from store.outbox import OutboxRow, Owed
from store.sessions import Reset
from store.units import Unit

Answer = Callable[["LocalGateway", InboxRow], Awaitable[None]]


class LocalGateway:
    """Commits what a surface hands over, answers it by a script and delivers the answer."""

    def __init__(self, database: Database, adapter: LocalAdapter, home: Path) -> None:
        self.database = database
        self.adapter = adapter
        self.home = home
        self.answer: Answer = echo
        self.received: list[Inbound] = []
        self.taps: list[Inbound] = []
        self._work: set[asyncio.Task[None]] = set()
        self._owed = 0

    async def receive(self, batch: Sequence[Inbound]) -> None:
        """Commit a batch and begin to answer what is new in it."""
        accepted = [
            (inbound, Verdict(self._event(inbound), session=self._session(inbound))) for inbound in batch
        ]
        for row in await self.database.write(inbox.accept, accepted):
            self.received.append(row.inbound)
            self._start(self._tapped(row) if row.inbound.kind is InboundKind.TAP else self._serve(row))

    def connected(self) -> None:
        """Nothing to note."""

    def progress(self) -> None:
        """Nothing to note."""

    def degraded(self, reason: str) -> None:
        """Nothing to note."""

    async def quarantine(self, key: str, raw: str, reason: str) -> None:
        """Nothing is ever malformed here."""

    async def anchors(self) -> Mapping[Address, str]:
        """Nothing is ever missed here."""
        return {}

    async def recall(self, name: str) -> str:
        """Nothing is remembered here."""
        return ""

    async def remember(self, name: str, text: str) -> None:
        """Nothing is remembered here."""

    def _event(self, inbound: Inbound) -> str:
        return "admit" if inbound.kind is InboundKind.MESSAGE else "handle"

    def _session(self, inbound: Inbound) -> Callable[[Unit], str]:
        address, owner = inbound.address, f"{inbound.address.platform}:{inbound.sender.id}"

        def find(tx: Unit) -> str:
            key = f"{address.platform}:{address.chat}"
            found = sessions.resolve(tx, key, address, owner, private=True, reset=Reset())
            if inbound.text and not sessions.get(tx, found).title:
                sessions.change(tx, found, actor=owner, title=inbound.text[:40], titled_by="first message")
            return found

        return find

    def _start(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            await work

        task = asyncio.get_running_loop().create_task(guarded())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _tapped(self, row: InboxRow) -> None:
        self.taps.append(row.inbound)
        await self.adapter.acknowledge(row.inbound.tap_id, f"You chose {row.inbound.tap}.")
        await self.say(row.inbound.address, "Thank you.", replaces=row.inbound.message_id)

    async def _serve(self, row: InboxRow) -> None:
        kept = [replace(item, path=str(await self._fetch(row.id, item))) for item in row.inbound.attachments]
        if kept:
            await self.database.write(inbox.keep_attachments, row.id, kept)
        await self.database.write(lambda tx: tx.move(INBOX, row.id, "start"))
        await self.adapter.react(row.inbound.address, row.inbound.message_id, Mark.SEEN)
        await self.answer(self, replace(row, inbound=replace(row.inbound, attachments=tuple(kept))))
        await self.database.write(lambda tx: tx.move(INBOX, row.id, "finish"))

    async def _fetch(self, row: int, item: object) -> Path:
        target = self.home / "media" / f"{row}-{getattr(item, 'name', 'file')}"
        await self.adapter.fetch(item, target, 2**30)  # pyright: ignore[reportArgumentType]
        return target

    async def say(
        self,
        address: Address,
        text: str,
        *,
        buttons: Sequence[Sequence[tuple[str, str]]] = (),
        replaces: str = "",
        file: Path | None = None,
        session_id: str = "",
    ) -> OutboxRow:
        """Owe a message and deliver it."""
        self._owed += 1
        message = Outbound(
            address,
            text,
            OutboundKind.FILE if file else OutboundKind.EDIT if replaces else OutboundKind.TEXT,
            tuple(tuple(Button(*button) for button in row) for row in buttons),
            replaces=replaces,
            file=file,
        )
        await self.database.write(
            outbox.add, Owed(f"test:{id(self)}:{self._owed}", message, session_id=session_id)
        )
        row = await self.database.write(outbox.claim, address)
        assert isinstance(row, OutboxRow)
        receipt = await self.adapter.send(row.message)
        await self.database.write(outbox.confirm, row.id, receipt)
        return row

    async def settle(self) -> None:
        """Wait until everything that began is answered."""
        while self._work:
            await asyncio.gather(*self._work)

    async def stop(self) -> None:
        """End what is still at work."""
        for task in tuple(self._work):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def echo(gateway: LocalGateway, row: InboxRow) -> None:
    """Answer with what was said."""
    names = ", ".join(item.name for item in row.inbound.attachments)
    text = f"You said **{row.inbound.text}**" + (f" with {names}" if names else "")
    await gateway.say(row.inbound.address, text, session_id=row.session_id)
