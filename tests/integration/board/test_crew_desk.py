"""The crew's operations, commands and taps on a real database."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from board import deciding
from board.crew import plans, profiles
from board.crew_operations import operations
from gateway.crew.buttons import REVIEW, TRIAGE, CrewButtons
from gateway.crew.cards import ReviewCards
from gateway.crew.commands import CrewCommands
from gateway.crew.triage import TriageDesk
from kernel.errors import AccessDenied, InvalidInput, NotFound, Stale
from kernel.messages import Address, Inbound, InboundKind, Sender
from kernel.people import Principal, Role
from kernel.specs import CommandCall
from kernel.states import TaskState
from store import inbox
from store.inbox import InboxRow, Verdict
from tests.support.boardhouse import BoardHouse, boardhouse, program

OWNER = Principal("web:owner", Role.OWNER, "Owner")
GUEST = Principal("web:guest", Role.USER, "Guest")
HERE = Address("web", "local", "main")


class Desk:
    """The crew's surfaces over one board, with a program ``worker`` that ends well."""

    def __init__(self, house: BoardHouse) -> None:
        house.room.roster, house.room.plans = profiles.load(), plans.load()
        self.house = house
        self.buttons = CrewButtons(b"k" * 32, REVIEW)
        self.commands = {one.name: one for one in CrewCommands(house.board, self.buttons).commands()}
        self.cards = ReviewCards(house.database, house.room.bus, house.board, self.buttons)
        triage_buttons = CrewButtons(b"k" * 32, TRIAGE)
        self.triage = TriageDesk(house.database, house.room.bus, house.board, triage_buttons)
        self.commands |= {one.name: one for one in self.triage.commands()}
        self.handlers = {"rv": self.cards.tapped, "tg": self.triage.tapped}
        self.triage_row = triage_buttons.row
        self._taps = 0
        self._operations = {one.name: one for one in operations(house.board)}

    async def do(self, name: str, principal: Principal = OWNER, /, **given: Any) -> Any:
        """Carry out an operation."""
        operation = self._operations[name]
        return await operation.run(principal, operation.input(**given))

    async def say(self, line: str) -> str:
        """Carry out a command and return its answer."""
        name, _, args = line.partition(" ")
        call = CommandCall(OWNER, HERE, "", args, 1, private=True, sender_id="owner")
        return (await self.commands[name].run(call)).text

    async def tap(self, value: str, principal: Principal = OWNER) -> str | None:
        """Press a button."""
        self._taps += 1
        sender = Sender("owner")
        inbound = Inbound(HERE, f"tap:{self._taps}", "", sender, InboundKind.TAP, "", private=True, tap=value)
        row = await self.house.database.write(inbox.add, inbound, Verdict(""))
        assert isinstance(row, InboxRow)
        return await self.handlers[value[:2]](row, principal)

    async def submitted(self) -> int:
        """Return a task whose work waits for a review."""
        task = await self.house.add("worker", template="reviewed")
        await self.house.hears("task.version", task)
        return task.id


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    async with boardhouse(tmp_path, programs={"worker": program("echo well done")}) as house:
        yield Desk(house)


async def test_a_review_is_listed_decided_and_on_record(desk: Desk) -> None:
    id = await desk.submitted()
    (waiting,) = (await desk.do("reviews.list")).waiting
    assert (waiting.task.id, waiting.version.version) == (id, 1)
    back = await desk.do("reviews.decide", id=id, decision="changes", points=["shorter"], version=1)
    assert back.state in ("changes_requested", "claimed", "in_progress", "in_review")
    await desk.house.hears("task.version", await desk.house.task(id), 2)
    done = await desk.do("reviews.decide", id=id, decision="approve", version=2)
    assert done.state == "done"
    told = await desk.do("tasks.audit", id=id)
    assert [one.verdict for one in told.versions] == ["changes", "approved"]
    assert [one.agent for one in told.awards] == ["worker"]
    at = next(one.seq for one in told.events if one.kind == "task.version")
    scene = await desk.do("tasks.replay", id=id, at=at)
    assert (scene.snapshot.state, [one.verdict for one in scene.versions]) == ("in_review", [""])
    compared = await desk.do("reviews.compare", id=id)
    assert (compared.before, compared.after, compared.points) == (1, 2, ["shorter"])


async def test_the_terms_of_a_score_sum_to_it_on_every_surface(desk: Desk) -> None:
    id = await desk.submitted()
    await desk.do("reviews.decide", id=id, decision="approve")
    found = await desk.do("tasks.score", id=id)
    for score in (found.worth, *(one.score for one in found.candidates)):
        assert score.total == pytest.approx(sum(term.points for term in score.terms))
    shown = await desk.do("agents.show", name="editor")
    assert shown.reputation.total == sum(term.points for term in shown.reputation.terms)
    assert (await desk.do("agents.shiplog")).shipped[0].agent == "worker"
    assert "worker" in await desk.say("shiplog")


async def test_commands_list_and_decide(desk: Desk) -> None:
    id = await desk.submitted()
    assert f"- {id} version 1" in await desk.say("review")
    assert "version 1" in await desk.say(f"review {id}")
    assert "do not differ" in await desk.say(f"review {id} diff")
    with pytest.raises(InvalidInput):
        await desk.say(f"review {id} perhaps")
    with pytest.raises(InvalidInput):
        await desk.say(f"review {id} reject")
    assert "done" in await desk.say(f"review {id} approve")
    assert await desk.say("review") == "Nothing waits for a review."
    assert "**editor**" in await desk.say("agents")
    assert "Reputation" in (await desk.say("agents editor")).replace("reputation", "Reputation")
    assert await desk.say("leaderboard") == "Nobody has finished anything yet."


async def test_a_tap_approves_the_version_it_was_made_for_and_no_other(desk: Desk) -> None:
    id = await desk.submitted()
    approve, changes, reject = desk.buttons.row(id, 1)
    assert "operators" in str(await desk.tap(approve.value, GUEST))
    assert f"/review {id} changes" in str(await desk.tap(changes.value))
    assert f"/review {id} reject" in str(await desk.tap(reject.value))
    assert "over" in str(await desk.tap(f"rv:{id}-2:approve:000000000000"))
    assert "done" in str(await desk.tap(approve.value))
    with pytest.raises(Stale):
        await desk.tap(desk.buttons.row(id, 2)[0].value)


async def test_what_was_claimed_by_hand_is_submitted_with_a_summary_and_judged_by_another(desk: Desk) -> None:
    task = await desk.house.add("", lane="manual", template="reviewed")
    await desk.house.board.claim(task.id, OWNER, lease_ms=0)
    row = await desk.do("tasks.submit", id=task.id, summary="Painted the door.")
    assert row.state == "in_review"
    with pytest.raises(AccessDenied):
        await desk.do("reviews.decide", id=task.id, decision="approve")
    await desk.house.database.write(deciding.accept, task.id, actor="web:other")
    assert (await desk.house.task(task.id)).state is TaskState.DONE


async def test_the_crew_is_for_operators_and_unknown_names_are_said(desk: Desk) -> None:
    with pytest.raises(AccessDenied):
        await desk.do("agents.list", GUEST)
    with pytest.raises(NotFound):
        await desk.do("agents.show", name="nobody")
    assert {one.name for one in (await desk.do("agents.list")).agents} >= {"hermes", "coder", "reviewer"}
    assert {one.name for one in (await desk.do("agents.templates")).templates} >= {
        "essay",
        "bug_fix",
        "digest",
    }


async def test_an_open_task_is_given_to_who_has_the_skill(desk: Desk) -> None:
    task = await desk.house.add("", lane="agent", skills=("coding",))
    await desk.house.hears("task.choose", task)
    found = await desk.do("tasks.score", id=task.id)
    assert (found.assignee, found.reason) == ("coder", "the highest score")


async def sorted_by_rules(desk: Desk) -> int:
    """Return a task in triage about which the rules have said what they suggest, as no agent works here."""
    desk.house.board.configure(desk.house.room.settings.model_copy(update={"enabled": False}))
    task = await desk.house.add("", lane="agent", triage=True)
    await desk.house.hears("task.suggest", task)
    return task.id


async def test_what_is_suggested_is_shown_on_every_surface_and_confirmed_once(desk: Desk) -> None:
    id = await sorted_by_rules(desk)
    (shown,) = (await desk.do("triage.list")).waiting
    assert (shown.task.id, shown.suggestion.number, shown.suggestion.author) == (id, 1, "rules")
    assert [one.rule for one in shown.findings] == ["acceptance"]
    assert f"- {id} a task: simple" in await desk.say("triage")
    assert "Done when:" in await desk.say(f"triage {id}")
    with pytest.raises(InvalidInput):
        await desk.say(f"triage {id} perhaps")
    done = await desk.do("triage.confirm", id=id, number=1)
    assert done.state == "open"
    with pytest.raises(Stale):
        await desk.say(f"triage {id} accept")
    assert await desk.say("triage") == "Nothing is in triage."


async def test_a_tap_confirms_the_suggestion_it_stood_under(desk: Desk) -> None:
    id = await sorted_by_rules(desk)
    accept, as_it_is, withdraw = desk.triage_row(id, 1)
    assert "operators" in str(await desk.tap(accept.value, GUEST))
    with pytest.raises(Stale):
        await desk.tap(desk.triage_row(id, 2)[0].value)
    assert "over" in str(await desk.tap(f"tg:{id}-1:accept:000000000000"))
    assert f"Task {id} is open" in str(await desk.tap(accept.value))
    for button in (as_it_is, withdraw):
        with pytest.raises(Stale):
            await desk.tap(button.value)


async def test_a_task_in_triage_is_withdrawn_by_a_tap(desk: Desk) -> None:
    id = await sorted_by_rules(desk)
    assert "cancelled" in str(await desk.tap(desk.triage_row(id, 1)[2].value))


async def test_of_two_reviewers_at_once_one_decides_and_the_other_is_told_to_look_again(desk: Desk) -> None:
    id = await desk.submitted()
    other = Principal("web:other", Role.OPERATOR, "Other")
    both = await asyncio.gather(
        desk.do("reviews.decide", id=id, decision="approve", version=1),
        desk.do("reviews.decide", other, id=id, decision="reject", feedback="no", version=1),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, Stale) for one in both) == [False, True]
    told = await desk.do("tasks.audit", id=id)
    assert len([one for one in told.events if one.kind == "task.verdict"]) == 1
    assert told.versions[0].decided_by in ("web:owner", "web:other")
