"""Every check of the doctor is proven by breaking what it looks at, and has a remedy when it finds something."""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hermes import daemon
from hermes.cli.main import main
from hermes.daemon import DaemonInfo
from hermes.doctor.examination import CHECKS, examine, healthy
from hermes.doctor.files import FULL_BYTES, SCARCE_BYTES
from hermes.doctor.patient import Level, Machine, Patient, Result
from hermes.home import Home
from hermes.service import Kind, Unit, program
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.messages import Address
from kernel.people import Role
from store import channels, people
from store.database import Database
from store.lock import HomeLock
from store.people import Person
from tests.fakes import acp_agent
from tests.fakes.model_server import MODEL, ModelServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer, refusal, server_error

NAMES = [
    "settings", "home", "secrets", "disk", "database", "sqlite", "lock", "port", "workspace", "service", "token",
    "webhook", "privacy mode", "clock", "discord", "slack", "owner", "home channel", "model key", "model",
    "coding agents",
]  # fmt: skip


class Case:
    """One installation on loopback servers, and the doctor that looks at it."""

    def __init__(self, root: Path, telegram: TelegramServer, model: ModelServer) -> None:
        self.home = Home(root)
        self.telegram = telegram
        self.model = model
        self.machine = Machine(free=lambda _: 50_000_000_000, taken=lambda _host, _port: False)
        self.environ: dict[str, str] = {"XDG_CONFIG_HOME": str(root.parent / "config")}
        self.settings: dict[str, Any] = {
            "platforms": {"telegram": {"token": telegram.token, "api_base": telegram.url}},
            "access": {"owners": ["telegram:7"]},
            "agent": {"model": f"openai:{MODEL}", "base_url": model.base_url, "api_key": model.key},
        }
        self.home.prepare()

    async def results(self, **sections: Mapping[str, Any]) -> dict[str, Result]:
        """Write the settings, with whole sections replaced, and run every check."""
        self.home.config.write_text(yaml.safe_dump(self.settings | sections))
        found = await asyncio.to_thread(examine, Patient(self.home, self.environ, self.machine))
        assert [result.name for result in found] == NAMES
        silent = [
            result.name for result in found if result.level in {Level.WARN, Level.FAIL} and not result.remedy
        ]
        assert silent == []
        return {result.name: result for result in found}

    async def database(self, work: Callable[..., Any] | None = None, *args: Any, **named: Any) -> None:
        """Create the database, and run one unit in it."""
        database = await Database.open(self.home.database, clock=SystemClock(), bus=Bus())
        if work is not None:
            await database.write(work, *args, **named)
        await database.close()


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with TelegramServer() as telegram, ModelServer() as model:
        yield Case(tmp_path / "home", telegram, model)


def test_there_is_a_case_for_every_check() -> None:
    assert len(CHECKS) == len(NAMES)


async def test_a_sound_installation_needs_nothing(case: Case) -> None:
    await case.database(channels.set_home, Address("telegram", "bot", "7"), actor="test")
    results = await case.results()
    assert {
        name: str(result) for name, result in results.items() if result.level in {Level.WARN, Level.FAIL}
    } == {}
    assert healthy(list(results.values()))


async def test_settings_that_cannot_be_used(case: Case) -> None:
    result = (await case.results(web={"prot": 1}))["settings"]
    assert result.level is Level.FAIL
    assert "did you mean web.port?" in result.sentence


async def test_without_settings_nothing_is_said_of_what_they_decide(case: Case) -> None:
    results = await case.results(web={"prot": 1})
    spoken = {name for name, result in results.items() if result.level is not Level.SKIP}
    assert spoken == {"settings", "home", "secrets", "disk", "database", "sqlite", "lock"}
    assert {result.sentence for result in results.values() if result.level is Level.SKIP} == {
        "Not looked at: the settings cannot be used."
    }


async def test_a_provider_that_does_not_exist(case: Case) -> None:
    result = (await case.results(agent={"model": "opnai:x"}))["model key"]
    assert (result.level, result.sentence) == (
        Level.FAIL,
        "There is no provider 'opnai'; did you mean openai?",
    )


async def test_a_model_that_its_server_does_not_list(case: Case) -> None:
    agent = {**case.settings["agent"], "model": "openai:nothing-like-it"}
    case.model.models = ["x", "y-2026-01-01"]
    assert (await case.results(agent=agent))["model"].level is Level.WARN
    assert (await case.results(agent={**agent, "model": "openai:y"}))["model"].level is Level.OK


async def test_slack_that_knows_the_app_that_lacks_a_scope_and_that_refuses_it(case: Case) -> None:
    async with SlackServer() as slack:
        section = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_base": slack.url}
        platforms = case.settings["platforms"] | {"slack": section}
        fine = (await case.results(platforms=platforms))["slack"]
        assert (fine.level, fine.remedy) == (Level.OK, "")
        lonely = section | {"app_token": ""}
        warned = (await case.results(platforms=case.settings["platforms"] | {"slack": lonely}))["slack"]
        assert warned.level is Level.WARN
        assert "SLACK_APP_TOKEN" in warned.sentence
        wrong = section | {"bot_token": "xoxb-1-2-wrong"}
        refused = (await case.results(platforms=case.settings["platforms"] | {"slack": wrong}))["slack"]
        assert refused.level is Level.FAIL
        hook = {"webhook_url": slack.webhook}
        told = (await case.results(platforms=case.settings["platforms"] | {"slack": hook}))["slack"]
        assert "nobody can answer" in told.sentence
    gone = (await case.results(platforms=platforms))["slack"]
    assert gone.level is Level.FAIL


async def test_a_home_that_others_may_look_into(case: Case) -> None:
    case.home.root.chmod(0o755)
    assert (await case.results())["home"].level is Level.WARN


async def test_the_home_of_another_product(case: Case) -> None:
    (case.home.root / ".hermes-gateway").unlink()
    (case.home.root / "state.db").write_text("x")
    assert "holds state.db" in (await case.results())["home"].sentence


@pytest.mark.skipif(os.geteuid() == 0, reason="runs as root, whom no mode stops")
async def test_a_home_that_cannot_be_written(case: Case) -> None:
    await case.results()
    case.home.root.chmod(0o500)
    found = examine(Patient(case.home, case.environ, case.machine))
    case.home.root.chmod(0o700)
    assert next(result for result in found if result.name == "home").level is Level.FAIL


async def test_secrets_that_others_may_read(case: Case) -> None:
    case.home.secrets.write_text("OPENAI_API_KEY=k\n")
    case.home.secrets.chmod(0o640)
    result = (await case.results())["secrets"]
    assert (result.level, result.remedy) == (Level.FAIL, f"Run: chmod 600 {case.home.secrets}")


@pytest.mark.parametrize(
    ("free", "level"),
    [(FULL_BYTES - 1, Level.FAIL), (SCARCE_BYTES - 1, Level.WARN), (SCARCE_BYTES, Level.OK)],
)
async def test_a_disk_that_is_nearly_full(case: Case, free: int, level: Level) -> None:
    case.machine = replace(case.machine, free=lambda _: free)
    assert (await case.results())["disk"].level is level


async def test_a_database_of_another_program(case: Case) -> None:
    with closing(sqlite3.connect(case.home.database)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "another program" in (await case.results())["database"].sentence


async def test_a_damaged_database(case: Case) -> None:
    await case.database()
    with case.home.database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    assert (await case.results())["database"].level is Level.FAIL


async def test_a_database_of_a_newer_hermes(case: Case) -> None:
    await case.database()
    with closing(sqlite3.connect(case.home.database)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    assert "newer Hermes" in (await case.results())["database"].sentence


async def test_a_library_that_is_too_old(case: Case) -> None:
    case.machine = replace(case.machine, sqlite=(3, 31, 1))
    assert (await case.results())["sqlite"].level is Level.FAIL


async def test_a_process_that_holds_the_home_and_tells_no_address(case: Case) -> None:
    with HomeLock.acquire(case.home.root, "gateway"):
        assert (await case.results())["lock"].level is Level.FAIL
        daemon.publish(case.home, DaemonInfo(os.getpid(), "http://127.0.0.1:1", "t", "0"))
        assert (await case.results())["lock"].level is Level.OK


async def test_a_port_in_use(case: Case) -> None:
    port = case.telegram.port
    case.machine = Machine(free=lambda _: SCARCE_BYTES)
    result = (await case.results(web={"port": port}))["port"]
    assert (result.level, f"127.0.0.1:{port}" in result.sentence) == (Level.FAIL, True)
    assert (await case.results(web={"port": port, "enabled": False}))["port"].level is Level.SKIP


async def test_a_folder_of_agents_that_is_gone(case: Case, tmp_path: Path) -> None:
    assert (await case.results(workspace={"projects": [str(tmp_path / "gone")]}))[
        "workspace"
    ].level is Level.FAIL


async def test_a_service_file(case: Case) -> None:
    folder = Path(case.environ["XDG_CONFIG_HOME"]) / "systemd/user"
    folder.mkdir(parents=True)
    unit = Unit(Kind.USER, program(), case.home.root)
    (folder / "hermes.service").write_text(unit.text())
    assert (await case.results())["service"].level is Level.OK
    (folder / "hermes.service").write_text(unit.text().replace("WatchdogSec=60", "WatchdogSec=5"))
    assert (await case.results())["service"].level is Level.WARN
    (folder / "hermes.service").write_text(Unit(Kind.USER, "/gone/hermes", case.home.root).text())
    assert "/gone/hermes, which is gone" in (await case.results())["service"].sentence


async def test_a_refused_token(case: Case) -> None:
    case.settings["platforms"]["telegram"]["token"] = "1:wrong"
    results = await case.results()
    assert results["token"].level is Level.FAIL
    assert "@BotFather" in results["token"].remedy
    assert results["webhook"].level is Level.SKIP


async def test_no_network(case: Case) -> None:
    case.settings["platforms"]["telegram"]["api_base"] = "http://127.0.0.1:1"
    result = (await case.results())["token"]
    assert result.level is Level.FAIL
    assert case.telegram.token not in str(result)


async def test_telegram_in_trouble(case: Case) -> None:
    case.telegram.fault("getMe", server_error())
    assert (await case.results())["token"].level is Level.FAIL


async def test_a_foreign_webhook(case: Case) -> None:
    case.telegram.fault("getWebhookInfo", refusal(500, "later"))
    assert (await case.results())["webhook"].level is Level.FAIL
    await set_webhook(case.telegram, "https://other.example/hook")
    result = (await case.results())["webhook"]
    assert (result.level, "https://other.example/hook" in result.sentence) == (Level.FAIL, True)


async def set_webhook(telegram: TelegramServer, url: str) -> None:
    """Let another program take the updates."""
    _, writer = await asyncio.open_connection("127.0.0.1", telegram.port)
    body = json.dumps({"url": url}).encode()
    head = f"POST /bot{telegram.token}/setWebhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()
    await telegram.wait_for(lambda: telegram.calls("setWebhook"))
    writer.close()


async def test_privacy_mode_where_every_message_should_be_answered(case: Case) -> None:
    wanted = {"owners": ["telegram:7"], "group_trigger": "all"}
    assert (await case.results(access=wanted))["privacy mode"].level is Level.WARN
    case.telegram.world.reads_all_group_messages = True
    assert (await case.results(access=wanted))["privacy mode"].level is Level.OK


@pytest.mark.parametrize("skew", [3_600_000, -86_400_000])
async def test_a_clock_that_is_wrong(case: Case, skew: int) -> None:
    class WrongClock(SystemClock):
        def now(self) -> int:
            return super().now() + skew

    case.machine = replace(case.machine, clock=WrongClock())
    result = (await case.results())["clock"]
    assert (result.level, "ahead" if skew > 0 else "behind") == (
        Level.FAIL,
        result.sentence.rstrip(".").split()[-1],
    )


async def test_a_bot_that_nobody_owns(case: Case) -> None:
    assert (await case.results(access={}))["owner"].level is Level.WARN
    await case.database(people.admit, Person("telegram", "7", "Ada", Role.OWNER), actor="test")
    assert (await case.results(access={}))["owner"].level is Level.OK


async def test_notices_without_a_place_to_go_to(case: Case) -> None:
    assert (await case.results())["home channel"].level is Level.WARN


async def test_every_platform_needs_an_owner_and_a_home_of_its_own(case: Case) -> None:
    discord = {"token": "x", "api_base": "http://127.0.0.1:1", "gateway_url": "ws://127.0.0.1:1"}
    both = case.settings["platforms"] | {"discord": discord}
    await case.database(channels.set_home, Address("telegram", "bot", "7"), actor="test")
    found = await case.results(platforms=both)
    assert found["owner"].sentence == "Nobody owns the Discord bot yet."
    assert found["home channel"].sentence == "Notices have no place to go to on Discord."
    await case.database(channels.set_home, Address("discord", "bot", "8"), actor="test")
    found = await case.results(platforms=both, access={"owners": ["telegram:7", "discord:8"]})
    assert (found["owner"].level, found["home channel"].level) == (Level.OK, Level.OK)
    webhook = {"webhook_url": "http://127.0.0.1:1/hook"}
    found = await case.results(platforms=case.settings["platforms"] | {"slack": webhook})
    assert (found["owner"].level, found["home channel"].level) == (Level.OK, Level.OK)


async def test_a_model_without_a_key(case: Case) -> None:
    result = (await case.results(agent={"model": "anthropic:x"}))["model key"]
    assert (result.level, "agent.provider_keys.anthropic" in result.remedy) == (Level.FAIL, True)
    assert (await case.results(agent={}))["model key"].level is Level.WARN


async def test_a_model_that_refuses_the_key(case: Case) -> None:
    agent = {**case.settings["agent"], "api_key": "revoked"}
    assert "refuses the key" in (await case.results(agent=agent))["model"].sentence


async def test_a_model_that_cannot_be_reached(case: Case) -> None:
    agent = {**case.settings["agent"], "base_url": "http://127.0.0.1:1/v1"}
    assert (await case.results(agent=agent))["model"].level is Level.FAIL


async def test_the_command_prints_remedies_or_json_and_its_exit_code_tells(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    await case.results(web={"port": 0}, platforms={}, agent={})
    assert main(["--home", str(case.home.root), "doctor"]) == 0
    assert "→ Choose one: hermes model" in capsys.readouterr().out
    case.home.secrets.write_text("x=y\n")
    case.home.secrets.chmod(0o644)
    assert main(["--home", str(case.home.root), "doctor", "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is False
    assert [check["name"] for check in printed["checks"] if check["level"] == "fail"] == [
        "settings",
        "secrets",
    ]


async def test_a_coding_agent_that_is_missing_is_named_with_the_command_that_installs_it(case: Case) -> None:
    agent = case.settings["agent"] | {
        "acp": {"mine": {"command": "no-such-agent", "install": "npm install mine"}}
    }
    found = (await case.results(agent=agent))["coding agents"]
    assert (found.level, found.remedy) == (Level.WARN, "Install it with: npm install mine")
    assert "mine is not installed" in found.sentence


def speaking(folder: Path, **environment: str) -> dict[str, Any]:
    """Return the settings of an agent that speaks the protocol."""
    arguments = [str(Path(acp_agent.__file__)), str(folder / "agent-state.json")]
    return {"command": sys.executable, "args": arguments, "environment": environment}


async def test_a_coding_agent_is_named_with_the_protocol_it_speaks(case: Case, tmp_path: Path) -> None:
    ours = case.settings["agent"] | {"acp": {"mine": speaking(tmp_path)}}
    found = (await case.results(agent=ours))["coding agents"]
    assert (found.level, "mine (protocol 1) can be chosen" in found.sentence) == (Level.OK, True)
    other = case.settings["agent"] | {"acp": {"mine": speaking(tmp_path, FAKE_VERSION="7")}}
    found = (await case.results(agent=other))["coding agents"]
    assert found.level is Level.WARN
    assert "mine speaks version 7 of the Agent Client Protocol, Hermes speaks 1" in found.sentence


async def test_a_program_that_says_no_hello_is_no_coding_agent(case: Case) -> None:
    agent = case.settings["agent"] | {"acp": {"mine": {"command": "/bin/true"}}}
    found = (await case.results(agent=agent))["coding agents"]
    assert (found.level, "mine ended before it said hello" in found.sentence) == (Level.WARN, True)


async def test_a_coding_agent_that_nobody_has_logged_in_is_named_with_the_command_that_does(
    case: Case, tmp_path: Path
) -> None:
    mine = speaking(tmp_path) | {"login": "mine login", "login_files": [str(tmp_path / "token")]}
    agent = case.settings["agent"] | {"acp": {"mine": mine}}
    found = (await case.results(agent=agent))["coding agents"]
    assert (found.level, found.remedy) == (Level.WARN, "Log in with: mine login")
    (tmp_path / "token").touch()
    assert (await case.results(agent=agent))["coding agents"].level is not Level.WARN
