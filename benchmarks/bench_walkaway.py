"""How soon a reply from a phone is seen by a job that is at work: ``python -m benchmarks walkaway``."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import report
from tests.fakes.model_replies import calls
from tests.fakes.model_server import MODEL, ModelServer
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

REPLIES, STEPS = 20, 3000
BUDGET = {"steps": 5000, "calls": 5000}


def settings(phone: TelegramServer, model: ModelServer) -> dict[str, Any]:
    """Return settings of a daemon whose agent may take many steps."""
    agent = {
        "model": f"openai-chat:{MODEL}",
        "base_url": model.base_url,
        "api_key": model.key,
        "budget": BUDGET,
    }
    return quiet_settings(phone, agent=agent)


async def seen(model: ModelServer, words: str) -> float:
    """Return when a request to the model first held certain words."""
    await model.wait_for(lambda: words in model.requests[-1].transcript, within=30)
    return time.perf_counter()


async def replies(folder: Path) -> list[float]:
    """Return the milliseconds from each reply to the model's request that holds it, while steps go on and on."""
    async with (
        TelegramServer(topics_in_dms=True) as phone,
        ModelServer() as model,
        Daemon(folder / "home", settings(phone, model)) as daemon,
    ):
        await daemon.start()
        model.script(*[calls("list_files") for _ in range(STEPS)])
        phone.user_says(OWNER, "/delegate look around")
        card = await phone.wait_for_text(OWNER, "just begun", within=30)
        await model.wait_for(lambda: len(model.requests) > 2, within=30)
        taken: list[float] = []
        for number in range(REPLIES):
            began = time.perf_counter()
            phone.user_says(OWNER, f"reply number {number}.", thread=card.thread_id)
            taken.append((await seen(model, f"reply number {number}.") - began) * 1000)
            await asyncio.sleep(0.1)
    return taken


def rows() -> list[report.Row]:
    """Measure the real daemon with a scripted model and Telegram's protocol on loopback."""
    with tempfile.TemporaryDirectory() as folder:
        taken = asyncio.run(replies(Path(folder)))
    given = "walkaway: a reply on the phone to the running attempt's next step"
    return [
        report.at_most(f"{given}, p50", statistics.median(taken), "ms", 100),
        report.at_most(f"{given}, p95", statistics.quantiles(taken, n=20)[-1], "ms", 100),
    ]
