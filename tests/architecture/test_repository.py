"""The repository tells nothing about the machines it was written on."""

import re
import sys
from pathlib import Path

from tests.architecture.sources import ROOT, files, relative

# Written apart, so that this file is no finding itself.
HOSTS = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
]
COMMON = ("/usr", "/usr/local", "/root")


def findings(pattern: re.Pattern[str]) -> list[str]:
    """Return ``file:line`` for each line of text that matches."""
    found: list[str] = []
    for path in files():
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{relative(path)}:{number}" for number, line in enumerate(lines, 1) if pattern.search(line)
        ]
    return found


def test_no_registry_is_named() -> None:
    assert findings(re.compile("|".join(map(re.escape, HOSTS)))) == []


def test_no_path_of_this_machine_is_named() -> None:
    places = {ROOT, Path(sys.prefix), Path(sys.base_prefix)}
    # A checkout right below the root has a name that may be a word elsewhere.
    named = [str(place) for place in places if len(place.parts) > 2 and str(place) not in COMMON]
    assert findings(re.compile("|".join(map(re.escape, named)) or r"(?!)")) == []
