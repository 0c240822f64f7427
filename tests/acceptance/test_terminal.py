"""The terminal: one question for pipes, and a conversation, with a running gateway or one of its own."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

from hermes import daemon
from hermes.cli.talk.client import ChatClient
from hermes.cli.talk.rendering import clean
from hermes.cli.talk.screen import Screen
from tests.support.daemon import Daemon, quiet_settings

WITHIN = 20.0
CTRL_C, CTRL_D, ENTER, ALT_ENTER, TAB = "\x03", "\x04", "\r", "\x1b\r", "\t"


class Paper(StringIO):
    """What a terminal was sent; ``wait_for`` returns once it shows the words."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def flush(self) -> None:
        self._written.set()

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    @property
    def text(self) -> str:
        """The words, without colours and movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())

    async def wait_for(self, words: str) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                while words not in self.text:
                    self._written.clear()
                    await self._written.wait()
        except TimeoutError:
            raise TimeoutError(f"{words!r} was not shown, but:\n{self.text}") from None


class Terminal:
    """A person at a terminal."""

    def __init__(self, keyboard: PipeInput, paper: Paper, running: asyncio.Task[None]) -> None:
        self._keyboard = keyboard
        self.paper = paper
        self.running = running

    def types(self, keys: str) -> None:
        self._keyboard.send_text(keys)

    async def sees(self, words: str) -> None:
        await self.paper.wait_for(words)


@asynccontextmanager
async def conversation(gateway: Daemon, chat: str = "main") -> AsyncGenerator[Terminal]:
    """Converse with a gateway until the block ends, then leave with Ctrl-D."""
    paper = Paper()
    output = Vt100_Output(
        paper, lambda: Size(rows=40, columns=100), term="xterm", default_color_depth=ColorDepth.DEPTH_8_BIT
    )
    client = ChatClient(lambda: daemon.read(gateway.home), chat)
    gateway.home.state.mkdir(exist_ok=True)
    with create_pipe_input() as keyboard:
        screen = Screen(client, gateway.home.history, keyboard=keyboard, output=output)
        async with asyncio.timeout(3 * WITHIN), asyncio.TaskGroup() as group:
            running = group.create_task(screen.run())
            terminal = Terminal(keyboard, paper, running)
            await terminal.sees("Ctrl-D leaves")
            yield terminal
            terminal.types(CTRL_D)
            await running
    await client.close()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Daemon]:
    settings = quiet_settings(web={"enabled": True}, turns={"drain_seconds": 1})
    async with Daemon(tmp_path / "home", settings) as started:
        yield await started.start()


async def test_one_question_fits_into_a_pipe(gateway: Daemon) -> None:
    assert await gateway.command("chat", "-q", "say **plain** words") == (0, "**plain** words\n")
    assert await gateway.command("chat", "-q", "run printf 'a   b\\nc\\n'") == (0, "a   b\nc\n")
    code, out = await gateway.command("chat", "-q", "fail on purpose")
    assert (code, "on purpose" in out) == (1, True)
    code, out = await gateway.command("chat", "-q", "ask Which colour? | red | blue")
    assert code == 4
    assert "❓ Which colour?\n  - red\n  - blue\n" in out


async def test_a_question_can_bring_a_file(gateway: Daemon, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("the file's words")
    code, _ = await gateway.command("chat", "-q", "say thanks", "--file", str(tmp_path / "note.txt"))
    row = gateway.rows("SELECT attachments FROM inbox WHERE kind = 'message'")[0]
    assert (code, json.loads(row["attachments"])[0]["name"]) == (0, "note.txt")


async def test_without_a_gateway_one_question_is_answered_all_the_same(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", quiet_settings()) as nobody:
        nobody.configure({})
        assert await nobody.command("chat", "-q", "say alone") == (0, "alone\n")
        assert await nobody.command("audit", "check", "--grace", "0") == (0, "All invariants hold.\n")


async def test_a_conversation_shows_markdown_asks_completes_and_remembers(gateway: Daemon) -> None:
    async with conversation(gateway) as terminal:
        terminal.types(f"say # A title{ALT_ENTER}say - an *item*{ENTER}")
        await terminal.sees("A title")
        terminal.types(f"ask Which colour? | red | blue{ENTER}")
        await terminal.sees("2  blue")
        terminal.types(f"2{ENTER}")
        await terminal.sees("You answered: blue")
        terminal.types("/whoa")
        await terminal.sees("Show who you are")
        terminal.types(f"{TAB}{ENTER}")
        await until(
            lambda: bool(gateway.rows("SELECT 1 FROM inbox WHERE text = '/whoami' AND state = 'done'"))
        )
    assert "ask Which colour?" in gateway.home.history.read_text()
    async with conversation(gateway) as terminal:
        await terminal.sees("You answered: blue")


async def test_what_is_typed_before_the_prompt_stands_is_sent_too(gateway: Daemon) -> None:
    async with conversation(gateway) as terminal:
        # While no prompt stands, the terminal's own line editing hands on Enter as a line feed.
        terminal.types("say typed ahead\n")
        await until(lambda: bool(gateway.rows("SELECT 1 FROM inbox WHERE text = 'say typed ahead'")))


async def test_ctrl_c_stops_the_turn_or_clears_the_line_and_the_conversation_goes_on(gateway: Daemon) -> None:
    async with conversation(gateway) as terminal:
        terminal.types(f"sleep 50{ENTER}")
        await terminal.sees("sleep 50")
        await until(lambda: bool(gateway.rows("SELECT 1 FROM turn WHERE state = 'running'")))
        terminal.types(CTRL_C)
        await terminal.sees("Stopped")
        terminal.types(f"say wrong{CTRL_C}say **still** here{ENTER}")
        await terminal.sees("still here")
    texts = [row["text"] for row in gateway.rows("SELECT text FROM inbox ORDER BY id")]
    assert texts == ["sleep 50", "/stop", "say **still** here"]
    assert [row["state"] for row in gateway.rows("SELECT state FROM turn ORDER BY started_at")] == [
        "cancelled",
        "done",
    ]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the store of another process shows."""
    async with asyncio.timeout(WITHIN):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - another process has no event for us
            await asyncio.sleep(0.05)


async def test_quit_leaves_and_is_said_to_nobody(gateway: Daemon) -> None:
    async with conversation(gateway) as terminal:
        terminal.types("/quit\r")
        await terminal.running
    assert gateway.rows("SELECT 1 FROM inbox") == []


async def test_a_gateway_that_is_killed_and_comes_back_loses_no_word(gateway: Daemon) -> None:
    async with conversation(gateway) as terminal:
        await gateway.kill()
        await terminal.sees("cannot be reached")
        terminal.types(f"say *after* all{ENTER}")
        await gateway.start()
        await terminal.sees("after all")
    assert [row["text"] for row in gateway.rows("SELECT text FROM inbox")] == ["say *after* all"]


async def test_a_gateway_that_starts_takes_over_from_a_terminal_of_its_own(tmp_path: Path) -> None:
    settings = quiet_settings(web={"enabled": True})
    async with Daemon(tmp_path / "home", settings) as alone, Daemon(tmp_path / "home", settings) as gateway:
        await alone.launch("", "chat", "-q", "sleep 3")
        await until(lambda: daemon.read(alone.home) is not None)
        await gateway.start()
        assert gateway.info.pid == gateway.pid
        assert await alone.ended() == 0


@pytest.mark.parametrize("evil", ["\x1b]0;owned\x07", "\x1b[2J", "\x9b2J", "a\rb", "\x7f"])
def test_an_answer_cannot_command_the_terminal(evil: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", clean(evil))
