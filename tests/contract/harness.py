"""What a test of the adapter contract may do with a platform: play its people, look at its chats, break it.

A harness belongs to one platform. It starts the platform (a real server on loopback, or the surface's own client),
runs the adapter against it and hands both to the tests, which know nothing of either.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.adapter import Adapter
from kernel.errors import StoreFull
from kernel.messages import Address, Attachment, Inbound, InboundKind

WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of ours as people see it."""

    id: str
    text: str
    buttons: tuple[str, ...] = ()
    thread: str | None = None
    reply_to: str = ""
    file_name: str = ""


class Recorder:
    """The gateway's end of the link: keeps what was committed, and fails or waits on demand."""

    def __init__(self) -> None:
        self.committed: list[Inbound] = []
        self.offered: list[Inbound] = []
        self.quarantined: list[tuple[str, str, str]] = []
        self.states: list[str] = []
        self.notes: dict[str, str] = {}
        self.proofs = 0
        self._failures = 0
        self._open = asyncio.Event()
        self._open.set()
        self._changed = asyncio.Condition()

    async def receive(self, batch: Sequence[Inbound]) -> None:
        """Commit a batch as the store does: as a whole, or not."""
        self.offered += batch
        await self._tell()
        await self._open.wait()
        if self._failures:
            self._failures -= 1
            raise StoreFull("The disk is full.")
        self.committed += batch
        await self._tell()

    async def quarantine(self, key: str, raw: str, reason: str) -> None:
        """Keep what could not be understood."""
        self.quarantined.append((key, raw, reason))
        await self._tell()

    async def anchors(self) -> Mapping[Address, str]:
        """Return the id of the last committed message of every chat and thread."""
        return {one.address: one.message_id for one in self.committed if one.kind is InboundKind.MESSAGE}

    async def recall(self, name: str) -> str:
        """Return what the adapter remembered."""
        return self.notes.get(name, "")

    async def remember(self, name: str, text: str) -> None:
        """Keep a small text for the adapter."""
        self.notes[name] = text

    def connected(self) -> None:
        """Hear that the platform answers."""
        self.states.append("connected")

    def progress(self) -> None:
        """Hear that the connection is alive."""
        self.proofs += 1

    def degraded(self, reason: str) -> None:
        """Hear of trouble."""
        self.states.append(f"degraded: {reason}")

    def hold(self) -> None:
        """Let nothing be committed from now on."""
        self._open.clear()

    def release(self) -> None:
        """Let commits go through again."""
        self._open.set()

    def fail(self, times: int) -> None:
        """Refuse the next commits for want of space."""
        self._failures = times

    async def until_committed(self, count: int) -> list[Inbound]:
        """Wait until so much is committed, and return it."""
        await self.until(lambda: len(self.committed) >= count)
        return self.committed

    async def until_offered(self, count: int) -> list[Inbound]:
        """Wait until so much was handed over, committed or not."""
        await self.until(lambda: len(self.offered) >= count)
        return self.offered

    async def until(self, met) -> None:
        """Wait for a condition that a batch or a quarantined update may fulfil."""
        async with asyncio.timeout(WAIT), self._changed:
            await self._changed.wait_for(met)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Harness(ABC):
    """A platform with one person, whose private chat with the bot is ``chat``, and the adapter under test."""

    person: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.link = Recorder()
        self.adapter = self.make_adapter()
        self._running: asyncio.Task[None] | None = None

    @abstractmethod
    def make_adapter(self) -> Adapter:
        """Return a new adapter for the platform."""

    async def start(self) -> None:
        """Run the adapter."""
        self._running = asyncio.create_task(self.adapter.run(self.link))

    async def crash(self) -> None:
        """End the adapter as a killed process would, and run a new one that remembers nothing."""
        await self.end()
        self.link.offered.clear()
        self.link.release()
        self.adapter = self.make_adapter()
        await self.start()

    async def end(self) -> None:
        """Cancel the adapter's run."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def stop(self) -> None:
        """End everything the harness started."""
        await self.end()

    @property
    @abstractmethod
    def chat(self) -> Address:
        """The person's private chat with the bot."""

    @property
    def threaded(self) -> Address:
        """A chat that can have threads; some platforms have none in private."""
        return self.chat

    @abstractmethod
    async def says(self, text: str, *, thread: str | None = None) -> None:
        """Have the person write, and do not wait until the bot knows."""

    @abstractmethod
    async def taps(self, message_id: str, label: str) -> None:
        """Have the person press a button of a message of ours."""

    @abstractmethod
    async def hands_over_again(self) -> None:
        """Have the platform hand over what the person said last once more, acknowledged or not."""

    @abstractmethod
    async def attaches(self, data: bytes) -> Attachment:
        """Have the person send a file, and return the attachment as the adapter reported it."""

    @abstractmethod
    async def shown(self, count: int = 1) -> list[Shown]:
        """Return the person's view of our messages in ``chat``, once there are so many."""

    @abstractmethod
    def unacknowledged(self) -> int:
        """Return how many of the person's messages the platform would hand over again."""


class Refusals(ABC):
    """A platform that can be made to refuse: the errors of sending."""

    @abstractmethod
    def asks_to_wait(self, seconds: float | str | None) -> None:
        """Answer the next sending with a wish to wait, sensible or not."""

    @abstractmethod
    def fails(self) -> None:
        """Answer the next sending with a server error."""

    @abstractmethod
    def loses_the_receipt(self) -> None:
        """Take the next message and break the connection before the receipt."""

    @abstractmethod
    async def goes_away(self) -> None:
        """Stop listening."""

    @abstractmethod
    def shuts_the_person_out(self) -> None:
        """Have the person block the bot."""
