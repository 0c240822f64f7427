"""Changes to files as actions: what is shown before one, and where it really lands."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

from kernel.approvals import Action
from kernel.errors import InvalidInput

# Longer texts are shown whole instead of compared, which would take seconds.
COMPARED_LINES = 3000
COMPARED_BYTES = 300_000
# How a bound path says that it is a link, and where to.
LINK = "link:"


def absolute(workspace: Path, path: str) -> str:
    """Return the absolute, lexically normal path of what a model calls ``path``; links are not followed."""
    if "\0" in path:
        raise InvalidInput("A path holds no zero character.")
    name = path.strip()
    if name == "~" or name.startswith("~/"):
        name = str(Path.home()) + name[1:]
    return os.path.normpath(Path(os.path.realpath(workspace), name))


def landing(action: Action) -> Path:
    """Return where an approved change really lands; raise InvalidInput when that is not what was judged."""
    real = os.path.realpath(action.target)
    bound = dict(action.inputs).get(action.target)
    expected = real if bound is None else bound[len(LINK) :] if bound.startswith(LINK) else action.target
    if real != expected:
        raise InvalidInput(f"{action.target} leads to {real} now, which is not what was judged.")
    return Path(real)


def change(path: str, text: str) -> str:
    """Return the change of a file as a unified diff, or the new text where the old one cannot be compared."""
    before = _before(path)
    if before is None or len(text) > COMPARED_BYTES:
        return f"write {path} ({len(text.encode()):,} bytes)\n{text}"
    old, new = _lines(before), _lines(text)
    if len(old) > COMPARED_LINES or len(new) > COMPARED_LINES:
        return f"write {path} ({len(text.encode()):,} bytes)\n{text}"
    difference = "".join(difflib.unified_diff(old, new, path, path))
    return difference or f"write {path} as it is"


def _before(path: str) -> str | None:
    """Return the text that is there now: empty for no file, ``None`` for one that is no text or too long."""
    file = Path(path)
    try:
        if not file.exists():
            return ""
        if not file.is_file() or file.stat().st_size > COMPARED_BYTES:
            return None
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None


def _lines(text: str) -> Sequence[str]:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at the end of the file\n"
    return lines
