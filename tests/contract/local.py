"""The local page for the contract: its client posts with a key of its own, and again until the post was answered."""

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.local import Frame, LocalAdapter, Watch
from kernel.errors import HermesError
from kernel.messages import Address, Attachment, AttachmentKind, Sender
from tests.contract.harness import Harness, Shown

CHAT = "desk"
RETRY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Posted:
    """What the person did, under the client's own key."""

    key: str
    text: str = ""
    tap: str = ""
    message_id: str = ""
    attachments: tuple[Attachment, ...] = ()


class LocalHarness(Harness):
    """One browser that keeps what it posted until the gateway says that it is stored."""

    person = "owner"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._keys = itertools.count(1)
        self._unanswered: deque[Posted] = deque()
        self._last: Posted | None = None
        self._client: asyncio.Task[None] | None = None
        self._watch: Watch | None = None
        self._frames: list[Frame] = []
        self._shown = asyncio.Event()
        self._posted = asyncio.Event()

    def make_adapter(self) -> LocalAdapter:
        """Return the page's adapter."""
        return LocalAdapter("web")

    @property
    def local(self) -> LocalAdapter:
        """The adapter by its own type, whose methods the client calls."""
        assert isinstance(self.adapter, LocalAdapter)
        return self.adapter

    async def start(self) -> None:
        """Run the adapter and open the page."""
        await super().start()
        watch = self._watch = self.local.watch(CHAT)
        self._client = asyncio.create_task(self._browse(watch))

    async def _browse(self, watch: Watch) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look(watch))
            group.create_task(self._post())

    async def _look(self, watch: Watch) -> None:
        async for frame in watch:
            self._frames.append(frame)
            self._shown.set()

    async def _post(self) -> None:
        while True:
            if not self._unanswered:
                self._posted.clear()
                await self._posted.wait()
            try:
                await self._say(self._unanswered[0])
                self._unanswered.popleft()
            except HermesError:
                await asyncio.sleep(RETRY_SECONDS)

    async def _say(self, post: Posted) -> None:
        who = Sender(self.person, "Owner")
        if post.tap:
            await self.local.tap(CHAT, who, post.tap, key=post.key, message_id=post.message_id)
        else:
            await self.local.say(CHAT, who, post.text, key=post.key, attachments=post.attachments)

    async def end(self) -> None:
        """Close the page, then the adapter."""
        if self._client is not None:
            self._client.cancel()
            await asyncio.wait([self._client])
        if self._watch is not None:
            self.local.unwatch(self._watch)
        await super().end()

    @property
    def chat(self) -> Address:
        """The page's chat."""
        return self.local.address(CHAT)

    def _do(self, post: Posted) -> None:
        self._last = post
        self._unanswered.append(post)
        self._posted.set()

    async def says(self, text: str, *, thread: str | None = None) -> None:
        """Post a message."""
        assert thread is None
        self._do(Posted(f"k{next(self._keys)}", text))

    async def taps(self, message_id: str, label: str) -> None:
        """Post a pressed button."""
        (card,) = [f.body for f in self._frames if f.kind == "message" and f.body["id"] == message_id]
        value = next(b["value"] for row in card["buttons"] for b in row if b["label"] == label)
        self._do(Posted(f"k{next(self._keys)}", tap=value, message_id=message_id))

    async def hands_over_again(self) -> None:
        """Post the same once more."""
        assert self._last is not None
        self._do(self._last)

    async def attaches(self, data: bytes) -> Attachment:
        """Upload a file and post a message with it."""
        known = len(self.link.committed)
        upload = self.folder / "upload"
        await asyncio.to_thread(upload.write_bytes, data)
        file = Attachment(AttachmentKind.DOCUMENT, str(upload), "notes.txt", "text/plain", len(data))
        self._do(replace(Posted(f"k{next(self._keys)}"), attachments=(file,)))
        return (await self.link.until_committed(known + 1))[-1].attachments[0]

    async def shown(self, count: int = 1) -> list[Shown]:
        """Read what the page shows: the latest state of each message."""
        async with asyncio.timeout(5):
            while len(found := self._messages()) < count:
                self._shown.clear()
                await self._shown.wait()
        return found

    def _messages(self) -> list[Shown]:
        found: dict[str, Shown] = {}
        for frame in self._frames:
            if frame.kind == "message":
                body = frame.body
                labels = tuple(button["label"] for row in body["buttons"] for button in row)
                found[body["id"]] = Shown(body["id"], body["text"], labels, file_name=body["file_name"])
        return list(found.values())

    def unacknowledged(self) -> int:
        """Count the posts without an answer."""
        return len(self._unanswered)
