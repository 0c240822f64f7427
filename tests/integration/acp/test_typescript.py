"""An agent on the protocol's TypeScript SDK, where the package is installed: ACP_TYPESCRIPT_SDK names its folder."""

import os
import shutil
from pathlib import Path

import pytest

from kernel.approvals import ActionKind
from tests.fakes import acp_agent
from tests.support.coding import coding

SDK = os.environ.get("ACP_TYPESCRIPT_SDK", "")
NODE = shutil.which("node") or ""

pytestmark = pytest.mark.skipif(not (SDK and NODE), reason="needs node and @agentclientprotocol/sdk")


async def test_an_agent_on_the_typescript_sdk_speaks_asks_and_writes(tmp_path: Path) -> None:
    program = str(Path(acp_agent.__file__).with_suffix(".mjs"))
    async with coding(tmp_path, command=NODE, args=[program, SDK]) as home:
        outcome = await home.send(f"say hello\nwrite {home.folder}/a.txt text\nask touch /m/ark")
        assert outcome.text == "hello\nwritten\n"
        assert (home.folder / "a.txt").read_text() == "text"
        asked = home.desk.held()["a_1"]
        assert (asked.kind, asked.text) == (ActionKind.TERMINAL, "touch /m/ark")
        await home.approve("a_1")
        assert (await home.told("a_1")).text == "answer yes\n"
