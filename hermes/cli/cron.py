"""``hermes cron``: jobs that run by the clock."""

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from hermes.cli.groups import examples
from hermes.cli.remote import Remote, required
from hermes.cli.terminal import here, interactive, say_json, say_table, when
from kernel.errors import InvalidInput

app = typer.Typer(help="Scheduled jobs: what runs when, and what came of it.", rich_markup_mode=None)
SHOWN = 60

Job = Annotated[str, typer.Argument(help="The job's number or name.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Deliver = Annotated[
    list[str] | None, typer.Option("--to", help="origin, home, none, an address or a nickname; repeatable.")
]
Options = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the recipe; repeatable.")
]
Zone = Annotated[str, typer.Option("--timezone", help="Its timezone, such as Europe/Berlin.")]
Name = Annotated[str, typer.Option(help="What it is called.")]
Quiet = Annotated[str, typer.Option(help="In quiet hours: off, hold or silent.")]
Missed = Annotated[str, typer.Option(help="What becomes of missed times: skip, once or all.")]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="NAME=VALUE",
        help="Anything else a job can be told, such as thread=true, model=…, starts=monday, max_runs=5, "
        'or check={"script": "test -e new"}; repeatable.',
    ),
]
Overlap = Annotated[str, typer.Option(help="While it is at work: skip, queue or parallel.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="cron")


def _remote(context: typer.Context) -> Remote:
    return required(here(context).home)


@app.callback(invoke_without_command=True)
def bare(context: typer.Context) -> None:
    """List the jobs where no command is named."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list", epilog=examples("hermes cron list", "hermes cron list --over --json"))
def list_(
    context: typer.Context,
    words: Annotated[str, typer.Option(help="Only those with these words.")] = "",
    over: Annotated[bool, typer.Option("--over", help="Also those whose last time has come.")] = False,
    as_json: AsJson = False,
) -> None:
    """List jobs, those that are next first."""
    found = _remote(context).get("/cron", words=words or None, over=over or None, limit=500)
    if as_json:
        say_json(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            one["kind"],
            one["schedule"],
            one["when"] if one["upcoming"] else one["state"],
        )
        for one in found["jobs"]
    ]
    say_table(("id", "name", "kind", "schedule", "next"), rows, "Nothing is scheduled.")


@app.command(
    epilog=examples(
        'hermes cron add "every weekday at 7:30" "what is new in the world?" --name news',
        'hermes cron add "every 30m" "df -h / | tail -1" --kind script --to home',
        'hermes cron add "every 10m" "what is new there?" --with check=\'{"url": "https://a.org", "changed": true}\'',
        'hermes cron add "0 8 * * *" --kind recipe --recipe inbox_summary --set host=imap.example.org',
    )
)
def add(
    context: typer.Context,
    schedule: Annotated[str, typer.Argument(help="When, in words or as a cron expression.")],
    text: Annotated[str, typer.Argument(help="The prompt, script, task or reminder; - reads it.")] = "",
    *,
    kind: Annotated[str, typer.Option(help="prompt, script, task, recipe or reminder.")] = "prompt",
    name: Name = "",
    to: Deliver = None,
    recipe: Annotated[str, typer.Option(help="With --kind recipe: which one.")] = "",
    options: Options = None,
    timezone: Zone = "",
    quiet: Quiet = "",
    missed: Missed = "",
    overlap: Overlap = "",
    more: With = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show how the words are understood.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Schedule a job; the next five times are shown before it is stored."""
    remote = _remote(context)
    asked = _given(
        schedule=schedule, kind=kind, text=sys.stdin.read() if text == "-" else text, name=name, deliver=to,
        recipe=recipe, options=_settings(options), timezone=timezone, quiet=quiet, missed=missed, overlap=overlap,
    ) | _settings(more)  # fmt: skip
    if dry_run or (interactive() and not yes and not as_json):
        found = remote.get("/cron/preview", schedule=schedule, timezone=timezone or None)
        _show_times(found)
        if dry_run or not typer.confirm("Store it?", default=True):
            return
    made = remote.post("/cron", **asked)
    if as_json:
        say_json(made)
        return
    job = made["job"]
    print(f"Job {job['id']} ({job['name']}) runs {job['schedule']}; next {job['when']} ({job['timezone']}).")


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", None, {})}


def _settings(options: list[str] | None) -> dict[str, Any]:
    """Read ``name=value``; a value that is JSON is taken as such."""
    found: dict[str, Any] = {}
    for option in options or ():
        name, equals, value = option.partition("=")
        if not equals:
            raise InvalidInput(f"{option!r} is no NAME=VALUE.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _show_times(found: Mapping[str, Any]) -> None:
    print(f"{found['schedule']} ({found['timezone']}):")
    for words in found["times"]:
        print(f"  {words}")


@app.command(epilog=examples('hermes cron preview "every other friday at 16:00"'))
def preview(context: typer.Context, schedule: str, timezone: Zone = "", as_json: AsJson = False) -> None:
    """Show how words about times are understood, and the next five of them."""
    found = _remote(context).get("/cron/preview", schedule=schedule, timezone=timezone or None)
    if as_json:
        say_json(found)
    else:
        _show_times(found)


@app.command(epilog=examples("hermes cron show news"))
def show(context: typer.Context, job: Job, as_json: AsJson = False) -> None:
    """Show one job."""
    found = _remote(context).get(f"/cron/{job}")
    if as_json:
        say_json(found)
        return
    print(f"{found['id']} {found['name']} ({found['kind']}, {found['state']}) {found['paused_why']}".rstrip())
    print(f"{found['schedule']} ({found['timezone']}), next {found['when']}")
    print(found["text"] or f"{found['recipe']} {json.dumps(found['options'])}")
    if found["last"]:
        print(f"Last: {_line(found['last'])}")


@app.command(
    epilog=examples('hermes cron edit news --schedule "every day at 8:00"', "hermes cron edit 3 --to home")
)
def edit(
    context: typer.Context,
    job: Job,
    *,
    schedule: Annotated[str, typer.Option(help="When, from now on.")] = "",
    text: Annotated[str, typer.Option(help="The new text.")] = "",
    name: Name = "",
    to: Deliver = None,
    options: Options = None,
    timezone: Zone = "",
    quiet: Quiet = "",
    missed: Missed = "",
    overlap: Overlap = "",
    more: With = None,
) -> None:
    """Change a job."""
    changes = _given(
        schedule=schedule, text=text, name=name, deliver=to, options=_settings(options), timezone=timezone,
        quiet=quiet, missed=missed, overlap=overlap,
    ) | _settings(more)  # fmt: skip
    if not changes:
        raise InvalidInput("Say what to change.", remedy="hermes cron edit --help lists it.")
    found = _remote(context).post(f"/cron/{job}", **changes)
    print(f"Job {found['id']} ({found['name']}) runs {found['schedule']}; next {found['when']}.")


@app.command(epilog=examples("hermes cron run news"))
def run(context: typer.Context, job: Job) -> None:
    """Run a job now."""
    found = _remote(context).post(f"/cron/{job}/run")
    print(f"{found['name']} runs (run {found['id']}).")


@app.command(epilog=examples("hermes cron pause news"))
def pause(context: typer.Context, job: Job) -> None:
    """Pause a job."""
    print(f"{_remote(context).post(f'/cron/{job}/pause')['name']} is paused.")


@app.command(epilog=examples("hermes cron resume news"))
def resume(context: typer.Context, job: Job) -> None:
    """Let a paused job run again."""
    found = _remote(context).post(f"/cron/{job}/resume")
    print(f"{found['name']} runs again, next {found['when']}.")


@app.command(epilog=examples("hermes cron stop news"))
def stop(context: typer.Context, job: Job) -> None:
    """Stop what a job is doing."""
    print(_remote(context).post(f"/cron/{job}/stop")["message"])


@app.command(epilog=examples("hermes cron delete news"))
def delete(context: typer.Context, job: Job) -> None:
    """Delete a job; its history stays."""
    print(_remote(context).post(f"/cron/{job}/delete")["message"])


@app.command(epilog=examples("hermes cron history", "hermes cron history news --state failed"))
def history(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="Only of one job.", show_default=False)] = "",
    state: Annotated[str, typer.Option(help="Only in a state, such as failed or missed.")] = "",
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=200)] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, the latest first."""
    found = _remote(context).get("/cron/runs", id=job or None, state=state or None, limit=limit)
    if as_json:
        say_json(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            when(one["at"]),
            one["state"],
            one["delivery"],
            _short(one["error"] or one["result"]),
        )
        for one in found["runs"]
    ]
    say_table(("run", "job", "time", "state", "delivery", "what"), rows, "There is no such run.")


@app.command("next", epilog=examples("hermes cron next --hours 48"))
def next_(
    context: typer.Context,
    hours: Annotated[float, typer.Option(help="How far to look ahead.", min=0.1, max=744)] = 24.0,
    as_json: AsJson = False,
) -> None:
    """List what is to run next."""
    found = _remote(context).get("/cron/timeline", hours=hours)
    if as_json:
        say_json(found)
        return
    rows = [(one["when"], one["name"], one["kind"]) for one in found["coming"]]
    say_table(("when", "job", "kind"), rows, "Nothing.")


@app.command("recipes", epilog=examples("hermes cron recipes"))
def recipes_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the recipes and their settings."""
    found = _remote(context).get("/cron/recipes")
    if as_json:
        say_json(found)
        return
    for one in found["recipes"]:
        print(f"{one['name']}: {one['summary']}")
        for name, field in one["settings"].get("properties", {}).items():
            print(f"  {name}: {field.get('description', '')}")


def _line(run: Mapping[str, Any]) -> str:
    return f"{when(run['at'])} {run['state']} {_short(run['error'] or run['result'])}".rstrip()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
