"""A bug reported on Discord, diagnosed and fixed from a phone on Telegram, with the real daemon."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kernel.risk import Tier
from tests.fakes.discord_server import DiscordServer
from tests.fakes.model_replies import calls
from tests.fakes.model_server import MODEL, ModelServer
from tests.support.daemon import Daemon, merged
from tests.support.diagnosis import CHECKED, FIXED, diagnosing, fixing, git, repository, submits
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
    report: Any

    async def tap(self, text: str, label: str) -> Shown:
        """Press the button that begins with a label, under the message that says something."""

        def found() -> Shown | None:
            fitting = [one for one in self.phone.shown() if text in one.text]
            return next((one for one in fitting if any(each.startswith(label) for each in one.labels)), None)

        await hears(self.phone, text)
        card = await self.phone.wait(found)
        assert card is not None
        await self.phone.tap(card, next(one for one in card.labels if one.startswith(label)))
        return card

    async def asked(self) -> None:
        """Ask in words, choose between two reports, and name the folder."""
        self.model.script(calls("diagnose", words="auth", channel="#bugs"), "I look into it.", *diagnosing())
        await self.phone.says("analyse the auth bug reported in #bugs")
        await self.tap("Several messages fit", "1. auth: my fresh token")
        await self.tap("Which folder", "📁")

    def ever_shown(self) -> str:
        """Return all that the bot has said on the phone, also what it has edited since."""
        return "\n".join("\n".join([one.text, *one.raw.versions]) for one in self.phone.shown())

    def actors(self, *kinds: str) -> list[tuple[str, str]]:
        """Return what happened of some kinds, and who did it, in order."""
        events = self.daemon.rows("SELECT kind, actor FROM event ORDER BY seq")
        return [(one["kind"], one["actor"]) for one in events if one["kind"] in kinds]

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
            report = await discord.says(REPORTER, REPORT, channel=channel)
            await discord.says(REPORTER, OTHER, channel=channel)
            yield World(phone, discord, channel, model, daemon, repo, report)


@pytest.fixture
async def here(tmp_path: Path):
    async with world(tmp_path) as found:
        yield found


async def test_a_bug_reported_on_discord_is_diagnosed_fixed_and_pushed_from_telegram(here: World) -> None:
    await here.daemon.start()
    await here.asked()
    begun = await hears(here.phone, "Task 1: the Diagnostician looks at")
    assert "#bugs" in begun.text
    card = await hears(here.phone, "Diagnosis, task 1")
    assert "auth.py:6" in card.text
    assert "high confidence" in card.text
    told = [result for request in here.model.requests for result in request.tool_results]
    assert any("there is no file session.py at this commit" in one for one in told)
    offered = [set(one.tool_names) for one in here.model.requests if "diagnosis_submit" in one.tool_names]
    assert {"list_files", "read_file", "search_files", "diagnosis_submit"} in offered
    assert "You are Diagnostician" in here.model.requests[-1].system_text
    await here.phone.tap(card, "📣 Tell the reporter")
    answer = await here.discord.wait_for(lambda: here.discord.heard(here.channel), within=30)
    assert "auth.py:6" in here.discord.text(answer[0])
    assert answer[0]["message_reference"]["message_id"] == here.report["id"]
    here.model.script(*fixing())
    await here.phone.tap(card, "🔧 Fix it")
    fix = await hears(here.phone, "Fix for task 1")
    assert "make test" in fix.text
    assert here.pushed() == ""
    card = await approve(here.phone, "git push origin")
    assert fix.raw.id < card.raw.id, "what is asked about stands above the question"
    await hears(here.phone, "Task 1 is done")
    commit = here.pushed().strip()
    assert "> now" in git(here.repo, "show", f"{commit}:auth.py")
    everything = here.ever_shown()
    assert "session.py" not in everything
    assert "auth.py:99" not in everything
    await here.daemon.quiet()
    assert here.daemon.rows("SELECT state FROM task WHERE id = 1")[0]["state"] == "done"
    assert here.actors("task.sent_back", "task.diagnosed", "task.told", "task.tested", "task.pushed") == [
        ("task.sent_back", "system"),
        ("task.diagnosed", "diagnostician"),
        ("task.told", "telegram:7"),
        ("task.tested", "system"),
        ("task.pushed", "telegram:7"),
    ]
    assert ("task.assign", "telegram:7") in here.actors("task.assign"), "who said that it is to be fixed"
    (asked,) = here.daemon.rows("SELECT tier, action ->> 'inputs' AS inputs FROM approval")
    assert asked["tier"] == Tier.HIGH
    assert '"diff:' in asked["inputs"]
    assert await here.daemon.stop() == 0
    assert here.daemon.findings() == []


async def test_what_changes_after_it_was_asked_about_is_not_pushed_but_tested_and_asked_anew(
    here: World,
) -> None:
    await here.daemon.start()
    here.model.script(*diagnosing())
    await here.phone.command("/diagnose fresh token in #bugs")
    await here.tap("Which folder", "📁")
    bad = FIXED.replace("> now", "== now")
    here.model.script(
        calls("write_file", path="auth.py", text=bad), calls("write_file", path="test_auth.py", text=CHECKED)
    )
    here.model.script(calls("task_submit", summary="It is equal now."), "Done.", *fixing())
    await here.tap("Diagnosis, task 1", "🔧 Fix it")
    await hears(here.phone, "Fix for task 1")
    brief = here.daemon.rows("SELECT feedback FROM task_brief")[0]["feedback"]
    assert "make test` ended with exit code" in brief, (
        "a fix that fails its tests goes back before anybody is asked"
    )
    folder = max((here.daemon.home.root / "board" / "worktrees").iterdir())
    doors = "".join(f"DOOR_{number} = 'the back door'\n" for number in range(150))
    (folder / "auth.py").write_text(f"{FIXED}\n\n{doors}")
    git(folder, "commit", "-q", "-a", "-m", "one thing more")
    await approve(here.phone, "git push origin")
    anew = await hears(here.phone, "Fix for task 1", count=2)
    assert "DOOR" in anew.text
    assert "the whole diff is in the file" in anew.text
    documents = await here.phone.wait(
        lambda: [one.raw.content["document"] for one in here.phone.shown() if "document" in one.raw.content]
    )
    assert [one["file_name"].endswith(".diff") for one in documents] == [True]
    assert here.pushed() == ""
    await here.tap("git push origin", "❌ Refuse")
    await hears(here.phone, "The push of the fix was refused")
    assert here.pushed() == ""
    await here.tap("does not come to an end by itself", "🔁 Test and ask again")
    await approve(here.phone, "git push origin")
    assert len([one for one in here.phone.shown() if "Fix for task 1" in one.text]) == 2
    await hears(here.phone, "Task 1 is done")
    assert "DOOR" in git(here.repo, "show", f"{here.pushed().strip()}:auth.py")
    await here.daemon.quiet()
    assert await here.daemon.stop() == 0
    assert here.daemon.findings() == []


async def test_evidence_that_never_holds_is_shown_to_nobody_and_a_person_is_told(here: World) -> None:
    await here.daemon.start()
    here.model.script("It is nothing.py:7, and I submit nothing.")
    here.model.script(*[submits(2, "nothing of the kind")] * 4, "It is nothing.py:7.")
    await here.phone.command("/diagnose fresh token in #bugs")
    await here.tap("Which folder", "📁")
    told = await hears(here.phone, "does not come to an end by itself")
    assert "none of them is shown" in told.text
    assert "🔧 Fix it" not in told.labels
    here.model.script(*diagnosing())
    await here.phone.command("/diagnose logout button in #bugs")
    await hears(here.phone, "Diagnosis, task 2")
    assert len([one for one in here.phone.shown() if "Which folder" in one.text]) == 1, (
        "the folder is asked for once"
    )
    everything = here.ever_shown()
    assert "nothing of the kind" not in everything
    assert "nothing.py" not in everything
    await here.daemon.quiet()
    assert await here.daemon.stop() == 0
    assert here.daemon.findings() == []


async def test_without_a_test_command_that_is_said_and_without_a_remote_it_waits_for_one(here: World) -> None:
    git(here.repo, "remote", "remove", "origin")
    git(here.repo, "rm", "-q", "Makefile", "test_auth.py")
    git(here.repo, "commit", "-q", "-m", "no tests")
    await here.daemon.start()
    _, fix, *rest = fixing()
    question = calls("ask_person", question="Shall it say so in a comment?", options=["yes", "no"])
    here.model.script(*diagnosing(), fix, question, *rest)
    await here.phone.command("/diagnose fresh token in #bugs")
    await here.tap("Which folder", "📁")
    await here.tap("Diagnosis, task 1", "🔧 Fix it")
    await here.tap("Shall it say so in a comment?", "yes")
    waits = await hears(here.phone, "no remote to push to")
    git(here.repo, "remote", "add", "origin", str(here.repo.with_name("remote.git")))
    await here.phone.tap(waits, "🔁 Test and ask again")
    shown = await hears(here.phone, "Fix for task 1")
    assert "nothing was tested" in shown.text
    await approve(here.phone, "git push origin")
    await hears(here.phone, "Task 1 is done")
    stuck = [one for one in here.phone.shown() if "does not come to an end by itself" in one.text]
    assert len(stuck) == 1, "a question of the agent is no trouble"
    await here.daemon.quiet()
    assert await here.daemon.stop() == 0
    assert here.daemon.findings() == []
    assert not list((here.daemon.home.root / "board" / "worktrees").iterdir())
    assert git(here.repo, "branch", "--list", "hermes/*").split() == ["hermes/task-1-2"]
