"""Secrets planted in environment, configuration and tool output appear nowhere a person or a model reads."""

from pathlib import Path

import httpx

from tests.fakes.model_replies import calls
from tests.fakes.model_server import MODEL, ModelServer
from tests.fakes.telegram_server import Message, TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

FROM_ENVIRONMENT = "planted-in-the-environment-1"
FROM_CONFIG = "planted-in-the-config-22"
IN_OUTPUT = "sk-planted0in0output0" + "x" * 20
SECRETS = (FROM_ENVIRONMENT, FROM_CONFIG, IN_OUTPUT)


def approving(card: Message) -> str:
    """Return the label of the button that approves."""
    return next(label for label in card.labels if label.startswith("✅"))


def leaked(texts: list[str]) -> list[str]:
    """Return the texts in which a secret stands."""
    return [text[:2000] for text in texts if any(secret in text for secret in SECRETS)]


async def shown_by_the_page(daemon: Daemon) -> list[str]:
    """Return what the pages and the interface show of approvals and of the conversation, to the owner."""
    headers = {"Authorization": f"Bearer {daemon.info.token}"}
    paths = (
        "/api/hermes/status",
        "/api/hermes/approvals",
        "/api/hermes/approvals?state=done",
        "/approvals",
        "/",
    )
    async with httpx.AsyncClient(base_url=daemon.info.url, headers=headers, trust_env=False) as client:
        return [(await client.get(path, follow_redirects=True)).text for path in paths]


async def test_planted_secrets_are_on_no_card_log_page_or_list_and_in_no_model_request(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with ModelServer(key=None) as model:
        chosen = quiet_settings(
            telegram,
            web={"enabled": True},
            agent={"model": f"openai-chat:{MODEL}", "base_url": model.base_url, "api_key": FROM_CONFIG},
            log={"level": "debug"},
        )
        environment = {"HERMES_AGENT__PROVIDER_KEYS__ANTHROPIC": FROM_ENVIRONMENT}
        async with Daemon(tmp_path / "home", chosen, environment) as daemon:
            await daemon.start()
            secret_file = daemon.home.workspace / "service.env"
            secret_file.parent.mkdir(exist_ok=True)
            secret_file.write_text(f"A={IN_OUTPUT}\nB={FROM_CONFIG}\nC={FROM_ENVIRONMENT}\n")
            model.script(
                calls("terminal", command="chmod 777 service.env; cat service.env; env"), "First answer"
            )
            telegram.user_says(OWNER, "show it")
            card = await telegram.wait_for_text(OWNER, "may I?", within=30)
            telegram.tap(card, approving(card))
            await telegram.wait_for(lambda: "Exit code 0." in card.text, within=30)
            await telegram.wait_for_text(OWNER, "First answer", within=30)
            assert leaked([request.transcript for request in model.requests]) == []
            assert "[redacted]" in model.requests[-1].transcript
            # A command that has a secret in it, as a model may have read one elsewhere.
            asked = f"chmod 777 . # {FROM_CONFIG} {IN_OUTPUT}"
            model.script(calls("terminal", command=asked), "Second answer")
            telegram.user_says(OWNER, "and this")
            second = await telegram.wait_for(
                lambda: next((m for m in telegram.messages(OWNER) if m.id > card.id and m.buttons), None),
                within=30,
            )
            assert second is not None
            for words in ("/approvals", "/status"):
                telegram.user_says(OWNER, words)
            await telegram.wait_for_text(OWNER, "/approve ID", within=20)
            code, listed = await daemon.command("approvals", "list")
            assert code in (0, 2)
            _, exported = await daemon.command("approvals", "export")
            pages = await shown_by_the_page(daemon)
            telegram.tap(second, approving(second))
            await telegram.wait_for_text(OWNER, "Second answer", within=30)
            everything = [version for m in telegram.messages(OWNER) for version in (m.text, *m.versions)]
            everything += [press.text for press in telegram.world.presses.values()]
            assert leaked(everything) == []
            assert leaked([listed, exported]) == []
            assert leaked(pages) == []
            await daemon.quiet()
            assert await daemon.stop() == 0
            logs = [path.read_text(errors="replace") for path in daemon.home.logs.glob("*")]
            assert leaked([daemon.text, *logs]) == []
            assert leaked([row["body"] for row in daemon.rows("SELECT body FROM event")]) == []
            assert daemon.findings() == []
