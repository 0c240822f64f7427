"""The platforms; each folder is one, and none knows another."""

from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class PlatformSpec:
    """What the composition root must know of a platform before its SDK is loaded.

    ``adapter`` is ``"package.module:attribute"``, called with ``(settings, clock)``; ``settings`` is the model of its
    section, whose ``configured`` says whether the adapter is to be started. ``unneeded`` are libraries that the SDK
    imports where they are installed, for abilities that the adapter does not use.
    """

    name: str
    title: str
    adapter: str
    settings: type[BaseModel]
    unneeded: tuple[str, ...] = ()
