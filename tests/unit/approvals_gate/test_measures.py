"""What an action is bound to that is no file, and the risk that whoever asks has called it."""

from pathlib import Path

from approvals.digest import MEASURED, drift
from approvals.policy import Policy, Surroundings, claimed, raised
from approvals.settings import ApprovalSettings
from kernel.approvals import Action, ActionKind
from kernel.risk import Tier

NAME = f"{MEASURED}main..fix /srv/shop"
PUSH = Action(
    ActionKind.TERMINAL,
    "fix_push",
    "{}",
    "git push origin HEAD:refs/heads/fix",
    cwd="/",
    inputs=((NAME, "a1"),),
)


def policy(home: Path, now: dict[str, str]) -> Policy:
    surroundings = Surroundings(str(home), str(home / ".hermes"))
    return Policy(ApprovalSettings(), surroundings, lambda name: now.get(name, "missing"))


def test_an_action_is_bound_to_what_is_measured_and_drifts_with_it(tmp_path: Path) -> None:
    now = {NAME: "a1"}
    bound = policy(tmp_path, now).assess(PUSH).action
    assert dict(bound.inputs)[NAME] == "a1"
    assert drift(bound, policy(tmp_path, now).assess(bound).action) == ""
    now[NAME] = "b2"
    assert drift(bound, policy(tmp_path, now).assess(bound).action) == "The diff has changed."


def test_what_nobody_can_measure_is_missing(tmp_path: Path) -> None:
    plain = Policy(ApprovalSettings(), Surroundings(str(tmp_path), str(tmp_path / ".hermes")))
    assert dict(plain.assess(PUSH).action.inputs)[NAME] == "missing"


def test_what_was_claimed_can_be_read_again(tmp_path: Path) -> None:
    judged = policy(tmp_path, {}).assess(PUSH)
    assert claimed(judged.classification.reasons) is Tier.NONE
    high = raised(judged, Tier.HIGH)
    assert high.tier is Tier.HIGH
    assert claimed(high.classification.reasons) is Tier.HIGH
