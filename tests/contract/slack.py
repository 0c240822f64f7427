"""Slack for the contract: the adapter against a workspace on loopback."""

from pathlib import Path

from gateway.platforms.slack.adapter import SlackAdapter
from gateway.platforms.slack.settings import SlackSettings
from kernel.clock import SystemClock
from kernel.messages import Address, Attachment
from tests.contract.harness import Harness, Refusals, Shown
from tests.fakes.faults import DropAfter
from tests.fakes.slack_server import SlackServer, flood, server_error
from tests.fakes.slack_socket import Envelope
from tests.fakes.slack_world import TEAM_ID, Grid, Message

CHAT = "D0PERSON7"


class SlackHarness(Harness, Refusals):
    """One app, one person, one fake workspace."""

    person = "U0PERSON7"
    grid: Grid | None = None

    def __init__(self, folder: Path) -> None:
        self.server = SlackServer(grid=self.grid)
        super().__init__(folder)
        self._last: Envelope | None = None

    def make_adapter(self) -> SlackAdapter:
        """Return an app that talks to the fake server."""
        settings = SlackSettings.model_validate(
            {
                "bot_token": self.server.bot_token,
                "app_token": self.server.app_token,
                "api_base": self.server.url,
                "request_seconds": 3,
                "team_id": TEAM_ID if self.grid else "",
            }
        )
        return SlackAdapter(settings, SystemClock())

    async def start(self) -> None:
        """Start the server before the first adapter."""
        if not self.server.port:
            await self.server.start()
            self.server.person(self.person, "Ada")
            self.adapter = self.make_adapter()
        await super().start()

    async def end(self) -> None:
        """End the adapter with its connections."""
        await super().end()
        assert isinstance(self.adapter, SlackAdapter)
        await self.adapter.close()

    async def stop(self) -> None:
        """End the adapter and the server."""
        await super().stop()
        await self.server.stop()

    @property
    def chat(self) -> Address:
        """The person's direct messages."""
        return Address("slack", self.adapter.identity.account, CHAT)

    async def says(self, text: str, *, thread: str | None = None) -> None:
        """Hand an event over."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        message = self.server.world.add(CHAT, self.person, escaped, thread_ts=thread or "")
        self._last = self.server.tell(message)

    async def taps(self, message_id: str, label: str) -> None:
        """Hand a press over."""
        self.server.tap(self.server.world.find(CHAT, message_id), label)

    async def hands_over_again(self) -> None:
        """Hand the same event over once more, as Slack does when an acknowledgement is late."""
        assert self._last is not None
        self.server.sockets.again(self._last)

    async def attaches(self, data: bytes) -> Attachment:
        """Send a file."""
        known = len(self.link.committed)
        self.server.brings(CHAT, data)
        return (await self.link.until_committed(known + 1))[-1].attachments[0]

    async def shown(self, count: int = 1) -> list[Shown]:
        """Read the channel."""
        messages = await self.server.wait_for(
            lambda: found if len(found := self.server.messages(CHAT)) >= count else None
        )
        return [_shown(message) for message in messages or []]

    def unacknowledged(self) -> int:
        """Count the person's envelopes that were not acknowledged."""
        waiting = self.server.sockets.pending.values()
        return sum("bot_id" not in e.payload.get("event", {}) for e in waiting)

    def asks_to_wait(self, seconds: float | str | None) -> None:
        """Answer 429."""
        self.server.fault("chat.postMessage", flood(seconds))

    def fails(self) -> None:
        """Answer 502 with a page that is no JSON."""
        self.server.fault("chat.postMessage", server_error())

    def loses_the_receipt(self) -> None:
        """Break the connection after the message was taken."""
        self.server.fault("chat.postMessage", DropAfter())

    async def goes_away(self) -> None:
        """Close the server's socket."""
        await self.end()
        self.adapter = self.make_adapter()
        await self.server.stop()

    def shuts_the_person_out(self) -> None:
        """Have the person close their messages to the app."""
        self.server.world.blocked.add(self.person)


class GridHarness(SlackHarness):
    """The same where an organisation (Enterprise Grid) has installed the app for all of its workspaces."""

    person = "W0PERSON7"
    grid = Grid()


def _shown(message: Message) -> Shown:
    file = message.files[0] if message.files else {}
    thread = message.thread_ts if message.thread_ts not in ("", message.ts) else None
    return Shown(
        message.ts,
        message.shown.rstrip(),
        tuple(message.labels),
        thread,
        file_name=str(file.get("title", "")),
    )
