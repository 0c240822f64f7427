"""Backslash escapes of ``$'…'``, ``printf`` and ``echo -e``."""

import re
import sys

_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|0?([0-7]{1,3})|c(.)|(.))", re.DOTALL
)
_SURROGATES_AND_PRIVATE = (0xD800, 0xF900)
_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}


def decode_ansi(text: str) -> str:
    """Return the text with its backslash escapes decoded; an escape that means nothing stays as it is."""
    return decode_output(text).split("\0", 1)[0]


def decode_output(text: str) -> str:
    """Return what is printed for a text with escapes; unlike a word, output may hold a NUL and go on behind it."""
    return _ESCAPE.sub(_decode, text)


def _decode(match: re.Match[str]) -> str:
    hexadecimal = match.group(1) or match.group(2) or match.group(3)
    if hexadecimal:
        code = int(hexadecimal, 16)
        # A private-use character would pass for one of the marks of an evaluated word.
        return (
            "\ufffd"
            if code > sys.maxunicode or _SURROGATES_AND_PRIVATE[0] <= code < _SURROGATES_AND_PRIVATE[1]
            else chr(code)
        )
    if match.group(4):
        return chr(int(match.group(4), 8) & 0xFF)
    if match.group(5):
        return chr(ord(match.group(5)) & 0x1F)
    char = match.group(6)
    return _SIMPLE.get(char) or (char if char in "\\'\"?" else "\\" + char)
