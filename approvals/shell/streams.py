"""What redirections do to a command: what it reads, what it writes, and where its output goes."""

from collections.abc import Iterable

from approvals.shell.bench import Walking
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.expand import Expander
from approvals.shell.marks import TAME, UNKNOWN
from approvals.shell.tree import Redirect
from kernel.risk import Tier


def follow(
    walk: Walking, expander: Expander, redirects: Iterable[Redirect], call: Call, stdin: str | None
) -> tuple[str | None, bool]:
    """Judge redirections; return the standard input and whether the output goes elsewhere."""
    given, discarded = stdin, False
    for redirect in redirects:
        if redirect.body is not None:
            given = expander.document(redirect.body, call.scope, redirect.quoted)
        elif redirect.target is not None:
            target = expander.value(redirect.target, call.scope)
            if redirect.operator == "<<<":
                given = target + "\n"
            elif target.startswith(("/dev/tcp/", "/dev/udp/")):
                _connect(walk, target)
                given = UNKNOWN
            elif redirect.operator == "<":
                call.fed.append(target)
                given = walk.judge.read_file(target, call)
            else:
                discarded = _write(walk, redirect, target, call) or discarded
    return given, discarded


def _connect(walk: Walking, target: str) -> None:
    own = target.endswith(f"/{walk.context.port}")
    why = "talks to Hermes' own interface" if own else "opens a network connection"
    walk.add(Tier.DENY if own else Tier.HIGH, "network", why, target)


def _write(walk: Walking, redirect: Redirect, target: str, call: Call) -> bool:
    """Judge an output redirection; tell whether standard output went into it."""
    if redirect.operator in {">&", "<&"} and (target.isdigit() or target in {"-", TAME}):
        return False
    empties = not call.argv or call.argv[0] in {":", "true"}
    if empties and redirect.operator in {">", ">|"}:
        walk.judge.touch(Effect.EMPTY, target, call)
    else:
        walk.judge.touch(Effect.WRITE, target, call)
    whole = redirect.descriptor in {"", "1"} and redirect.operator != ">>"
    walk.written.append((target, whole))
    return redirect.descriptor in {"", "1"}
