"""The first command of a newcomer works, or says in one sentence what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from tests.architecture.sources import ROOT, files, rooms


def interpreter(folder: Path, name: str, body: str) -> Path:
    """Write a shell script that answers like a Python interpreter."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def make_venv(
    tmp_path: Path, python: str = "", path: str = "/usr/bin:/bin"
) -> subprocess.CompletedProcess[str]:
    """Run scripts/make-venv for a virtual environment in ``tmp_path``."""
    return subprocess.run(
        ["/bin/sh", ROOT / "scripts/make-venv", tmp_path / "venv", python],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_too_old_is_refused_with_the_way_out(tmp_path: Path) -> None:
    old = interpreter(
        tmp_path / "bin", "old", 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi'
    )
    done = make_venv(tmp_path, python=str(old))
    assert done.returncode == 1
    assert done.stderr.endswith("is Python 3.9.2, but Hermes needs Python 3.11 or newer.\n")


def test_a_python_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    done = make_venv(tmp_path, python="python2.7-not-here")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_a_machine_without_a_recent_python_is_told_what_to_install(tmp_path: Path) -> None:
    interpreter(tmp_path / "bin", "python3", "exit 1")
    done = make_venv(tmp_path, path=str(tmp_path / "bin"))
    assert done.returncode == 1
    assert "apt-get install python3 python3-venv" in done.stderr


def test_a_python_without_ensurepip_is_told_which_package_brings_it(tmp_path: Path) -> None:
    bare = interpreter(tmp_path / "bin", "python3", 'case "$2" in *ensurepip*) exit 1;; esac; exit 0')
    done = make_venv(tmp_path, python=str(bare))
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_a_recent_python_gets_its_virtual_environment(tmp_path: Path) -> None:
    done = make_venv(tmp_path, python=getattr(sys, "_base_executable", sys.executable))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv/bin/pip").exists()


def test_a_virtual_environment_of_other_making_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "venv/own"
    own.parent.mkdir()
    own.touch()
    done = make_venv(tmp_path, python=sys.executable)
    assert (done.returncode, own.exists()) == (1, True)
    assert "not make's own" in done.stderr


def test_a_wheel_holds_every_file_of_the_product_and_nothing_else(tmp_path: Path) -> None:
    inside = [path.relative_to(ROOT) for path in files() if path.relative_to(ROOT).parts[0] in rooms()]
    for path in (*inside, Path("pyproject.toml"), Path("LICENSE"), Path("README.md")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/__init__.py").touch()
    build = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    with ZipFile(next(tmp_path.glob("dist/*.whl"))) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == {path.as_posix() for path in inside}
