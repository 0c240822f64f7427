"""Over-asking is a defect too: ordinary work stays at or below its tier."""

from collections import Counter

from benchmarks.bench_classifier import ADVERSARIAL, OVER_ASKING, SIZE, everyday, script
from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of


def test_at_most_two_of_a_hundred_everyday_commands_are_asked_above_their_tier() -> None:
    labelled = everyday()
    over = [(command, tier_of(command)) for tier, command in labelled if tier_of(command) > tier]
    assert len(over) <= OVER_ASKING * len(labelled), over


def test_no_everyday_command_is_below_its_tier() -> None:
    assert [command for tier, command in everyday() if tier_of(command) < tier] == []


def test_the_list_covers_every_tier_that_is_asked() -> None:
    counted = Counter(tier for tier, _ in everyday())
    assert counted[Tier.NONE] > 300
    assert min(counted[tier] for tier in (Tier.LOW, Tier.MEDIUM, Tier.HIGH)) >= 10


def test_an_ordinary_script_of_ten_kilobytes_is_read_to_its_end() -> None:
    assert len(script()) >= SIZE
    assert tier_of(script()) is Tier.NONE
    assert tier_of(script() + "rm -rf /\n") is Tier.DENY


def test_no_adversarial_text_is_taken_for_harmless_because_it_is_long() -> None:
    for name in ("pipes", "parentheses", "substitutions", "here-documents", "commands", "hidden operators"):
        assert tier_of(ADVERSARIAL[name]) is Tier.HIGH, name
