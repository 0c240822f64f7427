"""What the pages say about the API is so: the example runs against a real daemon, the endpoints are all described."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.pages import ROOT, blocks
from web.chat.endpoints import endpoints
from web.chat.shapes import MessageView, Said, Tapped, UploadView

PAGE = ROOT / "docs" / "how-to" / "api.md"
ENDPOINTS = ROOT / "docs" / "reference" / "chat-endpoints.md"


class Nothing:
    """Stands in for what the declarations hold but do not touch."""

    def __getattr__(self, name: str) -> "Nothing":
        return self


NOTHING: Any = Nothing()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """Run a gateway and give what it writes down for the commands of this machine."""
    environ = {
        "HERMES_HOME": str(tmp_path / "home"),
        "HERMES_WEB__PORT": "0",
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "hermes", "gateway", env=environ, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    while b"Ctrl-C" not in (line := await process.stdout.readline()):
        assert line, "the gateway ended"
    yield json.loads((tmp_path / "home" / "daemon.json").read_text("utf-8"))
    process.send_signal(signal.SIGINT)
    await process.communicate()


async def test_the_client_of_the_page_talks_to_the_agent_with_a_token_of_its_own(
    daemon: dict[str, str],
) -> None:
    owner = {"authorization": f"Bearer {daemon['token']}"}
    async with httpx.AsyncClient(base_url=daemon["url"], headers=owner, trust_env=False) as client:
        made = await client.post("/api/hermes/tokens", json={"name": "example", "scopes": ["chat"]})
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            next(blocks(PAGE, "python")),
            env={"HERMES_URL": daemon["url"], "TOKEN": made.json()["secret"]},
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            printed, _ = await process.communicate()
        assert printed.decode().strip() == "Hello from a program"
        # The program is nobody's guest: it neither sees nor disturbs the owner's chats.
        assert (await client.get("/api/chat/web/example/history")).json()["messages"] == []


def test_every_chat_endpoint_is_described() -> None:
    described = ENDPOINTS.read_text("utf-8")
    text = re.sub(r"\s+", " ", described)
    for endpoint in endpoints(NOTHING):
        path = endpoint.path.partition("/files/")[0]
        assert f"{endpoint.method} {path}" in text or endpoint.name == "chat.file", endpoint.path


@pytest.mark.parametrize("shape", [MessageView, Said, Tapped, UploadView], ids=lambda shape: shape.__name__)
def test_every_field_of_a_message_is_in_the_example(shape: type[Any]) -> None:
    described = ENDPOINTS.read_text("utf-8")
    assert {
        name for name in shape.model_fields if f'"{name}"' not in described and f"`{name}`" not in described
    } == set()


def test_every_event_of_a_stream_is_described() -> None:
    script = (ROOT / "web" / "static" / "stream.js").read_text("utf-8")
    names = re.findall(r'"(\w+)"', re.search(r"const NAMES = \[(.*?)\]", script, re.DOTALL)[1])  # pyright: ignore[reportOptionalSubscript]
    described = ENDPOINTS.read_text("utf-8")
    assert [name for name in names if f"| `{name}` |" not in described] == []
