"""The repository as text and syntax trees, for the tests that look at it."""

import ast
import os
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ROOMS = ("kernel", "store", "agent", "approvals", "board", "gateway", "cron", "web", "hermes")
GENERATED_FOLDERS = {"build", "dist", "htmlcov", "test-results", "__pycache__"}


def files(*suffixes: str) -> Iterator[Path]:
    """Yield each file of the repository that ends in one of ``suffixes`` (without any: all of them)."""
    for folder, names, found in os.walk(ROOT):
        names[:] = [name for name in names if name == ".ci" or not is_made(name)]
        yield from (Path(folder, name) for name in sorted(found) if not suffixes or name.endswith(suffixes))


def is_made(folder: str) -> bool:
    """Tell whether a folder of this name holds what tools made."""
    return folder in GENERATED_FOLDERS or folder.startswith(".") or folder.endswith(".egg-info")


def rooms() -> list[str]:
    """Return the names of the product's top-level packages."""
    return [room for room in ROOMS if (ROOT / room / "__init__.py").exists()]


def product() -> Iterator[Path]:
    """Yield each Python file of the product."""
    return (path for path in files(".py") if path.relative_to(ROOT).parts[0] in ROOMS)


def relative(path: Path) -> str:
    """Return ``path`` as the repository names it."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of all that a file imports; ``a.b`` for ``from a import b``."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def strings(path: Path) -> Iterator[str]:
    """Yield each string constant of a Python file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def pyproject() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
