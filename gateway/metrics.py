"""Figures in Prometheus's text format, version 0.0.4: every metric with its help and its type, every label escaped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MetricType(StrEnum):
    """What a figure does: a counter only grows while the daemon runs."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value and the labels that tell it from its neighbours."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: its name, type and sentence, and a sample for each set of labels."""

    name: str
    kind: MetricType
    help: str
    samples: tuple[Sample, ...]


def counter(name: str, sentence: str, value: float) -> Metric:
    """Return a count since the start, without labels."""
    return Metric(name, MetricType.COUNTER, sentence, (Sample(value),))


def gauge(name: str, sentence: str, value: float) -> Metric:
    """Return a figure that rises and falls, without labels."""
    return Metric(name, MetricType.GAUGE, sentence, (Sample(value),))


def exposition(metrics: Iterable[Metric]) -> str:
    """Return the metrics as a scraper reads them."""
    return "".join(line + "\n" for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> list[str]:
    help_ = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    head = [f"# HELP {metric.name} {help_}", f"# TYPE {metric.name} {metric.kind}"]
    # Adding 0 makes a number of a truth value.
    return head + [f"{metric.name}{_labels(one.labels)} {one.value + 0}" for one in metric.samples]


def _labels(labels: Mapping[str, str]) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
