"""What is imported is declared, what is declared is used, and the locks hold exactly that."""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import (
    ROOMS,
    ROOT,
    files,
    imports,
    product,
    pyproject,
    relative,
    rooms,
    strings,
)

OWN = {*ROOMS, "tests", "benchmarks", "scripts"}

# Distributions that another one loads by itself.
LOADED_BY_OTHERS = {
    "python-multipart": "Starlette parses forms and uploads with it",
    "pytest-asyncio": "pytest plug-in",
    "pytest-cov": "pytest plug-in",
    "pytest-randomly": "pytest plug-in",
    "pytest-timeout": "pytest plug-in",
    "pytest-xdist": "pytest plug-in",
    "basedpyright": "scripts/check runs it",
    "coverage": "pytest-cov runs it",
    "import-linter": "scripts/check runs it",
    "ruff": "scripts/check runs it",
}

# Parts that their owner pins exactly and shows in its own interface.
PARTS = {"pydantic-core", "mcp-types"}

LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^ ;\\]+)", re.MULTILINE)


def declared(*extras: str) -> dict[str, Requirement]:
    """Return the requirements of the project, with those of ``extras``, by canonical name."""
    project = pyproject()["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {canonicalize_name(line.name): line for line in map(Requirement, lines)}


def third_party(path: Path) -> Iterable[tuple[int, str]]:
    """Yield line and top-level name of each import that is neither ours nor the standard library's."""
    for line, name in imports(path):
        top = name.partition(".")[0]
        if top not in OWN and top not in sys.stdlib_module_names:
            yield line, top


def undeclared(paths: Iterable[Path], requirements: dict[str, Requirement]) -> list[str]:
    """Return each import that no requirement names, itself or as its extra, as ``file:line module``."""
    known, distributions = set(requirements) | PARTS, packages_distributions()
    known |= {extra for requirement in requirements.values() for extra in requirement.extras}
    return [
        f"{relative(path)}:{line} {top}"
        for path in paths
        for line, top in third_party(path)
        if not known & {canonicalize_name(name) for name in distributions.get(top, [top])}
    ]


def used(paths: Iterable[Path]) -> set[str]:
    """Return the distributions whose modules are imported, or named in a spec like ``"uvloop:run"``."""
    modules: set[str] = set()
    for path in paths:
        modules |= {top for _, top in third_party(path)}
        modules |= {
            re.split(r"[.:]", text)[0] for text in strings(path) if re.fullmatch(r"[\w.]+(:\w+)?", text)
        }
    distributions = packages_distributions()
    return {canonicalize_name(name) for module in modules for name in distributions.get(module, ())}


def locked(name: str) -> dict[str, str]:
    """Return the versions that a lock file pins, by canonical name."""
    pins = LOCKED.findall((ROOT / name).read_text("utf-8"))
    return {canonicalize_name(distribution): version for distribution, version in pins}


def test_the_product_imports_declared_dependencies_only() -> None:
    assert undeclared(product(), declared()) == []


def test_tests_import_declared_dependencies_only() -> None:
    others = (path for path in files(".py") if path.relative_to(ROOT).parts[0] not in ROOMS)
    assert undeclared(others, declared("test")) == []


def test_every_runtime_dependency_is_used() -> None:
    assert set(declared()) - used(product()) - set(LOADED_BY_OTHERS) == set()


def test_every_test_dependency_is_used() -> None:
    assert set(declared("test")) - set(declared()) - used(files(".py")) - set(LOADED_BY_OTHERS) == set()


def test_the_kernel_stands_on_the_standard_library_alone() -> None:
    kernel = (path for path in product() if path.is_relative_to(ROOT / "kernel"))
    assert [f"{relative(path)} {top}" for path in kernel for _, top in third_party(path)] == []


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ()), ("requirements-test.lock", ("test",))]
)
def test_a_lock_pins_every_declared_dependency(lock: str, extras: tuple[str, ...]) -> None:
    pins = locked(lock)
    wrong = [
        str(line) for name, line in declared(*extras).items() if pins.get(name, "") not in line.specifier
    ]
    assert wrong == [], "run: make lock"


def test_both_locks_pin_the_same_versions() -> None:
    runtime, tests = locked("requirements.lock"), locked("requirements-test.lock")
    assert {name: tests.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_has_a_hash_for_every_pin_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text, flags=re.IGNORECASE)
    assert [block for block in blocks if LOCKED.match(block) and "--hash=sha256:" not in block] == []
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)


def test_every_room_is_under_the_import_contracts_and_in_the_distribution() -> None:
    settings = pyproject()["tool"]
    cycles = next(contract for contract in settings["importlinter"]["contracts"] if "ancestors" in contract)
    assert sorted(settings["importlinter"]["root_packages"]) == sorted(cycles["ancestors"]) == sorted(rooms())
    assert {*rooms()} <= {*settings["setuptools"]["packages"]["find"]["include"]}
