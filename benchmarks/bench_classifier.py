"""How long classification takes: ordinary commands one by one, a 10 kB script, and adversarial texts of 10 kB.

Run: ``python -m benchmarks.bench_classifier``; exits with 1 when a figure misses its limit.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from approvals.shell import Context, classify
from benchmarks.report import Row, at_most, show
from kernel.risk import Tier

CONTEXT = Context(
    cwd="/home/dev/project",
    home="/home/dev",
    hermes_home="/home/dev/.hermes-gateway",
    workspaces=("/home/dev/project",),
)
SIZE = 10_240
ORDINARY_MS, SCRIPT_MS, OVER_ASKING = 0.3, 50.0, 0.02

_SCRIPT_LINE = (
    'if [ -f "src/module_{0}.py" ]; then python -m pytest "tests/test_{0}.py" | tee "out/{0}.txt"; fi'
    "  # {1}\n"
)
ADVERSARIAL = {
    "pipes": "a|" * (SIZE // 2),
    "parentheses": "(" * SIZE,
    "substitutions": "$(" * (SIZE // 2),
    "backquotes": "`" * SIZE,
    "arrays": "a=(" * (SIZE // 3),
    "here-documents": "cat <<A\n" * (SIZE // 8),
    "redirections": "<" * SIZE,
    "one word": "a" * SIZE,
    "braces": "echo " + "{a,b}" * (SIZE // 5),
    "commands": "ls;" * (SIZE // 3),
    "quotes": "'\"" * (SIZE // 2),
    "marks": "echo " + "é" * (SIZE // 2),
    "long data": "cat > notes.txt <<'EOF'\n" + "x = f(y) | z; # `a`\n" * (SIZE // 20) + "EOF\n",
    "hidden operators": "# '\n" + "a|" * (SIZE // 2) + "\n'",
    "wrappers": "env " * (SIZE // 4) + "ls",
    "assignments": "a=b " * (SIZE // 4),
    "quoted sql": "psql -c 'select " + "1," * (SIZE // 2) + "1'",
    "sed": "sed '" + "s/a/b/;" * (SIZE // 7) + "' f",
    "awk": "awk '" + "{print $1}" * (SIZE // 10) + "' f",
    "python": "python -c '" + "x=1;" * (SIZE // 4) + "'",
}


def everyday() -> list[tuple[Tier, str]]:
    """Return the labelled commands of ``everyday_commands.txt``."""
    lines = (Path(__file__).parent / "everyday_commands.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t", 1) for line in lines if line and not line.startswith("#"))
    return [(Tier.named(tier), command) for tier, command in pairs]


def script() -> str:
    """Return an ordinary script of about 10 kB within the classifier's limits."""
    filler = "checks that this module still does what its documentation says, and says so " * 5
    lines = ["#!/bin/bash\n", "set -euo pipefail\n"]
    while sum(map(len, lines)) < SIZE:
        lines.append(_SCRIPT_LINE.format(len(lines), filler))
    return "".join(lines)


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """Return the median time of one round."""
    samples: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        samples.append((time.perf_counter() - start) * 1000)
    return statistics.median(samples)


def rows() -> list[Row]:
    """Return the figures beside their limits: one ordinary command, a script, adversarial texts, over-asking."""
    labelled = everyday()
    times = [milliseconds(lambda command=command: classify(command, CONTEXT), 5) for _, command in labelled]
    over = [command for tier, command in labelled if classify(command, CONTEXT).tier > tier]
    text = script()
    adversarial = {
        name: milliseconds(lambda bad=bad: classify(bad[:SIZE], CONTEXT), 3)
        for name, bad in ADVERSARIAL.items()
    }
    worst = max(adversarial, key=lambda name: adversarial[name])
    asked = 100 * len(over) / len(labelled)
    return [
        at_most("classify an ordinary command, p50", statistics.median(times), "ms", ORDINARY_MS),
        at_most(
            f"classify a script of {len(text)} bytes",
            milliseconds(lambda: classify(text, CONTEXT), 7),
            "ms",
            SCRIPT_MS,
        ),
        at_most(
            f"the worst of {len(ADVERSARIAL)} adversarial texts of 10 kB",
            adversarial[worst],
            "ms",
            SCRIPT_MS,
            note=worst,
        ),
        at_most(
            f"over-asking on {len(labelled)} everyday commands",
            asked,
            "%",
            100 * OVER_ASKING,
            note="; ".join(over),
        ),
    ]


def main() -> int:
    """Measure, print, and tell whether every limit holds."""
    measured = rows()
    show(measured)
    return 0 if all(row.kept for row in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
