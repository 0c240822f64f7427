"""Where the tutorial plays: shells, a gateway, the page in a browser, a terminal, and phones on Telegram."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from tests.docs.terminal import Terminal
from tests.docs.transcript import CODE, Block, Line, missing, pattern
from tests.fakes.telegram_server import TelegramServer

BIN = Path(sys.executable).parent
PEOPLE = {"you": 7, "friend": 8}
PATIENCE = 30.0


@dataclass(slots=True)
class Stage:
    """One machine with its screens; ``code`` is the last one-time or pairing code anybody was shown."""

    folder: Path
    environ: Mapping[str, str]
    telegram: TelegramServer
    browser: Browser
    shell: asyncio.subprocess.Process | None = None
    gateway: asyncio.subprocess.Process | None = None
    printed: str = ""
    code: str = ""
    read: dict[int, int] = field(default_factory=dict[int, int])
    page: Page | None = None

    async def play(self, block: Block) -> None:
        """Carry out one block and compare."""
        match block.place:
            case "gateway" | "gateway restarted":
                await self._start(block, restarted=bool(block.place.partition(" ")[2]))
            case "page":
                await self._chat_on_page(block.lines)
            case "terminal":
                await asyncio.to_thread(self._chat_in_terminal, block.lines)
            case "telegram":
                await self._chat_on_telegram(block.lines)
            case _:
                for command in block.commands:
                    printed = await self._run(self._with_code(command.line))
                    assert not (line := missing(command.expected, printed)), f"{line!r} not in:\n{printed}"

    def _with_code(self, text: str) -> str:
        return CODE.sub(self.code, text)

    async def _start(self, block: Block, *, restarted: bool) -> None:
        """Start the gateway as `make run` does and read what it prints until it has said all that is expected."""
        if restarted:
            await self.stop(signal.SIGINT)
        elif self.gateway is not None:
            await self.gateway.wait()
        self.printed = ""
        self.gateway = await asyncio.create_subprocess_exec(
            BIN / "hermes", "gateway", cwd=self.folder, env=dict(self.environ), stdout=asyncio.subprocess.PIPE
        )
        assert self.gateway.stdout is not None
        expected = block.commands[0].expected
        async with asyncio.timeout(PATIENCE):
            while missing(expected, self.printed):
                line = (await self.gateway.stdout.readline()).decode()
                assert line, f"the gateway ended; it printed:\n{self.printed}"
                self.printed += line
        self.code = next(iter(CODE.findall(self.printed)), self.code)

    async def stop(self, number: int) -> None:
        """Stop what runs."""
        if self.gateway is not None and self.gateway.returncode is None:
            self.gateway.send_signal(number)
            await self.gateway.wait()

    async def _run(self, line: str) -> str:
        """Type a line into the shell and return what it prints, errors included."""
        if self.shell is None:
            self.shell = await asyncio.create_subprocess_exec(
                "bash", cwd=self.folder, env=dict(self.environ),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{line}\necho; echo :end:\n".encode())
        async with asyncio.timeout(PATIENCE):
            return (await self.shell.stdout.readuntil(b":end:\n")).decode().removesuffix(":end:\n")

    async def _chat_on_page(self, lines: tuple[Line, ...]) -> None:
        page = self.page or await self._log_in()
        for line in lines:
            if line.speaker == "you":
                await page.get_by_label("Message", exact=True).fill(line.text)
                await page.keyboard.press("Enter")
            elif line.speaker == "press":
                await page.get_by_role("button", name=line.text).click()
            else:
                await page.locator("#log .message.out").get_by_text(pattern(line.text)).last.wait_for()

    async def _log_in(self) -> Page:
        login = re.search(r"http\S+/login#\S+", self.printed)
        assert login is not None, self.printed
        self.page = page = await self.browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        await page.goto(login[0])
        await page.wait_for_selector("#text")
        return page

    def _chat_in_terminal(self, lines: tuple[Line, ...]) -> None:
        with Terminal([str(BIN / "hermes")], self.environ, self.folder) as terminal:
            for line in lines:
                if line.speaker == "you":
                    terminal.type(line.text)
                else:
                    terminal.wait_for(pattern(line.text))

    async def _chat_on_telegram(self, lines: tuple[Line, ...]) -> None:
        chat = PEOPLE["you"]
        for line in lines:
            if line.speaker in PEOPLE:
                chat = PEOPLE[line.speaker]
                self.read[chat] = len(self.telegram.messages(chat))
                self.telegram.user_says(chat, self._with_code(line.text))
            else:
                await self._read(chat, line.text)

    async def _read(self, chat: int, text: str) -> None:
        """Wait for a new message in a chat that fits, and keep the code in it."""
        wanted = pattern(text)

        def found() -> str | None:
            fresh = self.telegram.messages(chat)[self.read[chat] :]
            return next((message.text for message in fresh if wanted.search(message.text)), None)

        said = await self.telegram.wait_for(found, within=PATIENCE)
        self.code = next(iter(CODE.findall(said or "")), self.code)

    async def end(self) -> None:
        """Stop what still runs."""
        await self.stop(signal.SIGTERM)
        if self.shell is not None:
            with suppress(ProcessLookupError):
                self.shell.terminate()
            await self.shell.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@asynccontextmanager
async def stage(folder: Path) -> AsyncGenerator[Stage]:
    """Yield an empty machine: a home of its own, any free port, and a Telegram on loopback."""
    async with TelegramServer() as telegram, async_playwright() as playwright:
        environ = {
            **os.environ,
            "HOME": str(folder),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            # The same port after each start, as on a real machine: an open page finds the next gateway.
            "HERMES_WEB__PORT": str(free_port()),
            "HERMES_PLATFORMS__TELEGRAM__API_BASE": telegram.url,
        }
        (folder / "token.txt").write_text(telegram.token + "\n", "utf-8")
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        built = Stage(folder, environ, telegram, browser)
        try:
            yield built
        finally:
            await built.end()
            await browser.close()
