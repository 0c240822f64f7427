"""What a job's card and its pings say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from zoneinfo import ZoneInfo

from board.views import Whole, times_of
from kernel.clock import short_time
from kernel.states import AttemptState, TaskState
from kernel.tasks import Attempt, Task
from kernel.transitions import WORKING
from store.artifacts import Artifact
from store.remarks import Milestone

SHOWN = 6
LINE_LENGTH = 200
RESULT_LENGTH = 3000
DIFF_LINES = 20
SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400
SIGNS = {"named": "🏁", "commit": "📦", "tests": "🧪", "plan": "🗒"}
HEADS = {
    TaskState.TRIAGE: "🛑 needs somebody to look at it",
    TaskState.OPEN: "⏳ waits to begin",
    TaskState.BLOCKED: "🧱 waits for somebody",
    TaskState.ASSIGNED: "⏳ waits to begin",
    TaskState.CLAIMED: "⏳ begins",
    TaskState.NEEDS_HUMAN: "❓ waits for your answer",
    TaskState.IN_REVIEW: "🔎 waits for a review",
    TaskState.CHANGES_REQUESTED: "⏳ waits to be taken again after a review",
    TaskState.DONE: "✅ done",
    TaskState.FAILED: "❌ failed",
    TaskState.CANCELLED: "🚫 cancelled",
}
COUNTED = frozenset(
    {
        AttemptState.FAILED,
        AttemptState.CRASHED,
        AttemptState.LOST,
        AttemptState.TIMED_OUT,
        AttemptState.SPAWN_FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a job's end besides the board: changes as git counts them, files, and what was left undone.

    ``end`` names the end they are of; it is empty when the job had not ended yet as they were gathered.
    """

    diffstat: str = ""
    branch: str = ""
    artifacts: Sequence[Artifact] = ()
    uncommitted: int = 0
    refused: int = 0
    said: str = ""
    end: str = ""


def span(milliseconds: int) -> str:
    """Return a length of time in its two largest units."""
    seconds = milliseconds // 1000
    parts = [(seconds // DAY, "d"), (seconds // HOUR % 24, "h"), (seconds // MINUTE % 60, "min")]
    found = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(found[:2]) or f"{seconds} s"


def line(text: str, length: int = LINE_LENGTH) -> str:
    """Return a text as one line of bounded length."""
    words = " ".join(text.split())
    return words if len(words) <= length else words[: length - 1] + "…"


def title(task: Task) -> str:
    """Return a job's name as it is shown."""
    return f"Task {task.id}: {line(task.title, 80)}"


def state(task: Task, *, silent: bool = False) -> str:
    """Return how a job stands, in a few words."""
    if task.state in WORKING:
        word = "at work" if task.state is TaskState.IN_PROGRESS else str(task.state)
        return f"🔇 {word}, but silent" if silent else f"⚙️ {word}"
    if task.state is TaskState.BLOCKED and task.block_kind == "dependencies":
        return f"⏳ waits for {task.unmet} other task{'s' if task.unmet > 1 else ''}"
    return HEADS[task.state]


def told(milestone: Milestone) -> str:
    """Return a milestone as a line."""
    return f"{SIGNS.get(milestone.kind, '•')} {line(milestone.text)}"


def cost(task: Task, live: Attempt | None) -> str:
    """Return what a job has cost so far."""
    tokens = task.used.tokens + (live.tokens if live else 0)
    money = task.used.money + (live.money if live else 0.0)
    return f"{tokens:,} tokens, ${money:.2f}" if tokens or money else "no cost"


def card(whole: Whole, zone: ZoneInfo, now: int, *, silent: bool) -> str:
    """Return the card: how the job stands, what it reached, how long it took, what it cost, its last sign of life."""
    task, live = whole.task, whole.live
    steps = whole.milestones[-SHOWN:]
    more = len(whole.milestones) - len(steps)
    parts = [
        f"🚶 **{title(task)}**",
        f"{state(task, silent=silent)}{_waits(whole, zone, now)}",
        "\n".join(
            [
                *([f"… {more} before"] if more else []),
                *(f"{short_time(one.at, zone, now)} {told(one)}" for one in steps),
            ]
        ),
        " · ".join(one for one in (_time(task, now), cost(task, live), _alive(live, zone, now)) if one),
    ]
    return "\n\n".join(part for part in parts if part)


def _time(task: Task, now: int) -> str:
    """Return how long a job has taken; a card that goes on counts minutes, so that it is not edited every second."""
    if task.ended_at:
        return f"⏱ {span(task.ended_at - task.created_at)}"
    minutes = (now - task.created_at) // 60_000
    return f"⏱ {span(minutes * 60_000)}" if minutes else "⏱ just begun"


def _alive(live: Attempt | None, zone: ZoneInfo, now: int) -> str:
    return f"last sign of life {short_time(live.active_at, zone, now)}" if live and live.active_at else ""


def _waits(whole: Whole, zone: ZoneInfo, now: int) -> str:
    """Return what a job waits for: an answer, somebody, or the next attempt after a failure."""
    task = whole.task
    if task.question:
        return f": {line(task.question)}"
    if task.block_reason and task.state is TaskState.BLOCKED:
        return f": {line(task.block_reason)}"
    if task.state in (TaskState.OPEN, TaskState.ASSIGNED) and task.consecutive_failures:
        again = f" again at {short_time(task.not_before, zone, now)}" if task.not_before > now else " again"
        return f"{again}; attempt {task.attempts} ended: {line(task.last_failure_error)}"
    return ""


def ping(task: Task, found: Sequence[Milestone]) -> str:
    """Return the ping for milestones."""
    return "\n".join([*(told(one) for one in found), f"({title(task)})"])


def hello(task: Task, now: int, live: Attempt | None) -> str:
    """Return the ping of a job that rings by the clock and has nothing new."""
    return f"⏱ {title(task)}: {state(task)} after {span(now - task.created_at)}, {cost(task, live)}."


def silence(task: Task, since: int, zone: ZoneInfo, now: int) -> str:
    """Return the ping of a job that gives no sign of life."""
    return (
        f"🔇 **{title(task)}** has given no sign of life for {span(now - since)} (the last at "
        f"{short_time(since, zone, now)}). It may think, or be stuck: write here, or stop it."
    )


def ending(whole: Whole, facts: Facts) -> str:
    """Return the message that ends a job: its result, or the reason and the way on."""
    task = whole.task
    parts = [f"{state(task)}: **{title(task)}**", _reason(whole), _result(whole, facts)]
    parts += [_changed(facts), _undone(whole, facts), _account(whole), _way_on(task)]
    return "\n\n".join(part for part in parts if part)


def _reason(whole: Whole) -> str:
    task = whole.task
    match task.state:
        case TaskState.DONE | TaskState.IN_REVIEW:
            return ""
        case TaskState.CANCELLED:
            return ""
        case _:
            reason = task.block_reason or task.last_failure_error or "Nobody said why."
            tries = (
                f" {task.consecutive_failures} attempts in a row failed."
                if task.consecutive_failures > 1
                else ""
            )
            return f"{line(reason, 600)}{tries}"


def _result(whole: Whole, facts: Facts) -> str:
    result = whole.brief.result.strip()
    if whole.task.state not in (TaskState.DONE, TaskState.IN_REVIEW) or not result or result == facts.said:
        return ""
    return result[:RESULT_LENGTH]


def _changed(facts: Facts) -> str:
    parts: list[str] = []
    if facts.diffstat:
        lines = facts.diffstat.splitlines()
        shown = [*lines[: DIFF_LINES - 1], lines[-1]] if len(lines) > DIFF_LINES else lines
        parts.append("**Changed**" + (f" (branch `{facts.branch}`)" if facts.branch else ""))
        parts.append("```\n" + "\n".join(shown) + "\n```")
    made = [one for one in facts.artifacts if one.kind == "artifact"]
    if made:
        parts.append(
            "**Files**: " + ", ".join(f"`{PurePath(one.path)}` ({one.name} v{one.version})" for one in made)
        )
    return "\n".join(parts)


def _undone(whole: Whole, facts: Facts) -> str:
    """Return what can be seen to be unfinished, whatever the agent says."""
    tests = [one.text for one in whole.milestones if one.kind == "tests"]
    plans = [one.text for one in whole.milestones if one.kind == "plan"]
    left = [
        f"The last test run did not pass: {line(tests[-1])}" if tests and " failed" in tests[-1][:14] else "",
        f"{line(plans[-1])}" if plans and ", next: " in plans[-1] else "",
        f"Changed and not committed: {_many(facts.uncommitted, 'file')}." if facts.uncommitted else "",
        f"Refused, and so not done: {_many(facts.refused, 'action')}." if facts.refused else "",
    ]
    found = [f"- {one}" for one in left if one]
    return "\n".join(["**Not done**", *found]) if found else ""


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _account(whole: Whole) -> str:
    task = whole.task
    tries = f"{len(whole.attempts)} attempts" if len(whole.attempts) != 1 else "1 attempt"
    worked = sum(times_of(task, task.updated_at).get(str(one), 0) for one in WORKING)
    took = span((task.ended_at or task.updated_at) - task.created_at)
    return f"⏱ {took} ({span(worked)} at work), {tries}, {cost(task, None)}"


def _way_on(task: Task) -> str:
    match task.state:
        case TaskState.DONE | TaskState.CANCELLED:
            return "Reply here to go on in the same conversation."
        case TaskState.IN_REVIEW:
            return f"`/task {task.id} done` accepts it."
        case _:
            return f"Try again with the button or `/task {task.id} retry`, or reply here how to go on."
