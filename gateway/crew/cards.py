"""Cards that ask people for a review: owed as soon as something is put up, and after a restart for what still waits."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from board.review import Decision, Judgement
from board.service import Board
from gateway.crew.buttons import ReviewButtons, Verb
from kernel.bus import Bus
from kernel.errors import StoreError
from kernel.events import Event
from kernel.messages import Address, Outbound, Priority
from kernel.people import Principal, Role
from store import channels, outbox, submissions, tasks
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Owed
from store.submissions import Submission
from store.units import Query, Unit

log = logging.getLogger(__name__)

SUMMARY_SHOWN = 1500
HEARD = "task.version"
RETRY_SECONDS = 30.0


class ReviewCards:
    """Owes the cards, and carries out what is tapped on them."""

    def __init__(self, database: Database, bus: Bus, board: Board, buttons: ReviewButtons) -> None:
        self._database = database
        self._bus = bus
        self._board = board
        self._buttons = buttons
        self._wake = asyncio.Event()
        self._unlisten: Callable[[], None] | None = None

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to hear of versions; what waits already is asked for as well, once."""
        self._unlisten = self._bus.listen(HEARD, self._heard)
        self._wake.set()
        group.create_task(self._run(), name="cards of reviews")

    def _heard(self, _event: Event) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._database.write(owe, self._buttons, self._board.room.redact)
            except StoreError as error:
                # A full disk ends by itself; what waits is asked for then.
                log.warning("A card for a review was not stored: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def tapped(self, row: InboxRow, principal: Principal) -> str | None:
        """Carry out a tap: approve at once; what needs words is written as a command."""
        pressed = self._buttons.read(row.inbound.tap)
        if pressed is None:
            return "This button belongs to something that is over."
        if principal.role < Role.OPERATOR:
            return "Reviews are for operators and owners."
        if pressed.verb is Verb.CHANGES:
            return f"Write: /review {pressed.task} changes what is wrong | point | point"
        if pressed.verb is Verb.REJECT:
            return f"Write: /review {pressed.task} reject the reason"
        made = Judgement(Decision.APPROVE, version=pressed.version)
        task = await self._board.judge(pressed.task, made, actor=principal.id)
        return f"Task {task.id} is {task.state}."


def owe(tx: Unit, buttons: ReviewButtons, redact: Callable[[str], str]) -> None:
    """Owe a card for each version that waits for people; one that was owed before is not owed again."""
    homes = channels.homes(tx)
    for version in submissions.waiting(tx):
        if version.reviewer:
            continue
        for address in _places(tx, version, homes):
            key = f"review:{version.task_id}:{version.version}:{address.platform}"
            message = Outbound(
                address, redact(_text(tx, version)), buttons=(buttons.row(version.task_id, version.version),)
            )
            outbox.add(tx, Owed(key, message, Priority.QUESTION))


def _places(q: Query, version: Submission, homes: Mapping[str, Address]) -> list[Address]:
    """Return where people are asked: in the chat that wanted the task, else in the home channels."""
    origin = tasks.brief(q, version.task_id).origin
    return [origin] if origin is not None else list(homes.values())


def _text(q: Query, version: Submission) -> str:
    task = tasks.get(q, version.task_id)
    files = ", ".join(f"{name} (version {number})" for name, number in version.files.items())
    parts = [
        f"🔎 **Review: task {task.id}, version {version.version}**\n{task.title}",
        f"{version.author}: {version.summary[:SUMMARY_SHOWN]}",
        f"Notes: {version.notes[:SUMMARY_SHOWN]}" if version.notes else "",
        f"Files: {files}" if files else "",
        task.question,
    ]
    return "\n\n".join(part for part in parts if part)
