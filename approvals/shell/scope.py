"""What is known while a text is walked: variables, working directories, functions and files it wrote."""

from dataclasses import dataclass, field

from approvals.shell.context import Context
from approvals.shell.marks import TAME, UNKNOWN
from approvals.shell.tree import Node
from approvals.shell.wordlist import words

_NUMBERS = words("$ ? ! # RANDOM UID EUID PPID SECONDS LINENO BASHPID SRANDOM EPOCHSECONDS")
_TAME_NAMES = words("USER LOGNAME HOSTNAME OSTYPE HOSTTYPE MACHTYPE BASH_VERSION SHLVL OPTIND")
_MAX_DIRECTORIES = 4
_MAX_VALUE = 8_192
REMOTE_HOME = "/home/remote"
"""Where commands start on another machine or in a container; nothing there is a workspace."""


@dataclass(slots=True)
class Scope:
    """Mutable knowledge about one shell process; ``copy`` is what a subshell inherits."""

    variables: dict[str, str]
    directories: tuple[str, ...]
    arrays: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    functions: dict[str, tuple[Node, ...]] = field(default_factory=dict[str, tuple[Node, ...]])
    files: dict[str, str] = field(default_factory=dict[str, str])
    positional: tuple[str, ...] | None = None
    splits_oddly: bool = False
    names: tuple[str, ...] = ()
    remote: bool = False
    fallback: tuple[str, ...] = ()

    @classmethod
    def of(cls, context: Context) -> "Scope":
        """Return the scope at the beginning of a text."""
        known = {
            "HOME": context.home,
            "PWD": context.cwd,
            "HERMES_HOME": context.hermes_home,
            "IFS": " \t\n",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            **context.variables,
        }
        return cls(known, (context.cwd,))

    def copy(self) -> "Scope":
        """Return what a subshell or a branch starts with; written files are shared."""
        return Scope(
            dict(self.variables),
            self.directories,
            dict(self.arrays),
            dict(self.functions),
            self.files,
            self.positional,
            self.splits_oddly,
            self.names,
            self.remote,
            self.fallback,
        )

    def become(self, other: "Scope") -> None:
        """Take over what another scope knows."""
        self.variables = dict(other.variables)
        self.arrays = dict(other.arrays)
        self.functions = dict(other.functions)
        self.directories = other.directories

    def elsewhere(self) -> "Scope":
        """Return the scope of another machine or container: no directory and no variable is known there."""
        return Scope(
            {"IFS": " \t\n", "HOME": REMOTE_HOME},
            (REMOTE_HOME,),
            names=self.names,
            remote=True,
            positional=self.positional,
        )

    def join(self, other: "Scope") -> None:
        """Keep only what holds whichever of the two scopes comes true."""
        for name in self.variables.keys() | other.variables.keys():
            if self.variables.get(name) != other.variables.get(name):
                self.variables[name] = UNKNOWN
        for name in list(self.arrays):
            if self.arrays[name] != other.arrays.get(name):
                del self.arrays[name]
        for name, bodies in other.functions.items():
            known = self.functions.get(name, ())
            self.functions[name] = known + tuple(body for body in bodies if body not in known)
        self.visit(*other.directories)
        self.splits_oddly = self.splits_oddly or other.splits_oddly

    def visit(self, *directories: str) -> None:
        """Add directories in which the shell may now be."""
        found = tuple(dict.fromkeys(self.directories + directories))
        self.directories = (
            found if len(found) <= _MAX_DIRECTORIES else (*found[: _MAX_DIRECTORIES - 1], UNKNOWN)
        )

    def forget(self, name: str) -> None:
        """Note that a variable may hold anything."""
        self.variables[name] = UNKNOWN
        self.arrays.pop(name, None)

    def assign(self, name: str, value: str) -> None:
        """Set a variable; a change of IFS makes every later splitting unpredictable."""
        self.variables[name] = value if len(value) <= _MAX_VALUE else UNKNOWN
        self.arrays.pop(name, None)
        if name == "IFS" and value != " \t\n":
            self.splits_oddly = True

    def value(self, name: str) -> str:
        """Return what a variable holds, in marked text."""
        if name == "PWD":
            return self.directories[0] if len(self.directories) == 1 else UNKNOWN
        known = self.variables.get(name)
        if known is not None:
            return known
        if name in _NUMBERS or name in _TAME_NAMES:
            return TAME
        if name.isdigit() and self.positional is not None:
            index = int(name) - 1
            return self.positional[index] if 0 <= index < len(self.positional) else ""
        return UNKNOWN
