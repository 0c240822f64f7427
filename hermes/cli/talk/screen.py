"""``hermes chat``: a conversation in the terminal, streamed, with history and completion."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from rich.console import RenderableType

from hermes.cli.talk.client import ChatClient, Frame
from hermes.cli.talk.rendering import markdown, rendered, words
from kernel.errors import HermesError

OPEN = {"received", "queued", "running"}
UNDER_WAY = {"pending", "running"}
SHOWN_AT_START = 6
# Characters of an answer under way that are drawn anew with every piece; the final one is printed whole.
DRAFT_SHOWN = 6000
MENU_LINES = 4
HANDOFF = "/handoff"
LEAVING = frozenset({"/quit", "/exit"})
FILE_MARK = re.compile(r"(?:^|\s)@(\S+)")


@dataclass(frozen=True, slots=True)
class Choice:
    """A button that can be pressed by its number."""

    label: str
    value: str
    message_id: str


@dataclass(slots=True)
class View:
    """What is known of the chat: the answer so far, the status line, what is open and what can be chosen."""

    draft: str = ""
    status: str = ""
    lost: bool = False
    # How many handoffs there were before one was asked for here; none is awaited while it is negative.
    handed: int = -1
    gone: bool = False
    open: set[str] = field(default_factory=set[str])
    shown: dict[str, str] = field(default_factory=dict[str, str])
    choices: list[Choice] = field(default_factory=list[Choice])

    @property
    def busy(self) -> bool:
        """Whether a turn is under way."""
        return bool(self.open or self.draft)


class SlashCompleter(Completer):
    """Completes the names of slash commands."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield the commands that begin like the text before the cursor."""
        del complete_event
        text = document.text_before_cursor
        if not text.startswith("/") or " " in text:
            return
        for command in self.commands:
            name = f"/{command['name']}"
            if name.startswith(text):
                yield Completion(name, start_position=-len(text), display_meta=command["summary"])


class Screen:
    """Draws a chat and hands on what is typed."""

    def __init__(
        self,
        client: ChatClient,
        history: Path,
        *,
        keyboard: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._client = client
        self._view = View()
        self._completer = SlashCompleter()
        self._session: PromptSession[str] = PromptSession(
            message=self._prompt,
            multiline=True,
            reserve_space_for_menu=MENU_LINES,
            history=FileHistory(str(history)),
            completer=self._completer,
            complete_while_typing=True,
            key_bindings=self._keys(),
            prompt_continuation="  ",
            input=keyboard,
            output=output,
        )

    async def run(self) -> None:
        """Converse until the person leaves (Ctrl-D or ``/quit``)."""
        leave = {"name": "quit", "summary": "Leave this terminal, as Ctrl-D does."}
        self._completer.commands = [*await self._client.commands(), leave]
        history = await self._client.history(SHOWN_AT_START)
        for message in history["messages"]:
            await self._message(message, quietly=True)
        await self._print(
            words(
                "Enter sends, Alt-Enter is a new line, Ctrl-C stops, /quit or Ctrl-D leaves, /help helps.",
                "dim",
            )
        )
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._follow(history["seq"]))
            try:
                await self._listen()
            finally:
                following.cancel()

    async def _listen(self) -> None:
        """Read lines and send them."""
        while True:
            try:
                text = (await self._session.prompt_async()).strip() if not self._view.gone else ""
            except EOFError:
                return
            except KeyboardInterrupt:
                continue
            if self._view.gone or text in LEAVING:
                return
            if text:
                await self._guarded(text)

    async def _guarded(self, text: str) -> None:
        try:
            await self._enter(text)
        except HermesError as error:
            await self._print(words(str(error), "red"))

    async def _enter(self, text: str) -> None:
        """Press the numbered button, or say what was typed with the files it names by ``@path``."""
        choices = self._view.choices
        if text.isdecimal() and 0 < int(text) <= len(choices):
            choice = choices[int(text) - 1]
            self._view.choices = []
            await self._client.tap(choice.value, choice.message_id)
            return
        attachments = [await self._client.upload(path) for path in named_files(text)]
        if text.split(maxsplit=1)[0] == HANDOFF:
            self._view.handed = await self._handoffs()
        key = await self._client.say(text, attachments)
        self._view.open.add(key)
        self._redraw()

    async def _follow(self, since: int) -> None:
        async for frame in self._client.frames(since):
            await self._frame(frame)
            self._redraw()

    async def _handoffs(self) -> int:
        """Return how many handoffs the conversation of this chat has seen."""
        try:
            return int((await self._client.handoff())["number"])
        except (HermesError, httpx.HTTPError):
            return 0

    async def _leave_if_gone(self) -> None:
        """Leave, as with Ctrl-D, once the conversation has arrived where it was handed over to."""
        if self._view.handed < 0:
            return
        try:
            found = await self._client.handoff()
        except (HermesError, httpx.HTTPError):
            # Nothing was handed over, or nobody can tell now; the next message is another occasion to look.
            return
        if found["number"] <= self._view.handed or found["state"] in UNDER_WAY:
            return
        self._view.handed = -1
        if found["state"] != "completed":
            return
        self._view.gone = True
        back = f"hermes sessions resume {found['session']}"
        await self._print(words(f"It continues at {found['place']}; it comes back with: {back}", "dim"))
        if self._session.app.is_running:
            self._session.app.exit(exception=EOFError())

    async def _frame(self, frame: Frame) -> None:
        view = self._view
        match frame.event:
            case "message":
                await self._message(frame.data)
                await self._leave_if_gone()
            case "draft":
                view.draft = str(frame.data.get("text", ""))
            case "bubble":
                view.status = str(frame.data.get("text", ""))
            case "burst":
                view.status = ""
            case "typing":
                view.status = view.status or "…"
            case "tap":
                await self._print(words(str(frame.data.get("text", "")), "dim"))
            case "lost":
                view.lost = True
            case "ready" | "reset":
                await self._caught_up()
            case _:
                pass

    async def _caught_up(self) -> None:
        """After a (re)connection: forget what was for the moment, show what was missed."""
        self._view.draft, self._view.status, self._view.lost = "", "", False
        for message in (await self._client.history())["messages"]:
            await self._message(message)

    async def _message(self, message: dict[str, Any], *, quietly: bool = False) -> None:
        view = self._view
        if message["direction"] == "in":
            view.open.discard(message["message_id"])
            if message["state"] in OPEN:
                view.open.add(message["message_id"])
            elif not view.open:
                view.draft, view.status = "", ""
            if quietly and message["text"]:
                await self._print(words(f"> {message['text']}", "bold"))
            return
        content = f"{message['state'] == 'cancelled'} {message['text']} {message['buttons']}"
        known = view.shown.get(message["id"])
        view.shown[message["id"]] = content
        if known == content or message["state"] == "cancelled":
            return
        view.draft, view.status = "", ""
        await self._answer(message)

    async def _answer(self, message: dict[str, Any]) -> None:
        """Print an answer, its files, and its buttons as numbered choices."""
        parts: list[RenderableType] = [markdown(message["text"])] if message["text"] else []
        parts += [
            words(f"[file] {one['name']} ({one['size']} bytes), on the local page", "cyan")
            for one in message["attachments"]
        ]
        buttons = [button for row in message["buttons"] for button in row]
        taken = [Choice(button["label"], button["value"], message["message_id"]) for button in buttons]
        self._view.choices = taken or [
            one for one in self._view.choices if one.message_id != message["message_id"]
        ]
        parts += [words(f"  {number}  {choice.label}", "cyan") for number, choice in enumerate(taken, 1)]
        if taken:
            parts.append(words("Type the number.", "dim"))
        await self._print(*parts)

    async def _print(self, *parts: RenderableType) -> None:
        """Write above the prompt, into the terminal's own scrollback."""
        text = "".join(self._rendered(part) for part in parts)
        if not self._session.app.is_running:
            self._session.output.write_raw(text.replace("\n", "\r\n"))
            self._session.output.flush()
            return

        def write() -> None:
            self._session.output.write_raw(text.replace("\n", "\r\n"))
            self._session.output.flush()

        await run_in_terminal(write)

    def _rendered(self, part: RenderableType) -> str:
        return rendered(part, self._session.output.get_size().columns)

    def _prompt(self) -> ANSI:
        """Return what stands above the input: the answer so far (its end, where it is long), and the status."""
        view, size = self._view, self._session.output.get_size()
        lines: list[str] = []
        if view.draft:
            lines = (
                self._rendered(markdown(view.draft[-DRAFT_SHOWN:]))
                .rstrip("\n")
                .split("\n")[-max(size.rows - 6, 3) :]
            )
        status = (
            "the gateway cannot be reached, trying again"
            if view.lost
            else view.status or ("…" if view.busy else "")
        )
        if status:
            lines.append(self._rendered(words(status, "dim italic")).rstrip("\n"))
        return ANSI("\n".join([*lines, "\x1b[1m>\x1b[0m "]))

    def _redraw(self) -> None:
        self._session.app.invalidate()

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        # What was typed while no prompt stood went through the terminal's line editing, where Enter is a line feed.
        @keys.add("enter")
        @keys.add("c-j")
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.validate_and_handle()

        @keys.add("escape", "enter")
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            if event.current_buffer.text:
                event.current_buffer.reset()
            elif self._view.busy:
                event.app.create_background_task(self._guarded("/stop"))

        return keys


def named_files(text: str) -> list[Path]:
    """Return the files that a text names as ``@path``."""
    paths = [Path(name).expanduser() for name in FILE_MARK.findall(text)]
    return [path for path in paths if path.is_file()]


async def converse(client: ChatClient, history: Path) -> None:
    """Converse on this process's terminal; ``history`` keeps what was typed."""
    await Screen(client, history).run()
