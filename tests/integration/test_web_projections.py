"""The operations as REST and as MCP tools, their description, and the signs for what watches over the daemon."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import BaseModel, Field

from kernel.errors import (
    AccessDenied,
    ConfigError,
    DeliveryDeferred,
    HermesError,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Stale,
    StoreFull,
    StoreReadOnly,
)
from kernel.people import Principal, Scope
from kernel.specs import Operation
from tests.fakes.web_site import Site, running_site
from web.settings import WebSettings


class Wish(BaseModel):
    """What to send."""

    chat: str
    text: str = Field(max_length=10)
    loud: bool = False
    tags: list[str] = []


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent."""

    by: str
    text: str
    tags: list[str] = field(default_factory=list[str])


ERRORS: dict[str, tuple[HermesError, int, str]] = {
    "stale": (Stale("It moved."), 409, "stale"),
    "missing": (NotFound("No."), 404, "not_found"),
    "invalid": (InvalidInput("No.", remedy="Try another."), 422, "invalid_input"),
    "denied": (AccessDenied("No."), 403, "access_denied"),
    "full": (StoreFull("Full."), 503, "store_full"),
    "damaged": (StoreReadOnly("Damaged."), 503, "store_read_only"),
    "unknown": (OutcomeUnknown("Who knows."), 500, "outcome_unknown"),
    "later": (DeliveryDeferred("Later.", retry_after=7), 503, "delivery_deferred"),
    "config": (ConfigError("Broken."), 422, "config_error"),
}


async def send(principal: Principal, wish: Wish) -> Sent:
    if wish.chat in ERRORS:
        raise ERRORS[wish.chat][0]
    if wish.chat == "bug":
        raise RuntimeError("the insides")
    return Sent(principal.id, wish.text.upper() if wish.loud else wish.text, wish.tags)


OPERATIONS = (
    Operation("things.send", "Send a thing.", Scope.SEND, Wish, Sent, send, "POST", "/things/{chat}"),
    Operation("things.find", "Find a thing.", Scope.READ, Wish, Sent, send, "GET", "/things/{chat}"),
    Operation("things.grant", "Grant a thing.", Scope.ADMIN, Wish, Sent, send, "POST", "/grants", mcp=False),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with running_site(tmp_path / "home", operations=OPERATIONS) as found:
        yield found


async def test_path_query_and_body_together_are_the_input(site: Site) -> None:
    async with site.client(await site.token(Scope.SEND, Scope.READ)) as client:
        posted = await client.post("/api/hermes/things/home", json={"text": "hi", "loud": True})
        assert posted.json()["text"] == "HI"
        assert posted.json()["by"].startswith("token:tok_")
        found = await client.get(
            "/api/hermes/things/home", params={"text": "hi", "loud": "true", "tags": ["a"]}
        )
        assert (found.json()["text"], found.json()["tags"]) == ("HI", ["a"])


@pytest.mark.parametrize("kind", ERRORS)
async def test_each_error_has_its_status_and_the_one_shape(site: Site, kind: str) -> None:
    error, status, code = ERRORS[kind]
    async with site.client(await site.token()) as client:
        answer = await client.post(f"/api/hermes/things/{kind}", json={"text": "x"})
    assert answer.status_code == status
    assert answer.json() == {"error": {"code": code, "message": error.message, "remedy": error.remedy}}
    assert answer.headers.get("retry-after") == ("7" if kind == "later" else None)


async def test_a_defect_shows_none_of_its_insides(site: Site) -> None:
    async with site.client(await site.token()) as client:
        answer = await client.post("/api/hermes/things/bug", json={"text": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "insides" not in answer.text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("{", "application/json", 422),
        ("[1]", "application/json", 422),
        ("[" * 100_000, "application/json", 422),
        ('{"text": "far too long a text"}', "application/json", 422),
        ('{"text": 5}', "application/json", 422),
        ("text=x", "application/x-www-form-urlencoded", 422),
        ("x" * (8 * 1024 * 1024 + 1), "application/json", 413),
    ],
)
async def test_bad_input_is_refused_in_the_one_shape(
    site: Site, content: str, kind: str, status: int
) -> None:
    async with site.client(await site.token()) as client:
        answer = await client.post("/api/hermes/things/x", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "remedy"}


async def test_unknown_addresses_and_methods_have_the_one_shape_too(site: Site) -> None:
    async with site.client(await site.token()) as client:
        for method, path, status in (
            ("GET", "/api/nothing", 404),
            ("PUT", "/api/hermes/things/x", 405),
            ("GET", "/api", 404),
        ):
            answer = await client.request(method, path)
            assert (answer.status_code, set(answer.json()["error"])) == (
                status,
                {"code", "message", "remedy"},
            )


async def test_the_description_names_every_endpoint_and_resolves(site: Site) -> None:
    async with site.client(await site.token(Scope.READ)) as client:
        document = (await client.get("/api/openapi.json")).json()
    assert document["info"]["version"] == "1.2.3"
    ids = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    assert {"things.send", "things.find", "tokens.create", "chat.say", "chat.stream"} <= ids
    schemas = document["components"]["schemas"]
    assert all(reference.rpartition("/")[2] in schemas for reference in references(document))
    finding = document["paths"]["/api/hermes/things/{chat}"]["get"]
    assert {one["name"]: one["in"] for one in finding["parameters"]} == {
        "chat": "path",
        "text": "query",
        "loud": "query",
        "tags": "query",
    }


def references(node: Any) -> list[str]:
    """Return every $ref below a node."""
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []


async def test_an_mcp_client_sees_what_its_token_may_do_and_calls_it(site: Site) -> None:
    secret = await site.token(Scope.READ, Scope.SEND, name="editor")
    headers = {"authorization": f"Bearer {secret}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False) as http:
        transport = streamable_http_client(f"{site.url}/mcp", http_client=http)
        async with Client(transport) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {"things_send", "things_find"}
            assert tools["things_find"].annotations is not None
            assert tools["things_find"].annotations.read_only_hint is True
            result = await client.call_tool("things_send", {"chat": "home", "text": "hi", "loud": True})
            assert result.structured_content == {
                "by": "token:" + (await token_id(site)),
                "text": "HI",
                "tags": [],
            }
            failed = await client.call_tool("things_send", {"chat": "invalid", "text": "x"})
            assert failed.is_error
            assert "Try another." in str(failed.content)
            hidden = await client.call_tool("things_grant", {"chat": "home", "text": "x"})
            assert hidden.is_error
    seen = site.server.mcp_clients_seen()
    assert [client.token for client in seen] == ["editor"]


async def token_id(site: Site) -> str:
    async with site.client(await site.token()) as client:
        return (await client.get("/api/hermes/tokens")).json()["tokens"][0]["id"]


@pytest.mark.parametrize("credential", ["nothing", "bad", "cookie"])
async def test_mcp_takes_bearer_tokens_only(site: Site, credential: str) -> None:
    async with site.client("bad" if credential == "bad" else "") as client:
        if credential == "cookie":
            secret = (await site.login_url()).partition("#")[2]
            await client.post("/login", data={"token": secret}, headers={"origin": site.url})
        answer = await client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")


async def test_mcp_is_loaded_with_its_first_request_only(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom tests.fakes.web_site import running_site\n"
        "async def main():\n"
        "    async with running_site(Path(sys.argv[1])) as site:\n"
        "        async with site.client(await site.token()) as client:\n"
        "            await client.get('/api/openapi.json')\n"
        "            print('mcp' in sys.modules, 'fastapi' in sys.modules)\n"
        "            await client.post('/mcp', json={})\n"
        "            print('mcp' in sys.modules)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        str(tmp_path / "home"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out.decode().split() == ["False", "False", "True"]


async def test_health_is_told_from_progress_and_details_to_those_who_may_read(site: Site) -> None:
    async with site.client() as stranger, site.client(await site.token(Scope.READ)) as reader:
        assert (await stranger.get("/healthz")).json() == {"status": "ok"}
        assert (await reader.get("/healthz")).json() == {"alive": True, "turns": 3, "status": "ok"}
        site.health["alive"] = False
        answer = await stranger.get("/healthz")
        assert (answer.status_code, answer.json()) == (503, {"status": "stalled"})


async def test_metrics_need_a_token_unless_the_settings_open_them(site: Site, tmp_path: Path) -> None:
    async with site.client() as stranger, site.client(await site.token(Scope.READ)) as reader:
        assert (await stranger.get("/metrics")).status_code == 401
        answer = await reader.get("/metrics")
        assert (answer.text, answer.headers["content-type"]) == (
            "hermes_up 1\n",
            "text/plain; version=0.0.4; charset=utf-8",
        )
    settings = WebSettings(port=0, open_metrics=True)
    async with running_site(tmp_path / "open", settings=settings) as opened, opened.client() as stranger:
        assert (await stranger.get("/metrics")).status_code == 200


async def test_a_port_in_use_is_said_in_a_sentence(site: Site, tmp_path: Path) -> None:
    port = int(site.url.rpartition(":")[2])
    with pytest.raises(ConfigError, match="is in use by another program") as failure:
        async with running_site(tmp_path / "other", settings=WebSettings(port=port)):
            pass
    assert "HERMES_WEB__PORT" in failure.value.remedy


async def test_an_address_that_is_none_is_said_in_a_sentence(tmp_path: Path) -> None:
    settings = WebSettings(host="nowhere.invalid", port=0, behind_proxy=True)
    with pytest.raises(ConfigError, match="cannot listen on"):
        async with running_site(tmp_path / "home", settings=settings):
            pass


async def test_stopping_frees_the_port_while_a_page_is_open(tmp_path: Path) -> None:
    async with running_site(tmp_path / "home") as site:
        port = int(site.url.rpartition(":")[2])
        async with (
            site.client(await site.token()) as client,
            client.stream("GET", "/api/chat/web/main/stream") as response,
        ):
            await anext(response.aiter_lines())
            await asyncio.wait_for(site.server.stop(), 3)
            await asyncio.wait_for(site.server.stop(), 3)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


async def test_an_idle_server_does_not_wake_up(site: Site) -> None:
    async with site.client(await site.token()) as client:
        await client.get("/api/commands")
        process = psutil.Process()
        await asyncio.sleep(0.2)
        before = process.num_ctx_switches().voluntary
        await asyncio.sleep(1.0)
        # One for the sleep itself, a few for whatever the test's own machinery does; uvicorn's own loop takes ten.
        assert process.num_ctx_switches().voluntary - before <= 4
