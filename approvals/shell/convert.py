"""From tree-sitter's nodes to our syntax tree; what is not expected is refused."""

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from tree_sitter import Node

from approvals.shell.lexer import split_words
from approvals.shell.nodes import MAX_DEPTH, SPACE
from approvals.shell.redirects import KINDS, Redirections
from approvals.shell.tree import (
    AndOr,
    Assignment,
    Branch,
    Command,
    Function,
    Group,
    Loop,
    Pipeline,
    Raw,
    Redirect,
    Redirected,
    Sequence,
    Test,
    Unreadable,
)
from approvals.shell.tree import Node as Tree
from approvals.shell.wordlist import RESERVED


class Converter(Redirections):
    """Turns one parsed tree into ours; every method refuses what it does not expect."""

    def program(self) -> Tree:
        body = self.statements(self.root.children, 0, len(self.text))
        self.check_continuations()
        return body

    def statements(self, children: Iterable[Node], start: int, end: int) -> Tree:
        """Convert the statements between two offsets; separators and white space only may stand between them."""
        parts: list[Tree] = []
        position, separated = start, True
        for child in children:
            gap = self.text[position : self.start(child)]
            if not SPACE.match(gap):
                raise Unreadable("has text that the parser skipped", gap)
            separated = separated or "\n" in gap.replace("\\\n", "")
            if child.type in {";", "&", "\n"}:
                separated = True
            elif child.type == "comment":
                pass
            elif not separated:
                raise Unreadable("runs two commands together", self.of(child))
            else:
                parts.append(self.statement(child))
                separated = False
            position = self.end(child)
        if not SPACE.match(self.text[position:end]):
            raise Unreadable("has text that the parser skipped", self.text[position:end])
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def statement(self, node: Node) -> Tree:
        convert = _STATEMENTS.get(node.type)
        if convert is None:
            raise Unreadable(f"uses a construct that is not understood ({node.type})", self.of(node))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("is nested too deeply to be judged")
        tree = convert(self, node)
        self.depth -= 1
        return tree

    def command(self, node: Node) -> Tree:
        assignments: list[Assignment] = []
        redirects: list[Redirect] = []
        words: list[tuple[int, int]] = []
        self._check_pieces(node.children)
        for child in node.children:
            if child.type == "variable_assignment" and not words:
                assignments.append(self.assignment(child))
            elif child.type in KINDS:
                redirects.append(self.redirect(child))
            else:
                words.append((self.start(child), self.end(child)))
        raws = self.words(words)
        if raws and raws[0].text in RESERVED:
            raise Unreadable("uses a reserved word as a command", self.of(node))
        if node.type == "command" and not redirects and not assignments and raws:
            self._check_cover(node, raws)
        return Command(raws, tuple(assignments), tuple(redirects), self.of(node))

    def _check_pieces(self, children: list[Node]) -> None:
        """Words may touch, and are one word then; an assignment or a redirection must not touch what follows it."""
        self.check_gaps(children)
        for left, right in pairwise(children):
            if self.end(left) != self.start(right):
                continue
            joins = (
                left.type == "variable_assignment"
                or right.type == "variable_assignment"
                or left.type in KINDS
            )
            if joins or (right.type in KINDS and self.text[self.start(right)].isdigit()):
                raise Unreadable(
                    "splits a word in an unusual way", self.text[self.start(left) : self.end(right)]
                )

    def _check_cover(self, node: Node, raws: tuple[Raw, ...]) -> None:
        if raws[0].start != self.start(node) or raws[-1].end != self.end(node):
            raise Unreadable("has text that the parser skipped", self.of(node))

    def assignments(self, node: Node) -> Tree:
        self._check_pieces(node.children)
        found = tuple(self.assignment(child) for child in node.children)
        return Command((), found, (), self.of(node))

    def lone_assignment(self, node: Node) -> Tree:
        return Command((), (self.assignment(node),), (), self.of(node))

    def assignment(self, node: Node) -> Assignment:
        if node.type != "variable_assignment":
            raise Unreadable("uses a construct that is not understood", self.of(node))
        whole = self.of(node)
        match = re.match(r"[A-Za-z_]\w*", whole)
        operator = next((child for child in node.children if child.type in {"=", "+="}), None)
        if match is None or operator is None:
            raise Unreadable("has an assignment that is not understood", whole)
        start, end = self.start(node), self.end(node)
        subscript = None
        if whole[match.end() : match.end() + 1] == "[":
            subscript = Raw(self.source, start + match.end(), self.start(operator))
        elif self.start(operator) != start + match.end():
            raise Unreadable("has an assignment that is not understood", whole)
        value_start = self.end(operator)
        value = Raw(self.source, value_start, end) if value_start < end else None
        array = value is not None and value.text.startswith("(")
        return Assignment(match.group(), value, operator.type == "+=", subscript, array)

    def declaration(self, node: Node) -> Tree:
        """``export``, ``local``, ``unset`` …: each argument is one word that the command interprets."""
        arrays: list[Assignment] = []
        spans: list[tuple[int, int]] = []
        for child in node.children:
            start, end = self.start(child), self.end(child)
            if child.type == "variable_assignment" and "(" in self.text[start:end]:
                found = self.assignment(child)
                if found.array:
                    arrays.append(found)
                    end = start + len(found.name)
            spans.append((start, end))
        if arrays:
            return Command(self._declared(spans), tuple(arrays), (), self.of(node))
        return Command(self.words(spans), (), (), self.of(node))

    def _declared(self, spans: list[tuple[int, int]]) -> tuple[Raw, ...]:
        """The words of a declaration whose array literals were taken out."""
        return tuple(Raw(self.source, start, end) for start, end in spans)

    def pipeline(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        parts = [child for child in node.children if child.type not in {"|", "|&", "comment"}]
        return Pipeline(tuple(self.statement(child) for child in parts))

    def and_or(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        left, operator, right = self._parts(node, 3)
        if operator.type not in {"&&", "||"}:
            raise Unreadable("uses a construct that is not understood", self.of(node))
        return AndOr(self.statement(left), self.statement(right), operator.type)

    def _parts(self, node: Node, count: int) -> list[Node]:
        parts = [child for child in node.children if child.type != "comment"]
        if len(parts) != count:
            raise Unreadable("uses a construct that is not understood", self.of(node))
        return parts

    def negated(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        bang, inner = self._parts(node, 2)
        if bang.type != "!" or self.text[self.end(bang)] not in " \t(\\":
            raise Unreadable("uses a construct that is not understood", self.of(node))
        return self.statement(inner)

    def compound(self, node: Node) -> Tree:
        first, last = node.children[0], node.children[-1]
        if first.type == "((":
            return self.test(node)
        if (first.type, last.type) not in {("{", "}"), ("(", ")")}:
            raise Unreadable("uses a construct that is not understood", self.of(node))
        if first.type == "{" and self.text[self.end(first)] not in " \t\n\\":
            raise Unreadable("uses a construct that is not understood", self.of(node))
        body = self.statements(node.children[1:-1], self.end(first), self.start(last))
        return Group(body, first.type == "(")

    def test(self, node: Node) -> Tree:
        first, last = node.children[0], node.children[-1]
        pair = (first.type, last.type)
        if pair not in {("[[", "]]"), ("[", "]"), ("((", "))")}:
            raise Unreadable("uses a construct that is not understood", self.of(node))
        if pair == ("[", "]"):
            return self._bracket(node)
        if pair[0] == "[[" and self.text[self.end(first)] not in " \t\n\\":
            raise Unreadable("uses a construct that is not understood", self.of(node))
        inside = Raw(self.source, self.end(first), self.start(last))
        return Test(inside, pair[0] == "((", self.of(node))

    def _bracket(self, node: Node) -> Tree:
        """``[ … ]`` is an ordinary command whose words the lexer must find by itself."""
        return Command(split_words(self.source, self.start(node), self.end(node)), (), (), self.of(node))

    def branch(self, node: Node) -> Tree:
        """``if``: every condition may run, and at most one body."""
        self.check_gaps(node.children)
        conditions: list[Tree] = []
        bodies: list[Tree] = []
        sink, pending = conditions, list[Node]()
        for child in [*node.children, None]:
            kind = child.type if child is not None else "fi"
            if child is None or kind in {"if", "then", "elif_clause", "else_clause", "fi", "elif", "else"}:
                if pending:
                    sink.append(self._run(pending))
                pending = []
                sink = bodies if kind in {"then", "else"} else conditions if kind in {"if", "elif"} else sink
                if child is not None and kind in {"elif_clause", "else_clause"}:
                    self._clause(child, conditions, bodies)
            else:
                pending.append(child)
        return Branch((), tuple(conditions), tuple(bodies))

    def _clause(self, node: Node, conditions: list[Tree], bodies: list[Tree]) -> None:
        inner = self.branch(node)
        if isinstance(inner, Branch):
            conditions.extend(inner.conditions)
            bodies.extend(inner.bodies)

    def _run(self, nodes: list[Node]) -> Tree:
        return self.statements(nodes, self.start(nodes[0]), self.end(nodes[-1]))

    def case(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        words: list[Raw] = []
        bodies: list[Tree] = []
        for child in node.children:
            if child.type == "case_item":
                self._case_item(child, words, bodies)
            elif child.type not in {"case", "in", "esac", "comment", "\n", ";"}:
                words.append(Raw(self.source, self.start(child), self.end(child)))
        return Branch(tuple(words), (), tuple(bodies))

    def _case_item(self, node: Node, words: list[Raw], bodies: list[Tree]) -> None:
        children = node.children
        self.check_gaps(children)
        close = next((index for index, child in enumerate(children) if child.type == ")"), None)
        if close is None:
            raise Unreadable("has a case that is not understood", self.of(node))
        patterns = (child for child in children[:close] if child.type not in {"(", "|"})
        words.extend(Raw(self.source, self.start(child), self.end(child)) for child in patterns)
        body = [child for child in children[close + 1 :] if child.type not in {";;", ";&", ";;&"}]
        if body:
            bodies.append(self._run(body))

    def loop(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        condition: list[Node] = []
        body: Tree | None = None
        for child in node.children:
            if child.type == "do_group":
                body = self._do_group(child)
            elif child.type not in {"while", "until"}:
                condition.append(child)
        if body is None or not condition:
            raise Unreadable("has a loop that is not understood", self.of(node))
        return Loop(None, (), self._run(condition), body)

    def for_each(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        variable = next((child for child in node.children if child.type == "variable_name"), None)
        body = next(
            (
                self._block(child)
                for child in node.children
                if child.type in {"do_group", "compound_statement"}
            ),
            None,
        )
        if variable is None or body is None:
            raise Unreadable("has a loop that is not understood", self.of(node))
        skip = {"for", "select", "in", ";", "\n", "do_group", "compound_statement", "comment"}
        values = [child for child in node.children if child.type not in skip and child != variable]
        ranged = any(child.type == "in" for child in node.children)
        words = self.words([(self.start(child), self.end(child)) for child in values]) if ranged else None
        return Loop(self.of(variable), words, None, body)

    def for_counted(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        open_, close = (next((c for c in node.children if c.type == kind), None) for kind in ("((", "))"))
        body = next(
            (
                self._block(child)
                for child in node.children
                if child.type in {"do_group", "compound_statement"}
            ),
            None,
        )
        if open_ is None or close is None or body is None:
            raise Unreadable("has a loop that is not understood", self.of(node))
        return Loop(None, (), None, body, (Raw(self.source, self.end(open_), self.start(close)),))

    def _block(self, node: Node) -> Tree:
        return self._do_group(node) if node.type == "do_group" else self.statement(node)

    def _do_group(self, node: Node) -> Tree:
        first, last = node.children[0], node.children[-1]
        if (first.type, last.type) != ("do", "done"):
            raise Unreadable("has a loop that is not understood", self.of(node))
        return self.statements(node.children[1:-1], self.end(first), self.start(last))

    def function(self, node: Node) -> Tree:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is None or body is None:
            raise Unreadable("has a function that is not understood", self.of(node))
        tree = self.statement(body)
        extra = [child for child in node.children if child.type in KINDS]
        if extra:
            tree = Redirected(tree, tuple(self.redirect(child) for child in extra), self.of(node))
        return Function(self.of(name), tree)


_STATEMENTS: dict[str, Callable[[Converter, Node], Tree]] = {
    "command": Converter.command,
    "variable_assignment": Converter.lone_assignment,
    "variable_assignments": Converter.assignments,
    "declaration_command": Converter.declaration,
    "unset_command": Converter.declaration,
    "redirected_statement": Converter.redirected,
    "pipeline": Converter.pipeline,
    "list": Converter.and_or,
    "negated_command": Converter.negated,
    "compound_statement": Converter.compound,
    "subshell": Converter.compound,
    "test_command": Converter.test,
    "if_statement": Converter.branch,
    "case_statement": Converter.case,
    "while_statement": Converter.loop,
    "for_statement": Converter.for_each,
    "c_style_for_statement": Converter.for_counted,
    "function_definition": Converter.function,
}
