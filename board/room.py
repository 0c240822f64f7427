"""What all parts of the board work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from board.crew.plans import Plans
from board.crew.profiles import Roster
from board.crew.triage import House
from board.settings import BoardSettings
from kernel.bus import Bus
from kernel.clock import Clock
from store.database import Database


def _never() -> bool:
    return False


@dataclass(slots=True)
class Room:
    """The board's surroundings.

    ``home`` is a folder of the board's own; ``workspace`` where agents work who are told nothing else; ``projects``
    are the folders that tasks may name; ``redact`` removes secrets from a text. ``roster`` are the agents of the crew,
    ``plans`` the templates in files; ``offline`` tells whether no language model is configured,
    ``coders`` are the coding agents that a lane may name.
    """

    database: Database
    bus: Bus
    clock: Clock
    settings: BoardSettings
    home: Path
    workspace: Path
    projects: tuple[Path, ...] = ()
    redact: Callable[[str], str] = str
    roster: Roster = field(default_factory=Roster)
    plans: Plans = field(default_factory=Plans)
    offline: Callable[[], bool] = _never
    coders: Callable[[], Sequence[str]] = tuple

    @property
    def house(self) -> House:
        """What the rules of triage look at."""
        return House(self.settings, self.roster, self.plans)

    @property
    def logs(self) -> Path:
        """Where the logs of attempts are."""
        return self.home / "logs"

    @property
    def runs(self) -> Path:
        """Where the processes of attempts leave their numbers and exit codes."""
        return self.home / "runs"

    @property
    def worktrees(self) -> Path:
        """Where git worktrees of attempts are."""
        return self.home / "worktrees"

    @property
    def scratch(self) -> Path:
        """Where attempts without a workspace of their own work."""
        return self.home / "scratch"

    @property
    def artifacts(self) -> Path:
        """Where files of tasks are kept."""
        return self.home / "artifacts"
