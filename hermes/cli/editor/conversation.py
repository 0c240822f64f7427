"""One conversation of an editor: a chat of the daemon, followed, with its cards put to the editor."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import acp
from acp.exceptions import RequestError
from acp.schema import PermissionOption, ToolCallUpdate

from hermes.cli.editor.drafts import Answer, parts
from hermes.cli.talk.client import ChatClient, Frame
from kernel.errors import HermesError

FINAL = frozenset({"done", "dead", "cancelled", "ignored"})
GONE = "cancelled"
# The daemon tells of everything that happens in a chat; this only bounds how late a rest is noticed elsewhere.
LOOK_SECONDS = 1.0
READ = 200
TITLE = 80
# Buttons that open something to write in, which an editor's question has no room for.
OPENS = ("✏️", "because", "🔁")
REFUSES = ("❌", "✋", "did not")
LASTS = ("Always", "session", "week", "day")


@dataclass(slots=True)
class Conversation:
    """What an editor sees of one chat; ``id`` is the name it knows it by, ``say`` sends one update to it."""

    id: str
    client: ChatClient
    editor: Any
    stopped: bool = False
    _answer: Answer = field(default_factory=Answer)
    _seen: dict[str, str] = field(default_factory=dict[str, str])
    _states: dict[str, str] = field(default_factory=dict[str, str])
    _asked: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    _hushed: bool = False
    _steps: int = 0
    _doing: str = ""
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)
    _following: asyncio.Task[None] | None = None

    async def open(self) -> list[dict[str, Any]]:
        """Follow the chat from now on and return what was said in it before."""
        history = await self.client.history(READ)
        for message in history["messages"]:
            self._seen[message["id"]] = _content(message)
        follow = self._follow(history["seq"])
        self._following = asyncio.create_task(follow)  # noqa: TID251 - kept, ended by close
        return history["messages"]

    async def close(self) -> None:
        """Follow the chat no longer."""
        tasks = [*self._asked.values(), *([self._following] if self._following else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.client.close()

    async def quietly(self, command: str) -> str:
        """Carry out a command and return its answer, which the editor is not shown."""
        before = set(self._seen)
        self._hushed = True
        key = await self.client.say(command)
        while not (fresh := await self._unseen(before)):
            await self._look(key)
        await self._catch_up()
        self._hushed = False
        return "\n".join(fresh)

    async def _unseen(self, before: set[str]) -> list[str]:
        """Return what was said here since."""
        messages = await self._messages()
        return [one["text"] for one in messages if one["direction"] == "out" and one["id"] not in before]

    async def prompt(self, text: str, attachments: list[dict[str, Any]]) -> None:
        """Say something and return when the answer is complete, with every request of it answered."""
        self.stopped, self._answer = False, Answer()
        key = await self.client.say(text, attachments)
        while self._states.get(key) not in FINAL:
            await self._look(key)
        while await self._goes_on():
            await self._look("")
        await self._step("")

    async def _goes_on(self) -> bool:
        """Tell whether anything is under way, or a card of it is put to the editor."""
        busy = await self.client.busy()
        # A card is in the history with the turn that made it, even before it is shown.
        await self._catch_up()
        return busy or bool(self._asked)

    async def stop(self) -> None:
        """Stop what is under way."""
        self.stopped = True
        await self.client.say("/stop")
        for task in self._asked.values():
            task.cancel()

    async def _look(self, key: str) -> None:
        """Wait until something has happened; what a lost frame would have told is read once in a while."""
        self._stirred.clear()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._stirred.wait()
        except TimeoutError:
            await self._catch_up(key)

    async def _catch_up(self, key: str = "") -> None:
        for message in await self._messages():
            if message["message_id"] == key or message["direction"] == "out":
                await self._message(message)

    async def _messages(self) -> list[dict[str, Any]]:
        return (await self.client.history(READ))["messages"]

    async def _follow(self, since: int) -> None:
        async for frame in self.client.frames(since):
            await self._frame(frame)
            self._stirred.set()

    async def _frame(self, frame: Frame) -> None:
        match frame.event:
            case "message":
                await self._message(frame.data)
            case "draft":
                doing, text = parts(str(frame.data.get("text", "")))
                await self._step(doing)
                await self._text(text)
            case "bubble":
                await self._step(parts(str(frame.data.get("text", "")))[0])
            case _:
                pass

    async def _message(self, message: dict[str, Any]) -> None:
        if message["direction"] == "in":
            self._states[message["message_id"]] = message["state"]
            return
        content, known = _content(message), self._seen.get(message["id"])
        if content == known or not message["here"]:
            return
        self._seen[message["id"]] = content
        choices = _choices(message)
        if (asking := self._asked.pop(message["id"], None)) is not None:
            # Somebody has decided, here or on another surface.
            asking.cancel()
            await self._decided(message)
        elif choices and message["state"] != GONE:
            self._ask(message, choices)
        elif message["state"] != GONE and known is None and message["text"]:
            await self._text(message["text"])
            self._answer = Answer()

    async def _text(self, text: str) -> None:
        if text and (new := self._answer.more(text)):
            await self._tell(acp.update_agent_message_text(new))

    async def _step(self, doing: str) -> None:
        """Show what is done now as a call that ends when something else is done."""
        if doing == self._doing:
            return
        if self._doing:
            await self._tell(acp.update_tool_call(f"step-{self._steps}", status="completed"))
        self._doing = doing
        if doing:
            self._steps += 1
            step = f"step-{self._steps}"
            await self._tell(acp.start_tool_call(step, doing[:TITLE], kind="other", status="in_progress"))

    async def _tell(self, update: Any) -> None:
        if not self._hushed:
            await self.editor.session_update(self.id, update)

    def _ask(self, message: dict[str, Any], choices: list[PermissionOption]) -> None:
        asking = self._put(message, choices)
        self._asked[message["id"]] = asyncio.create_task(asking)  # noqa: TID251 - kept, ended by close

    async def _put(self, message: dict[str, Any], choices: list[PermissionOption]) -> None:
        """Put a card to the editor; the button that is chosen there is pressed like on any other surface."""
        try:
            call = ToolCallUpdate(
                tool_call_id=message["id"],
                title=_title(message["text"]),
                status="pending",
                content=[acp.tool_content(acp.text_block(message["text"]))],
            )
            given = await self.editor.request_permission(session_id=self.id, tool_call=call, options=choices)
            if given.outcome.outcome == "selected":
                await self.client.tap(given.outcome.option_id, message["message_id"])
                return
        except (RequestError, HermesError, ConnectionError):
            # It can still be decided elsewhere; the card stays where it is.
            pass
        self._asked.pop(message["id"], None)
        self._stirred.set()

    async def _decided(self, message: dict[str, Any]) -> None:
        content = [acp.tool_content(acp.text_block(message["text"]))]
        await self._tell(acp.update_tool_call(message["id"], status="completed", content=content))


def _content(message: dict[str, Any]) -> str:
    return f"{message['state'] == GONE} {message['text']} {message['buttons']}"


def _choices(message: dict[str, Any]) -> list[PermissionOption]:
    """Return the buttons of a card that an editor can press."""
    buttons = [button for row in message["buttons"] for button in row]
    return [
        PermissionOption(option_id=one["value"], name=one["label"], kind=_kind(one["label"]))
        for one in buttons
        if not any(sign in one["label"] for sign in OPENS)
    ]


def _kind(label: str) -> Any:
    if any(sign in label for sign in REFUSES):
        return "reject_once"
    return "allow_always" if any(word in label for word in LASTS) else "allow_once"


def _title(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip(" *#`")), "Hermes asks")
    return line.strip(" *#`")[:TITLE]


Begin = Callable[[str, str], Conversation]
