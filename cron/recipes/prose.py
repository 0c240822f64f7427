"""Markdown of what comes from outside: its own marks are shown as they are, and only web addresses become links."""

import html
import re
from urllib.parse import quote, urlsplit

from agent.tools.page import text_of_html

# An underscore inside a word means nothing to Markdown; some marks mean something at the start of a text only.
_MARKS = re.compile(r"([\\`*\[\]<>~]|(?<!\w)_|_(?!\w)|^[#+-])")
_SPACES = re.compile(r"\s+")
_HTML = re.compile(r"<[a-zA-Z!/]|&[a-zA-Z#]")
# Characters that are allowed in an address and stay as they are; round brackets would end a Markdown link.
_SAFE = "/:?#[]@!$&'*+,;=%-._~"
# More of a text than this is never looked at; what is shown of it is far shorter.
_LONGEST = 200_000


def one_line(text: str, longest: int = 200) -> str:
    """Return a text on one line, cut at ``longest`` characters."""
    words = _SPACES.sub(" ", "".join(c if c.isprintable() else " " for c in text[:_LONGEST])).strip()
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def plain(text: str, longest: int = 500) -> str:
    """Return what a text that may be HTML says, on one line."""
    text = text[:_LONGEST]
    return one_line(html.unescape(text_of_html(text)) if _HTML.search(text) else text, longest)


def escaped(text: str) -> str:
    """Return a text with which Markdown does nothing."""
    return _MARKS.sub(r"\\\1", text)


def address(text: str) -> str:
    """Return a web address in a form that may stand in a link, ``""`` for anything else."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return ""
    fit = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return quote(text.strip(), safe=_SAFE) if fit else ""


def link(title: str, target: str) -> str:
    """Return a link, or the title alone where the target is no web address."""
    shown = escaped(one_line(title)) or "(no title)"
    there = address(target)
    return f"[{shown}]({there})" if there else shown


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 item``, ``2 items``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(words: list[str], most: int = 5) -> str:
    """Return words in a row, so many at most."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")
