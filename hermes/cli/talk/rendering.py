"""Text as a terminal may show it: Markdown rendered, and nothing that could command the terminal."""

import re
from io import StringIO

from markdown_it import MarkdownIt
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.text import Text

# Rendering takes about a second for each megabyte; what is longer is shown as it was written.
LONGEST = 60_000

# Control characters other than tab and line feed: an answer must not move the cursor or change the window's title.
_UNSHOWN = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "�")


def clean(text: str) -> str:
    """Return text in which every control character but tab and line feed is replaced by a visible sign."""
    return text.replace("\r\n", "\n").translate(_UNSHOWN)


_BLOCK = re.compile(r"(`{3,})\w*\n(.*)\n\1", re.DOTALL)


def unframed(text: str) -> str:
    """Return what stands in a code block where a text is nothing else: a pipe wants the output, not its frame."""
    found = _BLOCK.fullmatch(text)
    return found[2] if found and f"\n{found[1]}" not in found[2] else text


class ChatMarkdown(Markdown):
    """Markdown as people write it in chats: a line's end is one, and HTML is text."""

    def __init__(self, text: str) -> None:
        super().__init__("")
        parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
        self.parsed = parser.parse(text)
        for token in self.parsed:
            for child in token.children or ():
                if child.type == "softbreak":
                    child.type = "hardbreak"


def markdown(text: str) -> RenderableType:
    """Return an answer as something to print."""
    shown = clean(text)
    return Text(shown) if len(shown) > LONGEST else ChatMarkdown(shown)


def words(text: str, style: str = "") -> Text:
    """Return plain words as something to print."""
    return Text(clean(text), style)


def rendered(part: RenderableType, width: int) -> str:
    """Return what a terminal of ``width`` columns shows, with its colours and without blanks at the lines' ends."""
    console = Console(file=StringIO(), force_terminal=True, width=width)
    with console.capture() as captured:
        console.print(part)
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())
