"""The home directory: what lies where, who may read it, and which directories are refused."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kernel.errors import ConfigError

DEFAULT = "~/.hermes-gateway"
MARKER = ".hermes-gateway"
DATABASE = "hermes.db"

# Files that other programs keep in a directory of theirs; one of them without our marker means: not our home.
FOREIGN_FILES = frozenset(
    {
        ".env", ".git", ".ssh", ".bashrc", ".profile", ".zshrc", "auth.json", "gateway.json", "gateway_state.json",
        "openclaw.json", "package.json", "pyproject.toml", "state.db",
    }
)  # fmt: skip
FOREIGN_SUFFIXES = (".db", ".sqlite", ".sqlite3")

_CHOOSE = "Set HERMES_HOME to a directory of Hermes's own, or unset it to use ~/.hermes-gateway."


@dataclass(frozen=True, slots=True)
class Home:
    """The places of one tenant, all below ``root``."""

    root: Path

    @classmethod
    def locate(cls, environ: Mapping[str, str]) -> "Home":
        """Return the home that ``HERMES_HOME`` names, else ``~/.hermes-gateway``; touches nothing."""
        return cls(Path(environ.get("HERMES_HOME") or DEFAULT).expanduser().absolute())

    @property
    def config(self) -> Path:
        """The configuration, ``config.yaml``."""
        return self.root / "config.yaml"

    @property
    def last_good(self) -> Path:
        """A copy of the last configuration that could be used."""
        return self.root / "state" / "config.last-good.yaml"

    @property
    def secrets(self) -> Path:
        """Tokens and keys, one ``NAME=value`` a line, readable by its owner only."""
        return self.root / "secrets.env"

    @property
    def soul(self) -> Path:
        """How the agent should be: shapes every conversation."""
        return self.root / "SOUL.md"

    @property
    def database(self) -> Path:
        """The database file."""
        return self.root / DATABASE

    @property
    def daemon(self) -> Path:
        """Where the running daemon writes its address and token for the commands of this machine."""
        return self.root / "daemon.json"

    @property
    def history(self) -> Path:
        """What was typed in the terminal chat."""
        return self.root / "state" / "chat-history"

    @property
    def state(self) -> Path:
        """Small files that may be deleted while nothing runs."""
        return self.root / "state"

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return self.root / "logs"

    @property
    def media(self) -> Path:
        """The folder of received files."""
        return self.root / "media"

    @property
    def backups(self) -> Path:
        """The folder of the database's copies."""
        return self.root / "backups"

    @property
    def workspace(self) -> Path:
        """The folder that agents work in where the settings name no other."""
        return self.root / "workspace"

    def prepare(self) -> None:
        """Create the home and its folders with mode 0700, or make an existing home private again.

        Raises ConfigError where the directory belongs to another product or person, or cannot be written.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check()
            self._close_to_others()
            for folder in (self.state, self.logs, self.media, self.backups, self.workspace):
                folder.mkdir(mode=0o700, exist_ok=True)
            if not (self.root / MARKER).exists():
                (self.root / MARKER).write_text("A home of hermes-gateway, layout 1.\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"The home {self.root} cannot be used: {error.strerror}.",
                remedy="Give this user write access to it, or set HERMES_HOME to another directory.",
            ) from error

    def check(self) -> None:
        """Raise ConfigError when an existing directory is somebody else's; reads only."""
        if not self.root.is_dir():
            return
        if self.root in {Path("/"), Path.home()}:
            raise ConfigError(
                f"{self.root} is no home for Hermes: other programs live in it.", remedy=_CHOOSE
            )
        if self.root.stat().st_uid != os.geteuid():
            raise ConfigError(f"The home {self.root} belongs to another user.", remedy=_CHOOSE)
        if not (self.root / MARKER).exists() and (found := self._foreign()):
            raise ConfigError(
                f"{self.root} is the home of another product: it holds {found}.", remedy=_CHOOSE
            )

    def _foreign(self) -> str:
        """Return the first entry that tells another product's home, or an empty text."""
        names = sorted(entry.name for entry in self.root.iterdir())
        if DATABASE in names:
            return ""
        return next((name for name in names if name in FOREIGN_FILES or name.endswith(FOREIGN_SUFFIXES)), "")

    def _close_to_others(self) -> None:
        if stat.S_IMODE(self.root.stat().st_mode) & 0o077:
            self.root.chmod(0o700)


def readable_by_others(path: Path) -> bool:
    """Tell whether group or others may read ``path``."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in one step, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
