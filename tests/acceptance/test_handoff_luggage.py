"""What travels with a conversation: its files, its background commands, and what waits for a decision."""

import re
from pathlib import Path

from tests.fakes.model_server import MODEL, ModelServer
from tests.fakes.telegram_server import Message, TelegramServer
from tests.support.daemon import OWNER, Daemon
from tests.support.desk import DIRECT, WITHIN, everywhere, ready, settings


async def test_a_process_in_the_background_is_named_and_obeys_in_the_new_place(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        desk = await ready(daemon, phone)
        await desk.say("start sleep 120")
        await desk.hears("Started in the background as p1")
        await daemon.quiet()
        await desk.say("/handoff telegram")
        summary = await phone.wait_for_text(OWNER, "it was on terminal", within=WITHIN)
        assert "Process p1 runs in the background: sleep 120" in summary.text
        await desk.hears("continues on **telegram**")
        phone.user_says(OWNER, "poll p1", thread=summary.thread_id)
        await phone.wait_for_text(OWNER, "p1 runs", within=WITHIN)
        phone.user_says(OWNER, "kill p1", thread=summary.thread_id)
        await phone.wait_for_text(OWNER, "It was ended", within=WITHIN)
        await daemon.quiet()
        await desk.say("/take")
        taken = await desk.hears("Continuing **say hello desk**")
        assert "Process" not in taken["text"]
        assert await daemon.stop() == 0


async def test_a_card_follows_its_conversation_from_platform_to_platform_and_is_decided_on_the_last(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with everywhere(phone, tmp_path / "home") as world:
        daemon, discord = world.daemon, world.discord
        desk = await ready(daemon, phone)
        await desk.say("run rm notes.txt; echo gone\nsay and that was it")
        await desk.hears("may I?")
        await daemon.quiet()
        await desk.say(f"/handoff {world.targets['discord']}")
        await discord.wait_for(lambda: world.discord_card(closed=False), within=WITHIN)
        await desk.hears("is asked on discord now")
        await daemon.quiet()
        id = (await desk.ask("GET", "/api/hermes/sessions/terminal:main"))["id"]
        done = await desk.hands_over(id, "slack")
        assert done["state"] == "completed", done
        await discord.wait_for(lambda: world.discord_card(closed=True), within=WITHIN)
        card = await world.slack.wait_for(world.slack_card, within=WITHIN)
        world.slack.tap(card, "✅ Approve", user="U00000007")
        await world.slack.wait_for_text(DIRECT, "gone", within=WITHIN)
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


def continued(phone: TelegramServer) -> Message | None:
    """Return the answer of the turn that was held, which the summary quotes as well."""
    said = (message for message in phone.messages(OWNER) if "and that was it" in message.text)
    return next((message for message in said if "it was on terminal" not in message.text), None)


async def test_a_waiting_request_is_decided_with_live_buttons_in_the_new_place(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        desk = await ready(daemon, phone)
        await desk.say("run rm notes.txt; echo gone\nsay and that was it")
        await desk.hears("may I?")
        await daemon.quiet()
        await desk.say("/handoff telegram")
        await desk.hears("continues on **telegram**")
        summary = await phone.wait_for_text(OWNER, "it was on terminal", within=WITHIN)
        assert "waits for a decision" in summary.text
        card = await phone.wait_for_text(OWNER, "may I?", within=WITHIN)
        assert card.thread_id == summary.thread_id
        await desk.hears("is asked on telegram now")
        phone.tap(card, "✅ Approve")
        answer = await phone.wait_for(lambda: continued(phone), within=WITHIN)
        assert answer is not None
        assert answer.thread_id == summary.thread_id
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100"
    "c9fe92ef0000000049454e44ae426082"
)


def read(path: str) -> bytes:
    return Path(path).read_bytes()


async def test_files_that_were_sent_are_still_before_the_agent_in_the_new_place(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with ModelServer() as model:
        agent = {"model": f"openai-chat:{MODEL}", "base_url": model.base_url, "api_key": model.key}
        async with Daemon(tmp_path / "home", settings(phone, agent=agent)) as daemon:
            await daemon.start()
            desk = await ready(daemon, phone)
            phone.user_sends(OWNER, "document", b"the gate is blue", name="gate.txt", caption="keep it")
            phone.user_sends(OWNER, "document", b"%PDF-1.4 plan", name="plan.pdf", mime="application/pdf")
            phone.user_sends(OWNER, "photo", PICTURE, name="gate.png", mime="image/png")
            await model.wait_for(lambda: "plan.pdf" in str(model.requests[-1].messages), within=WITHIN)
            await daemon.quiet()
            phone.user_says(OWNER, "/handoff terminal")
            await phone.wait_for_text(OWNER, "continues on terminal", within=WITHIN)
            await daemon.quiet()
            await desk.say("what colour was it?")
            asked = await model.wait_for(
                lambda: next((r for r in model.requests if r.user_text == "what colour was it?"), None),
                within=WITHIN,
            )
            assert asked is not None
            assert "the gate is blue" in asked.transcript
            kept = re.findall(r"kept at (\S+?)</note>", asked.transcript)
            assert {read(path) for path in kept} == {b"%PDF-1.4 plan", PICTURE}
            await daemon.quiet()
            assert await daemon.stop() == 0
            assert daemon.findings() == []
