"""What a model's turn can meet, with the real daemon: a fallback, a tool of an MCP server, a spent day."""

import sys
from pathlib import Path

from tests.acceptance.conftest import Person
from tests.fakes.model_replies import Reply, calls
from tests.fakes.model_server import ModelServer, revoked_key
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings
from tests.support.shell import until

ROOT = Path(__file__).parents[2]


async def test_a_fallback_a_tool_of_a_server_and_a_spent_day_are_all_said(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with ModelServer() as model:
        other = {"model": "openai:other", "base_url": model.base_url, "api_key": model.key}
        calc = {
            "command": sys.executable,
            "args": ["-m", "tests.fakes.mcp_tools", "stdio"],
            "env": {"PYTHONPATH": str(ROOT)},
            "safe_tools": ["add"],
        }
        agent = {
            "model": "openai:first",
            "base_url": model.base_url,
            "api_key": model.key,
            "fallback": [other],
            "mcp": {"calc": calc},
            "budget": {"day_tokens": 5_000},
        }
        settings = quiet_settings(telegram, agent=agent, web={"enabled": True})
        async with Daemon(tmp_path / "home", settings) as daemon:
            await daemon.start()
            ann = Person(telegram, OWNER)
            _, told = await daemon.command("status")
            assert "MCP server calc: connects with the first turn" in told
            model.fault(revoked_key())
            model.script("from the other")
            await ann.asks("hello", "from the other")
            await ann.hears("openai:first refuses the key; openai:other answers instead.")

            # The first turn has started the server; the next one finds it as soon as it is there.
            await until(daemon, "status", "MCP server calc: connected, 6 tools")
            model.script(calls("calc_add", a=2, b=3), Reply("It is five.", tokens=(4_990, 10)))
            await ann.asks("what is 2 + 3?", "It is five.")
            assert '<untrusted_output source="mcp:calc">5<' in model.requests[-1].tool_results[0]
            assert "calc_secret_tool" in model.requests[-1].tool_names
            await ann.asks("/status", "MCP server calc connected, 6 tools")

            asked = len(model.requests)
            await ann.asks("and 3 + 4?", "of 5,000 tokens")
            assert len(model.requests) == asked
            await ann.asks("/usage", "tokens")
            await daemon.quiet()
            assert await daemon.stop() == 0
            assert daemon.findings() == []
