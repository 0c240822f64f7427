"""Files that shape every conversation: AGENTS.md of the workspace and SOUL.md of the home."""

from dataclasses import dataclass
from pathlib import Path

from agent import framing

BASE = (
    "You are Hermes, an assistant that people reach from their chats, mostly on a phone: answer briefly, in the"
    " language of the message, in Markdown. Do what is asked with your tools and say what you did; when only the"
    " person can decide, ask with ask_person and stop there. Never pretend that something was done."
)


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: tuple[int, int]
    text: str


class Shaping:
    """Reads the shaping files, again only when they changed."""

    def __init__(self, home: Path, limit: int, extra: str = "") -> None:
        self._soul = home / "SOUL.md"
        self._limit = limit
        self._extra = extra
        self._known: dict[Path, _Read] = {}

    def files(self, workspace: Path) -> list[Path]:
        """Return the shaping files that exist and are not empty."""
        return [path for path in self._places(workspace) if self._text(path)]

    def instructions(self, workspace: Path) -> str:
        """Return what the model is told before the conversation."""
        framed = [
            framing.shaping(text, path.name) for path in self._places(workspace) if (text := self._text(path))
        ]
        return "\n\n".join([BASE, framing.RULES, *([self._extra] if self._extra else []), *framed])

    def _places(self, workspace: Path) -> tuple[Path, Path]:
        return (self._soul, workspace / "AGENTS.md")

    def _text(self, path: Path) -> str:
        """Return the text of a file, empty where there is none; a link that leads out of its folder is none."""
        try:
            if path.is_symlink() and path.parent.resolve() not in path.resolve().parents:
                return ""
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._known.get(path)
            if known is None or known.stamp != stamp:
                known = self._known[path] = _Read(stamp, self._read(path))
        except OSError:
            # A file that is not there, or not ours to read, shapes nothing.
            self._known.pop(path, None)
            return ""
        return known.text

    def _read(self, path: Path) -> str:
        with path.open("rb") as file:
            text = file.read(self._limit * 4 + 4).decode(errors="replace").strip()
        return (
            text if len(text) <= self._limit else f"{text[: self._limit]}\n[the rest of the file is left out]"
        )
