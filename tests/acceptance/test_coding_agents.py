"""A coding agent behind the real daemon: its permission is a card, and a kill between card and tap loses nothing."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import acp_agent
from tests.fakes.telegram_server import Message, TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

APPROVE = "✅ Approve"
WITHIN = 20


def profile(root: Path, **more: Any) -> dict[str, Any]:
    """Return settings with the fake agent in them."""
    arguments = [str(Path(acp_agent.__file__)), str(root / "agent-state.json")]
    return {"acp": {"fake": {"command": sys.executable, "args": arguments, **more}}}


class Phone:
    """The owner's chat."""

    def __init__(self, telegram: TelegramServer) -> None:
        self.telegram = telegram

    def say(self, text: str) -> None:
        """Send a message."""
        self.telegram.user_says(OWNER, text)

    async def reads(self, words: str) -> Message:
        """Wait for a message with these words."""
        found = await self.telegram.wait_for(
            lambda: [one for one in self.telegram.messages(OWNER) if words in one.text], within=WITHIN
        )
        return found[-1]

    async def card(self, words: str) -> Message:
        """Wait for a message with buttons and these words."""
        found = await self.telegram.wait_for(
            lambda: [one for one in self.telegram.messages(OWNER) if one.buttons and words in one.text],
            within=WITHIN,
        )
        return found[-1]

    async def taps(self, message: Message, label: str) -> str:
        """Press a button and return the sentence in answer."""
        press = self.telegram.tap(message, label)
        await self.telegram.wait_for(lambda: press.answered, within=WITHIN)
        return press.text


@asynccontextmanager
async def household(
    tmp_path: Path, telegram: TelegramServer, **sections: Any
) -> AsyncGenerator[tuple[Daemon, Phone]]:
    """Run a daemon whose owner's chat belongs to the fake agent."""
    settings = quiet_settings(telegram, agent=profile(tmp_path), **sections)
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        phone = Phone(telegram)
        phone.say("/agent fake")
        await phone.reads("fake answers here")
        yield daemon, phone


async def test_a_coding_agent_answers_a_chat_and_gives_it_back(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with household(tmp_path, telegram) as (daemon, phone):
        phone.say("say here I am")
        await phone.reads("here I am")
        phone.say("/agent nobody")
        await phone.reads("There is no coding agent nobody")
        phone.say("/agent hermes")
        await phone.reads("Hermes answers here")
        phone.say("help")
        await phone.reads("remind")
        await daemon.quiet()
        assert daemon.findings() == []


async def test_its_permission_is_a_card_and_a_tap_lets_it_go_on(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with household(tmp_path, telegram) as (daemon, phone):
        place = tmp_path / "place"
        place.mkdir()
        phone.say(f"ask chmod 777 {place}\nsay all done")
        assert await phone.taps(await phone.card("chmod 777"), APPROVE) == "Approved; it runs now."
        await phone.reads("all done")
        assert place.stat().st_mode & 0o777 == 0o777
        await daemon.quiet()
        assert [row["state"] for row in daemon.rows("SELECT state FROM approval")] == ["done"]
        assert daemon.findings() == []


async def test_a_refusal_reaches_the_agent(tmp_path: Path, telegram: TelegramServer) -> None:
    async with household(tmp_path, telegram) as (daemon, phone):
        phone.say("ask chmod 777 /somewhere/else\nsay all done")
        card = await phone.card("chmod 777")
        short = daemon.rows("SELECT short FROM approval")[0]["short"]
        phone.say(f"/deny {short} not today")
        assert card.buttons
        await phone.reads("chmod 777 /somewhere/else: no")


@pytest.mark.parametrize("again", ["same", "other"])
async def test_a_kill_between_card_and_tap_asks_the_resumed_agent_and_the_tap_counts_only_for_the_same(
    again: str, tmp_path: Path, telegram: TelegramServer
) -> None:
    async with household(tmp_path, telegram) as (daemon, phone):
        place = tmp_path / "place"
        place.mkdir()
        phone.say(f"ask chmod 777 {place}")
        card = await phone.card("chmod 777")
        await daemon.quiet()
        await daemon.kill()
        (tmp_path / "agent-state.json.then").write_text(
            f"ask chmod 777 {place}" if again == "same" else f"ask chmod 776 {place}"
        )
        await daemon.start()
        await phone.taps(card, APPROVE)
        if again == "same":
            await phone.reads("777 " + str(place) + ": yes")
            assert place.stat().st_mode & 0o777 == 0o777
            assert len(daemon.rows("SELECT id FROM approval")) == 1
        else:
            await phone.card("chmod 776")
            assert place.stat().st_mode & 0o777 != 0o776
            assert len(daemon.rows("SELECT id FROM approval")) == 2


async def test_stop_ends_a_prompt_that_waits_for_a_decision(tmp_path: Path, telegram: TelegramServer) -> None:
    async with household(tmp_path, telegram) as (daemon, phone):
        phone.say("ask chmod 777 /somewhere/else")
        await phone.card("chmod 777")
        await daemon.quiet()
        phone.say("/stop")
        await phone.reads("withdrawn")
        phone.say("say and on")
        await phone.reads("and on")
        await daemon.quiet()
        assert daemon.findings() == []


async def test_a_yes_for_the_session_is_a_permission_of_hermes_that_the_next_request_passes_by(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with household(tmp_path, telegram) as (daemon, phone):
        place = tmp_path / "place"
        place.mkdir()
        phone.say(f"ask chmod 777 {place}\nsay first time")
        await phone.taps(await phone.card("chmod 777"), "For this session")
        await phone.reads("first time")
        place.chmod(0o700)
        phone.say(f"ask chmod 777 {place}\nsay second time")
        await phone.reads("second time")
        assert place.stat().st_mode & 0o777 == 0o777
        assert len(daemon.rows('SELECT id FROM "grant"')) == 1
        assert [row["state"] for row in daemon.rows("SELECT state FROM approval")] == ["done"]
        await daemon.quiet()
        assert daemon.findings() == []


async def test_a_job_is_delegated_to_a_coding_agent(tmp_path: Path, telegram: TelegramServer) -> None:
    async with household(tmp_path, telegram) as (daemon, phone):
        phone.say("/delegate --agent fake Look around:\nsay I looked around.\nThat is all.")
        await phone.reads("I looked around.")
        await daemon.quiet()
        [task] = daemon.rows("SELECT lane, state FROM task")
        assert (task["lane"], task["state"]) == ("acp:fake", "done")
        assert daemon.findings() == []
