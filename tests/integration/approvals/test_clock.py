"""Deadlines: the veto clock of harmless actions, expiry, escalation."""

from pathlib import Path

from kernel.approvals import Approval, How, Outcome
from kernel.messages import Address, Inbound, InboundKind, Receipt, Sender
from kernel.risk import Tier
from kernel.states import ApprovalState
from store import approval_cards, approval_trail, inbox, outbox
from store.inbox import Verdict
from store.units import Unit
from tests.support.gate import CHAT, DAY, MINUTE, OWNER, PROGRAM, House, house

CLEAN = "rm -rf __pycache__"
PUSH = "git push --force"


async def later(home: House, milliseconds: int) -> None:
    """Let time pass and the gate look at its deadlines."""
    home.clock.advance(milliseconds)
    await home.settled()


async def state(home: House, asked: Approval) -> ApprovalState:
    """Return the state of a request."""
    return (await home.get(asked.id)).state


async def test_a_harmless_action_runs_five_minutes_after_its_notice_was_delivered(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(CLEAN)
        assert (asked.tier, asked.veto_left, asked.veto_since) == (Tier.LOW, 5 * MINUTE, None)
        await later(home, 60 * MINUTE)
        assert await state(home, asked) is ApprovalState.PENDING
        await home.deliver()
        assert (await home.get(asked.id)).veto_until == home.clock.now() + 5 * MINUTE
        await later(home, 5 * MINUTE - 1)
        assert await state(home, asked) is ApprovalState.PENDING
        await later(home, 1)
        done = await home.service.wait(asked.id, 10, over=True)
        assert (done.state, done.decided_how, done.decided_by) == (ApprovalState.DONE, "auto", "system")
        assert len(home.caller.calls) == 1
        assert "Nobody objected" in (await home.told())[0]


async def test_a_card_counts_as_delivered_when_all_its_parts_are(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.cards.places = (CHAT, CHAT._replace(chat="2"))
    async with home.open():
        asked = await home.hold(CLEAN)

        def one(tx: Unit) -> None:
            row = outbox.claim(tx, Address(*CHAT[:3]))
            assert isinstance(row, outbox.OutboxRow)
            outbox.confirm(tx, row.id, Receipt(("p",)))

        await home.database.write(one)
        await home.settled()
        # Each place has a card of its own: one that arrived is enough.
        assert (await home.get(asked.id)).veto_since is not None


async def test_high_and_medium_never_run_by_time(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        high, medium = await home.hold(PUSH), await home.hold("rm notes.txt", "call-2")
        await home.deliver()
        await later(home, 6 * DAY)
        assert high.veto_left is None
        assert await state(home, high) is ApprovalState.PENDING
        assert await state(home, medium) is ApprovalState.PENDING


async def test_stop_hold_and_run_now_on_a_running_clock(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        stopped, held, now = [await home.hold(CLEAN, f"call-{number}") for number in range(3)]
        await home.deliver()
        await later(home, 4 * MINUTE)
        await home.service.decide(stopped.id, OWNER, How.REFUSE)
        await home.service.decide(held.id, OWNER, How.HOLD)
        await home.service.decide(now.id, OWNER, How.RUN_NOW)
        assert (await home.service.wait(now.id, 10, over=True)).decided_how == "run_now"
        await later(home, 30 * MINUTE)
        assert await state(home, stopped) is ApprovalState.REFUSED
        kept = await home.get(held.id)
        assert (kept.state, kept.veto_left, kept.veto_since) == (ApprovalState.HELD, MINUTE, None)
        await home.service.decide(held.id, OWNER, How.RELEASE)
        await home.settled()
        await later(home, MINUTE - 1)
        assert await state(home, held) is ApprovalState.PENDING
        await later(home, 1)
        assert (await home.service.wait(held.id, 10, over=True)).decided_how == "auto"


async def test_the_time_in_which_the_daemon_was_down_does_not_count(tmp_path: Path) -> None:
    home = house(tmp_path)
    async with home.open():
        asked = await home.hold(CLEAN)
        await home.deliver()
        await later(home, 2 * MINUTE)
        await home.service.drain(1)
    home.clock.advance(3 * DAY)
    async with home.open():
        await home.settled()
        waiting = await home.get(asked.id)
        assert (waiting.state, waiting.veto_left) == (ApprovalState.PENDING, 3 * MINUTE)
        await later(home, 3 * MINUTE - 1)
        assert await state(home, asked) is ApprovalState.PENDING
        await later(home, 1)
        assert (await home.service.wait(asked.id, 10, over=True)).state is ApprovalState.DONE


async def test_a_kill_never_shortens_the_time_to_object(tmp_path: Path) -> None:
    home = house(tmp_path)
    async with home.open():
        asked = await home.hold(CLEAN)
        await home.deliver()
        await later(home, 4 * MINUTE)
    async with home.open():
        await home.settled()
        await later(home, 5 * MINUTE - 1)
        assert await state(home, asked) is ApprovalState.PENDING
        await later(home, 1)
        assert (await home.service.wait(asked.id, 10, over=True)).state is ApprovalState.DONE


async def test_a_jump_of_the_wall_clock_runs_nothing(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(CLEAN)
        await home.deliver()
        home.clock.wall += 3 * DAY
        await home.settled()
        home.clock.wall -= 30 * DAY
        await home.settled()
        assert await state(home, asked) is ApprovalState.PENDING
        assert home.caller.calls == []


async def test_a_clock_that_is_switched_off_asks(tmp_path: Path) -> None:
    async with house(tmp_path, low={"clock": False}).open() as home:
        asked = await home.hold(CLEAN)
        await home.deliver()
        await later(home, DAY)
        assert (asked.tier, asked.veto_left) == (Tier.LOW, None)
        assert await state(home, asked) is ApprovalState.PENDING


async def test_low_by_a_preset_is_no_harmless_class(tmp_path: Path) -> None:
    async with house(tmp_path, preset="open").open() as home:
        asked = await home.hold("frobnicate --all")
        assert (asked.tier, asked.veto_left) == (Tier.LOW, None)


async def test_an_announced_action_that_means_something_else_by_then_is_asked_anew(tmp_path: Path) -> None:
    home = house(tmp_path)
    async with home.open():
        asked = await home.hold(CLEAN)
        await home.deliver()
        (home.root / "precious").mkdir()
        (home.workspace / "__pycache__").symlink_to(home.root / "precious")
        await later(home, 5 * MINUTE)
        assert await state(home, asked) is ApprovalState.VOID
        assert home.caller.calls == []


async def test_an_unanswered_request_expires_as_a_no_and_can_be_asked_again(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        await home.deliver()
        await later(home, 7 * DAY - 1)
        assert await state(home, asked) is ApprovalState.PENDING
        await later(home, 1)
        assert await state(home, asked) is ApprovalState.EXPIRED
        assert "counts as no" in (await home.told())[0]
        late = await home.service.decide(asked.short, OWNER, How.ONCE)
        assert late.outcome is Outcome.EXPIRED
        again = await home.service.ask_again(asked.id, OWNER)
        assert again.outcome is Outcome.APPLIED
        assert again.replacement is not None
        assert (await home.service.ask_again(asked.id, OWNER)).outcome is Outcome.SUPERSEDED
        await home.service.decide(again.replacement.id, OWNER, How.ONCE)
        done = await home.service.wait(again.replacement.id, 10, over=True)
        assert done.state is ApprovalState.DONE
        assert len(await home.told()) == 2


async def test_a_tap_in_the_moment_of_expiry_is_too_late(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        home.clock.advance(7 * DAY)
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.EXPIRED
        await home.settled()
        assert await state(home, asked) is ApprovalState.EXPIRED


async def test_what_expired_while_the_daemon_was_down_expires_at_the_start(tmp_path: Path) -> None:
    home = house(tmp_path)
    async with home.open():
        asked = await home.hold(PUSH)
    home.clock.advance(8 * DAY)
    async with home.open():
        await home.settled()
        assert await state(home, asked) is ApprovalState.EXPIRED


async def test_a_program_that_never_used_its_approval_loses_it(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.service.ask(PROGRAM, home.action(PUSH), timeout_ms=MINUTE)
        await home.service.decide(asked.id, OWNER, How.ONCE)
        await later(home, MINUTE)
        assert await state(home, asked) is ApprovalState.EXPIRED


async def test_nobody_answers_and_the_next_places_are_told_in_turn(tmp_path: Path) -> None:
    steps = {"minutes": 10, "places": ("telegram:8", "telegram:9")}
    async with house(tmp_path, escalation=steps).open() as home:
        asked = await home.hold(PUSH)
        await later(home, 10 * MINUTE - 1)
        assert (await home.get(asked.id)).escalation == 0
        await later(home, 1)
        await later(home, 10 * MINUTE)
        await later(home, 100 * MINUTE)
        assert (await home.get(asked.id)).escalation == 2
        chats = [
            card.message.address.chat
            for card in await home.database.read(approval_cards.of_request, asked.id)
        ]
        assert chats == ["1", "escalation 1", "escalation 2"]


async def test_where_a_second_person_is_needed_the_next_place_is_told_with_the_first_yes(
    tmp_path: Path,
) -> None:
    steps = {"minutes": 600, "places": ("telegram:8", "telegram:9")}
    async with house(tmp_path, escalation=steps, step_up="second_approver").open() as home:
        asked = await home.hold(PUSH)
        for _ in range(2):
            assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.COUNTED
            await home.settled()
        assert (await home.get(asked.id)).escalation == 1


async def test_a_card_that_cannot_be_delivered_is_escalated_at_once(tmp_path: Path) -> None:
    steps = {"minutes": 10, "places": ("telegram:8",)}
    async with house(tmp_path, escalation=steps).open() as home:
        asked = await home.hold(PUSH)
        (card,) = await home.database.read(approval_cards.of_request, asked.id)
        await home.database.write(outbox.reject, card.id, "blocked")
        await home.settled()
        assert (await home.get(asked.id)).escalation == 1
        await later(home, 100 * MINUTE)
        assert (await home.get(asked.id)).escalation == 1


async def test_an_action_whose_program_never_says_how_it_ended_is_asked_about(tmp_path: Path) -> None:
    async with house(tmp_path, report_hours=2).open() as home:
        asked = await home.service.ask(PROGRAM, home.action(PUSH))
        await home.service.decide(asked.id, OWNER, How.ONCE)
        await home.service.consume(asked.id, PROGRAM)
        await later(home, 120 * MINUTE - 1)
        assert await state(home, asked) is ApprovalState.RUNNING
        await later(home, 1)
        assert await state(home, asked) is ApprovalState.UNKNOWN
        verdict = await home.service.settle(asked.short, OWNER, happened=True, note="The branch is there.")
        assert (verdict.outcome, verdict.sentence) == (Outcome.APPLIED, "Noted.")
        assert "a person says: It did happen. The branch is there." in (await home.get(asked.id)).result


async def test_a_program_that_was_thought_lost_may_still_say_how_it_ended(tmp_path: Path) -> None:
    async with house(tmp_path, report_hours=2).open() as home:
        asked = await home.service.ask(PROGRAM, home.action(PUSH))
        await home.service.decide(asked.id, OWNER, How.ONCE)
        await home.service.consume(asked.id, PROGRAM)
        await later(home, 121 * MINUTE)
        done = await home.service.report(asked.id, PROGRAM, "pushed", 0)
        assert (done.state, done.exit_code) == (ApprovalState.DONE, 0)


async def test_a_person_who_knows_need_not_wait_for_a_silent_program(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.service.ask(PROGRAM, home.action(PUSH))
        await home.service.decide(asked.id, OWNER, How.ONCE)
        await home.service.consume(asked.id, PROGRAM)
        verdict = await home.service.settle(asked.id, OWNER, happened=False)
        assert verdict.outcome is Outcome.APPLIED
        assert "It did not happen" in (await home.get(asked.id)).result


async def test_the_trail_tells_where_a_request_was_shown_and_where_it_could_not_be(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        home.cards.places = (CHAT, CHAT._replace(chat="2"))
        asked = await home.hold(PUSH)
        first, second = await home.database.read(approval_cards.of_request, asked.id)
        await home.database.write(outbox.claim, first.message.address)
        await home.database.write(outbox.confirm, first.id, Receipt(("p1",)))
        await home.database.write(outbox.reject, second.id, "blocked")
        told = await home.database.read(approval_trail.trail, asked.id)
        assert [(step.kind, step.body.get("place")) for step in told] == [
            ("approval.ask", None),
            ("outbox.confirm", "telegram:1"),
            ("outbox.reject", "telegram:2"),
        ]


async def test_the_trail_tells_of_every_tap_on_a_card_also_of_one_that_did_not_count(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        home.cards.places = (CHAT,)
        asked = await home.hold(PUSH)
        (card,) = await home.database.read(approval_cards.of_request, asked.id)
        await home.database.write(outbox.claim, card.message.address)
        await home.database.write(outbox.confirm, card.id, Receipt(("p0",)))
        for sender, verb in (("7", "once"), ("66", "reject")):
            tap = Inbound(
                CHAT, f"t:{sender}", "p0", Sender(sender), InboundKind.TAP, tap=f"a:{asked.id}:{verb}:0123"
            )
            await home.database.write(
                inbox.add, tap, Verdict("" if sender == "7" else "ignore", "not admitted")
            )
        told = await home.database.read(approval_trail.trail, asked.id)
        taps = [
            (step.actor, step.body["place"], step.body["tapped"]) for step in told if "tapped" in step.body
        ]
        assert taps == [("telegram:7", "telegram:1", "once"), ("telegram:66", "telegram:1", "reject")]
        assert "0123" not in str(told)
