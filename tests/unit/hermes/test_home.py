"""The home directory: private, ours, and never somebody else's."""

import stat
from pathlib import Path

import pytest

from hermes import daemon
from hermes.daemon import DaemonInfo
from hermes.home import FOREIGN_FILES, MARKER, Home, write_private
from kernel.errors import ConfigError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_home_is_what_hermes_home_names_or_a_directory_of_the_user() -> None:
    assert Home.locate({"HERMES_HOME": "/srv/h"}).root == Path("/srv/h")
    assert Home.locate({"HERMES_HOME": "~/h"}).root == Path.home() / "h"
    assert Home.locate({"HERMES_HOME": ""}).root == Path.home() / ".hermes-gateway"


def test_a_new_home_and_its_folders_are_closed_to_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home")
    home.prepare()
    home.prepare()
    assert mode(home.root) == 0o700
    folders = (home.state, home.logs, home.media, home.backups, home.workspace)
    assert {mode(folder) for folder in folders} == {0o700}


def test_an_open_home_is_closed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    home.root.chmod(0o755)
    home.prepare()
    assert mode(home.root) == 0o700


@pytest.mark.parametrize("name", [*sorted(FOREIGN_FILES), "sessions.db", "x.sqlite3"])
def test_the_home_of_another_product_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("theirs")
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match="is the home of another product: it holds"):
        Home(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("name", ["config.yaml", "secrets.env", "SOUL.md", "notes.txt", "out.log"])
def test_a_directory_with_prepared_files_becomes_a_home(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    Home(tmp_path).prepare()
    assert (tmp_path / MARKER).exists()


def test_what_agents_put_into_a_home_does_not_make_it_foreign(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    (tmp_path / "cache.db").write_text("x")
    home.prepare()


def test_the_users_own_directory_and_the_root_are_refused() -> None:
    for root in (Path("/"), Path.home()):
        with pytest.raises(ConfigError, match="other programs live in it"):
            Home(root).check()


def test_a_home_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="set HERMES_HOME to another directory"):
        Home(tmp_path / "file" / "home").prepare()


def test_a_private_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), mode(path), list(tmp_path.iterdir())) == ("new", 0o600, [path])


def test_the_daemon_can_be_found_by_its_file(tmp_path: Path) -> None:
    home, info = Home(tmp_path), DaemonInfo(1, "http://127.0.0.1:8420", "t", "0.1.0")
    assert daemon.read(home) is None
    daemon.publish(home, info)
    assert (daemon.read(home), mode(home.daemon)) == (info, 0o600)
    home.daemon.write_text('{"pid": 1, "ur')
    assert daemon.read(home) is None
    daemon.withdraw(home)
    daemon.withdraw(home)
    assert daemon.read(home) is None
