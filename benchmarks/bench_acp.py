"""What coding agents cost: our share of each update, a request until its card, and nothing while unused.

``python -m benchmarks acp``
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report
from tests.acceptance.test_coding_agents import profile
from tests.fakes.telegram_server import TelegramServer
from tests.support.coding import coding
from tests.support.daemon import OWNER, Daemon, quiet_settings

UPDATES, ROUNDS, REQUESTS = 1000, 5, 20
UNUSED = """
import sys
import hermes.rooms, agent.build
print(sum(name.split(".")[0] == "acp" for name in sys.modules))
"""


async def updates(folder: Path) -> list[float]:
    """Return the milliseconds of this process's own time for each streamed update, per round."""
    shares: list[float] = []
    async with coding(folder) as home:
        await home.send("say warm")
        for _ in range(ROUNDS):
            began = time.process_time()
            outcome = await home.send(f"flood {UPDATES}")
            shares.append((time.process_time() - began) * 1000 / UPDATES)
            if outcome.cut or not outcome.text.endswith(f"{UPDATES - 1} "):
                raise RuntimeError(f"not all of it was streamed: {outcome.cut}")
    return shares


async def cards(folder: Path) -> list[float]:
    """Return the milliseconds from each request of an agent until its card reached the chat's server."""
    asked = folder / "asked"
    taken: list[float] = []
    async with (
        TelegramServer() as phone,
        Daemon(folder / "home", quiet_settings(phone, agent=profile(folder))) as daemon,
    ):
        await daemon.start()
        phone.user_says(OWNER, "/agent fake")
        await phone.wait_for_text(OWNER, "fake answers here", within=30)
        for number in range(REQUESTS):
            place = f"/somewhere/{number}"
            phone.user_says(OWNER, f"stamp {asked}\nask chmod 777 {place}")
            card = await phone.wait_for(
                lambda place=place: [
                    one for one in phone.messages(OWNER) if one.buttons and f"{place}\n" in one.text
                ],
                within=30,
            )
            arrived = time.monotonic_ns()
            taken.append((arrived - int(asked.read_text())) / 1e6)
            press = phone.tap(card[-1], "❌ Refuse")
            await phone.wait_for(lambda press=press: press.answered, within=30)
            await phone.wait_for_text(OWNER, f"{place}: no", within=30)
    return taken


def unused() -> int:
    """Return how many modules of the protocol's library a daemon without a coding agent has imported."""
    found = subprocess.run((sys.executable, "-c", UNUSED), capture_output=True, text=True, check=True)
    return int(found.stdout)


def rows() -> list[report.Row]:
    """Measure with real agent processes and Telegram's protocol on loopback."""
    with tempfile.TemporaryDirectory() as folder:
        shares = asyncio.run(updates(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        taken = asyncio.run(cards(Path(folder)))
    return [
        report.at_most("acp: our own share of one streamed update", statistics.median(shares), "ms", 2),
        report.at_most("acp: a permission request until its card, p50", statistics.median(taken), "ms", 40),
        report.at_most("acp: modules of the protocol imported while unused", unused(), "modules", 0),
    ]
