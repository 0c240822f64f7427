"""Which command tests a folder: the one that is set for it, else the one that its own files name."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
LARGEST = 1_000_000


def command(folder: Path, project: str, chosen: Mapping[str, str]) -> str:
    """Return the command that runs the tests in ``folder``, a checkout of ``project``; empty where none is known.

    ``chosen`` are the commands of the settings by the project's folder.
    """
    for name, line in chosen.items():
        if Path(name).expanduser().resolve() == Path(project).resolve():
            return line
    return next((line for find in FINDERS if (line := find(folder))), "")


def _make(folder: Path) -> str:
    for name in MAKEFILES:
        for target in ("test", "check"):
            if re.search(rf"^{target}\s*:(?!=)", _text(folder / name), re.MULTILINE):
                return f"make {target}"
    return ""


def _npm(folder: Path) -> str:
    scripts = _json(folder / "package.json").get("scripts")
    return "npm test" if isinstance(scripts, dict) and "test" in scripts else ""


def _python(folder: Path) -> str:
    configured = (
        "pytest" in _toml(folder / "pyproject.toml").get("tool", {}) or (folder / "pytest.ini").is_file()
    )
    if configured or (folder / "conftest.py").is_file() or (folder / "tests" / "conftest.py").is_file():
        return "python3 -m pytest -q"
    tested = any(folder.glob("test*.py")) or any(folder.glob("tests/test*.py"))
    return "python3 -m unittest discover" if tested else ""


def _of(name: str, line: str) -> Callable[[Path], str]:
    return lambda folder: line if (folder / name).is_file() else ""


FINDERS: tuple[Callable[[Path], str], ...] = (
    _make,
    _npm,
    _of("Cargo.toml", "cargo test"),
    _of("go.mod", "go test ./..."),
    _python,
)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace") if path.stat().st_size <= LARGEST else ""
    except OSError:
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}
