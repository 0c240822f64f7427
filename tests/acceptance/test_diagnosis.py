"""A bug reported on Discord, diagnosed and fixed from a phone on Telegram, with the real daemon and a scripted model."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.discord_server import DiscordServer
from tests.fakes.model_replies import calls
from tests.fakes.model_server import MODEL, ModelServer
from tests.support.daemon import Daemon, merged
from tests.support.diagnosis import diagnosing, fixing, git, repository
from tests.support.phones import Phone, Shown, approve, hears, phone_on

REPORTER = "42"
REPORT = "auth: my fresh token is refused since this morning"
OTHER = "auth: please add a logout button"


@dataclass(frozen=True, slots=True)
class World:
    """A phone, the channel of the reports, the model, the daemon and the repository."""

    phone: Phone
    discord: DiscordServer
    channel: str
    model: ModelServer
    daemon: Daemon
    repo: Path

    async def tap(self, text: str, label: str) -> Shown:
        """Press the button that begins with a label, under the message that says something."""
        card = await hears(self.phone, text)
        await self.phone.tap(card, next(one for one in card.labels if one.startswith(label)))
        return card

    async def asked(self) -> None:
        """Ask in words, choose between two reports, and name the folder."""
        self.model.script(calls("diagnose", words="auth", channel="#bugs"), "I look into it.", *diagnosing())
        await self.phone.says("analyse the auth bug reported in #bugs")
        await self.tap("Several messages fit", "1. auth: my fresh token")
        await self.tap("Which folder", "📁")

    def pushed(self) -> str:
        """Return the commit of the branch at the remote, or nothing."""
        return git(
            self.repo.with_name("remote.git"), "for-each-ref", "--format=%(objectname)", "refs/heads/hermes/"
        )


@asynccontextmanager
async def world(root: Path, **sections: Any) -> AsyncGenerator[World]:
    repo = repository(root / "projects" / "shop")
    async with phone_on("plain") as phone, DiscordServer() as discord, ModelServer() as model:
        channel = discord.channel(discord.guild(REPORTER), "bugs")["id"]
        agent = {"model": f"openai-chat:{MODEL}", "base_url": model.base_url, "api_key": model.key}
        chosen = {
            "agent": agent,
            "platforms": {"discord": discord.settings},
            "workspace": {"projects": [str(repo)]},
            "board": {"first_wait": 0.1},
        }
        async with Daemon(root / "home", merged(merged(phone.settings, chosen), sections)) as daemon:
            await discord.says(REPORTER, REPORT, channel=channel)
            await discord.says(REPORTER, OTHER, channel=channel)
            yield World(phone, discord, channel, model, daemon, repo)


@pytest.fixture
async def here(tmp_path: Path):
    async with world(tmp_path) as found:
        yield found


async def test_a_bug_reported_on_discord_is_diagnosed_fixed_and_pushed_from_telegram(here: World) -> None:
    await here.daemon.start()
    await here.asked()
    card = await hears(here.phone, "Diagnosis, task 1")
    assert "auth.py:6" in card.text
    assert "high confidence" in card.text
    told = [result for request in here.model.requests for result in request.tool_results]
    assert any("there is no file session.py at this commit" in one for one in told)
    await here.phone.tap(card, "📣 Tell the reporter")
    answer = await here.discord.wait_for(lambda: here.discord.heard(here.channel), within=30)
    assert "auth.py:6" in here.discord.text(answer[0])
    here.model.script(*fixing())
    await here.phone.tap(card, "🔧 Fix it")
    fix = await hears(here.phone, "Fix for task 1")
    assert "make test" in fix.text
    assert here.pushed() == ""
    await approve(here.phone, "git push origin")
    await hears(here.phone, "Task 1 is done")
    commit = here.pushed().strip()
    assert "> now" in git(here.repo, "show", f"{commit}:auth.py")
    everything = "\n".join(one.text for one in here.phone.shown())
    assert "session.py" not in everything
    assert "auth.py:99" not in everything
    await here.daemon.quiet()
    assert here.daemon.rows("SELECT state FROM task WHERE id = 1")[0]["state"] == "done"
    assert await here.daemon.stop() == 0
    assert here.daemon.findings() == []
