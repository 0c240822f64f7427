"""A job that somebody walks away from, through Telegram's protocol and with the real daemon."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.telegram_server import Message, TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

WITHIN = 30.0
QUICK = {"edit_seconds": 0.0}


@pytest.fixture
async def phone() -> AsyncIterator[TelegramServer]:
    """Run a Telegram whose private chats have topics."""
    async with TelegramServer(topics_in_dms=True) as server:
        yield server


def settings(phone: TelegramServer, **sections: Any) -> dict[str, Any]:
    return quiet_settings(phone, walkaway=QUICK, board={"first_wait": 0.1}, **sections)


def repository(folder: Path) -> Path:
    """Make a repository with one commit, a remote to push to, and a test that passes."""
    folder.mkdir()
    remote = folder.with_name("remote.git")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    (folder / "importer.txt").write_text("long\n")
    for words in (
        ("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-q", "-m", "begin"),
        ("init", "-q", "--bare", str(remote)), ("remote", "add", "origin", str(remote)),
    ):  # fmt: skip
        subprocess.run(("git", *words), cwd=folder, check=True, capture_output=True)
    return folder


def card(phone: TelegramServer) -> Message | None:
    """Return the job's card."""
    found = [message for message in phone.messages(OWNER) if message.text.startswith("🚶 Task")]
    return next((one for one in found if one.thread_id is not None), None)


async def hears(phone: TelegramServer, text: str) -> Message:
    return await phone.wait_for_text(OWNER, text, within=WITHIN)


async def shows(phone: TelegramServer, *texts: str) -> Message:
    """Wait until the card says something."""

    def found() -> Message | None:
        shown = card(phone)
        return shown if shown is not None and all(text in shown.text for text in texts) else None

    return await phone.wait_for(found, within=WITHIN)  # pyright: ignore[reportReturnType]


async def tap(phone: TelegramServer, message: Message, label: str) -> str:
    value = next(button["callback_data"] for button in message.buttons if button["text"] == label)
    press = phone.tap_data(message, value, user=OWNER)
    await phone.wait_for(lambda: press.answered, within=WITHIN)
    return press.text


JOB = """/delegate --repo {repo}
milestone the plan stands
ask Which way? | short | long
milestone it goes {{answer}}
write TODO.md: - [x] read\\n
run git -c user.name=A -c user.email=a@example.org commit --allow-empty -qm 'a shorter importer'
run python3 -m unittest --help
submit The importer is shorter; its documentation was not touched."""


async def test_a_job_pings_asks_meets_the_gate_survives_a_kill_and_ends_with_a_summary(
    tmp_path: Path, phone: TelegramServer
) -> None:
    repo = repository(tmp_path / "shop")
    async with Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        phone.user_says(OWNER, JOB.format(repo=repo))
        answer = await hears(phone, "is under way")
        assert answer.thread_id is None
        first = await shows(phone, "Task 1")
        thread = first.thread_id
        ping = await hears(phone, "🏁 the plan stands")
        assert ping.thread_id == thread
        question = await hears(phone, "Which way?")
        await shows(phone, "waits for your answer", "the plan stands")
        await daemon.kill()
        await daemon.start()
        assert await tap(phone, question, "short") == "Answered: short"
        await hears(phone, "🏁 it goes short")
        while not any("📦 Commit" in one.text for one in phone.messages(OWNER)):
            for message in phone.messages(OWNER):
                if "✅ Approve once" in message.labels or "✅ Approve" in message.labels:
                    label = "✅ Approve once" if "✅ Approve once" in message.labels else "✅ Approve"
                    await tap(phone, message, label)
            await asyncio.sleep(0.1)
        while not any("✅ done" in one.text for one in phone.messages(OWNER)):
            for message in phone.messages(OWNER):
                if "✅ Approve once" in message.labels or "✅ Approve" in message.labels:
                    label = "✅ Approve once" if "✅ Approve once" in message.labels else "✅ Approve"
                    await tap(phone, message, label)
            await asyncio.sleep(0.1)
        for m in phone.messages(OWNER): print(repr(m.text), m.thread_id, m.labels, m.silent if hasattr(m,'silent') else '')
        assert await daemon.stop() == 0
        assert daemon.findings() == []
