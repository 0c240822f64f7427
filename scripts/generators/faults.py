"""Errors, events and crash points: what can go wrong, what is written down, where a test can kill the daemon."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

from agent.acp import errors as coding_errors
from board.diagnosis.sources import GitFailed
from hermes.cli.remote import GatewayAway
from hermes.settings import InvalidSettings
from kernel import errors as kernel_errors
from kernel.crashpoints import CRASHPOINTS
from kernel.errors import HermesError
from kernel.transitions import MACHINES
from scripts.generators.tables import first_sentence, table
from store.chain import CHECKPOINT
from web import errors as web_errors
from web.errors import HTTP_STATUS, code_of

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("kernel", "store", "agent", "approvals", "board", "gateway", "cron", "web", "hermes")

ERRORS = """\
# Errors

Made from the classes by `scripts/generate`. Each class is named for what the caller does next. Whatever Hermes says
about one has two parts: what happened, and the way out. In a chat it is an answer, on the command line a sentence on
standard error, over REST `{"error": {"code", "message", "remedy"}}` with the status below.
"""

EVENTS = """\
# Events

Made from the code by `scripts/generate`. The table `event` is the audit trail: one row for everything that happened,
in order, each with the hash of the row before it. Rows hold ids and digests, never the text of a message. `hermes
audit verify` checks the chain, `hermes audit export` writes it down.
"""

CRASHES = """\
# Crash points

Made from `kernel/crashpoints.py` by `scripts/generate`; `hermes debug crashpoints` prints the same. At each of these
places a test kills the daemon with SIGKILL, starts it again and lets `hermes audit check` look for what must never be.
They are inert unless both variables are set:

```console
HERMES_TEST=1 HERMES_CRASHPOINT=outbox.after_send hermes gateway
```

`outbox.after_send:3` waits for the third time.
"""

# A message begins as what the rings decided about it, or as this.
RECEIVED = "inbox.receive"

OTHERS: Mapping[str, str] = {
    CHECKPOINT: "Older events were removed; the row carries the hash the chain goes on from.",
    RECEIVED: "A message was stored.",
    "approval.ask": "A person's permission was asked for one action.",
    "approval.clock": "The time until an unvetoed action runs was stopped, or goes on.",
    "approval.code": "A one-time code for a decision went to a second channel.",
    "approval.decision": "A request was decided: by whom, how, at which tier; `auto` is the veto clock.",
    "approval.drift": "What an action depends on has changed; its request is void.",
    "approval.escalate": "Nobody answered; the next place was told.",
    "approval.execution": "An approval was used up; its action begins.",
    "approval.move": "A request went along with its conversation to another place.",
    "approval.outcome": "An action ended, with its exit code and the hash of its result.",
    "approval.tap": "Somebody tried to decide and it did not count; the outcome says why.",
    "approval.view": "Somebody who may decide opened a request.",
    "approval.vote": "One of several who must agree has agreed.",
    "channel.name": "Somebody gave a chat a name.",
    "channel.unname": "A chat's name was forgotten.",
    "chat.migrate": "A platform gave a chat a new id.",
    "gate.deny": "An action was refused without being asked about; the rule says why.",
    "gate.trust": "An action passed unasked because everything up to medium is trusted for a time.",
    "grant.give": "A standing permission was given.",
    "grant.revoke": "A standing permission was withdrawn.",
    "grant.use": "A standing permission let an action run.",
    "home.set": "A chat became the home channel.",
    "note.add": "An agent kept a note.",
    "outbox.add": "A message is owed.",
    "pairing.offer": "A stranger was given a pairing code.",
    "person.admit": "Somebody was admitted, or given another role.",
    "person.revoke": "Somebody's admission was withdrawn.",
    "platform.pause": "Somebody paused a platform.",
    "platform.resume": "Somebody resumed a platform.",
    "question.ask": "An agent asked a person.",
    "session.change": "A title, a model or a switch of a conversation was changed.",
    "session.depart": "A conversation left a place, which remembers where it went.",
    "session.forget": "A conversation was erased.",
    "session.open": "A conversation began.",
    "session.resume": "A conversation was continued in another place.",
    "session.settle": "Something answers again in a place that a conversation had left.",
    "session.wake": "A conversation has something to do.",
    "store.restored": "A backup took the place of the database.",
    "store.went_back": "The database is older than what ran here last.",
    "fire.create": "A time of a job has come; the row names the job and the time.",
    "fire.deliver": "The result of a job's run is owed to its chats from now on.",
    "schedule.change": "A job was changed; the fields are named.",
    "schedule.create": "A job was scheduled.",
    "agent.award": "An agent got experience for a finished task; the terms are in the task's audit.",
    "agent.badge": "An agent earned a badge.",
    "agent.skill": "A skill counts as an agent's own from now on, by evidence.",
    "diagnosis.ask": "Somebody wants a bug diagnosed; the row says how many messages fit and where it was looked for.",
    "diagnosis.begin": "A task was made of a report.",
    "diagnosis.choose": "Somebody said which message is the report.",
    "diagnosis.folder": "Somebody said which folder the reports of a channel are about.",
    "task.diagnosed": "A diagnosis ended whose every place was found in the code.",
    "task.pushed": "A fix was pushed as it was approved: its commit, and the hash of its diff.",
    "task.sent_back": "A diagnosis was sent back, because places it names are not as it says.",
    "task.tested": "The tests of a fix ended: its commit, whether a command is known, and the exit code.",
    "task.told": "A diagnosis goes to where its report stands.",
    "task.artifact": "A file of a task was kept, with the hash of its contents.",
    "task.change": "What a task says was changed; the fields are named.",
    "task.choose": "Who gets a task was decided by scores; with an empty agent nobody is suitable.",
    "task.comment": "Somebody said something about a task.",
    "task.confirm": "A person confirmed a suggestion for a task in triage.",
    "task.create": "A task was put on the board.",
    "task.hand_off": "A task passed from one agent to another, with a handoff that has an id.",
    "task.link": "A task waits for another from now on.",
    "task.milestone": "An attempt reached something.",
    "task.prune": "Logs or files of a task were removed because their days are over; how many, and how many bytes.",
    "task.repair": "At a start, a task did not fit what really runs and was put right.",
    "task.suggest": "Somebody suggested how a task in triage could go on; with a template, and who would do it.",
    "task.unlink": "A task no longer waits for another.",
    "task.verdict": "A version of a task's work was judged.",
    "task.version": "A version of a task's work was put up for review, or people are asked instead of an agent.",
    "token.create": "A token was made.",
    "token.revoke": "A token was ended.",
    "token.use": "A one-time token was used.",
    "tool_call.intent": "A tool call is about to run.",
    "turn.start": "An agent began to work.",
}

# Functions that write an event: at which place they take its kind, and what the kind is then.
WRITERS: Mapping[str, tuple[int, str]] = {
    "emit": (0, "{}"),
    "note": (2, "approval.{}"),
    "_record": (2, "{}"),
}

ERROR_MODULES = frozenset(
    {
        kernel_errors.__name__,
        web_errors.__name__,
        coding_errors.__name__,
        GitFailed.__module__,
        InvalidSettings.__module__,
        GatewayAway.__module__,
    }
)

Row = tuple[str, str, str, str]


def all_errors() -> Sequence[type[HermesError]]:
    """Return every error that a person or program can meet, parents first."""
    seen: dict[type[HermesError], None] = {}

    def visit(kind: type[HermesError]) -> None:
        if kind.__module__ in ERROR_MODULES:
            seen[kind] = None
        # Python keeps subclasses in the order in which their modules happened to be imported.
        for child in sorted(
            kind.__subclasses__(), key=lambda one: (one.__module__ != kernel_errors.__name__, one.__module__)
        ):
            visit(child)

    visit(HermesError)
    return tuple(seen)


def errors() -> str:
    """Return ``docs/reference/errors.md``."""
    rows = map(_error, all_errors())
    return ERRORS + "\n" + table(("error", "code", "HTTP", "what it means"), rows) + "\n"


def _error(kind: type[HermesError]) -> Row:
    status = next(HTTP_STATUS[parent] for parent in kind.__mro__ if parent in HTTP_STATUS)
    blank = kind.__new__(kind)
    return f"`{kind.__name__}`", f"`{code_of(blank)}`", str(status), first_sentence(kind.__doc__)


def emitted() -> Sequence[str]:
    """Return the kinds of events that code writes beside the moves of machines."""
    written = {kind for room in ROOMS for path in (ROOT / room).rglob("*.py") for kind in _kinds(path)}
    moves = {f"{machine.name}.{event}" for machine in MACHINES for event in machine.events}
    return sorted((written | {CHECKPOINT, RECEIVED}) - moves)


def _kinds(path: Path) -> Iterator[str]:
    """Yield the kinds of events that a file writes, where they are plain texts."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        place, form = WRITERS.get(_called(node), (0, ""))
        given = node.args[place : place + 1] if form else []
        yield from (form.format(one.value) for one in given if _is_text(one))


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def events() -> str:
    """Return ``docs/reference/events.md``."""
    moves = (
        (f"`{machine.name}.*`", ", ".join(f"`{event}`" for event in machine.events)) for machine in MACHINES
    )
    stored = [row for row in moves if "adapter" not in row[0]]
    others = table(("event", "what happened"), ((f"`{kind}`", OTHERS.get(kind, "")) for kind in emitted()))
    return (
        f"{EVENTS}\n## Moves\n\nThe [moves of the state machines](states.md), as `machine.event`.\n\n"
        f"{table(('machine', 'events'), stored)}\n\n## Others\n\n{others}\n"
    )


def crashpoints() -> str:
    """Return ``docs/reference/crash-points.md``."""
    rows = ((f"`{name}`", sentence) for name, sentence in CRASHPOINTS.items())
    return CRASHES + "\n" + table(("name", "what is true there"), rows) + "\n"
