"""The commands while the gateway runs: they speak to it through its local API."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, quiet_settings


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(tmp_path / "home", quiet_settings(web={"enabled": True})) as daemon:
        yield await daemon.start()


async def test_status_sessions_messages_and_tokens_of_a_running_gateway(gateway: Daemon) -> None:
    code, out = await gateway.command("status")
    assert code == 0
    assert f"runs at {gateway.info.url} (process {gateway.pid})" in out
    code, out = await gateway.command("status", "--json")
    assert json.loads(out)["running"] is True

    assert await gateway.command("chat", "-q", "say one") == (0, "one\n")
    code, out = await gateway.command("sessions", "list", "--json")
    session = json.loads(out)[0]["id"]
    code, out = await gateway.command("messages", "list", session, "--json")
    assert [(one["direction"], one["text"]) for one in json.loads(out)] == [("in", "say one"), ("out", "one")]
    assert await gateway.command("messages", "dead") == (0, "Every message could be delivered.\n")

    code, secret = await gateway.command("tokens", "create", "editor")
    code, out = await gateway.command("tokens", "list", "--json")
    token = next(one for one in json.loads(out) if one["name"] == "editor")
    assert secret.strip() not in out
    assert (await gateway.command("tokens", "revoke", token["id"]))[0] == 0
    code, out = await gateway.command("login")
    assert out.startswith(f"{gateway.info.url}/login#")


async def test_what_cannot_be_done_is_told_in_the_gateway_s_own_words(gateway: Daemon) -> None:
    code, out = await gateway.command("pairing", "approve", "ABCD2345")
    assert (code, out.startswith("hermes: No pairing waits for this code.")) == (2, True)
    code, out = await gateway.command("send", "hello")
    assert (code, "There is no home channel yet." in out) == (1, True)
    code, out = await gateway.command("messages", "list", "s_nothing")
    assert (code, "There is no session s_nothing." in out) == (1, True)


async def test_a_model_that_cannot_be_right_is_not_chosen_in_a_conversation(gateway: Daemon) -> None:
    _, out = await gateway.command("chat", "-q", "/model opnai:gpt")
    assert "There is no provider 'opnai'; did you mean openai?" in out
    _, out = await gateway.command("chat", "-q", "/model gpt-5")
    assert "names no model" in out


async def test_a_backup_and_the_audit_work_beside_a_running_gateway(gateway: Daemon) -> None:
    await gateway.command("chat", "-q", "say one")
    code, out = await gateway.command("backup")
    assert (code, "is sound" in out) == (0, True)
    assert await gateway.command("audit", "check", "--grace", "0") == (0, "All invariants hold.\n")
    assert (await gateway.command("audit", "verify"))[0] == 0
    code, out = await gateway.command("restore", "x.db", "--yes")
    assert (code, "is in use by a gateway" in out) == (75, True)


async def test_a_second_gateway_is_refused_with_a_sentence(gateway: Daemon) -> None:
    code, out = await gateway.command("gateway")
    assert code == 75
    assert out.startswith("hermes: The home ")
    assert f"in use by a gateway with process id {gateway.pid}" in out
    assert "Traceback" not in out


async def test_a_reload_takes_over_what_is_right_and_keeps_what_it_has_when_it_is_not(
    gateway: Daemon,
) -> None:
    await gateway.command("config", "set", "owner.name", "Ada")
    assert await gateway.command("config", "reload") == (0, "The settings are in force.\n")
    good = gateway.home.config.read_text()
    gateway.home.config.write_text("web: [\n")
    code, out = await gateway.command("config", "reload")
    assert (code, "not valid YAML" in out) == (78, True)
    code, out = await gateway.command("status")
    assert (code, "State: degraded" in out, "The last good one stays in force." in out) == (0, True, True)
    assert json.loads((await gateway.command("status", "--json"))[1])["state"] == "degraded"
    assert "degraded, up" in (await gateway.command("chat", "-q", "/status"))[1]
    gateway.home.config.write_text(good)
    assert (await gateway.command("config", "reload"))[0] == 0
    assert "degraded" not in (await gateway.command("status"))[1]


async def test_a_reload_names_what_waits_for_a_restart_until_there_was_one(gateway: Daemon) -> None:
    await gateway.command("config", "set", "web.login_minutes", "5")
    await gateway.command("config", "set", "platforms.telegram.token", "1:token")
    await gateway.command("config", "set", "owner.name", "Ada")
    code, out = await gateway.command("config", "reload")
    waiting = "web.login_minutes, platforms.telegram.token wait for a restart"
    assert (code, waiting in out, "owner.name" in out) == (0, True, False)
    assert waiting in (await gateway.command("status"))[1]
    await gateway.command("config", "set", "web.login_minutes", "15")
    await gateway.command("config", "set", "platforms.telegram.token", "")
    assert await gateway.command("config", "reload") == (0, "The settings are in force.\n")


async def test_a_port_in_use_is_told_with_the_way_out(gateway: Daemon, tmp_path: Path) -> None:
    port = gateway.info.url.rpartition(":")[2]
    async with Daemon(
        tmp_path / "other", quiet_settings(web={"enabled": True}), {"HERMES_WEB__PORT": port}
    ) as other:
        code, out = await other.command("gateway")
    assert code not in {0, 70}
    assert port in out
    assert "Traceback" not in out
