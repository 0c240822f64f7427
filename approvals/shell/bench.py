"""What the parts of the classifier ask of the walk and of the judge, so that they need not know them."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from approvals.shell.call import Call
from approvals.shell.context import Context, Override, Overrides, Preset
from approvals.shell.effects import Effect
from approvals.shell.options import Reading
from approvals.shell.rule import Option, Rule
from approvals.shell.scope import Scope
from approvals.shell.tree import Node
from kernel.risk import Reason, Tier


class Walking(Protocol):
    """One classification in progress."""

    context: Context
    overrides: Overrides
    preset: Preset
    reasons: dict[Reason, None]
    worst: Tier
    pipes: dict[str, str]
    written: list[tuple[str, bool]]
    called: set[int]
    unveiled: bool
    whole: str

    @property
    def judge(self) -> "Judging":
        """The judge of simple commands."""
        ...

    def add(self, tier: Tier, rule: str, why: str, piece: str) -> None:
        """Note a reason."""
        ...

    def lower(self, start: int, entry: Override) -> None:
        """Replace the medium reasons noted since ``start`` by the owner's entry."""
        ...

    def text(self, text: str, scope: Scope, stdin: str | None = None) -> str:
        """Judge a text that a shell would run; return its output."""
        ...

    def node(self, node: Node, scope: Scope, stdin: str | None) -> str:
        """Judge one node; return its output."""
        ...


class Judging(Protocol):
    """What handlers may ask while they judge one command."""

    runs: int

    @property
    def walk(self) -> Walking:
        """The classification in progress."""
        ...

    def add(self, tier: Tier, rule: str, why: str, piece: str) -> None:
        """Note a reason."""
        ...

    def opaque(self, rule: str, why: str, piece: str) -> None:
        """Note that the effect is not statically known."""
        ...

    def context(self, call: Call) -> Context:
        """Return the context that the command's paths mean."""
        ...

    def touch(self, effect: Effect, word: str, call: Call) -> None:
        """Judge an effect on a path."""
        ...

    def watch(self, word: str, call: Call) -> None:
        """Refuse a word that names Hermes' own files."""
        ...

    def watch_remote(self, text: str) -> None:
        """Refuse a text for another machine that names Hermes' own files."""
        ...

    def wrote(self, target: str, call: Call, content: str = ...) -> None:
        """Remember what a command wrote."""
        ...

    def rule_of(self, name: str) -> Rule | None:
        """Return the rule of a program."""
        ...

    def read_file(self, word: str, call: Call) -> str:
        """Judge reading a file and return its content where it is known."""
        ...

    def content(self, word: str, call: Call) -> str:
        """Return what a file holds where it is known."""
        ...

    def wrap(self, argv: list[str], call: Call) -> None:
        """Judge the command that another one runs."""
        ...

    def apply(
        self, rule: Rule, label: str, args: list[str], call: Call, inherited: Mapping[str, Option]
    ) -> None:
        """Judge arguments by a rule."""
        ...

    def by_table(
        self, rule: Rule, label: str, args: list[str], call: Call, inherited: Mapping[str, Option]
    ) -> Reading | None:
        """Judge arguments by what the table says."""
        ...

    def surroundings(self, call: Call) -> Iterator[str]:
        """Yield what may name production beside a command's own words."""
        ...

    def production(self, call: Call, label: str) -> None:
        """Raise a deploy-like command whose words or surroundings name production."""
        ...
