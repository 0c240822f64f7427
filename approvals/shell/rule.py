"""The vocabulary of the rule tables: programs, sub-commands, options and operands as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kernel.risk import Tier

NONE, LOW, MEDIUM, HIGH, DENY = Tier.NONE, Tier.LOW, Tier.MEDIUM, Tier.HIGH, Tier.DENY


class Use(StrEnum):
    """What a program does with an operand or with an option's value."""

    ANY = "any"  # a word that is only watched for Hermes' own files
    DATA = "data"  # text that has no effect by itself
    READ = "read"
    READ_TREE = "read tree"
    WRITE = "write"
    MAKE = "make"
    EMPTY = "empty"
    DELETE = "delete"
    DELETE_TREE = "delete tree"
    CHANGE = "change"
    CHANGE_TREE = "change tree"
    MOVE = "move"
    NAME = "name"  # a context, host, target: looked at for production, never a path
    URL = "url"
    DIRECTORY = "directory"  # the directory to work in
    SCRIPT = "script"  # a file that is run
    SHELL = "shell"  # a text for a shell
    SHELL_WORDS = "shell words"  # the rest, joined with blanks, is a text for a shell
    COMMAND = "command"  # the rest is a command with its arguments
    PROGRAM = "program"  # a text that is split into a command with its arguments, shell or not
    CODE = "code"  # a text for the interpreter itself
    SQL = "sql"
    SQL_FILE = "sql file"
    ASSIGN = "assign"  # NAME=value for the environment
    SETTING = "setting"  # key=value of a configuration
    OPAQUE = "opaque"  # a file or text that decides what happens and is not seen


@dataclass(frozen=True, slots=True)
class Option:
    """Options that share a meaning: their spellings, whether they take a value, what they raise and why.

    ``calm`` options make the command harmless (``--dry-run``). ``attached`` values are only taken when they are part
    of the same word (``-i.bak``, ``--color=auto``).
    """

    names: tuple[str, ...]
    value: bool = False
    attached: bool = False
    tier: Tier = NONE
    why: str = ""
    use: Use | None = None
    calm: bool = False
    target: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """What a program or sub-command does.

    ``operands`` are the uses by position, the last one for all that follow; ``last`` is the use of the
    final operand where it differs (``cp``). ``verbs`` are sub-commands, ``other`` judges an unknown one.
    ``bare`` judges the command without operands. ``posix`` means that options end at the first operand.
    ``strict`` means that an unknown option makes the command opaque (wrappers). ``remote`` runs its
    command elsewhere. ``deploy`` is raised to high by a production name. ``handler`` names a function of
    ``approvals.shell.handlers`` for what a table cannot say.
    """

    tier: Tier = NONE
    why: str = ""
    options: tuple[Option, ...] = ()
    operands: tuple[Use, ...] = (Use.ANY,)
    last: Use | None = None
    verbs: Mapping[str, "Rule"] = field(default_factory=dict[str, "Rule"])
    other: "Rule | None" = None
    bare: "Rule | None" = None
    posix: bool = False
    strict: bool = False
    words: bool = False
    remote: bool = False
    deploy: bool = False
    handler: str = ""
    language: str = ""
    prints: str = ""
    index: Mapping[str, Option] = field(init=False, compare=False, repr=False)
    risky: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        index = {name: option for option in self.options for name in option.names}
        object.__setattr__(self, "index", index)
        risky = self.strict or any(option.tier > LOW or option.use in _GRAVE for option in self.options)
        object.__setattr__(self, "risky", risky)


_GRAVE = frozenset(
    {
        Use.WRITE,
        Use.EMPTY,
        Use.DELETE,
        Use.DELETE_TREE,
        Use.SCRIPT,
        Use.SHELL,
        Use.SHELL_WORDS,
        Use.COMMAND,
        Use.PROGRAM,
        Use.CODE,
        Use.SQL,
        Use.OPAQUE,
    }
)


def flag(
    names: str, tier: Tier = NONE, why: str = "", *, use: Use | None = None, attached: bool = False
) -> Option:
    """Return an option without a value of its own."""
    return Option(tuple(names.split()), tier=tier, why=why, use=use, attached=attached)


def takes(
    names: str,
    use: Use | None = None,
    tier: Tier = NONE,
    why: str = "",
    *,
    target: bool = False,
    count: int = 1,
) -> Option:
    """Return an option that takes a value, and what happens with the value."""
    return Option(tuple(names.split()), value=True, use=use, tier=tier, why=why, target=target, count=count)


def calm(names: str) -> Option:
    """Return an option that makes the command only print or pretend."""
    return Option(tuple(names.split()), calm=True)


def programs(names: str, rule: Rule) -> dict[str, Rule]:
    """Give several names one rule."""
    return dict.fromkeys(names.split(), rule)


def table(*parts: Mapping[str, Rule]) -> dict[str, Rule]:
    """Join tables; a name that stands in two of them is an error."""
    joined: dict[str, Rule] = {}
    for part in parts:
        double = joined.keys() & part.keys()
        if double:
            raise ValueError(f"Two rules for {', '.join(sorted(double))}.")
        joined.update(part)
    return joined


def verbs(groups: Iterable[tuple[str, Rule]]) -> dict[str, Rule]:
    """Return sub-commands from pairs of names and a rule."""
    return table(*(programs(names, rule) for names, rule in groups))
