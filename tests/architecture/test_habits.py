"""Habits that no linter knows: file size, reasons beside broad handlers, one owner for each foreign API."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, files, imports, product, relative, tree

LONGEST = 600
WRITTEN = (".py", ".js", ".css", ".html", ".sql", ".sh")

# Who may touch what: the dotted name, and the folders or files that own it.
OWNERS = {
    "sqlite3": ("store/",),
    "aiosqlite": ("store/",),
    "telegram": ("gateway/platforms/telegram/",),
    "discord": ("gateway/platforms/discord/",),
    "slack_bolt": ("gateway/platforms/slack/",),
    "slack_sdk": ("gateway/platforms/slack/",),
    "apscheduler": ("cron/scheduler.py",),
    "nats": ("fleet/nats",),
    "os.environ": ("hermes/settings",),
    "os.getenv": ("hermes/settings",),
    "time.time": ("kernel/clock.py",),
    "time.time_ns": ("kernel/clock.py",),
    "datetime.datetime.now": ("kernel/clock.py",),
    "datetime.datetime.today": ("kernel/clock.py",),
    "datetime.datetime.utcnow": ("kernel/clock.py",),
    "datetime.date.today": ("kernel/clock.py",),
}

NOQA = re.compile(r"noqa(: ?[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*)?|pyright: ?ignore(\[\w+])?")


def dotted(node: ast.AST) -> str | None:
    """Return ``a.b.c`` for an attribute chain that starts at a plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return None


def full_names(path: Path) -> dict[str, str]:
    """Return what each imported local name of a file stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return names


def uses(path: Path) -> set[str]:
    """Return the full dotted name of everything a file imports or reaches through an import."""
    found, names = {name for _, name in imports(path)}, full_names(path)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and (name := dotted(node)):
            first, _, rest = name.partition(".")
            found.add(f"{names.get(first, first)}.{rest}")
    return found


def reason(comment: str) -> str:
    """Return what a comment says to a reader, switches for tools left out."""
    return NOQA.sub("", comment.partition("#")[2]).strip(" #-:")


def swallows_all(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler catches everything and does not raise it again at its end."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or dotted(kind) in {"Exception", "BaseException"} for kind in kinds)


@pytest.mark.parametrize("owned", OWNERS)
def test_a_foreign_api_is_used_by_its_owner_only(owned: str) -> None:
    others = [path for path in product() if not relative(path).startswith(OWNERS[owned])]
    found = [
        relative(path) for path in others if any(f"{name}.".startswith(f"{owned}.") for name in uses(path))
    ]
    assert found == []


def test_nobody_mocks() -> None:
    assert [
        relative(path) for path in files(".py") if any(".mock" in name for _, name in imports(path))
    ] == []


def test_no_file_is_longer_than_one_can_read() -> None:
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in files(*WRITTEN)}
    generated = {"store/schema.sql"}
    assert {
        name: length for name, length in lengths.items() if length > LONGEST and name not in generated
    } == {}


def test_a_broad_handler_has_its_reason_beside_it() -> None:
    silent: list[str] = []
    for path in files(".py"):
        lines = ["", *path.read_text("utf-8").splitlines(), ""]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler) and swallows_all(node):
                beside = lines[node.lineno - 1 : node.lineno + 2]
                if not any(len(reason(line).split()) > 2 for line in beside):
                    silent.append(f"{relative(path)}:{node.lineno}")
    assert silent == []


def test_scripts_are_executable() -> None:
    scripts = [
        path for path in (*ROOT.glob("scripts/*"), ROOT / ".ci/run") if path.is_file() and not path.suffix
    ]
    assert [relative(path) for path in scripts if not path.stat().st_mode & 0o100] == []
