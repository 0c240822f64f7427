"""How an installation is renewed follows from how it came onto the machine."""

import sys
from pathlib import Path

import pytest

from hermes import update
from hermes.update import Installation, commands
from kernel.errors import HermesError


def test_a_checkout_is_pulled_and_installed_into_this_environment() -> None:
    pull, install = commands(Installation.CHECKOUT, Path("/src/hermes"))
    assert pull == ["git", "-C", "/src/hermes", "pull", "--ff-only"]
    assert install == ["make", "-C", "/src/hermes", "install", f"VENV={sys.prefix}"]


def test_pipx_and_pip_upgrade_the_distribution() -> None:
    assert commands(Installation.PIPX, Path("/x")) == (["pipx", "upgrade", "hermes-gateway"],)
    assert commands(Installation.PIP, Path("/x"))[0][:4] == [sys.executable, "-m", "pip", "install"]


def test_this_checkout_is_recognised() -> None:
    kind, folder = update.found()
    assert kind in set(Installation)
    assert folder.exists()


def test_a_step_that_fails_leaves_the_old_version_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(HermesError, match="The home is as it was"):
        update.fetch()
