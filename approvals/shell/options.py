"""Reads an argument vector by a rule: which words are options, values and operands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from approvals.shell.marks import is_opaque, may_be_option
from approvals.shell.rule import Option, Rule


@dataclass(slots=True)
class Reading:
    """An argument vector taken apart.

    ``found`` pairs each known option with its value (``None`` without one), ``unknown`` are options that the
    rule does not name, ``uncertain`` are words that could turn out to be options, ``rest`` is where
    the operands begin in the vector when the rule ends its options at the first operand.
    """

    found: list[tuple[Option, str, str | None]] = field(default_factory=list[tuple[Option, str, str | None]])
    operands: list[str] = field(default_factory=list[str])
    unknown: list[str] = field(default_factory=list[str])
    uncertain: list[str] = field(default_factory=list[str])

    @property
    def calm(self) -> bool:
        """Whether an option makes the command harmless."""
        return any(option.calm and value not in {"none", "false"} for option, _, value in self.found)

    @property
    def has_target(self) -> bool:
        """Whether an option names the target, so that no operand does."""
        return any(option.target for option, _, _ in self.found)

    def values(self, *names: str) -> list[str]:
        """Return the values given to options of these names."""
        return [value or "" for _, name, value in self.found if name in names]

    def has(self, *names: str) -> bool:
        """Tell whether one of the options is given."""
        return any(name in names for _, name, _ in self.found)


def read(args: list[str], rule: Rule, inherited: Mapping[str, Option] | None = None) -> Reading:
    """Take an argument vector apart by a rule; ``inherited`` are options of the command above it."""
    index = {**inherited, **rule.index} if inherited else rule.index
    return _Reader(args, index, rule).run()


class _Reader:
    def __init__(self, args: list[str], index: Mapping[str, Option], rule: Rule) -> None:
        self.args = args
        self.index = index
        self.rule = rule
        self.position = 0
        self.reading = Reading()

    def run(self) -> Reading:
        while self.position < len(self.args):
            arg = self.args[self.position]
            self.position += 1
            if arg == "--":
                self.reading.operands.extend(self.args[self.position :])
                break
            if len(arg) > 1 and (arg[0] == "-" or (arg[0] == "+" and self._exact(arg))):
                self._option(arg)
                continue
            if may_be_option(arg):
                self.reading.uncertain.append(arg)
            self.reading.operands.append(arg)
            if self.rule.posix:
                self.reading.operands.extend(self.args[self.position :])
                break
        return self.reading

    def _exact(self, arg: str) -> bool:
        return arg in self.index or arg[:2] in self.index

    def _option(self, arg: str) -> None:
        name, equals, value = arg.partition("=")
        option = self.index.get(name)
        if option is not None:
            self._take(option, name, value if equals else None)
        elif arg.startswith("--"):
            self._long(arg, name, value if equals else None)
        elif is_opaque(arg) and is_opaque(arg[:2]):
            self.reading.uncertain.append(arg)
        elif self.rule.words:
            self.reading.unknown.append(arg)
        else:
            self._cluster(arg)

    def _long(self, arg: str, name: str, value: str | None) -> None:
        """Programs accept unambiguous beginnings of long options; the gravest candidate counts."""
        candidates = [
            (known, option) for known, option in self.index.items() if known.startswith(name) and name != "--"
        ]
        if not candidates:
            (self.reading.uncertain if is_opaque(name) else self.reading.unknown).append(arg)
            return
        known, option = max(
            candidates, key=lambda pair: (pair[1].tier, pair[1].use is not None, not pair[1].calm)
        )
        self._take(option, known, value)

    def _take(self, option: Option, name: str, value: str | None) -> None:
        if value is None and option.value:
            end = self.position + option.count
            value = " ".join(self.args[self.position : end]) if self.position < len(self.args) else ""
            self.position = end
        self.reading.found.append((option, name, value))

    def _cluster(self, arg: str) -> None:
        """Short options written together: ``-rf``, ``-n5``, ``-uf``; ``+x`` likewise."""
        sign = arg[0]
        for index in range(1, len(arg)):
            name = sign + arg[index]
            option = self.index.get(name)
            rest = arg[index + 1 :]
            if option is None:
                self.reading.unknown.append(name)
                continue
            if option.value or option.attached:
                glued = rest.removeprefix("=") if rest else None
                self._take(option, name, glued if rest else (None if option.value else ""))
                return
            self.reading.found.append((option, name, None))
