"""A cold start imports what the first poll needs and nothing else; the rest comes while the platforms are polled."""

import asyncio
import json
import os
import sys
from collections import defaultdict
from pathlib import Path

from tests.architecture.sources import ROOT, rooms

TOKEN = "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
PROGRAM = """
import json, os, sys, threading

def tell():
    sys.stdin.readline()
    print(json.dumps(sorted(sys.modules)), flush=True)
    os._exit(0)

threading.Thread(target=tell, daemon=True).start()
from hermes.cli.main import main
main(["gateway"])
"""

# What stands before the first poll. Whoever adds a module here makes every start slower, and should know why.
NEEDED = {
    "agent": {"settings"},
    "approvals": {"settings"},
    "board": {"settings"},
    "cron": {"seeds", "settings"},
    "gateway": {
        "access", "adapter", "answering", "departures", "diagnosis", "diagnosis.settings", "front",
        "intake", "jobs", "keys", "local", "rates", "settings",
        "supervisor", "switches", "walkaway", "walkaway.settings", "platforms", "platforms.discord",
        "platforms.discord.settings", "platforms.slack", "platforms.slack.settings",
        "platforms.telegram", "platforms.telegram.adapter",
        "platforms.telegram.content", "platforms.telegram.convert", "platforms.telegram.failures",
        "platforms.telegram.files", "platforms.telegram.intake", "platforms.telegram.introduction",
        "platforms.telegram.pieces", "platforms.telegram.polling", "platforms.telegram.request",
        "platforms.telegram.sending", "platforms.telegram.settings", "platforms.telegram.webhook",
        "transport", "transport.addresses", "transport.downloads", "transport.halves", "transport.storing",
        "transport.unlogged",
    },
    "hermes": {
        "app", "cli", "cli.main", "home", "layers", "logs", "plugins", "redaction", "schema", "settings", "start",
        "systemd", "watchdog", "yaml_layer",
    },
    "kernel": {
        "bus", "clock", "crashpoints", "errors", "events", "ids", "late", "messages", "people", "plain", "risk",
        "schedules", "states", "transitions",
    },
    "store": {
        "chain", "channels", "connect", "damage", "database", "groups", "inbox", "lock", "marks", "migrate", "people",
        "questions", "readers", "reserve", "sessions", "units", "walkaways", "writer",
    },
    "web": {"listening", "settings"},
}  # fmt: skip
LIBRARIES = {
    "aiosqlite", "annotated_types", "anyio", "certifi", "cython_runtime", "dotenv", "h11", "httpcore",
    "httpx", "idna", "pydantic", "pydantic_core", "pydantic_settings", "sniffio", "telegram", "typing_extensions",
    "typing_inspection", "uvloop", "yaml",
}  # fmt: skip


def configure(home: Path, telegram: str) -> None:
    """Make a home whose bot talks to a server on loopback."""
    home.mkdir(mode=0o700)
    text = f"{{platforms: {{telegram: {{api_base: '{telegram}'}}}}, web: {{port: 0}}}}"
    (home / "config.yaml").write_text(text)


async def at_the_first_poll(home: Path) -> list[str]:
    """Start a daemon on ``home`` and return what it has imported while Telegram owes it the first poll's answer."""
    polled = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"getUpdates")
            polled.set()
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        configure(home, f"http://127.0.0.1:{port}")
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HERMES_HOME": str(home), "TELEGRAM_BOT_TOKEN": TOKEN},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            await polled.wait()
            output, _ = await daemon.communicate(b"\n")
    return json.loads(output)


async def test_before_the_first_poll_nothing_is_imported_that_can_wait(tmp_path: Path) -> None:
    ours: defaultdict[str, set[str]] = defaultdict(set)
    libraries: set[str] = set()
    for name in await at_the_first_poll(tmp_path / "home"):
        top, _, inner = name.partition(".")
        if top in rooms():
            ours[top] |= {inner} - {""}
        elif not top.startswith("_") and top not in sys.stdlib_module_names:
            libraries.add(top)
    too_early = {room: found - NEEDED.get(room, set()) for room, found in ours.items()}
    assert {room: found for room, found in too_early.items() if found} == {}
    assert libraries - LIBRARIES == set()
    assert "front" in ours["gateway"]
