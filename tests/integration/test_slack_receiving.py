"""Receiving from Slack over Socket Mode: drops, goodbyes, deafness, duplicates, disorder, and what was missed."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kernel.errors import OutcomeUnknown, PlatformConflict, PlatformUnauthorised, PlatformUnavailable
from kernel.messages import Inbound, InboundKind, Outbound
from tests.contract.harness import Recorder
from tests.fakes.faults import Hang
from tests.fakes.slack_server import flood, refusal, server_error
from tests.fakes.slack_world import BOT_USER
from tests.integration.slack_apps import CHANNEL, CHAT, OTHER, PERSON, app


async def test_a_mention_comes_as_two_events_and_is_one_message() -> None:
    async with app() as slack:
        asked = slack.server.says(CHANNEL, f"<@{BOT_USER}> what is <#C1|random>?", user=PERSON)
        slack.server.tell(asked, "app_mention")
        one, two = await slack.link.until_committed(2)
        assert one == two
        assert (one.text, one.addressed, one.private) == ("what is #random?", True, False)
        assert (one.sender.id, one.sender.name) == (PERSON, "Ada")


async def test_an_edit_and_a_deletion_reach_their_message() -> None:
    async with app() as slack:
        said = slack.server.types(CHAT, "one")
        slack.server.edits(said, "two")
        slack.server.deletes(said)
        message, edit, deletion = await slack.link.until_committed(3)
        kinds = [message.kind, edit.kind, deletion.kind]
        assert kinds == [InboundKind.MESSAGE, InboundKind.EDIT, InboundKind.DELETE]
        assert {message.message_id, edit.message_id, deletion.message_id} == {said.ts}
        assert edit.text == "two"
        assert len({message.key, edit.key, deletion.key}) == 3


async def test_its_own_words_and_those_of_other_programs_are_not_heard() -> None:
    async with app() as slack:
        await slack.connected()
        await slack.adapter.send(Outbound(slack.at(), "hello", nonce="a"))
        other = slack.server.world.add(CHAT, "U0ROBOT", "beep", bot=True)
        slack.server.tell(other)
        slack.server.types(CHAT, "a person")
        await slack.link.until_committed(1)
        await slack.server.wait_for(lambda: not slack.server.sockets.pending)
        assert slack.texts == ["a person"]


async def test_a_connection_that_breaks_ends_the_run_and_the_next_one_hears_what_was_said() -> None:
    async with app() as slack:
        slack.server.types(CHAT, "before")
        await slack.link.until_committed(1)
        slack.server.sockets.drop()
        assert isinstance(await slack.ended(), PlatformUnavailable)
        slack.server.types(CHAT, "meanwhile")
        slack.run()
        await slack.link.until(lambda: "meanwhile" in slack.texts)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_goodbye_with_notice_changes_the_connection_and_loses_nothing(reason: str) -> None:
    async with app() as slack:
        await slack.connected()
        for number in range(20):
            slack.server.types(CHAT, f"message {number}")
            if number == 10:
                slack.server.sockets.disconnect(reason)
        await slack.link.until(lambda: len(set(slack.texts)) == 20)
        await slack.server.wait_for(lambda: not slack.server.sockets.pending)
        unique = list({inbound.key: inbound.text for inbound in slack.link.committed}.values())
        assert unique == [f"message {number}" for number in range(20)]
        assert slack.server.sockets.opened == 2
        assert slack.running is not None
        assert not slack.running.done()


async def test_a_socket_mode_that_was_switched_off_needs_a_person() -> None:
    async with app() as slack:
        await slack.connected()
        slack.server.sockets.disconnect("link_disabled")
        error = await slack.ended()
        assert isinstance(error, PlatformUnauthorised)
        assert "Socket Mode" in error.message


async def test_too_many_sockets_are_a_conflict() -> None:
    async with app(run=False) as slack:
        slack.server.sockets.refuse_hello = "too_many_websockets"
        slack.run()
        assert isinstance(await slack.ended(), PlatformConflict)


async def test_another_program_with_the_same_token_is_named() -> None:
    async with app(run=False) as slack:
        slack.server.sockets.others = 1
        slack.run()
        await slack.connected()
        assert any("2 programs receive" in state for state in slack.link.states)


@pytest.mark.parametrize("code", ["invalid_auth", "account_inactive", "token_revoked"])
@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_a_refused_token_ends_the_run_for_good(method: str, code: str) -> None:
    async with app(run=False) as slack:
        slack.server.fault(method, refusal(code), times=None)
        slack.run()
        error = await slack.ended()
        assert isinstance(error, PlatformUnauthorised)
        assert error.remedy


async def test_without_an_app_token_the_operator_is_told_which() -> None:
    async with app(app_token="") as slack:
        error = await slack.ended()
        assert isinstance(error, PlatformUnauthorised)
        assert "app-level token" in error.message


async def test_slack_in_trouble_is_waited_out() -> None:
    async with app(run=False) as slack:
        slack.server.fault("apps.connections.open", server_error(503))
        slack.run()
        assert isinstance(await slack.ended(), PlatformUnavailable)
        slack.server.fault("apps.connections.open", flood(7))
        slack.run()
        error = await slack.ended()
        assert isinstance(error, PlatformUnavailable)
        assert error.retry_after == 7


async def test_a_connection_that_is_open_and_deaf_ends() -> None:
    async with app(ping_seconds=0.2) as slack:
        await slack.connected()
        await asyncio.sleep(0.5)
        assert slack.link.proofs > 0
        slack.server.sockets.go_deaf()
        error = await slack.ended()
        assert isinstance(error, PlatformUnavailable)


async def test_a_server_that_never_greets_is_given_up() -> None:
    async with app(run=False) as slack:
        slack.server.fault("apps.connections.open", Hang())
        slack.run()
        assert isinstance(await slack.ended(), PlatformUnavailable)


async def test_a_malformed_envelope_is_kept_and_hides_no_other() -> None:
    async with app() as slack:
        await slack.connected()
        slack.server.sockets.push(
            "events_api", {"event_id": "Ev1", "event": {"type": "message", "user": "U7", "text": "x"}}
        )
        slack.server.sockets.say("no json")
        slack.server.sockets.say(json.dumps({"type": "events_api", "envelope_id": "e", "payload": 7}))
        slack.server.types(CHAT, "after")
        await slack.link.until_committed(1)
        await slack.link.until(lambda: len(slack.link.quarantined) == 3)
        await slack.server.wait_for(lambda: not slack.server.sockets.pending)


async def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again() -> None:
    async with app() as slack:
        await slack.connected()
        slack.link.fail(100)
        slack.server.types(CHAT, "kept")
        await slack.link.until(lambda: any(state.startswith("degraded") for state in slack.link.states))
        assert slack.server.sockets.pending
        slack.link.fail(0)
        await slack.link.until_committed(1)
        await slack.server.wait_for(lambda: not slack.server.sockets.pending)


class Broken(Recorder):
    """A store whose commits have an unknown outcome."""

    async def receive(self, batch: Sequence[Inbound]) -> None:
        """Commit, or not: nobody knows."""
        raise OutcomeUnknown("The disk failed during a commit.")


async def test_a_commit_of_unknown_outcome_ends_the_run_unacknowledged() -> None:
    async with app(run=False) as slack:
        slack.link = Broken()
        slack.run()
        slack.server.types(CHAT, "kept")
        assert isinstance(await slack.ended(), OutcomeUnknown)
        assert slack.server.sockets.pending


async def test_what_was_missed_is_fetched_from_channels_and_threads_in_order() -> None:
    async with app() as slack:
        server = slack.server
        server.types(CHAT, "known")
        root = server.says(CHANNEL, f"<@{BOT_USER}> known too", user=PERSON)
        server.says(CHANNEL, "in the thread", user=PERSON, thread=root.ts)
        await slack.link.until_committed(3)
        await slack.stop()
        server.tells_events = False
        for number in range(250):
            server.types(CHAT, f"missed {number}")
        server.says(CHANNEL, "late in the thread", user=OTHER, thread=root.ts)
        fresh = server.says(CHANNEL, f"<@{BOT_USER}> fresh", user=OTHER)
        server.says(CHANNEL, "under it", user=OTHER, thread=fresh.ts)
        server.types("D0OTHER02", "a stranger's first words")
        server.tells_events = True
        known = len(slack.link.committed)
        await slack.restart()
        await slack.link.until(lambda: len(slack.link.committed) >= known + 204)
        direct = [i.text for i in slack.link.committed[known:] if i.address.chat == CHAT]
        assert direct == [f"missed {number}" for number in range(50, 250)]
        threads = {i.text: i.address.thread for i in slack.link.committed if i.address.chat == CHANNEL}
        assert threads["late in the thread"] == root.ts
        assert (threads["fresh"], threads["under it"]) == (None, fresh.ts)
        assert "a stranger's first words" in slack.texts
        assert next(i for i in slack.link.committed if i.text == "fresh").addressed


async def test_a_message_fetched_and_handed_over_has_one_key() -> None:
    async with app() as slack:
        slack.server.types(CHAT, "first")
        await slack.link.until_committed(1)
        await slack.stop()
        slack.server.types(CHAT, "twice")
        await slack.restart()
        await slack.link.until(lambda: slack.texts.count("twice") == 2)
        one, two = (inbound for inbound in slack.link.committed if inbound.text == "twice")
        assert replace(one, addressed=two.addressed) == two


async def test_a_history_that_may_not_be_read_holds_nothing_up() -> None:
    async with app() as slack:
        slack.server.types(CHAT, "known")
        await slack.link.until_committed(1)
        slack.server.fault("conversations.history", refusal("missing_scope", needed="im:history"), times=None)
        slack.server.fault("users.conversations", refusal("missing_scope"), times=None)
        await slack.restart()
        slack.server.types(CHAT, "live")
        await slack.link.until(lambda: "live" in slack.texts)


async def test_a_history_that_fails_for_a_while_is_asked_again_though_newer_messages_came() -> None:
    async with app() as slack:
        slack.server.types(CHAT, "known")
        await slack.link.until_committed(1)
        await slack.stop()
        slack.server.tells_events = False
        slack.server.types(CHAT, "missed")
        slack.server.tells_events = True
        slack.server.fault("conversations.history", server_error(), times=4)
        await slack.restart()
        await slack.connected()
        slack.server.types(CHAT, "live")
        await slack.link.until(lambda: {"missed", "live"} <= set(slack.texts))


async def test_envelopes_out_of_order_and_ten_times_over_have_the_keys_of_their_messages() -> None:
    async with app() as slack:
        await slack.connected()
        slack.server.tells_events = False
        said = [slack.server.types(CHAT, f"message {number}") for number in range(5)]
        slack.server.tells_events = True
        for message in [said[3], *said, *said[::-1], *said * 8]:
            slack.server.tell(message)
        await slack.server.wait_for(lambda: not slack.server.sockets.pending)
        await slack.link.until_committed(51)
        assert len({inbound.key for inbound in slack.link.committed}) == 5


async def test_a_slash_command_is_a_command_and_other_words_a_message() -> None:
    async with app() as slack:
        slack.server.slash(CHAT, "status now")
        slack.server.slash(CHAT, "hello &amp; good day")
        slack.server.slash(CHANNEL, "", user=PERSON)
        one, two, three = await slack.link.until_committed(3)
        assert (one.text, two.text, three.text) == ("/status now", "hello & good day", "/help")
        assert three.addressed
        assert (one.private, three.private) == (True, False)
        assert len({one.key, two.key, three.key}) == 3


async def test_the_tokens_reach_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with app() as slack:
        slack.server.types(CHAT, "a secret word")
        await slack.link.until_committed(1)
        await slack.adapter.send(Outbound(slack.at(), "answer", nonce="a"))
        slack.server.sockets.drop()
        await slack.ended()
        assert slack.server.bot_token not in caplog.text
        assert slack.server.app_token not in caplog.text
        assert "a secret word" not in caplog.text


@pytest.mark.parametrize(
    ("mode", "threads"), [("in_thread", [None, "root"]), ("always", ["own", "root"]), ("never", [None, None])]
)
async def test_answers_go_into_threads_as_the_settings_say(mode: str, threads: list[str | None]) -> None:
    async with app(reply_in_thread=mode) as slack:
        root = slack.server.says(CHANNEL, f"<@{BOT_USER}> top", user=PERSON)
        slack.server.says(CHANNEL, f"<@{BOT_USER}> inside", user=PERSON, thread=root.ts)
        top, inside = await slack.link.until_committed(2)
        names = {root.ts: "root", None: None}
        assert inside.address.thread == (root.ts if threads[1] else None)
        assert top.address.thread == (root.ts if threads[0] == "own" else None)
        assert names[inside.address.thread] == threads[1]


async def test_a_thread_that_the_app_began_needs_no_mention() -> None:
    async with app(reply_in_thread="never") as slack:
        await slack.connected()
        address = await slack.adapter.create_thread(slack.at(CHANNEL), "A *long* story")
        assert address is not None
        assert slack.server.messages(CHANNEL)[0].text == "*A long story*"
        slack.server.says(CHANNEL, "go on", user=PERSON, thread=address.thread or "")
        (inbound,) = await slack.link.until_committed(1)
        assert (inbound.address, inbound.addressed) == (address, True)


async def test_what_was_missed_is_not_lost_to_a_crash_after_newer_messages_came() -> None:
    async with app() as slack:
        server = slack.server
        server.types(CHAT, "known")
        await slack.link.until_committed(1)
        await slack.stop()
        server.tells_events = False
        server.types(CHAT, "missed")
        server.tells_events = True
        server.fault("conversations.history", server_error(), times=None)
        await slack.restart()
        await slack.connected()
        server.types(CHAT, "live")
        await slack.link.until(lambda: "live" in slack.texts)
        await slack.stop()
        assert "missed" not in slack.texts
        server.faults.clear()
        await slack.restart()
        await slack.link.until(lambda: "missed" in slack.texts)
        await slack.link.until(lambda: not slack.link.notes["catch-up"])


async def test_an_answer_under_an_old_message_nobody_told_of_is_fetched() -> None:
    async with app() as slack:
        server = slack.server
        await slack.connected()
        server.tells_events = False
        old = server.says(CHANNEL, "long ago", user=OTHER)
        server.tells_events = True
        server.says(CHANNEL, f"<@{BOT_USER}> known", user=PERSON)
        await slack.link.until_committed(1)
        await slack.stop()
        server.tells_events = False
        server.says(CHANNEL, f"<@{BOT_USER}> and here?", user=PERSON, thread=old.ts)
        server.tells_events = True
        await slack.restart()
        await slack.link.until(lambda: "and here?" in slack.texts)
        found = next(i for i in slack.link.committed if i.text == "and here?")
        assert (found.address.thread, found.addressed) == (old.ts, True)
