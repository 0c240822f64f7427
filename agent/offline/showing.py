"""How the offline operator shows what a tool returned: output as it was written, sentences as sentences."""

import re

# What these tools return is text with lines and columns of its own, which Markdown would run together.
VERBATIM = frozenset({"terminal", "process_poll", "process_kill", "list_files", "read_file", "search_files"})
# The first words of a result that says why there is none.
FAILED = "Failed: "
EXPLAINED = (FAILED, "Not run: ")
SILENT = "Done; it wrote nothing."

_EXIT = re.compile(r"(?:\A|\n)\[exit code (\d+)(?:, (the next command starts in .+))?\]\Z")
# One line of these reads the same with and without a frame around it.
_PLAIN = re.compile(r"[\w ,.;:!?()'\"/%=+@-]*")
_STARTS_BLOCK = re.compile(r"\s|[-+]|\d+[.)]|={2}|.*(?:  |(?<!\w)_|_(?!\w))")
_TICKS = re.compile("`{3,}")


def shown(tool: str, text: str) -> str:
    """Return a tool's result as Markdown: nothing of its output is lost, and success needs no words."""
    if tool not in VERBATIM or text.startswith(EXPLAINED):
        return text
    body, remark = _split(text) if tool == "terminal" else (text, "")
    parts = [part for part in (verbatim(body) if body.strip() else "", remark) if part]
    return "\n".join(parts) or SILENT


def verbatim(text: str) -> str:
    """Return a text that Markdown shows as it is: framed as code, unless it is a line that needs no frame."""
    if _PLAIN.fullmatch(text) and not _STARTS_BLOCK.match(text):
        return text
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in _TICKS.findall(text))])
    return f"{fence}\n{text}\n{fence}"


def _split(text: str) -> tuple[str, str]:
    """Return the output of a command, and what is to be said about its end."""
    if (end := _EXIT.search(text)) is None:
        return text, ""
    remarks = [f"Exit code {end[1]}." if end[1] != "0" else "", f"T{end[2][1:]}." if end[2] else ""]
    return text[: end.start()], " ".join(filter(None, remarks))
