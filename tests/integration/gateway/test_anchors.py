"""Where a platform without acknowledgements takes up again: at the last committed message of each place."""

from pathlib import Path

from kernel.messages import Address
from tests.fakes.adapter import ANN
from tests.support.gateway import running


async def test_every_chat_has_its_last_committed_message(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for chat, text in (("7", "one"), ("-8", "two"), ("7", "three")):
            await rig.adapter.say(text, sender=ANN, chat=chat)
            await rig.settled()
        identity = rig.adapter.identity
        rows = await rig.rows("SELECT chat, message_id FROM inbox ORDER BY id")
        anchors = await rig.gateway.connections[(identity.platform, identity.account)].anchors()
    last = {row["chat"]: row["message_id"] for row in rows}
    assert anchors == {
        Address(identity.platform, identity.account, chat): message for chat, message in last.items()
    }


async def test_an_adapter_remembers_a_small_text_until_it_forgets_it(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        identity = rig.adapter.identity
        link = rig.gateway.connections[(identity.platform, identity.account)]
        assert await link.recall("where") == ""
        await link.remember("where", "here")
        assert await link.recall("where") == "here"
        assert await rig.rows("SELECT name FROM mark WHERE name LIKE 'adapter:%'") != []
        await link.remember("where", "")
        assert await rig.rows("SELECT name FROM mark WHERE name LIKE 'adapter:%'") == []
