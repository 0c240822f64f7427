"""One simple command on its way through the rules."""

from dataclasses import dataclass, field

from approvals.shell.scope import Scope
from kernel.risk import PathUse


@dataclass(slots=True)
class Call:
    """A simple command: its words, the shell that runs it, what stands on its standard input.

    ``stdin`` is ``None`` without a redirection or pipe, else marked text. ``piped`` tells that it came through
    a pipe, ``decoded`` that the command's name was computed rather than written. ``fed`` are the files
    on standard input.
    """

    argv: list[str]
    scope: Scope
    text: str
    stdin: str | None = None
    piped: bool = False
    decoded: bool = False
    environment: dict[str, str] = field(default_factory=dict[str, str])
    paths: list[PathUse] = field(default_factory=list[PathUse])
    scripts: list[str] = field(default_factory=list[str])
    fed: list[str] = field(default_factory=list[str])

    def inner(self, argv: list[str], scope: Scope | None = None) -> "Call":
        """Return the command that this one wraps."""
        return Call(
            argv,
            scope or self.scope,
            self.text,
            self.stdin,
            self.piped,
            False,
            self.environment,
            self.paths,
            self.scripts,
            self.fed,
        )
