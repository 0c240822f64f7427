"""All platforms at once on servers of this machine: round trips beside bare bots, memory, a thousand chats."""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Self

from benchmarks.report import Row, at_most, at_most_times
from tests.fakes.discord_server import DiscordServer
from tests.fakes.model_server import MODEL, ModelServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import GREETING, Daemon, merged, quiet_settings
from tests.support.traffic import DiscordTown, SlackTown, TelegramTown, Town, Traffic

ROOT = Path(__file__).parents[1]
ROUNDS, WARM = 40, 5
CHATS = 334
MEBIBYTE = 1024


class Site:
    """The servers of one measurement."""

    def __init__(self) -> None:
        self.telegram, self.slack, self.discord = TelegramServer(), SlackServer(), DiscordServer()
        self.model = ModelServer()

    async def __aenter__(self) -> Self:
        for server in (self.telegram, self.slack, self.discord, self.model):
            await server.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for server in (self.telegram, self.slack, self.discord, self.model):
            await server.__aexit__(*error)

    @property
    def towns(self) -> list[Town]:
        """The platforms."""
        return [TelegramTown(self.telegram), SlackTown(self.slack), DiscordTown(self.discord)]

    def bare(self) -> dict[str, str]:
        """Return the environment of the bare bots."""
        return {
            "PATH": os.environ["PATH"],
            "LLM_BASE": self.model.base_url,
            "LLM_KEY": self.model.key or "bench",
            "MODEL": MODEL,
            "DISCORD": json.dumps(self.discord.settings),
            "SLACK_URL": self.slack.url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
        }


def resident(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / MEBIBYTE


async def answered(town: Town, person: int, number: int) -> None:
    """Wait until somebody was told so many things."""
    while len(town.told(person)) < number:  # noqa: ASYNC110 - the servers of the towns share no event
        await asyncio.sleep(0.0005)


async def round_trips(town: Town) -> list[float]:
    """Have one person talk; return the time to each reply in milliseconds, without the first few."""
    times: list[float] = []
    for number in range(WARM + ROUNDS):
        begun = time.perf_counter()
        await town.say(0, f"message {number}")
        async with asyncio.timeout(60):
            await answered(town, 0, number + 1)
        times.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.02)
    return times[WARM:]


async def with_bare(
    site: Site, name: str, work: Callable[[], Awaitable[list[float]]]
) -> tuple[float, list[float]]:
    """Run a bare bot and some work with it; return how long it took to say that it is ready, and what the work gave."""
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"benchmarks.harness.bare_{name}",
        cwd=ROOT,
        env=site.bare(),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            await process.stdout.readline()
        ready = (time.perf_counter() - begun) * 1000
        return ready, await work()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ours(site: Site, root: Path) -> tuple[dict[str, float], dict[str, list[float]], float]:
    """Run Hermes with every platform; return when each was connected (ms), the round trips, and the idle memory."""
    towns = site.towns
    agent = {"model": f"openai-chat:{MODEL}", "base_url": site.model.base_url, "api_key": site.model.key}
    sections = merged(Traffic(towns, 1).settings(), {"web": {"enabled": True, "port": 0}, "agent": agent})
    async with Daemon(root, quiet_settings(**sections)) as daemon:
        begun = time.perf_counter()
        await daemon.launch()
        connected = await _connected(site, begun)
        await daemon.says(GREETING)
        await asyncio.sleep(3)
        memory = resident(daemon.pid)
        trips = {town.name: await round_trips(town) for town in towns}
        await daemon.stop()
    return connected, trips, memory


async def _connected(site: Site, begun: float) -> dict[str, float]:
    asked: dict[str, Callable[[], object]] = {
        "telegram": lambda: site.telegram.calls("getUpdates"),
        "slack": lambda: site.slack.sockets.lines,
        "discord": lambda: site.discord.gateway.sessions,
    }
    found: dict[str, float] = {}
    async with asyncio.timeout(60):
        while len(found) < len(asked):
            for name, met in asked.items():
                if name not in found and met():
                    found[name] = (time.perf_counter() - begun) * 1000
            await asyncio.sleep(0.001)
    return found


async def crowd(root: Path) -> tuple[Sequence[float], int, float, float]:
    """Have a thousand chats write at once; return the times (ms), what went wrong, and the memory before and after."""
    async with Site() as site:
        traffic = Traffic(site.towns, CHATS)
        async with Daemon(root, quiet_settings(**traffic.settings())) as daemon:
            await daemon.start()
            before = resident(daemon.pid)
            begun = time.perf_counter()
            await traffic.greet()
            times: dict[str, float] = {}
            async with asyncio.timeout(180):
                while missing := set(traffic.unheard()):
                    now = (time.perf_counter() - begun) * 1000
                    times |= {
                        word: now
                        for words in traffic.said.values()
                        for word in words
                        if word not in missing and word not in times
                    }
                    await asyncio.sleep(0.02)
            now = (time.perf_counter() - begun) * 1000
            settled = [times.get(word, now) for words in traffic.said.values() for word in words]
            wrong = len(traffic.doubled())
            await asyncio.sleep(5)
            first = resident(daemon.pid)
            await traffic.greet()
            await traffic.until_heard(within=180)
            await asyncio.sleep(5)
            second = resident(daemon.pid)
            await daemon.stop()
    del before
    return settled, wrong, first, second


async def measured(root: Path) -> list[Row]:
    """Take every figure."""
    rows: list[Row] = []
    async with Site() as site:
        connected, trips, memory = await ours(site, root / "hermes")
    bare: dict[str, tuple[float, list[float]]] = {}
    for name in ("discord", "slack"):
        async with Site() as site:
            town = next(town for town in site.towns if town.name == name)
            bare[name] = await with_bare(site, name, lambda town=town: round_trips(town))
    for name, (_, times) in bare.items():
        base = (f"bare {name} bot", statistics.median(times))
        rows.append(
            at_most_times(f"round trip on {name}, p50", statistics.median(trips[name]), "ms", 1.6, base)
        )
    slowest = max((ready, f"bare {name} bot") for name, (ready, _) in bare.items())
    rows.append(
        at_most_times("start to all connected", max(connected.values()), "ms", 1.5, (slowest[1], slowest[0]))
    )
    rows.append(at_most("memory with every platform and the page, before the first turn", memory, "MiB", 150))
    times, wrong, first, second = await crowd(root / "crowd")
    p99 = sorted(times)[int(len(times) * 0.99)]
    rows.append(at_most(f"{len(times)} chats at once: answered twice", wrong, "", 0))
    rows.append(at_most(f"{len(times)} chats at once, p99", p99, "ms", 30_000, note="reported"))
    rows.append(at_most_times("memory after a second burst", second, "MiB", 1.1, ("after the first", first)))
    return rows


def rows() -> list[Row]:
    """Measure and return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measured(Path(folder)))
