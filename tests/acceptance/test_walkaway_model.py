"""A job of a language model that never names a milestone: its commits and test runs ping all the same."""

from pathlib import Path

from tests.acceptance.test_walkaway import GIT, repository, settings
from tests.fakes.model_replies import calls
from tests.fakes.model_server import MODEL, ModelServer
from tests.support.daemon import Daemon
from tests.support.phones import hears, phone_on


async def test_a_commit_and_a_test_run_of_an_agent_that_names_no_milestone_ping(tmp_path: Path) -> None:
    repo = repository(tmp_path / "shop")
    async with phone_on("telegram") as phone, ModelServer() as model:
        agent = {"model": f"openai-chat:{MODEL}", "base_url": model.base_url, "api_key": model.key}
        async with Daemon(tmp_path / "home", settings(phone, agent=agent)) as daemon:
            await daemon.start()
            model.script(
                calls("write_file", path="importer.txt", text="short\n"),
                calls("terminal", command=f"{GIT} commit -qam 'a shorter importer'"),
                calls("terminal", command="python3 -m unittest"),
                "It is shorter now.",
            )
            await phone.command(f"/delegate shorten the importer --repo {repo}")
            commit = await hears(phone, "a shorter importer\n(Task 1")
            assert commit.text.startswith("📦 Commit ")
            tests = await hears(phone, "🧪 Tests", thread=commit.thread, count=2)
            assert "python3 -m unittest" in tests.text
            ended = await hears(phone, "✅ done: Task 1", thread=commit.thread)
            assert "1 file changed" in ended.text
            assert "task_milestone" in model.requests[-1].tool_names
            said = [one.text for one in phone.shown() if "It is shorter now." in one.text]
            assert len(said) == 1, "what the agent has said itself is not said again"
            await daemon.quiet()
            assert await daemon.stop() == 0
            assert daemon.findings() == []
