"""Styled text in slices: what should stay in one piece, and what of the styles falls into a slice."""

from collections.abc import Sequence
from dataclasses import replace
from unicodedata import category
from urllib.parse import urlsplit

from gateway.rendering.slices import Region, Slice
from gateway.rendering.styled import Span, Style


def is_web_page(address: str) -> bool:
    """Tell whether an address is that of a web page with a proper host name, which chats open from behind a label."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and "." in host


def is_visible(text: str) -> bool:
    """Tell whether there is anything to see in a text; what platforms refuse as empty has nothing."""
    return any(not character.isspace() and category(character) not in {"Cc", "Cf"} for character in text)


def unbroken(spans: Sequence[Span]) -> list[Region]:
    """Return what should not be cut: blocks of code, links and inline code."""
    regions: list[Region] = []
    for span in spans:
        if regions and span.start < regions[-1].end:
            continue
        if span.style is Style.PRE:
            regions.append(Region(span.start, span.end, span.start, span.end))
        elif span.style in {Style.LINK, Style.CODE}:
            regions.append(Region(span.start, span.end))
    return regions


def clipped(spans: Sequence[Span], part: Slice) -> list[Span]:
    """Return the spans inside a slice, counted from its start."""
    inside = (
        replace(
            span, start=max(span.start, part.start) - part.start, end=min(span.end, part.end) - part.start
        )
        for span in spans
    )
    return [span for span in inside if span.start < span.end]
