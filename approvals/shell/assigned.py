"""Which variables a loop's body may change, read from the tree before anything is judged."""

import re

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
)
from approvals.shell.wordlist import words

_CHANGED = re.compile(r"([A-Za-z_]\w*)\s*(?:\+\+|--|[-+*/%&|^]?=(?!=)|<<=|>>=)|(?:\+\+|--)\s*([A-Za-z_]\w*)")
_SETTERS = words("read export declare typeset local readonly let printf mapfile readarray getopts unset eval")
_WORD = re.compile(r"[A-Za-z_]\w*")


def in_arithmetic(text: str) -> set[str]:
    """Return the variables that an arithmetic text assigns."""
    return {name for match in _CHANGED.finditer(text) for name in match.groups() if name}


def assigned_names(node: Node) -> set[str]:
    """Return the variables that a node may assign."""
    found: set[str] = set()
    for inner in _flatten(node):
        if isinstance(inner, Command):
            found |= _of_command(inner)
        elif isinstance(inner, Loop):
            found |= {name for raw in inner.loose for name in in_arithmetic(raw.text)}
            if inner.variable:
                found.add(inner.variable)
        elif isinstance(inner, Test) and inner.arithmetic:
            found |= in_arithmetic(inner.inside.text)
    return found


def _of_command(command: Command) -> set[str]:
    found = {assignment.name for assignment in command.assignments if not command.words}
    if "((" in command.text or "${" in command.text:
        found |= in_arithmetic(command.text.replace(":=", "="))
    if command.words and command.words[0].text.lstrip("\\") in _SETTERS:
        for word in command.words[1:]:
            found |= set(_WORD.findall(word.text))
    return found


def changes_directory(node: Node) -> bool:
    """Tell whether a node may leave the shell in another directory."""
    return any(
        isinstance(inner, Command)
        and inner.words
        and inner.words[0].text.lstrip("\\") in {"cd", "pushd", "popd", "eval"}
        for inner in _flatten(node)
    )


def _flatten(node: Node) -> list[Node]:
    """Return the node and what runs in the same shell inside it."""
    found, stack = list[Node](), [node]
    while stack:
        inner = stack.pop()
        found.append(inner)
        stack.extend(_children(inner))
    return found


def _children(node: Node) -> list[Node]:
    match node:
        case Pipeline() | Command() | Test() | Function():
            return []
        case Sequence():
            return list(node.parts)
        case AndOr():
            return [node.left, node.right]
        case Group():
            return [] if node.subshell else [node.body]
        case Redirected():
            return [node.body]
        case Branch():
            return [*node.conditions, *node.bodies]
        case Loop():
            return [node.body] if node.condition is None else [node.condition, node.body]
