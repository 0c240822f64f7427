"""What goes where: slack-bolt verifies each request and finds its listener, which commits before it acknowledges."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.request.payload_utils import is_event
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from gateway.platforms.slack import convert
from gateway.platforms.slack.assistant import Assistant
from gateway.platforms.slack.blocks import FORM
from gateway.platforms.slack.intake import Parcel, Read, unreadable
from gateway.platforms.slack.introduction import Introduction
from gateway.platforms.slack.replies import Replies
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import BOLT

# Bolt gives the logger of listeners its own level, so that the name must be nobody else's.
NAME = "slack_bolt.hermes"
ENTRY = "hermes_entry"
OURS = re.compile(r"^hermes\.")
ANY = re.compile("")
OK, UNAUTHORISED, FAILED = 200, 401, 500

Commit = Callable[[Sequence[Parcel]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Batch:
    """Requests that are committed together; ``open`` counts those whose listener is not found yet."""

    open: int
    parcels: dict[int, Parcel] = field(default_factory=dict)
    routed: asyncio.Event = field(default_factory=asyncio.Event)
    committed: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self) -> None:
        """Hear that one more request needs no further search."""
        self.open -= 1
        if not self.open:
            self.routed.set()

    @property
    def in_order(self) -> list[Parcel]:
        """What is to be committed, in the order it came."""
        return [parcel for _, parcel in sorted(self.parcels.items())]


@dataclass(slots=True, eq=False)
class Entry:
    """One request's place in its batch; ``admitted`` says that its signature holds."""

    batch: Batch
    number: int
    admitted: bool = False
    handed_in: bool = False
    failure: Exception | None = None

    async def hand_in(self, parcel: Parcel) -> None:
        """Return once the parcel is committed; a commit that fails cancels whoever waits here."""
        self.handed_in = True
        self.batch.parcels[self.number] = parcel
        self.batch.settle()
        await self.batch.committed.wait()


class Known(AsyncAuthorize):
    """The one installation: what ``auth.test`` said when the run began, on every workspace of an organisation."""

    def __init__(self, introduction: Introduction) -> None:
        super().__init__()
        self._introduction = introduction

    async def __call__(self, *, enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult:
        """Return who the app is; nothing is asked."""
        me = self._introduction.me
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_id=me.bot or None, bot_user_id=me.user or None
        )


class Admission(AsyncMiddleware):
    """Stands behind the verification and notes that a request passed it."""

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - bolt's names
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002
    ) -> BoltResponse | None:
        """Let the request pass."""
        req.context[ENTRY].admitted = True
        return await next()


class Routes:
    """The app as bolt knows it, with our listeners."""

    def __init__(
        self, settings: SlackSettings, introduction: Introduction, assistant: Assistant, replies: Replies
    ) -> None:
        self._assistant = assistant
        self._replies = replies
        self._app = AsyncApp(
            name=NAME,
            logger=logging.getLogger(BOLT),
            client=AsyncWebClient(base_url=f"{settings.api_base}/", retry_handlers=[]),
            signing_secret=settings.signing_secret.get_secret_value().strip(),
            before_authorize=Admission(),
            authorize=Known(introduction),
            process_before_response=True,
            raise_error_for_unhandled_request=True,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        self._listen()

    def _listen(self) -> None:
        """Register the listeners, the most frequent first.

        Bolt's assistant middleware is left out: it acknowledges edits and deletions in every thread of a direct
        message, where they would be lost.
        """
        app = self._app
        app.event("message")(self._said)
        app.event("app_mention")(self._said)
        app.action(OURS)(self._pressed)
        app.view(FORM)(self._filled)
        app.command(ANY)(self._commanded)
        app.event("assistant_thread_started")(self._begun)
        app.error(_note)

    async def dispatch(self, requests: Sequence[AsyncBoltRequest], commit: Commit) -> list[BoltResponse]:
        """Route requests, commit what they bring in their order, and return their answers.

        Raises what ``commit`` raises; then nothing of the batch is acknowledged.
        """
        batch = Batch(len(requests))
        running = [
            asyncio.ensure_future(self._one(request, Entry(batch, number)))
            for number, request in enumerate(requests)
        ]
        try:
            await batch.routed.wait()
            if batch.parcels:
                await commit(batch.in_order)
            batch.committed.set()
            return await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _one(self, request: AsyncBoltRequest, entry: Entry) -> BoltResponse:
        request.context[ENTRY] = entry
        try:
            response = await self._app.async_dispatch(request)
        except Exception as error:  # noqa: BLE001 - a malformed payload breaks any line of bolt's, and must break no other
            response, entry.failure = BoltResponse(status=FAILED), error
        if entry.failure is not None:
            response = await self._answer(request, entry, entry.failure)
        if not entry.handed_in:
            entry.batch.settle()
        return response

    async def _answer(self, request: AsyncBoltRequest, entry: Entry, failure: Exception) -> BoltResponse:
        """Answer what reached no listener: what is none of ours is let go, what cannot be read is kept."""
        if entry.handed_in:
            # What is committed is ours, whatever failed behind it.
            return BoltResponse(status=OK)
        if not entry.admitted:
            return BoltResponse(status=UNAUTHORISED)
        if not (isinstance(failure, BoltUnhandledRequestError) and _whole(request.body)):
            await entry.hand_in(Parcel(unreadable, request.body))
        return BoltResponse(status=OK)

    async def _take(self, context: AsyncBoltContext, ack: AsyncAck, read: Read, body: dict[str, Any]) -> None:
        await context[ENTRY].hand_in(Parcel(read, body))
        await ack()

    async def _said(self, context: AsyncBoltContext, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._take(context, ack, convert.happening, body)
        self._assistant.said(body["event"])

    async def _pressed(self, context: AsyncBoltContext, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._take(context, ack, convert.pressed, body)

    async def _filled(self, context: AsyncBoltContext, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._take(context, ack, convert.filled, body)

    async def _commanded(self, context: AsyncBoltContext, ack: AsyncAck, body: dict[str, Any]) -> None:
        # Before the commit, for the answer may be ready before this listener runs on.
        self._replies.note(str(body.get("channel_id") or ""), str(body.get("response_url") or ""))
        await self._take(context, ack, convert.command, body)

    async def _begun(self, ack: AsyncAck, event: dict[str, Any]) -> None:
        self._assistant.begun(event)
        await ack()


def _whole(body: dict[str, Any]) -> bool:
    """Tell whether a body has the form of something that Slack sends."""
    return is_event(body) if body.get("type") == "event_callback" else isinstance(body.get("type"), str)


async def _note(error: Exception, context: AsyncBoltContext) -> BoltResponse:
    """Keep why a request found no listener, or why its listener failed."""
    context[ENTRY].failure = error
    return BoltResponse(status=FAILED)
