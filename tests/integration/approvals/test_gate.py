"""The gate: what passes, what is asked, what never runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from approvals.settings import ApprovalSettings
from kernel.errors import AccessDenied
from kernel.risk import Tier
from kernel.specs import Tool
from kernel.states import ApprovalState, ToolCallState
from kernel.turns import Held
from store import approval_cards, approvals, journal
from store.units import Query
from tests.support.gate import CHAT, OWNER, House, ManualClock, house


async def read_call(house: House) -> tuple[str, int]:
    def look(q: Query) -> tuple[str, int]:
        rows = q.all("SELECT state FROM tool_call")
        return rows[0]["state"], len(rows)

    return await house.database.read(look)


async def test_reading_passes_and_leaves_no_request(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        action = await home.run("git status")
        assert action is not None
        assert action.argv == ("git", "status")
        assert await home.database.read(approvals.counts) == {}


async def test_a_tool_without_an_action_never_meets_the_gate(tmp_path: Path) -> None:
    async def note(context: object) -> str:
        return ""

    async with house(tmp_path).open() as home:
        assert await home.service.check(home.context(), Tool("note", note, idempotent=True), {}) is None


async def test_a_force_push_is_held_with_its_request_its_card_and_its_call_in_one_unit(
    tmp_path: Path,
) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold("git push --force")
        assert (asked.state, asked.tier, asked.needed) == (ApprovalState.PENDING, Tier.HIGH, 1)
        assert asked.requester == f"agent:{home.session_id}"
        assert asked.behalf == OWNER.id
        assert asked.origin == CHAT
        assert len(asked.id) == 32
        assert "remote" in asked.consequence
        assert await read_call(home) == (ToolCallState.HELD, 1)
        cards = await home.database.read(approval_cards.of_request, asked.id)
        assert [card.message.text for card in cards] == ["git push --force"]
        event = next(event for event in home.events if event.kind == "approval.ask")
        assert event.body["digest"] == asked.digest
        assert event.body["tier"] == "high"


async def test_the_same_call_asked_again_is_the_same_request(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        first = await home.hold("git push --force")
        again = await home.hold("git push --force", attempt=2)
        other = await home.hold("git push --force", "call-2")
        assert again.id == first.id
        assert other.id != first.id
        assert len(await home.owed()) == 2


async def test_what_destroys_the_system_is_refused_and_never_asked(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        with pytest.raises(AccessDenied, match="Refused"):
            await home.run("rm -rf /")
        assert await home.owed() == []
        assert home.kinds("gate.") == ["gate.deny"]


async def test_the_gate_refuses_whatever_would_decide_for_it(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        for number, command in enumerate(
            ("hermes approve abcde", f"cat {tmp_path}/home/.hermes/daemon.json")
        ):
            with pytest.raises(AccessDenied):
                await home.run(command, f"call-{number}")


async def test_in_the_mode_deny_nothing_is_asked(tmp_path: Path) -> None:
    async with house(tmp_path, mode="deny").open() as home:
        assert await home.run("git status") is not None
        with pytest.raises(AccessDenied, match="at present"):
            await home.run("rm notes.txt")
        assert (await home.service.facts())["approvals_mode"] == "deny"


async def test_trust_lets_medium_pass_until_it_ends_and_never_high(tmp_path: Path) -> None:
    until = datetime.fromtimestamp(ManualClock().now() / 1000, UTC) + timedelta(hours=1)
    async with house(tmp_path, mode="trust", trust_until=until).open() as home:
        assert await home.run("rm notes.txt") is not None
        assert home.kinds("gate.") == ["gate.trust"]
        assert "trust until" in (await home.service.facts())["approvals_mode"]
        await home.hold("git push --force", "call-2")
        with pytest.raises(AccessDenied):
            await home.run("rm -rf /", "call-3")
        home.clock.advance(3_600_000)
        await home.hold("rm notes.txt", "call-4")
        assert (await home.service.facts())["approvals_mode"] == "gate"


async def test_settings_read_again_count_from_the_next_call_on(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        await home.hold("rm notes.txt")
        home.settings = ApprovalSettings(mode="deny")
        home.service.configure(home.settings, home.policy())
        with pytest.raises(AccessDenied):
            await home.run("rm notes.txt", "call-2")


async def test_a_run_without_a_person_refuses_where_the_settings_say_so(tmp_path: Path) -> None:
    from_cron = OWNER.__class__("cron:nightly", OWNER.role)
    async with house(tmp_path, unattended="refuse").open() as home:
        with pytest.raises(AccessDenied, match="Nobody is here"):
            await home.run("git push --force", principal=from_cron)
    async with house(tmp_path / "other").open() as home:
        with pytest.raises(Held):
            await home.run("git push --force", principal=from_cron)


async def test_a_call_with_a_stored_result_passes_to_be_replayed(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold("git push --force")
        await home.database.write(journal.finish, home.turn_id, asked.call_key, "done")
        assert await home.run("git push --force", attempt=2) is not None
        assert len(await home.owed()) == 1


async def test_what_breaks_while_it_is_judged_is_high(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.environment = (("BROKEN", "x\0y"),)
    async with home.open():
        assert (await home.hold("ls")).tier is Tier.HIGH
