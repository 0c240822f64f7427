"""``/cron`` and ``/remind``: jobs and reminders in a chat."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from cron.inputs import CreateJob, EditJob
from cron.kinds import recipes
from cron.making import owner_of
from cron.recipes import RECIPES
from cron.rules import parse
from cron.sentences import Plan, describe, next_words, plan, split
from cron.service import Cron
from cron.settings import DAY_MS
from cron.tools import LONGEST, line
from cron.views import JobView, RunView, job_view, run_view, timeline
from kernel.errors import InvalidInput
from kernel.messages import Address, Button
from kernel.people import Principal, Role
from kernel.schedules import JobKind, Schedule
from kernel.specs import Command, CommandCall, CommandReply
from kernel.states import FireState, ScheduleState
from store import fires, schedules
from store.schedules import Filter
from store.units import Query

TAP = "c"
LISTED = 20
BUTTONS_FOR = 6
RUNS_SHOWN = 10
COMING_SHOWN = 20
USAGE = """\
- `/cron` lists jobs; `/cron all` also those that are over
- `/cron WHEN | PROMPT` schedules a prompt, such as `/cron every weekday at 7:30 | what is new?`
- `/cron script WHEN | COMMAND`, `/cron task WHEN | TEXT`, `/cron recipe WHEN | NAME`
- `/cron show JOB`, `run`, `pause`, `resume`, `stop`, `delete JOB`
- `/cron edit JOB WHEN`, `/cron edit JOB | NEW TEXT`, `/cron rename JOB NAME`
- `/cron next` what is to run, `/cron history [JOB]`, `/cron missed`
- `/cron preview WHEN` how words are understood, `/cron recipes`"""
Rows = tuple[tuple[Button, ...], ...]
Handler = Callable[[CommandCall, str], Awaitable[CommandReply]]


class CronCommands:
    """Carries the commands out."""

    def __init__(self, cron: Cron) -> None:
        self._cron = cron
        self._room = cron.room
        self._verbs: Mapping[str, Handler] = {
            "": self._list,
            "list": self._list,
            "all": self._all,
            "help": self._help,
            "show": self._show,
            "run": self._run,
            "pause": self._pause,
            "resume": self._resume,
            "stop": self._stop,
            "delete": self._delete,
            "remove": self._delete,
            "edit": self._edit,
            "rename": self._rename,
            "history": self._history,
            "missed": self._missed,
            "next": self._next,
            "preview": self._preview,
            "recipes": self._recipes,
            "add": self._prompt,
            "prompt": self._prompt,
            "script": self._script,
            "task": self._task,
            "recipe": self._recipe,
        }

    def commands(self) -> Sequence[Command]:
        """Return the commands."""
        return (
            Command(
                "cron",
                "Scheduled jobs: list, make, run and pause them",
                self.cron,
                usage="[WHEN | PROMPT · show · run · pause · resume · edit · delete · history · next · help]",
                role=Role.USER,
            ),
            Command(
                "remind",
                "Reminds you: in 20 minutes call mum",
                self.remind,
                usage="[WHEN WHAT]",
                role=Role.USER,
            ),
        )

    async def cron(self, call: CommandCall) -> CommandReply:
        """Carry out ``/cron``."""
        verb, _, rest = call.args.partition(" ")
        handler = self._verbs.get(verb.lower())
        if handler is not None:
            return await handler(call, rest.strip())
        return await self._prompt(call, call.args)

    async def remind(self, call: CommandCall) -> CommandReply:
        """Carry out ``/remind``."""
        if not call.args:
            return await self._jobs(call, kind=JobKind.REMINDER, own=True)
        found, rest = split(call.args, self._cron.desk.moment())
        if not rest:
            raise InvalidInput("Say what to remind of.", remedy="/remind in 20 minutes call mum")
        return await self._made(call, JobKind.REMINDER, found, call.args, rest)

    # Making

    async def _made(
        self, call: CommandCall, kind: JobKind, planned: Plan, words: str, text: str
    ) -> CommandReply:
        asked = CreateJob(schedule=words[:LONGEST], kind=kind)
        named = {"recipe" if kind is JobKind.RECIPE else "text": text}
        asked = CreateJob.model_validate({**asked.model_dump(), **named})
        made = await self._cron.desk.create(call.principal, asked, origin=call.address, planned=planned)
        view = await self._view(made)
        title = "⏰ I will remind you" if kind is JobKind.REMINDER else f"🗓 **{made.name}** ({kind}) runs"
        ahead = "\n".join(f"- {one}" for one in self._times(made, view))
        return CommandReply(
            f"{title} {view.schedule} ({made.zone}). Number {made.id}.\n{ahead}", (_undo(made),)
        )

    def _times(self, made: Schedule, view: JobView) -> list[str]:
        now = self._room.clock.now()
        return [next_words(one, ZoneInfo(made.zone), now) for one in view.upcoming]

    async def _new(self, call: CommandCall, kind: JobKind, rest: str) -> CommandReply:
        if not rest:
            return CommandReply(USAGE)
        words, bar, text = rest.partition("|")
        if words.strip().lower().startswith(("after ", "when ", "whenever ")) and bar:
            asked = CreateJob(schedule=words.strip(), kind=kind, text=text.strip())
            made = await self._cron.desk.create(call.principal, asked, origin=call.address)
            return CommandReply(
                f"🗓 **{made.name}** runs {describe(parse(made.rule), ZoneInfo(made.zone))}.", (_undo(made),)
            )
        planned, text = split(rest, self._cron.desk.moment())
        if not text:
            raise InvalidInput(f"Say what the {kind} is.", remedy=f"/cron {kind} WHEN | …")
        return await self._made(call, kind, planned, rest, text)

    async def _prompt(self, call: CommandCall, rest: str) -> CommandReply:
        return await self._new(call, JobKind.PROMPT, rest)

    async def _script(self, call: CommandCall, rest: str) -> CommandReply:
        return await self._new(call, JobKind.SCRIPT, rest)

    async def _task(self, call: CommandCall, rest: str) -> CommandReply:
        return await self._new(call, JobKind.TASK, rest)

    async def _recipe(self, call: CommandCall, rest: str) -> CommandReply:
        return await self._new(call, JobKind.RECIPE, rest)

    # Looking

    async def _help(self, call: CommandCall, rest: str) -> CommandReply:
        del call, rest
        return CommandReply(USAGE)

    async def _list(self, call: CommandCall, rest: str) -> CommandReply:
        del rest
        return await self._jobs(call)

    async def _all(self, call: CommandCall, rest: str) -> CommandReply:
        del rest
        return await self._jobs(call, over=True)

    async def _jobs(
        self, call: CommandCall, *, over: bool = False, kind: str = "", own: bool = False
    ) -> CommandReply:
        everybody = call.principal.role >= Role.OPERATOR and not own
        owner = "" if everybody else owner_of(call.principal)
        wanted = Filter(owner, over, kind, limit=LISTED)
        found = await self._room.database.read(schedules.listed, wanted)
        if not found:
            what = "You have no reminders." if kind else "Nothing is scheduled."
            example = (
                "/remind in 20 minutes call mum" if kind else "/cron every weekday at 7:30 | what is new?"
            )
            return CommandReply(f"{what} `{example}` makes one.")
        now = self._room.clock.now()
        lines = [f"- {self._room.redact(line(one, now))}" for one in found]
        return CommandReply("\n".join(lines), tuple(_short_row(one) for one in found[:BUTTONS_FOR]))

    async def _view(self, schedule: Schedule) -> JobView:
        now = self._room.clock.now()
        return await self._room.database.read(job_view, schedule, now, self._room.redact)

    async def _show(self, call: CommandCall, rest: str) -> CommandReply:
        found = await self._cron.desk.find(call.principal, rest)
        view = await self._view(found)
        return CommandReply(self._shown(found, view), (_row(found),))

    def _shown(self, found: Schedule, view: JobView) -> str:
        last = _run_line(view.last) if view.last else "It has not run yet."
        parts = [
            f"🗓 **{view.id} {view.name}** ({view.kind}, {view.state}) {view.schedule} ({view.timezone})",
            view.paused_why,
            f"```\n{view.text or view.recipe}\n```",
            "Next: " + (", ".join(self._times(found, view)) or "never"),
            f"Goes to: {', '.join(found.job.deliver)}",
            f"Last: {last}",
        ]
        return "\n".join(part for part in parts if part)

    async def _history(self, call: CommandCall, rest: str) -> CommandReply:
        return await self._runs(call, rest, "")

    async def _missed(self, call: CommandCall, rest: str) -> CommandReply:
        return await self._runs(call, rest, FireState.MISSED)

    async def _runs(self, call: CommandCall, rest: str, state: str) -> CommandReply:
        number = (await self._cron.desk.find(call.principal, rest)).id if rest else 0
        if not number and call.principal.role < Role.OPERATOR:
            raise InvalidInput("Say of which reminder.", remedy="/remind lists them.")
        found = await self._room.database.read(
            _latest, number, state, self._room.clock.now(), self._room.redact
        )
        return CommandReply(
            "\n".join(f"- {one.name}: {_run_line(one)}" for one in found) or "There is no such run."
        )

    async def _next(self, call: CommandCall, rest: str) -> CommandReply:
        del rest
        if call.principal.role < Role.OPERATOR:
            return await self._jobs(call)
        now = self._room.clock.now()
        coming = await self._room.database.read(timeline, now, now + DAY_MS, COMING_SHOWN)
        return CommandReply(
            "\n".join(f"- {one.when}  {one.name} ({one.kind})" for one in coming)
            or "Nothing in the next day."
        )

    async def _preview(self, call: CommandCall, rest: str) -> CommandReply:
        del call
        found = plan(rest, self._cron.desk.moment())
        times = await self._cron.desk.understood(rest)
        now = self._room.clock.now()
        ahead = "\n".join(f"- {next_words(one, found.zone, now)}" for one in times.upcoming)
        return CommandReply(f"{describe(times.rule, times.zone)} ({times.zone.key}):\n{ahead}")

    async def _recipes(self, call: CommandCall, rest: str) -> CommandReply:
        del call, rest
        lines = [f"- `{name}`: {recipes.find(name).summary}" for name in RECIPES]
        return CommandReply("\n".join(lines) or "There are no recipes.")

    # Changing

    async def _run(self, call: CommandCall, rest: str) -> CommandReply:
        fire = await self._cron.desk.run_now(call.principal, rest)
        found = await self._room.database.read(schedules.get, fire.schedule_id)
        return CommandReply(f"▶️ {found.name} runs.")

    async def _pause(self, call: CommandCall, rest: str) -> CommandReply:
        found = await self._cron.desk.pause(call.principal, rest)
        return CommandReply(f"⏸ {found.name} is paused.", (_row(found),))

    async def _resume(self, call: CommandCall, rest: str) -> CommandReply:
        found = await self._cron.desk.resume(call.principal, rest)
        now = self._room.clock.now()
        return CommandReply(
            f"▶️ {found.name} runs again, next {next_words(found.instant, ZoneInfo(found.zone), now)}.",
            (_row(found),),
        )

    async def _stop(self, call: CommandCall, rest: str) -> CommandReply:
        count = await self._cron.desk.stop(call.principal, rest)
        return CommandReply(f"⏹ {count} stopped." if count else "Nothing of it was at work.")

    async def _delete(self, call: CommandCall, rest: str) -> CommandReply:
        gone = await self._cron.desk.delete(call.principal, rest)
        return CommandReply(f"🗑 {gone.name} is deleted.")

    async def _edit(self, call: CommandCall, rest: str) -> CommandReply:
        ref, _, more = rest.partition(" ")
        words, bar, text = more.partition("|")
        if not words.strip() and not (bar and text.strip()):
            raise InvalidInput(
                "Say what to change.", remedy="/cron edit JOB WHEN, or /cron edit JOB | NEW TEXT"
            )
        asked = EditJob(id=ref, schedule=words.strip() or None, text=text.strip() or None)
        changed = await self._cron.desk.edit(call.principal, asked)
        view = await self._view(changed)
        return CommandReply(self._shown(changed, view), (_row(changed),))

    async def _rename(self, call: CommandCall, rest: str) -> CommandReply:
        ref, _, name = rest.partition(" ")
        changed = await self._cron.desk.edit(call.principal, EditJob(id=ref, name=name.strip()))
        return CommandReply(f"It is called {changed.name} now.")

    # Buttons

    async def tapped(self, value: str, principal: Principal, place: Address) -> tuple[str, str]:
        """Carry out what a button says; return a word for the one who tapped, and what is said in the chat."""
        _, verb, number = (*value.split(":"), "", "")[:3]
        call = CommandCall(principal, place, "", "", 0, private=True, sender_id="")
        if verb == "edit":
            return "Write it.", f"`/cron edit {number} WHEN` or `/cron edit {number} | NEW TEXT`"
        handler = self._verbs.get(verb)
        if handler is None or not number.isdigit():
            return "This button belongs to something that is over.", ""
        reply = await handler(call, number)
        return "Done.", reply.text


def _latest(q: Query, number: int, state: str, now: int, redact: Callable[[str], str]) -> list[RunView]:
    found = fires.history(q, number, state=state, limit=RUNS_SHOWN)
    return [run_view(q, fire, now, redact) for fire in found]


def _run_line(run: RunView) -> str:
    said = " ".join((run.error or run.result).split())[:100]
    marks = [word for word, true in (("by hand", run.manual), ("late", run.late)) if true]
    count = f" ×{run.missed}" if run.missed > 1 else ""
    more = f" ({', '.join(marks)})" if marks else ""
    delivery = f", delivery: {run.delivery}" if run.delivery not in ("none", "sent") else ""
    return f"{run.when} {run.state}{count}{more}{delivery}{f': {said}' if said else ''}"


def _button(label: str, verb: str, schedule: Schedule) -> Button:
    return Button(label, f"{TAP}:{verb}:{schedule.id}")


def _row(schedule: Schedule) -> tuple[Button, ...]:
    """Return the buttons under one job."""
    active = schedule.state is ScheduleState.ACTIVE
    return (
        _button("▶️ Run now", "run", schedule),
        _button("⏸ Pause", "pause", schedule) if active else _button("▶️ Resume", "resume", schedule),
        _button("✏️ Edit", "edit", schedule),
        _button("🗑 Delete", "delete", schedule),
        _button("🕘 History", "history", schedule),
    )


def _short_row(schedule: Schedule) -> tuple[Button, ...]:
    """Return the buttons of one job in a list, which name it."""
    active = schedule.state is ScheduleState.ACTIVE
    return (
        _button(f"▶️ {schedule.id}", "run", schedule),
        _button(f"⏸ {schedule.id}", "pause", schedule)
        if active
        else _button(f"⏯ {schedule.id}", "resume", schedule),
        _button(f"✏️ {schedule.id}", "edit", schedule),
        _button(f"🗑 {schedule.id}", "delete", schedule),
    )


def _undo(schedule: Schedule) -> tuple[Button, ...]:
    return (_button("🗑 Delete", "delete", schedule), _button("✏️ Edit", "edit", schedule))


__all__ = ["TAP", "CronCommands"]
