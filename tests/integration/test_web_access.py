"""Who gets in: tokens, logins, cookies, and what other sites may not do."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from kernel.people import Role, Scope
from store.tokens import TokenKind
from tests.fakes.web_site import Site, running_site
from web.auth import DAY, HOUR, authenticate
from web.settings import WebSettings


class SlowClock:
    """A clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.milliseconds = 1_795_000_000_000

    def now(self) -> int:
        return self.milliseconds

    def monotonic(self) -> float:
        return self.milliseconds / 1000


@pytest.fixture
async def clock() -> SlowClock:
    return SlowClock()


@pytest.fixture
async def site(tmp_path: Path, clock: SlowClock) -> AsyncIterator[Site]:
    async with running_site(tmp_path / "home", clock=clock) as found:
        yield found


async def log_in(site: Site, client: httpx.AsyncClient, secret: str = "") -> httpx.Response:
    secret = secret or (await site.login_url()).partition("#")[2]
    return await client.post("/login", data={"token": secret}, headers={"origin": site.url})


async def test_a_login_token_opens_the_page_once(site: Site) -> None:
    secret = (await site.login_url()).partition("#")[2]
    async with site.client() as first, site.client() as second:
        assert (await first.get("/")).headers["location"] == "/login"
        answer = await log_in(site, first, secret)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert (await first.get("/")).headers["location"] == "/new"
        again = await log_in(site, second, secret)
        assert again.status_code == 401
        assert "used already" in again.text


async def test_a_login_token_expires(site: Site, clock: SlowClock) -> None:
    secret = (await site.login_url()).partition("#")[2]
    clock.milliseconds += 15 * 60_000 + 1
    async with site.client() as client:
        assert (await log_in(site, client, secret)).status_code == 401


async def test_a_new_login_token_ends_the_one_before(site: Site) -> None:
    old = (await site.login_url()).partition("#")[2]
    new = (await site.login_url()).partition("#")[2]
    async with site.client() as client:
        assert (await log_in(site, client, old)).status_code == 401
        assert (await log_in(site, client, new)).status_code == 303


async def test_a_login_token_is_no_bearer_token(site: Site) -> None:
    secret = (await site.login_url()).partition("#")[2]
    async with site.client(secret) as client:
        assert (await client.get("/api/commands")).status_code == 401


async def test_a_page_stays_logged_in_while_it_is_used(site: Site, clock: SlowClock) -> None:
    async with site.client() as client:
        await log_in(site, client)
        for _ in range(3):
            clock.milliseconds += 20 * DAY
            assert (await client.get("/api/commands")).status_code == 200
        clock.milliseconds += 31 * DAY
        assert (await client.get("/api/commands")).status_code == 401


async def test_logging_out_ends_the_session_everywhere(site: Site) -> None:
    async with site.client() as client:
        await log_in(site, client)
        cookie = dict(client.cookies)
        await client.post("/logout", headers={"origin": site.url})
        assert not client.cookies
        async with site.client(cookies=cookie) as thief:
            assert (await thief.get("/api/commands")).status_code == 401


async def test_only_hashes_are_stored(site: Site) -> None:
    secrets = [await site.token(kind=kind) for kind in TokenKind]
    await site.database.close()
    stored = b"".join(path.read_bytes() for path in site.home.glob("hermes.db*"))
    assert all(secret.split("_", 2)[2].encode() not in stored for secret in secrets)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer hermes_api_", "bearer x y"]
)
async def test_what_is_no_token_is_refused(site: Site, header: str) -> None:
    async with site.client() as client:
        answer = await client.get("/api/commands", headers={"authorization": header} if header else {})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthenticated"
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_empty_secret_is_nobodys(site: Site, clock: SlowClock) -> None:
    assert await authenticate(site.database, clock, "") is None


async def test_a_token_does_what_its_scopes_say_and_no_more(site: Site) -> None:
    async with site.client(await site.token(Scope.READ)) as client:
        assert (await client.get("/api/openapi.json")).status_code == 200
        for method, path in (("GET", "/api/commands"), ("GET", "/api/hermes/tokens"), ("GET", "/c/main")):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access_denied")


async def test_a_token_is_shown_once_listed_without_its_secret_and_revoked_at_once(site: Site) -> None:
    async with site.client(await site.token(kind=TokenKind.CLI)) as admin:
        made = await admin.post(
            "/api/hermes/tokens", json={"name": "editor", "scopes": ["read", "chat"], "days": 2}
        )
        secret = made.json()["secret"]
        listed = (await admin.get("/api/hermes/tokens")).json()["tokens"]
        assert [(one["name"], one["role"], one["scopes"]) for one in listed] == [
            ("editor", "user", ["chat", "read"])
        ]
        assert secret not in str(listed)
        async with site.client(secret) as client:
            assert (await client.get("/api/commands")).status_code == 200
            assert (await admin.delete(f"/api/hermes/tokens/{listed[0]['id']}")).status_code == 200
            assert (await client.get("/api/commands")).status_code == 401
        assert (await admin.delete("/api/hermes/tokens/tok_none")).status_code == 404


async def test_an_expired_token_is_over(site: Site, clock: SlowClock) -> None:
    async with site.client(await site.token(Scope.CHAT, ttl=timedelta(hours=1))) as client:
        assert (await client.get("/api/commands")).status_code == 200
        clock.milliseconds += HOUR
        assert (await client.get("/api/commands")).status_code == 401


async def test_a_token_cannot_make_a_mightier_one(site: Site) -> None:
    async with site.client(await site.token(Scope.ADMIN, role=Role.OPERATOR)) as client:
        for wish in ({"role": "owner"}, {"scopes": ["approvals:decide"]}):
            answer = await client.post("/api/hermes/tokens", json={"name": "x", **wish})
            assert answer.status_code == 403
        assert (await client.post("/api/hermes/logins", json={})).status_code == 403


async def test_a_token_that_decides_is_an_operators_at_least(site: Site) -> None:
    async with site.client(await site.token(kind=TokenKind.CLI)) as cli:
        wish = {"name": "phone", "scopes": ["approvals:decide"]}
        answer = await cli.post("/api/hermes/tokens", json=wish)
        assert answer.status_code == 422
        assert "operator" in answer.text
        made = await cli.post("/api/hermes/tokens", json={**wish, "role": "operator"})
        assert made.json()["role"] == "operator"


async def test_the_command_line_can_make_a_login(site: Site) -> None:
    async with site.client(await site.token(kind=TokenKind.CLI)) as cli, site.client() as browser:
        made = (await cli.post("/api/hermes/logins")).json()
        assert made["url"] == f"{site.url}/login#{made['token']}"
        assert (await log_in(site, browser, made["token"])).status_code == 303


async def test_failed_logins_are_slowed_down(site: Site, clock: SlowClock) -> None:
    async with site.client() as client:
        codes = [(await log_in(site, client, f"guess {number}")).status_code for number in range(12)]
        assert codes == [401] * 10 + [429] * 2
        assert (await log_in(site, client)).status_code == 429
        clock.milliseconds += 61_000
        assert (await log_in(site, client)).status_code == 303


async def test_bad_bearer_tokens_are_slowed_down_but_good_ones_pass(site: Site) -> None:
    good = await site.token(Scope.CHAT)
    async with site.client("bad") as client:
        codes = [(await client.get("/api/commands")).status_code for _ in range(62)]
        assert (codes[0], codes[-1]) == (401, 429)
        answer = await client.get("/api/commands")
        assert int(answer.headers["retry-after"]) > 0
    async with site.client(good) as client:
        assert (await client.get("/api/commands")).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1"]
)
async def test_a_name_that_is_not_ours_is_not_answered(site: Site, host: str) -> None:
    async with site.client(await site.token()) as client:
        answer = await client.get("/api/commands", headers={"host": host})
        assert answer.status_code in {400, 403}


@pytest.mark.parametrize("host", ["localhost", "localhost:9999", "127.0.0.1", "[::1]:8420", "LOCALHOST"])
async def test_this_machines_own_names_are_answered_also_through_a_tunnel(site: Site, host: str) -> None:
    async with site.client(await site.token()) as client:
        assert (await client.get("/api/commands", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
    ],
)
async def test_another_site_cannot_use_the_pages_cookie(site: Site, headers: dict[str, str]) -> None:
    async with site.client() as client:
        await log_in(site, client)
        body = {"key": "key-00001", "text": "transfer everything"}
        answer = await client.post("/api/chat/web/main/messages", json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "refused")
    assert site.gateway.received == []


async def test_another_site_cannot_follow_the_stream_or_embed_a_file(site: Site) -> None:
    async with site.client() as client:
        await log_in(site, client)
        for headers in (
            {"origin": "https://evil.example"},
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        ):
            assert (await client.get("/api/chat/web/main/stream", headers=headers)).status_code == 403


async def test_the_page_itself_may(site: Site) -> None:
    async with site.client() as client:
        await log_in(site, client)
        body = {"key": "key-00001", "text": "hello"}
        headers = {"origin": site.url, "sec-fetch-site": "same-origin"}
        assert (
            await client.post("/api/chat/web/main/messages", json=body, headers=headers)
        ).status_code == 202


async def test_every_answer_carries_its_protecting_headers(site: Site) -> None:
    async with site.client() as client:
        for path in ("/login", "/healthz", "/api/commands", "/nowhere", "/static/chat.js"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["referrer-policy"] == "same-origin"
            assert "server" not in headers


async def test_over_tls_the_cookie_is_secure_and_bound_to_its_host(tmp_path: Path) -> None:
    settings = WebSettings(port=0, public_url="https://hermes.example.org", behind_proxy=True)
    async with running_site(tmp_path / "home", settings=settings) as site, site.client() as client:
        secret = (await site.login_url()).partition("#")[2]
        headers = {"host": "hermes.example.org", "origin": "https://hermes.example.org"}
        answer = await client.post("/login", data={"token": secret}, headers=headers)
        assert answer.headers["set-cookie"].startswith("__Host-hermes_")
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]


async def test_two_homes_know_nothing_of_each_other(tmp_path: Path) -> None:
    async with running_site(tmp_path / "one") as one, running_site(tmp_path / "two") as two:
        secret, cookie_of_one = await one.token(), {}
        async with one.client() as client:
            await log_in(one, client)
            cookie_of_one = dict(client.cookies)
        async with two.client(secret) as client:
            assert (await client.get("/api/commands")).status_code == 401
        async with two.client(cookies=cookie_of_one) as client:
            assert (await client.get("/api/commands")).status_code == 401
        async with one.client(cookies=cookie_of_one) as client:
            assert (await client.get("/api/commands")).status_code == 200


async def test_many_logins_at_once_use_a_token_once(site: Site) -> None:
    secret = (await site.login_url()).partition("#")[2]
    async with site.client() as client:
        answers = await asyncio.gather(*(log_in(site, client, secret) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 401, 401, 401, 401]
