"""Checks before a run: a script that ends with 0, or an address that answers as expected."""

import hashlib

from cron.fetching import Fetching
from cron.kinds import scripts
from cron.recipe import RecipeFailed
from cron.room import Room
from cron.settings import MINUTE_MS, SECOND_MS
from kernel.approvals import Action, Approval
from kernel.errors import AccessDenied
from kernel.schedules import Check, Fire, Schedule
from store import marks
from store.units import Unit

OK = 200


class NotMet(Exception):
    """The condition of a job is not met; the message says why."""


class Checks:
    """Decides whether a job runs at all."""

    def __init__(self, room: Room, runs: scripts.Scripts, http: Fetching) -> None:
        self._room = room
        self._scripts = runs
        self._http = http

    async def passes(self, schedule: Schedule, fire: Fire) -> str:
        """Return what the check says to the run; raise NotMet where there is to be none.

        Raises RecipeFailed and AccessDenied where the check itself cannot be made.
        """
        check = schedule.job.check
        if check is None:
            return ""
        said = await self._script(schedule, fire, check.script) if check.script else ""
        if check.url:
            said = await self._address(fire, check) or said
        return said

    async def _script(self, schedule: Schedule, fire: Fire, text: str) -> str:
        room = self._room
        action = await scripts.action_of(room, schedule, text)
        judged = await room.ports.gate().attend(
            scripts.asker(schedule, fire), action, refuse=True, also=_never
        )
        if not isinstance(judged, Action):
            raise AccessDenied("The check would have to be approved by a person.")
        result = await self._scripts.run(judged, room.settings.timeouts.check * MINUTE_MS / SECOND_MS)
        if result.exit_code:
            raise NotMet(f"Its check ended with {result.exit_code}.")
        return result.text

    async def _address(self, fire: Fire, check: Check) -> str:
        reply = await self._http.get(check.url)
        if reply.status != OK:
            raise NotMet(f"{check.url} answered {reply.status}.")
        if check.contains and check.contains not in reply.text:
            raise NotMet(f"{check.url} does not say {check.contains!r}.")
        if check.changed and not await self._changed(fire, reply.body):
            raise NotMet(f"{check.url} has not changed.")
        return reply.text[: self._room.settings.output]

    async def _changed(self, fire: Fire, body: bytes) -> bool:
        """Tell whether a page differs from the one seen last, and remember it; the first time it has changed."""
        name, digest = f"cron:{fire.schedule_id}:seen", hashlib.sha256(body).hexdigest()
        return await self._room.database.write(_remember, name, digest, str(fire.id))


def _remember(tx: Unit, name: str, value: str, run: str) -> bool:
    """Keep what was seen, and by which run: another attempt of the run that saw it first sees it again."""
    seen, _, by = (marks.get(tx, name) or "").partition(" ")
    if seen == value:
        return by == run
    marks.put(tx, name, f"{value} {run}")
    return True


def _never(_tx: Unit, _approval: Approval) -> None:
    raise AccessDenied("A check is never asked about.")


__all__ = ["Checks", "NotMet", "RecipeFailed"]
