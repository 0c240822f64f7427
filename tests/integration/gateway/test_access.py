"""Who may speak: strangers, pairing, the owner's code, roles, the home channel, rates."""

from pathlib import Path
from typing import Any

from kernel.errors import InvalidInput, StoreFull
from kernel.messages import Sender
from tests.fakes.adapter import ANN, BEN, SHOWY, ScriptedAdapter
from tests.fakes.turn_runner import Held, ScriptedRunner
from tests.support.gateway import Rig, findings, running

EVE = Sender("66", "Eve")
NOBODY: dict[str, Any] = {"owners": [], "users": []}


def code_in(text: str) -> str:
    """Return the pairing code of a greeting."""
    return text.partition("**")[2].partition("**")[0]


async def homes(rig: Rig) -> dict[str, str]:
    """Return the home channels by platform."""
    return {row["platform"]: row["chat"] for row in await rig.rows("SELECT platform, chat FROM home_channel")}


async def test_a_stranger_gets_a_code_once_and_then_silence(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for _ in range(5):
            await rig.adapter.say("let me in", sender=EVE)
            await rig.settled()
        assert len(rig.adapter.texts()) == 1
        assert len(code_in(rig.adapter.texts()[0])) == 8
        assert rig.runner.requests == []
        assert set(await rig.states("inbox")) == {"ignored"}
    assert findings(tmp_path) == []


async def test_a_stranger_gets_their_code_though_hermes_crashed_before_it_was_sent(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, crash=True) as rig:
        adapter.hold()
        await adapter.say("let me in", sender=EVE)
        await rig.until_event("outbox.add")
    adapter.release()
    async with running(tmp_path, adapter) as rig:
        await rig.settled()
        await adapter.say("/pair " + code_in(adapter.texts()[0]))
        await adapter.until_sent(containing="is admitted as user")


async def test_a_stranger_gets_a_code_though_the_answer_could_not_be_stored_at_first(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.database.refusals["gateway.control._settle"] = [StoreFull("The disk is full.")]
        await rig.adapter.say("let me in", sender=EVE)
        await rig.settled()
        await rig.adapter.say("/pair " + code_in(rig.adapter.texts()[0]))
        await rig.adapter.until_sent(containing="is admitted as user")


async def test_a_stranger_in_a_group_hears_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("hermes, let me in", sender=EVE, chat="-1", private=False)
        await rig.settled()
        assert rig.adapter.sent == []


async def test_who_is_paired_is_answered_and_who_is_revoked_no_longer(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("hi", sender=EVE)
        code = code_in((await rig.adapter.until_sent())[0].text)
        await rig.adapter.say(f"/pair {code.lower()}")
        await rig.adapter.until_sent(containing="Eve (fake) is admitted as user")
        await rig.adapter.say("hello", sender=EVE)
        await rig.adapter.until_sent(containing="echo: hello")
        await rig.gateway.access.revoke("fake:66", actor="cli")
        await rig.adapter.say("still there?", sender=EVE)
        await rig.settled()
        assert len(rig.runner.requests) == 1
    assert findings(tmp_path) == []


async def test_a_code_is_valid_for_an_hour_and_for_one_person(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("hi", sender=EVE)
        code = code_in((await rig.adapter.until_sent())[0].text)
        rig.clock.shift(3601)  # pyright: ignore[reportAttributeAccessIssue] - a virtual clock here
        await rig.adapter.say(f"/pair {code}")
        await rig.adapter.until_sent(containing="No pairing waits for this code")


async def test_codes_cannot_be_guessed_at_will(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        refusals: list[str] = []
        for number in range(15):
            try:
                await rig.gateway.access.approve(
                    f"ABCDEFG{number % 10}", rig.gateway.access.role("fake", "7"), actor="cli"
                )
            except InvalidInput as error:
                refusals.append(error.message)
        assert refusals.count("Too many codes were tried.") >= 4


async def test_the_one_time_code_makes_the_first_owner_and_works_once(tmp_path: Path) -> None:
    async with running(tmp_path, access=NOBODY) as rig:
        code = rig.gateway.access.open_bootstrap()
        assert rig.gateway.access.open_bootstrap() == code
        await rig.adapter.say(code, sender=EVE)
        await rig.adapter.until_sent(containing="you are the owner now")
        assert await homes(rig) == {"fake": "66"}
        await rig.adapter.say(code, sender=BEN)
        await rig.settled()
        assert not any("owner now" in text for text in rig.adapter.texts("8"))
        await rig.adapter.say("hello", sender=EVE)
        await rig.adapter.until_sent(containing="echo: hello")
    assert findings(tmp_path) == []


async def test_the_owners_first_direct_message_makes_the_home_channel(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("hello", sender=BEN)
        await rig.adapter.say("hello", chat="-1", private=False)
        await rig.settled()
        assert await homes(rig) == {}
        await rig.adapter.say("hello")
        await rig.until_event("home.set")
        assert await homes(rig) == {"fake": "7"}
        await rig.adapter.say("/sethome", chat="-1", private=False)
        await rig.until_event("home.set", 2)
        assert await homes(rig) == {"fake": "-1"}


async def test_who_becomes_the_owner_later_gets_the_home_channel_with_the_next_message(
    tmp_path: Path,
) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, access={"owners": ["fake:99"], "users": ["fake:7"]}) as rig:
        await rig.adapter.say("hello")
        await rig.settled()
        assert await homes(rig) == {}
    async with running(tmp_path, adapter, access={"owners": ["fake:7"]}) as rig:
        await rig.adapter.say("hello again")
        await rig.until_event("home.set")
        assert await homes(rig) == {"fake": "7"}


async def test_a_user_may_not_do_what_is_for_owners(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedAdapter(**SHOWY)) as rig:
        await rig.adapter.say("/restart", sender=BEN)
        await rig.adapter.until_sent(containing="/restart is for an owner; you are user.")
        await rig.adapter.say("/pair ABCDEFGH owner", sender=BEN)
        await rig.adapter.until_sent(containing="/pair is for an owner")
        assert rig.restarts == []


async def test_a_confirmation_is_for_the_one_who_asked_and_works_once(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter) as rig:
        await adapter.say("/restart", chat="-1", private=False)
        card = (await adapter.until_sent(containing="Restart Hermes?"))[0]
        await adapter.tap(card, "Yes, /restart", sender=BEN)
        await rig.settled()
        assert rig.restarts == []
        await adapter.tap(card, "Yes, /restart", times=5)
        await rig.settled()
        assert rig.restarts == ["fake:7"]
        assert "This was already decided." in adapter.seen.told.values()


async def test_a_click_after_a_restart_runs_the_same_command_once(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, crash=True) as rig:
        await adapter.say("/restart")
        card = (await adapter.until_sent(containing="Restart Hermes?"))[0]
        await rig.settled()
    async with running(tmp_path, adapter) as rig:
        await adapter.tap(card, "Yes, /restart", times=2)
        await rig.settled()
        assert rig.restarts == ["fake:7"]


async def test_a_cancelled_confirmation_does_nothing(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter) as rig:
        await adapter.say("/forget")
        card = (await adapter.until_sent(containing="Erase"))[0]
        await adapter.tap(card, "Cancel")
        await adapter.tap(card, "Yes, /forget")
        await rig.settled()
        assert "Nothing was done." in [sent.text for sent in adapter.sent]
        assert not any("is erased" in sent.text for sent in adapter.sent)


async def test_who_writes_too_fast_is_told_so_and_nobody_else_is_slowed(tmp_path: Path) -> None:
    async with running(tmp_path, access={"messages_per_minute": 5}, sessions={"on_message": "queue"}) as rig:
        for number in range(8):
            await rig.adapter.say(f"m{number}")
        await rig.adapter.say("mine", sender=BEN)
        await rig.settled()
        assert [text for text in rig.adapter.texts() if "echo: m" in text] != []
        assert len([text for text in rig.adapter.texts("7") if "too fast" in text]) == 1
        assert rig.adapter.texts("8") == ["echo: mine"]
    assert findings(tmp_path) == []


async def test_what_was_sent_too_fast_does_not_flood_the_chat_with_refusals(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held), access={"messages_per_minute": 5}) as rig:
        await rig.adapter.hand_over(*(rig.adapter.message(f"m{n}", sender=ANN) for n in range(200)))
        await held.begun.wait()
        held.released.set()
        await rig.settled()
        assert len([text for text in rig.adapter.texts() if "too fast" in text]) == 1
