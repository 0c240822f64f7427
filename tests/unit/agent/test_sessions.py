"""What commands do to a conversation: show it, take turns back; and what its log looks like afterwards."""

import pytest

from kernel.errors import InvalidInput, ModelUnavailable, NotFound
from tests.fakes.agent_ports import Chat


async def test_history_shows_what_was_said_and_not_what_tools_did(chat: Chat):
    await chat.send("say one")
    await chat.send("write a.txt: x\nsay two")
    await chat.send("ask Tea?\nthen say three")
    await chat.send("[Answer]\nyes", internal=True)
    assert await chat.runner.history("s_1") == [
        ("user", "say one"),
        ("assistant", "one"),
        ("user", "write a.txt: x\nsay two"),
        ("assistant", "Wrote 2 bytes to a.txt.\n\ntwo"),
        ("user", "ask Tea?\nthen say three"),
        ("event", "[Answer]\nyes"),
        ("assistant", "You answered: yes\n\nthree"),
    ]


async def test_undo_takes_back_whole_turns(chat: Chat):
    await chat.send("say one")
    await chat.send("list\nsay two")
    await chat.send("say three")
    assert "“list\nsay two”" in await chat.runner.undo("s_1", 2)
    assert await chat.runner.history("s_1") == [("user", "say one"), ("assistant", "one")]
    assert (await chat.send("say four")).text == "four"
    assert len(await chat.runner.history("s_1")) == 4


async def test_undo_of_an_empty_session_is_explained(chat: Chat):
    with pytest.raises(NotFound, match="no turn"):
        await chat.runner.undo("s_1")
    await chat.send("say one")
    with pytest.raises(InvalidInput):
        await chat.runner.undo("s_1", 0)
    await chat.runner.undo("s_1", 5)
    assert await chat.runner.history("s_1") == []


async def test_a_turn_is_taken_back_only_if_it_is_the_one_that_is_meant(chat: Chat):
    await chat.send("say one")
    assert await chat.runner.undo("s_1", said="say two") == ""
    assert await chat.runner.undo("s_1", said="say one") != ""


async def test_compaction_without_a_model_is_explained(chat: Chat):
    await chat.send("say one")
    with pytest.raises(ModelUnavailable, match="nothing can be summarised"):
        await chat.runner.compact("s_1")
