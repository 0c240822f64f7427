"""The chat endpoints over a real port: saying, history, stream, buttons, files."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from kernel.people import Scope
from store.inbox import InboxRow
from store.tokens import TokenKind
from tests.fakes.local_gateway import LocalGateway
from tests.fakes.web_site import Site, events, running_site, until


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with running_site(tmp_path / "home") as found:
        yield found


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client(await site.token(kind=TokenKind.CLI)) as found:
        yield found


async def say(
    client: httpx.AsyncClient, text: str, key: str, chat: str = "main", **more: object
) -> httpx.Response:
    return await client.post(f"/api/chat/web/{chat}/messages", json={"key": key, "text": text, **more})


async def test_what_is_said_is_committed_and_answered(site: Site, client: httpx.AsyncClient) -> None:
    answer = await say(client, "hello", "key-00001")
    assert (answer.status_code, answer.json()) == (202, {"key": "key-00001"})
    await site.gateway.settle()
    history = (await client.get("/api/chat/web/main/history")).json()
    assert [(one["direction"], one["text"], one["state"]) for one in history["messages"]] == [
        ("in", "hello", "done"),
        ("out", "You said **hello**", "sent"),
    ]
    assert site.gateway.received[0].sender.id == "owner"


async def test_posting_a_message_again_changes_nothing(site: Site, client: httpx.AsyncClient) -> None:
    for _ in range(3):
        assert (await say(client, "once", "key-00001")).status_code == 202
    await site.gateway.settle()
    assert len((await client.get("/api/chat/web/main/history")).json()["messages"]) == 2


async def test_history_is_read_page_by_page_without_gaps(site: Site, client: httpx.AsyncClient) -> None:
    for number in range(7):
        await say(client, f"message {number}", f"key-0000{number}")
        await site.gateway.settle()
    texts: list[str] = []
    older: str | None = ""
    while older is not None:
        page = (await client.get("/api/chat/web/main/history", params={"limit": 3, "before": older})).json()
        texts = [one["text"] for one in page["messages"]] + texts
        older = page["older"]
    expected = [
        text for number in range(7) for text in (f"message {number}", f"You said **message {number}**")
    ]
    assert texts == expected


async def test_a_stream_shows_drafts_and_then_the_message(site: Site, client: httpx.AsyncClient) -> None:
    async def answer(gateway: LocalGateway, row: InboxRow) -> None:
        await gateway.adapter.typing(row.inbound.address)
        await gateway.adapter.draft(row.inbound.address, 1, "so *far*")
        await drafted.wait()
        await gateway.say(row.inbound.address, "so *far*, so good")

    drafted = asyncio.Event()
    site.gateway.answer = answer
    async with client.stream("GET", "/api/chat/web/main/stream", params={"view": "page"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events(response)
        await until(stream, "ready")
        await say(client, "go", "key-00001")
        assert (await until(stream, "message", direction="in")).data["message_id"] == "key-00001"
        draft = await until(stream, "draft")
        assert (draft.id, draft.data["html"]) == ("", "<p>so <em>far</em></p>\n")
        drafted.set()
        final = await until(stream, "message", direction="out")
        assert final.data["text"] == "so *far*, so good"
        assert '<article class="message out" id="out-1"' in final.data["html"]


async def test_a_stream_continues_after_the_last_event_seen(site: Site, client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/api/chat/web/main/stream") as response:
        stream = events(response)
        await until(stream, "ready")
        await say(client, "first", "key-00001")
        states: dict[str, str] = {}
        last = ""
        async for one in stream:
            states[one.data.get("id", "")] = one.data.get("state", "")
            if one.id and states.get("in-1") == "done" and states.get("out-1") == "sent":
                last = one.id
                break
    await say(client, "while away", "key-00002")
    await site.gateway.settle()
    async with client.stream("GET", "/api/chat/web/main/stream", headers={"last-event-id": last}) as response:
        stream = events(response)
        await until(stream, "ready")
        missed = [await until(stream, "message"), await until(stream, "message")]
        assert [one.data["text"] for one in missed] == ["while away", "You said **while away**"]
        assert int(missed[-1].id) > int(last)


async def test_a_stream_that_is_too_far_behind_is_told_to_read_the_history(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/api/chat/web/main/stream", params={"since": 99_999}) as response:
        stream = events(response)
        await until(stream, "reset")


async def test_a_pressed_button_reaches_the_gateway_once_and_the_card_is_edited(
    site: Site, client: httpx.AsyncClient
) -> None:
    async def ask(gateway: LocalGateway, row: InboxRow) -> None:
        await gateway.say(row.inbound.address, "Shall I?", buttons=[[("Yes", "q:1:yes"), ("No", "q:1:no")]])

    site.gateway.answer = ask
    await say(client, "go", "key-00001")
    await site.gateway.settle()
    card = (await client.get("/api/chat/web/main/history")).json()["messages"][1]
    assert card["buttons"] == [[{"label": "Yes", "value": "q:1:yes"}, {"label": "No", "value": "q:1:no"}]]
    async with client.stream("GET", "/api/chat/web/main/stream") as response:
        stream = events(response)
        await until(stream, "ready")
        for _ in range(2):
            body = {"key": "tap-00001", "value": "q:1:yes", "message_id": card["message_id"]}
            assert (await client.post("/api/chat/web/main/taps", json=body)).status_code == 202
        assert (await until(stream, "tap")).data["text"] == "You chose q:1:yes."
        edited = await until(stream, "message", id=card["id"], text="Thank you.")
        assert (edited.data["buttons"], edited.data["edited"]) == ([], True)
    assert len(site.gateway.taps) == 1
    history = (await client.get("/api/chat/web/main/history")).json()["messages"]
    assert [one["text"] for one in history] == ["go", "Thank you."]


async def test_a_file_goes_up_and_comes_down_again(site: Site, client: httpx.AsyncClient) -> None:
    content = b"\x89PNG\r\n" + bytes(100_000)
    up = await client.post(
        "/api/chat/web/main/uploads", params={"name": "../../etc/photo.png"}, content=content
    )
    assert up.status_code == 201
    upload = up.json()
    assert (upload["name"], upload["mime"], upload["size"]) == ("photo.png", "image/png", len(content))
    assert (await say(client, "look", "key-00001", attachments=[upload])).status_code == 202
    await site.gateway.settle()
    message = (await client.get("/api/chat/web/main/history")).json()["messages"][0]
    down = await client.get(message["attachments"][0]["url"])
    assert down.content == content
    assert down.headers["content-disposition"] == "attachment; filename*=UTF-8''photo.png"
    assert "sandbox" in down.headers["content-security-policy"]
    shown = await client.get(message["attachments"][0]["url"], params={"shown": ""})
    assert shown.headers["content-disposition"].startswith("inline;")


async def test_html_is_never_shown_in_place(site: Site, client: httpx.AsyncClient) -> None:
    up = await client.post(
        "/api/chat/web/main/uploads", params={"name": "x.html"}, content=b"<script>1</script>"
    )
    await say(client, "look", "key-00001", attachments=[up.json()])
    await site.gateway.settle()
    down = await client.get("/api/chat/web/main/files/in-1-0", params={"shown": ""})
    assert down.headers["content-disposition"].startswith("attachment;")
    assert down.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_file_that_is_too_large_leaves_nothing_behind(
    site: Site, client: httpx.AsyncClient, *, chunked: bool
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(21):
            yield bytes(1024 * 1024)

    content = parts() if chunked else bytes(21 * 1024 * 1024)
    answer = await client.post("/api/chat/web/main/uploads", params={"name": "big.bin"}, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert list((site.home / "media" / "incoming").glob("*")) == []


async def test_files_are_served_to_their_chat_only(site: Site, client: httpx.AsyncClient) -> None:
    up = await client.post("/api/chat/web/main/uploads", params={"name": "a.txt"}, content=b"secret")
    await say(client, "look", "key-00001", attachments=[up.json()])
    await site.gateway.settle()
    assert (await client.get("/api/chat/web/main/files/in-1-0")).content == b"secret"
    for path in ("web/other/files/in-1-0", "terminal/main/files/in-1-0", "web/main/files/in-1-1"):
        assert (await client.get(f"/api/chat/{path}")).status_code == 404
    assert (await client.get("/api/chat/web/main/files/..%2f..%2fhermes.db")).status_code == 404


@pytest.mark.parametrize("kind", ["home", "link"])
async def test_a_message_cannot_name_the_homes_own_files(
    site: Site, client: httpx.AsyncClient, kind: str
) -> None:
    secret = site.home / "daemon.json"
    secret.write_text("{}")
    link = site.home / "workspace" / "report.txt"
    link.parent.mkdir()
    link.symlink_to(secret)
    address = site.gateway.adapter.address("main")
    row = await site.gateway.say(address, "here", file=secret if kind == "home" else link)
    assert (await client.get(f"/api/chat/web/main/files/out-{row.id}-0")).status_code == 404


async def test_an_upload_name_of_somebody_elses_making_is_refused(client: httpx.AsyncClient) -> None:
    forged = {"upload": "../hermes.db", "name": "x", "mime": "", "size": 1}
    answer = await say(client, "look", "key-00001", attachments=[forged])
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"key": "key-00001", "text": "  "}, "empty"),
        ({"key": "short", "text": "x"}, "key"),
        ({"text": "x"}, "key"),
        ({"key": "key-00001", "text": "x", "role": "owner"}, "role"),
    ],
)
async def test_a_message_that_makes_no_sense_is_refused_with_a_sentence(
    client: httpx.AsyncClient, body: dict[str, str], words: str
) -> None:
    answer = await client.post("/api/chat/web/main/messages", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"].lower()


async def test_a_megabyte_of_text_is_a_message(site: Site, client: httpx.AsyncClient) -> None:
    text = "ä" * 1_000_000
    assert (await say(client, text, "key-00001")).status_code == 202
    await site.gateway.settle()
    page = (await client.get("/api/chat/web/main/history", params={"view": "page"})).json()
    assert page["messages"][0]["text"] == text


async def test_programs_have_chats_of_their_own(site: Site, client: httpx.AsyncClient) -> None:
    one, two = [await site.token(Scope.CHAT, name=name) for name in ("one", "two")]
    async with site.client(one) as first, site.client(two) as second:
        await say(first, "mine", "key-00001")
        await site.gateway.settle()
        assert [chat["chat"] for chat in (await first.get("/api/chat/web")).json()["chats"]] == ["main"]
        assert (await second.get("/api/chat/web")).json()["chats"] == []
        assert (await second.get("/api/chat/web/main/history")).json()["messages"] == []
        assert (await client.get("/api/chat/web/main/history")).json()["messages"] == []
    assert site.gateway.received[0].sender.id.startswith("token:tok_")


async def test_the_terminal_has_the_same_endpoints(site: Site, client: httpx.AsyncClient) -> None:
    await client.post("/api/chat/terminal/main/messages", json={"key": "key-00001", "text": "hi"})
    await site.terminal.settle()
    history = (await client.get("/api/chat/terminal/main/history")).json()
    assert [one["text"] for one in history["messages"]] == ["hi", "You said **hi**"]
    assert [chat["title"] for chat in (await client.get("/api/chat/terminal")).json()["chats"]] == ["hi"]
    commands = (await client.get("/api/commands")).json()["commands"]
    assert commands[0] == {"name": "help", "summary": "What Hermes can do"}


async def test_a_gateway_that_stops_is_said_to_be_away(site: Site, client: httpx.AsyncClient) -> None:
    await site.stop_gateway()
    answer = await say(client, "hello", "key-00001")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "platform_unavailable")


async def test_a_revoked_token_ends_its_streams(site: Site, client: httpx.AsyncClient) -> None:
    secret = await site.token(Scope.CHAT)
    async with site.client(secret) as other, other.stream("GET", "/api/chat/web/main/stream") as response:
        stream = events(response)
        await until(stream, "ready")
        listed = (await client.get("/api/hermes/tokens")).json()["tokens"]
        assert (await client.delete(f"/api/hermes/tokens/{listed[0]['id']}")).status_code == 200
        assert [one async for one in stream] == []
