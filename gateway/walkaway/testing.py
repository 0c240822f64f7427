"""Which commands run tests, read from their words alone."""

import re
import shlex

# Programs that are a test run by themselves, and those that are one with a certain word behind them.
RUNNERS = frozenset(
    {
        "pytest",
        "py.test",
        "tox",
        "nox",
        "ctest",
        "rspec",
        "jest",
        "vitest",
        "phpunit",
        "mocha",
        "nosetests",
        "gotestsum",
    }
)
WITH_WORD = {
    "make": ("test", "tests", "check"),
    "just": ("test", "check"),
    "npm": ("test", "t"),
    "pnpm": ("test", "t"),
    "yarn": ("test",),
    "bun": ("test",),
    "deno": ("test",),
    "cargo": ("test", "nextest"),
    "go": ("test",),
    "mvn": ("test", "verify"),
    "gradle": ("test", "check"),
    "gradlew": ("test", "check"),
    "dotnet": ("test",),
    "mix": ("test",),
    "swift": ("test",),
    "bazel": ("test",),
    "rake": ("test", "spec"),
    "rails": ("test",),
    "hatch": ("test",),
}
# Options with which nothing is tested.
LOOKS = frozenset({"--version", "--help", "-h", "--collect-only", "--co"})
MODULES = frozenset({"pytest", "unittest", "nose2", "tox", "nox"})
# Words that run what stands behind them.
PREFIXES = frozenset({"sudo", "time", "nice", "env", "npx", "bunx", "exec", "command"})
RUNS_BEHIND = {"uv": "run", "poetry": "run", "pdm": "run", "pipenv": "run", "hatch": "run", "bundle": "exec"}
TAKES_VALUE = frozenset({"-n", "-C", "--directory", "--with", "--extra", "--group", "-p", "--python"})
SEPARATORS = re.compile(r"&&|\|\||[;\n|&]")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
PYTHON = re.compile(r"python[\d.]*")
FOLDERS = re.compile(r"^.*/")
COUNTS = re.compile(r"\b\d+ (?:passed|failed|errors?|skipped)\b|\bRan \d+ tests?\b", re.IGNORECASE)


def is_test_run(command: str) -> bool:
    """Tell whether one of the commands of a line runs tests."""
    return any(_runs_tests(_words(part)) for part in SEPARATORS.split(command))


def _words(part: str) -> list[str]:
    try:
        return shlex.split(part)
    except ValueError:
        return part.split()


def _runs_tests(words: list[str]) -> bool:
    words = _bare(words)
    if not words:
        return False
    name, rest = FOLDERS.sub("", words[0]), [word for word in words[1:] if not word.startswith("-")]
    if name in RUNNERS:
        return not LOOKS & set(words)
    if PYTHON.fullmatch(name):
        module = words[words.index("-m") + 1 :][:1] if "-m" in words else rest[:1]
        named = bool(module) and (module[0] in MODULES or FOLDERS.sub("", module[0]).startswith("test"))
        return named and not LOOKS & set(words)
    wanted = WITH_WORD.get(name, ())
    if rest[:1] == ["run"]:
        return bool(wanted) and rest[1:2] != [] and rest[1].startswith("test")
    return any(word.partition(":")[0] in wanted for word in rest[:1])


def _bare(words: list[str]) -> list[str]:
    """Leave out assignments, and programs that only run another one."""
    while words:
        name = FOLDERS.sub("", words[0])
        if ASSIGNMENT.match(words[0]) or name in PREFIXES:
            words = words[1:]
        elif name in RUNS_BEHIND and words[1:2] == [RUNS_BEHIND[name]]:
            words = _behind_options(words[2:])
        else:
            break
    return words


def _behind_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in TAKES_VALUE else words[1:]
    return words


def counts(output: str) -> str:
    """Return what a test run says of itself in its last lines, such as ``"12 passed, 1 failed"``."""
    for line in reversed(output.splitlines()[-15:]):
        if found := COUNTS.findall(line):
            return ", ".join(found)
    return ""
