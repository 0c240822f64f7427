"""Settings of the gate: what cannot be said, and what a moment makes of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from approvals.settings import ApprovalSettings, QuietSettings
from kernel.risk import Tier


@pytest.mark.parametrize(
    "broken",
    [
        {"mode": "trust"},
        {"mode": "off"},
        {"quiet": {"start": "22:00"}},
        {"quiet": {"start": "25:00", "end": "07:00"}},
        {"overrides": [{"tier": "none"}]},
        {"approvers": ["Ada"]},
        {"expiry_hours": 0},
        {"low": {"minutes": 0}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ApprovalSettings.model_validate(broken)


def test_trust_ends_by_itself() -> None:
    trusting = ApprovalSettings(mode="trust", trust_until=datetime(2027, 1, 1, tzinfo=UTC))
    end = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert trusting.mode_at(end - 1) == "trust"
    assert trusting.mode_at(end) == "gate"


@pytest.mark.parametrize(
    ("time", "quiet"), [("21:59", False), ("22:00", True), ("03:00", True), ("06:59", True), ("07:00", False)]
)
def test_quiet_hours_may_span_midnight(time: str, quiet: bool) -> None:
    night = QuietSettings(start="22:00", end="7:00")
    hour, minute = (int(part) for part in time.split(":"))
    moment = datetime(2027, 1, 1, hour, minute, tzinfo=UTC)
    assert night.quiet(Tier.MEDIUM, moment) is quiet
    assert not night.quiet(Tier.HIGH, moment)


def test_without_hours_nothing_is_quiet() -> None:
    assert not QuietSettings().quiet(Tier.LOW, datetime(2027, 1, 1, 3, tzinfo=UTC))
