"""Our own small syntax tree: what the walker sees of a parsed text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed text; ``spans`` maps the start of each expansion to its end, as the parser saw them."""

    text: str
    spans: dict[int, int]


@dataclass(frozen=True, slots=True)
class Raw:
    """A stretch of source that is one unevaluated word, or a loose stretch such as the inside of ``[[ ]]``."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The stretch as written."""
        return self.source.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection to a word, or a here-document when ``body`` is set (``quoted``: nothing in it expands)."""

    operator: str
    descriptor: str
    target: Raw | None
    body: Raw | None = None
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """``NAME=value`` or ``NAME+=value``; ``subscript`` is the raw ``[…]``, ``array`` the raw elements."""

    name: str
    value: Raw | None
    append: bool = False
    subscript: Raw | None = None
    array: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command."""

    words: tuple[Raw, ...]
    assignments: tuple[Assignment, ...]
    redirects: tuple[Redirect, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands whose outputs feed the next one."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Statements that run one after another (or beside one another)."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AndOr:
    """``left && right`` or ``left || right``."""

    left: "Node"
    right: "Node"
    operator: str


@dataclass(frozen=True, slots=True)
class Group:
    """``{ … }`` or, with ``subshell``, ``( … )``."""

    body: "Node"
    subshell: bool


@dataclass(frozen=True, slots=True)
class Redirected:
    """A compound command with redirections."""

    body: "Node"
    redirects: tuple[Redirect, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Branch:
    """Bodies of which at most one runs (``if``, ``case``); the words and conditions always may."""

    words: tuple[Raw, ...]
    conditions: tuple["Node", ...]
    bodies: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """``for``, ``while``, ``until``, ``select``; ``words`` is ``None`` when the variable ranges over ``$@``."""

    variable: str | None
    words: tuple[Raw, ...] | None
    condition: "Node | None"
    body: "Node"
    loose: tuple[Raw, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A function definition."""

    name: str
    body: "Node"


@dataclass(frozen=True, slots=True)
class Test:
    """``[[ … ]]``, ``[ … ]`` and ``(( … ))``: nothing runs but what their expansions run."""

    inside: Raw
    arithmetic: bool
    text: str


Node = Command | Pipeline | Sequence | AndOr | Group | Redirected | Branch | Loop | Function | Test


class TooMuch(Exception):
    """There is more to judge than fits the budget."""


class Unreadable(Exception):
    """The text cannot be read with certainty; the message says why, ``piece`` is where."""

    def __init__(self, message: str, piece: str = "") -> None:
        super().__init__(message)
        self.piece = piece
