"""What a check is given, and what it finds."""

import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from hermes.bot_api import Bot, BotApi
from hermes.home import Home
from hermes.schema import Settings
from hermes.settings import load
from kernel.clock import Clock, SystemClock
from kernel.errors import ConfigError
from store import glance
from store.lock import Holder, holder


class Level(StrEnum):
    """How bad a finding is; only ``fail`` makes the doctor's exit code 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found; ``remedy`` is the way out, empty where nothing is wrong."""

    name: str
    level: Level
    sentence: str
    remedy: str = ""


def unread(name: str) -> Result:
    """Return the result of a check that needs settings where there are none: nothing can be said."""
    return Result(name, Level.SKIP, "Not looked at: the settings cannot be used.")


def free_bytes(path: Path) -> int:
    """Return the free bytes of the disk under ``path``."""
    return shutil.disk_usage(path).free


def program_of(command: str, path: str) -> str | None:
    """Return the absolute path of a program that is looked for along ``path``, ``None`` where it is not there."""
    return shutil.which(str(Path(command).expanduser()), path=path)


def taken(host: str, port: int) -> bool:
    """Tell whether somebody listens on an address already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks ask of the machine; a test gives another one."""

    clock: Clock = field(default_factory=SystemClock)
    free: Callable[[Path], int] = free_bytes
    taken: Callable[[str, int], bool] = taken
    sqlite: tuple[int, ...] = field(default_factory=glance.version)


@dataclass(frozen=True)
class Patient:
    """The installation that is looked at; what several checks need is found out once."""

    home: Home
    environ: Mapping[str, str]
    machine: Machine = field(default_factory=Machine)

    @cached_property
    def loaded(self) -> Settings | ConfigError:
        """The settings, or why they cannot be used."""
        try:
            return load(self.home, environ=self.environ)
        except ConfigError as error:
            return error

    @property
    def settings(self) -> Settings | None:
        """The settings, or ``None`` where they cannot be used; then only the check of the settings says so."""
        return self.loaded if isinstance(self.loaded, Settings) else None

    @cached_property
    def holder(self) -> Holder | None:
        """Who works in the home."""
        return holder(self.home.root) if self.home.root.is_dir() else None

    @cached_property
    def bot(self) -> Bot | Exception | None:
        """The Telegram bot, why it cannot be reached, or ``None`` where none is configured."""
        if self.settings is None or not self.settings.platforms.telegram.configured:
            return None
        api = BotApi(self.settings.platforms.telegram)
        try:
            return api.me()
        except Exception as error:  # noqa: BLE001 - every failure is a finding; which one decides the remedy
            return error
        finally:
            api.close()
