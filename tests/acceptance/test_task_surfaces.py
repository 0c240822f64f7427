"""Jobs handed over by programs: REST and MCP carry the same operations, with progress, logs and events."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.daemon import Daemon, quiet_settings

OFFERED = {
    "tasks_create", "tasks_list", "tasks_show", "tasks_log", "tasks_edit", "tasks_assign", "tasks_claim",
    "tasks_heartbeat", "tasks_milestone", "tasks_finish", "tasks_move", "tasks_comment", "tasks_link",
    "tasks_reclaim", "tasks_cancel", "tasks_explain", "tasks_stats", "tasks_attention", "tasks_delegate",
}  # fmt: skip


@asynccontextmanager
async def rest_of(daemon: Daemon) -> AsyncGenerator[httpx.AsyncClient]:
    """Return a client of the daemon's own API."""
    headers = {"Authorization": f"Bearer {daemon.info.token}"}
    async with httpx.AsyncClient(base_url=f"{daemon.info.url}/api/hermes", headers=headers) as client:
        yield client


async def until(client: httpx.AsyncClient, id: int, fits: Callable[[Any], bool]) -> Any:
    """Return a task once it fits."""
    async with asyncio.timeout(30):
        while not fits(found := (await client.get(f"/tasks/{id}")).json()):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return found


async def test_a_job_of_a_program_is_followed_over_rest_and_its_end_is_told(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(web={"enabled": True})) as daemon:
        await daemon.start()
        async with rest_of(daemon) as client:
            for number, mode in enumerate(("background", "walkaway"), 1):
                asked = {"text": f"milestone half\nsubmit all of {mode}", "mode": mode}
                begun = (await client.post("/delegate", json=asked)).json()
                assert (begun["task"], begun["mode"]) == (number, mode)
                found = await until(client, number, lambda one: one["task"]["state"] == "done")
                assert found["result"] == f"all of {mode}"
                assert [one["text"] for one in found["milestones"]] == ["half"]
                assert begun["place"] == f"web:task-{number}"
            listed = (await client.get("/tasks", params={"state": "all"})).json()["tasks"]
            assert [(one["id"], one["milestone"]) for one in listed] == [(2, "half"), (1, "half")]
            log = (await client.get("/tasks/1/log")).json()
            assert "task_submit" in log["text"]
            assert [step["kind"] for step in log["trail"]][-2:] == ["attempt.succeeded", "task.complete"]
            refused = await client.post("/delegate", json={"text": "x", "mode": "loud"})
            assert refused.status_code == 422
        ended = "SELECT 1 FROM outbox WHERE chat = 'task-2' AND text LIKE '✅ done: **Task 2: %'"
        async with asyncio.timeout(30):
            while not daemon.rows(ended):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        code, told = await daemon.command("chat", "-q", "/delegate --background submit from a chat")
        assert (code, "is under way" in told) == (0, True), told
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_an_mcp_client_delegates_works_on_a_task_and_is_refused_with_an_old_epoch(
    tmp_path: Path,
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(web={"enabled": True})) as daemon:
        await daemon.start()
        headers = {"authorization": f"Bearer {daemon.info.token}"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(f"{daemon.info.url}/mcp", http_client=http)) as client,
        ):

            async def call(name: str, **given: Any) -> Any:
                answer = await client.call_tool(name, given)
                return answer.structured_content if not answer.is_error else str(answer.content)

            names = {tool.name for tool in (await client.list_tools()).tools}
            assert names >= OFFERED, OFFERED - names
            assert not {name for name in names if "approvals_decide" in name or name == "tasks_say"}
            begun = await call("tasks_delegate", text="sleep 60", mode="background")
            assert (begun["task"], begun["mode"]) == (1, "background")
            assert (await call("tasks_cancel", id=1))["state"] == "cancelled"

            made = await call("tasks_create", title="by hand", lane="manual")
            taken = await call("tasks_claim", id=made["id"], lease_seconds=60)
            assert taken["epoch"] == 1
            assert (await call("tasks_milestone", id=2, epoch=1, text="half way"))["message"] == "Noted."
            assert "is over" in await call("tasks_milestone", id=2, epoch=2, text="from nowhere")
            await call("tasks_reclaim", id=2)
            for late in ("tasks_heartbeat", "tasks_finish"):
                assert "Attempt 1 of task 2 is over" in await call(late, id=2, epoch=1)
            again = await call("tasks_claim", id=2)
            ended = await call("tasks_finish", id=2, epoch=again["epoch"], result="it is so", tokens=7)
            assert (ended["state"], ended["used"]["tokens"]) == ("done", 7)
            shown = await call("tasks_show", id=2)
            assert [one["state"] for one in shown["attempts"]] == ["succeeded", "released"]
            assert json.dumps(shown).count("half way") >= 1
        assert await daemon.stop() == 0
        assert daemon.findings() == []
