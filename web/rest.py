"""The operations as REST: each at its method and path below ``/api/hermes``."""

from collections.abc import Sequence

from starlette.responses import Response

from kernel.specs import Operation
from web.bodies import answer, parse, query, read_json
from web.room import Call, Endpoint

PREFIX = "/api/hermes"


def endpoints(operations: Sequence[Operation]) -> list[Endpoint]:
    """Return the REST form of every operation."""
    return [endpoint(operation) for operation in operations]


def endpoint(operation: Operation) -> Endpoint:
    """Return the REST form of one operation: path, query and body together are its input."""

    async def run(call: Call) -> Response:
        request = call.request
        given = query(request, operation.input) if operation.method == "GET" else await read_json(request)
        value = parse(operation.input, {**given, **request.path_params})
        return answer(operation.output, await operation.run(call.visitor.principal, value))

    return Endpoint(
        operation.method,
        PREFIX + operation.path,
        operation.name,
        operation.summary,
        operation.scope,
        run,
        operation.input,
        operation.output,
    )
