"""The platforms' page and scorecards cannot lie."""

import ast

import pytest

from gateway.adapter import Forms, Names, Probes, Reads
from gateway.platforms.telegram import SPEC
from hermes import plugins
from tests.docs.platforms import PAGE, ROOT, RULES, TESTS, Platform, features, page, platforms, scorecard


def test_the_page_is_made_from_what_there_is() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: scripts/generate"


def test_every_platform_has_a_scorecard() -> None:
    folders = {path.parent for path in (ROOT / "gateway/platforms").glob("*/adapter.py")}
    known = {ROOT / "gateway/platforms" / name for name in plugins.PLATFORMS}
    assert {folder for folder in folders if folder in known} <= {
        platform.scorecard.parent for platform in platforms()
    }


@pytest.mark.parametrize("platform", platforms(), ids=lambda platform: platform.adapter.identity.platform)
def test_a_scorecard_answers_every_rule(platform: Platform) -> None:
    card = scorecard(platform)
    assert list(card["rules"]) == list(RULES)
    for rule, state in card["rules"].items():
        answers = [word for word in ("done", "todo", "exempt") if state.get(word)]
        assert len(answers) == 1, rule
        assert set(state) <= {*answers, "note"}, rule


@pytest.mark.parametrize("platform", platforms(), ids=lambda platform: platform.adapter.identity.platform)
def test_what_is_done_names_a_test_that_exists(platform: Platform) -> None:
    proofs = {state["done"] for state in scorecard(platform)["rules"].values() if "done" in state}
    missing = {
        proof for proof in proofs if proof.partition("::")[2] not in names_in(proof.partition("::")[0])
    }
    assert missing == set()


def test_every_feature_is_proven_on_every_platform_or_says_why_not() -> None:
    names = {platform.adapter.identity.platform for platform in platforms()}
    for feature, proofs in features().items():
        assert set(proofs) == names, feature
        for proof in proofs.values():
            path, _, name = proof.partition("::")
            assert not proof.startswith(TESTS) or name in names_in(path), proof


def names_in(path: str) -> set[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_spec_names_the_settings_model_the_page_shows() -> None:
    assert next(platform.settings for platform in platforms()) == (f"platforms.{SPEC.name}", SPEC.settings)


def test_what_capabilities_say_and_what_the_scorecard_says_agree() -> None:
    for platform in platforms():
        rules, abilities = scorecard(platform)["rules"], platform.adapter.capabilities.abilities
        for rule, kind in {"forms": Forms, "history": Reads, "names": Names, "probe": Probes}.items():
            assert ("done" in rules[rule]) <= (kind in abilities), (platform.adapter.identity.platform, rule)
            assert (kind in abilities) <= ("exempt" not in rules[rule]), rule
