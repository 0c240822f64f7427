"""Making and changing jobs: what was written becomes a schedule, and the next times are worked out."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cron import attachments
from cron.inputs import CreateJob, EditJob, JobFields
from cron.kinds import recipes
from cron.room import Room
from cron.rules import After, At, Rule, next_after, parse, upcoming
from cron.runs import Runs
from cron.sentences import Plan, plan, zone_of
from cron.settings import SECOND_MS
from cron.words import Moment
from kernel import ids
from kernel.errors import AccessDenied, InvalidInput, Stale
from kernel.messages import Address
from kernel.people import Principal, Role
from kernel.schedules import Check, Fire, Job, JobKind, Schedule
from kernel.states import FireState, ScheduleState
from store import fires, schedules, sessions
from store.units import Query, Unit

AFTER = re.compile(
    r"^(?:after|when|whenever) (?:job )?(.+?)(?: (succeeds|success|ends well|fails|failure|ends|always))?$",
    re.IGNORECASE,
)
OUTCOMES = {"fails": "failure", "failure": "failure", "ends": "always", "always": "always"}
NAME_WORDS = 5
NAME_LENGTH = 40
SHOWN = 5
NOT_OURS = "It belongs to somebody else."


@dataclass(frozen=True, slots=True)
class Times:
    """A schedule as it was understood: its rule and bounds, its timezone, and its next instants."""

    rule: Rule
    zone: ZoneInfo
    starts_at: int
    ends_at: int
    max_runs: int
    upcoming: tuple[int, ...]


def owner_of(principal: Principal) -> str:
    """Return the person (``platform:id``) with whose rights a job works that a principal makes."""
    platform = principal.id.partition(":")[0]
    if platform == "token":
        return f"web:{principal.id}"
    return "web:owner" if platform in ("cli", "system", "terminal") else principal.id


class Desk:
    """Makes, changes and runs jobs for those who may."""

    def __init__(self, room: Room, runs: Runs) -> None:
        self._room = room
        self._runs = runs

    def moment(self, zone: str = "") -> Moment:
        """Return now, in a timezone by its name or the owner's."""
        return Moment(self._room.clock.now(), zone_of(zone) if zone else self._room.zone)

    async def understood(self, words: str, given: Mapping[str, Any] | None = None) -> Times:
        """Return how words about times are understood; raise Ambiguous with the question to ask, or InvalidInput.

        ``given`` may have ``timezone``, ``starts``, ``ends`` and ``max_runs``.
        """
        moment = self.moment((given or {}).get("timezone") or "")
        return self._times(await self._plan(words, moment), words, moment, given or {})

    def _times(self, found: Plan, words: str, moment: Moment, asked: Mapping[str, Any]) -> Times:
        starts = _instant(asked.get("starts"), moment)
        ends = _instant(asked.get("ends"), moment) or found.ends_at
        if ends and ends <= max(starts, moment.now):
            raise InvalidInput("It would end before it begins.")
        most = asked.get("max_runs") or found.max_runs
        after = max(moment.now, starts - 1)
        times = upcoming(found.rule, found.zone, after, min(SHOWN, most) if most else SHOWN)
        shown = tuple(at for at in times if not ends or at < ends)
        if not shown and not isinstance(found.rule, After):
            raise InvalidInput(
                f"{words.strip()!r} has no time ahead.", remedy="Give one that is still to come."
            )
        return Times(found.rule, found.zone, starts, ends, most, shown)

    async def _plan(self, words: str, moment: Moment) -> Plan:
        found = AFTER.match(" ".join(words.split()))
        if found is None:
            return plan(words, moment)
        before = await self._room.database.read(schedules.find, found[1])
        return Plan(After(before.id, OUTCOMES.get((found[2] or "").lower(), "success")), moment.zone)

    async def create(
        self,
        principal: Principal,
        asked: CreateJob,
        *,
        origin: Address | None = None,
        seed: str = "",
        planned: Plan | None = None,
    ) -> Schedule:
        """Make a job; raise AccessDenied where the principal may not, Ambiguous or InvalidInput for what is unclear.

        ``planned`` are the words about times as they were read already.
        """
        self.may_make(principal, asked.kind)
        given = asked.model_dump(exclude_none=True)
        if planned is None:
            times = await self.understood(asked.schedule, given)
        else:
            times = self._times(planned, asked.schedule, self.moment(), given)
        job = await self._job(principal, self._blank(asked.kind, seed), asked)
        wanted = self._new(principal, asked, times, job, origin)
        return await self._room.database.write(_add, self._room, wanted, principal)

    def _blank(self, kind: JobKind, seed: str) -> Job:
        """Return a job with what the settings say of jobs that say nothing themselves."""
        settings = self._room.settings
        return Job(kind, missed=settings.missed, overlap=settings.overlap, risky=settings.risky, seed=seed)

    def may_make(self, principal: Principal, kind: JobKind) -> None:
        """Raise AccessDenied where somebody may not make a job of a kind: users have reminders, operators all."""
        needed = Role.USER if kind is JobKind.REMINDER else Role.OPERATOR
        if principal.role < needed:
            raise AccessDenied(
                f"A job of the kind {kind} is for operators.", remedy="/remind is for everybody."
            )

    def _new(
        self, principal: Principal, asked: CreateJob, times: Times, job: Job, origin: Address | None
    ) -> schedules.New:
        if principal.role < Role.OPERATOR and origin is None:
            raise AccessDenied("A reminder needs a chat to be made in.")
        instant = times.upcoming[0] if times.upcoming else None
        return schedules.New(
            asked.name.strip() or name_from(job),
            owner_of(principal),
            origin,
            str(times.rule),
            times.zone.key,
            job,
            instant,
            _with_jitter(instant, job),
            times.starts_at,
            times.ends_at,
            times.max_runs,
            times.rule.schedule_id if isinstance(times.rule, After) else 0,
        )

    async def _job(self, principal: Principal, job: Job, asked: JobFields) -> Job:
        """Return a job with what was given for it, checked."""
        names = ("text", "recipe", "options", "model", "session", "folder", "timeout", "retries", "missed", "grace",
                 "overlap", "risky", "thread", "quiet", "jitter")  # fmt: skip
        given = {name: value for name in names if (value := getattr(asked, name)) is not None}
        if asked.deliver is not None:
            given["deliver"] = tuple(asked.deliver)
        if asked.attach is not None:
            given["attach"] = attachments.checked(job.kind, asked.attach)
        if asked.check is not None:
            check = Check(**asked.check.model_dump())
            given["check"] = check if check.script or check.url else None
        changed = replace(job, **given)
        await self._check(principal, changed)
        return changed

    async def _check(self, principal: Principal, job: Job) -> None:
        room = self._room
        if job.kind is JobKind.RECIPE:
            recipe = await asyncio.to_thread(recipes.find, job.recipe)
            recipes.settings_of(recipe, dict(job.options))
        elif not job.text.strip():
            raise InvalidInput(f"Say what the {job.kind} is.")
        if job.check is not None and principal.role < Role.OPERATOR:
            raise AccessDenied("A check before a run is for operators.")
        if job.session:
            await room.database.read(_own_session, job.session, principal)
        if job.folder:
            self._folder(job.folder)
        for word in job.deliver:
            if word not in ("origin", "home", "none"):
                if principal.role < Role.OPERATOR:
                    raise AccessDenied("A reminder comes to the chat it was made in.")
                await room.ports.resolve(word)

    def _folder(self, folder: str) -> None:
        """Raise AccessDenied for a folder that is neither the workspace nor a project."""
        path = Path(folder).resolve()
        allowed = (self._room.ports.workspace(""), *self._room.ports.projects)
        if not any(path.is_relative_to(one.resolve()) for one in allowed):
            raise AccessDenied(
                f"{folder} is neither in the workspace nor in a project.",
                remedy="The owner can add it to workspace.projects.",
            )

    async def edit(self, principal: Principal, asked: EditJob) -> Schedule:
        """Change a job; its next time is worked out anew where its schedule changes."""
        known = await self.find(principal, asked.id)
        job = await self._job(principal, known.job, asked)
        times = None
        if asked.schedule or asked.timezone or asked.starts or asked.ends or asked.max_runs is not None:
            times = (
                await self.understood(asked.schedule or known.rule, _bounds(asked, known))
                if (asked.schedule)
                else self._retimed(known, _bounds(asked, known))
            )
        return await self._room.database.write(
            _edit, known, job, times, (asked.name or "").strip(), principal
        )

    def _retimed(self, known: Schedule, given: Mapping[str, Any]) -> Times:
        """Return the times of a schedule whose bounds or timezone change."""
        zone = zone_of(given["timezone"]) if given.get("timezone") else ZoneInfo(known.zone)
        moment = replace(self.moment(), zone=zone)
        rule = parse(known.rule)
        starts = _instant(given.get("starts"), moment) or known.starts_at
        ends = _instant(given.get("ends"), moment) or known.ends_at
        times = upcoming(rule, zone, max(moment.now, starts - 1), SHOWN)
        most = given.get("max_runs")
        return Times(
            rule,
            zone,
            starts,
            ends,
            known.max_runs if most is None else most,
            tuple(at for at in times if not ends or at < ends),
        )

    async def find(self, principal: Principal, ref: str) -> Schedule:
        """Return a job that a principal may see; raise NotFound or AccessDenied."""
        found = await self._room.database.read(schedules.find, ref)
        if principal.role < Role.OPERATOR and found.owner != owner_of(principal):
            raise AccessDenied(NOT_OURS)
        if principal.role < Role.OWNER and self._above(principal, found):
            raise AccessDenied(NOT_OURS)
        return found

    def _above(self, principal: Principal, schedule: Schedule) -> bool:
        """Tell whether a job works with the rights of somebody above whoever would change it."""
        if schedule.owner == owner_of(principal):
            return False
        return self._room.ports.principal_of(schedule.owner).role > principal.role

    async def pause(self, principal: Principal, ref: str) -> Schedule:
        """Pause a job."""
        found = await self.find(principal, ref)
        return await self._room.database.write(_pause, found.id, principal.id)

    async def resume(self, principal: Principal, ref: str) -> Schedule:
        """Let a paused job run again, from now on: what passed meanwhile is not made up."""
        found = await self.find(principal, ref)
        return await self._room.database.write(_resume, found.id, principal.id)

    async def delete(self, principal: Principal, ref: str) -> Schedule:
        """Delete a job and stop what it is doing; its history stays."""
        found = await self.find(principal, ref)
        open_runs = await self._room.database.write(_delete, found.id, principal.id)
        for fire in open_runs:
            await self._runs.stop(fire, f"the job was deleted by {principal.id}")
        return found

    async def run_now(self, principal: Principal, ref: str) -> Fire:
        """Run a job now, beside its times."""
        found = await self.find(principal, ref)
        return await self._room.database.write(_run_now, found, principal.id)

    async def stop(self, principal: Principal, ref: str) -> int:
        """Stop a job's runs that are not over; return how many there were."""
        found = await self.find(principal, ref)
        going = await self._room.database.read(fires.unfinished_of, found.id)
        for fire in going:
            if fire.state is FireState.DUE:
                await self._room.database.write(fires.move, fire.id, "cancel", actor=principal.id)
            else:
                await self._runs.stop(fire, f"by {principal.id}")
        return len(going)


def name_from(job: Job) -> str:
    """Return a name made from what a job does."""
    if job.kind is JobKind.RECIPE:
        return job.recipe
    words = " ".join(" ".join(job.text.split()).split(" ")[:NAME_WORDS])
    return (words if len(words) <= NAME_LENGTH else words[: NAME_LENGTH - 1] + "…") or str(job.kind)


def _bounds(asked: EditJob, known: Schedule) -> dict[str, Any]:
    given = asked.model_dump(exclude_none=True, include={"timezone", "starts", "ends", "max_runs"})
    return {"timezone": known.zone, **given} if asked.schedule else given


def _instant(words: str | None, moment: Moment) -> int:
    """Return the instant that words name, 0 for none."""
    if not words:
        return 0
    found = plan(words, moment)
    if not isinstance(found.rule, At):
        raise InvalidInput(f"{words!r} is not one time.")
    return found.rule.at


def _with_jitter(instant: int | None, job: Job) -> int | None:
    return None if instant is None else instant + int(job.jitter * SECOND_MS * ids.jitter())


def _add(tx: Unit, room: Room, new: schedules.New, principal: Principal) -> Schedule:
    """Store a job under a name that is free, within the limits."""
    counts = schedules.counts(tx)
    if counts.get(ScheduleState.ACTIVE, 0) + counts.get(ScheduleState.PAUSED, 0) >= room.settings.most:
        raise InvalidInput(f"There are {room.settings.most} jobs already.", remedy="Delete some first.")
    if principal.role < Role.OPERATOR and schedules.count_of(tx, new.owner) >= room.settings.most_of_user:
        raise InvalidInput(
            f"You have {room.settings.most_of_user} reminders already.", remedy="Delete some first."
        )
    return schedules.add(tx, replace(new, name=_free_name(tx, new)), actor=principal.id)


def _free_name(tx: Unit, new: schedules.New) -> str:
    """Return the name, with a number behind it where a reminder's made name is taken."""
    if not schedules.is_taken(tx, new.name) or new.name != name_from(new.job):
        return new.name
    return f"{new.name} {schedules.next_id(tx)}"


def _edit(
    tx: Unit, known: Schedule, job: Job, times: Times | None, name: str, principal: Principal
) -> Schedule:
    columns: dict[str, Any] = {"name": name} if name else {}
    if times is not None:
        instant = times.upcoming[0] if times.upcoming else None
        columns |= {
            "rule": str(times.rule),
            "zone": times.zone.key,
            "starts_at": times.starts_at,
            "ends_at": times.ends_at,
            "max_runs": times.max_runs,
            "instant": instant,
            "next_at": _with_jitter(instant, job),
            "after_id": times.rule.schedule_id if isinstance(times.rule, After) else None,
        }
    changed = schedules.change(tx, known.id, actor=principal.id, job=job, **columns)
    if times is not None and changed.state is ScheduleState.OVER:
        return schedules.move(tx, known.id, "resume", actor=principal.id, paused_why="", failures=0)
    return changed


def _pause(tx: Unit, id: int, actor: str) -> Schedule:
    return schedules.move(tx, id, "pause", actor=actor, paused_why=f"By {actor}.")


def _resume(tx: Unit, id: int, actor: str) -> Schedule:
    known = schedules.get(tx, id)
    rule = parse(known.rule)
    at = next_after(rule, ZoneInfo(known.zone), max(tx.now, known.starts_at - 1))
    at = at if at is not None and not (known.ends_at and at >= known.ends_at) else None
    if at is None and not isinstance(rule, After):
        raise Stale("Its last time has passed.", remedy="Edit its schedule.")
    return schedules.move(
        tx,
        id,
        "resume",
        actor=actor,
        instant=at,
        next_at=_with_jitter(at, known.job),
        paused_why="",
        failures=0,
    )


def _delete(tx: Unit, id: int, actor: str) -> list[Fire]:
    going = fires.unfinished_of(tx, id)
    for fire in going:
        if fire.state is FireState.DUE:
            fires.move(tx, fire.id, "cancel", actor=actor)
    schedules.move(tx, id, "delete", actor=actor)
    return [fire for fire in going if fire.state is not FireState.DUE]


def _run_now(tx: Unit, schedule: Schedule, actor: str) -> Fire:
    instant = tx.now
    while (fire := fires.add(tx, fires.New(schedule.id, instant, tx.now, manual=True), actor=actor)) is None:
        instant += 1
    return fire


def _own_session(q: Query, id: str, principal: Principal) -> None:
    session = sessions.get(q, id)
    if principal.role < Role.OWNER and session.owner != owner_of(principal):
        raise AccessDenied("That conversation belongs to somebody else.")
