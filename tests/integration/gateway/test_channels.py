"""Channels: found by what people type, named by people, read by whoever may see them; platforms that stay paused."""

import asyncio
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.adapter import Names, Reads, Said
from gateway.channels import NameChannel, ReadChannel, channel_operations
from gateway.operations import Send, operations
from gateway.reading import MOST, since_when
from kernel.errors import (
    AccessDenied,
    DeliveryRejected,
    HermesError,
    InvalidInput,
    NotFound,
    PlatformUnavailable,
)
from kernel.messages import Address, Heard, Sender
from kernel.people import Principal, Role
from kernel.states import AdapterState
from kernel.turns import TurnInput, TurnRequest
from tests.fakes.adapter import ANN, BEN, ScriptedAdapter
from tests.support.gateway import Rig, running
from tests.support.virtual_time import START

OWNER = Principal("fake:7", Role.OWNER, "Ann")
OPERATOR = Principal("fake:9", Role.OPERATOR, "Cleo")
USER = Principal("fake:8", Role.USER, "Ben")
GROUP: dict[str, Any] = {"chat": "-100", "private": False, "addressed": True}
TEAM = Address("slack", "bot", "C1")


def asked(principal: Principal, address: Address) -> TurnRequest:
    return TurnRequest("t", "s", address, principal, (TurnInput(1, "read"),), Path())


async def read(
    rig: Rig, principal: Principal, to: str, *, at: Address | None = None, **wanted: Any
) -> list[str]:
    """Have somebody's agent read a channel; return the texts."""
    request = asked(principal, at or rig.adapter.address("elsewhere"))
    given: dict[str, Any] = {"since": "", "limit": 50, "words": ""} | wanted
    return [one.text for one in await rig.gateway.reader.read(request, to, **given)]


async def talk(rig: Rig) -> None:
    """Have a group, Ann and Ben each exchange something with Hermes."""
    await rig.adapter.say("in the group", **GROUP)
    await rig.adapter.say("ann's secret")
    await rig.adapter.say("ben's secret", sender=BEN)
    await rig.settled()


async def test_what_hermes_saw_is_read_where_the_platform_keeps_no_history(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await talk(rig)
        assert await read(rig, OWNER, "fake:-100") == ["in the group", "echo: in the group"]
        assert await read(rig, OWNER, "fake:8") == ["ben's secret", "echo: ben's secret"]
        assert await read(rig, OWNER, "fake:8", words="ECHO ben") == ["echo: ben's secret"]
        assert await read(rig, OWNER, "fake:8", limit=1) == ["echo: ben's secret"]
        assert await read(rig, OWNER, "fake:8", words="nothing") == []
        await asyncio.sleep(3600)
        assert await read(rig, OWNER, "fake:8", since="30m") == []
        assert len(await read(rig, OWNER, "fake:8", since="2h")) == 2


async def test_users_read_their_own_and_the_place_they_are_at_and_nothing_else(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await talk(rig)
        assert await read(rig, USER, "fake:8")
        assert await read(rig, USER, "fake:-100", at=rig.adapter.address("-100"))
        assert await read(rig, USER, "", at=rig.adapter.address("-100"))
        for other in ("fake:7", "fake:-100", "fake:999"):
            with pytest.raises(AccessDenied):
                await read(rig, USER, other)


async def test_operators_read_channels_but_nobody_elses_own_conversation(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await talk(rig)
        assert await read(rig, OPERATOR, "fake:-100")
        with pytest.raises(AccessDenied):
            await read(rig, OPERATOR, "fake:7")


async def test_a_thread_is_read_alone_and_its_neighbours_are_closed_to_users(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("in one", thread="1", **GROUP)
        await rig.adapter.say("in two", thread="2", **GROUP)
        await rig.settled()
        assert await read(rig, OWNER, "fake:-100:1") == ["in one", "echo: in one"]
        here = rig.adapter.address("-100", "1")
        assert await read(rig, USER, "fake:-100:1", at=here)
        with pytest.raises(AccessDenied):
            await read(rig, USER, "fake:-100:2", at=here)


async def test_a_platform_with_a_history_is_asked_for_it(tmp_path: Path) -> None:
    slack = ScriptedAdapter("slack", abilities=frozenset({Reads, Names}))
    slack.names = {TEAM: "team `chat`"}
    said = Sender("U1", "Dora")
    slack.history = [
        Said(TEAM, str(n), said, f"number {n} " + "x" * 3000 * (n == 1), START + n) for n in range(300)
    ]
    async with running(tmp_path, ScriptedAdapter(), slack) as rig:
        found = await rig.gateway.reader.read(asked(OWNER, TEAM), "", "", 500, "")
        assert len(found) == MOST
        assert found[-1] == Heard(START + 299, "Dora", "number 299 ", message_id="299", address=str(TEAM))
        assert await read(rig, OWNER, "slack:C1", words="number 7") != []
        long = await rig.gateway.reader.read(asked(OWNER, TEAM), "", "", 1, "xxx")
        assert len(long[0].text) < 2100
        slack.history_fails = DeliveryRejected("Not in this channel.")
        with pytest.raises(InvalidInput, match="Not in this channel"):
            await read(rig, OWNER, "slack:C1")
        slack.history_fails = PlatformUnavailable("Later.")
        with pytest.raises(PlatformUnavailable):
            await read(rig, OWNER, "slack:C1")


def test_a_time_is_a_span_or_a_moment_in_the_owners_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert since_when("", 5, berlin) == 0
    assert since_when("2 h", 10_000_000, berlin) == 10_000_000 - 7_200_000
    assert since_when("1970-01-02T01:00", 0, berlin) == 86_400_000
    assert since_when("1970-01-02T00:00:00Z", 0, berlin) == 86_400_000
    with pytest.raises(InvalidInput):
        since_when("yesterday-ish", 0, berlin)


async def test_a_channel_is_found_by_its_address_its_name_and_its_platform(tmp_path: Path) -> None:
    slack = ScriptedAdapter("slack", abilities=frozenset({Names}))
    slack.names = {TEAM: "team\n`chat`"}
    async with running(tmp_path, ScriptedAdapter(), slack) as rig:
        await talk(rig)
        directory = rig.gateway.directory
        assert await directory.resolve("slack:C1") == TEAM
        assert await directory.resolve("slack:C9:17.5") == Address("slack", "bot", "C9", "17.5")
        assert await directory.name("slack:C1", "Team", actor="test") == TEAM
        assert await directory.resolve("tEAM") == TEAM
        assert await directory.resolve("fake") == rig.adapter.address("7")
        places = await directory.places()
        assert [(one.address.chat, one.home, one.nickname, one.title) for one in places][:2] == [
            ("7", True, "", "Ann"),
            ("C1", False, "team", "team 'chat'"),
        ]
        for wrong in ("nobody", "slack"):
            with pytest.raises(NotFound):
                await directory.resolve(wrong)
        with pytest.raises(InvalidInput):
            await directory.resolve("nowhere:1")
        for bad in ("slack", "me", "a:b", "", "x" * 40, "Ünder"):
            with pytest.raises(InvalidInput):
                await directory.name("slack:C1", bad, actor="test")
    async with running(tmp_path, ScriptedAdapter(), ScriptedAdapter("slack")) as rig:
        assert await rig.gateway.directory.resolve("team") == TEAM
        await rig.gateway.directory.forget("team", actor="test")
        with pytest.raises(NotFound):
            await rig.gateway.directory.resolve("team")


async def test_a_platform_that_does_not_tell_its_channels_holds_up_no_list(tmp_path: Path) -> None:
    slack = ScriptedAdapter("slack", abilities=frozenset({Names}))

    async def never() -> Any:
        await asyncio.sleep(10_000)

    slack.channels = never  # a platform that hangs
    async with running(tmp_path, ScriptedAdapter(), slack) as rig:
        await talk(rig)
        assert {one.address.chat for one in await rig.gateway.directory.places()} == {"7", "8", "-100"}


async def test_a_message_is_sent_to_a_name(tmp_path: Path) -> None:
    slack = ScriptedAdapter("slack")
    async with running(tmp_path, ScriptedAdapter(), slack) as rig:
        named = {one.name: one for one in operations(rig.gateway)}
        await named["channels.name"].run(OWNER, NameChannel(name="team", address="slack:C1"))
        await named["send"].run(OWNER, Send(text="the build is green", to="team"))
        assert (await slack.until_sent(containing="green"))[0].message.address == TEAM
        with pytest.raises(AccessDenied):
            await named["send"].run(USER, Send(text="spam", to="team"))


async def test_the_operation_reads_by_the_callers_rights(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await talk(rig)
        reading = next(one for one in channel_operations(rig.gateway) if one.name == "channels.read")
        found = await reading.run(OWNER, ReadChannel(address="fake:8"))
        assert [one.author for one in found.messages] == ["Ben", ""]
        with pytest.raises(AccessDenied):
            await reading.run(USER, ReadChannel(address="fake:7"))


async def test_platforms_lists_names_and_pauses(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("/platforms name boss")
        await rig.adapter.until_sent(containing="**boss**")
        await rig.adapter.say("/platforms")
        (listed,) = await rig.adapter.until_sent(containing="Known chats")
        assert "`fake:7` **boss** `Ann` 🏠" in listed.text
        await rig.adapter.say("/platforms pause nothing")
        await rig.adapter.until_sent(containing="There is no platform 'nothing'")


async def test_a_paused_platform_stays_paused_over_a_restart(tmp_path: Path) -> None:
    def state(rig: Rig) -> AdapterState:
        return rig.gateway.connections["other", "bot"].state

    adapter, other = ScriptedAdapter(), ScriptedAdapter("other")
    async with running(tmp_path, adapter, other) as rig:
        await adapter.say("/platforms pause other", sender=ANN)
        await adapter.until_sent(containing="other is paused")
        assert state(rig) is AdapterState.PAUSED
    async with running(tmp_path, adapter, other) as rig:
        await asyncio.sleep(600)
        assert (state(rig), other.runs) == (AdapterState.PAUSED, 1)
        await adapter.say("/platforms resume other")
        await other.until(lambda: other.runs == 2)
    async with running(tmp_path, adapter, other) as rig:
        await asyncio.sleep(1)
        assert state(rig) is AdapterState.CONNECTED


async def test_a_platform_for_outgoing_notices_has_its_home_by_itself(tmp_path: Path) -> None:
    hook = ScriptedAdapter("hook", receives=False)
    async with running(tmp_path, ScriptedAdapter(), hook) as rig:
        await rig.gateway.notices.say("k", "something happened")
        (sent,) = await hook.until_sent(containing="something happened")
        assert sent.message.address.platform == "hook"


async def test_errors_of_reading_are_ones_hermes_explains(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for written in ("nobody", "nowhere:1"):
            with pytest.raises(HermesError):
                await read(rig, OWNER, written)
