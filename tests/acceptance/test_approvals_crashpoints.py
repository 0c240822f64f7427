"""At every step of a request the daemon is killed once: one request, at most one run, nothing unknown run again."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from kernel.crashpoints import CRASHPOINTS
from tests.fakes.telegram_server import Message, TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

APPROVE = "✅ Approve"
LOST = "It may have happened"


@dataclass(frozen=True, slots=True)
class End:
    """When the kill comes, how often the command may have run, and whether a person may have to say what it did."""

    tapped: bool
    runs: frozenset[int] = frozenset({1})
    unknown: frozenset[bool] = frozenset({False})


BEFORE_TAP, AFTER_TAP = End(tapped=False), End(tapped=True)
# The command is under way beside the answer to the tap: it may have begun, ended or neither.
BESIDE = End(tapped=True, runs=frozenset({0, 1}), unknown=frozenset({False, True}))
STORIES = {
    "approval.before_request": BEFORE_TAP,
    "approval.after_request": BEFORE_TAP,
    "outbox.after_claim": BEFORE_TAP,
    "outbox.after_send": BEFORE_TAP,
    "outbox.after_receipt": BEFORE_TAP,
    "approval.after_tap": AFTER_TAP,
    "approval.after_decision": AFTER_TAP,
    "control.after_run": BESIDE,
    "control.after_commit": BESIDE,
    "approval.after_start": End(tapped=True, runs=frozenset({0}), unknown=frozenset({True})),
    "approval.after_run": End(tapped=True, unknown=frozenset({True})),
    "approval.after_result": AFTER_TAP,
}


def test_every_crash_point_of_the_gate_has_its_story() -> None:
    assert {point for point in CRASHPOINTS if point.startswith("approval.")} <= set(STORIES)


class Scene:
    """A command that leaves a line a run, and the cards that ask about it."""

    def __init__(self, root: Path, telegram: TelegramServer, daemon: Daemon) -> None:
        self.telegram = telegram
        self.daemon = daemon
        self.trace = root / "trace"
        self.root = root

    @property
    def runs(self) -> int:
        """How often the command ran."""
        return len(self.trace.read_text().split()) if self.trace.exists() else 0

    def ask(self, then: str = "") -> None:
        """Have an agent try the command."""
        self.telegram.user_says(OWNER, f"run chmod 777 {self.root}; echo x >> {self.trace}{then}")

    async def card(self, words: str = "may I?") -> Message:
        """Wait for the latest message with buttons that contains ``words``."""
        found = await self.telegram.wait_for(
            lambda: [m for m in self.telegram.messages(OWNER) if m.buttons and words in m.text], within=30
        )
        return found[-1]

    async def told(self, message: Message, label: str) -> str:
        """Press a button and return the sentence in answer."""
        press = self.telegram.tap(message, label)
        await self.telegram.wait_for(lambda: press.answered, within=20)
        return press.text

    async def ended(self) -> bool:
        """Wait until the request is over; tell whether a person has to say what became of it."""

        def found() -> str:
            texts = "\n".join(message.text for message in self.telegram.messages(OWNER))
            return next((words for words in (LOST, "Exit code 0.") if words in texts), "")

        return await self.telegram.wait_for(found, within=30) == LOST

    async def says_what_happened(self) -> None:
        """Answer the question what became of the command."""
        question = await self.card(LOST)
        assert await self.told(question, "It did not") == "Noted; the agent is told."

    async def sound(self, state: str = "done") -> None:
        """Check that one request is left, in ``state``, and that every invariant holds."""
        await self.daemon.quiet()
        assert await self.daemon.stop() == 0
        assert [row["state"] for row in self.daemon.rows("SELECT state FROM approval")] == [state]
        assert self.daemon.findings() == []


@pytest.mark.parametrize("point", STORIES)
async def test_a_kill_at_any_step_leaves_one_request_and_at_most_one_run(
    point: str, tmp_path: Path, telegram: TelegramServer
) -> None:
    end = STORIES[point]
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        scene = Scene(tmp_path, telegram, daemon)
        await daemon.start(point)
        scene.ask()
        if end.tapped:
            telegram.tap(await scene.card(), APPROVE)
        await daemon.died()
        await daemon.start()
        if not end.tapped:
            assert await scene.told(await scene.card(), APPROVE) == "Approved; it runs now."
        unknown = await scene.ended()
        assert unknown in end.unknown
        if unknown:
            await scene.says_what_happened()
        assert scene.runs in end.runs
        assert unknown or scene.runs == 1
        await scene.sound()


async def test_a_command_that_ran_when_the_daemon_was_killed_is_asked_about_and_never_run_again(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        scene = Scene(tmp_path, telegram, daemon)
        await daemon.start()
        scene.ask(then="; sleep 20")
        card = await scene.card()
        await scene.told(card, APPROVE)
        async with asyncio.timeout(20):
            while not scene.trace.exists():  # noqa: ASYNC110 - a shell has no event for us
                await asyncio.sleep(0.02)
        for _ in range(2):
            await daemon.kill()
            await daemon.start()
        assert LOST in (await scene.card(LOST)).text
        assert [row["state"] for row in daemon.rows("SELECT state FROM approval")] == ["unknown"]
        await scene.says_what_happened()
        await scene.sound()
        assert scene.runs == 1
