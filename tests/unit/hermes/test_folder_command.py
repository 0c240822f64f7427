"""``/folder``: where a conversation works, shown, chosen and taken back."""

from pathlib import Path

import pytest

from gateway.commands.folders import FolderCommands, Places
from hermes.folders import Folders
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.errors import InvalidInput
from kernel.messages import Address
from kernel.people import Principal, Role
from kernel.specs import CommandCall
from store.database import Database

OWNER = Principal("web:owner", Role.OWNER)


class House:
    """The folders of conversations in memory."""

    def __init__(self) -> None:
        self.chosen: dict[str, str] = {}

    def now(self, session_id: str) -> Path:
        return Path(self.chosen.get(session_id) or "/usual")

    def check(self, path: str, principal: Principal) -> str:
        if path == "/secret":
            raise InvalidInput(f"{path} is none for {principal.id}.")
        return path

    async def choose(self, session_id: str, folder: str) -> None:
        self.chosen[session_id] = folder


async def say(house: House, args: str) -> str:
    [command] = FolderCommands(Places(house.now, house.check, house.choose)).commands()
    place = Address("web", "local", "main")
    call = CommandCall(OWNER, place, "s_1", args, inbox_id=1, private=True, sender_id="owner")
    return (await command.run(call)).text


async def test_a_folder_is_shown_chosen_and_taken_back() -> None:
    house = House()
    assert "`/usual`" in await say(house, "")
    assert "`/code`" in await say(house, "/code")
    assert "`/code`" in await say(house, "")
    with pytest.raises(InvalidInput):
        await say(house, "/secret")
    assert "`/usual`" in await say(house, "default")


async def test_a_chosen_folder_is_known_after_a_restart_and_one_that_is_gone_counts_no_more(
    tmp_path: Path,
) -> None:
    database = await Database.open(tmp_path / "hermes.db", clock=SystemClock(), bus=Bus())
    try:
        code = tmp_path / "code"
        code.mkdir()
        await Folders(database).choose("s_1", str(code))
        folders = Folders(database)
        assert folders.of("s_1") is None
        await folders.load()
        assert folders.of("s_1") == code
        assert folders.of("s_2") is None
        code.rmdir()
        assert folders.of("s_1") is None
        await folders.choose("s_1", "")
        again = Folders(database)
        await again.load()
        assert again.of("s_1") is None
    finally:
        await database.close()
