"""The gate as a black box with many requests waiting: restarts and taps take no notice of them."""

from pathlib import Path

from benchmarks.bench_gateway import HERE, Result, play
from benchmarks.report import Row, at_most, at_most_times, skipped

CROWDED = HERE / "crowded.json"
ROOT = HERE.parent.parent
MANY, SEVERAL = 10_000, 1_000


def rows(harness: Path | None) -> list[Row]:
    """Return the rows that a harness measures, or one skipped row where there is none."""
    if harness is None:
        return [skipped("the gate with many requests waiting", "", "no HARNESS=path")]
    return [*_restart(harness), *_taps(_play(harness, "approval", SEVERAL))]


def _play(harness: Path, test: str, waiting: int) -> Result:
    return play(harness, CROWDED, test, "--var", f"crowd={waiting}", "--var", f"root={ROOT}")


def _restart(harness: Path) -> list[Row]:
    """Compare starts; the launcher that fills the store stands before both."""
    many = _play(harness, "coldstart", MANY)["median_ms"]
    empty = _play(harness, "coldstart", 0)["median_ms"]
    return [
        at_most_times(f"{MANY:,} pending: restart to the first poll", many, "ms", 1.2, ("empty store", empty))
    ]


def _taps(result: Result) -> list[Row]:
    run = result["click_to_executed_ms"]
    return [
        at_most(
            f"{SEVERAL:,} pending: message to card, p50", result["message_to_prompt_ms"]["p50"], "ms", 40
        ),
        at_most(f"{SEVERAL:,} pending: tap to command started, p50", run["p50"], "ms", 15),
        at_most(f"{SEVERAL:,} pending: tap to command started, slowest of 10", run["max"], "ms", 60),
    ]
