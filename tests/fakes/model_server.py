"""An OpenAI-compatible chat completions server on a loopback socket, with scripted replies and faults.

In a test::

    async with ModelServer() as server:
        server.script("first answer", calls("read_file", path="notes.txt"), "last answer")
        server.fault(rate_limited(retry_after=2))
        client = AsyncOpenAI(base_url=server.base_url, api_key=server.key)

A request meets a planned fault first, then the queue of scripted replies, then `server.respond`; when none has
anything to say it is answered "pong" and what the person said. Silence is `Hang()` of `tests.fakes.faults`.

For a subprocess: `python -m tests.fakes.model_server --port 0` prints its address as one JSON line;
`POST /control/script {"replies": [text or fields of Reply]}`, `POST /control/fault {"status", "body"?, "headers"?,
"times"?}`, `POST /control/requests` and `POST /control/reset` steer it.
"""

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from typing_extensions import override

from tests.fakes import faults
from tests.fakes.faults import Refuse
from tests.fakes.loopback import Loopback, run_alone
from tests.fakes.model_replies import Envelope, Json, Reply, ToolCall

KEY = "sk-fake-key-for-tests-on-loopback"
MODEL = "test-model"


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request as it arrived; `at` in monotonic seconds."""

    body: Json
    key: str
    at: float
    size: int

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body.get("model", ""))

    @property
    def stream(self) -> bool:
        """Whether the answer is to be streamed."""
        return bool(self.body.get("stream"))

    @property
    def messages(self) -> list[Json]:
        """The conversation."""
        return self.body.get("messages", [])

    @property
    def user_text(self) -> str:
        """What the person said last."""
        return next((t for t in reversed(self._texts("user")) if t), "")

    @property
    def system_text(self) -> str:
        """The instructions."""
        return "\n".join([*self._texts("system"), *self._texts("developer")])

    @property
    def transcript(self) -> str:
        """All texts of the conversation, for a look whether a secret is in it."""
        return json.dumps(self.messages, ensure_ascii=False)

    @property
    def tool_names(self) -> list[str]:
        """The tools on offer."""
        return [tool["function"]["name"] for tool in self.body.get("tools", [])]

    @property
    def tool_results(self) -> list[str]:
        """What the tools have answered so far."""
        return self._texts("tool")

    @property
    def images(self) -> list[str]:
        """The addresses (usually `data:`) of the pictures in the conversation."""
        parts = [p for m in self.messages if isinstance(m.get("content"), list) for p in m["content"]]
        return [part["image_url"]["url"] for part in parts if part.get("type") == "image_url"]

    def _texts(self, role: str) -> list[str]:
        return [text_of(m.get("content")) for m in self.messages if m.get("role") == role]


def text_of(content: Any) -> str:
    """Return the text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [] if isinstance(part, dict))


def api_error(status: int, message: str, code: str = "", retry_after: str | float | None = None) -> Refuse:
    """Return an error in OpenAI's form."""
    body = {"error": {"message": message, "type": code or "error", "param": None, "code": code or None}}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refuse(status, json.dumps(body).encode(), headers)


def rate_limited(retry_after: str | float | None = 1) -> Refuse:
    """Return a 429 with this Retry-After, or without one."""
    return api_error(429, "Rate limit reached for requests", "rate_limit_exceeded", retry_after)


def overloaded(status: int = 503, retry_after: str | float | None = None) -> Refuse:
    """Return a 5xx."""
    return api_error(status, "The server is overloaded", "server_error", retry_after)


def revoked_key() -> Refuse:
    """Return the 401 of a key that was revoked."""
    return api_error(401, "Incorrect API key provided: sk-fake***.", "invalid_api_key")


Respond = Callable[[ModelRequest], Reply | str | None]


def _echo(request: ModelRequest) -> Reply:
    return Reply(f"pong {request.user_text}")


class ModelServer(Loopback):
    """The server; `base_url` ends in `/v1`, `key` is the only key it accepts (None: any)."""

    def __init__(self, *, key: str | None = KEY) -> None:
        super().__init__()
        self.key = key
        self.models = [MODEL]
        self.requests: list[ModelRequest] = []
        self.answered = 0
        self.aborted = 0
        self.respond: Respond = lambda _request: None
        self._script: deque[Reply] = deque()
        self._ids = itertools.count(1)

    @property
    def base_url(self) -> str:
        """What the OpenAI SDK calls `base_url`."""
        return f"{self.root}/v1"

    @property
    def left(self) -> int:
        """How many scripted replies nobody has asked for yet."""
        return len(self._script)

    def script(self, *replies: Reply | str) -> None:
        """Queue replies, one for each request."""
        self._script.extend(_reply(reply) for reply in replies)

    def fault(
        self, fault: faults.Fault, *, times: int | None = 1, skip: int = 0, model: str = faults.ANY
    ) -> None:
        """Plan a fault for the next requests, for one model or for any."""
        self.faults.add(model, fault, times=times, skip=skip)

    @override
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the API, and beside it the control API."""
        router.add_post("/v1/chat/completions", self._chat)
        router.add_get("/v1/models", self._models)
        router.add_post("/control/{name}", self._control)

    def _stranger(self, request: web.Request) -> bool:
        return self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}"

    async def _models(self, request: web.Request) -> web.StreamResponse:
        refused = revoked_key() if self._stranger(request) else self.faults.take("models")

        async def listed() -> web.StreamResponse:
            known = [{"id": id, "object": "model", "created": 1, "owned_by": "tests"} for id in self.models]
            return web.json_response({"object": "list", "data": known})

        return await faults.answer(request, refused, listed)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        asked = ModelRequest(json.loads(raw), key, time.monotonic(), len(raw))
        self.requests.append(asked)
        self.changed()
        fault = revoked_key() if self._stranger(request) else self.faults.take(asked.model)
        try:
            return await faults.answer(request, fault, lambda: self._answer(request, asked))
        except (asyncio.CancelledError, ConnectionError):
            self.aborted += 1
            raise
        finally:
            self.changed()

    def _next_reply(self, asked: ModelRequest) -> Reply:
        if self._script:
            return self._script.popleft()
        return _reply(self.respond(asked) or _echo(asked))

    async def _answer(self, request: web.Request, asked: ModelRequest) -> web.StreamResponse:
        reply = self._next_reply(asked)
        await asyncio.sleep(reply.delay)
        options = asked.body.get("stream_options") or {}
        envelope = Envelope(
            f"chatcmpl-{next(self._ids)}",
            asked.model,
            int(time.time()),
            asked.size // 4,
            with_usage=bool(options.get("include_usage")),
        )
        send = _send_stream if asked.stream else _send_whole
        response = await send(request, envelope, reply)
        self.answered += 1
        return response

    async def _control(self, request: web.Request) -> web.Response:
        body: Json = await request.json() if request.body_exists else {}
        match request.match_info["name"]:
            case "script":
                self.script(*(_read_reply(reply) for reply in body["replies"]))
            case "fault":
                fault = Refuse(body["status"], body.get("body", "").encode(), body.get("headers", {}))
                self.fault(fault, times=body.get("times", 1))
            case "requests":
                return web.json_response([{"age": time.monotonic() - r.at, **r.body} for r in self.requests])
            case "reset":
                self._script.clear()
                self.faults.clear()
                self.requests.clear()
            case name:
                return web.json_response({"error": f"no control named {name}"}, status=404)
        return web.json_response({"left": self.left, "requests": len(self.requests)})


def _reply(reply: Reply | str) -> Reply:
    return Reply(reply) if isinstance(reply, str) else reply


def _read_reply(given: str | Json) -> Reply:
    if isinstance(given, str):
        return Reply(given)
    fields: Json = given | {"tools": tuple(ToolCall(**call) for call in given.get("tools", ()))}
    return Reply(**fields)


async def _send_whole(request: web.Request, envelope: Envelope, reply: Reply) -> web.StreamResponse:
    body = json.dumps(envelope.whole(reply)).encode()
    response = web.StreamResponse(
        headers={"Content-Type": "application/json", "Content-Length": str(len(body))}
    )
    await response.prepare(request)
    if reply.gate is not None:
        await reply.gate.wait()
    if reply.cut:
        await response.write(body[: len(body) // 2])
        return await faults.cut(request)
    await _write(response, body, reply.byte_pace)
    await response.write_eof()
    return response


async def _send_stream(request: web.Request, envelope: Envelope, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    for number, event in enumerate(envelope.events(reply)):
        if reply.gate is not None and number == reply.gate_after:
            await reply.gate.wait()
        if reply.cut and number == 1:
            await response.write(event[: len(event) // 2])
            return await faults.cut(request)
        await _write(response, event, reply.byte_pace)
        if reply.pace:
            await asyncio.sleep(reply.pace)
    await response.write_eof()
    return response


async def _write(response: web.StreamResponse, data: bytes, byte_pace: float) -> None:
    if not byte_pace:
        await response.write(data)
        return
    for position in range(len(data)):
        await response.write(data[position : position + 1])
        await asyncio.sleep(byte_pace)


if __name__ == "__main__":
    alone = ModelServer()
    run_alone(
        alone,
        "A chat completions server",
        lambda: {"base_url": alone.base_url, "key": alone.key, "model": MODEL},
    )
