"""``hermes service`` and ``hermes update`` with a systemd that writes down what it is told."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes.cli.main import main
from hermes.home import Home

SYSTEMCTL = """#!/bin/sh
echo "$*" >> "{log}"
case "$*" in *is-active*) cat "{state}";; *status*) echo "hermes.service - Hermes gateway";; esac
case "$*" in
  *disable*|*" stop "*) echo inactive > "{state}";;
  *enable*|*" start "*|*" restart "*) echo active > "{state}";;
esac
exit 0
"""


class Systemd:
    """A systemctl in front of the path: ``calls`` are its command lines."""

    def __init__(self, folder: Path) -> None:
        self.units = folder / "config/systemd/user"
        self._log, self.state = folder / "log", folder / "state"
        self.state.write_text("inactive\n")
        self._log.touch()
        (folder / "bin").mkdir()
        program = folder / "bin/systemctl"
        program.write_text(SYSTEMCTL.format(log=self._log, state=self.state))
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines()


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Systemd(tmp_path)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(*words: str) -> tuple[int, str]:
        code = main(["--home", str(tmp_path / "home"), *words])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_a_service_is_installed_controlled_and_removed(
    systemd: Systemd, run: Callable[..., tuple[int, str]]
) -> None:
    code, out = run("service", "install")
    assert (code, f"Wrote {systemd.units / 'hermes.service'}." in out) == (0, True)
    assert systemd.calls == ["--user daemon-reload", "--user enable --now hermes.service"]
    for verb in ("stop", "start", "restart"):
        assert run("service", verb) == (0, f"hermes.service: {verb} done.\n")
    assert run("service", "status") == (0, "hermes.service - Hermes gateway\n")
    run("service", "stop")
    assert run("service", "status")[0] == 3
    assert run("service", "uninstall")[0] == 0
    assert list(systemd.units.iterdir()) == []
    assert run("service", "uninstall") == (0, "There was no unit to remove.\n")


def test_setup_installs_the_service_when_asked_to(
    systemd: Systemd, run: Callable[..., tuple[int, str]]
) -> None:
    assert run("setup", "--yes", "--no-check", "--service")[0] == 0
    assert (systemd.units / "hermes.service").exists()
    assert systemd.calls[-1] == "--user restart hermes.service"


def test_an_update_stops_the_service_migrates_and_starts_it(
    systemd: Systemd, run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    run("tokens", "create", "a")
    run("service", "install")
    code, out = run("update", "--no-fetch")
    assert (code, "The service runs the new version." in out) == (0, True)
    assert [call.split()[1] for call in systemd.calls][-3:] == ["is-active", "stop", "start"]
    assert len(list(Home(tmp_path / "home").backups.glob("*.db"))) == 1
