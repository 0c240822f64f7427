"""Statically evaluated words: ordinary text in which private-use characters stand for what is not known.

The pre-pass refuses private-use characters in the input, so a mark can never be smuggled in.
"""

import posixpath
import re

UNKNOWN = "\ue000"
"""Any text, but one word (a quoted expansion)."""
MANY = "\ue001"
"""Any text that may split into any number of words, options among them (an unquoted expansion)."""
TAME = "\ue002"
"""A short unknown token of letters, digits and ``._:@-`` that begins with none of the last four (a number, a hash)."""
STAR = "\ue003"
"""The glob ``*``: any part of a file name."""
ONE = "\ue004"
"""The globs ``?`` and ``[…]``: one character of a file name."""
DEEP = "\ue005"
"""Any path below the directory before it, of unknown depth."""

_MARKED = re.compile("[\ue000-\ue005]")
_OPAQUE = re.compile("[\ue000\ue001]")
_DISPLAY = {UNKNOWN: "…", MANY: "…", TAME: "…", STAR: "*", ONE: "?", DEEP: "**"}
_PATTERNS = {UNKNOWN: ".*", MANY: ".*", TAME: r"[\w.:@-]+", STAR: ".*", ONE: ".", DEEP: ".*"}


STDIN = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "/proc/thread-self/fd/0"})
"""Names of a command's own standard input."""


def is_static(word: str) -> bool:
    """Tell whether every character of the word is known."""
    return _MARKED.search(word) is None


def is_opaque(word: str) -> bool:
    """Tell whether the word holds a piece about which nothing is known."""
    return _OPAQUE.search(word) is not None


def may_be_option(word: str) -> bool:
    """Tell whether an unknown word could turn out to be an option."""
    return word[:1] in {UNKNOWN, MANY} or MANY in word


def show(word: str) -> str:
    """Return the word with its marks made readable."""
    return _MARKED.sub(lambda match: _DISPLAY[match.group()], word)


def matcher(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for everything that the marked text may turn out to be."""
    parts = (_PATTERNS.get(char) or re.escape(char) for char in pattern)
    return re.compile("".join(parts), re.DOTALL)


def may_equal(pattern: str, literal: str) -> bool:
    """Tell whether the marked text may turn out to be ``literal``."""
    if is_static(pattern):
        return pattern == literal
    return matcher(pattern).fullmatch(literal) is not None


def base(path: str) -> str:
    """Return the last component of a path."""
    return posixpath.basename(path)
