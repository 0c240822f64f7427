"""Jobs that somebody walks away from, through every platform's protocol and with the real daemon."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_terminal import conversation
from tests.support.daemon import Daemon, merged
from tests.support.phones import Phone, approve, hears, phone_on

PLATFORMS = ("telegram", "discord", "slack")
GIT = "git -c user.name=A -c user.email=a@example.org"
QUICK: dict[str, Any] = {"walkaway": {"edit_seconds": 0.0}, "board": {"first_wait": 0.1}}


def settings(phone: Phone, **sections: Any) -> dict[str, Any]:
    return merged(merged(phone.settings, QUICK), sections)


def git(folder: Path, *words: str) -> str:
    command = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", *words)
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def repository(folder: Path) -> Path:
    """Make a repository with one commit and a remote to push to."""
    folder.mkdir()
    (folder / "importer.txt").write_text("a long importer\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "begin")
    git(folder, "init", "-q", "--bare", str(folder.with_name("remote.git")))
    git(folder, "remote", "add", "origin", str(folder.with_name("remote.git")))
    return folder


JOB = f"""/delegate --repo {{repo}}
milestone the plan stands
ask Which way? | short | long
write importer.txt: {{answer}}
run {GIT} commit -qam 'a shorter importer'
run python3 -m unittest
sleep {{seconds}}
submit The importer is shorter. Its documentation was not touched."""


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_job_pings_asks_meets_the_gate_is_steered_and_ends_with_a_summary_across_a_kill(
    platform: str, tmp_path: Path
) -> None:
    repo = repository(tmp_path / "shop")
    async with phone_on(platform) as phone, Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        await phone.command(JOB.format(repo=repo, seconds=2, answer="{answer}"))
        await hears(phone, "is under way", thread="")
        card = await hears(phone, "⏱ just begun")
        thread = card.thread
        assert thread
        await hears(phone, "🏁 the plan stands\n(Task 1", thread=thread)
        question = await hears(phone, "❓ Which way?", thread=thread)
        await hears(phone, "waits for your answer: Which way?", thread=thread)
        await daemon.kill()
        await daemon.start()
        await phone.tap(question, "short")
        await hears(phone, "a shorter importer\n(Task 1", thread=thread)
        await hears(phone, "🧪 Tests", thread=thread, count=2)
        await phone.says("push to staging", thread)
        await approve(phone, "git push origin HEAD:staging")
        ended = await hears(phone, "✅ done: Task 1", thread=thread)
        assert "Its documentation was not touched." in ended.text
        assert "importer.txt |" in ended.text
        assert "1 file changed" in ended.text
        assert "hermes/task-1-1" in ended.text
        shown = await hears(phone, "✅ done\n\n", thread=thread)
        assert shown.labels == []
        assert git(repo, "ls-remote", "origin", "staging").endswith("refs/heads/staging\n")
        assert len([one for one in phone.shown() if one.text.startswith("🚶 Task 1:") and one.thread]) == 1
        await phone.says("submit and the follow-up too", thread)
        second = await hears(phone, "✅ done: Task 2", thread=thread)
        assert "and the follow-up too" in second.text
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []
        assert daemon.dead() == []


async def test_without_threads_a_reply_to_the_card_steers_and_the_quick_buttons_speak(tmp_path: Path) -> None:
    async with phone_on("bare telegram") as phone, Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        await phone.command("/delegate --ping done\nsleep 3\nmilestone half way\nsleep 30\nsubmit never said")
        await hears(phone, "⏱ just begun")
        await hears(phone, "🏁 half way")
        card = await hears(phone, "🚶 Task 1:")
        assert card.thread == ""
        assert [*card.labels[:3]] == ["Keep going", "Make it simpler", "Stop after this"]
        await phone.tap(card, "Make it simpler")
        await phone.says("say heard by reply", reply_to=card)
        await phone.tap(await hears(phone, "🚶 Task 1:"), "⏹ Stop now")
        ended = await hears(phone, "🧱 waits for somebody: Task 1")
        assert "It was stopped." in ended.text
        assert len([one for one in phone.shown() if "half way" in one.text]) == 1, (
            "it rings for nothing but its end"
        )
        await phone.tap(ended, "🚫 Cancel")
        await hears(phone, "🚫 cancelled")
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_job_that_fails_says_why_and_a_reply_goes_on_in_its_place(tmp_path: Path) -> None:
    async with phone_on("telegram") as phone, Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        await phone.command("/delegate fail no more disk")
        ended = await hears(phone, "🧱 waits for somebody: Task 1")
        assert "told to fail: no more disk" in ended.text
        assert ended.labels == ["🔁 Try again", "🚫 Cancel"]
        await phone.says("submit with less", ended.thread)
        await hears(phone, "✅ done: Task 2", thread=ended.thread)
        await hears(phone, "🚫 cancelled: Task 1", thread=ended.thread)
        await phone.command("/tasks all")
        listed = await hears(phone, "fail no more disk · 🚫 cancelled", thread="")
        assert "submit with less · ✅ done" in listed.text
        await phone.command("/task 2")
        await hears(phone, "with less\n\n⏱", thread="")
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_silent_job_says_so_and_a_background_one_tells_its_end_alone(tmp_path: Path) -> None:
    async with phone_on("telegram") as phone:
        quiet = settings(phone, walkaway={"silent_minutes": 0.02}, web={"enabled": True, "port": 0})
        async with Daemon(tmp_path / "home", quiet) as daemon:
            await daemon.start()
            await phone.command("/delegate sleep 20")
            silent = await hears(phone, "has given no sign of life for")
            await hears(phone, "at work, but silent", thread=silent.thread)
            await phone.tap(silent, "⏹ Stop it")
            await hears(phone, "It was stopped.", thread=silent.thread)
            code, told = await daemon.command(
                "delegate", "--background", "milestone here\nsubmit quietly done"
            )
            assert (code, "Task 2 is under way; it talks at telegram:7." in told) == (0, True), told
            ended = await hears(phone, "✅ done: Task 2", thread="")
            assert "quietly done" in ended.text
            assert not [one for one in phone.shown() if "🏁 here" in one.text or "🚶 Task 2" in one.text]
            assert await daemon.stop() == 0
            assert daemon.findings() == []


async def test_a_conversation_becomes_a_job_that_goes_on_in_it(tmp_path: Path) -> None:
    async with phone_on("telegram") as phone, Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        await phone.says("say good morning")
        await hears(phone, "good morning")
        await phone.command("/walkaway milestone on its own\nsleep 2\nsubmit all of it")
        await hears(phone, "This goes on as task 1")
        await hears(phone, "🏁 on its own", thread="")
        await phone.says("say and you hear me")
        await hears(phone, "✅ done: Task 1", thread="")
        await hears(phone, "and you hear me", thread="")
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_conversation_in_a_terminal_becomes_a_job_on_the_phone_and_can_be_taken_back(
    tmp_path: Path,
) -> None:
    async with phone_on("telegram") as phone:
        served = settings(phone, web={"enabled": True, "port": 0})
        async with Daemon(tmp_path / "home", served) as daemon:
            await daemon.start()
            await phone.says("say I am your home")
            await hears(phone, "I am your home")
            async with conversation(daemon) as terminal:
                terminal.types("say good morning\r")
                await terminal.sees("good morning")
                await daemon.quiet()
                terminal.types("/walkaway milestone on my own\r")
                await terminal.sees("This goes on as task 1 at telegram:")
            ping = await hears(phone, "🏁 on my own\n(Task 1")
            assert ping.thread
            await hears(phone, "🚶 Task 1:", thread=ping.thread)
            ended = await hears(phone, "✅ done: Task 1", thread=ping.thread)
            await phone.says("say still the same conversation", ended.thread)
            await hears(phone, "still the same conversation", thread=ended.thread)
            await daemon.quiet()
            async with conversation(daemon) as terminal:
                terminal.types("/take\r")
                await terminal.sees("Continuing")
            code, exported = await daemon.command("sessions", "export", "last")
            assert code == 0
            assert "good morning" in exported
            assert "still the same conversation" in exported
            assert await daemon.stop() == 0
            assert daemon.findings() == []


async def test_what_is_said_in_a_terminal_answers_a_job_that_asks_on_the_phone(tmp_path: Path) -> None:
    async with phone_on("telegram") as phone:
        served = settings(phone, web={"enabled": True, "port": 0})
        async with Daemon(tmp_path / "home", served) as daemon:
            await daemon.start()
            await phone.command("/delegate ask Which way? | short | long\nask Why?\nsubmit {answer} and done")
            asked = await hears(phone, "❓ Which way?")
            assert asked.thread
            _, told = await daemon.command("tasks", "list")
            assert "needs_human" in told
            assert "Which way?" in told
            assert (await daemon.command("tasks", "say", "1", "Short"))[0] == 0
            await hears(phone, "❓ Why?", thread=asked.thread)
            assert (await daemon.command("tasks", "say", "1", "because I say so"))[0] == 0
            await hears(phone, "because I say so and done", thread=asked.thread)
            (first, *_) = daemon.rows("SELECT answered_by FROM question ORDER BY created_at")
            assert first["answered_by"] == "telegram:7", (
                "the words are those of the person the job is done for"
            )
            await daemon.quiet()
            assert await daemon.stop() == 0
            assert daemon.findings() == []


async def test_a_conversation_stays_where_nothing_else_is_known_and_while_its_agent_works(
    tmp_path: Path,
) -> None:
    async with phone_on("telegram") as phone:
        served = settings(phone, web={"enabled": True, "port": 0})
        async with Daemon(tmp_path / "home", served) as daemon:
            await daemon.start()
            async with conversation(daemon) as terminal:
                terminal.types("/walkaway milestone right here\r")
                await terminal.sees("This goes on as task 1. Whatever you write here is heard")
                await terminal.sees("right here")
                await terminal.sees("done: Task 1")
                await phone.says("say I am your home")
                await hears(phone, "I am your home")
                terminal.types("sleep 60\r")
                await eventually_running(daemon)
                terminal.types("/walkaway submit later\r")
                await terminal.sees("The agent is at work in this conversation")
                terminal.types("/stop\r")
                await terminal.sees("Stopped by")
                terminal.types("/walkaway submit at last\r")
                await terminal.sees("This goes on as task 2 at telegram:")
            await hears(phone, "✅ done: Task 2")
            await daemon.quiet()
            assert await daemon.stop() == 0
            assert daemon.findings() == []


async def eventually_running(daemon: Daemon) -> None:
    """Wait until a turn is under way."""
    async with asyncio.timeout(30):
        while not daemon.rows("SELECT 1 FROM turn WHERE state = 'running'"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
