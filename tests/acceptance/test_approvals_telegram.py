"""The gate through Telegram's protocol and a real daemon: a card, a tap, and exactly what was shown runs, once."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.approvals.buttons import MAC_LENGTH
from tests.fakes.model_replies import calls
from tests.fakes.model_server import MODEL, ModelServer
from tests.fakes.telegram_server import Message, TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

OPERATOR, USER, STRANGER, GROUP = 8, 9, 66, -100
PEOPLE = {"operators": [f"telegram:{OPERATOR}"], "users": [f"telegram:{USER}"]}
APPROVE, ONCE, REFUSE = "✅ Approve", "✅ Approve once", "❌ Refuse"
RUNS = "Approved; it runs now."


def settings(telegram: TelegramServer, **sections: Any) -> dict[str, Any]:
    return quiet_settings(telegram, access=PEOPLE, **sections)


class Story:
    """A daemon and what its people do; ``counted`` is a command that leaves one line a run."""

    def __init__(self, root: Path, telegram: TelegramServer, daemon: Daemon) -> None:
        self.telegram = telegram
        self.daemon = daemon
        self.trace = root / "trace"
        self.counted = f"chmod 777 {root}; echo x >> {self.trace}"

    @property
    def runs(self) -> int:
        """How often the command ran."""
        return len(self.trace.read_text().split()) if self.trace.exists() else 0

    async def card(self, command: str = "", *, chat: int = OWNER, user: int | None = None) -> Message:
        """Have an agent try a command, and return the card that asks."""
        before = {message.id for message in self.telegram.messages(chat)}
        prefix = "@hermes_bot " if chat < 0 else ""
        self.telegram.user_says(chat, f"{prefix}run {command or self.counted}", user=user)
        return await self.found(lambda message: message.id not in before and bool(message.buttons), chat)

    async def found(self, wanted: Callable[[Message], bool], chat: int = OWNER) -> Message:
        """Wait for a message in a chat."""
        fitting = await self.telegram.wait_for(
            lambda: [message for message in self.telegram.messages(chat) if wanted(message)], within=30
        )
        return fitting[0]

    async def told(self, message: Message, data: str, user: int = OWNER) -> str:
        """Press a button by its value; return the sentence in answer to it."""
        press = self.telegram.tap_data(message, data, user=user)
        await self.telegram.wait_for(lambda: press.answered, within=20)
        return press.text

    async def tap(self, message: Message, label: str, user: int = OWNER) -> str:
        """Press a button by its label."""
        return await self.told(message, value(message, label), user)

    async def edited(self, message: Message, words: str) -> None:
        """Wait until a card says something else."""
        await self.telegram.wait_for(lambda: words in message.text, within=20)


def value(message: Message, label: str) -> str:
    """Return what is behind a button."""
    return next(button["callback_data"] for button in message.buttons if button["text"] == label)


@pytest.fixture
async def story(tmp_path: Path, telegram: TelegramServer) -> AsyncIterator[Story]:
    async with Daemon(tmp_path / "home", settings(telegram)) as daemon:
        await daemon.start()
        yield Story(tmp_path, telegram, daemon)
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_what_a_model_wants_waits_for_a_tap_and_then_runs_exactly_once(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    trace = tmp_path / "trace"
    command = f"chmod 777 {tmp_path}; printf 'one two\\n' >> {trace}; echo 'it is done'"
    async with ModelServer() as model:
        agent = {"model": f"openai-chat:{MODEL}", "base_url": model.base_url, "api_key": model.key}
        chosen = settings(telegram, agent=agent)
        async with Daemon(tmp_path / "home", chosen) as daemon:
            await daemon.start()
            here = Story(tmp_path, telegram, daemon)
            model.script(calls("terminal", command=command), "All is well.")
            telegram.user_says(OWNER, "please write it down")
            card = await telegram.wait_for_text(OWNER, "may I?", within=30)
            assert command in card.text
            assert not trace.exists()
            assert await here.tap(card, ONCE if ONCE in card.labels else APPROVE) == RUNS
            await telegram.wait_for_text(OWNER, "All is well.", within=20)
            await here.edited(card, "Exit code 0.")
            assert "\nit is done\n" not in card.text
            assert card.labels == []
            assert trace.read_text() == "one two\n"
            assert "it is done" in model.requests[-1].transcript
            await daemon.quiet()
            assert await daemon.stop() == 0
            assert daemon.findings() == []


async def test_every_tap_gets_its_honest_sentence_and_only_a_valid_one_counts(story: Story) -> None:
    card = await story.card()
    other = await story.card()
    good, wrong = value(card, APPROVE), value(other, APPROVE)
    _, id, _, mac = good.split(":")
    foreign = wrong.split(":")[1]
    not_ours = "This button is not one of mine."
    assert await story.told(card, f"a:{foreign}:once:{mac}") == not_ours
    assert await story.told(card, f"a:{id}:always:{mac}") == not_ours
    assert await story.told(card, f"a:{id}:once:{'0' * MAC_LENGTH}") == not_ours
    assert await story.told(card, f"a:{id}:once:") == not_ours
    assert await story.told(card, f"a:{id}:once:ü{mac[1:]}") == not_ours
    assert await story.told(card, "a:") == not_ours
    assert "over" in await story.told(card, "zzz")
    assert "do not know you" in await story.told(card, good, STRANGER)
    assert await story.told(card, good, USER) == "Only operators and owners decide."
    assert story.runs == 0
    assert await story.told(card, good) == RUNS
    await story.edited(card, "Exit code 0.")
    assert (await story.told(card, good)).startswith("Approved by User7")
    assert (await story.told(card, value(other, REFUSE).replace(foreign, id))) == not_ours
    assert await story.tap(other, REFUSE) == "Refused."
    assert (await story.told(other, wrong)).startswith("Refused by User7")
    assert story.runs == 1
    assert story.telegram.messages(STRANGER) == []


async def test_of_two_approvers_the_first_decides_and_the_other_hears_who_did(story: Story) -> None:
    story.telegram.add_group(GROUP, members=(OWNER, OPERATOR, USER))
    card = await story.card(chat=GROUP, user=OPERATOR)
    presses = [
        story.telegram.tap_data(card, value(card, label), user=user)
        for user, label in ((OWNER, APPROVE), (OPERATOR, REFUSE), (OPERATOR, APPROVE), (OWNER, APPROVE))
    ]
    await story.telegram.wait_for(lambda: all(press.answered for press in presses), within=20)
    told = [press.text for press in presses]
    assert told[0] == RUNS
    assert all(text.startswith("Approved by User7") for text in told[1:])
    await story.edited(card, "Exit code 0.")
    assert story.runs == 1


async def test_words_decide_as_well_and_are_never_behind_the_turn_that_waits(story: Story) -> None:
    card = await story.card()
    short = next(word for word in card.text.split() if word.isalnum() and len(word) == 5)
    story.telegram.user_says(OWNER, "sleep 30")
    await story.telegram.wait_for(lambda: story.telegram.calls("sendChatAction"), within=20)
    story.telegram.user_says(OWNER, "/approvals")
    await story.telegram.wait_for_text(OWNER, "/approve ID", within=10)
    story.telegram.user_says(OWNER, f"/approve {short} all fine")
    await story.telegram.wait_for_text(OWNER, RUNS, within=10)
    await story.edited(card, "Approved by User7")
    assert story.runs == 1
    story.telegram.user_says(OWNER, "/stop")
    await story.telegram.wait_for_text(OWNER, "Stopped", within=10)


async def test_a_tap_after_the_expiry_is_told_so_and_the_card_offers_to_ask_again(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    chosen = settings(telegram, approvals={"expiry_hours": 1 / 3600})
    async with Daemon(tmp_path / "home", chosen) as daemon:
        await daemon.start()
        here = Story(tmp_path, telegram, daemon)
        card = await here.card()
        old = value(card, APPROVE)
        await here.edited(card, "Expired")
        assert (await here.told(card, old)).startswith("Expired")
        assert card.labels == ["🔁 Ask again"]
        daemon.configure(settings(telegram))
        await daemon.kill()
        await daemon.start()
        assert await here.tap(card, "🔁 Ask again") == "Asked again."
        again = await here.found(lambda message: APPROVE in message.labels)
        assert await here.tap(again, APPROVE) == RUNS
        await here.edited(again, "Exit code 0.")
        assert here.runs == 1
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_card_from_before_a_kill_still_works_and_works_once(story: Story) -> None:
    card, kept = await story.card(), await story.card()
    await story.daemon.kill()
    press = story.telegram.tap(card, APPROVE)
    await story.daemon.start()
    await story.telegram.wait_for(lambda: press.answered, within=20)
    assert press.text == RUNS
    await story.edited(card, "Exit code 0.")
    await story.daemon.kill()
    await story.daemon.start()
    assert (await story.told(card, press.data)).startswith("Approved by User7")
    assert await story.tap(kept, REFUSE) == "Refused."
    assert story.runs == 1


async def test_what_changed_since_it_was_shown_is_not_run_but_asked_anew(story: Story) -> None:
    script = story.daemon.home.workspace / "deploy.sh"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f"echo first >> {story.trace}\n")
    card = await story.card("bash deploy.sh")
    script.write_text(f"echo second >> {story.trace}\n")
    told = await story.tap(card, next(label for label in card.labels if label in (ONCE, APPROVE)))
    assert told.startswith("Not run:")
    await story.edited(card, "Void")
    again = await story.found(lambda message: message.id != card.id and bool(message.buttons))
    assert await story.tap(again, next(label for label in again.labels if label in (ONCE, APPROVE))) == RUNS
    await story.edited(again, "Exit code 0.")
    assert story.trace.read_text() == "second\n"


async def test_a_very_long_action_is_shown_to_its_last_character(story: Story) -> None:
    words = " ".join(f"{number:05}" for number in range(1500))
    command = f"chmod 777 {story.trace.parent}; echo {words} >> {story.trace}"
    card = await story.card(command)
    shown = [
        message for message in story.telegram.messages(OWNER) if message.id <= card.id and message.from_bot
    ]
    assert len(shown) > 2
    assert "".join(command.split()) == "".join("".join(m.text.split()) for m in shown[:-1])
    assert [bool(message.buttons) for message in shown] == [False] * (len(shown) - 1) + [True]
    assert await story.tap(card, next(label for label in card.labels if label in (ONCE, APPROVE))) == RUNS
    await story.edited(card, "Exit code 0.")
    assert len(story.trace.read_text().split()) == 1500
