"""Slash commands over Telegram with the real daemon."""

import pytest

from tests.acceptance.conftest import Shared
from tests.support.daemon import OWNER

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAYINGS = {
    "/help": "What I understand",
    "/help title": "/title [title]",
    "/start": "What I understand",
    "/status": "This conversation",
    "/usage": "Today",
    "/whoami": "You are telegram:",
    "/title": "This conversation is called",
    "/title My plans": "now called My plans",
    "/sessions nothing-fits": "No conversation fits",
    "/resume nothing-fits": "No conversation fits",
    "/stop": "Nothing is running here",
    "/retry": "nothing to try again",
    "/model": "offline",
    "/model openai:gpt-5.2": "for operators",
    "/quiet 2h": "Quiet until",
    "/quiet soon": "is no span of time",
    "/verbose": "Every step is shown",
    "/titel x": "Did you mean /title?",
    "/pair ABC": "is for an owner",
    "/sethome": "is for an operator",
    "/platforms": "is for an operator",
    "/restart": "is for an owner",
    "/compact": "",
    "/undo": "Take back the last exchange?",
    "/forget": "Erase this conversation",
}


@pytest.mark.parametrize("command", SAYINGS)
async def test_a_command_is_answered(shared: Shared, command: str) -> None:
    ann = shared.person()
    ann.says(command)
    await ann.hears(SAYINGS[command])


async def test_every_command_is_in_the_platforms_menu(shared: Shared) -> None:
    await shared.telegram.wait_for(lambda: shared.telegram.world.commands)
    menu = {entry["command"] for entries in shared.telegram.world.commands.values() for entry in entries}
    ann = shared.person()
    named = await ann.asks("/help", "What I understand")
    assert {line.split()[0].strip("`/") for line in named.text.splitlines() if line.startswith("/")} <= menu


async def test_a_new_conversation_begins_and_the_old_one_can_be_resumed(shared: Shared) -> None:
    ann = shared.person()
    await ann.asks("say apples", "apples")
    await ann.asks("/title Fruit", "now called Fruit")
    await ann.asks("/new", "A fresh conversation")
    await ann.asks("say pears", "pears")
    await ann.asks("/resume fruit", "Continuing Fruit")
    listed = await ann.asks("/sessions", "/resume NUMBER")
    assert "Fruit" in listed.text
    assert "here" in next(line for line in listed.text.splitlines() if "Fruit" in line)


async def test_people_see_their_own_conversations_only(shared: Shared) -> None:
    ann, ben = shared.person(), shared.person()
    await ann.asks("say a", "a")
    await ann.asks("/title Private matters", "now called")
    await ben.asks("/sessions", "no conversations yet")
    await ben.asks("/resume private", "No conversation fits")


async def test_stop_ends_what_runs_at_once(shared: Shared) -> None:
    ann = shared.person()
    ann.says("say begun\nsleep 600\nsay never")
    await shared.telegram.wait_for(lambda: any("begun" in draft for draft in shared.telegram.drafts(ann.id)))
    await ann.asks("/stop", "Stopped by")
    await ann.asks("say still here", "still here")


async def test_retry_asks_the_last_message_again(shared: Shared) -> None:
    ann = shared.person()
    await ann.asks("say once more", "once more")
    ann.says("/retry")
    await shared.telegram.wait_for(lambda: sum("once more" in text for text in ann.heard) == 2, within=20)


async def test_undo_and_forget_ask_first_and_then_do_it(shared: Shared) -> None:
    ann = shared.person()
    await ann.asks("say a secret", "a secret")
    card = await ann.asks("/undo", "Take back the last exchange?")
    shared.telegram.tap(card, "Yes, /undo")
    await shared.telegram.wait_for(lambda: "Take back" not in card.text)
    card = await ann.asks("/forget", "Erase this conversation")
    shared.telegram.tap(card, "Yes, /forget")
    await shared.telegram.wait_for(lambda: "erased" in card.text)
    left = shared.daemon.rows("SELECT 1 FROM inbox WHERE chat = ? AND text LIKE '%secret%'", str(ann.id))
    assert left == []
    assert shared.daemon.rows("SELECT 1 FROM entry WHERE body LIKE '%a secret%'") == []


async def test_the_owner_may_do_what_others_may_not(shared: Shared) -> None:
    shared.telegram.user_says(OWNER, "/platforms")
    await shared.telegram.wait_for_text(OWNER, "telegram: Connected", within=20)
    shared.telegram.user_says(OWNER, "/sethome")
    await shared.telegram.wait_for_text(OWNER, "come here from now on")
