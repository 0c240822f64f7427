"""The unit files: what they promise, and that systemd understands them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hermes.service import NO_RESTART, Kind, Manager, Unit, quoted
from kernel.errors import HermesError

PROGRAM = sys.executable
# Of systemd-analyze security: 0 is a closed box, 10 no protection at all.
MOST_EXPOSED = 40

FAKE_SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
case "$*" in *fails*) echo "Unit fails.service not found." >&2; exit 5;; esac
echo active
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a systemctl first in the path that writes down how it is called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "calls"
    (folder / "systemctl").write_text(FAKE_SYSTEMCTL.format(log=log))
    (folder / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return log


def analyze(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(home), "SYSTEMD_PAGER": "cat"}
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False, env=environ
    )


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@pytest.mark.parametrize("kind", Kind)
def test_every_unit_tells_systemd_when_it_is_ready_and_is_watched(kind: Kind) -> None:
    text = Unit(kind, PROGRAM).text()
    for line in (
        "Type=notify",
        "WatchdogSec=60",
        "Restart=on-failure",
        f"RestartPreventExitStatus={NO_RESTART}",
    ):
        assert f"\n{line}\n" in text
    assert f"\nExecStart={PROGRAM} gateway\n" in text


@needs_systemd
@pytest.mark.parametrize("kind", [Kind.SYSTEM, Kind.TENANT])
def test_systemd_understands_the_unit_and_finds_it_closed(kind: Kind, tmp_path: Path) -> None:
    unit = Unit(kind, PROGRAM, projects=[Path("/srv/a b"), Path("/srv/50%")], tenant="anna")
    path = tmp_path / unit.name
    path.write_text(unit.text())
    (tmp_path / f"{unit.name}.d").mkdir()
    (tmp_path / f"{unit.name}.d" / "10-projects.conf").write_text(unit.projects_text())
    verified = analyze("verify", "--man=no", str(path), home=tmp_path)
    assert (verified.returncode, verified.stderr) == (0, "")
    secured = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(path), home=tmp_path)
    assert secured.returncode == 0, secured.stdout[-300:]


@needs_systemd
def test_systemd_understands_the_unit_of_a_user(tmp_path: Path) -> None:
    path = tmp_path / "hermes.service"
    path.write_text(Unit(Kind.USER, PROGRAM, home=tmp_path / "a b%c").text())
    verified = analyze("verify", "--user", "--man=no", str(path), home=tmp_path)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_agents_may_use_a_sandbox_of_their_own() -> None:
    text = Unit(Kind.SYSTEM).text()
    forbidden = (
        "RestrictNamespaces",
        "ProtectKernelTunables",
        "ProtectProc",
        "MemoryDenyWriteExecute",
        "PrivateUsers",
    )
    assert [name for name in forbidden if re.search(rf"^{name}=", text, re.MULTILINE)] == []
    assert "SystemCallFilter=@system-service @mount" in text


def test_a_system_unit_has_its_own_static_user_and_place() -> None:
    text = Unit(Kind.SYSTEM).text()
    for line in ("User=hermes", "StateDirectory=hermes", "StateDirectoryMode=0700", "ProtectSystem=strict"):
        assert f"\n{line}\n" in text
    assert "HERMES_HOME=%S/hermes" in text


def test_a_tenant_is_a_user_and_a_home_of_its_own() -> None:
    text = Unit(Kind.TENANT, tenant="anna").text()
    assert "\nUser=hermes-%i\n" in text
    assert "HERMES_HOME=%S/hermes/%i" in text


def test_project_folders_become_writable_one_by_one() -> None:
    unit = Unit(Kind.SYSTEM, projects=[Path("/srv/a"), Path("/srv/b c")])
    assert unit.projects_text() == '[Service]\nReadWritePaths=-"/srv/a"\nReadWritePaths=-"/srv/b c"\n'


def test_odd_characters_stay_what_they_are() -> None:
    assert quoted('a "b" \\ 50%') == '"a \\"b\\" \\\\ 50%%"'


def test_a_unit_is_installed_and_removed(tmp_path: Path, calls: Path) -> None:
    manager = Manager.of(Kind.USER, {"XDG_CONFIG_HOME": str(tmp_path)})
    unit = Unit(Kind.USER, PROGRAM)
    assert manager.install(unit) == [tmp_path / "systemd/user/hermes.service"]
    assert manager.installed()
    assert manager.uninstall(unit) == [tmp_path / "systemd/user/hermes.service"]
    assert manager.uninstall(unit) == []
    assert set(calls.read_text().splitlines()) == {"--user daemon-reload"}


def test_a_tenant_keeps_its_drop_in_beside_the_shared_template(tmp_path: Path, calls: Path) -> None:
    manager = Manager(tmp_path / "system", user=False)
    anna = Unit(Kind.TENANT, PROGRAM, projects=[Path("/srv/anna")], tenant="anna")
    written = [path.relative_to(manager.folder).as_posix() for path in manager.install(anna)]
    assert written == ["hermes@.service", "hermes@anna.service.d/10-projects.conf"]
    manager.uninstall(anna)
    assert [path.name for path in manager.folder.iterdir()] == ["hermes@.service"]


def test_systemd_s_own_words_are_told(calls: Path) -> None:
    with pytest.raises(HermesError, match=r"systemctl start fails failed: Unit fails\.service not found"):
        Manager.of(Kind.SYSTEM, {}).control("start", "fails")


def test_a_machine_without_systemd_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HermesError, match="Run `hermes gateway` under your own supervisor"):
        Manager.of(Kind.USER, {}).control("start", "hermes.service")
