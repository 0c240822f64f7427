"""At every crash point the real daemon is killed once; after a restart nothing is lost, doubled or asked again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kernel.crashpoints import CRASHPOINTS
from tests.fakes.telegram_server import TelegramServer
from tests.support.answers import Count, count, reached
from tests.support.daemon import OWNER, Daemon, quiet_settings

ONCE = Count(1, 0)
Act = Callable[[TelegramServer, Daemon], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Story:
    """What a person does before the crash, and which answers they have got when all is over."""

    before: str
    answers: dict[str, Count]
    tap: str = ""


def story(text: str, answer: str, expected: Count = ONCE) -> Story:
    """Return a story of one message and its answer."""
    return Story(text, {answer: expected})


HELLO = story("say hello to you", "hello to you")
WRITES = story("write a.txt: one\nsay written", "written")
ASKS = Story("ask Shall I? | yes | no\nsay then we go", {"Shall I?": ONCE, "then we go": ONCE}, tap="yes")

STORIES: dict[str, Story] = {
    "intake.before_commit": HELLO,
    "intake.after_commit": HELLO,
    "intake.after_ring": story("/etc/hosts, what is it?", "No language model is configured"),
    "control.after_run": story("/title Holidays", "is now called Holidays"),
    "control.after_commit": story("/title Holidays", "is now called Holidays"),
    "turn.before_start": HELLO,
    "turn.after_start": HELLO,
    "turn.after_model": HELLO,
    "turn.after_commit": HELLO,
    "tool.after_intent": WRITES,
    "tool.after_run": WRITES,
    "tool.after_done": WRITES,
    "question.after_commit": ASKS,
    "question.after_answer": ASKS,
    "outbox.after_claim": story("say hello to you", "hello to you", Count(0, 1)),
    "outbox.after_send": story("say hello to you", "hello to you", Count(1, 1)),
    "outbox.after_receipt": HELLO,
}


def test_every_crash_point_has_its_story() -> None:
    # The others are told where their rooms are.
    elsewhere = ("approval.", "handoff.", "task.", "cron.", "walkaway.", "diagnosis.")
    assert set(STORIES) == {point for point in CRASHPOINTS if not point.startswith(elsewhere)}


async def tell(server: TelegramServer, story: Story) -> None:
    """Do what the person does; where a question comes, press the button."""
    server.user_says(OWNER, story.before)
    if story.tap:
        card = await server.wait_for_text(OWNER, next(iter(story.answers)), within=30)
        server.tap(card, story.tap)


@pytest.mark.parametrize("point", STORIES)
async def test_after_a_kill_at_any_crash_point_all_is_answered_once(
    point: str, tmp_path: Path, telegram: TelegramServer
) -> None:
    story = STORIES[point]
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start(point)
        if point == "question.after_commit":
            telegram.user_says(OWNER, story.before)
            await daemon.died()
            await daemon.start()
            telegram.tap(await telegram.wait_for_text(OWNER, "Shall I?", within=30), story.tap)
        else:
            await tell(telegram, story)
            await daemon.died()
            await daemon.start()
        for answer in story.answers:
            await telegram.wait_for(lambda answer=answer: reached(telegram, OWNER, answer), within=30)
        assert await daemon.stop() == 0
        assert {answer: count(telegram, OWNER, answer) for answer in story.answers} == story.answers
        assert daemon.findings() == []
