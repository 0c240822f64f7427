"""From bytes to our syntax tree: tree-sitter-bash, then a strict conversion that refuses what it does not know.

tree-sitter splits words at line continuations, keeps backquotes inside ``${…}`` as plain text and drops
gaps silently. Nothing it says about words is therefore used: words are stretches of source that
the lexer reads by itself, and every gap between two nodes must be white space.
"""

import re

import tree_sitter_bash
from tree_sitter import Language, Parser

from approvals.shell.convert import Converter
from approvals.shell.heredoc import without_bodies
from approvals.shell.tree import Node as Tree
from approvals.shell.tree import Unreadable

MAX_CHARACTERS = 65_536
MAX_OPERATORS = 250
MAX_HIDDEN = 1_000
MAX_DOCUMENTS = 30

_LANGUAGE = Language(tree_sitter_bash.language())
_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.", re.DOTALL)
_OPERATOR = re.compile(r"[|&;<>`]+|\$?\(|\n")


def parse(text: str) -> Tree:
    """Return the syntax tree of a text, or raise ``Unreadable``."""
    _check_size(text)
    data = text.encode("utf-8", "surrogatepass")
    root = Parser(_LANGUAGE).parse(data).root_node
    if root.has_error:
        raise Unreadable("cannot be parsed with certainty", text)
    return Converter(text, data, root).program()


def _check_size(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("is too long to be judged")
    if len(text) <= MAX_OPERATORS:
        return
    if text.count("<<") > MAX_DOCUMENTS:
        raise Unreadable("has too many here-documents to be judged")
    if "<<" in text and without_bodies(text, quoted_only=True).count("$") > MAX_HIDDEN:
        raise Unreadable("has too many expansions to be judged")
    operators = len(_OPERATOR.findall(_QUOTED.sub("''", without_bodies(text))))
    # The parser needs quadratic time for these two, so quotes cannot be used to hide them from the first count.
    if operators > MAX_OPERATORS or max(text.count("|"), text.count("(")) > MAX_HIDDEN:
        raise Unreadable("has too many commands to be judged")
