"""What a scraper of ``/metrics`` is told."""

from pathlib import Path

import pytest

from gateway.metrics import Metric, MetricType, Sample, counter, exposition
from kernel.states import AdapterState
from tests.fakes.adapter import ScriptedAdapter
from tests.support.gateway import running
from tests.support.prometheus import families


def test_every_metric_has_its_help_its_type_and_escaped_labels() -> None:
    odd = 'a "quoted"\\back\nslash'
    text = exposition(
        [
            counter("hermes_x_total", "Counts\nup \\ on.", 10**15 + 1),
            Metric("hermes_y", MetricType.GAUGE, "Two.", (Sample(0.5, {"a": odd}), Sample(True, {"a": "b"}))),
        ]
    )
    found = families(text)
    assert "# HELP hermes_x_total Counts\\nup \\\\ on.\n# TYPE hermes_x_total counter\n" in text
    assert found["hermes_x_total"].samples == {frozenset(): 10**15 + 1}
    assert found["hermes_y"].samples == {frozenset({("a", odd)}): 0.5, frozenset({("a", "b")}): 1}


@pytest.mark.parametrize(
    "text",
    [
        "hermes_x 1\n",
        "# TYPE hermes_x gauge\nhermes_x 1\n",
        "# HELP hermes_x A.\nhermes_x 1\n",
        "# HELP hermes_x A.\n# TYPE hermes_x gauge\nhermes_x 1",
        "# HELP hermes_x A.\n# TYPE hermes_x gauge\n",
        "# HELP hermes_x A.\n# TYPE hermes_x gauge\nhermes_x 1\nhermes_x 2\n",
        '# HELP hermes_x A.\n# TYPE hermes_x gauge\nhermes_x{a="\n"} 1\n',
        "# HELP hermes_x A.\n# TYPE hermes_x gauge\nhermes_x one\n",
    ],
)
def test_the_reader_refuses_what_the_format_forbids(text: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        families(text)


async def test_a_running_gateway_explains_every_figure(tmp_path: Path) -> None:
    first, second = ScriptedAdapter("fake"), ScriptedAdapter("other")
    async with running(tmp_path, first, second) as rig:
        await first.say("hello")
        await rig.settled()
        found = families(rig.gateway.reporter.metrics())
    assert found["hermes_received_total"].samples == {frozenset(): 1}
    assert found["hermes_sent_total"].samples == {frozenset(): 1}
    labels = [dict(key) for key in found["hermes_connected"].samples]
    assert {one["platform"] for one in labels} == {"fake", "other"}
    assert {one["state"] for one in labels} <= set(AdapterState)
    assert all(one.help.endswith(".") for one in found.values())
