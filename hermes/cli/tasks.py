"""``hermes tasks``: what is on the board, who works on it, and what wants attention."""

import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from hermes.cli import scores
from hermes.cli.groups import examples
from hermes.cli.remote import Remote, required
from hermes.cli.terminal import here, interactive, say_json, say_table, span, when
from kernel.errors import InvalidInput

app = typer.Typer(
    help="Tasks: what is on the board, who works on it, and what wants attention.", rich_markup_mode=None
)
TITLE_SHOWN = 50
COLUMN_ROWS = 12
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "waiting": ("triage", "blocked", "needs_human"),
    "ready": ("open", "assigned", "changes_requested"),
    "at work": ("claimed", "in_progress", "researching", "drafting", "editing"),
    "review": ("in_review",),
    "over": ("done", "failed", "cancelled"),
}

OVER = ("task.complete", "task.accept", "task.cancel", "task.fail")
TAIL_SECONDS = 1.0
SECOND_MS = 1000

Number = Annotated[int, typer.Argument(help="The task's number.", min=1, show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Words = Annotated[str, typer.Option(help="Only those with these words.")]
Limit = Annotated[int, typer.Option(help="At most this many.", min=1, max=200)]
Needs = Annotated[
    list[int] | None, typer.Option("--needs", help="A task that must be done first; repeatable.")
]
Labels = Annotated[list[str] | None, typer.Option("--label", help="A word to find it by; repeatable.")]
Skills = Annotated[list[str] | None, typer.Option("--skill", help="What its worker must be able to do.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="tasks")


@app.callback(invoke_without_command=True)
def bare(context: typer.Context) -> None:
    """Show the board's unfinished tasks where no command is named."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list", epilog=examples("hermes tasks list", "hermes tasks list --state all --words importer"))
def list_(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="unfinished, all, or one state such as blocked.")] = "unfinished",
    words: Words = "",
    assignee: Annotated[str, typer.Option(help="Only those of somebody.")] = "",
    label: Annotated[str, typer.Option(help="Only those with a label.")] = "",
    parent: Annotated[int, typer.Option(help="Only the parts of a task.", min=0)] = 0,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List tasks, the newest first, and what wants attention."""
    found = required(here(context).home).get(
        "/tasks", state=state, words=words or None, assignee=assignee or None, label=label or None,
        parent=parent or None, limit=limit,
    )  # fmt: skip
    if as_json:
        say_json(found)
        return
    for line in _attention(found["attention"], found["findings"]):
        print(line)
    rows = [
        (one["id"], one["state"], one["priority"], one["agent"] or one["assignee"] or "–", _doing(one))
        for one in found["tasks"]
    ]
    say_table(("id", "state", "priority", "who", "what"), rows, _nothing(state))


def _nothing(state: str) -> str:
    if state != "unfinished":
        return "There is no such task."
    return "No task is unfinished. `hermes tasks list --state all` shows those that are over."


def _attention(headline: str, findings: Any) -> Iterator[str]:
    if not headline:
        return
    yield headline
    for one in findings:
        hint = _hint(one["action"], one["task"])
        yield f"   {one['task']}  {one['title']}: {_short(one['task_title'])} ({hint})"
    yield ""


def _hint(action: str, task: int) -> str:
    return "hermes doctor" if action == "doctor" else f"hermes tasks {action} {task}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_SHOWN else line[: TITLE_SHOWN - 1] + "…"


def _doing(one: Any) -> str:
    more = one["question"] or one["block_reason"] or one["milestone"]
    return f"{_short(one['title'])}{f'  ({_short(more)})' if more else ''}"


@app.command(epilog=examples("hermes tasks show 12"))
def show(context: typer.Context, task: Number, as_json: AsJson = False) -> None:
    """Show one task with its attempts, milestones, comments and files."""
    found = required(here(context).home).get(f"/tasks/{task}")
    if as_json:
        say_json(found)
        return
    print("\n".join(_described(found)))


def _described(found: Any) -> Iterator[str]:
    task = found["task"]
    yield f"{task['id']}  {task['title']}"
    yield f"{task['state']}: {task['sentence']}"
    for one in found["attention"]:
        yield f"!! {one['title']}: {one['sentence']} ({_hint(one['action'], task['id'])})"
    for label, value in _facts(found):
        if value:
            yield f"{label}: {value}"
    for label, name in (("needs", "needs"), ("needed by", "needed_by"), ("parts", "children")):
        if found[name]:
            yield f"{label}: " + ", ".join(
                f"{one['id']} {one['title']} ({one['state']})" for one in found[name]
            )
    yield from _sections(found)


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
    yield "asks", task["question"]
    yield "waits for", f"{task['block_owner']}: {task['block_reason']}" if task["block_reason"] else ""
    yield "last failure", task["last_failure_error"]
    yield "review", found["feedback"]
    yield (
        "time",
        ", ".join(f"{state} {span(ms / 1000)}" for state, ms in task["times"].items() if ms >= SECOND_MS),
    )
    used = task["used"]
    spent = f"{span(used['ms'] / 1000)}, {used['tokens']:,} tokens, ${used['money']:.2f}"
    yield "used", spent if used["ms"] or used["tokens"] else ""
    yield "result", found["result"]


def _sections(found: Any) -> Iterator[str]:
    if found["attempts"]:
        yield "\nattempts"
    for one in found["attempts"]:
        error = f": {one['error']}" if one["error"] else ""
        yield f"  {one['epoch']}  {one['state']}  {one['agent']}  {span(one['seconds'])}{error}"
    for title, name in (("milestones", "milestones"), ("comments", "comments")):
        if found[name]:
            yield f"\n{title}"
        yield from (f"  {when(one['at'])}  {one.get('author', '')} {one['text']}" for one in found[name])
    if found["artifacts"]:
        yield "\nfiles"
    for one in found["artifacts"]:
        yield f"  {one['name']} v{one['version']}  {one['size']:,} bytes  {one['path']}"


@app.command(
    epilog=examples(
        'hermes tasks create "Tidy the importer" --description "split it in two" --project ~/src/shop',
        'hermes tasks create "Write the notes" --needs 12 --template article',
    )
)
def create(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="What it is, in a line.", show_default=False)],
    *,
    description: Annotated[str, typer.Option(help="Everything the worker must know.")] = "",
    acceptance: Annotated[str, typer.Option(help="When it counts as done.")] = "",
    lane: Annotated[str, typer.Option(help="agent, process or manual.")] = "",
    assignee: Annotated[str, typer.Option(help="Who is to do it.")] = "",
    template: Annotated[str, typer.Option(help="simple, reviewed or article.")] = "simple",
    priority: Annotated[str, typer.Option(help="low, normal, high or urgent.")] = "normal",
    project: Annotated[str, typer.Option(help="The folder it is about.")] = "",
    workspace: Annotated[str, typer.Option(help="directory, worktree or none.")] = "directory",
    needs: Needs = None,
    parent: Annotated[int, typer.Option(help="The task it is a part of.", min=0)] = 0,
    label: Labels = None,
    skill: Skills = None,
    attempts: Annotated[int, typer.Option(help="Attempts it may have in all.", min=0)] = 0,
    minutes: Annotated[float, typer.Option(help="Minutes of work it may take in all.", min=0)] = 0,
    triage: Annotated[bool, typer.Option("--triage", help="Let a person look at it first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a task on the board; it is begun as soon as it can be."""
    one = required(here(context).home).post(
        "/tasks", title=title, description=description, acceptance=acceptance, lane=lane, assignee=assignee,
        template=template, priority=priority, project=project, workspace=workspace, needs=needs or [],
        parent=parent, labels=label or [], skills=skill or [], triage=triage,
        budget={"attempts": attempts, "minutes": minutes},
    )  # fmt: skip
    _told(one, as_json)


def _told(one: Any, as_json: bool) -> None:
    if as_json:
        say_json(one)
    else:
        print(f"Task {one['id']} is {one['state']}: {one['sentence']}")


@app.command(epilog=examples('hermes tasks edit 12 --priority high --description "also the exporter"'))
def edit(
    context: typer.Context,
    task: Number,
    *,
    title: Annotated[str | None, typer.Option(help="What it is.")] = None,
    description: Annotated[str | None, typer.Option(help="What the worker must know.")] = None,
    acceptance: Annotated[str | None, typer.Option(help="When it counts as done.")] = None,
    priority: Annotated[str | None, typer.Option(help="low, normal, high or urgent.")] = None,
    project: Annotated[str | None, typer.Option(help="The folder it is about.")] = None,
    label: Labels = None,
    as_json: AsJson = False,
) -> None:
    """Change what a task says."""
    given = {"title": title, "description": description, "acceptance": acceptance}
    given |= {"priority": priority, "project": project}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if label is not None:
        changes["labels"] = label
    if not changes:
        raise InvalidInput("Say what to change.", remedy="hermes tasks edit --help lists it.")
    _told(_remote(context).post(f"/tasks/{task}", **changes), as_json)


def _remote(context: typer.Context) -> Remote:
    return required(here(context).home)


@app.command(epilog=examples("hermes tasks assign 12 hermes", 'hermes tasks assign 12 ""'))
def assign(
    context: typer.Context,
    task: Number,
    assignee: Annotated[str, typer.Argument(help="Their name; an empty one: anybody able.")],
    lane: Annotated[str, typer.Option(help="Another lane: agent, process or manual.")] = "",
    as_json: AsJson = False,
) -> None:
    """Give a task to somebody."""
    _told(_remote(context).post(f"/tasks/{task}/assign", assignee=assignee, lane=lane), as_json)


@app.command(epilog=examples("hermes tasks claim 12"))
def claim(context: typer.Context, task: Number, as_json: AsJson = False) -> None:
    """Take a task for yourself; `move` it to in_review or done when you are through."""
    claimed = _remote(context).post(f"/tasks/{task}/claim")
    if as_json:
        say_json(claimed)
    else:
        print(f"Task {task} is yours (attempt {claimed['epoch']}).")


@app.command(
    epilog=examples("hermes tasks move 12 done", 'hermes tasks move 12 blocked --reason "needs a key"')
)
def move(
    context: typer.Context,
    task: Number,
    state: Annotated[
        str, typer.Argument(help="open, triage, blocked, in_review, done …", show_default=False)
    ],
    reason: Annotated[str, typer.Option(help="What has to happen, or to change.")] = "",
    owner: Annotated[str, typer.Option(help="Who has to act, for blocked.")] = "",
    as_json: AsJson = False,
) -> None:
    """Move a task to another state."""
    _told(_remote(context).post(f"/tasks/{task}/move", state=state, reason=reason, owner=owner), as_json)


@app.command(epilog=examples('hermes tasks comment 12 "the key is in the vault"'))
def comment(
    context: typer.Context, task: Number, text: Annotated[str, typer.Argument(help="The words.")]
) -> None:
    """Comment on a task."""
    print(_remote(context).post(f"/tasks/{task}/comment", text=text)["message"])


@app.command(epilog=examples('hermes tasks say 12 "make it simpler"'))
def say(
    context: typer.Context, task: Number, text: Annotated[str, typer.Argument(help="The words.")]
) -> None:
    """Say something to whoever works on a task; it is seen at the next step."""
    print(_remote(context).post(f"/tasks/{task}/say", text=text)["message"])


@app.command(epilog=examples("hermes tasks log 12", "hermes tasks log 12 --attempt 2"))
def log(
    context: typer.Context,
    task: Number,
    attempt: Annotated[int, typer.Option(help="Which attempt; 0: the latest.", min=0)] = 0,
    size: Annotated[int, typer.Option("--bytes", help="How much of its end.", min=1, max=1_000_000)] = 20_000,
    as_json: AsJson = False,
) -> None:
    """Print the log of an attempt and what happened to the task."""
    found = _remote(context).get(f"/tasks/{task}/log", epoch=attempt, bytes=size)
    if as_json:
        say_json(found)
        return
    for step in found["trail"]:
        body = " ".join(f"{name}={value}" for name, value in step["body"].items() if value is not None)
        print(f"{when(step['at'])}  {step['kind']} by {step['actor']}  {body}".rstrip())
    if found["text"]:
        print(f"\nattempt {found['epoch']}\n{found['text']}")


@app.command(epilog=examples("hermes tasks tail 12"))
def tail(context: typer.Context, task: Number) -> None:
    """Print what happens to a task until it is over or you stop it (Ctrl-C)."""
    remote, seen = _remote(context), 0
    while True:
        found = remote.get(f"/tasks/{task}/log", bytes=1)
        for step in found["trail"][seen:]:
            print(f"{when(step['at'])}  {step['kind']} by {step['actor']}", flush=True)
        seen = len(found["trail"])
        if seen and found["trail"][-1]["kind"] in OVER:
            return
        time.sleep(TAIL_SECONDS)


@app.command(epilog=examples("hermes tasks reclaim 12"))
def reclaim(context: typer.Context, task: Number, as_json: AsJson = False) -> None:
    """Take a task back, whatever holds it, and give it a fresh budget of failures."""
    _told(_remote(context).post(f"/tasks/{task}/reclaim"), as_json)


@app.command(epilog=examples('hermes tasks cancel 12 --reason "not needed any more"'))
def cancel(
    context: typer.Context,
    task: Number,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Withdraw a task with all its parts; what works on it is stopped."""
    _told(_remote(context).post(f"/tasks/{task}/cancel", reason=reason), as_json)


@app.command(epilog=examples("hermes tasks link 13 12", "hermes tasks link 13 12 --remove"))
def link(
    context: typer.Context,
    task: Number,
    needs: Annotated[int, typer.Argument(help="The task that must be done first.", min=1)],
    remove: Annotated[bool, typer.Option("--remove", help="No longer wait for it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a task wait for another."""
    _told(_remote(context).post(f"/tasks/{task}/link", needs=needs, remove=remove), as_json)


@app.command(epilog=examples("hermes tasks explain 12"))
def explain(context: typer.Context, task: Number, as_json: AsJson = False) -> None:
    """Explain why a task stands where it stands, what would move it, and who gets it with which score."""
    remote = _remote(context)
    found, score = remote.get(f"/tasks/{task}/explain"), remote.get(f"/tasks/{task}/score")
    if as_json:
        say_json({**found, "score": score})
        return
    print("\n".join(found["sentences"]))
    for one in found["attention"]:
        print(f"!! {one['title']}: {one['sentence']} ({_hint(one['action'], task)})")
    print("\n".join(scores.of_task(score)))


@app.command(epilog=examples("hermes tasks stats"))
def stats(context: typer.Context, as_json: AsJson = False) -> None:
    """Count tasks and attempts."""
    found = _remote(context).get("/tasks/stats")
    if as_json:
        say_json(found)
        return
    rows = [*found["unfinished"].items(), ("done", found["done"]), ("cancelled", found["cancelled"])]
    say_table(("state", "tasks"), rows, "The board is empty.")
    ended = ", ".join(f"{count} {outcome}" for outcome, count in found["outcomes_today"].items()) or "none"
    print(f"\nat work: {found['at_work']}; attempts that ended in the last day: {ended}")


@app.command(epilog=examples("hermes tasks board"))
def board(context: typer.Context, limit: Limit = 200) -> None:
    """Show the board in columns."""
    found = _remote(context).get("/tasks", state="all", limit=limit)
    for line in _attention(found["attention"], found["findings"]):
        print(line)
    print("\n".join(board_of(found["tasks"], width=24 if interactive() else 26)))


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
