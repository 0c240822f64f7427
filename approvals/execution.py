"""Carrying out what was approved: once, exactly as it was shown, and never again when its outcome is unknown."""

import asyncio
import contextlib
import logging

from approvals import digest, requests, wording
from approvals.policy import Assessed
from approvals.room import Room, close, conclude, show
from kernel.approvals import ActionKind, Approval, ApprovedCall, CallResult
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError, Stale, StoreError, StoreFull
from kernel.risk import Tier
from kernel.states import ApprovalState
from store import approval_cards, approvals, journal
from store.units import Unit

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Execution:
    """Runs approved actions; each in a task of its own."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._group: asyncio.TaskGroup | None = None
        self._running: dict[str, asyncio.Task[None]] = {}

    def open(self, group: asyncio.TaskGroup) -> None:
        """Run what is approved in ``group`` from now on."""
        self._group = group

    async def recover(self) -> tuple[int, int]:
        """After a start, ask about what was running and take up what was approved; return how many of each."""
        read, write = self._room.database.read, self._room.database.write
        lost = await read(approvals.in_state, ApprovalState.RUNNING)
        for id in lost:
            await write(lose, self._room, id)
        ready = await read(approvals.in_state, ApprovalState.APPROVED)
        for id in ready:
            self.spawn(await read(approvals.get, id))
        return len(lost), len(ready)

    def spawn(self, approval: Approval, *, fresh: bool = False) -> asyncio.Event:
        """Begin to carry out an approved request; ``fresh`` says that nothing it is bound to has changed just now.

        The event that is returned is set once the action has begun, or will not.
        """
        assert self._group is not None  # noqa: S101 - open comes first
        begun = asyncio.Event()
        if approval.id in self._running:
            begun.set()
        else:
            task = self._group.create_task(
                self._guarded(approval, begun, fresh=fresh), name=f"approval {approval.short}"
            )
            self._running[approval.id] = task
            task.add_done_callback(lambda _: self._running.pop(approval.id, None))
        return begun

    async def idle(self, seconds: float) -> int:
        """Wait until nothing runs, for ``seconds`` at most; return how many actions still do."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=seconds)
        return len(self._running)

    async def _guarded(self, approval: Approval, begun: asyncio.Event, *, fresh: bool) -> None:
        try:
            await self._run(approval, begun, fresh=fresh)
        except Stale as error:
            log.info("Request %s was not carried out: %s", approval.short, error)
        except HermesError as error:
            log.warning("Request %s could not be carried out: %s", approval.short, error)
        finally:
            begun.set()

    async def _run(self, approval: Approval, begun: asyncio.Event, *, fresh: bool) -> None:
        if not fresh and await self.drifted(approval):
            return
        started = await self._room.database.write(_start, self._room, approval.id)
        if started.state is not ApprovalState.RUNNING or started.origin is None:
            return
        crashpoint("approval.after_start")
        async with asyncio.TaskGroup() as beside:
            # The action comes first: its cards say that it runs while it does.
            beside.create_task(self._show_running(started, begun), name=f"cards of {started.short}")
            result = await self._call(started)
            crashpoint("approval.after_run")
        await self._store(started, result)
        crashpoint("approval.after_result")

    async def _show_running(self, approval: Approval, begun: asyncio.Event) -> None:
        """Bring the cards up to date; where nothing can be written now, the result does it."""
        begun.set()
        with contextlib.suppress(StoreError):
            await self._room.database.write(_show_running, self._room, approval.id)

    async def _call(self, approval: Approval) -> CallResult:
        assert approval.origin is not None  # noqa: S101 - what runs here came from a turn
        call = ApprovedCall(
            approval.id,
            approval.action,
            approval.turn_id,
            approval.session_id,
            approval.call_key,
            approval.origin,
            approval.behalf,
        )
        try:
            return await self._room.caller.call(call)
        except HermesError as error:
            return CallResult(f"Failed: {error}")
        except Exception as error:  # a tool that breaks has used the approval up as well
            log.exception("Carrying out %s broke.", approval.short)
            return CallResult(f"Failed: {approval.action.tool} broke ({type(error).__name__}).")

    async def _store(self, approval: Approval, result: CallResult) -> None:
        """Store a result; a full disk is waited for, because what happened must not become unknown."""
        while True:
            try:
                await self._room.database.write(_finish, self._room, approval.id, result)
            except StoreFull:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def drifted(self, approval: Approval) -> tuple[str, Approval | None] | None:
        """Compare a request with what would run now; where they differ it becomes void and is asked anew.

        Returns ``None`` where nothing has changed, else why, and the new request unless the action may not run at all.
        """
        if approval.action.kind is ActionKind.QUESTION:
            return None
        now = await asyncio.to_thread(requests.assessed_again, self._room, approval)
        why = digest.drift(approval.action, now.action) or _graver(approval, now)
        return (why, await self._anew(approval, now, why)) if why else None

    async def _anew(self, approval: Approval, now: Assessed, why: str) -> Approval | None:
        room = self._room
        if now.tier is Tier.DENY:
            await room.database.write(
                close, room, approval.id, "void", reason=f"{why} {wording.refusal(now)}"
            )
            return None
        new = requests.draft(room, now, requests.asker_of(approval), supersedes=approval.id)
        return await room.database.write(requests.replace_with, room, approval, new, requests.names(), why)


def _graver(approval: Approval, now: Assessed) -> str:
    return f"It is {now.tier} risk now." if now.tier > approval.tier else ""


def _start(tx: Unit, room: Room, id: str) -> Approval:
    """Use an approval up; one whose time is over expires instead."""
    known = approvals.get(tx, id)
    if known.expires_at <= tx.now and known.state is ApprovalState.APPROVED:
        return close(tx, room, id, "expire")
    started = approvals.move(tx, id, "start", started_at=tx.now)
    approvals.note(tx, started, "execution", actor=started.decided_by)
    return started


def _show_running(tx: Unit, room: Room, id: str) -> None:
    known = approvals.get(tx, id)
    if known.state is ApprovalState.RUNNING:
        show(tx, room, known)


def _finish(tx: Unit, room: Room, id: str, result: CallResult) -> None:
    text = room.redact(result.text)
    done = approvals.finish(tx, id, "finish", text, result.exit_code, actor="system")
    conclude(tx, room, done)


def lose(tx: Unit, room: Room, id: str) -> None:
    """Commit that nobody knows what came of an action, and owe the question to a person."""
    lost = approvals.move(tx, id, "lose")
    if lost.turn_id:
        journal.lose_held(tx, lost.turn_id, lost.call_key)
    show(tx, room, lost)
    approval_cards.add(tx, lost.id, room.notifier.lost(tx, lost))
