"""What workers tell the board, stored."""

import logging

from board import working
from board.failures import Extra, record_task_failure
from board.room import Room
from board.working import Start
from kernel.crashpoints import crashpoint
from kernel.tasks import AttemptOutcome, Ended

log = logging.getLogger(__name__)


class BoardReports:
    """Stores what workers report (``kernel.tasks.Reports``); an epoch that is over is refused with Stale."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def started(
        self, task_id: int, epoch: int, *, pid: int = 0, pid_mark: str = "", workspace: str = ""
    ) -> None:
        """Store that the attempt runs."""
        given = Start(pid, pid_mark, workspace=workspace)
        await self._room.database.write(working.start, self._room.settings, task_id, epoch, given)
        crashpoint("task.after_start")

    async def waits(self, task_id: int, epoch: int, question: str) -> None:
        """Store that the attempt waits for a person."""
        await self._room.database.write(working.wait, task_id, epoch, self._room.redact(question))
        crashpoint("task.after_question")

    async def goes_on(self, task_id: int, epoch: int) -> None:
        """Store that the attempt works again."""
        await self._room.database.write(working.go_on, self._room.settings, task_id, epoch)

    async def ended(self, task_id: int, epoch: int, ended: Ended) -> None:
        """Store how the attempt ended, with all that follows from it."""
        crashpoint("task.before_end")
        redact, database = self._room.redact, self._room.database
        if ended.outcome is AttemptOutcome.SUCCEEDED:
            result, notes = redact(ended.result), redact(ended.notes)
            await database.write(
                working.finish, task_id, epoch, result, ended.used, notes=notes, reviewer=ended.reviewer
            )
            crashpoint("task.after_end")
            return
        if ended.outcome is AttemptOutcome.HANDED_OFF and ended.owner:
            said = redact(ended.error)
            lane = self._room.roster.lane_of(ended.owner)
            await database.write(working.hand_off, task_id, epoch, ended.owner, said, ended.used, lane)
            crashpoint("task.after_end")
            return
        extra = Extra(
            epoch,
            ended.used,
            ended.lasting,
            ended.retry_after,
            redact(ended.reaction),
            ended.owner,
        )
        await database.write(
            record_task_failure,
            self._room.settings,
            task_id,
            redact(ended.error),
            ended.outcome,
            extra=extra,
        )
        crashpoint("task.after_failure")
