"""``hermes approvals`` and ``hermes grants``: what waits for a decision, what was decided, what may run unasked."""

import json
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

import typer

from hermes.cli.groups import examples, group
from hermes.cli.remote import required
from hermes.cli.terminal import here, say_json, say_table, when
from kernel.clock import SystemClock
from kernel.errors import InvalidInput

app = group("Requests for approval: what waits, what was decided, and your decision.")
grants = group("Standing permissions: what may run without being asked about again.")
DAY_MS = 86_400_000
TEXT_SHOWN = 60
PAGE = 200

Ref = Annotated[str, typer.Argument(help="The request's short name or id, as the list shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
State = Annotated[str, typer.Option(help="waiting, all, or one state such as done, refused or expired.")]
TierName = Annotated[str, typer.Option(help="low, medium or high.")]
Words = Annotated[str, typer.Option(help="Only those whose action has these words.")]
Days = Annotated[float | None, typer.Option(help="Only those of the last so many days.", min=0)]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="approvals")
    root.add_typer(grants, name="grants")


@app.command(
    "list", epilog=examples("hermes approvals list", "hermes approvals list --state refused --days 7")
)
def list_(
    context: typer.Context,
    state: State = "waiting",
    tier: TierName = "",
    words: Words = "",
    days: Days = None,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=PAGE)] = 50,
    as_json: AsJson = False,
) -> None:
    """List what waits for a decision, or what was decided."""
    remote = required(here(context).home)
    found = remote.get("/approvals", limit=limit, **_filter(state, tier, words, days))
    if as_json:
        say_json(found["approvals"])
        return
    rows = [
        (one["short"], one["tier"], one["state"], when(one["created_at"]), _short(one["text"]))
        for one in found["approvals"]
    ]
    say_table(("id", "risk", "state", "asked", "what"), rows, "Nothing waits for a decision.")


def _filter(state: str, tier: str, words: str, days: float | None) -> dict[str, Any]:
    since = None if days is None else max(0, SystemClock().now() - int(days * DAY_MS))
    return {"state": state, "tier": tier or None, "words": words or None, "since": since}


def _path(ref: str, *verb: str) -> str:
    return "/".join(("/approvals", quote(ref, safe=""), *verb))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT_SHOWN else line[: TEXT_SHOWN - 1] + "…"


@app.command(epilog=examples("hermes approvals show k3f9a"))
def show(context: typer.Context, ref: Ref, as_json: AsJson = False) -> None:
    """Show one request: the whole action, why it is asked, and everything that happened to it."""
    found = required(here(context).home).get(_path(ref))
    if as_json:
        say_json(found)
        return
    print("\n".join(_described(found)))


def _described(one: Any) -> Iterator[str]:
    yield f"{one['short']}  {one['tier']} risk, {one['state']}: {one['sentence']}"
    yield f"\n{one['text']}\n"
    if one["consequence"]:
        yield one["consequence"]
    yield from (
        f"- {reason['why']}" + (f"  [{reason['text']}]" if reason["text"] else "")
        for reason in one["reasons"]
    )
    for label, value in _facts(one):
        if value:
            yield f"{label}: {value}"
    if one["result"]:
        yield f"\n{one['result']}"
    yield ""
    yield from (f"{when(step['at'])}  {_step(step)}" for step in one["trail"])


def _step(step: Any) -> str:
    """Return an event of the trail; a message that showed the request is told by its place, a tap by its button."""
    place, tapped = step["body"].get("place"), step["body"].get("tapped")
    if tapped:
        return f"{step['actor']} tapped {tapped} on {place}"
    if place is None:
        return f"{step['kind']} by {step['actor']}"
    return f"{'shown' if step['kind'] == 'outbox.confirm' else 'could not be shown'} on {place}"


def _facts(one: Any) -> Iterator[tuple[str, str]]:
    yield "folder", one["cwd"]
    yield "machine", one["host"]
    yield "variables", " ".join(f"{name}={value}" for name, value in one["environment"].items())
    yield "asked by", f"{one['requester']} at {when(one['created_at'])}"
    yield "session", one["session"]
    yield "expires", when(one["expires_at"]) if one["choices"] else ""
    yield "agreed", ", ".join(one["agreed"]) if one["needed"] > 1 else ""
    yield "exit code", "" if one["exit_code"] is None else str(one["exit_code"])


@app.command(epilog=examples("hermes approvals export --days 90 > approvals.jsonl"))
def export(
    context: typer.Context, state: State = "all", tier: TierName = "", words: Words = "", days: Days = None
) -> None:
    """Print requests with results and trails, one JSON object a line, the newest first."""
    remote = required(here(context).home)
    wanted = _filter(state, tier, words, days)
    before: str | None = None
    while True:
        page = remote.get("/approvals/export", limit=PAGE, before=before, **wanted)
        for one in page["approvals"]:
            print(json.dumps(one, ensure_ascii=False))
        before = page["next"]
        if not before:
            return


@app.command(
    epilog=examples("hermes approvals approve k3f9a", 'hermes approvals approve k3f9a --edit "git push"')
)
def approve(
    context: typer.Context,
    ref: Ref,
    reason: Annotated[str, typer.Option(help="Told to the one who asked.")] = "",
    session: Annotated[bool, typer.Option("--session", help="The same again in this session too.")] = False,
    always: Annotated[
        bool, typer.Option("--always", help="The same again from now on, until it expires.")
    ] = False,
    edit: Annotated[str | None, typer.Option(help="Approve this text instead; it is judged afresh.")] = None,
    code: Annotated[str, typer.Option(help="The code that another channel received.")] = "",
) -> None:
    """Approve a request, once unless told otherwise."""
    if sum((session, always, edit is not None)) > 1:
        raise InvalidInput("--session, --always and --edit exclude one another.")
    decision = (
        "edit"
        if edit is not None
        else "approve_session"
        if session
        else "approve_always"
        if always
        else "approve"
    )
    _decide(
        context, ref, decision=decision, reason=reason, code=code, **({} if edit is None else {"text": edit})
    )


@app.command(epilog=examples('hermes approvals deny k3f9a --reason "not on a Friday"'))
def deny(
    context: typer.Context,
    ref: Ref,
    reason: Annotated[str, typer.Option(help="Told to the one who asked.")] = "",
) -> None:
    """Refuse a request."""
    _decide(context, ref, decision="reject", reason=reason)


@app.command(epilog=examples("hermes approvals hold k3m9x"))
def hold(context: typer.Context, ref: Ref) -> None:
    """Put a request on hold: no clock decides for it."""
    _decide(context, ref, decision="hold")


@app.command(epilog=examples("hermes approvals release k3m9x"))
def release(context: typer.Context, ref: Ref) -> None:
    """Take a request off hold."""
    _decide(context, ref, decision="release")


@app.command(epilog=examples("hermes approvals again k3m9x"))
def again(context: typer.Context, ref: Ref) -> None:
    """Ask anew for what expired or became void."""
    print(required(here(context).home).post(_path(ref, "again"))["sentence"])


@app.command(epilog=examples("hermes approvals settle k3m9x --happened"))
def settle(
    context: typer.Context,
    ref: Ref,
    happened: Annotated[bool, typer.Option("--happened/--did-not", help="Whether it happened.")],
    note: Annotated[str, typer.Option(help="What else is known.")] = "",
) -> None:
    """Say whether an action happened during which Hermes stopped."""
    print(required(here(context).home).post(_path(ref, "settle"), happened=happened, note=note)["sentence"])


def _decide(context: typer.Context, ref: str, **decision: str) -> None:
    print(required(here(context).home).post(_path(ref), **decision)["sentence"])


@grants.command("list", epilog=examples("hermes grants list", "hermes grants list --all"))
def list_grants(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """List standing permissions."""
    found: list[dict[str, Any]] = required(here(context).home).get(
        "/grants", everything="true" if everything else None
    )["grants"]
    if as_json:
        say_json(found)
        return
    rows = [
        (
            one["id"],
            "this session" if one["session"] else "everywhere",
            when(one["revoked_at"] or one["expires_at"]),
            one["uses"],
            one["pattern"],
        )
        for one in found
    ]
    say_table(("id", "where", "until", "used", "what"), rows, "There are no standing permissions.")


@grants.command(epilog=examples("hermes grants revoke g_7kq2m9xwab"))
def revoke(
    context: typer.Context, grant: Annotated[str, typer.Argument(help="The permission's id.")]
) -> None:
    """End a standing permission."""
    print(f"Revoked: {required(here(context).home).delete('/grants', grant)['pattern']}")
