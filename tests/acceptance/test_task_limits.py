"""Limits while a model works on a task: its budget ends a turn in the middle, a limit of one turn ends no work."""

import asyncio
from dataclasses import replace
from pathlib import Path

from tests.fakes.model_replies import Reply, calls
from tests.fakes.model_server import MODEL, ModelServer
from tests.support.daemon import Daemon, merged, quiet_settings
from tests.support.phones import hears, phone_on
from tests.support.shell import until


def step(tokens: int) -> Reply:
    return replace(calls("list_files"), tokens=(tokens, 0))


async def test_a_budget_ends_a_turn_in_the_middle_and_a_limit_of_one_turn_ends_no_work(
    tmp_path: Path,
) -> None:
    async with ModelServer() as model:
        agent = {
            "model": f"openai-chat:{MODEL}",
            "base_url": model.base_url,
            "api_key": model.key,
            "budget": {"steps": 3},
        }
        settings = quiet_settings(
            web={"enabled": True}, agent=agent, board={"first_wait": 0.0, "turns": 3, "failure_limit": 1}
        )
        async with Daemon(tmp_path / "home", settings) as daemon:
            await daemon.start()
            model.script(step(150), step(60))
            await daemon.command("tasks", "create", "count the files", "--tokens", "200")
            shown = await until(daemon, "tasks show 1", "raise it or end the task")
            assert "blocked" in shown
            assert "waits for: operator: The budget is spent (210 of 200 tokens)" in shown
            assert "this turn has used 210 tokens, and the task had 200 left" in shown
            assert len(model.requests) == 2, "no third request is made"

            _, told = await daemon.command("tasks", "edit", "1", "--tokens", "10000")
            assert told.startswith("Task 1 is blocked:"), told
            model.script(step(5), step(5), step(5), step(5), "There are three files.")
            await daemon.command("tasks", "move", "1", "open")
            shown = await until(daemon, "tasks show 1", "result: ")
            assert "result: There are three files." in shown
            assert "may use: 10,000 tokens" in shown
            assert "I stopped after 3 steps" in model.requests[-1].transcript

            model.respond = lambda _: calls("list_files")
            await daemon.command("tasks", "create", "count for ever")
            shown = await until(daemon, "tasks show 2", "Given up after 1 failures")
            assert "No end after 3 turns. I stopped after 3 steps" in shown
            assert await daemon.stop() == 0
            assert daemon.findings() == []


async def test_what_an_attempt_uses_is_shown_while_it_works(tmp_path: Path) -> None:
    async with ModelServer() as model, phone_on("telegram") as phone:
        agent = {"model": f"openai-chat:{MODEL}", "base_url": model.base_url, "api_key": model.key}
        settings = merged(phone.settings, {"web": {"enabled": True, "port": 0}, "agent": agent})
        settings = merged(settings, {"walkaway": {"edit_seconds": 0.0}})
        async with Daemon(tmp_path / "home", settings) as daemon:
            await daemon.start()
            going = asyncio.Event()
            named = replace(calls("task_milestone", text="half way"), tokens=(1000, 234))
            model.script(named, replace(step(60), gate=going), "that is all")
            await phone.command("/delegate count the files")
            card = await hears(phone, "1,234 tokens, $0.00 · last sign of life")
            assert "at work" in card.text
            _, shown = await daemon.command("tasks", "show", "1")
            assert "1,234 tokens, $0.00" in shown
            await daemon.command("tasks", "edit", "1", "--tokens", "1500")
            _, listed = await daemon.command("tasks")
            assert "!! 1 task needs attention" in listed
            assert "Budget nearly spent" in listed
            going.set()
            await hears(phone, "✅ done: Task 1", thread=card.thread)
            assert await daemon.stop() == 0
            assert daemon.findings() == []
