"""The operations of cron: what programs, pages and the command line do with jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from cron.inputs import CreateJob, EditJob, Given, ListJobs, ListRuns, Nothing, OneJob, Preview
from cron.kinds import recipes
from cron.making import owner_of
from cron.recipes import RECIPES
from cron.service import Cron
from cron.settings import HOUR_MS
from cron.views import Coming, JobView, RunView, TimesView, job_view, run_view, timeline, times_view
from kernel.people import Principal, Role, Scope
from kernel.schedules import Schedule
from kernel.specs import Operation
from store import fires, schedules
from store.schedules import Filter
from store.units import Query


class Ahead(Given):
    """How far to look ahead."""

    hours: float = Field(default=24.0, gt=0, le=24 * 31, description="Hours.")


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs, those that are next first."""

    jobs: list[JobView]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs, the latest first; ``next`` leads to the next page."""

    runs: list[RunView]
    next: int


@dataclass(frozen=True, slots=True)
class Created:
    """How a schedule was understood, and the job that was made (``None`` where it was only to be shown)."""

    times: TimesView
    job: JobView | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is to run, in order."""

    coming: list[Coming]


@dataclass(frozen=True, slots=True)
class RecipeView:
    """A recipe: what it does, and the JSON schema of its settings."""

    name: str
    summary: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recipes:
    """The recipes there are."""

    recipes: list[RecipeView]


@dataclass(frozen=True, slots=True)
class Done:
    """A sentence about what was done."""

    message: str


def operations(cron: Cron) -> Sequence[Operation]:
    """Return this room's operations."""
    desk = Counter(cron)
    read, write = Scope.READ, Scope.TASKS
    return (
        Operation("cron.create", "Schedule a job.", write, CreateJob, Created, desk.create, "POST", "/cron"),
        Operation("cron.list", "List scheduled jobs.", read, ListJobs, Jobs, desk.list, "GET", "/cron"),
        Operation(
            "cron.preview", "Show how words about times are understood.", read, Preview, TimesView, desk.preview,
            "GET", "/cron/preview",
        ),
        Operation("cron.runs", "List runs of jobs.", read, ListRuns, Runs, desk.runs, "GET", "/cron/runs"),
        Operation(
            "cron.timeline", "List what is to run next.", read, Ahead, Timeline, desk.timeline, "GET", "/cron/timeline"
        ),
        Operation(
            "cron.recipes", "List the recipes and their settings.", read, Nothing, Recipes, desk.recipes,
            "GET", "/cron/recipes",
        ),
        Operation("cron.show", "Show one job.", read, OneJob, JobView, desk.show, "GET", "/cron/{id}"),
        Operation("cron.edit", "Change a job.", write, EditJob, JobView, desk.edit, "POST", "/cron/{id}"),
        Operation("cron.pause", "Pause a job.", write, OneJob, JobView, desk.pause, "POST", "/cron/{id}/pause"),
        Operation(
            "cron.resume", "Let a job run again.", write, OneJob, JobView, desk.resume, "POST", "/cron/{id}/resume"
        ),
        Operation("cron.run", "Run a job now.", write, OneJob, RunView, desk.run, "POST", "/cron/{id}/run"),
        Operation("cron.stop", "Stop what a job is doing.", write, OneJob, Done, desk.stop, "POST", "/cron/{id}/stop"),
        Operation("cron.delete", "Delete a job.", write, OneJob, Done, desk.delete, "POST", "/cron/{id}/delete"),
    )  # fmt: skip


class Counter:
    """Carries out the operations: everybody sees and changes their own, operators what is not above them."""

    def __init__(self, cron: Cron) -> None:
        self._cron = cron
        self._room = cron.room

    async def create(self, principal: Principal, asked: CreateJob) -> Created:
        """Make a job, or show how its schedule is understood."""
        times = await self._cron.desk.understood(asked.schedule, asked.model_dump(exclude_none=True))
        shown = times_view(times, self._room.clock.now())
        if asked.dry_run:
            return Created(shown, None)
        made = await self._cron.desk.create(principal, asked)
        return Created(shown, await self._shown(made))

    async def preview(self, principal: Principal, asked: Preview) -> TimesView:
        """Show how words are understood."""
        del principal
        times = await self._cron.desk.understood(asked.schedule, {"timezone": asked.timezone})
        return times_view(times, self._room.clock.now())

    async def list(self, principal: Principal, asked: ListJobs) -> Jobs:
        """List jobs."""
        owner = "" if principal.role >= Role.OPERATOR else owner_of(principal)
        wanted = Filter(owner, asked.over, asked.kind, asked.words, asked.limit)
        return await self._room.database.read(_jobs, wanted, self._room.clock.now(), self._room.redact)

    async def show(self, principal: Principal, asked: OneJob) -> JobView:
        """Show one job."""
        return await self._shown(await self._cron.desk.find(principal, asked.id))

    async def _shown(self, schedule: Schedule) -> JobView:
        now = self._room.clock.now()
        return await self._room.database.read(_shown, schedule.id, now, self._room.redact)

    async def edit(self, principal: Principal, asked: EditJob) -> JobView:
        """Change a job."""
        return await self._shown(await self._cron.desk.edit(principal, asked))

    async def pause(self, principal: Principal, asked: OneJob) -> JobView:
        """Pause a job."""
        return await self._shown(await self._cron.desk.pause(principal, asked.id))

    async def resume(self, principal: Principal, asked: OneJob) -> JobView:
        """Let a job run again."""
        return await self._shown(await self._cron.desk.resume(principal, asked.id))

    async def run(self, principal: Principal, asked: OneJob) -> RunView:
        """Run a job now."""
        fire = await self._cron.desk.run_now(principal, asked.id)
        return await self._room.database.read(run_view, fire, self._room.clock.now(), self._room.redact)

    async def stop(self, principal: Principal, asked: OneJob) -> Done:
        """Stop what a job is doing."""
        count = await self._cron.desk.stop(principal, asked.id)
        return Done(f"{count} runs were stopped." if count != 1 else "One run was stopped.")

    async def delete(self, principal: Principal, asked: OneJob) -> Done:
        """Delete a job."""
        gone = await self._cron.desk.delete(principal, asked.id)
        return Done(f"The job {gone.name} is deleted; its history stays.")

    async def runs(self, principal: Principal, asked: ListRuns) -> Runs:
        """List runs."""
        number = (await self._cron.desk.find(principal, asked.id)).id if asked.id else 0
        if not number and principal.role < Role.OPERATOR:
            return Runs([], 0)
        return await self._room.database.read(_runs, number, asked, self._room.clock.now(), self._room.redact)

    async def timeline(self, principal: Principal, asked: Ahead) -> Timeline:
        """List what is to run next."""
        now = self._room.clock.now()
        coming = await self._room.database.read(timeline, now, now + int(asked.hours * HOUR_MS))
        if principal.role >= Role.OPERATOR:
            return Timeline(coming)
        own = {one.id for one in (await self.list(principal, ListJobs(limit=500))).jobs}
        return Timeline([one for one in coming if one.job in own])

    async def recipes(self, principal: Principal, asked: Nothing) -> Recipes:
        """List the recipes."""
        del principal, asked
        found = [recipes.find(name) for name in RECIPES]
        return Recipes([RecipeView(one.name, one.summary, one.settings.model_json_schema()) for one in found])


def _jobs(q: Query, wanted: Filter, now: int, redact: Callable[[str], str]) -> Jobs:
    found = schedules.listed(q, wanted)
    return Jobs([job_view(q, one, now, redact) for one in found], schedules.counts(q))


def _shown(q: Query, id: int, now: int, redact: Callable[[str], str]) -> JobView:
    return job_view(q, schedules.get(q, id), now, redact)


def _runs(q: Query, number: int, asked: ListRuns, now: int, redact: Callable[[str], str]) -> Runs:
    found = fires.history(q, number, state=asked.state, before=asked.before, limit=asked.limit)
    following = found[-1].id if len(found) == asked.limit else 0
    return Runs([run_view(q, fire, now, redact) for fire in found], following)
