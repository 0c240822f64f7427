"""Following: runs that go on elsewhere, as a turn of a conversation or as a request to a person, and how they end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from approvals import wording
from cron.ending import Ended
from cron.kinds import prompts
from cron.places import Places
from cron.room import Room
from cron.settings import SECOND_MS
from cron.settling import Settling
from kernel.approvals import Approval, CallResult
from kernel.bus import Bus
from kernel.errors import HermesError, Stale
from kernel.events import Event
from kernel.schedules import Fire, JobKind, Schedule
from kernel.states import ApprovalState, FireState, TurnState
from store import approvals, fires, schedules
from store.units import Query, Unit

log = logging.getLogger(__name__)

APPROVAL_ENDS = ("finish", "refuse", "expire", "void", "cancel", "lose", "settle")


class Following:
    """Hears of turns and requests that runs wait for; a run that waits for a person takes no place.

    ``overdue(fire)`` is called for a run whose time is over.
    """

    def __init__(
        self, room: Room, settling: Settling, places: Places, overdue: Callable[[Fire], Awaitable[None]]
    ) -> None:
        self._room = room
        self._settling = settling
        self._places = places
        self._overdue = overdue
        # Runs by the session whose turns they are, by turn, and by the request they wait for.
        self._sessions: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._requests: dict[str, int] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def listen(self, bus: Bus) -> list[Callable[[], None]]:
        """Begin to hear; return the functions that end it."""
        return [bus.listen("turn.", self._hear_turn), bus.listen("approval.", self._hear_request)]

    def close(self) -> None:
        """Let no run's time end any more."""
        for timer in self._timers.values():
            timer.cancel()

    def session(self, fire: Fire, schedule: Schedule) -> None:
        """Follow a run that is a turn of a session."""
        self._watch(fire, schedule)
        # The turn may have begun, or be over, before anybody listened.
        self._heard.put_nowait(("session", fire.session_id))

    def request(self, fire: Fire, approval_id: str) -> None:
        """Follow a run that waits for a request to be decided."""
        self._requests[approval_id] = fire.id
        # It may have been decided before anybody listened.
        self._heard.put_nowait(("approval", approval_id))

    def rest(self, id: int) -> None:
        """Stop a run's time, and give its place back."""
        if (timer := self._timers.pop(id, None)) is not None:
            timer.cancel()
        self._places.free(id)

    def forget(self, fire: Fire) -> None:
        """Follow a run no more."""
        self._requests.pop(fire.approval_id, None)
        self._sessions.pop(fire.session_id, None)
        self._turns = {turn: number for turn, number in self._turns.items() if number != fire.id}

    def _watch(self, fire: Fire, schedule: Schedule) -> None:
        self._sessions[fire.session_id] = fire.id
        self._places.take(fire.id)
        seconds = self._room.settings.timeout_ms(JobKind.PROMPT, schedule.job.timeout) / SECOND_MS
        loop = asyncio.get_running_loop()
        self._timers[fire.id] = loop.call_later(seconds, self._heard.put_nowait, ("timeout", str(fire.id)))

    def _hear_turn(self, event: Event) -> None:
        if event.kind == "turn.start" and (session := str(event.body.get("session"))) in self._sessions:
            self._turns[event.subject] = self._sessions[session]
            self._heard.put_nowait(("turn", event.subject))
        elif event.subject in self._turns and event.kind != "turn.start":
            self._heard.put_nowait(("turn", event.subject))

    def _hear_request(self, event: Event) -> None:
        if event.subject in self._requests and event.kind.removeprefix("approval.") in APPROVAL_ENDS:
            self._heard.put_nowait(("approval", event.subject))

    async def run(self) -> None:
        """Do what follows from all that is heard."""
        while True:
            what, id = await self._heard.get()
            try:
                await self._told(what, id)
            except Stale as stale:
                log.info("%s", stale)
            except HermesError as error:
                log.warning("What became of a job's run was not stored: %s", error)

    async def _told(self, what: str, id: str) -> None:
        match what:
            case "turn":
                await self._turn(id)
            case "session" if (number := self._sessions.get(id)) is not None:
                fire = await self._room.database.read(fires.get, number)
                if turn := await self._room.database.read(prompts.newest_turn, fire):
                    self._turns[turn] = number
                    await self._turn(turn)
            case "approval" if id in self._requests:
                await self._request(id)
            case "timeout":
                await self._timed_out(int(id))
            case _:
                pass

    async def _turn(self, turn_id: str) -> None:
        """Bring a run up to date with its turn."""
        number = self._turns.get(turn_id)
        if number is None:
            return
        fire = await self._room.database.read(fires.get, number)
        facts = await self._room.database.read(_facts, fire, turn_id)
        if facts is None:
            return
        state, ended = facts
        if ended is not None:
            self.forget(fire)
            await self._settling.end(fire, ended)
            self.rest(fire.id)
        elif state is TurnState.SUSPENDED and fire.state is FireState.RUNNING:
            await self._room.database.write(fires.move, fire.id, "wait")
            self.rest(fire.id)
        elif state is TurnState.RUNNING and fire.state is FireState.WAITING:
            await self._room.database.write(fires.move, fire.id, "go_on")
            self._watch(fire, await self._room.database.read(schedules.get, fire.schedule_id))

    async def _request(self, approval_id: str) -> None:
        """Bring a run up to date with the request it waits for."""
        found, next_one = await self._room.database.read(_request, approval_id)
        if found.open or found.state in (ApprovalState.APPROVED, ApprovalState.RUNNING):
            return
        fire = await self._room.database.read(fires.get, self._requests.pop(approval_id))
        if next_one is not None:
            await self._room.database.write(_wait_anew, fire.id, next_one.id)
            self.request(fire, next_one.id)
            return
        await self._settling.end(fire, _decided(found))

    async def _timed_out(self, id: int) -> None:
        fire = await self._room.database.read(fires.get, id)
        if fire.state is FireState.RUNNING:
            await self._overdue(fire)


def script_end(result: CallResult) -> Ended:
    """Return how a script's run ends by its exit code."""
    if result.exit_code:
        error = f"The script ended with {result.exit_code}."
        return Ended("fail", result.text, error)
    if result.exit_code is None and result.text.startswith("Failed: "):
        return Ended("fail", error=result.text.removeprefix("Failed: "), lasting=True)
    return Ended("finish", result.text)


def _decided(approval: Approval) -> Ended:
    """Return how a run ends whose script a person has decided about."""
    match approval.state:
        case ApprovalState.DONE:
            return script_end(CallResult(approval.result, approval.exit_code))
        case ApprovalState.UNKNOWN:
            return Ended("lose", error=FireState.LOST.sentence)
        case _:
            return Ended("fail", error=wording.decided(approval), lasting=True)


def _wait_anew(tx: Unit, id: int, approval_id: str) -> None:
    fires.move(tx, id, "go_on")
    fires.move(tx, id, "wait", approval_id=approval_id)


def _facts(q: Query, fire: Fire, turn_id: str) -> tuple[TurnState, Ended | None] | None:
    """Return how a run's turn is, and how the run ends where it is over."""
    from_turn = prompts.over(q, fire, turn_id)
    if from_turn is None:
        found = prompts.state_of(q, turn_id)
        return None if found is None else (found, None)
    return from_turn.state, prompts.ending(from_turn)


def _request(q: Query, id: str) -> tuple[Approval, Approval | None]:
    return approvals.get(q, id), approvals.follower(q, id)
