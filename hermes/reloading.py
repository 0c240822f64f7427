"""What a changed configuration can do while the daemon runs, and what has to wait for its next start."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from hermes.layers import Keys
from hermes.schema import Settings

# Built once, at the start: sockets, connections, and what counts from then on.
AT_START: Sequence[Keys] = (
    ("web",),
    ("platforms",),
    ("delivery",),
    ("media",),
    ("notices",),
    ("store",),
    ("owner", "timezone"),
    ("turns", "at_once"),
)


def needs_restart(before: Settings, after: Settings) -> list[str]:
    """Return the settings, dotted, whose change is in force only after a restart."""
    return [name for path in AT_START for name in _changed(path, _at(before, path), _at(after, path))]


def sentence(names: Sequence[str]) -> str:
    """Return what is said of settings that wait for a restart; an empty text for none."""
    if not names:
        return ""
    verb = "waits" if len(names) == 1 else "wait"
    return f"{', '.join(names)} {verb} for a restart: /restart, or hermes service restart."


def _at(settings: BaseModel, path: Keys) -> object:
    found: object = settings
    for name in path:
        found = getattr(found, name)
    return found


def _changed(path: Keys, before: object, after: object) -> Iterator[str]:
    if isinstance(before, BaseModel) and isinstance(after, BaseModel) and type(before) is type(after):
        for name in type(before).model_fields:
            yield from _changed((*path, name), getattr(before, name), getattr(after, name))
    elif before != after:
        yield ".".join(path)
