"""Bringing this installation and its home to the newest version."""

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hermes.home import Home
from kernel.errors import HermesError

DISTRIBUTION = "hermes-gateway"


class Installation(StrEnum):
    """How Hermes came onto this machine, which decides how it is renewed."""

    CHECKOUT = "checkout"
    PIPX = "pipx"
    PIP = "pip"


def found() -> tuple[Installation, Path]:
    """Return how Hermes was installed, and the folder of its checkout or environment."""
    try:
        text = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        text = None
    origin = json.loads(text or "{}")
    folder = Path(unquote(urlsplit(origin.get("url", "")).path))
    if origin.get("dir_info", {}).get("editable") and (folder / ".git").exists():
        return Installation.CHECKOUT, folder
    pipx = "pipx" in Path(sys.prefix).parts
    return (Installation.PIPX if pipx else Installation.PIP), Path(sys.prefix)


def commands(installation: Installation, folder: Path) -> Sequence[Sequence[str]]:
    """Return the command lines that fetch and install the newest version."""
    match installation:
        case Installation.CHECKOUT:
            pull = ["git", "-C", str(folder), "pull", "--ff-only"]
            return (pull, ["make", "-C", str(folder), "install", f"VENV={sys.prefix}"])
        case Installation.PIPX:
            return (["pipx", "upgrade", DISTRIBUTION],)
        case Installation.PIP:
            return ([sys.executable, "-m", "pip", "install", "--upgrade", DISTRIBUTION],)


def fetch() -> None:
    """Fetch and install the newest version; raises HermesError, with the old one still in place."""
    for command in commands(*found()):
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise HermesError(
                f"{' '.join(command)} failed ({error}).",
                remedy="The home is as it was. Bring the program up to date yourself, then: hermes update --no-fetch",
            ) from None


def migrate(home: Home, copy: Path | None) -> None:
    """Let the program as it is now on disk migrate the database; this process is still the old one."""
    # -P: a checkout that is the working directory by chance is not the program.
    program = [sys.executable, "-P", "-m", "hermes.cli.main", "--home", str(home.root), "debug", "migrate"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        back = f"The copy from before is {copy}; hermes restore brings it back." if copy else ""
        raise HermesError(f"The database was not migrated: {done.stderr.strip()}", remedy=back)
