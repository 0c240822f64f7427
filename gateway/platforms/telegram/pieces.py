"""Pieces: the messages that Markdown becomes; what renders them is loaded with the first."""

from dataclasses import dataclass

from kernel.late import load

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

# Nothing is sent before the first poll, and the Markdown parser costs as much as a quarter of the library.
RENDERER = "gateway.platforms.telegram.markdown:pieces"


@dataclass(frozen=True, slots=True)
class Piece:
    """One message: its HTML, and the same text without any formatting."""

    html: str
    text: str


def pieces(markdown: str, limit: int = TEXT_LIMIT) -> list[Piece]:
    """Return Markdown as messages of at most ``limit`` UTF-16 units of visible text; nothing visible gives none."""
    return load(RENDERER)(markdown, limit)
