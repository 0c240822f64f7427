"""Starts the gateway on a home in which many requests wait: ``crowded.py HERMES COUNT``; the first start fills it."""

import os
import subprocess
import sys
from pathlib import Path

MARK = "crowded"


def fill(home: Path, count: int) -> None:
    """Fill the store in a process of its own, so that the start that is measured loads nothing for it."""
    subprocess.run([sys.executable, "-m", "benchmarks.crowd", str(home), str(count)], check=True)
    (home / MARK).touch()


def main() -> None:
    """Fill the home once, then become the gateway."""
    program, count = sys.argv[1], int(sys.argv[2])
    home = Path(os.environ["HERMES_HOME"])
    if not (home / MARK).exists():
        fill(home, count)
    os.execv(program, [program, "gateway"])  # noqa: S606 - the program under test


if __name__ == "__main__":
    main()
