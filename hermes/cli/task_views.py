"""How ``hermes tasks`` shows a task, what wants attention, and the board in columns."""

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from hermes.cli.terminal import span, when

TITLE_SHOWN = 50
COLUMN_ROWS = 12
GAP, LEAST_WIDTH = 2, 12
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "waiting": ("triage", "blocked", "needs_human"),
    "ready": ("open", "assigned", "changes_requested"),
    "at work": ("claimed", "in_progress", "researching", "drafting", "editing"),
    "review": ("in_review",),
    "over": ("done", "failed", "cancelled"),
}
SECOND_MS = 1000


def attention(headline: str, findings: Any) -> Iterator[str]:
    """Yield the lines above a list: how many tasks want attention, each with the way on."""
    if not headline:
        return
    yield headline
    for one in findings:
        way = hint(one["action"], one["task"])
        yield f"   {one['task']}  {one['title']}: {_short(one['task_title'])} ({way})"
    yield ""


def hint(action: str, task: int) -> str:
    """Return the command that helps with a finding."""
    return "hermes doctor" if action == "doctor" else f"hermes tasks {action} {task}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_SHOWN else line[: TITLE_SHOWN - 1] + "…"


def doing(one: Any) -> str:
    """Return a task in a line: its title and what it asks, waits for or reached."""
    more = one["question"] or one["block_reason"] or one["milestone"]
    return f"{_short(one['title'])}{f'  ({_short(more)})' if more else ''}"


def described(found: Any) -> Iterator[str]:
    """Yield everything there is to know of a task, a line each."""
    task = found["task"]
    yield f"{task['id']}  {task['title']}"
    yield f"{task['state']}: {task['sentence']}"
    for one in found["attention"]:
        yield f"!! {one['title']}: {one['sentence']} ({hint(one['action'], task['id'])})"
    for label, value in _facts(found):
        if value:
            yield f"{label}: {value}"
    for label, name in (("needs", "needs"), ("needed by", "needed_by"), ("parts", "children")):
        if found[name]:
            yield f"{label}: " + ", ".join(
                f"{one['id']} {one['title']} ({one['state']})" for one in found[name]
            )
    yield from _sections(found)


def body(step: Any) -> str:
    """Return what an event of a task's trail says besides its kind."""
    return " ".join(f"{name}={value}" for name, value in step["body"].items() if value is not None)


def _facts(found: Any) -> Iterator[tuple[str, str]]:
    task = found["task"]
    yield "description", found["description"]
    yield "done when", found["acceptance"]
    yield "who", f"{task['assignee'] or 'anybody'} in lane {task['lane']}, priority {task['priority']}"
    yield (
        "template",
        f"{task['template']} ({' → '.join(found['phases'])}{', review' if found['review'] else ''})",
    )
    yield "project", found["project"]
    yield "labels", ", ".join(task["labels"])
    yield "part of", str(task["parent"] or "")
    yield "due", when(task["due_at"]) if task["due_at"] else ""
    yield "may use", ", ".join(_allowed(task["budget"]))
    yield "asks", task["question"]
    yield "waits for", f"{task['block_owner']}: {task['block_reason']}" if task["block_reason"] else ""
    yield "last failure", task["last_failure_error"]
    yield "review", found["feedback"]
    yield (
        "time",
        ", ".join(
            f"{state} {span(ms / SECOND_MS)}" for state, ms in task["times"].items() if ms >= SECOND_MS
        ),
    )
    used = task["used"]
    spent = f"{span(used['ms'] / SECOND_MS)}, {used['tokens']:,} tokens, ${used['money']:.2f}"
    yield "used", spent if used["ms"] or used["tokens"] or used["money"] else ""
    yield "result", found["result"]


def _allowed(budget: Any) -> Iterator[str]:
    if budget["attempts"]:
        yield f"{budget['attempts']} attempts"
    if budget["ms"]:
        yield span(budget["ms"] / SECOND_MS)
    if budget["tokens"]:
        yield f"{budget['tokens']:,} tokens"
    if budget["money"]:
        yield f"${budget['money']:.2f}"


def _sections(found: Any) -> Iterator[str]:
    if found["attempts"]:
        yield "\nattempts"
    for one in found["attempts"]:
        error = f": {one['error']}" if one["error"] else ""
        cost = f"  {one['tokens']:,} tokens, ${one['money']:.2f}" if one["tokens"] else ""
        yield f"  {one['epoch']}  {one['state']}  {one['agent']}  {span(one['seconds'])}{cost}{error}"
    for title, name in (("milestones", "milestones"), ("comments", "comments")):
        if found[name]:
            yield f"\n{title}"
        yield from (f"  {when(one['at'])}  {one.get('author', '')} {one['text']}" for one in found[name])
    if found["artifacts"]:
        yield "\nfiles"
    for one in found["artifacts"]:
        where = one["path"] or "removed: its days are over"
        yield f"  {one['name']} v{one['version']}  {one['size']:,} bytes  {where}"


def column_width() -> int:
    """Return how wide a column of the board may be in this terminal; without one, 26 characters."""
    gaps = GAP * (len(COLUMNS) - 1)
    columns = shutil.get_terminal_size((26 * len(COLUMNS) + gaps, 24)).columns
    return max(LEAST_WIDTH, (columns - gaps) // len(COLUMNS))


def board_of(tasks: list[Any], width: int) -> Iterator[str]:
    """Yield the board's lines: a column for each group of states, the newest tasks on top."""
    columns = [[one for one in tasks if one["state"] in states] for states in COLUMNS.values()]
    heads = [f"{name} ({len(column)})" for name, column in zip(COLUMNS, columns, strict=True)]
    yield "  ".join(head.ljust(width) for head in heads).rstrip()
    yield "  ".join("-" * width for _ in heads)
    for number in range(min(COLUMN_ROWS, max(map(len, columns), default=0))):
        cells = [_cell(column, number, width) for column in columns]
        yield "  ".join(cell.ljust(width) for cell in cells).rstrip()
    if more := sum(max(0, len(column) - COLUMN_ROWS) for column in columns):
        yield f"… and {more} more: hermes tasks list --state all"


def _cell(column: list[Any], number: int, width: int) -> str:
    if number >= len(column):
        return ""
    one = column[number]
    text = f"{one['id']} {' '.join(one['title'].split())}"
    return text if len(text) <= width else text[: width - 1] + "…"
