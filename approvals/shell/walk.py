"""Walks a syntax tree, keeps track of what the shell would know, and hands every simple command to the judge."""

import re
from collections.abc import Callable
from typing import Any

from approvals.shell.assign import assign, value_of
from approvals.shell.assigned import assigned_names, changes_directory, in_arithmetic
from approvals.shell.call import Call
from approvals.shell.characters import escape, imitates, suspicious
from approvals.shell.context import OVERRIDE, Context, Override, Overrides, Preset
from approvals.shell.environment import judge_assignments, judge_variables
from approvals.shell.expand import Expander
from approvals.shell.judge import Judge
from approvals.shell.lexer import Substitution
from approvals.shell.marks import MANY, TAME, UNKNOWN, is_opaque, is_static, show
from approvals.shell.parse import parse
from approvals.shell.scope import Scope
from approvals.shell.streams import follow
from approvals.shell.tree import (
    AndOr,
    Branch,
    Command,
    Function,
    Group,
    Loop,
    Node,
    Pipeline,
    Redirected,
    Sequence,
    Test,
    TooMuch,
    Unreadable,
)
from kernel.risk import Reason, Segment, Tier

_TRAILING = re.compile(r"(?:^|[\s;&|()])#[^\n]*\\\n")
MAX_COMMANDS = 400
MAX_WORDS = 600
MAX_NESTING = 12
MAX_UNROLLED = 8


class Walk:
    """One classification in progress; collects reasons and segments."""

    def __init__(self, context: Context, overrides: Overrides, preset: Preset) -> None:
        self.context = context
        self.overrides = overrides
        self.preset = preset
        self.reasons: dict[Reason, None] = {}
        self.segments: dict[Segment, None] = {}
        self.worst = Tier.NONE
        self.whole = ""
        self.commands = 0
        self.first = ""
        self.nesting = 0
        self.pipes: dict[str, str] = {}
        self.written: list[tuple[str, bool]] = []
        self.called: set[int] = set()
        # Whether a decoder has brought a hidden literal to light: what runs after it may come from there.
        self.unveiled = False
        self.defined: list[tuple[Function, Scope]] = []
        self.judge = Judge(self)

    def add(self, tier: Tier, rule: str, why: str, piece: str) -> None:
        """Note a reason."""
        self.reasons[Reason(tier, rule, why, escape(show(piece)))] = None
        self.worst = max(self.worst, tier)

    def lower(self, start: int, entry: Override) -> None:
        """Replace the medium reasons noted since ``start`` by the owner's entry."""
        for reason in tuple(self.reasons)[start:]:
            del self.reasons[reason]
        self.worst = Tier.NONE
        if entry.tier > Tier.NONE:
            self.add(entry.tier, OVERRIDE, entry.why, entry.words)

    def text(self, text: str, scope: Scope, stdin: str | None = None) -> str:
        """Judge a text that a shell would run in ``scope``; return its output in marked text."""
        if is_opaque(text):
            self.add(Tier.HIGH, "opaque", "runs a text that is not known beforehand", text)
            return UNKNOWN
        if self.unveiled and self.nesting:
            self.add(Tier.MEDIUM, "decoded", "runs a text after decoding one", text)
        self.nesting += 1
        try:
            self._check(text)
            return self.node(parse(text), scope, stdin)
        except Unreadable as problem:
            self.add(Tier.HIGH, "unreadable", str(problem), problem.piece or text)
            return UNKNOWN
        finally:
            self.nesting -= 1

    def _check(self, text: str) -> None:
        if self.nesting > MAX_NESTING:
            raise Unreadable("is nested too deeply to be judged", text)
        if _TRAILING.search(text):
            self.add(
                Tier.HIGH,
                "comment",
                "has a comment that ends in a backslash, which is read in different ways",
                text,
            )
        odd = suspicious(show(text))
        if odd:
            raise Unreadable(odd, text)

    def finish(self) -> None:
        """Judge the functions that were defined but never seen called."""
        # Judging a body may define further functions, which then stand at the end of the list.
        for function, scope in self.defined:
            if id(function.body) not in self.called:
                self.called.add(id(function.body))
                inner = scope.copy()
                inner.positional = None
                self.node(function.body, inner, None)

    def node(self, node: Node, scope: Scope, stdin: str | None) -> str:
        """Judge one node; return its output in marked text."""
        return _NODES[type(node)](self, node, scope, stdin)

    def simple(self, node: Command, scope: Scope, stdin: str | None) -> str:
        """Judge a simple command."""
        return self._command(node, scope, stdin, piped=False)

    def group(self, node: Group, scope: Scope, stdin: str | None) -> str:
        """Judge a group; a subshell keeps its changes to itself."""
        return self.node(node.body, scope.copy() if node.subshell else scope, stdin)

    def function(self, node: Function, scope: Scope, _stdin: str | None) -> str:
        """Remember a function."""
        scope.functions[node.name] = (*scope.functions.get(node.name, ()), node.body)
        self.defined.append((node, scope.copy()))
        return ""

    def test(self, node: Test, scope: Scope, _stdin: str | None) -> str:
        """Judge what the expansions of a test run."""
        self._expander().scan(node.inside, scope, arithmetic=node.arithmetic)
        self._forget_arithmetic(node, scope)
        return ""

    def _forget_arithmetic(self, node: Test, scope: Scope) -> None:
        if node.arithmetic:
            for name in in_arithmetic(node.inside.text):
                scope.assign(name, TAME)

    def sequence(self, node: Sequence, scope: Scope, stdin: str | None) -> str:
        """Judge statements one after another."""
        outputs: list[str] = []
        for part in node.parts:
            before = scope.directories
            outputs.append(self.node(part, scope, stdin))
            if scope.directories != before:
                # A `cd` that fails leaves the shell where it was, and what follows runs there.
                scope.fallback = tuple(dict.fromkeys((*scope.fallback, *before)))
        output = "".join(outputs)
        return UNKNOWN if is_opaque(output) else output

    def pipeline(self, node: Pipeline, scope: Scope, stdin: str | None) -> str:
        """Judge commands whose outputs feed the next one."""
        flowing, piped = stdin, False
        names = scope.names
        for part in node.parts:
            inner = scope.copy()
            inner.names = names
            if isinstance(part, Command):
                flowing = self._command(part, inner, flowing, piped=piped)
                # What a command makes for production, the next one may bring there.
                names = (*names, *(word.text for word in part.words[1:]), *_sources(part))
            else:
                flowing = self.node(part, inner, flowing)
            piped = True
        return flowing or ""

    def and_or(self, node: AndOr, scope: Scope, stdin: str | None) -> str:
        """Judge both sides; what follows knows only what holds either way."""
        start = scope.copy()
        left = self.node(node.left, scope, stdin)
        after = scope.copy()
        if node.operator == "||":
            scope.join(start)
        right = self.node(node.right, scope, stdin)
        if isinstance(node.right, Command) and _leaves(node.right):
            scope.become(after)
        else:
            scope.join(after)
        return right if not left else UNKNOWN if is_opaque(left + right) else left + right

    def branch(self, node: Branch, scope: Scope, stdin: str | None) -> str:
        """Judge every condition and body; what follows knows only what holds whichever ran."""
        expander = self._expander()
        for word in node.words:
            expander.scan(word, scope, arithmetic=False)
        for condition in node.conditions:
            self.node(condition, scope, stdin)
        ends: list[Scope] = []
        for body in node.bodies:
            inner = scope.copy()
            self.node(body, inner, stdin)
            ends.append(inner)
        for end in ends:
            scope.join(end)
        return UNKNOWN

    def loop(self, node: Loop, scope: Scope, stdin: str | None) -> str:
        """Judge a loop once for each known value, with what its body changes unknown."""
        for name in assigned_names(node):
            scope.forget(name)
        if changes_directory(node):
            scope.visit(UNKNOWN)
        expander = self._expander()
        for raw in node.loose:
            expander.scan(raw, scope, arithmetic=True)
            for name in in_arithmetic(raw.text):
                scope.assign(name, TAME)
        values = self._loop_values(node, scope, expander)
        if node.condition is not None:
            self.node(node.condition, scope, stdin)
        if not values:
            self.node(node.body, scope, stdin)
        for value in values:
            scope.assign(node.variable or "_", value)
            self.node(node.body, scope, stdin)
        if node.variable and values:
            scope.forget(node.variable)
        return UNKNOWN

    def _loop_values(self, node: Loop, scope: Scope, expander: Expander) -> list[str]:
        if node.variable is None:
            return []
        if node.words is None:
            found = list(scope.positional) if scope.positional is not None else [UNKNOWN]
        else:
            found = [field for word in node.words for field in expander.fields(word, scope)]
        values = list(dict.fromkeys(value.replace(MANY, UNKNOWN) for value in found))
        if len(values) <= MAX_UNROLLED:
            return values
        return [TAME] if all(value.isalnum() or value == TAME for value in values) else [UNKNOWN]

    def redirected(self, node: Redirected, scope: Scope, stdin: str | None) -> str:
        """Judge a compound command with redirections."""
        call = Call([], scope, node.text)
        given, discarded = follow(self, self._expander(), node.redirects, call, stdin)
        written, self.written = self.written, []
        output = self.node(node.body, scope, given)
        for target, whole in written:
            self.judge.wrote(target, call, output if whole else UNKNOWN)
        self._segment(call, plain=False)
        return "" if discarded else output

    # Simple commands

    def _expander(self) -> Expander:
        return Expander(self.substitute)

    def substitute(self, piece: Substitution, scope: Scope) -> str:
        """Judge a substitution's text and return what it would print, or the name of its pipe."""
        inner = scope.copy()
        if piece.kind == ">(":
            self.text(piece.text, inner, UNKNOWN)
            return self._pipe(UNKNOWN)
        output = self._read_file(piece.text, inner) or self.text(piece.text, inner)
        # A word cannot hold a NUL: the shell leaves it out.
        return self._pipe(output) if piece.kind == "<(" else output.replace("\0", "")

    def _read_file(self, text: str, scope: Scope) -> str:
        """``$(< file)`` prints the file."""
        return "" if not text.lstrip().startswith("<") else self.text(f"cat {text}", scope)

    def _pipe(self, content: str) -> str:
        name = f"/dev/fd/{63 - len(self.pipes)}"
        self.pipes[name] = content
        return name

    def _command(self, node: Command, scope: Scope, stdin: str | None, *, piped: bool) -> str:
        self._count()
        self.first = self.first or node.text
        call = Call([], scope, node.text, stdin, piped)
        worst, self.worst = self.worst, Tier.NONE
        try:
            output = self._judge_command(node, call)
        except Unreadable as problem:
            # What follows is judged all the same: something graver may stand there.
            self.add(Tier.HIGH, "unreadable", str(problem), problem.piece or node.text)
            call.argv, output = [], UNKNOWN
        plain = not node.assignments and not node.redirects and stdin is None
        self._segment(call, plain=plain, tier=self.worst)
        self.worst = max(self.worst, worst)
        return output

    def _judge_command(self, node: Command, call: Call) -> str:
        expander, scope = self._expander(), call.scope
        call.environment = {found.name: value_of(found, expander, scope) for found in node.assignments}
        for index, word in enumerate(node.words):
            call.argv.extend(expander.fields(word, scope))
            if len(call.argv) > MAX_WORDS:
                raise Unreadable("expands to too many words", node.text)
            if index == 0:
                hidden = self.unveiled and "$" in word.text
                call.decoded = expander.decoded or expander.substituted or hidden
        stdin = call.stdin
        written, self.written = self.written, []
        given, discarded = follow(self, self._expander(), node.redirects, call, stdin)
        if given is not stdin:
            call.stdin, call.piped = given, False
        judge_variables(self, expander.touched)
        written, self.written = self.written, written
        output = self._run(node, call)
        for target, whole in written:
            self.judge.wrote(target, call, output if whole else UNKNOWN)
        return "" if discarded else output

    def _run(self, node: Command, call: Call) -> str:
        for word in call.argv:
            if imitates(word) and " " not in word:
                self.add(Tier.HIGH, "characters", "has characters that imitate others", word)
        judge_assignments(self, call)
        if not call.argv:
            for found in node.assignments:
                assign(found, call)
            return ""
        for found in node.assignments:
            if found.array:
                assign(found, call)
        return self.judge.run(call)

    def _count(self) -> None:
        self.commands += 1
        if self.commands > MAX_COMMANDS:
            raise TooMuch

    def _segment(self, call: Call, *, plain: bool, tier: Tier = Tier.NONE) -> None:
        static = bool(call.argv) and all(is_static(word) for word in call.argv)
        if not call.argv and not call.paths and tier is Tier.NONE:
            return
        argv = tuple(call.argv) if static and plain else None
        segment = Segment(escape(call.text), tier, argv, tuple(call.paths), tuple(call.scripts))
        self.segments[segment] = None


_NODES: dict[type[Node], Callable[[Walk, Any, Scope, str | None], str]] = {
    Command: Walk.simple,
    Pipeline: Walk.pipeline,
    Sequence: Walk.sequence,
    AndOr: Walk.and_or,
    Group: Walk.group,
    Redirected: Walk.redirected,
    Branch: Walk.branch,
    Loop: Walk.loop,
    Function: Walk.function,
    Test: Walk.test,
}


def _sources(command: Command) -> list[str]:
    """Return what a command is fed from, as it is written."""
    return [found.target.text for found in command.redirects if found.operator == "<" and found.target]


def _leaves(command: Command) -> bool:
    """Tell whether nothing that follows the command in its list runs."""
    return bool(command.words) and command.words[0].text in {"exit", "return", "break", "continue"}
