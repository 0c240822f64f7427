"""The documents as a whole: their files, links, code and examples."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def pages() -> Sequence[Path]:
    """Return every page for readers."""
    return (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def prose(text: str) -> str:
    """Return a page without its blocks of code."""
    return FENCE.sub("", text)


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links."""
    yield from LINK.findall(prose(page.read_text("utf-8")))


def anchors(page: Path) -> set[str]:
    """Return the names under which a page's headings can be linked to."""
    headings = HEADING.findall(prose(page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(page: Path, language: str) -> Iterator[str]:
    """Yield a page's blocks of one language."""
    yield from (text for kind, text in FENCE.findall(page.read_text("utf-8")) if kind == language)


def command_lines(page: Path) -> Iterator[str]:
    """Yield what a page tells to type: lines of console blocks, and inline code."""
    for text in blocks(page, "console"):
        has_prompt = "$ " in text
        for line in text.splitlines():
            if not has_prompt or line.startswith("$ "):
                yield line.removeprefix("$ ")
    yield from CODE.findall(prose(page.read_text("utf-8")))
