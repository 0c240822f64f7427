"""Discord's gateway: every way in which a connection ends, and what was said meanwhile arrives once and in order."""

import asyncio
import logging

import pytest

from kernel.errors import PlatformConflict, PlatformUnauthorised, PlatformUnavailable
from kernel.messages import InboundKind
from tests.fakes.discord_server import BOT_ID, Refuse, too_many
from tests.integration.discord_bots import ANN, bots


async def test_a_dropped_connection_is_resumed_and_nothing_is_lost() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.says(ANN, "before")
        await bot.link.until_committed(1)
        bot.server.gateway.drop()
        await bot.server.says(ANN, "meanwhile")
        await bot.link.until(lambda: "meanwhile" in bot.link.texts)
        await bot.server.wait_for(lambda: bot.server.gateway.resumes)
        assert len(bot.server.gateway.identifies) == 1
        assert list(dict.fromkeys(bot.link.texts)) == ["before", "meanwhile"]


async def test_a_refused_resume_is_caught_up_from_history() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.says(ANN, "before")
        await bot.link.until_committed(1)
        bot.server.gateway.resumable = False
        bot.server.gateway.forget()
        bot.server.gateway.drop()
        await bot.server.says(ANN, "meanwhile")
        await bot.server.says(ANN, "and more")
        await bot.link.until_said("before", "meanwhile", "and more")


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_session_that_discord_ends_begins_again(*, resumable: bool) -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.gateway.invalidate(resumable=resumable)
        await bot.link.until(lambda: bot.link.states.count("connected") == 2)
        await bot.server.says(ANN, "still there?")
        await bot.link.until_said("still there?")


async def test_a_wish_to_reconnect_is_followed() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.gateway.ask_to_reconnect()
        await bot.server.wait_for(lambda: bot.server.gateway.resumes)
        await bot.server.says(ANN, "still there?")
        await bot.link.until_said("still there?")


@pytest.mark.parametrize(
    "frame",
    [
        "no json at all",
        "[]",
        '{"op": 0, "t": "MESSAGE_CREATE", "s": 2, "d": {"id": "1"}}',
        '{"op": 0, "t": "MESSAGE_CREATE", "s": 2, "d": null}',
        '{"op": 0, "t": "GUILD_CREATE", "s": 2, "d": {"name": 5}}',
        '{"op": 0, "t": "INTERACTION_CREATE", "s": 2, "d": {"id": "1", "type": 3}}',
    ],
)
async def test_a_malformed_frame_is_kept_and_ends_nothing(frame: str) -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.gateway.send_text(frame)
        await bot.server.says(ANN, "after it")
        await bot.link.until_said("after it")
        await bot.link.until(lambda: bot.link.quarantined)
        assert bot.server.gateway.connections == 1


async def test_what_is_dispatched_ten_times_has_one_key() -> None:
    async with bots() as bot:
        await bot.start()
        message = await bot.server.says(ANN, "hello")
        for _ in range(9):
            await bot.server.tell_message(message)
        await bot.link.until_committed(10)
        assert len({one.key for one in bot.link.committed}) == 1


async def test_a_refused_token_is_named_with_the_way_out() -> None:
    async with bots(token="MTIz.wrong.token") as bot:
        error = await bot.fails()
        assert isinstance(error, PlatformUnauthorised)
        assert "DISCORD_BOT_TOKEN" in str(error.remedy)


async def test_without_message_content_mentions_and_private_messages_remain() -> None:
    async with bots() as bot:
        office = bot.server.guild(ANN)
        general = bot.server.channel(office)
        bot.server.gateway.content_allowed = False
        await bot.start()
        await bot.link.until(lambda: any("Message Content Intent" in state for state in bot.link.states))
        await bot.server.says(ANN, "nobody reads this", channel=general["id"])
        await bot.server.says(ANN, f"<@{BOT_ID}> hello", channel=general["id"])
        await bot.server.says(ANN, "and in private")
        await bot.link.until_said("hello", "and in private")


async def test_a_failed_first_handshake_is_an_error_that_is_waited_out() -> None:
    async with bots() as bot:
        bot.server.gateway.refused_handshakes = 1
        assert isinstance(await bot.fails(), PlatformUnavailable)
        bot.server.gateway.broken_hellos = 1
        assert isinstance(await bot.fails(), PlatformUnavailable)
        await bot.start()
        await bot.server.says(ANN, "hello")
        await bot.link.until_said("hello")


async def test_a_bot_that_was_refused_too_often_stops_before_discord_takes_its_token_away() -> None:
    async with bots() as bot:
        bot.server.gateway.close_on_identify = [4000] * 4
        assert isinstance(await bot.fails(), PlatformUnavailable)
        bot.server.gateway.start_limit |= {"remaining": 3, "reset_after": 1_800_000}
        identified = len(bot.server.gateway.identifies)
        error = await bot.fails()
        assert isinstance(error, PlatformUnavailable)
        assert error.retry_after == 1800
        assert len(bot.server.gateway.identifies) == identified


async def test_a_server_that_is_away_is_waited_for() -> None:
    async with bots() as bot:
        await bot.server.stop()
        assert isinstance(await bot.fails(), PlatformUnavailable)


async def test_more_shards_are_taken_where_discord_wants_them() -> None:
    async with bots() as bot:
        office, den = bot.server.guild(ANN), bot.server.guild(ANN)
        rooms = [bot.server.channel(office), bot.server.channel(den)]
        bot.server.gateway.shards_required = 2
        await bot.start()
        shards = [one["shard"] for one in bot.server.gateway.identifies if one.get("shard")]
        assert shards == [[0, 2], [1, 2]]
        for room in rooms:
            await bot.server.says(ANN, f"<@{BOT_ID}> hello", channel=room["id"])
        await bot.link.until_committed(2)
        assert {one.address.chat for one in bot.link.committed} == {room["id"] for room in rooms}


async def test_wrong_shards_are_named_with_the_way_out() -> None:
    async with bots() as bot:
        bot.server.gateway.close_on_identify = [4010]
        error = await bot.fails()
        assert isinstance(error, PlatformConflict)
        assert "shards" in str(error.remedy)


async def test_a_heartbeat_that_is_answered_proves_life_and_a_deaf_one_does_not() -> None:
    async with bots() as bot:
        bot.server.gateway.heartbeat_ms = 50
        await bot.start()
        proofs = bot.link.proofs
        await bot.link.until(lambda: bot.link.proofs > proofs + 2)
        bot.server.gateway.deaf = True
        await asyncio.sleep(0.2)
        proofs = bot.link.proofs
        await asyncio.sleep(0.3)
        assert bot.link.proofs == proofs


async def test_what_was_said_while_away_arrives_from_every_channel_and_thread() -> None:
    async with bots() as bot:
        office = bot.server.guild(ANN)
        general, other = bot.server.channel(office), bot.server.channel(office, "other")
        thread = bot.server.world.add_thread(general, "Plans", BOT_ID)
        await bot.start()
        await bot.server.says(ANN, f"<@{BOT_ID}> one", channel=general["id"])
        await bot.server.says(ANN, "two", channel=thread["id"])
        await bot.server.says(ANN, "three")
        await bot.link.until_committed(3)
        await bot.replaced()
        for text in ("four", "five"):
            await bot.server.says(ANN, f"<@{BOT_ID}> {text}", channel=general["id"])
        await bot.server.says(ANN, "six", channel=thread["id"])
        await bot.server.says(ANN, "seven")
        await bot.server.says(ANN, f"<@{BOT_ID}> eight, where nobody was heard before", channel=other["id"])
        await bot.start()
        await bot.link.until_committed(8)
        texts = bot.link.texts[3:]
        assert sorted(texts) == sorted(
            ["four", "five", "six", "seven", "eight, where nobody was heard before"]
        )
        assert texts.index("four") < texts.index("five")
        assert len({one.key for one in bot.link.committed}) == 8


async def test_news_waits_until_what_was_missed_is_stored() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.says(ANN, "one")
        await bot.link.until_committed(1)
        await bot.replaced()
        await bot.server.says(ANN, "two")
        bot.server.fault("history", too_many(1))
        await bot.start()
        await bot.server.wait_for(lambda: bot.server.made("history"))
        await bot.server.says(ANN, "three")
        await bot.link.until_said("one", "two", "three")


async def test_more_than_the_limit_is_said_and_not_fetched() -> None:
    async with bots(catch_up_messages=3) as bot:
        await bot.start()
        await bot.server.says(ANN, "one")
        await bot.link.until_committed(1)
        await bot.replaced()
        for number in range(9):
            await bot.server.says(ANN, f"missed {number}")
        await bot.start()
        await bot.link.until(lambda: bot.link.quarantined)
        assert bot.link.texts == ["one", "missed 0", "missed 1", "missed 2"]


async def test_a_history_that_may_not_be_read_is_said() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.says(ANN, "one")
        await bot.link.until_committed(1)
        await bot.replaced()
        await bot.server.says(ANN, "lost")
        bot.server.world.denied.add(("history", bot.dm.chat))
        await bot.start()
        await bot.link.until(lambda: bot.link.quarantined)
        await bot.server.says(ANN, "two")
        await bot.link.until_said("one", "two")


async def test_what_cannot_be_stored_waits_and_arrives_in_order() -> None:
    async with bots() as bot:
        await bot.start()
        bot.link.fail(2)
        for text in ("one", "two", "three"):
            await bot.server.says(ANN, text)
        await bot.link.until_said("one", "two", "three")
        assert any("wait at Discord" in state for state in bot.link.states)
        assert bot.link.states[-1] == "connected"


async def test_what_was_missed_and_cannot_be_stored_at_first_is_stored_in_order() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.says(ANN, "one")
        await bot.link.until_committed(1)
        await bot.replaced()
        await bot.server.says(ANN, "two")
        bot.link.fail(2)
        await bot.start()
        await bot.link.until(lambda: len(bot.link.committed) >= 2)
        await bot.server.says(ANN, "three")
        await bot.link.until_said("one", "two", "three")
        assert bot.link.states[-1] == "connected"


async def test_edits_and_deletions_reach_their_message_and_previews_do_not() -> None:
    async with bots() as bot:
        await bot.start()
        message = await bot.server.says(ANN, "helo")
        await bot.link.until_committed(1)
        await bot.server.tell_message(message, "MESSAGE_UPDATE")
        await bot.server.edits(message, "hello")
        await bot.server.deletes(message)
        said, edit, gone = await bot.link.until_committed(3)
        assert (edit.kind, edit.text, edit.message_id) == (InboundKind.EDIT, "hello", said.message_id)
        assert (gone.kind, gone.message_id) == (InboundKind.DELETE, said.message_id)
        assert gone.sender == said.sender


async def test_a_message_that_is_deleted_before_it_is_committed_is_known_to_be_deleted() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.server.deletes(await bot.server.says(ANN, "never mind"))
        said, gone = await bot.link.until_committed(2)
        assert (gone.kind, gone.message_id) == (InboundKind.DELETE, said.message_id)


async def test_members_carry_their_roles_also_in_what_is_fetched_later() -> None:
    async with bots() as bot:
        office = bot.server.guild(ANN, roles={ANN: ["501"]})
        general = bot.server.channel(office)
        await bot.start()
        await bot.server.says(ANN, f"<@{BOT_ID}> one", channel=general["id"])
        await bot.link.until_committed(1)
        await bot.replaced()
        await bot.server.says(ANN, f"<@{BOT_ID}> two", channel=general["id"])
        await bot.start()
        await bot.link.until_committed(2)
        assert [one.sender.roles for one in bot.link.committed] == [(office["id"], "501")] * 2


async def test_two_bots_in_one_process_keep_to_their_own_servers() -> None:
    async with bots() as one, bots() as other:
        await one.start()
        await other.start()
        await one.server.says(ANN, "to the one")
        await other.server.says(ANN, "to the other")
        await one.link.until_said("to the one")
        await other.link.until_said("to the other")


async def test_the_gateway_s_address_is_asked_for_where_none_is_set() -> None:
    async with bots(gateway_url="") as bot:
        await bot.start()
        assert bot.server.made("gateway")


async def test_a_wait_that_discord_asks_for_at_the_start_is_kept() -> None:
    async with bots(shards=0) as bot:
        bot.server.fault("gateway_bot", too_many(90))
        error = await bot.fails()
        assert isinstance(error, PlatformUnavailable)
        assert error.retry_after == 90


async def test_the_token_reaches_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with bots() as bot:
            bot.server.fault("create_message", Refuse(500))
            await bot.start()
            await bot.server.says(ANN, "hello")
            await bot.link.until_committed(1)
            bot.server.gateway.drop()
            await bot.server.wait_for(lambda: bot.server.gateway.resumes)
    assert bot.server.settings["token"] not in caplog.text
