"""HTTP mode: a small listener behind a reverse proxy, which answers 200 only after the commit."""

import asyncio
from collections.abc import Sequence

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

from gateway.adapter import Link
from gateway.platforms.slack.catchup import CatchUp
from gateway.platforms.slack.failures import platform_error
from gateway.platforms.slack.intake import Intake, Parcel
from gateway.platforms.slack.introduction import Introduction
from gateway.platforms.slack.routes import Routes
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api, CallFailed
from kernel.errors import PlatformUnauthorised, PlatformUnavailable, StoreError

BODY_LIMIT = 4 * 1024 * 1024
CHECK_SECONDS = 60.0
OK = 200


class HttpMode:
    """Receives events, buttons, forms and slash commands as signed posts, which bolt verifies.

    Slack posts again what was not answered in three seconds, with ``X-Slack-Retry-Num``; it has the same keys, so
    that it is stored once.
    """

    def __init__(
        self,
        settings: SlackSettings,
        api: Api,
        routes: Routes,
        intake: Intake,
        catch_up: CatchUp,
        introduction: Introduction,
    ) -> None:
        self._settings = settings
        self._api = api
        self._routes = routes
        self._intake = intake
        self._catch_up = catch_up
        self._introduction = introduction
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
            # What is older is committed first; Slack posts again what finds nobody meanwhile.
            await self._catch_up.begin(link)
            await self._listen(runner)
            link.connected()
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
        async def commit(parcels: Sequence[Parcel]) -> None:
            await self._intake.take(link, parcels)

        try:
            post = await to_bolt_request(request)
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        except (ValueError, LookupError, AttributeError, TypeError):
            # Bolt takes for granted that a body can be decoded and is an object.
            return web.Response(status=400)
        try:
            (answer,) = await self._routes.dispatch([post], commit)
        except StoreError as error:
            link.degraded(f"Messages wait at Slack: {error}")
            return web.Response(status=503)
        if answer.status == OK:
            link.connected()
        return await to_aiohttp_response(answer)
