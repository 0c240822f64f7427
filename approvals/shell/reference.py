"""The reference of the risk tiers, written from the tables that the classifier uses."""

from collections.abc import Iterator, Mapping

from approvals.shell.context import Preset
from approvals.shell.effects import MATRIX, PLACES, Effect
from approvals.shell.rule import Rule, Use
from approvals.shell.rules import GROUPS
from approvals.shell.rules.statements import LEADING
from approvals.shell.rules.variables import COMMANDS, LOADS, SEARCHES
from kernel.risk import Tier

_INTRODUCTION = """\
# Risk tiers

Every shell text has a tier before it runs: `none` and it runs, `low` and it runs by itself five minutes after
its notice was delivered, `medium` and `high` wait for a person, `deny` is refused and never asked. `hermes
classify` tells the tier of a text on its standard input, with the reasons. This page is generated from the
tables that the classifier uses.

A text has the tier of the gravest command that *could* run in it: both sides of every operator, all branches,
the bodies of functions and traps, substitutions wherever they stand, and whatever a wrapper hands its
arguments to. What is not statically known where it decides the effect - a program's name, an option, an
operand - is opaque, and opaque is high. So is whatever cannot be read with certainty, is too long, too deep
or too much, or holds invisible or look-alike characters.

The owner's own table (`approvals.overrides` in the settings) may raise anything. It may lower what is medium here
for the program that it names, and never high, deny or opaque.
"""
_HANDLED = "by its arguments"
_SPENT = frozenset({Use.ANY, Use.DATA, Use.NAME, Use.READ, Use.URL})


def reference() -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION, *_presets(), *_places(), *_variables(), *_statements()]
    for title, programs in GROUPS.items():
        parts.extend(_group(title, programs))
    return "\n".join(parts).rstrip() + "\n"


def _presets() -> Iterator[str]:
    yield "## Programs without a rule\n\n| preset | tier |\n|---|---|"
    for preset in Preset:
        yield f"| {preset} | {preset.unknown_program} |"
    yield ""


def _places() -> Iterator[str]:
    effects = [effect for effect in Effect if effect is not Effect.READ_TREE]
    yield "## Files, by what happens to them and where they lie\n"
    yield "| | " + " | ".join(effect.replace("_", " ") for effect in effects) + " |"
    yield "|---" * (len(effects) + 1) + "|"
    for zone, tiers in MATRIX.items():
        yield f"| {PLACES[zone]} | " + " | ".join(str(tiers[effect]) for effect in effects) + " |"
    yield "\nLow needs an exact name: no trailing slash, and no pattern that matches everything in a folder.\n"


def _variables() -> Iterator[str]:
    yield "## Variables\n"
    yield f"Setting one of these runs what it names, at least medium: {_codes(COMMANDS)}.\n"
    yield f"Setting one of these changes what other commands load or obey, medium: {_codes(LOADS)}.\n"
    yield f"These are search paths, harmless inside the workspace: {_codes(SEARCHES)}.\n"


def _codes(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=lambda name: (name.lower(), name)))


def _statements() -> Iterator[str]:
    yield "## SQL, by the first word of a statement\n\n| statement | tier | why |\n|---|---|---|"
    by_verdict: dict[tuple[Tier, str], list[str]] = {}
    for word, verdict in LEADING.items():
        by_verdict.setdefault(verdict, []).append(word)
    for (tier, why), words in sorted(by_verdict.items()):
        yield f"| {', '.join(sorted(words))} | {tier} | {why or 'only looks'} |"
    yield "| UPDATE, DELETE with a condition | medium | changes rows |"
    yield "| UPDATE, DELETE without one | high | changes every row |\n"


def _group(title: str, programs: Mapping[str, Rule]) -> Iterator[str]:
    yield f"## {title}\n\n| command | tier | why | raised by |\n|---|---|---|---|"
    by_rule: dict[int, list[str]] = {}
    rules = {id(rule): rule for rule in programs.values()}
    for name, rule in programs.items():
        by_rule.setdefault(id(rule), []).append(name)
    for key, names in by_rule.items():
        yield from _rows(", ".join(names), rules[key])
    yield ""


def _rows(label: str, rule: Rule) -> Iterator[str]:
    if not rule.verbs or rule.tier > Tier.NONE:
        yield _row(label, rule)
    by_rule: dict[int, list[str]] = {}
    rules = {id(verb): verb for verb in rule.verbs.values()}
    for name, verb in rule.verbs.items():
        by_rule.setdefault(id(verb), []).append(name)
    for key, names in by_rule.items():
        yield from _rows(f"{label} {', '.join(names)}", rules[key])
    if rule.other is not None:
        yield _row(f"{label} *anything else*", rule.other)


def _row(label: str, rule: Rule) -> str:
    tier = f"{rule.tier}" if not rule.handler else f"{rule.tier}, {_HANDLED}"
    raised = [
        f"`{_shortest(option.names)}` {option.tier}" for option in rule.options if option.tier > rule.tier
    ]
    raised += [
        f"`{_shortest(option.names)}` as what it runs"
        for option in rule.options
        if option.use is not None
        and option.use not in _SPENT
        and option.tier <= rule.tier
        and option.use in _RUNS
    ]
    uses = [use for use in (*rule.operands, rule.last) if use is not None and use not in _SPENT]
    why = rule.why or ", ".join(dict.fromkeys(f"{use} its operands" for use in uses)) or ""
    if rule.deploy:
        raised.append("a production name high")
    return f"| {_escaped(label)} | {tier} | {why} | {_escaped('; '.join(raised))} |"


_RUNS = frozenset({Use.COMMAND, Use.SHELL, Use.SHELL_WORDS, Use.PROGRAM, Use.CODE, Use.SQL, Use.SCRIPT})


def _shortest(names: tuple[str, ...]) -> str:
    return max(names, key=len)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
