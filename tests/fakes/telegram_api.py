"""The Bot API over HTTP: tokens, parameters, faults, long polls, downloads, and the record of calls."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web
from typing_extensions import override

from tests.fakes import faults, telegram_chats, telegram_sending
from tests.fakes.telegram_params import Params, Upload, read_params
from tests.fakes.telegram_people import People
from tests.fakes.telegram_world import ApiError, Json, Message, World

TOKEN = "4242:AAHfake-token-for-tests-on-loopback_0123456"
TOKEN_FORM = re.compile(r"\d+:[\w-]{30,}")
METHODS = telegram_sending.METHODS | telegram_chats.METHODS


@dataclass(slots=True)
class Call:
    """One call of the bot: what it asked for, when (monotonic seconds), and what it was answered."""

    method: str
    params: Json
    files: dict[str, Upload]
    at: float
    status: int = 0
    result: Any = None
    error: str = ""
    raw: Params = field(default_factory=lambda: Params({}))


def flood(retry_after: float | str | None = 1) -> faults.Refuse:
    """Return a 429 with this `retry_after`, without one, or with a text that is no number."""
    parameters = {} if retry_after is None else {"parameters": {"retry_after": retry_after}}
    suffix = "" if retry_after is None else f": retry after {retry_after}"
    body = {"ok": False, "error_code": 429, "description": f"Too Many Requests{suffix}", **parameters}
    return faults.Refuse(429, json.dumps(body).encode())


def refusal(status: int, description: str) -> faults.Refuse:
    """Return any other error in the Bot API's form."""
    body = {"ok": False, "error_code": status, "description": description}
    return faults.Refuse(status, json.dumps(body).encode())


class TelegramApi(People):
    """The server, its people and its record of what the bot did."""

    def __init__(
        self, *, token: str = TOKEN, topics_in_dms: bool = False, username: str = "hermes_bot"
    ) -> None:
        super().__init__(World(username=username, topics_in_dms=topics_in_dms))
        self.token = token
        self._calls: list[Call] = []
        self._poster: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The root of the API, without a trailing slash."""
        return self.root

    @property
    def base_url(self) -> str:
        """What python-telegram-bot calls `base_url`."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """What python-telegram-bot calls `base_file_url`."""
        return f"{self.url}/file/bot"

    @override
    async def start(self, port: int = 0) -> Self:
        """Listen on loopback; 0 takes a free port."""
        await super().start(port)
        self._poster = asyncio.create_task(self.updates.post_for_ever())
        return self

    @override
    async def stop(self) -> None:
        """Close every connection, and post to no webhook any more."""
        if self._poster is not None:
            self._poster.cancel()
            await asyncio.wait([self._poster])
        await super().stop()

    async def wait_for_text(self, chat: int, text: str, *, within: float = 20.0) -> Message:
        """Return the bot's first message in a chat that contains `text`, now or soon."""

        def found() -> Message | None:
            return next((m for m in self.messages(chat) if text in m.text), None)

        message = await self.wait_for(found, within=within)
        assert message is not None
        return message

    def messages(self, chat: int, *, thread: int | None = None) -> list[Message]:
        """Return the bot's messages that can be seen in a chat (or one topic of it), oldest first."""
        seen = [m for m in self.history(chat) if m.from_bot and not m.deleted and (m.text or m.media)]
        return seen if thread is None else [m for m in seen if m.thread_id == thread]

    def history(self, chat: int) -> list[Message]:
        """Return everything ever said in a chat, deleted and service messages included."""
        return self.world.history.get(chat, [])

    def calls(self, method: str | None = None) -> list[Call]:
        """Return the bot's calls, of one method or of all but `getUpdates`."""
        if method is None:
            return [call for call in self._calls if call.method != "getUpdates"]
        return [call for call in self._calls if call.method == method]

    def drafts(self, chat: int) -> list[str]:
        """Return the texts streamed into a private chat with sendMessageDraft, oldest first."""
        sent = self.calls("sendMessageDraft")
        return [call.raw.text("text") for call in sent if call.status == 200 and call.raw.chat_id() == chat]

    def fault(
        self,
        method: str,
        fault: faults.Fault,
        *,
        times: int | None = 1,
        skip: int = 0,
        chat: int | None = None,
    ) -> None:
        """Plan a fault for the next calls of a method (`*`: any), in one chat or in all."""

        def concerns(call: Call) -> bool:
            return chat is None or call.raw.text("chat_id") == str(chat)

        self.faults.add(method, fault, times=times, skip=skip, where=concerns)

    @override
    def summary(self) -> str:
        """Say in one line what the server has seen, for the message of a failed test."""
        last = [f"{c.method}={c.status}{' ' + c.error if c.error else ''}" for c in self._calls[-8:]]
        return f"pending updates {len(self.updates.pending)}, polls {self.updates.polls}, last calls {last}"

    @override
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the Bot API and its files."""
        router.add_get("/file/bot{token}/{path:.+}", self._download)
        router.add_route("*", "/bot{token}/{method}", self._api)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        problem = self._token_problem(request.match_info["token"])
        if problem is not None:
            return web.json_response(problem.wire(), status=problem.code)
        params = await read_params(request)
        call = Call(
            request.match_info["method"], params.decoded(), dict(params.files), time.monotonic(), raw=params
        )
        self._calls.append(call)
        return await self.carry_out(request, call.method, call, lambda: self._carried_out(call, params))

    def _token_problem(self, token: str) -> ApiError | None:
        if token == self.token:
            return None
        return ApiError(401, "Unauthorized") if TOKEN_FORM.fullmatch(token) else ApiError(404, "Not Found")

    async def _carried_out(self, call: Call, params: Params) -> web.StreamResponse:
        try:
            call.result = await self._result(call.method, params)
            call.status = 200
            return web.json_response({"ok": True, "result": call.result})
        except ApiError as error:
            call.status, call.error = error.code, error.description
            return web.json_response(error.wire(), status=error.code)
        finally:
            self.changed()

    async def _result(self, method: str, params: Params) -> Any:
        if method == "getUpdates":
            self.updates.allow(params.value("allowed_updates"))
            offset, limit = params.integer("offset") or 0, params.integer("limit") or 100
            return await self.updates.poll(offset, limit, float(params.text("timeout", "0") or 0))
        if method in telegram_chats.QUEUE_METHODS:
            return telegram_chats.QUEUE_METHODS[method](self.updates, params)
        if method not in METHODS:
            raise ApiError(404, "Not Found: method not found")
        return METHODS[method](self.world, params)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        problem = self._token_problem(request.match_info["token"])
        if problem is not None:
            return web.json_response(problem.wire(), status=problem.code)
        path = request.match_info["path"]
        stored = next((f for f in self.world.files.values() if f.path == path), None)
        if stored is None:
            return web.json_response(ApiError(404, "Not Found").wire(), status=404)

        async def send() -> web.StreamResponse:
            return web.Response(body=stored.data, content_type=stored.mime)

        return await faults.answer(request, self.faults.take("download"), send)
