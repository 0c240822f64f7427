"""``hermes agents``: who works here and what they have earned; and reviews, replay and audit of ``hermes tasks``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from hermes.cli import scores, tasks
from hermes.cli.groups import examples, group
from hermes.cli.remote import Remote, required
from hermes.cli.tasks import AsJson, Number
from hermes.cli.terminal import here, say_json, say_table, when
from kernel.errors import InvalidInput

app = group("The crew: who works here, what they have earned, and what they have finished.")
DECISIONS = ("approve", "changes", "reject")
Points = Annotated[list[str] | None, typer.Option("--point", help="What has to change; repeatable.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="agents")


def _remote(context: typer.Context) -> Remote:
    return required(here(context).home)


@app.command("list", epilog=examples("hermes agents list"))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the crew, and who is busy."""
    found = _remote(context).get("/agents")["agents"]
    if as_json:
        say_json(found)
        return
    rows = [
        (one["name"], ", ".join(map(str, one["tasks"])) or "idle", one["xp"], one["level"], f"{one['reputation']:g}",
         ", ".join(one["skills"]))
        for one in found
    ]  # fmt: skip
    say_table(("name", "works on", "XP", "level", "reputation", "skills"), rows, "There is nobody.")


@app.command(epilog=examples("hermes agents show essayist"))
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The agent's name.")],
    as_json: AsJson = False,
) -> None:
    """Show one agent: level, reputation with its terms, skills, badges and figures."""
    found = _remote(context).get(f"/agents/{name}")
    if as_json:
        say_json(found)
        return
    row = found["agent"]
    print(f"{row['title']} ({row['name']}): {found['personality']}")
    print(
        f"lane {found['lane']}, model {row['model'] or 'as configured'}, tools {', '.join(found['tools']) or 'all'}"
    )
    print(f"level {row['level']} {row['level_name']}, {row['xp']} XP" + _next(row))
    print("\n".join(scores.of_score("reputation", found["reputation"])))
    for skill in found["skills"]:
        how = "given" if skill["given"] else "unlocked" if skill["unlocked"] else "being shown"
        print(f"skill {skill['name']}: {how}, {skill['tasks']} finished tasks")
    for badge in found["badges"]:
        print(f"badge {badge['title']}: {badge['sentence']} (task {badge['task']})")
    outcomes = ", ".join(f"{count} {state}" for state, count in found["attempts"].items()) or "none"
    print(
        f"attempts: {outcomes}; {found['minutes_at_work']:g} minutes, {found['success_rate']:.0%} succeeded"
    )


def _next(row: Any) -> str:
    return f", {row['next_level'] - row['xp']} to the next" if row["next_level"] else ""


@app.command(epilog=examples("hermes agents leaderboard"))
def leaderboard(context: typer.Context, as_json: AsJson = False) -> None:
    """List the crew by what they have earned."""
    found = [one for one in _remote(context).get("/agents")["agents"] if one["xp"]]
    if as_json:
        say_json(found)
        return
    rows = [
        (place, one["name"], one["xp"], f"{one['level']} {one['level_name']}", f"{one['reputation']:g}",
         one["finished"], ", ".join(one["badges"]))
        for place, one in enumerate(found, 1)
    ]  # fmt: skip
    say_table(
        ("", "name", "XP", "level", "reputation", "finished", "badges"), rows, "Nobody has finished anything."
    )


@app.command(epilog=examples("hermes agents shiplog", "hermes agents shiplog --agent editor"))
def shiplog(
    context: typer.Context,
    agent: Annotated[str, typer.Option(help="Only of this agent.")] = "",
    as_json: AsJson = False,
) -> None:
    """List finished work, the latest first."""
    found = _remote(context).get("/agents/shiplog", agent=agent or None)["shipped"]
    if as_json:
        say_json(found)
        return
    rows = [(when(one["at"]), one["task"], one["agent"], one["xp"], one["title"]) for one in found]
    say_table(("when", "task", "agent", "XP", "what"), rows, "Nothing was finished yet.")


@app.command(epilog=examples("hermes agents templates"))
def templates(context: typer.Context, as_json: AsJson = False) -> None:
    """List the templates of tasks that stand in files."""
    found = _remote(context).get("/agents/templates")["templates"]
    if as_json:
        say_json(found)
        return
    rows = [
        (
            one["name"],
            " → ".join(one["stages"]),
            one["reviewer"] or ("people" if one["review"] else "–"),
            one["sentence"],
        )
        for one in found
    ]
    say_table(("name", "stages", "review", "what"), rows, "There is none.")


@tasks.app.command(epilog=examples('hermes tasks submit 12 "the importer reads UTF-16, too"'))
def submit(
    context: typer.Context,
    task: Number,
    summary: Annotated[str, typer.Argument(help="What was done, and what was not.")],
    notes: Annotated[str, typer.Option(help="For the reviewer.")] = "",
    reviewer: Annotated[str, typer.Option(help="An agent, or people; empty: as the template says.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put a task that somebody works on up for review."""
    told = _remote(context).post(f"/tasks/{task}/submit", summary=summary, notes=notes, reviewer=reviewer)
    _told(told, as_json)


@tasks.app.command(epilog=examples("hermes tasks reviews"))
def reviews(context: typer.Context, as_json: AsJson = False) -> None:
    """List what waits for a review."""
    found = _remote(context).get("/reviews")["waiting"]
    if as_json:
        say_json(found)
        return
    rows = [
        (one["task"]["id"], one["version"]["version"], one["version"]["author"], one["version"]["reviewer"] or "people",
         one["version"]["summary"].partition("\n")[0])
        for one in found
    ]  # fmt: skip
    say_table(("task", "version", "by", "reviewer", "summary"), rows, "Nothing waits for a review.")


@tasks.app.command(
    epilog=examples("hermes tasks review 12 approve", 'hermes tasks review 12 changes --point "line 4"')
)
def review(
    context: typer.Context,
    task: Number,
    decision: Annotated[str, typer.Argument(help="approve, changes or reject.")],
    feedback: Annotated[str, typer.Option(help="What you say of it; a rejection's reason.")] = "",
    point: Points = None,
    version: Annotated[int, typer.Option(help="The version you looked at; 0: the newest.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Approve, send back or reject what was put up for review."""
    if decision not in DECISIONS:
        raise InvalidInput(f"{decision} is no decision.", remedy=f"Write {', '.join(DECISIONS)}.")
    one = _remote(context).post(
        f"/tasks/{task}/review", decision=decision, feedback=feedback, points=point or [], version=version
    )
    _told(one, as_json)


def _told(one: Any, as_json: bool) -> None:
    if as_json:
        say_json(one)
    else:
        print(f"Task {one['id']} is {one['state']}: {one['sentence']}")


@tasks.app.command(
    epilog=examples(
        "hermes tasks triage", "hermes tasks triage 12 --accept", "hermes tasks triage 12 --as-it-is"
    )
)
def triage(
    context: typer.Context,
    task: Annotated[int, typer.Argument(help="The task's number; without it, all are listed.", min=0)] = 0,
    *,
    accept: Annotated[bool, typer.Option("--accept", help="Let it go on as it was suggested.")] = False,
    as_it_is: Annotated[
        bool, typer.Option("--as-it-is", help="Let it go on without the suggestion.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what is in triage with what is suggested, or decide how a task goes on."""
    if task and accept != as_it_is:
        decision = "accept" if accept else "as_it_is"
        _told(_remote(context).post(f"/tasks/{task}/confirm", decision=decision), as_json)
        return
    if accept or as_it_is:
        raise InvalidInput("Name one task, and one of --accept and --as-it-is.")
    found = [one for one in _remote(context).get("/triage")["waiting"] if task in (0, one["task"]["id"])]
    if as_json:
        say_json(found)
        return
    print("\n\n".join("\n".join(_sorted(one)) for one in found) or "Nothing is in triage.")


def _sorted(one: Any) -> Iterator[str]:
    """Yield what is known of a task in triage."""
    made = one["suggestion"]
    yield f"{one['task']['id']}  {one['task']['title']}"
    yield from (f"  ! {finding['sentence']}" for finding in one["findings"])
    yield f"  {made['author']} suggests: template {made['template']}, by {made['agent'] or 'anybody able'}"
    yield f"  done when: {made['acceptance']}"
    if made["reason"]:
        yield f"  why: {made['reason']}"


@tasks.app.command(epilog=examples("hermes tasks compare 12", "hermes tasks compare 12 --before 1 --after 3"))
def compare(
    context: typer.Context,
    task: Number,
    before: Annotated[int, typer.Option(help="The older version; 0: the one before.", min=0)] = 0,
    after: Annotated[int, typer.Option(help="The newer version; 0: the newest.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Print what changed between two versions of a task's work."""
    found = _remote(context).get(f"/tasks/{task}/compare", before=before, after=after)
    if as_json:
        say_json(found)
    else:
        print(found["diff"] or f"Versions {found['before']} and {found['after']} do not differ.")


@tasks.app.command("replay", epilog=examples("hermes tasks replay 12", "hermes tasks replay 12 --at 340"))
def replay_(
    context: typer.Context,
    task: Number,
    at: Annotated[int, typer.Option(help="The event's number; 0: the last.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Show a task, its context and its files as they were at one of its events."""
    found = _remote(context).get(f"/tasks/{task}/replay", at=at)
    if as_json:
        say_json(found)
        return
    now = found["snapshot"]
    print(f"event {now['seq']} of {when(now['at'])}: task {task} was {now['state'] or 'not there'}")
    print(
        f"assignee {now['assignee'] or 'anybody'}; "
        f"attempt {now['epoch']} by {now['agent'] or 'nobody'} {now['attempt']}"
    )
    print(f"stage {now['stage'] + 1}, revision {now['revision']}")
    said = found["texts"]
    print(f"it said: {said['title']} (template {said['template']})")
    for name in ("description", "acceptance"):
        if said[name]:
            print(f"  {name}: {said[name]}")
    for one in found["handoffs"]:
        print(f"handoff {one['id']}: {one['sender']} → {one['receiver'] or 'anybody'}: {one['summary']}")
    for one in found["versions"]:
        print(
            f"version {one['version']} by {one['author']}: {one['verdict'] or 'waits'} {one['feedback']}".rstrip()
        )
    for one in found["files"]:
        print(f"file {one['name']} version {one['version']}: {one['path']}")
    for one in found["comments"]:
        print(f"{one['author']}: {one['text']}")
    print(f"conversation: {len(found['conversation'])} messages")
    for entry in found["conversation"]:
        print("\n".join(_spoken(json.loads(entry))))


@tasks.app.command(epilog=examples("hermes tasks handoff h12-1"))
def handoff(
    context: typer.Context,
    handoff: Annotated[str, typer.Argument(help="Its id, such as h12-1.")],
    as_json: AsJson = False,
) -> None:
    """Show a handoff between agents: notes, files and the conversation that went along."""
    found = _remote(context).get(f"/tasks/handoffs/{handoff}")
    if as_json:
        say_json(found)
        return
    one = found["handoff"]
    print(
        f"{one['id']} of {when(one['at'])}: {one['sender']} → {one['receiver'] or 'anybody'}, stage {one['stage'] + 1}"
    )
    print("\n".join(text for text in (one["summary"], one["notes"]) if text))
    for file in found["files"]:
        print(f"file {file['name']} version {file['version']}: {file['path']}")
    for entry in found["conversation"]:
        print("\n".join(_spoken(json.loads(entry))))


def _spoken(entry: Any) -> Iterator[str]:
    """Yield the lines of a message of a conversation, as far as it is text or a call."""
    for part in entry.get("parts", []):
        text, call = part.get("content"), part.get("tool_name")
        if call and part.get("part_kind") == "tool-call":
            yield f"  {call} {part.get('args')}"
        elif isinstance(text, str):
            yield f"  {part.get('part_kind')}: {text}"


@tasks.app.command(
    "audit", epilog=examples("hermes tasks audit 12", "hermes tasks audit 12 --to task-12.json")
)
def audit_(
    context: typer.Context,
    task: Number,
    to: Annotated[Path | None, typer.Option("--to", help="Write it to this file as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole life of a task: every event, handoff, version, verdict and award."""
    found = _remote(context).get(f"/tasks/{task}/audit")
    if to is not None:
        to.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        print(f"{len(found['events'])} events are written to {to}.")
        return
    if as_json:
        say_json(found)
        return
    for event in found["events"]:
        body = " ".join(f"{name}={value}" for name, value in event["body"].items() if value is not None)
        print(f"{event['seq']}  {when(event['at'])}  {event['kind']} by {event['actor']}  {body}".rstrip())
    for one in found["handoffs"]:
        print(f"handoff {one['id']}: {one['sender']} → {one['receiver'] or 'anybody'}")
    for one in found["versions"]:
        print(
            f"version {one['version']} by {one['author']}: {one['verdict'] or 'waits'} {one['decided_by']}".rstrip()
        )
    for one in found["approvals"]:
        print(
            f"approval {one['short']} ({one['tool']}, {one['tier']}): {one['state']} {one['decided_by']}".rstrip()
        )
    for one in found["awards"]:
        terms = ", ".join(f"{points:+g} {words}" for words, points in one["terms"])
        print(f"{one['agent']}: {one['xp']} XP ({terms})")
