"""Checks of what lies on this machine: settings, home, disk, database, service."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hermes import daemon
from hermes.doctor.patient import Level, Patient, Result, unread
from hermes.home import readable_by_others
from hermes.service import UNIT, Kind, Manager, Unit, program
from hermes.settings import Settings
from kernel.errors import ConfigError, HermesError
from store import channels, glance, people

SCARCE_BYTES = 1_000_000_000
FULL_BYTES = 100_000_000


def settings(patient: Patient) -> Result:
    """Check whether the settings can be used."""
    if isinstance(patient.loaded, ConfigError):
        return Result("settings", Level.FAIL, patient.loaded.message, patient.loaded.remedy)
    return Result("settings", Level.OK, "All settings can be used.")


def home(patient: Patient) -> Result:
    """Check the home directory: ours, writable, closed to others."""
    root = patient.home.root
    if not root.exists():
        return Result("home", Level.OK, f"{root} does not exist yet; the first start creates it.")
    try:
        patient.home.check()
        probe = root / ".doctor"
        probe.touch()
        probe.unlink()
    except ConfigError as error:
        return Result("home", Level.FAIL, error.message, error.remedy)
    except OSError as error:
        return Result(
            "home", Level.FAIL, f"{root} cannot be written: {error.strerror}.", f"Run: chmod u+rwx {root}"
        )
    if readable_by_others(root):
        return Result("home", Level.WARN, f"Others may look into {root}.", f"Run: chmod 700 {root}")
    return Result("home", Level.OK, f"{root} is ours and closed to others.")


def secrets(patient: Patient) -> Result:
    """Check that nobody else can read tokens and keys."""
    path = patient.home.secrets
    if not path.exists():
        return Result("secrets", Level.OK, "There is no secrets file.")
    if readable_by_others(path):
        return Result("secrets", Level.FAIL, f"Others may read {path}.", f"Run: chmod 600 {path}")
    return Result("secrets", Level.OK, f"Only you can read {path.name}.")


def disk(patient: Patient) -> Result:
    """Check the room that is left for the database and the logs."""
    root = next(path for path in (patient.home.root, *patient.home.root.parents) if path.exists())
    free = patient.machine.free(root)
    shown = f"{free / 1e9:.1f} GB are free under {root}."
    if free < FULL_BYTES:
        return Result(
            "disk", Level.FAIL, shown, "Free some space: Hermes takes nothing in while the disk is full."
        )
    if free < SCARCE_BYTES:
        return Result(
            "disk", Level.WARN, shown, "Free some space soon, or lower media.keep_days and log.files."
        )
    return Result("disk", Level.OK, shown)


def lock(patient: Patient) -> Result:
    """Check who works in the home, and whether they can be found."""
    who = patient.holder
    if who is None:
        return Result("lock", Level.OK, "Nobody works in the home now.")
    info = daemon.read(patient.home)
    if who.kind == "embedded":
        return Result(
            "lock",
            Level.OK,
            f"A terminal session (process {who.pid}) works in the home; a gateway takes over.",
        )
    if info is None or info.pid != who.pid:
        return Result(
            "lock",
            Level.FAIL,
            f"Process {who.pid} holds the home, but tells no address.",
            f"Wait a moment if it has just been started; otherwise stop it: kill {who.pid}",
        )
    return Result("lock", Level.OK, f"The gateway (process {who.pid}) serves {info.url}.")


def port(patient: Patient) -> Result:
    """Check that the page's port is free, or ours."""
    if patient.settings is None:
        return unread("port")
    if not patient.settings.web.enabled:
        return Result("port", Level.SKIP, "The page is off.")
    host, number = patient.settings.web.host, patient.settings.web.port
    if patient.holder is not None and patient.holder.kind == "gateway":
        return Result("port", Level.OK, "The running gateway has it.")
    if number and patient.machine.taken(host, number):
        return Result(
            "port",
            Level.FAIL,
            f"Another program listens on {host}:{number}.",
            f"`ss -ltnp sport = :{number}` names it; choose another port with: hermes config set web.port {number + 1}",
        )
    return Result("port", Level.OK, f"{host}:{number} is free.")


def database(patient: Patient) -> Result:
    """Check that the database is ours, of this version, and sound."""
    path = patient.home.database
    if not path.exists():
        return Result("database", Level.OK, "There is no database yet; the first start creates it.")
    try:
        problems = glance.glance(path, glance.quick_check)
    except HermesError as error:
        return Result(
            "database", Level.FAIL, error.message, error.remedy or "Restore a backup: hermes restore FILE"
        )
    if problems:
        return Result(
            "database", Level.FAIL, f"It is damaged: {problems[0]}.", "Restore a backup: hermes restore FILE"
        )
    return Result("database", Level.OK, "The database is sound.")


def sqlite(patient: Patient) -> Result:
    """Check the version of the SQLite library."""
    version = ".".join(map(str, patient.machine.sqlite))
    if patient.machine.sqlite < glance.OLDEST:
        oldest = ".".join(map(str, glance.OLDEST))
        return Result(
            "sqlite",
            Level.FAIL,
            f"SQLite {version} is too old.",
            f"Use a Python that is linked with {oldest} or newer.",
        )
    return Result("sqlite", Level.OK, f"SQLite {version}.")


def owner(patient: Patient) -> Result:
    """Check that somebody may speak to the bots."""
    if patient.settings is None:
        return unread("owner")
    answering = [name for name, section in _configured(patient.settings) if _answers(section)]
    if not answering:
        return Result(
            "owner", Level.SKIP, "Only the page and the terminal are on; whoever logs in is the owner."
        )
    named = [one for one in patient.settings.access.owners if one.partition(":")[0] in answering]
    admitted = [one for one in _read(patient, people.everyone) or () if one.platform in answering]
    owned = {one.partition(":")[0] for one in named}
    owned |= {one.platform for one in admitted if one.role.word == "owner"}
    if missing := [name for name in answering if name not in owned]:
        return Result(
            "owner",
            Level.WARN,
            f"Nobody owns the {_listed(missing)} bot yet.",
            "Send it the one-time code that `hermes gateway` prints at start, or set access.owners.",
        )
    return Result(
        "owner", Level.OK, f"{len(named)} named in the settings, {len(admitted)} admitted by pairing."
    )


def home_channel(patient: Patient) -> Result:
    """Check that notices have a place to go to on every platform."""
    if patient.settings is None:
        return unread("home channel")
    on = [name for name, section in _configured(patient.settings) if _answers(section)]
    if not on:
        return Result("home channel", Level.SKIP, "No platform with notices is on.")
    homes = _read(patient, channels.homes) or {}
    if missing := [name for name in on if name not in homes]:
        return Result(
            "home channel",
            Level.WARN,
            f"Notices have no place to go to on {_listed(missing)}.",
            "Write /sethome to the bot in the right chat there.",
        )
    return Result("home channel", Level.OK, f"Notices go to {_listed([str(homes[name]) for name in on])}.")


def _configured(settings: Settings) -> list[tuple[str, Any]]:
    """Return the platforms that are on, with their sections."""
    sections = ((name, getattr(settings.platforms, name)) for name in type(settings.platforms).model_fields)
    return [(name, section) for name, section in sections if section.configured]


def _answers(section: Any) -> bool:
    return not getattr(section, "outgoing_only", False)


def _listed(names: Sequence[str]) -> str:
    *others, last = [name.capitalize() if name.isalpha() else name for name in names]
    return f"{', '.join(others)} and {last}" if others else last


def _read(patient: Patient, fn: glance.Callable[..., glance.T]) -> glance.T | None:
    try:
        return glance.glance(patient.home.database, fn) if patient.home.database.exists() else None
    except HermesError:
        return None


def workspace(patient: Patient) -> Result:
    """Check the folders that agents work in."""
    if patient.settings is None:
        return unread("workspace")
    section = patient.settings.workspace
    folders = [Path(section.path).expanduser()] if section.path else []
    missing = [
        str(path)
        for path in (*folders, *(Path(one).expanduser() for one in section.projects))
        if not path.is_dir()
    ]
    if missing:
        return Result(
            "workspace",
            Level.FAIL,
            f"{missing[0]} is no folder.",
            "Create it, or change workspace.path or .projects.",
        )
    return Result("workspace", Level.OK, "All folders that agents work in are there.")


def service(patient: Patient) -> Result:
    """Check that the installed unit is the one that this version would write."""
    if patient.settings is None:
        return unread("service")
    manager = Manager.of(Kind.USER, patient.environ)
    path = manager.folder / UNIT
    if not path.exists():
        return Result(
            "service", Level.SKIP, "No service of yours is installed; `hermes service install` writes one."
        )
    text = path.read_text("utf-8")
    command = next(
        (line.partition("=")[2].split()[0] for line in text.splitlines() if line.startswith("ExecStart=")), ""
    )
    if not Path(command.strip('"')).exists():
        return Result(
            "service",
            Level.FAIL,
            f"The service starts {command}, which is gone.",
            "Run: hermes service install",
        )
    if text != Unit(Kind.USER, program(), patient.home.root).text():
        return Result(
            "service",
            Level.WARN,
            "The service file is not what this version writes.",
            "Run: hermes service install",
        )
    return Result("service", Level.OK, f"{path} is up to date.")
