"""The wizard, answered at a real terminal: a refused token is asked for again, the owner is found by a code."""

import asyncio
import os
import pty
import sys
import termios
from pathlib import Path
from typing import Self

import yaml

from hermes.home import Home
from tests.fakes.telegram_server import TelegramServer

PROGRAM = Path(sys.executable).with_name("hermes")
WITHIN = 20.0


class Wizard:
    """``hermes setup`` at a pseudo-terminal, on a machine without systemd."""

    def __init__(self, home: Home, telegram: TelegramServer, folder: Path) -> None:
        self.text = ""
        self.process: asyncio.subprocess.Process
        self._environ = {
            "PATH": str(folder),
            "HERMES_HOME": str(home.root),
            "TERM": "dumb",
            "HOME": str(folder),
        }
        self._environ["HERMES_PLATFORMS__TELEGRAM__API_BASE"] = telegram.url
        self._descriptor = -1
        self._read_to = 0
        self._more = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._descriptor, theirs = pty.openpty()
        self.process = await asyncio.create_subprocess_exec(
            PROGRAM, "setup", stdin=theirs, stdout=theirs, stderr=theirs, env=self._environ
        )
        os.close(theirs)
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def _read(self) -> None:
        try:
            self.text += os.read(self._descriptor, 4096).decode()
        except OSError:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self._more.set()

    async def asks(self, words: str) -> str:
        """Wait for a question and return everything that was written since the one before it."""
        try:
            async with asyncio.timeout(WITHIN):
                while words not in self.text[self._read_to :]:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise TimeoutError(f"{words!r} was not asked, but:\n{self.text}") from None
        end = self.text.index(words, self._read_to) + len(words)
        written, self._read_to = self.text[self._read_to : end], end
        return written

    async def answer_hidden(self, text: str) -> None:
        """Type a line once the terminal shows nothing that is typed; what comes sooner is thrown away."""
        async with asyncio.timeout(WITHIN):
            while termios.tcgetattr(self._descriptor)[3] & termios.ECHO:  # noqa: ASYNC110 - a terminal has no event
                await asyncio.sleep(0.02)
        self.answer(text)

    def answer(self, text: str = "") -> None:
        """Type a line."""
        os.write(self._descriptor, f"{text}\n".encode())


async def test_the_wizard_asks_checks_and_writes(telegram: TelegramServer, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    async with Wizard(home, telegram, tmp_path) as wizard:
        await wizard.asks("Telegram bot token")
        await wizard.answer_hidden("1:wrong")
        await wizard.asks("copy it again")
        await wizard.asks("Telegram bot token")
        await wizard.answer_hidden(telegram.token)
        await wizard.asks("Your Telegram id, if you know it")
        wizard.answer()
        code = (await wizard.asks(" and press Start")).partition("?start=")[2].split()[0]
        telegram.user_says(8, "hello")
        telegram.user_says(7, f"/start {code}")
        await wizard.asks("That was 7")
        for question in ("Model (", "Your timezone", "Language of the answers"):
            await wizard.asks(question)
            wizard.answer()
        await wizard.asks("Your name")
        wizard.answer("Ada")
        await wizard.asks("Done.")
        assert await wizard.process.wait() == 0
    assert telegram.token not in wizard.text
    assert home.secrets.read_text() == f"TELEGRAM_BOT_TOKEN={telegram.token}\n"
    assert yaml.safe_load(home.config.read_text()) == {
        "owner": {"name": "Ada"},
        "access": {"owners": ["telegram:7"]},
    }
    assert [update for update in telegram.calls("getUpdates") if "offset" in update.params] == []


async def test_a_refused_token_given_as_a_flag_is_not_written(
    telegram: TelegramServer, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    environ = {
        **os.environ,
        "HERMES_HOME": str(home.root),
        "HERMES_PLATFORMS__TELEGRAM__API_BASE": telegram.url,
    }
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "setup", "--yes", "--telegram-token", "1:wrong", env=environ, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (1, "hermes: Telegram refuses the token.\n")
    assert not home.secrets.exists()
