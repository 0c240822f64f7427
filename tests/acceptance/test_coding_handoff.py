"""A conversation with a coding agent goes elsewhere: the agent, its memory and what it waits for go with it."""

from pathlib import Path

import httpx

from tests.acceptance.test_coding_agents import household
from tests.acceptance.test_coding_lane import seen
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon


async def call(daemon: Daemon, method: str, path: str, **body: object) -> httpx.Response:
    """Ask the running daemon with the token of this machine's commands."""
    headers = {"Authorization": f"Bearer {daemon.info.token}"}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        response = await http.request(
            method, f"{daemon.info.url.rstrip('/')}{path}", headers=headers, json=body or None
        )
    response.raise_for_status()
    return response


async def take(daemon: Daemon, place: str) -> str:
    """Pull the latest conversation to a place of this machine and return its id."""
    found = await call(daemon, "POST", "/api/hermes/sessions/last/take", to=place)
    return str(found.json()["id"])


async def test_the_agent_answers_where_the_conversation_has_gone_and_what_it_waits_for_went_along(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with household(tmp_path, telegram, web={"enabled": True}) as (daemon, phone):
        place = tmp_path / "place"
        place.mkdir()
        phone.say("say one")
        await phone.reads("one")
        phone.say(f"ask chmod 777 {place}\nsay went on")
        await phone.card("chmod 777")
        await seen(daemon, "SELECT 1 FROM turn WHERE state = 'suspended'")
        session = await take(daemon, "terminal:desk")
        [asked] = daemon.rows("SELECT id FROM approval")
        await call(daemon, "POST", f"/api/hermes/approvals/{asked['id']}", decision="approve")
        await seen(
            daemon,
            "SELECT 1 FROM outbox WHERE platform = 'terminal' AND text LIKE '%went on%' AND state = 'sent'",
        )
        assert place.stat().st_mode & 0o777 == 0o777
        code, said = await daemon.command("chat", "--chat", "desk", "-q", "say here too")
        assert (code, "here too" in said) == (0, True)
        assert daemon.rows("SELECT id FROM session WHERE platform = 'terminal'")[0]["id"] == session
        agent = (tmp_path / "agent-state.json").read_text()
        assert '"fake-1"' in agent
        assert '"fake-2"' not in agent, "it is the same session of the agent"
        await daemon.quiet()
        assert daemon.findings() == []


async def test_the_agent_comes_back_to_the_phone_with_the_conversation(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with household(tmp_path, telegram, web={"enabled": True}) as (daemon, phone):
        phone.say("say one")
        await phone.reads("one")
        session = await take(daemon, "terminal:desk")
        done = await call(
            daemon, "POST", f"/api/hermes/sessions/{session}/handoff", to=f"telegram:{OWNER}", wait=25
        )
        assert done.json()["state"] == "completed", done.json()
        phone.say("say two")
        await phone.reads("two")
        assert '"fake-2"' not in (tmp_path / "agent-state.json").read_text()
        assert daemon.findings() == []
