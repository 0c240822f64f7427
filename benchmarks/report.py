"""Rows of a benchmark: each figure beside its baseline and its limit, printed and kept as JSON lines."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

_HEADINGS = ("figure", "value", "baseline", "ratio", "limit", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure; ``kept`` is ``None`` where it could not be measured, and ``note`` says why."""

    figure: str
    value: float | None
    unit: str
    limit: str
    kept: bool | None
    baseline: str = ""
    baseline_value: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The value divided by the baseline's."""
        if self.value is None or not self.baseline_value:
            return None
        return self.value / self.baseline_value


def at_most(figure: str, value: float, unit: str, limit: float, *, note: str = "") -> Row:
    """Return a row that is kept while the value does not exceed an absolute limit."""
    return Row(figure, value, unit, f"<= {limit:g} {unit}", value <= limit, note=note)


def at_least_times(figure: str, value: float, unit: str, factor: float, baseline: tuple[str, float]) -> Row:
    """Return a row that is kept while the value reaches ``factor`` times the baseline's ``(name, value)``."""
    name, base = baseline
    return Row(figure, value, unit, f">= {factor:g}x", value >= factor * base, name, base)


def at_most_times(figure: str, value: float, unit: str, factor: float, baseline: tuple[str, float]) -> Row:
    """Return a row that is kept while the value stays within ``factor`` times the baseline's ``(name, value)``."""
    name, base = baseline
    return Row(figure, value, unit, f"<= {factor:g}x", value <= factor * base, name, base)


def skipped(figure: str, limit: str, reason: str) -> Row:
    """Return a row for a figure that this machine or run cannot measure."""
    return Row(figure, None, "", limit, None, note=reason)


def show(rows: Iterable[Row]) -> None:
    """Print the rows as an aligned table."""
    lines = [_HEADINGS, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def write(rows: Iterable[Row], path: Path) -> None:
    """Append the rows to a file, one JSON object a line."""
    with path.open("a", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({**asdict(row), "ratio": row.ratio}, ensure_ascii=False) + "\n")


def machine() -> str:
    """Return one line about the machine that the figures were taken on."""
    cores = Path("/proc/cpuinfo").read_text(encoding="utf-8").count("processor\t")
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return f"{system}, {cores} cores, Python {platform.python_version()}"


def cells(row: Row) -> tuple[str, ...]:
    """Return the row as the columns of a table."""
    if row.value is None:
        return (row.figure, "skipped", row.note, "", row.limit, "")
    baseline = "" if row.baseline_value is None else f"{row.baseline} {_number(row.baseline_value)}"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
    verdict = ("kept" if row.kept else "MISSED") + (f" ({row.note})" if row.note else "")
    return (row.figure, f"{_number(row.value)} {row.unit}", baseline, ratio, row.limit, verdict)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
