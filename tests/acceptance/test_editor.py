"""Hermes in an editor: ``hermes acp`` as a process, an editor on the protocol's SDK, a phone, and the same sessions."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import acp
from acp.exceptions import RequestError
from acp.schema import AllowedOutcome, DeniedOutcome, RequestPermissionResponse

from tests.acceptance.test_coding_agents import APPROVE, Phone
from tests.acceptance.test_coding_lane import seen
from tests.fakes.changes import Changes
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import Daemon, quiet_settings


@dataclass
class Editor:
    """An editor: what it was shown, and how it answers a request; without an answer it leaves it open."""

    answer: str = ""
    shown: list[Any] = field(default_factory=list[Any])
    asked: list[tuple[Any, list[Any]]] = field(default_factory=list[tuple[Any, list[Any]]])
    changes: Changes = field(default_factory=Changes)
    agent: Any = None

    def on_connect(self, conn: Any) -> None:
        """Take note of nothing."""

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.shown.append(update)
        self.changes.notify()

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **_: Any
    ) -> RequestPermissionResponse:
        self.asked.append((tool_call, options))
        self.changes.notify()
        if not self.answer:
            await asyncio.Event().wait()
        if self.answer == "dismiss":
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        chosen = next(one for one in options if one.kind == self.answer)
        return RequestPermissionResponse(
            outcome=AllowedOutcome(outcome="selected", option_id=chosen.option_id)
        )

    def text(self, kind: str = "agent_message_chunk") -> str:
        """Return what was said, in one piece."""
        return "".join(one.content.text for one in self.shown if one.session_update == kind)

    async def say(self, session: str, text: str) -> str:
        """Say something and return how the answer ended."""
        async with asyncio.timeout(40):
            ended = await self.agent.prompt(session_id=session, prompt=[acp.text_block(text)])
        return ended.stop_reason


@asynccontextmanager
async def editor(home: Path, **given: Any) -> AsyncGenerator[Editor]:
    """Start ``hermes acp`` and shake hands."""
    made = Editor(**given)
    words = ("-m", "hermes.cli.main", "--home", str(home), "acp")
    async with acp.spawn_agent_process(lambda _agent: made, sys.executable, *words) as (agent, _process):  # type: ignore[arg-type]
        made.agent = agent
        async with asyncio.timeout(40):
            hello = await agent.initialize(protocol_version=1)
        assert hello.agent_info is not None
        assert (hello.protocol_version, hello.agent_info.name) == (1, "hermes")
        yield made


async def test_an_editor_talks_to_the_daemon_in_its_own_folder_and_comes_back_to_it(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "seen.txt").touch()
    async with Daemon(tmp_path / "home", quiet_settings(telegram, web={"enabled": True})) as daemon:
        await daemon.start()
        async with editor(tmp_path / "home") as desk:
            session = (await desk.agent.new_session(cwd=str(project), mcp_servers=[])).session_id
            assert await desk.say(session, "run ls") == "end_turn"
            assert "seen.txt" in desk.text()
            assert "Agents work in" not in desk.text()
            listed = [one.session_id for one in (await desk.agent.list_sessions()).sessions]
            assert session in listed
        async with editor(tmp_path / "home") as desk:
            await desk.agent.load_session(cwd=str(project), session_id=session, mcp_servers=[])
            assert "run ls" in desk.text("user_message_chunk")
            assert "seen.txt" in desk.text()
            desk.shown.clear()
            await desk.say(session, "help")
            assert "remind" in desk.text()
        await daemon.quiet()
        assert daemon.findings() == []


async def test_a_request_is_put_to_the_editor_and_to_the_phone_and_the_first_answer_counts(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram, web={"enabled": True})) as daemon:
        await daemon.start()
        phone = Phone(telegram)
        phone.say("/sethome")
        await phone.reads("come here")
        places = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
        for place in places:
            place.mkdir()
        async with editor(tmp_path / "home", answer="allow_once") as desk:
            session = (await desk.agent.new_session(cwd=str(tmp_path), mcp_servers=[])).session_id
            await desk.say(session, f"run chmod 777 {places[0]}")
            assert places[0].stat().st_mode & 0o777 == 0o777
            assert "chmod 777" in str(desk.asked[0][0])
            assert "reject_once" in [one.kind for one in desk.asked[0][1]]
            assert await phone.reads(str(places[0]))

            desk.answer = ""
            saying = asyncio.create_task(desk.say(session, f"run chmod 777 {places[1]}"))
            assert await phone.taps(await phone.card(str(places[1])), APPROVE) == "Approved; it runs now."
            assert await saying == "end_turn"
            assert places[1].stat().st_mode & 0o777 == 0o777

            desk.answer = "dismiss"
            assert await desk.say(session, f"run chmod 777 {places[2]}") == "end_turn"
            assert places[2].stat().st_mode & 0o777 != 0o777
        await daemon.quiet()
        assert daemon.findings() == []


async def test_a_conversation_from_the_phone_moves_into_the_editor_and_cancel_stops_its_work(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram, web={"enabled": True})) as daemon:
        await daemon.start()
        phone = Phone(telegram)
        phone.say("help")
        await phone.reads("remind")
        await daemon.quiet()
        async with editor(tmp_path / "home") as desk:
            [session] = [one.session_id for one in (await desk.agent.list_sessions()).sessions]
            await desk.agent.load_session(cwd=str(tmp_path), session_id=session, mcp_servers=[])
            assert "help" in desk.text("user_message_chunk")
            [row] = daemon.rows("SELECT platform, chat FROM session WHERE id = ?", session)
            assert (row["platform"], row["chat"][:7]) == ("terminal", "editor-")
            saying = asyncio.create_task(desk.say(session, "sleep 60"))
            await seen(daemon, "SELECT 1 FROM turn WHERE state = 'running'")
            await desk.agent.cancel(session_id=session)
            assert await saying == "cancelled"
            try:
                await desk.say("editor-unknown", "hello")
            except RequestError as error:
                assert error.code == -32002  # noqa: PT017 - the other outcome is a failure, too
            else:
                raise AssertionError("a session that nobody opened was spoken to")


async def test_without_a_daemon_it_is_served_by_one_inside_the_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    async with editor(home) as desk:
        session = (await desk.agent.new_session(cwd=str(tmp_path), mcp_servers=[])).session_id
        assert await desk.say(session, "help") == "end_turn"
        assert "remind" in desk.text()
