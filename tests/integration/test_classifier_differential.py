"""A second reading of the same texts: where bash or shfmt see something else than we do, the tier is at least high."""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from approvals.shell import Overrides, Preset
from approvals.shell.call import Call
from approvals.shell.judge import Judge
from approvals.shell.scope import Scope
from approvals.shell.tree import TooMuch
from approvals.shell.walk import Walk
from kernel.risk import Tier
from tests.unit.approvals.shell import test_disguises, test_file_rules, test_opaque_texts, test_other_rules
from tests.unit.approvals.shell.surroundings import CONTEXT, tier_of

SHFMT = shutil.which("shfmt")
BASH = shutil.which("bash")
EVERYDAY = Path(__file__).parents[2] / "benchmarks" / "everyday_commands.txt"
PIECES = (
    "ls",
    "rm x",
    "echo 'a b'",
    'echo "a $(rm y) b"',
    "cat <<EOF\n$(rm z)\nEOF\n",
    "cat <<'EOF'\n$(no)\nEOF\n",
    "a=b",
    "x=$(rm w) ls",
    "if",
    "then",
    "else",
    "fi",
    "for i in 1 2; do",
    "while read x; do",
    "done",
    "case x in",
    "y)",
    ";;",
    "esac",
    "f() {",
    "}",
    "{",
    "(",
    ")",
    ";",
    "&",
    "&&",
    "||",
    "|",
    "\n",
    "> out",
    "< in",
    "2>&1",
    "# comment",
    "# it \\\nrm v",
    "\\\n",
    "$((1 + 2))",
    "${x:-`rm u`}",
    "[[ a == b ]]",
    "[ -f x ]",
    "!",
    "time",
    "<(rm t)",
    "'",
    '"',
    "\\",
    "`rm s`",
    "~",
    "*",
    "\\;",
)


class Listening(Judge):
    """A judge that remembers the programs that it was asked about."""

    def __init__(self, walk: Walk) -> None:
        super().__init__(walk)
        self.names: set[str] = set()

    def run(self, call: Call) -> str:
        """Judge a command and remember its program."""
        self.names.add(call.argv[0])
        return super().run(call)


def programs_that_we_see(text: str) -> set[str]:
    """Return the names of the simple commands that the classifier judges in a text."""
    walk = Walk(CONTEXT, Overrides(), Preset.BALANCED)
    walk.judge = listening = Listening(walk)
    try:
        walk.text(text, Scope.of(CONTEXT))
        walk.finish()
    except TooMuch:
        pass
    return listening.names


def corpus() -> list[str]:
    """Return labelled everyday commands, known disguises and seeded random compositions."""
    everyday = [
        line.split("\t", 1)[1] for line in EVERYDAY.read_text(encoding="utf-8").splitlines() if "\t" in line
    ]
    tables = (test_disguises, test_file_rules, test_opaque_texts, test_other_rules)
    known = [command for table in tables for _, command in table.AT_LEAST]
    chance = random.Random(20261121)
    made = [" ".join(chance.choices(PIECES, k=chance.randint(2, 9))) for _ in range(1500)]
    return everyday + known + made


def refused_by_bash(texts: list[str]) -> Iterator[str]:
    """Yield the texts that are no program for bash; one process reads them all."""
    check = '"$BASH" --noprofile --norc -n -c "$text" 2>/dev/null; printf "%s\\n" $?'
    script = f'while IFS= read -r -d "" text; do {check}; done'
    given = b"".join(text.encode("utf-8", "surrogatepass") + b"\0" for text in texts)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script], input=given, capture_output=True, check=True
    )
    codes = done.stdout.split()
    assert len(codes) == len(texts)
    yield from (text for text, code in zip(texts, codes, strict=True) if code != b"0")


def literal(word: dict[str, Any]) -> str | None:
    """Return a word of shfmt's tree if it is plain text."""
    parts = word.get("Parts", [])
    if len(parts) != 1 or parts[0].get("Type") != "Lit":
        return None
    value = parts[0].get("Value", "")
    return value if value.isalnum() else None


def programs_in(tree: Any) -> Iterator[str]:
    """Yield the literal program names of every call in shfmt's tree."""
    if isinstance(tree, dict):
        if tree.get("Type") == "CallExpr" and tree.get("Args"):
            name = literal(tree["Args"][0])
            if name is not None:
                yield name
        for value in tree.values():
            yield from programs_in(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from programs_in(value)


def shfmt_reads(text: str) -> set[str] | None:
    """Return the program names that shfmt sees, or ``None`` when it refuses the text."""
    assert SHFMT is not None
    done = subprocess.run(
        [SHFMT, "-ln=bash", "--to-json"], input=text.encode(), capture_output=True, check=False
    )
    return set(programs_in(json.loads(done.stdout))) if done.returncode == 0 else None


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
def test_what_bash_cannot_read_is_at_least_high() -> None:
    texts = [text for text in corpus() if "\0" not in text]
    lower = [text for text in refused_by_bash(texts) if tier_of(text) < Tier.HIGH]
    assert lower == []


@pytest.mark.skipif(SHFMT is None, reason="shfmt is not installed")
def test_every_program_that_shfmt_sees_was_judged_or_the_text_is_high() -> None:
    chance = random.Random(7)
    texts = chance.sample(corpus(), 700)
    missed: list[tuple[str, set[str]]] = []
    for text in texts:
        if tier_of(text) >= Tier.HIGH:
            continue
        seen = shfmt_reads(text)
        if seen is None:
            continue
        hidden = seen - programs_that_we_see(text) - {"test"}
        if hidden:
            missed.append((text, hidden))
    assert missed == []
