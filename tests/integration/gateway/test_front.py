"""What happens at the front door before the rest of the gateway is there."""

from pathlib import Path

from kernel.states import AdapterState
from tests.fakes.adapter import SHOWY, ScriptedAdapter
from tests.fakes.turn_runner import ScriptedRunner
from tests.support.gateway import running


async def test_messages_that_come_before_the_rest_are_answered_in_order(tmp_path: Path) -> None:
    adapter, runner = ScriptedAdapter(), ScriptedRunner()

    async def early() -> None:
        for text in ("one", "two", "three"):
            await adapter.say(text)

    async with running(tmp_path, adapter, runner=runner, early=early) as rig:
        await rig.settled()
        taken = [item.text for request in runner.requests for item in request.inputs]
        assert taken == ["one", "two", "three"]
        assert await rig.states("inbox") == ["done"] * 3
        assert [event.kind for event in rig.events].count("inbox.admit") == 3


async def test_a_command_that_comes_before_the_rest_is_carried_out_once(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, early=lambda: adapter.say("/whoami")) as rig:
        await rig.settled()
        assert len(adapter.texts()) == 1
        assert await rig.states("inbox") == ["done"]


async def test_the_owners_first_message_makes_a_home_though_it_came_before_the_rest(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, early=lambda: adapter.say("hello")) as rig:
        await rig.settled()
        assert await rig.rows("SELECT platform, chat FROM home_channel") == [
            {"platform": "fake", "chat": "7"}
        ]


async def test_what_came_before_the_rest_counts_as_nothing_that_the_last_process_left(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter) as rig:
        await adapter.say("hello")
        await rig.settled()
    async with running(tmp_path, adapter, early=lambda: adapter.say("again"), notices={"start": True}) as rig:
        await rig.settled()
        assert "✅ Hermes is running." in adapter.texts()


async def test_a_platform_that_connected_before_the_rest_gets_its_menu(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter) as rig:
        await rig.settled()
        assert [item.state for item in rig.gateway.connections.values()] == [AdapterState.CONNECTED]
        await adapter.changes.wait_for(lambda: bool(adapter.seen.menu))
