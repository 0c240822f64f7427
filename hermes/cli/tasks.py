"""``hermes tasks``: what is on the board, who works on it, and what wants attention."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hermes.cli import scores, task_views
from hermes.cli.groups import examples
from hermes.cli.remote import Remote, required
from hermes.cli.terminal import here, say_json, say_table, when
from kernel.errors import InvalidInput

app = typer.Typer(
    help="Tasks: what is on the board, who works on it, and what wants attention.", rich_markup_mode=None
)
MILESTONE = "task.milestone"
OVER = ("task.complete", "task.accept", "task.cancel", "task.fail")
TAIL_SECONDS = 1.0
SECOND_MS, MINUTE_MS = 1000, 60_000

Number = Annotated[int, typer.Argument(help="The task's number.", min=1, show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Words = Annotated[str, typer.Option(help="Only those with these words.")]
Limit = Annotated[int, typer.Option(help="At most this many.", min=1, max=200)]
Needs = Annotated[
    list[int] | None, typer.Option("--needs", help="A task that must be done first; repeatable.")
]
Labels = Annotated[list[str] | None, typer.Option("--label", help="A word to find it by; repeatable.")]
Skills = Annotated[list[str] | None, typer.Option("--skill", help="What its worker must be able to do.")]
Folder = Annotated[Path | None, typer.Option(help="The folder it is about.")]
Due = Annotated[
    datetime | None,
    typer.Option(help="When it should be done.", formats=["%Y-%m-%d", "%Y-%m-%d %H:%M"]),
]
Attempts = Annotated[int | None, typer.Option(help="Attempts it may have in all.", min=0)]
Minutes = Annotated[float | None, typer.Option(help="Minutes of work it may take in all.", min=0)]
Tokens = Annotated[int | None, typer.Option(help="Tokens it may use in all.", min=0)]
Dollars = Annotated[float | None, typer.Option(help="US dollars it may cost in all.", min=0)]


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
    for line in task_views.attention(found["attention"], found["findings"]):
        print(line)
    rows = [
        (
            one["id"],
            one["state"],
            one["priority"],
            one["agent"] or one["assignee"] or "–",
            task_views.doing(one),
        )
        for one in found["tasks"]
    ]
    say_table(("id", "state", "priority", "who", "what"), rows, _nothing(state))


def _nothing(state: str) -> str:
    if state != "unfinished":
        return "There is no such task."
    return "No task is unfinished. `hermes tasks list --state all` shows those that are over."


@app.command(epilog=examples("hermes tasks show 12"))
def show(context: typer.Context, task: Number, as_json: AsJson = False) -> None:
    """Show one task with its attempts, milestones, comments and files."""
    found = required(here(context).home).get(f"/tasks/{task}")
    if as_json:
        say_json(found)
        return
    print("\n".join(task_views.described(found)))


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
    lane: Annotated[str, typer.Option(help="agent, process, manual, or acp:NAME for a coding agent.")] = "",
    assignee: Annotated[str, typer.Option(help="Who is to do it.")] = "",
    template: Annotated[
        str, typer.Option(help="simple, reviewed, article, or one of `hermes agents templates`.")
    ] = "simple",
    priority: Annotated[str, typer.Option(help="low, normal, high or urgent.")] = "normal",
    project: Folder = None,
    workspace: Annotated[str | None, typer.Option(help="directory, worktree or none.")] = None,
    host: Annotated[str, typer.Option(help="The only machine it may run on.")] = "",
    needs: Needs = None,
    parent: Annotated[int, typer.Option(help="The task it is a part of.", min=0)] = 0,
    label: Labels = None,
    skill: Skills = None,
    capability: Annotated[
        list[str] | None, typer.Option(help="What the machine must have; repeatable.")
    ] = None,
    attach: Annotated[
        list[str] | None, typer.Option(help="A file of the workspace that comes with it; repeatable.")
    ] = None,
    due: Due = None,
    attempts: Attempts = None,
    minutes: Minutes = None,
    tokens: Tokens = None,
    dollars: Dollars = None,
    triage: Annotated[bool, typer.Option("--triage", help="Let a person look at it first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a task on the board; it is begun as soon as it can be."""
    one = _remote(context).post(
        "/tasks",
        **_said(
            title=title, description=description, acceptance=acceptance, lane=lane, assignee=assignee,
            template=template, priority=priority, project=_folder(project), workspace=workspace, host=host,
            needs=needs, parent=parent, labels=label, skills=skill, capabilities=capability,
            attachments=attach, due=_time(due), triage=triage,
            budget=_said(attempts=attempts, minutes=minutes, tokens=tokens, money=dollars),
        ),
    )  # fmt: skip
    _told(one, as_json)


def _said(**given: Any) -> dict[str, Any]:
    """Return what was given; what was left out is for the board to know."""
    return {name: value for name, value in given.items() if value is not None}


def _folder(path: Path | None) -> str | None:
    return str(path.expanduser().absolute()) if path is not None else None


def _time(due: datetime | None) -> int | None:
    return int(due.timestamp() * SECOND_MS) if due is not None else None


def _told(one: Any, as_json: bool) -> None:
    if as_json:
        say_json(one)
    else:
        print(f"Task {one['id']} is {one['state']}: {one['sentence']}")


@app.command(
    epilog=examples(
        'hermes tasks edit 12 --priority high --description "also the exporter"',
        "hermes tasks edit 12 --tokens 500000 --dollars 4",
    )
)
def edit(
    context: typer.Context,
    task: Number,
    *,
    title: Annotated[str | None, typer.Option(help="What it is.")] = None,
    description: Annotated[str | None, typer.Option(help="What the worker must know.")] = None,
    acceptance: Annotated[str | None, typer.Option(help="When it counts as done.")] = None,
    priority: Annotated[str | None, typer.Option(help="low, normal, high or urgent.")] = None,
    project: Folder = None,
    label: Labels = None,
    skill: Skills = None,
    due: Due = None,
    attempts: Attempts = None,
    minutes: Minutes = None,
    tokens: Tokens = None,
    dollars: Dollars = None,
    as_json: AsJson = False,
) -> None:
    """Change what a task says, or what it may use."""
    remote = _remote(context)
    changes = _said(
        title=title, description=description, acceptance=acceptance, priority=priority, project=_folder(project),
        labels=label, skills=skill, due=_time(due),
    )  # fmt: skip
    if budget := _said(attempts=attempts, minutes=minutes, tokens=tokens, money=dollars):
        changes["budget"] = {**_budget(remote.get(f"/tasks/{task}")["task"]["budget"]), **budget}
    if not changes:
        raise InvalidInput("Say what to change.", remedy="hermes tasks edit --help lists it.")
    _told(remote.post(f"/tasks/{task}", **changes), as_json)


def _budget(found: Any) -> dict[str, Any]:
    """Return a budget as it stands, in the words in which it is given."""
    kept = {name: found[name] for name in ("attempts", "tokens", "money")}
    return kept | {"minutes": found["ms"] / MINUTE_MS}


def _remote(context: typer.Context) -> Remote:
    return required(here(context).home)


@app.command(epilog=examples("hermes tasks assign 12 hermes", 'hermes tasks assign 12 ""'))
def assign(
    context: typer.Context,
    task: Number,
    assignee: Annotated[str, typer.Argument(help="Their name; an empty one: anybody able.")],
    lane: Annotated[
        str, typer.Option(help="Another lane: agent, process, manual, or acp:NAME for a coding agent.")
    ] = "",
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
        print(f"{when(step['at'])}  {step['kind']} by {step['actor']}  {task_views.body(step)}".rstrip())
    if found["text"]:
        print(f"\nattempt {found['epoch']}\n{found['text']}")


@app.command(epilog=examples("hermes tasks tail 12"))
def tail(context: typer.Context, task: Number) -> None:
    """Print what happens to a task until it is over or you stop it (Ctrl-C)."""
    remote, seen = _remote(context), 0
    while True:
        fresh = [step for step in remote.get(f"/tasks/{task}/log", bytes=1)["trail"] if step["seq"] > seen]
        reached = _reached(remote, task, fresh)
        for step in fresh:
            said = next(reached, "") if step["kind"] == MILESTONE else task_views.body(step)
            print(f"{when(step['at'])}  {step['kind']} by {step['actor']}  {said}".rstrip(), flush=True)
            seen = step["seq"]
        if fresh and fresh[-1]["kind"] in OVER:
            return
        time.sleep(TAIL_SECONDS)


def _reached(remote: Remote, task: int, steps: list[Any]) -> Iterator[str]:
    """Return the texts of the milestones among the latest steps: the trail itself holds no texts."""
    count = sum(step["kind"] == MILESTONE for step in steps)
    found = remote.get(f"/tasks/{task}")["milestones"] if count else []
    return iter([one["text"] for one in found[-count:]])


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
        print(f"!! {one['title']}: {one['sentence']} ({task_views.hint(one['action'], task)})")
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
    for line in task_views.attention(found["attention"], found["findings"]):
        print(line)
    print("\n".join(task_views.board_of(found["tasks"], width=task_views.column_width())))
