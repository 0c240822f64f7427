"""Where a text may be cut so that people notice it least."""

import re
import unicodedata

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"[.!?…][\"'”’»)\]*_]*(?=\s)|[。！？]+")  # noqa: RUF001 - sentences of Chinese and Japanese end so
_WORD = re.compile(r"\s+")
_KINDS = (_PARAGRAPH, _LINE, _SENTENCE, _WORD)

_JOINERS = "\u200d\u20e3"
_LONGEST_CLUSTER = 64
_LOOK_AHEAD = 64


def natural(text: str, start: int, low: int, reach: int) -> int:
    """Return the best place to cut a piece that begins at `start`: behind `low`, not behind `reach`.

    A better kind of border wins where it uses at least half of the space, then any border of any kind, then `low`
    itself where it is a border, then a place between two visible characters.
    """
    half = start + (reach - start) // 2
    for least in (max(low, half), low):
        for kind in _KINDS:
            if (cut := _last(kind, text, least, reach)) > least:
                return cut
    return low if low > start else between_characters(text, start, reach)


def line(text: str, start: int, reach: int) -> int:
    """Return the place behind the last newline in `text[start:reach]`, or one between two characters."""
    cut = text.rfind("\n", start, reach) + 1
    return cut if cut > start else between_characters(text, start, reach)


def _last(kind: re.Pattern[str], text: str, least: int, reach: int) -> int:
    """Return the last border of one kind behind `least` and not behind `reach`; -1 without one."""
    cut = -1
    for match in kind.finditer(text, least, min(len(text), reach + _LOOK_AHEAD)):
        border = match.end() if kind is _SENTENCE else match.start()
        if border > reach:
            break
        cut = border
    return cut


def between_characters(text: str, start: int, reach: int) -> int:
    """Return `reach`, moved left out of an emoji sequence or an accented letter where there is room."""
    for cut in range(reach, max(start, reach - _LONGEST_CLUSTER), -1):
        if not _joined(text, cut):
            return cut
    return reach


def _joined(text: str, cut: int) -> bool:
    """Tell whether the characters on both sides of `cut` are shown as one."""
    if cut >= len(text):
        return False
    left, right = text[cut - 1], text[cut]
    if left in _JOINERS or right in _JOINERS or unicodedata.combining(right):
        return True
    if "\ufe00" <= right <= "\ufe0f" or "\U0001f3fb" <= right <= "\U0001f3ff":
        return True
    return _is_flag(left) and _is_flag(right) and _flags_before(text, cut) % 2 == 1


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flags_before(text: str, cut: int) -> int:
    count = 0
    while count < cut and _is_flag(text[cut - 1 - count]):
        count += 1
    return count
