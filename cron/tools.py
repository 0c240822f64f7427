"""What agents may do with jobs: look at them, and make or change them once a person has agreed."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from cron.inputs import CreateJob, EditJob
from cron.making import owner_of
from cron.rules import parse
from cron.sentences import describe, next_words, split
from cron.service import Cron
from cron.views import times_view
from kernel.approvals import Action, ActionKind, arguments_text
from kernel.errors import InvalidInput
from kernel.people import Role
from kernel.schedules import JobKind, Schedule
from kernel.specs import Tool
from kernel.states import ScheduleState
from kernel.turns import ToolContext
from store import schedules
from store.schedules import Filter

LISTED = 50
LONGEST = 300
Ref = Annotated[str, Field(description="The job's number or name.")]
Verb = Literal["pause", "resume", "delete", "run", "stop"]


class CronTools:
    """Carries the tools of cron out."""

    def __init__(self, cron: Cron) -> None:
        self._cron = cron
        self._room = cron.room

    async def remind(
        self,
        context: ToolContext,
        text: Annotated[
            str, Field(description="When and what, such as: in 20 minutes call mum.", max_length=2000)
        ],
    ) -> str:
        """Remind the person here, once or again and again; what is ambiguous about the time is asked back."""
        request = context.request
        found, rest = split(text, self._cron.desk.moment())
        if not rest:
            raise InvalidInput("Say what to remind of.")
        asked = CreateJob(schedule=text[:LONGEST], kind=JobKind.REMINDER, text=rest)
        made = await self._cron.desk.create(request.principal, asked, origin=request.address, planned=found)
        return self._line(made, "I will remind you")

    async def cron_list(
        self,
        context: ToolContext,
        words: Annotated[str, Field(description="Words to look for; empty for all.")] = "",
    ) -> str:
        """List scheduled jobs and reminders, those that are next first."""
        principal = context.request.principal
        owner = "" if principal.role >= Role.OPERATOR else owner_of(principal)
        found = await self._room.database.read(schedules.listed, Filter(owner, words=words, limit=LISTED))
        now = self._room.clock.now()
        return "\n".join(self._room.redact(line(one, now)) for one in found) or "Nothing is scheduled."

    async def cron_create(
        self,
        context: ToolContext,
        schedule: Annotated[str, Field(description="When: every weekday at 7:30, in 2 hours, 0 8 * * *.")],
        text: Annotated[str, Field(description="The prompt, script, task or reminder.")],
        kind: Literal["prompt", "script", "task", "reminder", "recipe"] = "prompt",
        name: Annotated[str, Field(description="What to call it.")] = "",
        recipe: Annotated[str, Field(description="With kind recipe: which one.")] = "",
        options: Annotated[dict[str, Any] | None, Field(description="The recipe's settings.")] = None,
    ) -> str:
        """Schedule a job that runs by itself; a person approves it first."""
        asked = CreateJob(
            schedule=schedule, kind=JobKind(kind), text=text, name=name, recipe=recipe, options=options
        )
        request = context.request
        made = await self._cron.desk.create(request.principal, asked, origin=request.address)
        return self._line(made, f"Job {made.id} ({made.name}) runs")

    async def cron_edit(
        self,
        context: ToolContext,
        job: Ref,
        schedule: Annotated[str, Field(description="When, from now on; empty: as it is.")] = "",
        text: Annotated[str, Field(description="The new text; empty: as it is.")] = "",
    ) -> str:
        """Change when a job runs or what it does; a person approves it first."""
        asked = EditJob(id=job, schedule=schedule or None, text=text or None)
        changed = await self._cron.desk.edit(context.request.principal, asked)
        return self._line(changed, f"Job {changed.id} ({changed.name}) runs")

    async def cron_change(
        self,
        context: ToolContext,
        job: Ref,
        what: Annotated[Verb, Field(description="What to do with it.")],
    ) -> str:
        """Pause, resume, delete, run or stop a job."""
        desk, principal = self._cron.desk, context.request.principal
        match what:
            case "pause":
                await desk.pause(principal, job)
            case "resume":
                await desk.resume(principal, job)
            case "delete":
                await desk.delete(principal, job)
            case "run":
                await desk.run_now(principal, job)
            case "stop":
                await desk.stop(principal, job)
        return f"{what}: done."

    def _line(self, made: Schedule, begin: str) -> str:
        zone, now = ZoneInfo(made.zone), self._room.clock.now()
        words = describe(parse(made.rule), zone)
        return f"{begin} {words}; next: {next_words(made.instant, zone, now)} ({made.zone})."

    # What the gate is shown

    async def creating(self, context: ToolContext, arguments: Mapping[str, Any]) -> Action:
        """Say what would be scheduled, with the next times."""
        del context
        words = str(arguments["schedule"])
        times = times_view(await self._cron.desk.understood(words), self._room.clock.now())
        kind = arguments.get("kind", "prompt")
        ahead = ", ".join(times.times)
        what = arguments.get("recipe") or arguments["text"]
        text = f"Schedule a {kind}, {times.schedule} ({times.timezone}; next: {ahead}):\n{what}"
        return Action(
            ActionKind.CONFIG, "cron_create", arguments_text(arguments), text, effect="schedule", target=words
        )

    async def editing(self, context: ToolContext, arguments: Mapping[str, Any]) -> Action:
        """Say what would change."""
        found = await self._cron.desk.find(context.request.principal, str(arguments["job"]))
        parts = [f"Change job {found.id} ({found.name}):"]
        if words := arguments.get("schedule"):
            times = times_view(await self._cron.desk.understood(str(words)), self._room.clock.now())
            parts.append(f"it runs {times.schedule} (next: {', '.join(times.times)})")
        if arguments.get("text"):
            parts.append(str(arguments["text"]))
        return Action(
            ActionKind.CONFIG,
            "cron_edit",
            arguments_text(arguments),
            "\n".join(parts),
            effect="schedule",
            target=found.name,
        )

    async def changing(self, context: ToolContext, arguments: Mapping[str, Any]) -> Action:
        """Say what would be done with a job."""
        found = await self._cron.desk.find(context.request.principal, str(arguments["job"]))
        text = f"{str(arguments['what']).capitalize()} job {found.id} ({found.name})"
        return Action(
            ActionKind.CONFIG,
            "cron_change",
            arguments_text(arguments),
            text,
            effect="schedule",
            target=found.name,
        )


def line(schedule: Schedule, now: int) -> str:
    """Return a job in one line."""
    zone = ZoneInfo(schedule.zone)
    when = (
        next_words(schedule.instant, zone, now) if schedule.state is ScheduleState.ACTIVE else schedule.state
    )
    return f"{schedule.id}  {schedule.name}  ({schedule.job.kind}) {describe(parse(schedule.rule), zone)}; next: {when}"


def cron_tools(cron: Cron) -> Sequence[Tool]:
    """Return the tools of cron."""
    tools = CronTools(cron)
    return (
        Tool("remind", tools.remind, idempotent=False, label=lambda _: "setting a reminder"),
        Tool("cron_list", tools.cron_list, idempotent=True, label=lambda _: "looking at the jobs"),
        Tool(
            "cron_create", tools.cron_create, idempotent=False, role=Role.OPERATOR, action=tools.creating,
            label=lambda arguments: f"scheduling {arguments.get('name') or 'a job'}",
        ),
        Tool(
            "cron_edit", tools.cron_edit, idempotent=False, role=Role.OPERATOR, action=tools.editing,
            label=lambda arguments: f"changing job {arguments.get('job', '')}",
        ),
        Tool(
            "cron_change", tools.cron_change, idempotent=False, role=Role.OPERATOR, action=tools.changing,
            label=lambda arguments: f"{arguments.get('what', 'changing')}: job {arguments.get('job', '')}",
        ),
    )  # fmt: skip
