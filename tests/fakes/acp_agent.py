"""A coding agent as a program of its own, on the protocol's Python SDK; the words of a prompt say what it does.

Run as ``python acp_agent.py STATE``: STATE is a file that holds its sessions from one process to the next. Where there
is a file STATE.then, every prompt is taken for what that says.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import acp
from acp.exceptions import RequestError
from acp.schema import (
    AgentCapabilities,
    AgentPlanUpdate,
    Cost,
    CurrentModeUpdate,
    EnvVariable,
    FileEditToolCallContent,
    InitializeResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PermissionOption,
    PlanEntry,
    PromptCapabilities,
    PromptResponse,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionMode,
    SessionModeState,
    SessionResumeCapabilities,
    SetSessionModeResponse,
    ToolCallUpdate,
    Usage,
    UsageUpdate,
)

OPTIONS = [
    PermissionOption(option_id="always", name="Always", kind="allow_always"),
    PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
    PermissionOption(option_id="no", name="No", kind="reject_once"),
]
MODES = [SessionMode(id="ask", name="Ask first"), SessionMode(id="code", name="Write code")]


class FakeAgent:
    """Does what the first line of a prompt says: ``say``, ``ask``, ``write``, ``run``, ``die``, ``hang`` and so on."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.cancelled = asyncio.Event()
        self.calls = 0
        self.now = "ask"

    def on_connect(self, conn: Any) -> None:
        self.client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        return InitializeResponse(
            protocol_version=int(os.environ.get("FAKE_VERSION", protocol_version)),
            agent_capabilities=AgentCapabilities(
                load_session="FAKE_FORGETS" not in os.environ,
                prompt_capabilities=PromptCapabilities(image=True),
                session_capabilities=SessionCapabilities(
                    resume=SessionResumeCapabilities() if "FAKE_RESUMES" in os.environ else None
                ),
            ),
        )

    async def new_session(self, cwd: str, **_: Any) -> NewSessionResponse:
        if "FAKE_LOGGED_OUT" in os.environ:
            raise RequestError.auth_required()
        known = self._sessions()
        id = f"fake-{len(known) + 1}"
        known[id] = []
        self._keep(known)
        return NewSessionResponse(session_id=id, modes=self._modes())

    def _modes(self) -> SessionModeState | None:
        if "FAKE_MODELESS" in os.environ:
            return None
        return SessionModeState(current_mode_id=self.now, available_modes=MODES)

    async def set_session_mode(self, session_id: str, mode_id: str, **_: Any) -> SetSessionModeResponse:
        self.now = mode_id
        return SetSessionModeResponse()

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> LoadSessionResponse:
        for said in self._sessions()[session_id]:
            await self.client.session_update(session_id, acp.update_agent_message_text(f"replayed {said}"))
        return LoadSessionResponse(modes=self._modes())

    async def resume_session(self, cwd: str, session_id: str, **_: Any) -> ResumeSessionResponse:
        self._sessions()[session_id]
        return ResumeSessionResponse(modes=self._modes())

    async def cancel(self, session_id: str, **_: Any) -> None:
        self.cancelled.set()

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """Leave it out."""

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        self.session, self.blocks = session_id, prompt
        self.cancelled.clear()
        text = "\n".join(block.text for block in prompt if block.type == "text")
        known = self._sessions()
        known.setdefault(session_id, []).append(text)
        self._keep(known)
        then = self.state.with_name(self.state.name + ".then")
        if then.exists():
            text = then.read_text()
        lines = [line for line in text.splitlines() if line.split(" ")[0] in WORDS] or [
            "say I heard: " + text
        ]
        reason = "end_turn"
        for line in lines:
            word, _space, rest = line.partition(" ")
            reason = await WORDS[word](self, rest) or reason
        used = Usage(input_tokens=10, output_tokens=5, total_tokens=15)
        return PromptResponse(stop_reason=reason, usage=used)

    def _sessions(self) -> dict[str, list[str]]:
        return json.loads(self.state.read_text()) if self.state.exists() else {}

    def _keep(self, known: dict[str, list[str]]) -> None:
        # Agents of several sessions share the file: nobody may read half of it.
        half = self.state.with_name(f"{self.state.name}.{os.getpid()}")
        half.write_text(json.dumps(known))
        half.replace(self.state)

    async def say(self, text: str) -> None:
        await self.client.session_update(self.session, acp.update_agent_message_text(text + "\n"))

    async def ask(self, rest: str) -> None:
        """Ask to run a command, and run it."""
        await self._ask({"command": rest}, kind="execute", run=rest)

    async def lie(self, rest: str) -> None:
        """Ask to run a command under the name of something harmless."""
        await self._ask({"command": rest}, kind="read", title="Reading README.md", run=rest)

    async def edit(self, rest: str) -> None:
        """Ask to change a file, and change it."""
        path, _, text = rest.partition(" ")
        content = [FileEditToolCallContent(type="diff", path=path, old_text="", new_text=text)]
        shown = acp.start_tool_call(f"edit-{self.calls}", "Edit", kind="edit", content=content)
        await self.client.session_update(self.session, shown)
        if await self._ask({}, kind="edit", content=content):
            await asyncio.to_thread(Path(path).write_text, text)

    async def _ask(self, given: dict[str, Any], *, run: str = "", title: str = "", **more: Any) -> bool:
        self.calls += 1
        call = ToolCallUpdate(
            tool_call_id=f"c{self.calls}-{time.monotonic_ns()}",
            title=title or f"Run {run}",
            raw_input=given or None,
            **more,
        )
        answer = await self.client.request_permission(
            session_id=self.session, tool_call=call, options=OPTIONS
        )
        outcome = answer.outcome
        allowed = outcome.outcome == "selected" and outcome.option_id == "yes"
        if allowed and run:
            process = await asyncio.create_subprocess_shell(run)
            await process.wait()
        await self.say(
            f"{run or title or 'edit'}: {outcome.option_id if outcome.outcome == 'selected' else 'cancelled'}"
        )
        return allowed

    async def both(self, rest: str) -> str:
        """Ask for something and go on talking meanwhile, until it is stopped."""
        asking = asyncio.ensure_future(self._ask({"command": rest}))
        while not self.cancelled.is_set():
            await self.say("and so on")
            await asyncio.sleep(0.05)
        asking.cancel()
        return "cancelled"

    async def many(self, rest: str) -> None:
        """Ask for many permissions at once."""
        answers = await asyncio.gather(*(self._ask({"command": f"touch /m/{n}"}) for n in range(int(rest))))
        await self.say(f"allowed {sum(answers)} of {len(answers)}")

    async def write(self, rest: str) -> None:
        path, _, text = rest.partition(" ")
        try:
            await self.client.write_text_file(session_id=self.session, path=path, content=text)
        except RequestError as error:
            await self.say(f"not written: {error}")
        else:
            await self.say("written")

    async def read(self, rest: str) -> None:
        try:
            found = await self.client.read_text_file(session_id=self.session, path=rest)
        except RequestError as error:
            await self.say(f"not read: {error}")
        else:
            await self.say(f"read {found.content}")

    async def run(self, rest: str) -> None:
        made = await self.client.create_terminal(
            session_id=self.session, command=rest, env=[EnvVariable(name="GREETING", value="hello there")]
        )
        id = made.terminal_id
        ended = await self.client.wait_for_terminal_exit(session_id=self.session, terminal_id=id)
        output = await self.client.terminal_output(session_id=self.session, terminal_id=id)
        await self.client.release_terminal(session_id=self.session, terminal_id=id)
        await self.say(f"exit {ended.exit_code}: {output.output}")

    async def plan(self, rest: str) -> None:
        entries = [
            PlanEntry(
                content=one.removesuffix("!"),
                priority="low",
                status="completed" if one.endswith("!") else "pending",
            )
            for one in rest.split(",")
        ]
        await self.client.session_update(
            self.session, AgentPlanUpdate(session_update="plan", entries=entries)
        )

    async def ran(self, rest: str) -> None:
        """Run a command without asking, and tell of it as agents do."""
        begun = acp.start_tool_call("ran", rest, kind="execute", raw_input={"command": rest})
        await self.client.session_update(self.session, begun)
        process = await asyncio.create_subprocess_shell(rest)
        await process.wait()
        await self.client.session_update(self.session, acp.update_tool_call("ran", status="completed"))

    async def stamp(self, rest: str) -> None:
        """Write the time, on the clock that all processes share."""
        await asyncio.to_thread(Path(rest).write_text, str(time.monotonic_ns()))

    async def mode(self, rest: str) -> None:
        """Say which mode holds; with a name, change to it unasked."""
        if rest:
            self.now = rest
            update = CurrentModeUpdate(session_update="current_mode_update", current_mode_id=rest)
            await self.client.session_update(self.session, update)
        await self.say(f"mode {self.now}")

    async def costs(self, rest: str) -> None:
        """Tell what the whole session has cost until now."""
        cost = Cost(amount=float(rest), currency="USD")
        update = UsageUpdate(session_update="usage_update", used=1, size=2, cost=cost)
        await self.client.session_update(self.session, update)

    async def environment(self, _: str) -> None:
        await self.say("environment " + " ".join(sorted(os.environ)))

    async def images(self, _: str) -> None:
        await self.say(f"images {[block.mime_type for block in self.blocks if block.type == 'image']}")

    async def wait(self, _: str) -> str:
        await self.say("waiting")
        await self.cancelled.wait()
        return "cancelled"

    async def hang(self, _: str) -> None:
        await asyncio.Event().wait()

    async def die(self, _: str) -> None:
        sys.stderr.write("out of cheese\n")
        sys.stderr.flush()
        os._exit(7)

    async def garbage(self, rest: str) -> None:
        """Write what is no message, as often as it is told."""
        for line in ("no json", "[]", '{"id": {}, "method": 3}', '{"id": 5, "error": 7}', '"text"') * int(
            rest
        ):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()

    async def wrong(self, _: str) -> None:
        """Send updates that are of the protocol in form only."""
        sys.stdout.write('{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":7}}\n')
        sys.stdout.write('{"jsonrpc":"2.0","method":"no/such","params":null}\n')
        sys.stdout.flush()

    async def flood(self, rest: str) -> None:
        for number in range(int(rest)):
            await self.client.session_update(self.session, acp.update_agent_message_text(f"{number} " * 20))

    async def refuse(self, _: str) -> str:
        return "refusal"

    async def fail(self, rest: str) -> None:
        raise RequestError.internal_error({"details": rest})


NAMES = (
    "say ask both lie edit many write read run ran stamp plan mode costs environment images wait hang die garbage wrong"
    " flood refuse fail"
)
WORDS = {name: getattr(FakeAgent, name) for name in NAMES.split()}


if __name__ == "__main__":
    asyncio.run(acp.run_agent(FakeAgent(Path(sys.argv[1])), use_unstable_protocol=True))  # type: ignore[arg-type]
