"""Applies the rule tables to one simple command."""

import re
from collections.abc import Iterator, Mapping

from approvals.shell.bench import Walking
from approvals.shell.beyond import beyond, without_rule
from approvals.shell.call import Call
from approvals.shell.context import OVERRIDE, Context
from approvals.shell.effects import Effect, is_deletion, judge
from approvals.shell.handlers import FUNCTIONS
from approvals.shell.job import Job
from approvals.shell.marks import STDIN, UNKNOWN, base, is_opaque, is_static
from approvals.shell.options import Reading, read
from approvals.shell.outputs import output_of
from approvals.shell.paths import locate, normalise
from approvals.shell.production import names_production
from approvals.shell.protect import in_code, mentions
from approvals.shell.rule import Option, Rule, Use
from approvals.shell.rules import PROGRAMS
from approvals.shell.scope import REMOTE_HOME
from approvals.shell.tree import TooMuch
from approvals.shell.uses import REST, apply_rest, apply_use, run_script
from approvals.shell.wordlist import RESERVED, words
from kernel.risk import PathUse, Tier

_VERSIONED = re.compile(
    r"(python|pip|ruby|php|perl|lua|node|gcc|g\+\+|clang|clang\+\+|java|pypy|bash|psql)-?\d[\d.]*\Z"
)
_TRUSTED_FOLDER = re.compile(
    r"(/usr)?(/local)?/s?bin|/opt/homebrew/bin|/snap/bin|.*/(\.venv|venv|env|\.tox/[^/]+|\.nox/[^/]+)/bin"
    r"|.*/node_modules/\.bin|.*/vendor/bin|.*/\.(cargo|pyenv/shims|local|bun|deno|nvm/[^"
    r" ]*)/?bin|.*/\.pyenv/shims"
)
_PROJECT_TOOLS = words("gradlew mvnw rails rake rspec bundle")
_REMOTE = Context(REMOTE_HOME, REMOTE_HOME, "/nonexistent/hermes", ("/nonexistent/workspace",))
MAX_JUDGED = 900
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
_MOST_WORDS = 400
_ORDINARY = words("HOME PWD OLDPWD PATH IFS HERMES_HOME")
# Where a manifest says what it is for.
_PLACES = re.compile(r"^[ \t-]*(?:namespace|environment|env|context|cluster|stage):[ \t]*(\S+)", re.MULTILINE)


class Judge:
    """Judges simple commands on behalf of a walk."""

    def __init__(self, walk: Walking) -> None:
        self.walk = walk
        self.runs = 0
        self.judged = 0

    # What handlers and uses call

    def add(self, tier: Tier, rule: str, why: str, piece: str) -> None:
        """Note a reason."""
        self.walk.add(tier, rule, why, piece)

    def opaque(self, rule: str, why: str, piece: str) -> None:
        """Note that the effect is not statically known."""
        self.walk.add(Tier.HIGH, rule, why, piece)

    def context(self, call: Call) -> Context:
        """Return the context that the command's paths mean."""
        return _REMOTE if call.scope.remote else self.walk.context

    def touch(self, effect: Effect, word: str, call: Call) -> None:
        """Judge an effect on a path from every directory in which the command may run."""
        if word in {"-", ""} or word in self.walk.pipes:
            return
        context = self.context(call)
        directories = call.scope.directories
        if is_deletion(effect):
            directories = (*directories, *call.scope.fallback)
        for directory in dict.fromkeys(directories):
            place = locate(word, directory, context)
            tier, why = judge(effect, place, context)
            if tier > Tier.NONE:
                self.add(tier, f"path.{place.zone}.{effect}", why, word)
            if is_static(place.path):
                call.paths.append(PathUse(effect, place.path))

    def watch(self, word: str, call: Call) -> None:
        """Refuse a word that names Hermes' own files, whatever the program does with it."""
        if mentions(word, call.scope.directories, self.context(call)):
            self.add(Tier.DENY, "hermes.home", "touches what belongs to Hermes itself", word)

    def watch_remote(self, text: str) -> None:
        """Refuse a text for another machine or a container that names Hermes' own files: it may be this machine."""
        own = in_code(text, self.walk.context)
        if own is not None:
            self.add(Tier.DENY, "hermes.home", own, text)

    def wrote(self, target: str, call: Call, content: str = UNKNOWN) -> None:
        """Remember what a command wrote, so that running it later in the same text is judged by that."""
        for directory in call.scope.directories:
            path = normalise(target, directory)
            call.scope.files[path] = UNKNOWN if path in call.scope.files else content

    def rule_of(self, name: str) -> Rule | None:
        """Return the rule of a program by its base name."""
        return PROGRAMS.get(name)

    def read_file(self, word: str, call: Call) -> str:
        """Judge reading a file and return its content where it is known."""
        self.touch(Effect.READ, word, call)
        return self.content(word, call)

    def content(self, word: str, call: Call) -> str:
        """Return what a file holds: a pipe's output, a file this text wrote, or one that the caller read."""
        if word in self.walk.pipes:
            return self.walk.pipes[word]
        if word == "-" or word in STDIN:
            return call.stdin if call.stdin is not None else UNKNOWN
        path = normalise(word, call.scope.directories[0])
        known = call.scope.files.get(path)
        if known is None and not call.scope.remote:
            known = self.walk.context.files.get(path)
        return UNKNOWN if known is None else known

    def wrap(self, argv: list[str], call: Call) -> None:
        """Judge the command that another one runs."""
        if not argv:
            return
        self.run(call.inner(argv))

    # The way of one command

    def run(self, call: Call) -> str:
        """Judge a command; return its output in marked text."""
        self.judged += 1
        if self.judged > MAX_JUDGED:
            raise TooMuch
        name = call.argv[0]
        if is_opaque(name) or not is_static(name) or not name:
            self.opaque("opaque.command", "the program's name is not known beforehand", " ".join(call.argv))
            return UNKNOWN
        if name in RESERVED or _ASSIGNMENT.match(name):
            self.opaque(
                "unreadable", "has a word where a program is expected that cannot be one", " ".join(call.argv)
            )
        if call.decoded:
            self.add(Tier.MEDIUM, "decoded", "the program's name is computed instead of written", name)
        if len(call.argv) > _MOST_WORDS:
            self.opaque("opaque.words", "has too many words to be judged", name)
        if name in call.scope.functions:
            return self._function(name, call)
        rule, program = self._find(name, call)
        if rule is None:
            self._without_rule(program, call)
            return UNKNOWN
        self.runs += 1
        before, start, runs = self.walk.worst, len(self.walk.reasons), self.runs
        self.walk.worst = Tier.NONE
        self.apply(rule, program, call.argv[1:], call, {})
        beyond(self, program, call)
        self._override(program, call, start, lowers=runs == self.runs)
        self.walk.worst = max(self.walk.worst, before)
        return output_of(self, rule, program, call)

    def _function(self, name: str, call: Call) -> str:
        output = ""
        for body in call.scope.functions[name]:
            self.walk.called.add(id(body))
            positional, call.scope.positional = call.scope.positional, tuple(call.argv[1:])
            functions = call.scope.functions
            # A function that calls itself adds nothing that its first round did not show.
            call.scope.functions = {key: value for key, value in functions.items() if key != name}
            output = self.walk.node(body, call.scope, call.stdin)
            call.scope.functions = {**call.scope.functions, name: functions[name]}
            call.scope.positional = positional
        return output

    def _find(self, name: str, call: Call) -> tuple[Rule | None, str]:
        """Return the rule of a program; a program of the workspace or a temporary folder is at least medium."""
        program = base(name)
        if "/" in name:
            folder = normalise(name, call.scope.directories[0]).rpartition("/")[0] or "/"
            known = program in _PROJECT_TOOLS or _TRUSTED_FOLDER.fullmatch(folder) is not None
            written = any(path.rpartition("/")[0] == folder for path in call.scope.files)
            if not known or written:
                run_script(self, name, call)
        else:
            self._planted(name, call)
        rule = PROGRAMS.get(program)
        if rule is None and _VERSIONED.fullmatch(program):
            program = program.rstrip("0123456789.").rstrip("-")
            rule = PROGRAMS.get(program)
        return rule, program

    def _planted(self, name: str, call: Call) -> None:
        """Judge a program by the file that this very text put where programs are looked for."""
        for path in call.scope.files:
            if path.endswith((f"/bin/{name}", f"/sbin/{name}")):
                run_script(self, path, call)
                return

    def _without_rule(self, program: str, call: Call) -> None:
        if len(call.argv) == 2 and call.argv[1] in {"--version", "--help", "-V"} and "/" not in call.argv[0]:  # noqa: PLR2004 - program and flag
            return
        before, start, runs = self.walk.worst, len(self.walk.reasons), self.runs
        self.walk.worst = Tier.NONE
        without_rule(self, program, call)
        self._override(program, call, start, lowers=runs == self.runs)
        self.walk.worst = max(self.walk.worst, before)

    def _override(self, program: str, call: Call, start: int, *, lowers: bool) -> None:
        """Apply the owner's own entry; a wrapper never lowers what it wraps."""
        entry = self.walk.overrides.matching((program, *call.argv[1:]))
        if entry is None:
            return
        if entry.tier > self.walk.worst:
            self.add(entry.tier, OVERRIDE, entry.why, entry.words)
        elif self.walk.worst is Tier.MEDIUM and lowers:
            self.walk.lower(start, entry)

    def apply(
        self, rule: Rule, label: str, args: list[str], call: Call, inherited: Mapping[str, Option]
    ) -> None:
        """Judge arguments by a rule; ``label`` is the program with its sub-commands so far."""
        if _asks_for_help(args, rule):
            return
        if rule.handler:
            FUNCTIONS[rule.handler](Job(self, rule, label, args, call))
            return
        self.by_table(rule, label, args, call, inherited)

    def by_table(
        self, rule: Rule, label: str, args: list[str], call: Call, inherited: Mapping[str, Option]
    ) -> Reading | None:
        """Judge arguments by what the table says; return how they were read unless a sub-command took over."""
        if rule.verbs:
            self._verb(rule, label, args, call, inherited)
            return None
        reading = read(args, rule, inherited)
        self._options(reading, label, call)
        if reading.calm:
            return reading
        if rule.bare is not None and not reading.operands:
            self._base(rule.bare, label, call)
            return reading
        self._base(rule, label, call)
        self._doubts(rule, reading, label, call)
        self._operands(rule, reading, label, call)
        return reading

    def _verb(
        self, rule: Rule, label: str, args: list[str], call: Call, inherited: Mapping[str, Option]
    ) -> None:
        reading = read(args, _posix(rule), inherited)
        self._options(reading, label, call)
        for word in reading.uncertain[:1]:
            self.opaque("opaque.verb", "what it is told to do is not known beforehand", f"{label} {word}")
            return
        if not reading.operands:
            if not reading.calm:
                self._base(rule.bare or rule, label, call)
            return
        verb, rest = reading.operands[0], reading.operands[1:]
        found = (
            rule.verbs.get(verb) or rule.other or (_UNKNOWN_VERB if rule.tier is Tier.NONE else _stern(rule))
        )
        if reading.calm and not found.verbs:
            return
        self.apply(found, f"{label} {verb}", rest, call, {**inherited, **_passed_on(rule)})

    def _base(self, rule: Rule, label: str, call: Call) -> None:
        tier = rule.tier
        if tier > Tier.NONE:
            self.add(tier, label, rule.why or "changes something", " ".join(call.argv))
        if rule.deploy:
            self.production(call, label)

    def production(self, call: Call, label: str) -> None:
        """Raise a deploy-like command whose words or surroundings name production."""
        for word in (*call.argv[1:], *self.surroundings(call)):
            if names_production(word):
                self.add(Tier.HIGH, f"{label}.production", "changes production", word)
                return

    def surroundings(self, call: Call) -> Iterator[str]:
        """Yield what may name production beside a command's own words: what feeds it, its variables and its folder."""
        yield from (*call.scope.names, *call.fed, *call.environment.values())
        # Who sets AWS_PROFILE or ENV first means what comes after it.
        yield from (
            value for name, value in call.scope.variables.items() if name.isupper() and name not in _ORDINARY
        )
        if call.stdin is not None and is_static(call.stdin):
            yield from _PLACES.findall(call.stdin)
        context = self.context(call)
        for directory in call.scope.directories:
            yield from (
                directory[len(root) :]
                for root in context.roots
                if directory.startswith(root.rstrip("/") + "/")
            )

    def _options(self, reading: Reading, label: str, call: Call) -> None:
        for option, name, value in reading.found:
            if option.tier > Tier.NONE and not (reading.calm and option.use is None):
                self.add(option.tier, f"{label} {name}", option.why, f"{name} {value or ''}".strip())
            if value is None:
                continue
            if option.use is None:
                self.watch(value, call)
            else:
                apply_use(self, option.use, value, call, label)

    def _doubts(self, rule: Rule, reading: Reading, label: str, call: Call) -> None:
        if rule.strict and reading.unknown:
            self.opaque(f"{label}.option", "has an option that the rules do not know", reading.unknown[0])
        for word in reading.unknown:
            self.watch(word, call)
        if rule.risky and reading.uncertain:
            self.opaque(
                "opaque.option", "a word that is not known beforehand may be an option", reading.uncertain[0]
            )

    def _operands(self, rule: Rule, reading: Reading, label: str, call: Call) -> None:
        operands = reading.operands
        if rule.last is not None and not reading.has_target and len(operands) > 1:
            apply_use(self, rule.last, operands[-1], call, label)
            operands = operands[:-1]
        for index, word in enumerate(operands):
            use = rule.operands[min(index, len(rule.operands) - 1)] if rule.operands else Use.ANY
            if use in REST:
                apply_rest(self, use, rule, operands[index:], call, label)
                return
            apply_use(self, use, word, call, label)


_UNKNOWN_VERB = Rule(Tier.MEDIUM, "is a sub-command without a rule")


def _passed_on(rule: Rule) -> dict[str, Option]:
    """The options that a sub-command shares; a letter for the version means something else there."""
    return {
        name: option
        for name, option in rule.index.items()
        if not option.calm or name in {"--help", "--version"}
    }


def _stern(rule: Rule) -> Rule:
    """The rule of a program that is free only with the sub-commands that it names."""
    return Rule(rule.tier, rule.why, deploy=rule.deploy)


def _posix(rule: Rule) -> Rule:
    return rule if rule.posix else _posix_of(rule)


_POSIX: dict[int, Rule] = {}


def _posix_of(rule: Rule) -> Rule:
    found = _POSIX.get(id(rule))
    if found is None:
        found = Rule(options=rule.options, posix=True, words=rule.words, strict=rule.strict)
        _POSIX[id(rule)] = found
    return found


def _asks_for_help(args: list[str], rule: Rule) -> bool:
    """Tell whether the arguments only ask for help or the version."""
    return len(args) == 1 and args[0] in {"--help", "--version"} and not rule.strict
