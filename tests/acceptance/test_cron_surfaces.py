"""Jobs from a shell, over REST, by buttons and on the page: the same jobs everywhere."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.test_cron import PATIENCE, eventually
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings


async def schedules_by_delegating(client: httpx.AsyncClient) -> None:
    """Hand a job over that is done on a schedule, and see it among the others; take it away again."""
    given = {
        "mode": "cron",
        "text": "say what is new",
        "schedule": "every weekday at 7:30",
        "to": "telegram:7",
    }
    answer = (await client.post("/api/hermes/delegate", json=given)).json()
    assert (answer["mode"], answer["state"], answer["place"]) == ("cron", "active", "telegram:7")
    assert (answer["schedule"], len(answer["times"])) == ("every weekday at 07:30", 5)
    job = (await client.get(f"/api/hermes/cron/{answer['job']}")).json()
    assert (job["kind"], job["text"], job["rule"]) == ("prompt", "say what is new", "cron:30 7 * * 1-5")
    for wrong in (
        {"schedule": ""},
        {"schedule": "at 9"},
        {"ping": "10m"},
        {"agent": "nobody"},
        {"mode": "walkaway"},
        {"repo": "/nowhere"},
    ):
        assert (await client.post("/api/hermes/delegate", json=given | wrong)).status_code in (403, 422), (
            wrong
        )
    await client.post(f"/api/hermes/cron/{answer['job']}/delete", json={})


async def makes_a_task_by_a_template(client: httpx.AsyncClient) -> None:
    """Let a scheduled task be put on the board by a template, and take the job away again."""
    given = {"schedule": "every day at 9:00", "kind": "task", "name": "book", "text": "look"}
    made = await client.post("/api/hermes/cron", json=given | {"options": {"template": "reviewed"}})
    job = made.json()["job"]["id"]
    await client.post(f"/api/hermes/cron/{job}/run", json={})
    async with asyncio.timeout(PATIENCE):
        tasks: list[dict[str, Any]] = []
        while not tasks:
            await asyncio.sleep(0.1)
            tasks = (await client.get("/api/hermes/tasks", params={"state": "all"})).json()["tasks"]
    assert tasks[0]["title"] == "book"
    whole = (await client.get(f"/api/hermes/tasks/{tasks[0]['id']}")).json()
    assert '"template": "reviewed"' in json.dumps(whole)
    await client.post(f"/api/hermes/tasks/{tasks[0]['id']}/cancel", json={})
    await client.post(f"/api/hermes/cron/{job}/delete", json={})


async def test_a_job_made_in_a_shell_is_seen_changed_and_deleted_everywhere(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    settings = quiet_settings(telegram, web={"enabled": True})
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        code, said = await daemon.command(
            "cron", "add", "every weekday at 7:30", "say hi", "--name", "news", "--with", "thread=true"
        )
        assert (code, "every weekday at 07:30" in said) == (0, True)
        code, said = await daemon.command("cron", "preview", "tomorrow at 9")
        assert (code, "9:00 or 21:00?" in said) == (1, True)
        info = daemon.info
        async with httpx.AsyncClient(
            base_url=info.url, headers={"Authorization": f"Bearer {info.token}"}
        ) as client:
            made = (await client.get("/api/hermes/cron")).json()["jobs"]
            assert [(one["name"], one["rule"]) for one in made] == [("news", "cron:30 7 * * 1-5")]
            assert made[0]["settings"]["thread"] is True
            wrong = await client.post("/api/hermes/cron", json={"schedule": "at 9", "text": "x"})
            assert wrong.status_code == 422
            await schedules_by_delegating(client)
            await makes_a_task_by_a_template(client)
            page = await client.get("/jobs")
            assert page.status_code == 200
            assert "news" in page.text
        telegram.user_says(OWNER, "/cron")
        card = await telegram.wait_for_text(OWNER, "news", within=PATIENCE)
        assert card.labels == ["▶️ 1", "⏸ 1", "✏️ 1", "🗑 1"]
        telegram.tap(card, "⏸ 1", user=OWNER)
        await telegram.wait_for_text(OWNER, "news is paused", within=PATIENCE)
        telegram.tap(card, "🗑 1", user=OWNER)
        await telegram.wait_for_text(OWNER, "news is deleted", within=PATIENCE)
        code, said = await daemon.command("cron")
        assert (code, said.strip()) == (0, "Nothing is scheduled.")
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_what_an_agent_schedules_waits_for_a_word_and_shows_its_times(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start()
        telegram.user_says(OWNER, "cron every weekday at 7:30 | say good morning")
        card = await telegram.wait_for_text(OWNER, "every weekday at 07:30", within=PATIENCE)
        assert daemon.rows("SELECT 1 FROM schedule") == []
        telegram.tap(card, next(label for label in card.labels if "Approve" in label), user=OWNER)
        await eventually(lambda: daemon.rows("SELECT 1 FROM schedule WHERE rule = 'cron:30 7 * * 1-5'"))
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_job_of_the_configuration_is_made_once_and_stays_deleted(tmp_path: Path) -> None:
    seed = {"enabled": True, "schedule": "0 8 * * *", "kind": "script", "text": "echo hello"}
    settings = quiet_settings(web={"enabled": True}, cron={"seeds": {"hello": seed}})
    async with Daemon(tmp_path / "home", settings) as daemon:
        for _ in range(2):
            await daemon.start()
            assert len(daemon.rows("SELECT 1 FROM schedule WHERE name = 'hello'")) == 1
            await daemon.stop()
        await daemon.start()
        assert (await daemon.command("cron", "delete", "hello"))[0] == 0
        await daemon.stop()
        await daemon.start()
        assert daemon.rows("SELECT 1 FROM schedule WHERE name = 'hello' AND state <> 'deleted'") == []
        await daemon.stop()
