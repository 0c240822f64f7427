"""The systemd units: what they say, where they lie, and how systemd is told."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from hermes.home import DEFAULT
from kernel.errors import ConfigError, HermesError

UNIT = "hermes.service"
TEMPLATE = "hermes@.service"
SYSTEM_FOLDER = Path("/etc/systemd/system")
PROJECTS = "10-projects.conf"

# What main() exits with where starting again cannot help: another process has the home, the settings are wrong.
NO_RESTART = "75 78"


class Kind(StrEnum):
    """Whose unit it is."""

    USER = "user"
    SYSTEM = "system"
    TENANT = "tenant"


_HEAD = """\
[Unit]
Description={description}
{after}StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={command} gateway
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
RestartPreventExitStatus={no_restart}
# Fed by progress of the event loop and of the writer, not by being up: a daemon that hangs is started again.
WatchdogSec=60
# The drain takes up to 20 s; whatever is left after that continues from its journal.
TimeoutStopSec=40
KillMode=mixed
UMask=0077
LimitNOFILE=8192
TasksMax=2048
"""

# What a unit of one person may have: no mount namespace of its own, for agents work in that person's files.
_PERSONAL = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
"""

# Agents may use a sandbox of their own (bubblewrap), so user namespaces, mounts inside them and a fresh /proc stay
# possible: RestrictNamespaces, ProtectKernelTunables, ProtectProc and a filter without @mount would forbid them, and
# MemoryDenyWriteExecute would forbid interpreters with a compiler.
_HARDENED = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelModules=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service @mount
SystemCallErrorNumber=EPERM
"""

_NETWORK = "Wants=network-online.target\nAfter=network-online.target\n"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: ``command`` is the program, ``home`` its home (``None``: the default), ``projects`` extra folders.

    ``tenant`` names the instance of a tenant's unit.
    """

    kind: Kind
    command: str = "/usr/local/bin/hermes"
    home: Path | None = None
    projects: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    tenant: str = ""

    @property
    def name(self) -> str:
        """The unit's file name."""
        return TEMPLATE if self.kind is Kind.TENANT else UNIT

    @property
    def instance(self) -> str:
        """What systemd starts."""
        return f"hermes@{self.tenant}.service" if self.kind is Kind.TENANT else UNIT

    @property
    def user(self) -> str:
        """The static user of a system's or tenant's unit."""
        return f"hermes-{self.tenant}" if self.kind is Kind.TENANT else "hermes"

    def text(self) -> str:
        """Return the unit file."""
        head = _HEAD.format(
            description=self._description,
            after="" if self.kind is Kind.USER else _NETWORK,
            command=escaped(self.command),
            no_restart=NO_RESTART,
        )
        target = "default.target" if self.kind is Kind.USER else "multi-user.target"
        hardening = _PERSONAL if self.kind is Kind.USER else _HARDENED
        return f"{head}{self._place()}{hardening}\n[Install]\nWantedBy={target}\n"

    def projects_text(self) -> str:
        """Return the drop-in that lets a hardened unit write to the project folders."""
        return "[Service]\n" + "".join(f"ReadWritePaths=-{quoted(str(path))}\n" for path in self.projects)

    @property
    def _description(self) -> str:
        return "Hermes gateway for %i" if self.kind is Kind.TENANT else "Hermes gateway"

    def _place(self) -> str:
        variables = dict(self.environment)
        if self.kind is Kind.USER:
            if self.home is not None and self.home != Path(DEFAULT).expanduser():
                variables["HERMES_HOME"] = str(self.home)
            return _environment(variables)
        folder = "hermes/%i" if self.kind is Kind.TENANT else "hermes"
        user = "hermes-%i" if self.kind is Kind.TENANT else "hermes"
        lines = [f"User={user}", f"StateDirectory={folder}", "StateDirectoryMode=0700"]
        # The %S of a system manager is /var/lib.
        lines += [f"Environment=HERMES_HOME=%S/{folder} HOME=%S/{folder}"]
        return "\n".join(lines) + "\n" + _environment(variables)


def _environment(variables: Mapping[str, str]) -> str:
    return "".join(f"Environment={quoted(f'{name}={value}')}\n" for name, value in variables.items())


def escaped(text: str) -> str:
    """Return a path as one word of a unit file."""
    return quoted(text) if " " in text or '"' in text else text.replace("%", "%%")


def quoted(text: str) -> str:
    """Return text as one quoted word of a unit file, in which nothing is special."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{inner}"'


def program() -> str:
    """Return the absolute path of this installation's ``hermes``."""
    beside = Path(sys.executable).parent / "hermes"
    found = str(beside) if beside.exists() else shutil.which("hermes")
    if not found:
        raise ConfigError("The program hermes is not installed.", remedy="Run: make install")
    return found


@dataclass(frozen=True, slots=True)
class Manager:
    """One systemd: the user's own or the system's; ``folder`` is where its units lie."""

    folder: Path
    user: bool

    @classmethod
    def of(cls, kind: Kind, environ: Mapping[str, str]) -> "Manager":
        """Return the manager that runs units of a kind."""
        if kind is not Kind.USER:
            return cls(SYSTEM_FOLDER, user=False)
        base = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME') or Path.home()}/.config"
        return cls(Path(base) / "systemd" / "user", user=True)

    def control(self, *words: str) -> str:
        """Run systemctl and return what it says; raises HermesError with its own words."""
        done = self._run(*words)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise HermesError(
                f"systemctl {' '.join(words)} failed: {said[-1] if said else done.returncode}.",
                remedy="`hermes service status` and `journalctl -u hermes` (--user) say more.",
            )
        return done.stdout.strip()

    def ask(self, *words: str) -> str:
        """Run systemctl and return what it says, whatever its exit code."""
        return self._run(*words).stdout.strip()

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        found = shutil.which("systemctl")
        if not found:
            raise HermesError(
                "There is no systemd on this machine.",
                remedy="Run `hermes gateway` under your own supervisor; it exits non-zero when it should be restarted.",
            )
        scope = ["--user"] if self.user else []
        return subprocess.run(
            [found, *scope, *words], capture_output=True, text=True, check=False, timeout=90
        )

    def install(self, unit: Unit) -> list[Path]:
        """Write the unit and its drop-in, and tell systemd; return what was written."""
        written = [self.folder / unit.name]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            written[0].write_text(unit.text(), encoding="utf-8")
            written += self._drop_in(unit)
        except OSError as error:
            raise HermesError(
                f"{error.filename or self.folder} cannot be written: {error.strerror}.",
                remedy="Run it as root for a system service (sudo), or leave --system out for one of your own.",
            ) from None
        self.control("daemon-reload")
        return written

    def _drop_in(self, unit: Unit) -> list[Path]:
        folder = self.folder / f"{unit.instance}.d"
        path = folder / PROJECTS
        if unit.kind is Kind.USER or not unit.projects:
            path.unlink(missing_ok=True)
            return []
        folder.mkdir(exist_ok=True)
        path.write_text(unit.projects_text(), encoding="utf-8")
        return [path]

    def uninstall(self, given: Unit) -> list[Path]:
        """Remove a unit and its drop-ins; return what was removed. A tenant's template stays: others may use it."""
        unit, folder = self.folder / given.instance, self.folder / f"{given.instance}.d"
        gone = [path for path in (unit, folder) if path.exists()]
        unit.unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        self.control("daemon-reload")
        return gone

    def installed(self, name: str = UNIT) -> bool:
        """Tell whether a unit of ours lies here."""
        return (self.folder / name).exists()


def create_user(name: str, home: Path) -> None:
    """Create the system user of a service unless it exists; needs root."""
    if subprocess.run(["/usr/bin/getent", "passwd", name], capture_output=True, check=False).returncode == 0:
        return
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    done = subprocess.run(
        [useradd, "--system", "--user-group", "--home-dir", str(home), "--shell", "/usr/sbin/nologin", name],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise HermesError(
            f"The user {name} could not be created: {done.stderr.strip()}.",
            remedy="Run it as root (sudo), or create that system user yourself.",
        )


def system_unit() -> str:
    """Return ``hermes.service`` as the repository has it."""
    return Unit(Kind.SYSTEM).text()


def tenant_unit() -> str:
    """Return ``hermes@.service`` as the repository has it."""
    return Unit(Kind.TENANT).text()
