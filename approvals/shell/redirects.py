"""Redirections and here-documents, which carry the rest of their line inside their node."""

import re
from itertools import pairwise

from tree_sitter import Node

from approvals.shell.heredoc import extent
from approvals.shell.nodes import Nodes
from approvals.shell.tree import AndOr, Command, Pipeline, Raw, Redirect, Redirected, Sequence, Unreadable
from approvals.shell.tree import Node as Tree

KINDS = frozenset({"file_redirect", "herestring_redirect", "heredoc_redirect"})
_MARKERS = frozenset({"<<", "<<-", "heredoc_start", "heredoc_end"})
_NUMBER = re.compile(r"(?:^|[\s;&|(){}])\d+\Z")
_NEAR = 12
_OPERATORS = frozenset({"<", ">", ">>", "&>", "&>>", "<&", ">&", ">|", "<&-", ">&-", "<<<"})


class Redirections(Nodes):
    """Converts redirections and gives them to the command that they belong to."""

    def redirect(self, node: Node) -> Redirect:
        if node.type == "heredoc_redirect":
            raise Unreadable("has a here-document in an unusual place", self.of(node))
        if _NUMBER.search(self.text, max(0, self.start(node) - _NEAR), self.start(node)):
            # The parser takes some descriptors for an argument; bash does not.
            raise Unreadable("has a redirection with a number that is read in different ways", self.of(node))
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
            elif child.type in KINDS:
                redirects.append(self.redirect(child))
            elif body is None:
                body = self.statement(child)
            else:
                raise Unreadable("has a redirection that is not understood", self.of(node))
        arguments = self._lost_dash(node) + arguments
        if not arguments:
            self.check_gaps(node.children)
        tree = _attach(
            body or Command((), (), (), self.of(node)), tuple(redirects), tuple(arguments), self.of(node)
        )
        for operator, right in follow:
            tree = _continue(tree, operator, right)
        return tree

    def _lost_dash(self, node: Node) -> list[Raw]:
        """The parser drops a lone ``-`` in front of a here-document; it is the last argument of the command."""
        for left, right in pairwise(node.children):
            start, end = self.end(left), self.start(right)
            gap = self.text[start:end]
            if right.type == "heredoc_redirect" and gap.strip(" \t") == "-" and gap[0] in " \t":
                at = start + gap.index("-")
                return [Raw(self.source, at, at + 1)]
        return []

    def _heredoc(
        self, node: Node, redirects: list[Redirect], follow: list[tuple[str, Tree]], arguments: list[Raw]
    ) -> None:
        """Here-documents carry the rest of their line inside their node: options, pipes and what follows."""
        descriptor, pending = "", ""
        self.check_gaps(
            [child for child in node.children if child.type not in {"heredoc_body", "heredoc_end"}]
        )
        for child in node.children:
            kind = child.type
            if kind == "file_descriptor":
                descriptor = self.of(child)
            elif kind in _MARKERS:
                continue
            elif kind in {"&&", "||"}:
                pending = kind
            elif kind == "pipeline":
                follow.append(("|", self._piped(child)))
            elif kind == "heredoc_body":
                redirects.append(self._document(node, descriptor))
            elif kind in KINDS:
                redirects.append(self.redirect(child))
            elif pending:
                follow.append((pending, self.statement(child)))
                pending = ""
            else:
                arguments.extend(self._heredoc_argument(node, child))
        if not any(child.type == "heredoc_body" for child in node.children):
            redirects.append(self._document(node, descriptor))

    def _heredoc_argument(self, node: Node, child: Node) -> tuple[Raw, ...]:
        if node.field_name_for_child(node.children.index(child)) != "argument":
            raise Unreadable("has a here-document that is not understood", self.of(node))
        return self.words([(self.start(child), self.end(child))])

    def _document(self, node: Node, descriptor: str) -> Redirect:
        start = next(child for child in node.children if child.type == "heredoc_start")
        end = next((child for child in node.children if child.type == "heredoc_end"), None)
        if end is None:
            raise Unreadable("has a here-document without an end", self.of(node))
        found = extent(self.text, self.at(node.start_byte), self.start(start))
        if found is None or found.close != self.end(end):
            raise Unreadable("has a here-document whose end is uncertain", self.of(node))
        raw = Raw(self.source, found.open, found.body_end)
        return Redirect("<<", descriptor, None, raw, found.quoted)

    def _piped(self, node: Node) -> Tree:
        if not node.children or node.children[0].type not in {"|", "|&"}:
            raise Unreadable("has a here-document that is not understood", self.of(node))
        rest = [child for child in node.children[1:] if child.type not in {"|", "|&"}]
        parts = tuple(self.statement(child) for child in rest)
        return parts[0] if len(parts) == 1 else Pipeline(parts)


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
