"""From bytes to our syntax tree: tree-sitter-bash, then a strict conversion that refuses what it does not know.

tree-sitter splits words at line continuations, keeps backquotes inside ``${…}`` as plain text and drops
gaps silently. Nothing it says about words is therefore used: words are stretches of source that
the lexer reads by itself, and every gap between two nodes must be white space.
"""

import re
from collections.abc import Callable, Iterable

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from approvals.shell import heredoc
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
    Source,
    Test,
    Unreadable,
)
from approvals.shell.tree import Node as Tree

MAX_CHARACTERS = 65_536
MAX_OPERATORS = 250
MAX_DEPTH = 60

_LANGUAGE = Language(tree_sitter_bash.language())
_BLANK = re.compile(r"(?:[ \t]|\\\n)*\Z")
_SPACE = re.compile(r"(?:[ \t\n]|\\\n)*\Z")
_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.", re.DOTALL)
_OPERATOR = re.compile(r"[|&;<>`]+|\$?\(|\n")
_CONTINUATION = re.compile(r"(?<!\\)(?:\\\\)*\\\n")
_SPANNED = frozenset({"command_substitution", "process_substitution", "arithmetic_expansion", "expansion"})
_RESERVED = frozenset(
    "if then elif else fi do done case esac while until for select function in { } ! [[ ]] coproc".split()
)
_HEREDOC = re.compile(r"<<(?!<)")


def parse(text: str) -> Tree:
    """Return the syntax tree of a text, or raise ``Unreadable``."""
    _check_size(text)
    data = text.encode("utf-8", "surrogatepass")
    root = Parser(_LANGUAGE).parse(data).root_node
    if root.has_error:
        raise Unreadable("cannot be parsed with certainty", text)
    return _Converter(text, data, root).program()


def _check_size(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("is too long to be judged")
    if len(text) <= MAX_OPERATORS:
        return
    operators = len(_OPERATOR.findall(heredoc.without_bodies(_QUOTED.sub("''", text))))
    # The second count bounds the parser's work where quotes were planted to hide operators from the first.
    if operators > MAX_OPERATORS or max(map(text.count, "|(<&`")) > 4 * MAX_OPERATORS:
        raise Unreadable("has too many commands to be judged")


class _Converter:
    """Turns one parsed tree into ours; every method refuses what it does not expect."""

    def __init__(self, text: str, data: bytes, root: Node) -> None:
        self.text = text
        self.root = root
        self.depth = 0
        self._offsets = None if len(data) == len(text) else _character_offsets(text)
        self.source = Source(text, self._spans() if "$" in text or "`" in text or "(" in text else {})

    def at(self, byte: int) -> int:
        return byte if self._offsets is None else self._offsets[byte]

    def start(self, node: Node) -> int:
        """The node's first character that is not white space (some tokens carry a leading blank)."""
        start, end = self.at(node.start_byte), self.at(node.end_byte)
        while start < end and self.text[start] in " \t\n":
            start += 1
        return start

    def end(self, node: Node) -> int:
        return self.at(node.end_byte)

    def of(self, node: Node) -> str:
        return self.text[self.start(node) : self.end(node)]

    def _spans(self) -> dict[int, int]:
        spans: dict[int, int] = {}
        stack = [(self.root, 0)]
        while stack:
            node, depth = stack.pop()
            if depth > MAX_DEPTH:
                raise Unreadable("is nested too deeply to be judged")
            if node.type in _SPANNED:
                start = self.start(node)
                spans[start] = max(spans.get(start, 0), self.end(node))
            stack.extend((child, depth + 1) for child in node.children)
        return spans

    def program(self) -> Tree:
        body = self.statements(self.root.children, 0, len(self.text))
        self._check_continuations()
        return body

    def _check_continuations(self) -> None:
        """Refuse a line continuation that joins two pieces of a word, unless it stands in literal text."""
        for match in _CONTINUATION.finditer(self.text):
            backslash = match.end() - 2
            before, after = self.text[backslash - 1 : backslash], self.text[match.end() : match.end() + 1]
            if before in {"", " ", "\t", "\n"} or after in {"", " ", "\t"} or self._is_literal(backslash):
                continue
            raise Unreadable("joins a word over a line continuation", self.text[max(0, backslash - 20) : backslash + 20])

    def _is_literal(self, offset: int) -> bool:
        byte = len(self.text[:offset].encode("utf-8", "surrogatepass"))
        node = self.root.descendant_for_byte_range(byte, byte + 1)
        while node is not None:
            if node.type in {"raw_string", "comment"}:
                return True
            if node.type == "heredoc_body":
                return not node.children
            node = node.parent
        return False

    def statements(self, children: Iterable[Node], start: int, end: int) -> Tree:
        """Convert the statements between two offsets; separators and white space only may stand between them."""
        parts: list[Tree] = []
        position, separated = start, True
        for child in children:
            gap = self.text[position : self.start(child)]
            if not _SPACE.match(gap):
                raise Unreadable("has text that the parser skipped", gap)
            separated = separated or "\n" in gap.replace("\\\n", "")
            if child.type in {";", "&", "\n"}:
                separated = True
            elif child.type == "comment":
                self._check_comment(child)
            elif not separated:
                raise Unreadable("runs two commands together", self.of(child))
            else:
                parts.append(self.statement(child))
                separated = False
            position = self.end(child)
        if not _SPACE.match(self.text[position:end]):
            raise Unreadable("has text that the parser skipped", self.text[position:end])
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _check_comment(self, node: Node) -> None:
        start, end = self.start(node), self.end(node)
        whole = self.text[start:end]
        before, after = self.text[start - 1 : start], self.text[end : end + 1]
        if not whole.startswith("#") or "\n" in whole or before not in {"", " ", "\t", "\n", ";", "&", "|", "(", ")"}:
            raise Unreadable("has a comment that may not be one", whole)
        if after not in {"", "\n"}:
            raise Unreadable("has a comment that may not be one", whole)

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

    def check_gaps(self, children: list[Node]) -> None:
        """Refuse anything but white space between neighbours."""
        for left, right in zip(children, children[1:], strict=False):
            gap = self.text[self.end(left) : self.start(right)]
            if not _SPACE.match(gap):
                raise Unreadable("has text that the parser skipped", gap)

    # Simple commands

    def command(self, node: Node) -> Tree:
        assignments: list[Assignment] = []
        redirects: list[Redirect] = []
        words: list[tuple[int, int]] = []
        for child in node.children:
            if child.type == "variable_assignment" and not words:
                assignments.append(self.assignment(child))
            elif child.type in _REDIRECTS:
                redirects.append(self.redirect(child))
            else:
                words.append((self.start(child), self.end(child)))
        raws = self.words(words)
        if raws and raws[0].text in _RESERVED:
            raise Unreadable("uses a reserved word as a command", self.of(node))
        if node.type == "command" and not redirects and not assignments and raws:
            self._check_cover(node, raws)
        return Command(raws, tuple(assignments), tuple(redirects), self.of(node))

    def _check_cover(self, node: Node, raws: tuple[Raw, ...]) -> None:
        if raws[0].start != self.start(node) or raws[-1].end != self.end(node):
            raise Unreadable("has text that the parser skipped", self.of(node))

    def words(self, spans: list[tuple[int, int]]) -> tuple[Raw, ...]:
        """Join pieces that touch into words; pieces are separated by blanks or they are one word."""
        merged: list[tuple[int, int]] = []
        for start, end in spans:
            if not merged:
                merged.append((start, end))
                continue
            gap = self.text[merged[-1][1] : start]
            if gap == "":
                merged[-1] = (merged[-1][0], end)
            elif _BLANK.match(gap) and gap.replace("\\\n", ""):
                merged.append((start, end))
            elif "<" in gap or ">" in gap:
                # A redirection stands between the two words; it is judged by itself.
                merged.append((start, end))
            else:
                raise Unreadable("splits a word in an unusual way", self.text[merged[-1][0] : end])
        return tuple(Raw(self.source, start, end) for start, end in merged)

    def assignments(self, node: Node) -> Tree:
        self.check_gaps(node.children)
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
        spans = [(self.start(child), self.end(child)) for child in node.children]
        return Command(self.words(spans), (), (), self.of(node))

    # Redirections

    def redirect(self, node: Node) -> Redirect:
        if node.type == "heredoc_redirect":
            raise Unreadable("has a here-document in an unusual place", self.of(node))
        children = [child for child in node.children if child.type != "file_descriptor"]
        descriptor = self.of(node.children[0]) if node.children[0].type == "file_descriptor" else ""
        operator = self.of(children[0])
        if operator not in _OPERATORS:
            raise Unreadable("has a redirection that is not understood", self.of(node))
        if len(children) == 1:
            return Redirect(operator, descriptor, None)
        raws = self.words([(self.start(child), self.end(child)) for child in children[1:]])
        if len(raws) != 1:
            raise Unreadable("has a redirection that is not understood", self.of(node))
        return Redirect(operator, descriptor, raws[0])

    def redirected(self, node: Node) -> Tree:
        body: Tree | None = None
        redirects: list[Redirect] = []
        follow: list[tuple[str, Tree]] = []
        arguments: list[Raw] = []
        for child in node.children:
            if child.type == "heredoc_redirect":
                self._heredoc(child, redirects, follow, arguments)
            elif child.type in _REDIRECTS:
                redirects.append(self.redirect(child))
            elif body is None:
                body = self.statement(child)
            else:
                raise Unreadable("has a redirection that is not understood", self.of(node))
        self.check_gaps(node.children)
        tree = _attach(body or Command((), (), (), self.of(node)), tuple(redirects), tuple(arguments), self.of(node))
        for operator, right in follow:
            tree = _continue(tree, operator, right)
        return tree

    def _heredoc(
        self, node: Node, redirects: list[Redirect], follow: list[tuple[str, Tree]], arguments: list[Raw]
    ) -> None:
        """Here-documents carry the rest of their line inside their node: options, pipes and what follows."""
        descriptor, pending = "", ""
        self.check_gaps([child for child in node.children if child.type not in {"heredoc_body", "heredoc_end"}])
        for child in node.children:
            kind = child.type
            if kind == "file_descriptor":
                descriptor = self.of(child)
            elif kind in {"<<", "<<-", "heredoc_start", "heredoc_end"}:
                continue
            elif kind in {"&&", "||"}:
                pending = kind
            elif kind == "pipeline":
                follow.append(("|", self._piped(child)))
            elif kind == "heredoc_body":
                redirects.append(self._document(node, descriptor))
            elif kind in _REDIRECTS:
                redirects.append(self.redirect(child))
            elif pending:
                follow.append((pending, self.statement(child)))
                pending = ""
            elif node.field_name_for_child(node.children.index(child)) == "argument":
                arguments.extend(self.words([(self.start(child), self.end(child))]))
            else:
                raise Unreadable("has a here-document that is not understood", self.of(node))
        if not any(child.type == "heredoc_body" for child in node.children):
            redirects.append(self._document(node, descriptor))

    def _document(self, node: Node, descriptor: str) -> Redirect:
        start = next(child for child in node.children if child.type == "heredoc_start")
        end = next((child for child in node.children if child.type == "heredoc_end"), None)
        if end is None:
            raise Unreadable("has a here-document without an end", self.of(node))
        found = heredoc.extent(self.text, self.at(node.start_byte), self.start(start))
        if found is None or found.close != self.end(end) or len(_HEREDOC.findall(self.of(node))) < 1:
            raise Unreadable("has a here-document whose end is uncertain", self.of(node))
        raw = Raw(self.source, found.open, found.body_end)
        return Redirect("<<", descriptor, None, raw, found.quoted)

    def _piped(self, node: Node) -> Tree:
        if not node.children or node.children[0].type not in {"|", "|&"}:
            raise Unreadable("has a here-document that is not understood", self.of(node))
        rest = [child for child in node.children[1:] if child.type not in {"|", "|&"}]
        parts = tuple(self.statement(child) for child in rest)
        return parts[0] if len(parts) == 1 else Pipeline(parts)

    # Compound commands

    def pipeline(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        parts = [child for child in node.children if child.type not in {"|", "|&", "comment"}]
        return Pipeline(tuple(self.statement(child) for child in parts))

    def and_or(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        left, operator, right = (child for child in node.children if child.type != "comment")
        if operator.type not in {"&&", "||"}:
            raise Unreadable("uses a construct that is not understood", self.of(node))
        return AndOr(self.statement(left), self.statement(right), operator.type)

    def negated(self, node: Node) -> Tree:
        self.check_gaps(node.children)
        bang, inner = node.children
        if bang.type != "!":
            raise Unreadable("uses a construct that is not understood", self.of(node))
        return self.statement(inner)

    def compound(self, node: Node) -> Tree:
        first, last = node.children[0], node.children[-1]
        if first.type == "((":
            return self.test(node)
        if (first.type, last.type) not in {("{", "}"), ("(", ")")}:
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
        inside = Raw(self.source, self.end(first), self.start(last))
        return Test(inside, pair[0] == "((", self.of(node))

    def _bracket(self, node: Node) -> Tree:
        """``[ … ]`` is an ordinary command whose words the lexer must find by itself."""
        return Command(heredoc.split_words(self.source, self.start(node), self.end(node)), (), (), self.of(node))

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
        for child in children[:close]:
            if child.type not in {"(", "|"}:
                words.append(Raw(self.source, self.start(child), self.end(child)))
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
        body = next((self._block(child) for child in node.children if child.type in {"do_group", "compound_statement"}), None)
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
        body = next((self._block(child) for child in node.children if child.type in {"do_group", "compound_statement"}), None)
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
        extra = [child for child in node.children if child.type in _REDIRECTS]
        if extra:
            tree = Redirected(tree, tuple(self.redirect(child) for child in extra), self.of(node))
        return Function(self.of(name), tree)


def _attach(tree: Tree, redirects: tuple[Redirect, ...], arguments: tuple[Raw, ...], text: str) -> Tree:
    """Give redirections to the command that they belong to: the last one of a list or pipeline."""
    match tree:
        case Command():
            return Command(tree.words + arguments, tree.assignments, tree.redirects + redirects, text)
        case AndOr():
            return AndOr(tree.left, _attach(tree.right, redirects, arguments, text), tree.operator)
        case Pipeline():
            return Pipeline((*tree.parts[:-1], _attach(tree.parts[-1], redirects, arguments, text)))
        case _:
            if arguments:
                raise Unreadable("has a here-document in an unusual place", text)
            return Redirected(tree, redirects, text)


def _continue(tree: Tree, operator: str, right: Tree) -> Tree:
    """Put ``right`` behind ``tree``; a pipe binds to the last command of a list."""
    if operator != "|":
        return AndOr(tree, right, operator)
    if isinstance(tree, AndOr):
        return AndOr(tree.left, _continue(tree.right, operator, right), tree.operator)
    if isinstance(right, AndOr):
        return AndOr(_continue(tree, operator, right.left), right.right, right.operator)
    if isinstance(right, Redirected | Sequence):
        return Pipeline((tree, right))
    left = tree.parts if isinstance(tree, Pipeline) else (tree,)
    return Pipeline((*left, *(right.parts if isinstance(right, Pipeline) else (right,))))


def _character_offsets(text: str) -> list[int]:
    """Map each byte offset of the UTF-8 form to the offset of its character."""
    offsets: list[int] = []
    for index, char in enumerate(text):
        offsets.extend([index] * len(char.encode("utf-8", "surrogatepass")))
    offsets.append(len(text))
    return offsets


_REDIRECTS = frozenset({"file_redirect", "herestring_redirect", "heredoc_redirect"})
_OPERATORS = frozenset({"<", ">", ">>", "&>", "&>>", "<&", ">&", ">|", "<&-", ">&-", "<<<"})
_STATEMENTS: dict[str, Callable[[_Converter, Node], Tree]] = {
    "command": _Converter.command,
    "variable_assignment": _Converter.lone_assignment,
    "variable_assignments": _Converter.assignments,
    "declaration_command": _Converter.declaration,
    "unset_command": _Converter.declaration,
    "redirected_statement": _Converter.redirected,
    "pipeline": _Converter.pipeline,
    "list": _Converter.and_or,
    "negated_command": _Converter.negated,
    "compound_statement": _Converter.compound,
    "subshell": _Converter.compound,
    "test_command": _Converter.test,
    "if_statement": _Converter.branch,
    "case_statement": _Converter.case,
    "while_statement": _Converter.loop,
    "for_statement": _Converter.for_each,
    "c_style_for_statement": _Converter.for_counted,
    "function_definition": _Converter.function,
}
