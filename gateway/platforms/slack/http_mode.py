"""HTTP mode: a small listener behind a reverse proxy, which answers 200 only after the commit."""

import asyncio
import hmac
import json
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.adapter import Link
from gateway.platforms.slack.catchup import CatchUp
from gateway.platforms.slack.failures import platform_error
from gateway.platforms.slack.intake import Intake, Parcel
from gateway.platforms.slack.introduction import Introduction
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api, CallFailed
from kernel.clock import Clock
from kernel.errors import PlatformUnauthorised, PlatformUnavailable, StoreError

BODY_LIMIT = 4 * 1024 * 1024
# Older posts may be somebody's who recorded them (https://docs.slack.dev/authentication/verifying-requests-from-slack).
WINDOW_SECONDS = 300
CHECK_SECONDS = 60.0


class HttpMode:
    """Receives events, buttons, forms and slash commands as signed posts.

    Slack posts again what was not answered in three seconds, with ``X-Slack-Retry-Num``; it has the same keys, so
    that it is stored once.
    """

    def __init__(
        self,
        settings: SlackSettings,
        api: Api,
        intake: Intake,
        catch_up: CatchUp,
        introduction: Introduction,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._api = api
        self._intake = intake
        self._catch_up = catch_up
        self._introduction = introduction
        self._clock = clock
        self.port = 0

    async def run(self, link: Link) -> None:
        """Listen until cancelled; raise PlatformUnavailable or PlatformUnauthorised."""
        if not self._settings.signing_secret.get_secret_value().strip():
            raise PlatformUnauthorised(
                "HTTP mode needs the signing secret.",
                remedy="Copy it from the app's Basic Information into platforms.slack.signing_secret.",
            )
        app = web.Application(client_max_size=BODY_LIMIT)

        async def answer(request: web.Request) -> web.Response:
            return await self._answer(request, link)

        app.router.add_post(self._settings.http.path, answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await self._listen(runner)
            link.connected()
            await self._catch_up.begin(link)
            await self._look_after(link)
        finally:
            await self._catch_up.end()
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        place = self._settings.http
        try:
            await web.TCPSite(runner, place.host, place.port).start()
        except OSError as error:
            raise PlatformUnavailable(
                f"The listener cannot have {place.host}:{place.port}: {error.strerror}.",
                remedy="Choose another platforms.slack.http.port.",
            ) from None
        self.port = runner.addresses[0][1]

    async def _look_after(self, link: Link) -> None:
        """Ask Slack now and then whether the token still holds."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self._introduction.learn(self._api)
            except CallFailed as error:
                failure = platform_error(error)
                if isinstance(failure, PlatformUnauthorised):
                    raise failure from None
                # The listener hears all the same.
                link.degraded(failure.message)
            link.progress()

    async def _answer(self, request: web.Request, link: Link) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        if not self._signed(request, body):
            return web.Response(status=401)
        try:
            parcel = parcel_of(request.content_type, body)
        except ValueError:
            return web.Response(status=400)
        if parcel.kind == "url_verification":
            return web.json_response({"challenge": str(parcel.payload.get("challenge") or "")})
        try:
            await self._intake.take(link, [parcel])
        except StoreError as error:
            link.degraded(f"Messages wait at Slack: {error}")
            return web.Response(status=503)
        link.connected()
        return web.Response(status=200)

    def _signed(self, request: web.Request, body: bytes) -> bool:
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        given = request.headers.get("X-Slack-Signature", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= len("99999999999")):
            return False
        if abs(self._clock.now() / 1000 - int(stamp)) > WINDOW_SECONDS:
            return False
        secret = self._settings.signing_secret.get_secret_value().strip().encode()
        return hmac.compare_digest(signature(secret, stamp, body).encode(), given.encode("utf-8", "replace"))


def signature(secret: bytes, stamp: str, body: bytes) -> str:
    """Return the signature of a post."""
    return "v0=" + hmac.new(secret, f"v0:{stamp}:".encode() + body, sha256).hexdigest()


def parcel_of(content_type: str, body: bytes) -> Parcel:
    """Return what a post brings, by Socket Mode's name for it; raise ValueError for what is no post of Slack's."""
    if content_type == "application/json":
        payload = _object(body.decode())
        return Parcel(
            "url_verification" if payload.get("type") == "url_verification" else "events_api", payload
        )
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    if "payload" in form:
        return Parcel("interactive", _object(form["payload"]))
    return Parcel("slash_commands", form)


def _object(text: str) -> dict[str, Any]:
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("no object")  # noqa: TRY004 - to the caller it is one more unreadable text
    return body
