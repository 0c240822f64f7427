"""What an action is bound to besides its words: the contents of programs and scripts, and what links point at."""

import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path

from kernel.approvals import Action
from kernel.risk import Classification, PathUse, Segment, Tier

MISSING = "missing"
LINK = "link:"
# Names of inputs that are no files: whoever asks says how they are measured.
MEASURED = "diff:"
# A script or SQL file up to this size is read and judged by its content; a longer one is only bound by its digest.
READABLE = 256 * 1024
# What a risky command reads is bound up to this size: a manifest, a plan, a statement in a file.
BINDABLE = 16 * 1024 * 1024
SOURCES = (".sql", ".js", ".mongo", ".redis")
_WORD = re.compile(r"[\w./+-]+(?=\s|\Z)")


def contents(classification: Classification) -> dict[str, str]:
    """Return the scripts and SQL files that a text would run, as far as they are readable and of a bounded size."""
    segments = classification.segments
    sources = [path for path in _read(segments) if path.endswith(SOURCES)]
    found: dict[str, str] = {}
    for path in (*_scripts(segments), *sources):
        text = _text(Path(path))
        if text is not None:
            found[path] = text
    return found


def bind(action: Action, classification: Classification, search: str) -> Action:
    """Return the action with its programs, scripts and links bound as they are now.

    ``search`` is the ``PATH`` of the process that will run it. Paths that are bound already are looked at again.
    """
    programs = _programs(action, classification.segments, search)
    operands = [path for path in _operands(action, classification.segments) if _bindable(path)]
    scripts = _scripts(classification.segments)
    paths = dict.fromkeys((*(path for path, _ in action.inputs), *scripts, *programs, *operands))
    links = {
        use.path: LINK + real
        for use in _written(classification.segments)
        if (real := real_path(use)) != use.path
    }
    bound = {path: hashed(path) for path in paths if path not in links} | links
    if action.cwd:
        bound |= _folder(action.cwd)
    argv = classification.argv if classification.argv and programs else None
    binary = programs[0] if argv else ""
    return replace(action, argv=argv, binary=binary, inputs=tuple(sorted(bound.items())))


def measure(action: Action, measured: Callable[[str], str]) -> Action:
    """Return the action with the inputs that are no files as they are now."""
    inputs = tuple(
        (name, measured(name) if name.startswith(MEASURED) else value) for name, value in action.inputs
    )
    return replace(action, inputs=inputs)


def unmeasured(_name: str) -> str:
    """Measure nothing: what nobody can measure is missing, and what was bound to it has changed."""
    return MISSING


def drift(before: Action, now: Action) -> str:
    """Return a sentence about what has changed since an action was bound, ``""`` when nothing has."""
    if before == now:
        return ""
    old, new = dict(before.inputs), dict(now.inputs)
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) == new.get(path):
            continue
        if path.startswith(MEASURED):
            return "The diff has changed."
        if new.get(path, MISSING) == MISSING:
            return f"{path} is gone."
        return f"{path} has changed." if path in old else f"{path} is what would run now."
    return "What would run now is not what was shown."


def bind_file(action: Action) -> Action:
    """Return a file's action bound to what is there now: replacing something else is another action."""
    real = os.path.realpath(action.target)
    # What is deleted or added to may grow until somebody decides.
    seen = hashed(real) if action.effect in ("", "write") else ""
    now = LINK + real if real != action.target else seen
    return replace(action, inputs=((action.target, now),))


def places(target: str) -> tuple[str, ...]:
    """Return a path as it is written and, where links lead elsewhere, as it really is."""
    return tuple(dict.fromkeys((target, os.path.realpath(target))))


def real_path(use: PathUse) -> str:
    """Return where an effect on a path really lands; deleting a link deletes the link."""
    if use.effect in {"delete", "move"}:
        folder, _, name = use.path.rpartition("/")
        return f"{os.path.realpath(folder or '/').rstrip('/')}/{name}"
    return os.path.realpath(use.path)


def hashed(path: str) -> str:
    """Return the SHA-256 of a file in hexadecimal, ``"missing"`` where there is none to read."""
    try:
        stat = Path(path).stat()
        return _hash(path, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    except OSError:
        return MISSING


@lru_cache(maxsize=512)
def _hash(path: str, *_identity: int) -> str:
    """Hash a file once per identity: device, inode, size and both times."""
    with Path(path).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _folder(path: str) -> dict[str, str]:
    real = os.path.realpath(path)
    if not Path(real).is_dir():
        return {path: MISSING}
    return {path: LINK + real} if real != path else {}


def _scripts(segments: Iterable[Segment]) -> list[str]:
    return [path for segment in segments for path in segment.scripts]


def _operands(action: Action, segments: Iterable[Segment]) -> list[str]:
    """Return what risky commands may read: the paths they are known to, and every word that could name a file.

    Through a pipe they get what the commands before them read.
    """
    risky = [segment for segment in segments if segment.tier >= Tier.MEDIUM]
    piped = _read(segments) if risky and "|" in action.text else []
    words = [word for segment in risky for word in (segment.argv or ())[1:]]
    named = [piece for word in words for piece in (word, word.partition("=")[2]) if piece]
    paths = [*piped, *_read(risky), *(os.path.normpath(os.path.join(action.cwd, name)) for name in named)]  # noqa: PTH118
    # What is deleted or written may grow until somebody decides, and so may a log.
    changed = {use.path for use in _written(segments)}
    return [path for path in paths if path not in changed and ".log" not in path.rpartition("/")[2]]


def _read(segments: Iterable[Segment]) -> list[str]:
    return [use.path for segment in segments for use in segment.paths if use.effect == "read"]


def _bindable(path: str) -> bool:
    try:
        return Path(path).is_file() and Path(path).stat().st_size <= BINDABLE
    except OSError:
        return False


def _written(segments: Iterable[Segment]) -> list[PathUse]:
    return [use for segment in segments for use in segment.paths if not use.effect.startswith("read")]


def _programs(action: Action, segments: Iterable[Segment], search: str) -> list[str]:
    """Return the programs the commands start, as absolute paths; builtins and unknown names are not among them."""
    path = dict(action.environment).get("PATH", search)
    found: dict[str, None] = {}
    for name in filter(None, map(_name, segments)):
        where = os.path.join(action.cwd, name) if "/" in name else name  # noqa: PTH118 - a text, not yet a path
        program = shutil.which(where, path=path)
        if program:
            found[os.path.normpath(program)] = None
    return list(found)


def _name(segment: Segment) -> str:
    """Return the name of the program that a command starts, ``""`` where its text does not begin with one."""
    if segment.argv:
        return segment.argv[0]
    word = _WORD.match(segment.text)
    return word.group() if word else ""


def _text(path: Path) -> str | None:
    try:
        if path.stat().st_size > READABLE or not path.is_file():
            return None
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
