"""``python -m benchmarks [name …]``: measure, show every figure beside its limit, and write RESULTS.md."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    bench_acp,
    bench_approvals,
    bench_board,
    bench_classifier,
    bench_crew,
    bench_cron,
    bench_gateway,
    bench_platforms,
    bench_store,
    bench_walkaway,
    report,
)
from benchmarks.report import Row

RESULTS = Path(__file__).parent / "RESULTS.md"


def store() -> list[Row]:
    """Measure the store beside raw sqlite3."""
    return bench_store.rows()


def _harness() -> Path | None:
    harness = os.environ.get("HARNESS", "")
    return Path(harness) if harness else None


def gateway() -> list[Row]:
    """Measure the gateway with the harness that ``HARNESS`` names."""
    return bench_gateway.rows(_harness())


def approvals() -> list[Row]:
    """Measure the gate with many requests waiting, with the same harness."""
    return bench_approvals.rows(_harness())


def classifier() -> list[Row]:
    """Measure the classifier's speed, and how often it asks for no reason."""
    return bench_classifier.rows()


def board() -> list[Row]:
    """Measure the board beside raw sqlite3."""
    return bench_board.rows()


def crew() -> list[Row]:
    """Measure how the crew's decisions and replays fare with much to look at."""
    return bench_crew.rows()


def walkaway() -> list[Row]:
    """Measure how soon a job that is at work hears its person."""
    return bench_walkaway.rows()


def acp() -> list[Row]:
    """Measure what coding agents cost, with a real one."""
    return bench_acp.rows()


def platforms() -> list[Row]:
    """Measure every platform at once, on protocol servers of this machine."""
    return bench_platforms.rows()


def cron() -> list[Row]:
    """Measure scheduled jobs: how late they begin, and what many of them cost."""
    return bench_cron.rows()


SUITES: Mapping[str, Callable[[], list[Row]]] = {
    "store": store,
    "classifier": classifier,
    "board": board,
    "cron": cron,
    "crew": crew,
    "walkaway": walkaway,
    "acp": acp,
    "gateway": gateway,
    "approvals": approvals,
    "platforms": platforms,
}


def page(sections: Mapping[str, Sequence[Row]]) -> str:
    """Return the results as Markdown."""
    day = datetime.now(UTC).date().isoformat()
    lines = ["# Results", "", f"{day}, {report.machine()}. `make bench` measures them again."]
    for name, rows in sections.items():
        lines += [
            "",
            f"## {name.capitalize()}",
            "",
            "| figure | value | beside | ratio | limit | |",
            "|---|---|---|---|---|---|",
        ]
        lines += ["| " + " | ".join(report.cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the suites and return 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description="Measure Hermes.")
    parser.add_argument("suites", nargs="*", choices=[[], *SUITES], help="which suites; without a name, all")
    parser.add_argument("--no-results", action="store_true", help="do not write RESULTS.md")
    options = parser.parse_args()
    sections: dict[str, list[Row]] = {}
    for name in options.suites or SUITES:
        print(f"\n{name}", flush=True)
        sections[name] = SUITES[name]()
        report.show(sections[name])
    if not options.no_results and not options.suites:
        RESULTS.write_text(page(sections), encoding="utf-8")
    return 0 if all(row.kept is not False for rows in sections.values() for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
